use std::time::Duration;

use super::*;
use crate::asn1::{tag, writer};
use crate::crl::{self, Revocation, RevocationReason};
use crate::extensions::{self, KeyUsage};
use crate::oid::Oid;
use crate::template::{self, Template};
use crate::{SigningKey, Subject, Suite};

/// Everything is valid from here to `END`, unless a test says otherwise.
const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const END: Timestamp = Timestamp::from_seconds(1_900_000_000);

/// A name with a key.
struct Party {
    name: Vec<u8>,
    key: SigningKey,
}

impl Party {
    fn new(suite: Suite, name: &str) -> Self {
        let name = Subject::named(name).to_der().expect("a name");
        Self { name, key: SigningKey::generate(suite).expect("a key") }
    }

    /// A certificate for this party, signed by `issuer`.
    fn certified(&self, issuer: &Self, extensions: Vec<Vec<u8>>) -> Certificate {
        self.certified_for((START, END), issuer, extensions)
    }

    fn certified_for(&self, times: (Timestamp, Timestamp), issuer: &Self, extensions: Vec<Vec<u8>>) -> Certificate {
        let key = self.key.public_key();
        let template = Template {
            serial: key.identifier(),
            issuer: &issuer.name,
            subject: &self.name,
            not_before: times.0,
            not_after: times.1,
            key: &key,
            extensions,
        };
        let der = template.sign(&issuer.key).expect("a signature");
        Certificate::from_der(&der).expect("a certificate")
    }
}

fn party(name: &str) -> Party {
    Party::new(Suite::EcdsaP256Sha256, name)
}

fn ca(path_length: Option<u32>) -> Vec<Vec<u8>> {
    let usage = KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN);
    vec![template::basic_constraints(Some(path_length)), template::key_usage(usage)]
}

fn signing() -> Vec<Vec<u8>> {
    vec![template::key_usage(KeyUsage::DIGITAL_SIGNATURE)]
}

fn trust(root: &Certificate) -> TrustStore {
    TrustStore::new(vec![root.clone()])
}

/// A root, a CA below it and a signer below that one.
struct Three {
    root: Certificate,
    middle: Certificate,
    leaf: Certificate,
    middle_party: Party,
    root_party: Party,
}

fn three(suite: Suite) -> Three {
    let [root, middle, leaf] = ["root", "middle", "leaf"].map(|name| Party::new(suite, name));
    Three {
        root: root.certified(&root, ca(None)),
        middle: middle.certified(&root, ca(None)),
        leaf: leaf.certified(&middle, signing()),
        middle_party: middle,
        root_party: root,
    }
}

fn chain_of(three: &Three) -> Chain {
    build(&three.leaf, std::slice::from_ref(&three.middle), &trust(&three.root)).expect("a chain")
}

#[test]
fn a_chain_leads_from_the_leaf_over_the_pool_to_a_trusted_root() {
    for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
        let three = three(suite);
        assert_eq!(chain_of(&three).certificates(), [three.leaf, three.middle, three.root]);
    }
}

#[test]
fn a_missing_issuer_is_named() {
    let Three { root, leaf, .. } = three(Suite::EcdsaP256Sha256);
    assert_eq!(build(&leaf, &[], &trust(&root)), Err(ChainError::NoPath { issuer: "CN=middle, C=CN".to_owned() }));
}

#[test]
fn a_root_that_only_the_signer_brings_along_is_not_trusted() {
    let Three { root, middle, leaf, .. } = three(Suite::EcdsaP256Sha256);
    let mine = party("mine");
    let found = build(&leaf, &[middle, root], &trust(&mine.certified(&mine, ca(None))));
    assert_eq!(found, Err(ChainError::NotTrusted { root: "CN=root, C=CN".to_owned() }));
}

#[test]
fn a_trusted_name_with_another_key_is_no_issuer() {
    let Three { middle, leaf, .. } = three(Suite::EcdsaP256Sha256);
    let impostor = party("root");
    let found = build(&leaf, &[middle], &trust(&impostor.certified(&impostor, ca(None))));
    assert_eq!(found, Err(ChainError::BadSignature { subject: "CN=middle, C=CN".to_owned() }));
}

