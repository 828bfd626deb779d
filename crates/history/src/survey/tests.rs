use super::*;
use crate::testing::{Chronicle, id};
use crate::{Life, Moment};

/// Application `a` gave seal `s`; gives what the services recorded.
struct Bureau {
    application: Chronicle,
    fabrication: Chronicle,
    authentication: Chronicle,
}

impl Bureau {
    fn new() -> Self {
        let [application, fabrication, authentication] =
            ["application", "fabrication", "authentication"].map(Chronicle::of);
        Self { application, fabrication, authentication }
    }

    fn filed(&mut self, application: u8, existing: Option<u8>) {
        let (own, existing) = (id(application), existing.map(|seal| id(seal).to_string()).unwrap_or_default());
        let payload = format!(r#"{{"applicationId":"{own}","particulars":{{"existingSealId":"{existing}"}}}}"#);
        self.application.add(&stream("application", own), "Submitted", &payload, 0);
    }

    fn made(&mut self, application: u8, seal: u8, key: Option<u8>) {
        let (own, made) = (id(application), id(seal));
        let payload = format!(r#"{{"applicationId":"{own}","sealId":"{made}"}}"#);
        self.fabrication.add(&stream("fabrication", own), "RunBegun", &payload, 0);
        let key = key.map(|key| id(key).to_string()).unwrap_or_default();
        let payload = format!(r#"{{"sealId":"{made}","applicationId":"{own}","hostedKeyId":"{key}"}}"#);
        self.authentication.add(&stream("seal", made), "SealRegistered", &payload, 0);
    }

    fn replaced(&mut self, seal: u8, successor: u8) {
        let payload = format!(r#"{{"sealId":"{}","successorSealId":"{}"}}"#, id(seal), id(successor));
        self.authentication.add(&stream("seal", id(seal)), "SealReplaced", &payload, 0);
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.application.events.iter().chain(&self.fabrication.events).chain(&self.authentication.events)
    }

    fn survey(&self) -> Survey {
        let mut survey = Survey::new(true);
        self.events().for_each(|event| survey.read(event));
        survey
    }

    /// The second reading, of what lies in the spans alone.
    fn life(&self, survey: &Survey, subject: Subject) -> Life {
        let scope = survey.scope(subject).expect("told of");
        let spans = survey.spans(&scope);
        let mut life = Life::new(scope);
        let inside = |event: &&Event| {
            spans.get(&event.owner).is_some_and(|(first, last)| (*first..=*last).contains(&event.position))
        };
        self.events().filter(inside).for_each(|event| life.read(event.clone()));
        life.settle(survey).expect("the same events")
    }
}

#[test]
fn a_seal_is_found_by_its_own_id_and_by_its_applications() {
    let mut bureau = Bureau::new();
    bureau.filed(9, None);
    bureau.filed(1, None);
    bureau.made(1, 11, None);
    bureau.made(9, 99, None);
    let survey = bureau.survey();
    for subject in [Subject::Seal(id(11)), Subject::Application(id(1))] {
        let scope = survey.scope(subject).expect("told of");
        assert_eq!((scope.seals.as_slice(), scope.applications.as_slice()), (&[id(11)][..], &[id(1)][..]));
        let life = bureau.life(&survey, subject);
        let streams: Vec<_> = life.events().iter().map(|event| event.stream_id.clone()).collect();
        assert_eq!(streams, [stream("application", id(1)), stream("fabrication", id(1)), stream("seal", id(11))]);
    }
}

#[test]
fn earlier_and_later_seals_belong_to_the_life() {
    let mut bureau = Bureau::new();
    // 11 was replaced by 12, and 13 was asked for in place of 12.
    for (application, seal, existing) in [(1, 11, None), (2, 12, None), (3, 13, Some(12))] {
        bureau.filed(application, existing);
        bureau.made(application, seal, None);
    }
    bureau.filed(8, None);
    bureau.replaced(11, 12);
    let survey = bureau.survey();
    let middle = survey.scope(Subject::Seal(id(12))).expect("told of");
    assert_eq!((middle.earlier.as_slice(), middle.later.as_slice()), (&[id(11)][..], &[id(13)][..]));
    let last = survey.scope(Subject::Seal(id(13))).expect("told of");
    assert_eq!((last.earlier.as_slice(), last.later.as_slice()), (&[id(11), id(12)][..], &[][..]));
    assert_eq!(bureau.life(&survey, Subject::Seal(id(11))).events().len(), 10);
}

#[test]
fn a_hosted_key_belongs_to_its_seal_but_not_what_else_it_was_used_for() {
    let mut bureau = Bureau::new();
    bureau.authentication.add(&stream("hosted_key", id(50)), "HostedKeyCreated", "{}", 0);
    for (application, seal) in [(1, 11), (2, 12)] {
        bureau.filed(application, None);
        bureau.made(application, seal, Some(50));
    }
    let survey = bureau.survey();
    let life = bureau.life(&survey, Subject::Seal(id(11)));
    let streams: Vec<_> = life.events().iter().map(|event| event.stream_id.clone()).collect();
    assert!(streams.contains(&stream("hosted_key", id(50))), "{streams:?}");
    assert!(!streams.contains(&stream("seal", id(12))), "{streams:?}");
}

#[test]
fn a_seal_that_was_never_registered_has_the_tries_to_use_it() {
    let mut bureau = Bureau::new();
    let payload = r#"{"gate":"a","reason":"SEAL_NOT_REGISTERED"}"#;
    bureau.authentication.add(&stream("seal", id(66)), "SealingRefused", payload, 0);
    let survey = bureau.survey();
    let life = bureau.life(&survey, Subject::Seal(id(66)));
    assert_eq!(life.events().len(), 1);
    assert!(life.as_of(Moment::Now(crate::testing::at(0))).seals.is_empty());
    assert_eq!(survey.scope(Subject::Seal(id(67))), None);
}

#[test]
fn an_event_that_is_another_one_in_the_second_reading_is_found() {
    let mut bureau = Bureau::new();
    bureau.filed(1, None);
    bureau.made(1, 11, None);
    bureau.replaced(11, 12);
    let survey = bureau.survey();
    let changes: [fn(&mut Vec<Event>); 4] = [
        |events| events[1].actor = "admin:root".to_owned(),
        |events| events[1].hash = "0".repeat(64),
        |events| drop(events.pop()),
        |events| drop(events.remove(0)),
    ];
    for change in changes {
        let mut events: Vec<_> = bureau.authentication.events.clone();
        change(&mut events);
        let mut life = Life::new(survey.scope(Subject::Seal(id(11))).expect("told of"));
        bureau.application.events.iter().chain(&bureau.fabrication.events).for_each(|e| life.read(e.clone()));
        events.into_iter().for_each(|event| life.read(event));
        let changed = life.settle(&survey).expect_err("another reading");
        assert_eq!((changed.owner.as_str(), changed.stream_id), ("authentication", stream("seal", id(11))));
    }
}

#[test]
fn an_owner_of_whom_nothing_was_read_is_checked_too() {
    let mut survey = Survey::new(true);
    survey.expect("fabrication", 3);
    survey.expect("verification", 0);
    let checks = survey.checks();
    assert_eq!((checks["fabrication"].passed(), checks["verification"].passed()), (false, true));
    assert!(Survey::new(false).checks().is_empty());
}
