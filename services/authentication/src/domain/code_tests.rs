//! Codes beside the PIN of a hosted key.

use super::command::SealingAction;
use super::event::{Fact, Step};
use super::facts::*;
use super::policy::{Policy, SecondFactor};
use super::reason::Reason;
use super::{Event, Rejection};

#[test]
fn a_code_that_is_missing_costs_no_try() {
    let scenario = Scenario::given(asking(SecondFactor::Totp, [begun(1, 0)]));
    let without = sealing(1, CUSTODIAN, SealingAction::TryPin { with_code: false });
    assert_eq!(scenario.when(&without), Err(Rejection::SecondFactorRequired(SecondFactor::Totp)));
    let with = sealing(1, CUSTODIAN, SealingAction::TryPin { with_code: true });
    assert_eq!(scenario.when(&with), Ok(vec![tried(4)]));
}

#[test]
fn that_a_code_is_missing_is_not_told_of_a_locked_seal() {
    let running =
        (1..=5).flat_map(|number| [begun(number, 0), step(number, Step::PinTried { tries_left: 5 - number })]);
    let scenario = Scenario::given(asking(SecondFactor::Totp, running.chain([begun(6, 0)])));
    let without = sealing(6, CUSTODIAN, SealingAction::TryPin { with_code: false });
    assert_eq!(scenario.when(&without), Ok(vec![refused(6, Reason::PinLocked)]));
}

#[test]
fn a_code_counts_where_it_came_from_what_the_policy_asks_for() {
    use SecondFactor::{Any, None, Sent, Totp};
    for (asked, shown, passes) in [
        (None, None, true),
        (Totp, None, false),
        (Totp, Sent, false),
        (Totp, Totp, true),
        (Sent, None, false),
        (Sent, Totp, false),
        (Sent, Sent, true),
        (Any, None, false),
        (Any, Totp, true),
        (Any, Sent, true),
    ] {
        let scenario = Scenario::given(asking(asked, [begun(1, 0), tried(4)]));
        let facts = scenario.when(&sealing(1, CUSTODIAN, authorize(true, shown))).expect("decided");
        let accepted = step(1, Step::PinAccepted { code: shown });
        assert_eq!(facts.first() == Some(&accepted), passes, "{asked:?} {shown:?} {facts:?}");
    }
}

#[test]
fn a_wrong_code_is_a_wrong_pin() {
    for (pin_correct, code) in [(true, SecondFactor::None), (false, SecondFactor::Totp), (false, SecondFactor::None)] {
        let scenario = Scenario::given(asking(SecondFactor::Totp, [begun(1, 0), tried(4)]));
        let facts = scenario.when(&sealing(1, CUSTODIAN, authorize(pin_correct, code)));
        assert_eq!(facts, Ok(vec![step(1, Step::PinRefused { tries_left: 4 })]));
        let scenario = Scenario::given(asking(SecondFactor::Totp, [begun(1, 0), tried(0)]));
        let facts = scenario.when(&sealing(1, CUSTODIAN, authorize(pin_correct, code)));
        assert_eq!(facts, Ok(vec![step(1, Step::PinLocked), refused(1, Reason::PinLocked)]));
    }
}

/// A seal with a hosted key whose policy asks for a code, and what happened to it since.
fn asking(second_factor: SecondFactor, since: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let policy = Policy { second_factor, ..Policy::default() };
    let set = fact(Fact::PolicySet(application(), policy));
    all([active_hosted(), vec![set], since.into_iter().collect()])
}

fn tried(tries_left: u8) -> Event {
    step(1, Step::PinTried { tries_left })
}

fn authorize(pin_correct: bool, code: SecondFactor) -> SealingAction {
    SealingAction::AuthorizeHosted { pin_correct, code, subject: Box::new(subject()) }
}