#[test]
fn of_two_issuers_with_one_name_the_one_that_signed_is_found() {
    let Three { root, middle, leaf, root_party, .. } = three(Suite::EcdsaP256Sha256);
    let namesake = party("middle").certified(&root_party, ca(None));
    let chain = build(&leaf, &[namesake, middle.clone()], &trust(&root)).expect("a chain");
    assert_eq!(chain.certificates()[1], middle);
}

#[test]
fn a_signer_certificate_issues_nothing() {
    let Three { root, middle, root_party, .. } = three(Suite::EcdsaP256Sha256);
    let [holder, victim] = ["holder", "victim"].map(party);
    let forged = victim.certified(&holder, signing());
    for extensions in [signing(), vec![template::basic_constraints(None)], vec![]] {
        let holder = holder.certified(&root_party, extensions);
        let found = build(&forged, &[holder, middle.clone()], &trust(&root));
        assert_eq!(found, Err(ChainError::NotCa { subject: "CN=holder, C=CN".to_owned() }));
    }
}

#[test]
fn a_ca_without_the_usage_for_certificates_issues_nothing() {
    let Three { root, root_party, .. } = three(Suite::EcdsaP256Sha256);
    let [middle, leaf] = ["middle", "leaf"].map(party);
    let extensions = vec![template::basic_constraints(Some(None)), template::key_usage(KeyUsage::CRL_SIGN)];
    let found = build(&leaf.certified(&middle, signing()), &[middle.certified(&root_party, extensions)], &trust(&root));
    assert_eq!(found, Err(ChainError::KeyUsage { subject: "CN=middle, C=CN".to_owned() }));
}

#[test]
fn a_path_length_of_zero_allows_leaves_only() {
    let [root, middle, leaf] = ["root", "middle", "leaf"].map(party);
    let narrow = root.certified(&root, ca(Some(0)));
    assert!(build(&leaf.certified(&root, signing()), &[], &trust(&narrow)).is_ok());
    let found = build(&leaf.certified(&middle, signing()), &[middle.certified(&root, ca(None))], &trust(&narrow));
    assert_eq!(found, Err(ChainError::PathTooLong { subject: "CN=root, C=CN".to_owned() }));
}

#[test]
fn ten_certificates_are_a_chain_and_eleven_are_not() {
    for (length, accepted) in [(10, true), (11, false)] {
        let parties: Vec<_> = (0..length).map(|i| party(&format!("number {i}"))).collect();
        let root = parties[0].certified(&parties[0], ca(None));
        let mut pool: Vec<_> = parties.windows(2).map(|pair| pair[1].certified(&pair[0], ca(None))).collect();
        let leaf = pool.pop().expect("a leaf");
        let found = build(&leaf, &pool, &trust(&root));
        assert_eq!(found.is_ok(), accepted, "{length}");
        if let Err(error) = found {
            assert!(matches!(error, ChainError::PathTooLong { .. }), "{error}");
        }
    }
}

#[test]
fn an_unknown_critical_extension_refuses_the_certificate_that_has_it() {
    let Three { root, root_party, .. } = three(Suite::EcdsaP256Sha256);
    let [middle, leaf] = ["middle", "leaf"].map(party);
    let odd = extensions::write(&Oid::literal("2.5.29.9"), true, &[0x30, 0]);
    let refused = |subject: &str| {
        Err(ChainError::UnknownCritical { subject: format!("CN={subject}, C=CN"), extension: "2.5.29.9".to_owned() })
    };

    let with_odd = [signing(), vec![odd.clone()]].concat();
    assert_eq!(build(&leaf.certified(&root_party, with_odd), &[], &trust(&root)), refused("leaf"));
    let with_odd = [ca(None), vec![odd]].concat();
    let pool = [middle.certified(&root_party, with_odd)];
    assert_eq!(build(&leaf.certified(&middle, signing()), &pool, &trust(&root)), refused("middle"));
}

#[test]
fn a_certificate_that_is_itself_trusted_needs_no_issuer() {
    let Three { leaf, .. } = three(Suite::EcdsaP256Sha256);
    assert_eq!(build(&leaf, &[], &trust(&leaf)).expect("a chain").certificates(), [leaf]);
}

