//! Signatures, time, authorities, lengths, usages, extensions, ways.

use eseal_pki::Suite;

use super::{Case, bad, good};
use crate::forge::{
    DAY, Draft, Party, algorithm, authority, basic, draft, extension, oid, plain, seq, signer, tlv, usage, usages,
};

const MAIL: &str = "1.3.6.1.5.5.7.3.4";
const STAMPS: &str = "1.3.6.1.5.5.7.3.8";

/// A root, an authority below it, a signer below that one.
struct World {
    root: Party,
    middle: Party,
    leaf: Party,
}

impl World {
    fn of(suites: [Suite; 3]) -> Self {
        let [root, middle, leaf] = ["root", "middle", "leaf"].map(plain);
        Self {
            root: Party::with(suites[0], root),
            middle: Party::with(suites[1], middle),
            leaf: Party::with(suites[2], leaf),
        }
    }

    fn new() -> Self {
        Self::of([Suite::EcdsaP256Sha256; 3])
    }

    fn root(&self, extensions: &[Vec<u8>]) -> Vec<u8> {
        draft(&self.root, extensions).sign(&self.root)
    }

    fn middle(&self, extensions: &[Vec<u8>]) -> Vec<u8> {
        draft(&self.middle, extensions).sign(&self.root)
    }

    fn leaf(&self, extensions: &[Vec<u8>]) -> Vec<u8> {
        draft(&self.leaf, extensions).sign(&self.middle)
    }

    /// The three as they should be.
    fn right(&self) -> [Vec<u8>; 3] {
        [self.leaf(&signer()), self.middle(&authority(None)), self.root(&authority(None))]
    }
}

pub(super) fn cases() -> Vec<Case> {
    [suites(), time(), signatures(), authorities(), lengths(), extensions(), key_usages(), ways()]
        .into_iter()
        .flatten()
        .collect()
}

fn suites() -> Vec<Case> {
    use Suite::{EcdsaP256Sha256 as P256, EcdsaP384Sha384 as P384, RsaSha256 as Rsa};
    let all = [
        ("P-256", [P256; 3]),
        ("P-384", [P384; 3]),
        ("RSA", [Rsa; 3]),
        ("RSA over P-384 over P-256", [Rsa, P384, P256]),
        ("P-256 over RSA over P-384", [P256, Rsa, P384]),
    ];
    let chain = |(name, suites)| {
        let [leaf, middle, root] = World::of(suites).right();
        good(name, leaf, &[middle], &root)
    };
    all.map(chain).into()
}

fn time() -> Vec<Case> {
    let world = World::new();
    let [leaf, middle, root] = world.right();
    let valid = |draft: Draft, issuer: &Party, from: i64, until: i64| draft.valid(from, until).sign(issuer);
    let of_leaf = |from, until| valid(draft(&world.leaf, &signer()), &world.middle, from, until);
    let of_middle = |from, until| valid(draft(&world.middle, &authority(None)), &world.root, from, until);
    let of_root = |from, until| valid(draft(&world.root, &authority(None)), &world.root, from, until);
    let pool = std::slice::from_ref(&middle);
    vec![
        bad("an expired signer", of_leaf(-DAY, -1), pool, &root),
        bad("a signer of tomorrow", of_leaf(1, DAY), pool, &root),
        good("a signer of this second", of_leaf(0, DAY), pool, &root),
        bad("an expired authority", leaf.clone(), &[of_middle(-DAY, -1)], &root),
        bad("an authority of tomorrow", leaf.clone(), &[of_middle(1, DAY)], &root),
        bad("an expired root", leaf.clone(), pool, &of_root(-DAY, -1)),
        good("a renewed authority beside the expired one", leaf, &[of_middle(-DAY, -1), middle.clone()], &root),
    ]
}

