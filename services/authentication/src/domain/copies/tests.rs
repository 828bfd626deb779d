//! Copied cards, one claim a test.

use super::super::command::{CardUse, SealingAction, Statement};
use super::super::facts::*;
use super::super::policy::SecondFactor;
use super::super::sealing::{AUDIENCE, PURPOSE};
use super::super::{Command, Event, attempt as lifetimes};
use super::*;

#[test]
fn a_count_that_grows_is_let_through_and_remembered() {
    let facts = Scenario::given(pin_right()).when(&with_count(1, 7)).expect("decided");
    assert!(matches!(&facts[..], [Event { fact: Fact::Sealing(_, Step::Authorized { card_uses: 7, .. }), .. }]));
    let scenario = Scenario::given(all([pin_right(), facts]));
    assert_eq!(scenario.state().card_uses, 7);
}

#[test]
fn a_count_that_does_not_grow_is_a_copys_and_suspends_the_seal() {
    for told in [7, 6, 0] {
        let decided = Scenario::given(used_seven_times()).when(&with_count(2, told)).expect("decided");
        let suspended = Event { seal: seal(), fact: Fact::Suspended(application(), SuspensionCause::KeyCompromised) };
        assert_eq!(decided, [refused(2, Reason::CardCopied), suspended], "{told}");
        let scenario = Scenario::given(all([used_seven_times(), decided]));
        assert!(matches!(scenario.state().entry().map(|entry| entry.standing), Some(Standing::Suspended(_))));
    }
    assert!(Scenario::given(used_seven_times()).when(&with_count(2, 8)).is_ok_and(|facts| facts.len() == 1));
}

#[test]
fn a_card_that_never_counted_is_not_asked_to() {
    let past = all([pin_right(), vec![authorized(1)], right_in(2)]);
    assert!(Scenario::given(past).when(&with_count(2, 0)).is_ok_and(|facts| facts.len() == 1));
}

#[test]
fn whoever_can_not_prove_the_key_suspends_nothing() {
    let decided = Scenario::given(used_seven_times()).when(&shown(2, None, 1));
    assert_eq!(decided, Ok(vec![refused(2, Reason::ChallengeInvalid)]));
}

#[test]
fn once_an_administrator_has_resumed_the_seal_the_count_begins_anew() {
    let suspended = Event { seal: seal(), fact: Fact::Suspended(application(), SuspensionCause::KeyCompromised) };
    let resumed = Event { seal: seal(), fact: Fact::Resumed(application()) };
    let past = all([used_seven_times(), vec![suspended, resumed]]);
    assert!(Scenario::given(past).when(&with_count(2, 3)).is_ok_and(|facts| facts.len() == 1));
}

/// The first attempt let the card's seventh use through; the second one's PIN was right.
fn used_seven_times() -> Vec<Event> {
    let first = Scenario::given(pin_right()).when(&with_count(1, 7)).expect("decided");
    all([pin_right(), first, right_in(2)])
}

fn pin_right() -> Vec<Event> {
    all([active(), right_in(1)])
}

fn right_in(number: u8) -> Vec<Event> {
    vec![begun(number, 0), step(number, Step::PinAccepted { code: SecondFactor::None })]
}

fn with_count(number: u8, card_uses: u64) -> Command {
    let proof = Statement {
        audience: AUDIENCE.to_owned(),
        purpose: PURPOSE.to_owned(),
        attempt_id: attempt(number).to_string(),
        seal_id: seal().to_string(),
        document_digest: Some(document()),
        nonce: NONCE.to_owned(),
        expires_at: start().plus(lifetimes::CHALLENGE_LIFETIME),
    };
    shown(number, Some(proof), card_uses)
}

fn shown(number: u8, proof: Option<Statement>, card_uses: u64) -> Command {
    let (card_serial, seal_digest, otherwise) = (CARD.to_owned(), seal_digest(), attempt(9));
    let given = CardUse { subject: subject(), card_serial, seal_digest, proof, card_uses, otherwise };
    sealing(number, CUSTODIAN, SealingAction::Authorize(Box::new(given)))
}