#[test]
fn certificates_that_issue_each_other_come_to_an_end() {
    let [a, b, leaf] = ["a", "b", "leaf"].map(party);
    let pool = [a.certified(&b, ca(None)), b.certified(&a, ca(None))];
    let found = build(&leaf.certified(&a, signing()), &pool, &TrustStore::default());
    assert!(matches!(found, Err(ChainError::NoPath { .. })), "{found:?}");
}

/// An authority that is certified several times over.
fn variants(party: &Party, issuer: &Party, count: u16) -> Vec<Certificate> {
    let usage = |i: u16| vec![template::basic_constraints(Some(None)), template::key_usage(KeyUsage(0x0400 | i << 2))];
    (0..count).map(|i| party.certified(issuer, usage(i))).collect()
}

#[test]
fn a_pool_full_of_ways_costs_a_bounded_number_of_checks() {
    let layers: Vec<_> = (0..9).map(|i| party(&format!("layer {i}"))).collect();
    let pool: Vec<_> = layers.windows(2).flat_map(|pair| variants(&pair[0], &pair[1], 8)).collect();
    let found = build(&party("leaf").certified(&layers[0], signing()), &pool, &TrustStore::default());
    assert_eq!(found, Err(ChainError::TooManyCertificates), "8^8 ways");
    let crowd = [pool.clone(), pool].concat();
    assert_eq!(build(&crowd[0], &crowd, &TrustStore::default()), Err(ChainError::TooManyCertificates));
}

#[test]
fn certificates_of_one_name_and_key_are_one_step_of_a_way() {
    let [a, leaf] = ["a", "leaf"].map(party);
    let found = build(&leaf.certified(&a, signing()), &variants(&a, &a, 64), &TrustStore::default());
    assert_eq!(found, Err(ChainError::NotTrusted { root: "CN=a, C=CN".to_owned() }));
}

#[test]
fn a_chain_is_valid_from_its_first_second_to_the_end_of_its_last() {
    let chain = chain_of(&three(Suite::EcdsaP256Sha256));
    let instant = Duration::from_micros(1);
    assert_eq!(chain.valid_at(START), Ok(()));
    assert_eq!(chain.valid_at(END.plus(Duration::from_micros(999_999))), Ok(()));
    let subject = || "CN=leaf, C=CN".to_owned();
    assert_eq!(chain.valid_at(START.minus(instant)), Err(ChainError::NotYetValid { subject: subject(), from: START }));
    let after = END.plus(Duration::from_secs(1));
    assert_eq!(chain.valid_at(after), Err(ChainError::Expired { subject: subject(), until: END }));
}

#[test]
fn a_makers_certificate_has_to_list_the_makers_usage() {
    let [root, leaf] = ["root", "leaf"].map(party);
    let (authority, subject) = (root.certified(&root, ca(None)), "CN=leaf, C=CN".to_owned());
    let chain = |extra: Vec<Vec<u8>>| {
        build(&leaf.certified(&root, [signing(), extra].concat()), &[], &trust(&authority)).expect("a chain")
    };
    let any_usage = template::extended_usage(&Oid::literal("2.5.29.37.0"));
    for extra in [vec![], vec![any_usage]] {
        assert_eq!(chain(extra).check_purpose(Purpose::Maker), Err(ChainError::Purpose { subject: subject.clone() }));
    }
    let maker = chain(vec![template::extended_usage(&MAKER_EKU)]);
    assert_eq!(maker.check_purpose(Purpose::Maker), Ok(()));
    assert_eq!(maker.check_purpose(Purpose::Holder), Ok(()));
}

#[test]
fn a_signer_needs_a_usage_that_allows_signing() {
    let [root, leaf] = ["root", "leaf"].map(party);
    let authority = root.certified(&root, ca(None));
    for (usage, allowed) in [(0x8000, true), (0x4000, true), (0xf800, true), (0x3800, false), (0x0600, false)] {
        let certificate = leaf.certified(&root, vec![template::key_usage(KeyUsage(usage))]);
        let purpose = build(&certificate, &[], &trust(&authority)).expect("a chain").check_purpose(Purpose::Holder);
        assert_eq!(purpose.is_ok(), allowed, "{usage:x}");
    }
    let silent = build(&leaf.certified(&root, vec![]), &[], &trust(&authority)).expect("a chain");
    assert_eq!(silent.check_purpose(Purpose::Holder), Ok(()), "no keyUsage allows everything");
}

