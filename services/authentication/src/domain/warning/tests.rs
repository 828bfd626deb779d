//! Warnings, one claim a test.

use super::super::command::{Action, RevocationCause};
use super::super::event::Fact;
use super::super::facts::*;
use super::super::{Event, Seal};
use super::*;

const DAY: u64 = 24 * 60 * 60;

#[test]
fn each_moment_is_told_once_30_7_and_1_days_ahead() {
    let mut past = vec![fresh()];
    let mut told = Vec::new();
    for day in 0..=60 {
        told.extend(look(&mut past, day));
        assert!(look(&mut past, day).is_empty(), "told twice on day {day}");
    }
    assert_eq!(
        told,
        [(Ending::Seal, 30), (sm2(), 30), (Ending::Seal, 7), (sm2(), 7), (Ending::Seal, 1), (sm2(), 1), (sm2(), 0)]
    );
}

#[test]
fn who_was_away_tells_the_nearest_moment_only() {
    let mut past = vec![fresh()];
    assert_eq!(look(&mut past, 55), [(Ending::Seal, 7), (sm2(), 7)]);
    assert_eq!(look(&mut past, 56), []);
    assert_eq!(look(&mut past, 59), [(Ending::Seal, 1), (sm2(), 1)]);
}

#[test]
fn who_was_away_beyond_the_end_of_a_seal_does_not_tell_that_it_is_near() {
    let mut past = vec![fresh()];
    assert_eq!(look(&mut past, 61), [(sm2(), 0)]);
}

#[test]
fn a_moment_before_the_registration_is_passed_over() {
    let registration = Registration { valid_to: after(20 * DAY), certificates_valid_to: vec![], ..registration() };
    let mut past = vec![registered_as(registration)];
    assert_eq!(look(&mut past, 0), []);
    assert_eq!(look(&mut past, 13), [(Ending::Seal, 7)]);
}

#[test]
fn nothing_is_told_of_a_seal_that_has_ended_for_ever() {
    let revoked = event(Fact::Revoked(application(), RevocationCause::Other));
    for ended in [revoked, event(Fact::Replaced(application(), successor()))] {
        let mut past = vec![fresh(), ended];
        assert_eq!(look(&mut past, 40), []);
        assert_eq!(next(&past), None);
    }
}

#[test]
fn the_next_moment_is_the_first_that_was_not_told() {
    let mut past = vec![fresh()];
    assert_eq!(next(&past), Some(after(30 * DAY)));
    look(&mut past, 30);
    assert_eq!(next(&past), Some(after(53 * DAY)));
    look(&mut past, 59);
    // The end of the validity is a fact of its own, and the certificate's end is told.
    past.push(event(Fact::Expired(application())));
    assert_eq!(next(&past), Some(after(60 * DAY)));
    look(&mut past, 60);
    assert_eq!(next(&past), None);
}

#[test]
fn a_seal_whose_end_was_told_is_not_looked_at_for_warnings_that_nobody_gave() {
    let alone = Registration { certificates: vec![], certificates_valid_to: vec![], ..fresh_registration() };
    let past = vec![registered_as(alone), event(Fact::Expired(application()))];
    assert_eq!(next(&past), None);
}

#[test]
fn whatever_is_due_is_told_or_was_told_so_that_no_seal_is_looked_at_for_ever() {
    let mut past = vec![fresh()];
    for day in 0..200 {
        if day > 60 {
            past.push(event(Fact::Expired(application())));
        }
        look(&mut past, day);
        let next = next(&past);
        assert!(next.is_none_or(|next| next > after(day * DAY)) || day == 60, "day {day}: {next:?}");
    }
}

#[test]
fn certificates_that_the_registration_says_nothing_of_are_dated_once_and_told_from_then_on() {
    let old = Registration { certificates_valid_to: vec![], ..fresh_registration() };
    let mut past = vec![registered_as(old)];
    assert_eq!(look(&mut past, 31), [(Ending::Seal, 30)]);
    let dated = |past: &[Event], ends: Vec<Timestamp>| {
        let action = Action::DateCertificates(ends);
        let command = crate::domain::Command { seal: seal(), now: after(32 * DAY), action };
        Scenario::given(past.to_vec()).when(&command).expect("never refused")
    };
    let ends = vec![after(60 * DAY)];
    assert_eq!(dated(&past, vec![]), [], "it has one certificate");
    assert_eq!(dated(&past, ends.clone()), [event(Fact::CertificatesDated(application(), ends.clone()))]);
    past.extend(dated(&past, ends));
    assert_eq!(dated(&past, vec![after(90 * DAY)]), [], "certificates do not change");
    assert_eq!(next(&past), Some(after(30 * DAY)), "it is due");
    assert_eq!(look(&mut past, 32), [(sm2(), 30)]);
    assert_eq!(look(&mut past, 53), [(Ending::Seal, 7), (sm2(), 7)]);
    past.push(event(Fact::Revoked(application(), RevocationCause::Other)));
    assert_eq!(dated(&past[..1], vec![after(60 * DAY)]).len(), 1);
    assert_eq!(dated(&[past[0].clone(), past[past.len() - 1].clone()], vec![after(60 * DAY)]), [], "it has ended");
}

fn fresh() -> Event {
    registered_as(fresh_registration())
}

fn fresh_registration() -> Registration {
    let (valid_to, ends) = (after(60 * DAY), vec![after(60 * DAY)]);
    Registration {
        valid_to,
        certificates: vec![sm2_certificate()],
        certificates_valid_to: ends,
        registered_at: start(),
        ..registration()
    }
}

fn registered_as(registration: Registration) -> Event {
    event(Fact::Registered(Box::new(registration)))
}

fn event(fact: Fact) -> Event {
    Event { seal: seal(), fact }
}

fn sm2() -> Ending {
    Ending::Certificate(sm2_certificate())
}

/// What is told on a day; it is part of the past then.
fn look(past: &mut Vec<Event>, day: u64) -> Vec<(Ending, u8)> {
    let command = crate::domain::Command { seal: seal(), now: after(day * DAY), action: Action::AnnounceEndings };
    let told = Scenario::given(past.clone()).when(&command).expect("never refused");
    past.extend(told.clone());
    let warning = |event: Event| match event.fact {
        Fact::Expiring(_, warning) => (warning.ending, warning.days),
        other => panic!("{other:?}"),
    };
    told.into_iter().map(warning).collect()
}

fn next(past: &[Event]) -> Option<Timestamp> {
    let scenario = Scenario::given(past.to_vec());
    let state: &Seal = scenario.state();
    state.entry().expect("registered").next_warning()
}
