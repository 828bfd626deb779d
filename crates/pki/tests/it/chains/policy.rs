//! Certificate policies.

use super::{Case, bad, good};
use crate::forge::{Party, authority, draft, inhibit_any, mappings, policies, policy_constraints, signer};

const A: &str = "1.2.3.4.1";
const B: &str = "1.2.3.4.2";
const C: &str = "1.2.3.4.3";
const ANY: &str = "2.5.29.32.0";

struct World {
    root: Party,
    middle: Party,
    again: Party,
    leaf: Party,
}

impl World {
    fn root(&self, more: &[Vec<u8>]) -> Vec<u8> {
        draft(&self.root, &[authority(None), more.to_vec()].concat()).sign(&self.root)
    }

    fn middle(&self, more: &[Vec<u8>]) -> Vec<u8> {
        draft(&self.middle, &[authority(None), more.to_vec()].concat()).sign(&self.root)
    }

    /// The authority's name carried over to a new key.
    fn again(&self, more: &[Vec<u8>]) -> Vec<u8> {
        draft(&self.again, &[authority(None), more.to_vec()].concat()).sign(&self.middle)
    }

    fn leaf(&self, more: &[Vec<u8>]) -> Vec<u8> {
        draft(&self.leaf, &[signer(), more.to_vec()].concat()).sign(&self.middle)
    }

    fn leaf_of_again(&self, more: &[Vec<u8>]) -> Vec<u8> {
        draft(&self.leaf, &[signer(), more.to_vec()].concat()).sign(&self.again)
    }
}

fn world() -> World {
    let [root, middle, leaf] = ["root", "middle", "leaf"].map(Party::new);
    World { again: middle.rekeyed(), root, middle, leaf }
}

pub(super) fn cases() -> Vec<Case> {
    [asked(), mapped(), restricted()].into_iter().flatten().collect()
}

/// What the caller asks for.
fn asked() -> Vec<Case> {
    let world = world();
    let root = world.root(&[]);
    let case = |name, is_good, middle: &[&str], leaf: &[&str]| {
        let list = |all: &[&str]| if all.is_empty() { Vec::new() } else { vec![policies(all)] };
        let make = if is_good { good } else { bad };
        make(name, world.leaf(&list(leaf)), &[world.middle(&list(middle))], &root)
    };
    vec![
        case("one policy all the way", true, &[A], &[A]).explicit(),
        case("no policy", false, &[], &[]).explicit(),
        case("no policy, and none asked for", true, &[], &[]).saying("-policy_check"),
        case("no policy of an authority", false, &[], &[A]).explicit(),
        case("no policy of a signer", false, &[A], &[]).explicit(),
        case("two policies", false, &[A], &[B]).explicit(),
        case("two policies, and none asked for", true, &[A], &[B]).saying("-policy_check"),
        case("any policy of an authority", true, &[ANY], &[A]).explicit(),
        case("any policy of a signer", true, &[A], &[ANY]).explicit(),
        case("any policy all the way", true, &[ANY], &[ANY]).explicit(),
        case("the accepted policy", true, &[A, B], &[B]).accepting(&[B]).explicit(),
        case("a policy that is not accepted", false, &[A, B], &[B]).accepting(&[A]).explicit(),
        case("a policy that is not accepted, and none asked for", true, &[A], &[A]).accepting(&[B]),
        case("one of two accepted policies", true, &[A, B], &[A]).accepting(&[A, C]).explicit(),
        case("any policy where one is accepted", true, &[ANY], &[ANY]).accepting(&[C]).explicit(),
        case("any policy of an authority where it does not count", false, &[ANY], &[A]).without_any().explicit(),
        case("any policy of a signer where it does not count", false, &[A], &[ANY]).without_any().explicit(),
        case("a policy that comes twice", false, &[A], &[A, A]).explicit(),
    ]
}