// Revocation.

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_850_000_000 + seconds)
}

fn list(
    issuer: &Party,
    certificate: &Certificate,
    entries: &[(&Certificate, i64, RevocationReason)],
    made: i64,
) -> Crl {
    let entries: Vec<_> = entries
        .iter()
        .map(|(revoked, since, reason)| (revoked.serial_hex(), Revocation { since: at(*since), reason: *reason }))
        .collect();
    Crl::create(certificate, &issuer.key, &entries, 1, (at(made), at(made + 100)), None).expect("a list")
}

#[test]
fn a_revocation_counts_from_its_moment_on() {
    let three = three(Suite::EcdsaP256Sha256);
    let crls = [list(&three.middle_party, &three.middle, &[(&three.leaf, 10, RevocationReason::KeyCompromise)], 20)];
    let chain = chain_of(&three);
    assert_eq!(chain.check_revocation(&crls, at(9)), Ok(()));
    let revoked = ChainError::Revoked {
        subject: "CN=leaf, C=CN".to_owned(),
        since: at(10),
        reason: RevocationReason::KeyCompromise,
    };
    assert_eq!(chain.check_revocation(&crls, at(10)), Err(revoked));
}

#[test]
fn a_revoked_authority_takes_those_below_it_along() {
    let three = three(Suite::Sm2Sm3);
    let crls = [list(&three.root_party, &three.root, &[(&three.middle, 1, RevocationReason::CaCompromise)], 2)];
    let found = chain_of(&three).check_revocation(&crls, at(3));
    assert!(matches!(found, Err(ChainError::Revoked { subject, .. }) if subject == "CN=middle, C=CN"));
}

#[test]
fn a_list_that_its_issuer_did_not_sign_says_nothing() {
    let three = three(Suite::EcdsaP256Sha256);
    let forger = party("middle");
    let forged = list(&forger, &three.middle, &[(&three.leaf, 1, RevocationReason::KeyCompromise)], 2);
    assert_eq!(chain_of(&three).check_revocation(std::slice::from_ref(&forged), at(3)), Ok(()));
    assert_eq!(chain_of(&three).without_current_crl(&[forged], at(3)).len(), 2);
}

#[test]
fn a_hold_counts_until_a_newer_list_lifts_it_and_other_reasons_for_ever() {
    let three = three(Suite::EcdsaP256Sha256);
    let middle = (&three.middle_party, &three.middle);
    let chain = chain_of(&three);
    let lifted = list(middle.0, middle.1, &[], 50);
    let held = list(middle.0, middle.1, &[(&three.leaf, 1, RevocationReason::CertificateHold)], 2);
    assert!(chain.check_revocation(std::slice::from_ref(&held), at(60)).is_err());
    assert_eq!(chain.check_revocation(&[held, lifted.clone()], at(60)), Ok(()));
    let ended = list(middle.0, middle.1, &[(&three.leaf, 1, RevocationReason::Superseded)], 2);
    assert!(chain.check_revocation(&[ended, lifted], at(60)).is_err(), "a list may drop expired certificates");
}

#[test]
fn a_hold_is_not_lifted_by_a_later_list_of_other_certificates() {
    let three = three(Suite::EcdsaP256Sha256);
    let (issuer, key) = (&three.middle, &three.middle_party.key);
    let held = [(three.leaf.serial_hex(), Revocation { since: at(1), reason: RevocationReason::CertificateHold })];
    let only = |number| [writer::tlv(tag::context(number), &[0xff])];
    let [users, authorities] = [only(1), only(2)];
    let of_users = crl::part(issuer, key, &held, (at(2), at(102)), &users).expect("a list");
    let of_authorities = crl::part(issuer, key, &[], (at(50), at(150)), &authorities).expect("a list");
    let lifted = crl::part(issuer, key, &[], (at(50), at(150)), &users).expect("a list");
    assert!(of_users.part().is_some() && of_users.part() == lifted.part());
    assert_ne!(of_users.part(), of_authorities.part());
    let chain = chain_of(&three);
    assert!(chain.check_revocation(&[of_users.clone(), of_authorities.clone()], at(60)).is_err());
    assert_eq!(chain.check_revocation(&[of_users, of_authorities, lifted], at(60)), Ok(()));
    assert_eq!(list(&three.middle_party, issuer, &[], 2).part(), None, "a whole list");
}

