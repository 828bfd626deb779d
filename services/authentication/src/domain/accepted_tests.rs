//! A PIN that was found right while gate d still waits for others.

use super::command::SealingAction;
use super::denial::Denial;
use super::event::{Fact, Step};
use super::facts::*;
use super::policy::{Policy, SecondFactor};
use super::reason::Reason;
use super::{Event, Rejection};

const ACCEPT: SealingAction = SealingAction::AcceptPin { code: SecondFactor::None };

#[test]
fn a_right_pin_is_accepted_once_and_only_after_its_try_was_counted() {
    assert_eq!(given([begun(1, 0)]).when(&sealing(1, CUSTODIAN, ACCEPT)), Err(Rejection::OutOfOrder));
    assert_eq!(given([begun(1, 0), tried(1, 4)]).when(&sealing(1, CUSTODIAN, ACCEPT)), Ok(vec![accepted(1)]));
    assert_eq!(given(waiting()).when(&sealing(1, CUSTODIAN, ACCEPT)), Ok(vec![]));
    let authorized = given(all([waiting(), vec![authorized(1)]]));
    assert_eq!(authorized.when(&sealing(1, CUSTODIAN, ACCEPT)), Err(Rejection::OutOfOrder));
    let card = Scenario::given(all([active(), vec![begun(1, 0)]]));
    assert_eq!(card.when(&sealing(1, CUSTODIAN, ACCEPT)), Err(Rejection::WrongCustody));
}

#[test]
fn an_accepted_pin_gives_back_all_tries_but_those_that_others_are_looking_at() {
    let running = [begun(1, 0), begun(2, 0), begun(3, 0), tried(1, 4), tried(2, 3), tried(3, 2)];
    let scenario = given(all([running.to_vec(), vec![accepted(1)]]));
    assert_eq!(scenario.state().pin().tries_left(), 3);
    let scenario = given(all([running.to_vec(), vec![accepted(1), accepted(2), accepted(3)]]));
    assert_eq!(scenario.state().pin().tries_left(), 5);
}

#[test]
fn a_pin_whose_key_was_locked_meanwhile_is_not_accepted_and_gate_d_says_so() {
    let begun = (1..=5).map(|number| begun(number, 0)).collect();
    let tried = (1..=5).map(|number| tried(number, 5 - number)).collect();
    let locked = vec![step(5, Step::PinLocked), refused(5, Reason::PinLocked)];
    let scenario = given(all([begun, tried, locked]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, ACCEPT)), Ok(vec![]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, authorize(true)));
    assert_eq!(facts, Ok(vec![refused(1, Reason::PinLocked)]));
}

#[test]
fn a_pin_without_the_code_that_is_asked_for_by_now_is_not_accepted() {
    let scenario = given([begun(1, 0), tried(1, 4), asks_for(SecondFactor::Totp)]);
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, ACCEPT)), Ok(vec![]));
    let with_code = SealingAction::AcceptPin { code: SecondFactor::Totp };
    let facts = scenario.when(&sealing(1, CUSTODIAN, with_code));
    assert_eq!(facts, Ok(vec![step(1, Step::PinAccepted { code: SecondFactor::Totp })]));
}

#[test]
fn gate_d_follows_an_accepted_pin_by_itself() {
    let scenario = given(waiting());
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, authorize(true))), Ok(vec![authorized(1)]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, authorize(false))), Err(Rejection::OutOfOrder));
}

#[test]
fn the_code_that_was_accepted_counts_and_not_what_is_said_of_it_later() {
    let accepted = step(1, Step::PinAccepted { code: SecondFactor::Totp });
    let scenario = given([asks_for(SecondFactor::Totp), begun(1, 0), tried(1, 4), accepted]);
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, authorize(true))), Ok(vec![authorized(1)]));
    let scenario = given(all([waiting(), vec![asks_for(SecondFactor::Totp)]]));
    let claims =
        SealingAction::AuthorizeHosted { pin_correct: true, code: SecondFactor::Totp, subject: Box::new(subject()) };
    let refused = Ok(vec![step(1, Step::PinRefused { tries_left: 5 })]);
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, claims)), refused);
}

#[test]
fn a_policy_that_was_tightened_while_others_were_waited_for_is_that_of_gate_d() {
    let scenario = given(all([waiting(), vec![asks_for(SecondFactor::Any)]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, authorize(true)));
    assert_eq!(facts, Ok(vec![step(1, Step::PinRefused { tries_left: 5 })]), "no try was spent for it");
    let policy = Policy { approval_required: true, ..Policy::default() };
    let scenario = given(all([waiting(), vec![fact(Fact::PolicySet(application(), policy))]]));
    let (reason, detail) = (Reason::NotAuthorized, Some(Denial::NotRequested));
    let refused = step(1, Step::Refused { reason, detail, by: person(CUSTODIAN) });
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, authorize(true))), Ok(vec![refused]));
}

#[test]
fn a_request_that_comes_again_is_told_how_far_it_got_and_another_one_tries_no_pin_there() {
    let again = sealing(1, CUSTODIAN, SealingAction::AwaitPin);
    assert_eq!(given([begun(1, 0), tried(1, 4)]).when(&again), Err(Rejection::PinCheckRunning));
    assert_eq!(given(waiting()).when(&again), Err(Rejection::PinAccepted));
    assert_eq!(given(all([waiting(), vec![authorized(1)]])).when(&again), Err(Rejection::PinCheckRunning));
    let late = sealing_at(601, 1, SealingAction::AwaitPin);
    assert_eq!(given(waiting()).when(&late), Err(Rejection::AttemptNotOpen));
    assert_eq!(given(waiting()).when(&sealing(1, STRANGER, SealingAction::AwaitPin)), Err(Rejection::NotCustodian));
    assert_eq!(given(waiting()).when(&sealing(1, CUSTODIAN, TRY_PIN)), Err(Rejection::OutOfOrder));
}

/// A seal with a hosted key, and what happened to it since.
fn given(since: impl IntoIterator<Item = Event>) -> Scenario {
    Scenario::given(all([active_hosted(), since.into_iter().collect()]))
}

/// An attempt whose PIN was right, and of which gate d has said nothing yet.
fn waiting() -> Vec<Event> {
    vec![begun(1, 0), tried(1, 4), accepted(1)]
}

fn asks_for(second_factor: SecondFactor) -> Event {
    fact(Fact::PolicySet(application(), Policy { second_factor, ..Policy::default() }))
}

fn tried(number: u8, tries_left: u8) -> Event {
    step(number, Step::PinTried { tries_left })
}

fn accepted(number: u8) -> Event {
    step(number, Step::PinAccepted { code: SecondFactor::None })
}

fn authorize(pin_correct: bool) -> SealingAction {
    SealingAction::AuthorizeHosted { pin_correct, code: SecondFactor::None, subject: Box::new(subject()) }
}
