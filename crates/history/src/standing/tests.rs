use eseal_proto::seal::v1::SealState;

use super::*;
use crate::survey::{Subject, Survey};
use crate::testing::{Chronicle, at, id};

const SEAL: u8 = 11;

/// A registered seal of `chen`, valid for the first 1,000 seconds.
struct Registry(Chronicle);

impl Registry {
    fn new() -> Self {
        let mut registry = Self(Chronicle::of("authentication"));
        let (from, to) = (at(0), at(1000));
        let more = format!(r#""applicationId":"{}","custodianId":"chen","validFrom":"{from}","validTo":"{to}""#, id(1));
        registry.add("SealRegistered", &more, 0);
        registry
    }

    fn active() -> Self {
        let mut registry = Self::new();
        registry.add("SealActivated", "", 1);
        registry
    }

    /// A fact of the seal with more fields, so many seconds after the beginning.
    fn add(&mut self, kind: &str, more: &str, seconds: i64) -> &mut Self {
        let comma = if more.is_empty() { "" } else { "," };
        let payload = format!(r#"{{"sealId":"{}"{comma}{more}}}"#, id(SEAL));
        self.0.add(&format!("seal-{}", id(SEAL)), kind, &payload, seconds);
        self
    }

    /// A step of attempt `attempt`.
    fn step(&mut self, kind: &str, attempt: u8, more: &str, seconds: i64) -> &mut Self {
        let comma = if more.is_empty() { "" } else { "," };
        self.add(kind, &format!(r#""attemptId":"{}"{comma}{more}"#, id(attempt)), seconds)
    }

    fn as_of(&self, moment: Moment) -> Standing {
        let mut survey = Survey::new(true);
        self.0.events.iter().for_each(|event| survey.read(event));
        assert!(survey.checks().values().all(crate::Check::passed));
        let mut life = Life::new(survey.scope(Subject::Seal(id(SEAL))).expect("told of"));
        self.0.events.iter().for_each(|event| life.read(event.clone()));
        life.settle(&survey).expect("the same events").as_of(moment)
    }

    fn seal(&self, seconds: i64) -> SealStanding {
        self.as_of(Moment::At(at(seconds))).seals.remove(0)
    }
}

#[test]
fn the_state_at_a_moment_is_that_before_the_first_later_event() {
    let mut registry = Registry::active();
    registry.add("SealSuspended", r#""reasonCode":"CARD_LOST""#, 100).add("SealResumed", "", 200);
    registry.add("SealRevoked", r#""reasonCode":"OTHER""#, 300);
    let told = |seconds| {
        let seal = registry.seal(seconds);
        (seal.registered.state(), seal.reason_code, seal.not_usable_because)
    };
    assert_eq!(told(0), (SealState::Registered, None, Some("SEAL_NOT_ACTIVE")));
    assert_eq!(told(1), (SealState::Active, None, None));
    assert_eq!(told(100), (SealState::Suspended, Some("CARD_LOST".to_owned()), Some("SEAL_SUSPENDED")));
    assert_eq!(told(200), (SealState::Active, None, None));
    assert_eq!(told(300), (SealState::Revoked, Some("OTHER".to_owned()), Some("SEAL_REVOKED")));
}

#[test]
fn before_it_was_registered_there_was_no_seal() {
    assert!(Registry::active().as_of(Moment::At(at(-1))).seals.is_empty());
}

#[test]
fn an_expired_seal_is_in_its_state_and_can_be_used_by_nobody() {
    let registry = Registry::active();
    let (last, after) = (registry.seal(999), registry.seal(1001));
    assert_eq!((last.registered.expired, last.usable_by), (false, vec!["chen".to_owned()]));
    assert_eq!((after.registered.expired, after.registered.state()), (true, SealState::Active));
    assert_eq!((after.not_usable_because, after.usable_by), (Some("SEAL_EXPIRED"), vec![]));
}

#[test]
fn a_moment_without_a_fraction_is_its_whole_second() {
    let mut registry = Registry::active();
    registry.add("SealSuspended", r#""reasonCode":"OTHER""#, 100);
    let end = at(100).plus(Duration::from_micros(999_999));
    assert_eq!(Moment::At(at(100)).last(), end);
    assert_eq!(registry.seal(100).registered.state(), SealState::Suspended);
    let just_before = at(100).minus(Duration::from_micros(1));
    let before = registry.as_of(Moment::At(just_before)).seals.remove(0);
    assert_eq!(before.registered.state(), SealState::Active);
}

#[test]
fn a_clock_that_went_back_makes_no_state_that_never_was_and_is_told() {
    let mut registry = Registry::active();
    // Suspended by a clock that was ahead, resumed after it was set right.
    registry.add("SealSuspended", r#""reasonCode":"OTHER""#, 500).add("SealResumed", "", 100);
    let then = registry.as_of(Moment::At(at(300)));
    assert_eq!(then.seals[0].registered.state(), SealState::Active);
    assert_eq!(then.seals[0].registered.etag, "2");
    let doubts: Vec<_> = then.doubts.iter().map(|event| event.position).collect();
    assert_eq!(doubts, [4]);
    // The present needs no clock.
    let now = registry.as_of(Moment::Now(at(300)));
    assert_eq!((now.seals[0].registered.etag.as_str(), now.doubts.len()), ("4", 0));
}

#[test]
fn wrong_pins_lock_and_an_administrator_unlocks() {
    let mut registry = Registry::active();
    registry.step("SealingBegun", 1, r#""custodianId":"chen""#, 10);
    for (seconds, left) in [(11, 4), (12, 3), (13, 2), (14, 1)] {
        registry.step("PinRefused", 1, &format!(r#""triesLeft":{left}"#), seconds);
    }
    registry.step("PinLocked", 1, "", 15);
    registry.step("SealingRefused", 1, r#""gate":"c","reason":"PIN_LOCKED""#, 15).add("PinUnlocked", "", 20);
    let tries = |seconds| registry.seal(seconds).registered.pin_tries_left;
    assert_eq!([10, 12, 14, 15, 20].map(tries), [5, 3, 1, 0, 5]);
    let locked = registry.seal(16);
    assert_eq!((locked.registered.pin_locked, locked.not_usable_because), (true, Some("PIN_LOCKED")));
    assert_eq!((locked.open_uses.len(), locked.refused, locked.completed), (0, 1, 0));
    let last = &locked.last_uses[0];
    assert_eq!((last.gate.as_deref(), last.reason.as_deref()), (Some("c"), Some("PIN_LOCKED")));
}

#[test]
fn a_hosted_pin_that_is_right_gives_back_all_tries_but_those_under_way() {
    let mut registry = Registry::active();
    for attempt in [1, 2] {
        registry.step("SealingBegun", attempt, r#""custodianId":"chen""#, 10);
    }
    registry.step("PinTried", 1, r#""triesLeft":4"#, 11).step("PinTried", 2, r#""triesLeft":3"#, 12);
    registry.step("PinAccepted", 1, "", 13);
    assert_eq!(registry.seal(12).registered.pin_tries_left, 3);
    assert_eq!(registry.seal(13).registered.pin_tries_left, 4);
}

#[test]
fn a_use_is_open_until_it_ends_or_its_time_is_over() {
    let mut registry = Registry::active();
    registry.step("SealingBegun", 1, r#""custodianId":"chen""#, 10).step(
        "SealingBegun",
        2,
        r#""custodianId":"chen""#,
        10,
    );
    registry.step("SealingAuthorized", 1, r#""documentDigest":"d1""#, 20);
    registry.step("SealingCompleted", 1, r#""documentDigest":"d1""#, 30);
    let open = |seconds| registry.seal(seconds).open_uses.len();
    assert_eq!([10, 20, 30, 609, 610].map(open), [2, 2, 1, 1, 0]);
    let authorized = &registry.seal(20).open_uses[0];
    assert_eq!(authorized.document_digest.as_deref(), Some("d1"));
    let done = registry.seal(30);
    assert_eq!((done.completed, done.last_uses[0].document_digest.as_deref()), (1, Some("d1")));
}

#[test]
fn of_many_uses_the_last_five_are_told_the_newest_first() {
    let mut registry = Registry::active();
    for attempt in 1..=8 {
        registry.step("SealingBegun", attempt, "", 10).step("SealingCompleted", attempt, "", 10 + i64::from(attempt));
    }
    let seal = registry.seal(100);
    let told: Vec<_> = seal.last_uses.iter().map(|past| past.attempt_id.clone()).collect();
    assert_eq!(told, [8, 7, 6, 5, 4].map(|attempt| id(attempt).to_string()));
    assert_eq!(seal.completed, 8);
}

#[test]
fn an_event_that_is_not_understood_is_told_with_the_standing() {
    let mut registry = Registry::active();
    registry.add("SealPainted", "", 50).add("SealSuspended", r#""reasonCode":7"#, 60);
    let standing = registry.as_of(Moment::At(at(100)));
    assert_eq!(standing.seals[0].registered.state(), SealState::Active);
    let unknown: Vec<_> = standing.unknown.iter().map(|event| event.position).collect();
    assert_eq!(unknown, [3, 4]);
    assert!(registry.as_of(Moment::At(at(40))).unknown.is_empty());
}

/// What became of an application until so many seconds.
fn application(steps: &[(&str, &str)], making: &[(&str, &str)], seconds: i64) -> Option<ApplicationStanding> {
    let mut survey = Survey::new(true);
    let mut events = Vec::new();
    for (owner, steps) in [("application", steps), ("fabrication", making)] {
        let mut chronicle = Chronicle::of(owner);
        for (second, (kind, more)) in steps.iter().enumerate() {
            let payload = format!(r#"{{"applicationId":"{}"{more}}}"#, id(1));
            chronicle.add(&format!("{owner}-{}", id(1)), kind, &payload, second as i64);
        }
        events.extend(chronicle.events);
    }
    events.iter().for_each(|event| survey.read(event));
    let mut life = Life::new(survey.scope(Subject::Application(id(1))).expect("told of"));
    events.into_iter().for_each(|event| life.read(event));
    life.settle(&survey).expect("the same events").as_of(Moment::At(at(seconds))).applications.pop()
}

#[test]
fn an_application_goes_through_its_states() {
    let steps = [
        ("Submitted", r#","applicantId":"wang","approvalsNeeded":2"#),
        ("StepApproved", r#","reviewerId":"li""#),
        ("Returned", r#","reasonCode":"OTHER""#),
        ("Resubmitted", ""),
        ("StepApproved", r#","reviewerId":"zhou""#),
        ("Approved", r#","reviewerId":"li""#),
    ];
    let told = |seconds| {
        let standing = application(&steps, &[], seconds).expect("filed");
        (standing.state.trim_start_matches("APPLICATION_STATE_"), standing.approved_by)
    };
    assert_eq!(application(&steps, &[], -1), None);
    assert_eq!(told(0), ("UNDER_REVIEW", vec![]));
    assert_eq!(told(1), ("UNDER_REVIEW", vec!["li".to_owned()]));
    assert_eq!(told(2), ("RETURNED", vec![]));
    assert_eq!(told(3), ("UNDER_REVIEW", vec![]));
    assert_eq!(told(5), ("APPROVED", vec!["zhou".to_owned(), "li".to_owned()]));
    assert_eq!(application(&steps, &[], 5).and_then(|standing| standing.return_code).as_deref(), Some("OTHER"));
}

#[test]
fn the_making_of_a_seal_goes_through_its_states() {
    let filed = [("Submitted", "")];
    let making = [
        ("FabricationQueued", ""),
        ("RunBegun", ""),
        ("FabricationRefused", r#","gate":"d","reason":"CARD_IN_USE""#),
        ("CardReleased", ""),
        ("RunBegun", ""),
        ("SealFabricated", r#","sealId":"s""#),
        ("CardReleased", r#","sealId":"s""#),
    ];
    let told =
        |seconds| application(&filed, &making, seconds).and_then(|standing| standing.fabrication).expect("queued");
    let states = [0, 1, 2, 3, 4, 5, 6].map(|seconds| told(seconds).state);
    use Making::{Closed, Made, Running, Waiting};
    assert_eq!(states, [Waiting, Running, Waiting, Waiting, Running, Made, Closed]);
    assert_eq!((told(6).runs, told(6).seal_id.as_deref()), (2, Some("s")));
    assert_eq!(told(3).last_refusal.as_deref(), Some("CARD_IN_USE"));
}