#[test]
fn certificates_without_a_current_list_are_told() {
    let three = three(Suite::EcdsaP256Sha256);
    let (root, middle) = (&three.root, &three.middle);
    let crls = [list(&three.root_party, root, &[], 0), list(&three.middle_party, middle, &[], 0)];
    let chain = chain_of(&three);
    assert_eq!(chain.without_current_crl(&crls, at(100)), []);
    assert_eq!(chain.without_current_crl(&crls[..1], at(100)), std::slice::from_ref(&three.leaf));
    assert_eq!(chain.without_current_crl(&crls, at(101)), [three.leaf.clone(), three.middle.clone()]);
}

#[test]
fn of_a_renewed_authority_the_later_one_is_taken_or_the_one_that_was_valid_then() {
    let [root, middle, leaf] = ["root", "middle", "leaf"].map(party);
    let (first, second) = ((START, at(0)), (at(-10), END));
    let leaf = leaf.certified(&middle, signing());
    let roots = [first, second].map(|times| root.certified_for(times, &root, ca(None)));
    let pool = [first, second].map(|times| middle.certified_for(times, &root, ca(None)));
    let reversed = |all: &[Certificate; 2]| [all[1].clone(), all[0].clone()];
    for (roots, pool) in [(roots.clone(), pool.clone()), (reversed(&roots), reversed(&pool))] {
        let found = |moment| build_at(&leaf, &pool, &TrustStore::new(roots.to_vec()), moment).expect("a chain");
        assert_eq!(found(None).valid_at(END), Ok(()));
        for moment in [START, at(-11), at(-5), at(0), at(1), END] {
            assert_eq!(found(Some(moment)).valid_at(moment), Ok(()), "{moment:?}");
        }
        // Where no root was valid there is a chain all the same, of what was valid otherwise.
        let old_roots = TrustStore::new(vec![roots[usize::from(roots[0].not_after() == END)].clone()]);
        let chain = build_at(&leaf, &pool, &old_roots, Some(at(1))).expect("a chain");
        assert!(
            matches!(chain.valid_at(at(1)), Err(ChainError::Expired { subject, .. }) if subject == "CN=root, C=CN")
        );
    }
}

#[test]
fn a_trusted_root_that_was_not_valid_then_gives_way_to_one_that_certified_it() {
    let [old, new, leaf] = ["old", "new", "leaf"].map(party);
    let leaf = leaf.certified(&old, signing());
    let roots = [old.certified_for((START, at(0)), &old, ca(None)), new.certified(&new, ca(None))];
    let cross = [old.certified(&new, ca(None))];
    for (moment, length) in [(at(0), 2), (at(1), 3)] {
        let chain = build_at(&leaf, &cross, &TrustStore::new(roots.to_vec()), Some(moment)).expect("a chain");
        assert_eq!((chain.valid_at(moment), chain.certificates().len()), (Ok(()), length));
    }
}

#[test]
fn a_list_by_another_key_of_the_authority_counts_where_that_was_certified_then_and_not_revoked() {
    let three = three(Suite::EcdsaP256Sha256);
    let other = party("middle");
    let revoked = [(&three.leaf, 10, RevocationReason::KeyCompromise)];
    let (then, before) = ((at(0), at(40)), (at(0), at(19)));
    for (times, by, is_revoked, counts) in [
        (then, &three.root_party, false, true),
        (then, &three.middle_party, false, true),
        (before, &three.root_party, false, false),
        (then, &three.root_party, true, false),
        (then, &other, false, false),
    ] {
        let namesake = other.certified_for(times, by, ca(None));
        let mut crls = vec![list(&other, &namesake, &revoked, 20)];
        if is_revoked {
            crls.push(list(&three.root_party, &three.root, &[(&namesake, 1, RevocationReason::KeyCompromise)], 2));
        }
        let pool = [three.middle.clone(), namesake];
        let chain = build(&three.leaf, &pool, &trust(&three.root)).expect("a chain");
        assert_eq!(chain.check_revocation(&crls, at(20)).is_err(), counts, "{times:?} {is_revoked}");
    }
}