/// Policies that are called by another name further down.
fn mapped() -> Vec<Case> {
    let world = world();
    let root = world.root(&[]);
    let case = |name, is_good, pairs: &[(&str, &str)], own: &[&str], leaf: &[&str]| {
        let make = if is_good { good } else { bad };
        let middle = world.middle(&[policies(own), mappings(pairs)]);
        make(name, world.leaf(&[policies(leaf)]), &[middle], &root).explicit()
    };
    vec![
        case("a mapped policy", true, &[(A, B)], &[A], &[B]),
        case("a mapped policy by its old name", false, &[(A, B)], &[A], &[A]),
        case("a mapped policy accepted by its name at the root", true, &[(A, B)], &[A], &[B]).accepting(&[A]),
        case("a mapped policy accepted by its name at the signer", false, &[(A, B)], &[A], &[B]).accepting(&[B]),
        case("a policy mapped to two", true, &[(A, B), (A, C)], &[A], &[C]),
        case("two policies mapped to one", true, &[(A, C), (B, C)], &[A, B], &[C]).accepting(&[B]),
        case("a mapping of a policy that anyPolicy stands for", true, &[(A, B)], &[ANY], &[B]).accepting(&[A]),
        case("a mapping where mappings do not count", false, &[(A, B)], &[A], &[B]).without_mapping(),
        case("a mapping of anyPolicy", false, &[(ANY, B)], &[ANY], &[B]),
        case("a mapping to anyPolicy", false, &[(A, ANY)], &[A], &[A]),
    ]
}

/// What authorities ask for.
fn restricted() -> Vec<Case> {
    let world = world();
    let root = world.root(&[]);
    let under = |name, is_good, middle: &[Vec<u8>], leaf: &[Vec<u8>]| {
        let make = if is_good { good } else { bad };
        make(name, world.leaf(leaf), &[world.middle(middle)], &root).saying("-policy_check")
    };
    let over = |name, is_good, middle: &[Vec<u8>], again: &[Vec<u8>], leaf: &[Vec<u8>]| {
        let make = if is_good { good } else { bad };
        make(name, world.leaf_of_again(leaf), &[world.middle(middle), world.again(again)], &root)
            .saying("-policy_check")
    };
    let (own, any) = (policies(&[A]), policies(&[ANY]));
    let [now, next, later] = [0, 1, 2].map(|count| policy_constraints(Some(count), None));
    let no_mapping = policy_constraints(Some(0), Some(0));
    let demanding = world.root(&[policies(&[B])]);
    vec![
        under("a policy that an authority asks for", true, &[own.clone(), now.clone()], std::slice::from_ref(&own)),
        under("a policy that an authority asks for and a signer lacks", false, &[own.clone(), now.clone()], &[]),
        under("a policy that is asked for further down", false, &[own.clone(), next.clone()], &[]),
        under("a policy that is asked for beyond the end", true, &[own.clone(), later], &[]),
        under("a policy that a signer itself asks for", false, &[], &[own.clone(), now.clone()]),
        under(
            "an authority that lets anyPolicy count no more",
            false,
            &[any.clone(), inhibit_any(0), now.clone()],
            std::slice::from_ref(&any),
        ),
        under(
            "an authority that lets anyPolicy count once",
            true,
            &[any.clone(), inhibit_any(1), now.clone()],
            std::slice::from_ref(&any),
        ),
        over(
            "anyPolicy of a new key of the same name",
            true,
            &[any.clone(), inhibit_any(0), now.clone()],
            std::slice::from_ref(&any),
            std::slice::from_ref(&own),
        ),
        over(
            "a mapping that an authority above forbids",
            false,
            &[own.clone(), no_mapping],
            &[own.clone(), mappings(&[(A, B)])],
            &[policies(&[B])],
        ),
        // Trusted itself, though another authority issued it: it is a root all the same.
        trusted_below(
            "a policy that a trusted authority below another one asks for beyond the end",
            &world,
            &[policy_constraints(Some(5), None)],
            &[],
        ),
        trusted_below(
            "any policy of a trusted authority below another one where it does not count",
            &world,
            std::slice::from_ref(&any),
            std::slice::from_ref(&own),
        )
        .explicit()
        .without_any(),
        bad(
            "policies of a root",
            world.leaf(std::slice::from_ref(&own)),
            &[world.middle(std::slice::from_ref(&own))],
            &demanding,
        )
        .explicit(),
    ]
}

/// A signer right below an authority that is trusted itself and was issued by another one.
fn trusted_below(name: &'static str, world: &World, middle: &[Vec<u8>], leaf: &[Vec<u8>]) -> Case {
    good(name, world.leaf(leaf), &[], &world.middle(middle)).saying("-partial_chain -policy_check")
}
