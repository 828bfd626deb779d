//! A soft card's administrator: unblocks it, with a count of their own.

use eseal_card::{Card, CardError, CardKind, SoftCard, Tries};
use eseal_pki::Suite;

use crate::{Desk, PIN, WRONG, pin};

const ADMIN: &str = "246813";
const NEW: &str = "161803";

#[test]
fn a_card_that_locked_itself_gets_a_new_pin_by_its_administrator_and_keeps_what_is_on_it() {
    let (_folder, card) = with_administrator();
    card.unlock(&pin(PIN)).expect("right").store_seal(b"seal").expect("stored");
    locked(&card);
    card.unblock(&pin(ADMIN), &pin(NEW)).expect("unblocked");
    assert_eq!((card.tries_left().expect("seen"), card.admin_tries_left().expect("seen")), (5, Some(5)));
    assert!(matches!(card.unlock(&pin(PIN)), Err(CardError::PinIncorrect { tries_left: Tries::Exactly(4) })));
    let unlocked = card.unlock(&pin(NEW)).expect("the new one");
    assert_eq!(unlocked.read_seal().expect("readable").as_deref(), Some(&b"seal"[..]));
}

#[test]
fn the_administrators_tries_are_counted_apart_and_end_for_good() {
    let (_folder, card) = with_administrator();
    locked(&card);
    for left in (1..5).rev() {
        let refused = card.unblock(&pin(WRONG), &pin(NEW));
        let expected = Tries::Exactly(left);
        assert!(
            matches!(refused, Err(CardError::AdminPinIncorrect { tries_left }) if tries_left == expected),
            "{left}"
        );
        assert_eq!(Card::from(card.clone()).admin_tries_left().expect("seen"), expected);
    }
    for tried in [WRONG, ADMIN] {
        assert!(matches!(card.unblock(&pin(tried), &pin(NEW)), Err(CardError::AdminPinLocked)), "{tried}");
    }
    assert!(matches!(card.change_admin_pin(&pin(ADMIN), &pin(NEW)), Err(CardError::AdminPinLocked)));
    assert!(matches!(card.unlock(&pin(PIN)), Err(CardError::PinLocked)));
}

#[test]
fn wrong_pins_of_the_card_take_none_of_the_administrators_tries_and_the_other_way_round() {
    let (_folder, card) = with_administrator();
    assert!(card.unlock(&pin(WRONG)).is_err());
    assert!(card.unblock(&pin(WRONG), &pin(NEW)).is_err());
    assert_eq!((card.tries_left().expect("seen"), card.admin_tries_left().expect("seen")), (4, Some(4)));
    card.unlock(&pin(PIN)).expect("right");
    assert_eq!((card.tries_left().expect("seen"), card.admin_tries_left().expect("seen")), (5, Some(4)));
}

#[test]
fn a_card_of_an_earlier_release_is_read_and_is_given_an_administrator_by_its_pin() {
    let desk = Desk::with_card();
    assert_eq!(version(&desk.card), 1);
    assert_eq!(desk.card.admin_tries_left().expect("seen"), None);
    assert!(matches!(desk.card.unblock(&pin(ADMIN), &pin(NEW)), Err(CardError::NotOffered(_))));
    let wrong = desk.card.give_administrator(&pin(WRONG), &pin(ADMIN));
    assert!(matches!(wrong, Err(CardError::PinIncorrect { tries_left: Tries::Exactly(4) })), "{wrong:?}");
    desk.card.give_administrator(&pin(PIN), &pin(ADMIN)).expect("given");
    assert_eq!(version(&desk.card), 2, "which earlier releases refuse, since they would drop the administrator");
    let again = desk.card.give_administrator(&pin(WRONG), &pin(NEW));
    assert!(matches!(again, Err(CardError::AdminExists)), "{again:?}");
    assert_eq!(desk.card.tries_left().expect("seen"), 5, "and nothing was tried");
    locked(&desk.card);
    desk.card.unblock(&pin(ADMIN), &pin(NEW)).expect("unblocked");
    desk.card.unlock(&pin(NEW)).expect("the new one");
}

#[test]
fn the_administrators_pin_is_changed_by_the_old_one() {
    let (_folder, card) = with_administrator();
    assert!(matches!(card.change_admin_pin(&pin(WRONG), &pin(NEW)), Err(CardError::AdminPinIncorrect { .. })));
    card.change_admin_pin(&pin(ADMIN), &pin("141421")).expect("changed");
    assert!(matches!(card.unblock(&pin(ADMIN), &pin(NEW)), Err(CardError::AdminPinIncorrect { .. })));
    card.unblock(&pin("141421"), &pin(NEW)).expect("unblocked");
}

#[test]
fn a_card_that_counts_its_uses_keeps_the_count_and_its_administrator() {
    let (_folder, card) = with_administrator();
    assert_eq!(card.count_use().expect("counted"), 1);
    assert_eq!(version(&card), 3);
    card.unblock(&pin(ADMIN), &pin(NEW)).expect("unblocked");
    assert_eq!(card.count_use().expect("counted"), 2);
}

fn with_administrator() -> (tempfile::TempDir, SoftCard) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("card");
    let card = SoftCard::create_with_admin(&path, CardKind::Holder, &pin(PIN), Some(&pin(ADMIN)), &[Suite::Sm2Sm3]);
    (folder, card.expect("a card"))
}

fn locked(card: &SoftCard) {
    for _ in 0..5 {
        assert!(card.unlock(&pin(WRONG)).is_err());
    }
    assert!(matches!(card.unlock(&pin(PIN)), Err(CardError::PinLocked)));
}

fn version(card: &SoftCard) -> u64 {
    let json = std::fs::read(card.path()).expect("readable");
    serde_json::from_slice::<serde_json::Value>(&json).expect("JSON")["version"].as_u64().expect("a version")
}