fn signatures() -> Vec<Case> {
    let world = World::new();
    let [leaf, middle, root] = world.right();
    let flipped = |der: &[u8]| {
        let mut der = der.to_vec();
        if let Some(last) = der.last_mut() {
            *last ^= 1;
        }
        der
    };
    let namesake = draft(&world.middle.rekeyed(), &authority(None)).sign(&world.root);
    let impostor = world.root.rekeyed();
    let other = Party::new("other");
    let pool = std::slice::from_ref(&middle);
    let key = &world.middle.key;
    let with_null = seq(&[oid("1.2.840.10045.4.3.2"), tlv(5, &[])]);
    let sha384 = seq(&[oid("1.2.840.10045.4.3.3")]);
    let mixed = draft(&world.leaf, &signer()).with_algorithms(algorithm(key), sha384);
    let unknown = draft(&world.leaf, &signer()).with_algorithms(seq(&[oid("1.2.3.4")]), seq(&[oid("1.2.3.4")]));
    let null = draft(&world.leaf, &signer()).with_algorithms(with_null.clone(), with_null);
    vec![
        bad("a changed signer", flipped(&leaf), pool, &root),
        bad("a changed authority", leaf.clone(), &[flipped(&middle)], &root),
        bad("an authority's name with another key", leaf.clone(), std::slice::from_ref(&namesake), &root),
        good("an authority beside a namesake", leaf.clone(), &[namesake, middle.clone()], &root),
        bad("no authority", leaf.clone(), &[], &root),
        bad("another root", leaf.clone(), pool, &draft(&other, &authority(None)).sign(&other)),
        bad("a root's name with another key", leaf.clone(), pool, &draft(&impostor, &authority(None)).sign(&impostor)),
        bad(
            "a root that only the signer brings",
            leaf,
            &[middle.clone(), root.clone()],
            &draft(&other, &authority(None)).sign(&other),
        ),
        bad("two signature algorithms", mixed.sign(&world.middle), pool, &root),
        bad("an unknown signature algorithm", unknown.sign(&world.middle), pool, &root),
        good("ECDSA with the parameters NULL", null.sign(&world.middle), pool, &root).lax(),
    ]
}

fn authorities() -> Vec<Case> {
    let world = World::new();
    let [leaf, middle, root] = world.right();
    let under = |name, extensions: &[Vec<u8>]| bad(name, leaf.clone(), &[world.middle(extensions)], &root).lax();
    let pool = std::slice::from_ref(&middle);
    vec![
        under("an authority without basicConstraints", &[usage(0x06)]),
        under("an authority that says it is none", &[basic(false, None), usage(0x06)]),
        under("an authority whose key may not certify", &[basic(true, None), usage(0x02)]),
        under("a signer as an authority", &signer()),
        bad("a root whose key may not certify", leaf.clone(), pool, &world.root(&[basic(true, None), usage(0x02)]))
            .lax(),
        good("a root without keyUsage", leaf.clone(), pool, &world.root(&[basic(true, None)])).lax(),
        good("an authority without keyUsage", leaf, &[world.middle(&[basic(true, None)])], &root).lax(),
        good("a signer without extensions", world.leaf(&[]), pool, &root),
    ]
}

fn lengths() -> Vec<Case> {
    let world = World::new();
    let [leaf, middle, root] = world.right();
    let pool = std::slice::from_ref(&middle);
    let narrow = world.middle(&authority(Some(0)));
    let below = Party::new("below");
    let lower = draft(&below, &authority(None)).sign(&world.middle);
    let lower_leaf = draft(&world.leaf, &signer()).sign(&below);
    let again = world.middle.rekeyed();
    let carried = draft(&again, &authority(None)).sign(&world.middle);
    let carried_leaf = draft(&world.leaf, &signer()).sign(&again);
    let under_narrow_root = draft(&world.leaf, &authority(None)).sign(&world.root);
    let chain_of = |length: usize| {
        let parties: Vec<_> = (0..length).map(|number| Party::new(&format!("number {number}"))).collect();
        let top = draft(&parties[0], &authority(None)).sign(&parties[0]);
        let mut pool: Vec<_> =
            parties.windows(2).map(|pair| draft(&pair[1], &authority(None)).sign(&pair[0])).collect();
        (pool.pop().expect("a leaf"), pool, top)
    };
    let (ten, eleven) = (chain_of(10), chain_of(11));
    vec![
        bad("length 0 at the root above an authority", leaf.clone(), pool, &world.root(&authority(Some(0)))),
        good("length 1 at the root above an authority", leaf.clone(), pool, &world.root(&authority(Some(1)))),
        good("length 0 at an authority above a signer", leaf, std::slice::from_ref(&narrow), &root),
        bad("length 0 at an authority above another", lower_leaf.clone(), &[narrow.clone(), lower.clone()], &root),
        good("an authority above another", lower_leaf.clone(), &[middle.clone(), lower.clone()], &root),
        bad(
            "length 1 at the root above two authorities",
            lower_leaf,
            &[middle.clone(), lower],
            &world.root(&authority(Some(1))),
        ),
        good("length 0 above a new key of the same name", carried_leaf, &[narrow, carried], &root),
        good(
            "length 0 at the root above an authority as the last",
            under_narrow_root,
            &[],
            &world.root(&authority(Some(0))),
        ),
        good("a chain of ten", ten.0, &ten.1, &ten.2),
        bad("a chain of eleven", eleven.0, &eleven.1, &eleven.2),
    ]
}

