//! Revocation lists.

use super::{Case, bad, good};
use crate::forge::{DAY, Party, authority, draft, list, signer};

const KEY_COMPROMISE: u8 = 1;
const HOLD: u8 = 6;
const REMOVED: u8 = 8;
const LEAF: u8 = 21;
const MIDDLE: u8 = 22;
const FRESH: (i64, i64) = (-DAY, DAY);

pub(super) fn cases() -> Vec<Case> {
    let [root, middle, leaf] = ["root", "middle", "leaf"].map(Party::new);
    let own = draft(&root, &authority(None)).sign(&root);
    let pool = [draft(&middle, &authority(None)).serial(MIDDLE).sign(&root)];
    let signed = draft(&leaf, &signer()).serial(LEAF).sign(&middle);
    let of_root = |entries: &[(u8, u8)]| list(&root, entries, FRESH, 5, None);
    let of_middle = |entries: &[(u8, u8)]| list(&middle, entries, FRESH, 5, None);
    let changes = |entries: &[(u8, u8)], base: u8| list(&middle, entries, FRESH, 6, Some(base));
    let case = |name, is_good, lists: &[Vec<u8>]| {
        let make = if is_good { good } else { bad };
        make(name, signed.clone(), &pool, &own).listed(lists)
    };
    let forger = middle.rekeyed();
    let held = [(LEAF, HOLD)];
    let gone = [(LEAF, KEY_COMPROMISE)];
    vec![
        case("nothing revoked", true, &[of_root(&[]), of_middle(&[(1, KEY_COMPROMISE)])]),
        case("a revoked signer", false, &[of_root(&[]), of_middle(&gone)]),
        case("a signer on hold", false, &[of_root(&[]), of_middle(&held)]),
        case("a revoked authority", false, &[of_root(&[(MIDDLE, KEY_COMPROMISE)]), of_middle(&[])]),
        case("a number that another authority revoked", true, &[of_root(&[(LEAF, KEY_COMPROMISE)]), of_middle(&[])]),
        case("no list about the authority", false, &[of_middle(&[])]),
        case("no list about the signer", false, &[of_root(&[])]),
        case("a list of the past", false, &[of_root(&[]), list(&middle, &[], (-2 * DAY, -DAY), 5, None)]),
        case("a list from the future", true, &[of_root(&[]), list(&middle, &[], (DAY, 2 * DAY), 5, None)]),
        case("a list that somebody else signed", false, &[of_root(&[]), list(&forger, &[], FRESH, 5, None)]),
        case("changes that revoke", false, &[of_root(&[]), of_middle(&[]), changes(&gone, 5)]),
        case("changes that lift a hold", true, &[of_root(&[]), of_middle(&held), changes(&[(LEAF, REMOVED)], 5)]),
        case(
            "changes since a newer list",
            true,
            &[of_root(&[]), of_middle(&[]), list(&middle, &gone, FRESH, 8, Some(7))],
        ),
        case("changes without their list", false, &[of_root(&[]), changes(&[], 5)]),
    ]
}