fn extensions() -> Vec<Case> {
    let world = World::new();
    let [leaf, middle, root] = world.right();
    let pool = std::slice::from_ref(&middle);
    let odd = |critical| extension("1.2.3.4.5", critical, &tlv(5, &[]));
    let with = |own: Vec<Vec<u8>>, one: Vec<u8>| [own, vec![one]].concat();
    let huge = extension("1.2.3.4.5", false, &vec![0; 1_000_000]);
    let wrong_key = draft(&world.leaf, &signer()).with_authority_key(&[7; 20]).sign(&world.middle);
    vec![
        bad("an unknown critical extension of a signer", world.leaf(&with(signer(), odd(true))), pool, &root),
        bad(
            "an unknown critical extension of an authority",
            leaf.clone(),
            &[world.middle(&with(authority(None), odd(true)))],
            &root,
        ),
        bad(
            "an unknown critical extension of a root",
            leaf.clone(),
            pool,
            &world.root(&with(authority(None), odd(true))),
        ),
        good("an unknown extension", world.leaf(&with(signer(), odd(false))), pool, &root),
        bad("an extension that comes twice", world.leaf(&with(signer(), usage(0x80))), pool, &root),
        bad("a certificate of a megabyte", world.leaf(&with(signer(), huge)), pool, &root),
        good("an authority key identifier of another key", wrong_key, pool, &root),
    ]
}

fn key_usages() -> Vec<Case> {
    let world = World::new();
    let [_, middle, root] = world.right();
    let with = |own: Vec<Vec<u8>>, list: &[&str]| [own, vec![usages(list)]].concat();
    let leaf = |list: &[&str]| world.leaf(&with(signer(), list));
    let limited = |list: &[&str]| world.middle(&with(authority(None), list));
    let pool = std::slice::from_ref(&middle);
    vec![
        good("a usage that is listed", leaf(&[MAIL]), pool, &root).for_mail(),
        bad("a usage that is not listed", leaf(&[STAMPS]), pool, &root).for_mail(),
        good("a usage that the authority lists too", leaf(&[MAIL]), &[limited(&[STAMPS, MAIL])], &root).for_mail(),
        bad("a usage that the authority does not list", leaf(&[MAIL]), &[limited(&[STAMPS])], &root).for_mail(),
    ]
}

fn ways() -> Vec<Case> {
    let [a, b, leaf] = ["a", "b", "leaf"].map(Party::new);
    let own = |party: &Party| draft(party, &authority(None)).sign(party);
    let cross = |party: &Party, by: &Party| draft(party, &authority(None)).serial(9).sign(by);
    let signed = draft(&leaf, &signer()).sign(&a);
    let elsewhere = Party::new("elsewhere");
    let narrow = draft(&a, &[basic(true, None), usage(0x02)]).serial(8).sign(&b);
    vec![
        good("a root that another certifies too", signed.clone(), &[cross(&a, &b)], &own(&a)),
        good("a root over a cross certificate", signed.clone(), &[own(&a), cross(&a, &b)], &own(&b))
            .trusting_too(&own(&elsewhere)),
        bad("two that certify each other", signed.clone(), &[cross(&a, &b), cross(&b, &a)], &own(&elsewhere)),
        good("two that certify each other, below a root", signed.clone(), &[cross(&b, &a), cross(&a, &b)], &own(&b)),
        bad("the one way has an authority whose key may not certify", signed, &[narrow], &own(&b)).lax(),
    ]
}
