//! A good history passes, and each way to doctor it is found and named.

use eseal_eventstore::{Actor, StoredEvent, StreamId};
use eseal_kernel::{Digest, Id, Timestamp};
use serde_json::json;

use super::*;
use crate::load::{Entry, Rpc, Verdict};

const APPLICATION: &str = "0198c0de-0000-7000-8000-00000000000a";
const SEAL: &str = "0198c0de-0000-7000-8000-00000000000b";
const ATTEMPT: &str = "0198c0de-0000-7000-8000-00000000000c";

/// A history of all services with what clients were told of it.
struct Story {
    ledger: Ledger,
    books: BTreeMap<&'static str, Books>,
    expected: Expected,
}

impl Story {
    /// A seal from its application to a use, as it should be.
    fn good() -> Self {
        let empty = || Books { stream: Some(Vec::new()), ..Books::default() };
        let books = ["application", "fabrication", "authentication"].map(|owner| (owner, empty()));
        let books = BTreeMap::from(books);
        let mut story = Self { ledger: Ledger::default(), books, expected: Expected::default() };
        story.told(Rpc::SubmitApplication, APPLICATION, Verdict::Acknowledged);
        story.told(Rpc::ApproveApplication, APPLICATION, Verdict::Acknowledged);
        story.told(Rpc::ActivateSeal, SEAL, Verdict::Acknowledged);
        story.told(Rpc::BeginSealing, ATTEMPT, Verdict::Acknowledged);
        story.told(Rpc::AuthorizeHostedSealing, ATTEMPT, Verdict::Refused("SEAL_SUSPENDED".to_owned()));
        story.happened("application", "Submitted", None);
        let approved = story.happened("application", "Approved", None);
        story.happened("fabrication", "FabricationQueued", Some(approved));
        let made = story.happened("fabrication", "SealFabricated", None);
        story.happened("application", "SealMadeNoted", Some(made));
        let registered = story.happened("authentication", "SealRegistered", Some(made));
        story.happened("application", "SealStateNoted", Some(registered));
        let activated = story.happened("authentication", "SealActivated", None);
        story.happened("application", "SealStateNoted", Some(activated));
        for kind in ["SealingBegun", "PinTried", "PinAccepted", "SealingRefused"] {
            story.happened("authentication", kind, None);
        }
        story.settle();
        story
    }

    fn told(&mut self, rpc: Rpc, subject: &str, verdict: Verdict) {
        let request_id = Id::random(Timestamp::from_seconds(1)).to_string();
        if verdict == Verdict::Acknowledged {
            let (request_id, caller) = (request_id.clone(), "zhao".to_owned());
            let request = Request { request_id, caller, rpc: format!("{rpc:?}") };
            self.books.get_mut(rpc.trace().owner).expect("a service").requests.push(request);
        }
        let subject = subject.to_owned();
        self.ledger.entries.push(Entry { rpc, caller: "zhao", request_id, subject, verdict, sent: 1 });
    }

    /// One more fact, stored and published.
    fn happened(&mut self, owner: &'static str, kind: &str, causation_id: Option<Id>) -> Id {
        let payload = json!({ "applicationId": APPLICATION, "sealId": SEAL, "attemptId": ATTEMPT }).to_string();
        let books = self.books.get_mut(owner).expect("a service");
        let last = books.events.last();
        let mut event = StoredEvent {
            position: books.events.len() as u64 + 1,
            event_id: Id::random(Timestamp::from_seconds(1)),
            stream_id: StreamId::try_new("application", APPLICATION).expect("a stream"),
            stream_version: books.events.len() as u64 + 1,
            kind: format!("eseal.{owner}.v1.{kind}"),
            schema_version: 1,
            occurred_at: Timestamp::from_seconds(1),
            actor: Actor::new("zhao", "applicant"),
            subject: APPLICATION.to_owned(),
            correlation_id: APPLICATION.to_owned(),
            causation_id,
            payload: payload.into_bytes(),
            prev_hash: last.map(|event| event.hash),
            hash: Digest::of(b""),
            traceparent: None,
        };
        event.hash = event.computed_hash();
        let id = event.event_id;
        let message = Message {
            sequence: event.position,
            subject: streams::subject(owner, &event.kind),
            headers: streams::headers_of(owner, &event),
            payload: event.payload.clone(),
        };
        books.stream.as_mut().expect("a stream").push(message);
        books.events.push(event);
        id
    }

    /// Every consumer has settled everything.
    fn settle(&mut self) {
        for (service, consumer, owner) in consumers() {
            let (consumer, from) = (consumer.to_owned(), owner.to_owned());
            let events = self.books[owner].events.iter();
            let settled: Vec<_> = events
                .map(|event| Settled {
                    consumer: consumer.clone(),
                    owner: from.clone(),
                    event_id: event.event_id.to_string(),
                    position: event.position,
                })
                .collect();
            let head = settled.len() as u64;
            let books = self.books.get_mut(service).expect("a service");
            books.inbox.retain(|row| row.consumer != consumer || row.owner != from);
            books.inbox.extend(settled);
            books.cursors.insert((consumer, from), head);
        }
    }

    fn of(&mut self, owner: &str) -> &mut Books {
        self.books.get_mut(owner).expect("a service")
    }

    fn findings(&self) -> Vec<String> {
        let Self { ledger, books, expected } = self;
        audit(&Case { ledger, books, expected }).0.iter().map(ToString::to_string).collect()
    }

    /// The only kind of finding is this one, and it is told of that.
    #[track_caller]
    fn assert_found(&self, kind: &str, what: &str) {
        let findings = self.findings();
        assert!(findings.iter().any(|found| found.starts_with(kind) && found.contains(what)), "{findings:#?}");
    }
}

#[test]
fn a_good_history_has_nothing_that_does_not_fit() {
    assert_eq!(Story::good().findings(), [""; 0]);
}

#[test]
fn an_acknowledged_command_without_its_fact_is_lost() {
    let mut story = Story::good();
    story.told(Rpc::SuspendSeal, SEAL, Verdict::Acknowledged);
    story.assert_found("lost", "authentication.SealSuspended");
}

#[test]
fn an_acknowledged_command_carried_out_twice_is_doubled() {
    let mut story = Story::good();
    let again = story.happened("authentication", "SealActivated", None);
    story.happened("application", "SealStateNoted", Some(again));
    story.settle();
    story.assert_found("doubled", "authentication.SealActivated");
    assert_eq!(story.findings().len(), 1);
}

#[test]
fn a_fact_of_a_command_that_nobody_sent_was_not_asked_for() {
    let mut story = Story::good();
    story.happened("authentication", "SealingCompleted", None);
    story.settle();
    story.assert_found("nobody asked for it", "authentication.SealingCompleted");
}

#[test]
fn a_refused_command_that_left_its_fact_was_not_asked_for() {
    let mut story = Story::good();
    story.happened("authentication", "SealingAuthorized", None);
    story.settle();
    story.assert_found("nobody asked for it", "authentication.SealingAuthorized");
}

#[test]
fn a_refusal_that_was_not_written_down_is_lost() {
    let mut story = Story::good();
    story.told(Rpc::AuthorizeHostedSealing, ATTEMPT, Verdict::Refused("PIN_INCORRECT".to_owned()));
    story.assert_found("lost", "authentication.PinRefused");
}

#[test]
fn a_command_without_an_answer_may_be_there_once_and_not_twice() {
    let mut story = Story::good();
    story.told(Rpc::SignHosted, ATTEMPT, Verdict::Open("no answer".to_owned()));
    assert_eq!(story.findings(), [""; 0]);
    story.happened("authentication", "HostedSignatureMade", None);
    story.settle();
    assert_eq!(story.findings(), [""; 0]);
    story.happened("authentication", "HostedSignatureMade", None);
    story.settle();
    story.assert_found("nobody asked for it", "authentication.HostedSignatureMade");
}

#[test]
fn what_was_made_by_a_command_without_an_answer_may_have_any_id_but_only_one() {
    let mut story = Story::good();
    story.told(Rpc::BeginSealing, "", Verdict::Open("no answer".to_owned()));
    story.ledger.entries.retain(|entry| entry.subject != ATTEMPT);
    story.of("authentication").requests.clear();
    story.ledger.entries.retain(|entry| entry.rpc != Rpc::ActivateSeal);
    let unasked: Vec<_> = story.findings().into_iter().filter(|found| found.contains("SealingBegun")).collect();
    assert_eq!(unasked, [""; 0]);
    story.happened("authentication", "SealingBegun", None);
    story.settle();
    story.assert_found("nobody asked for it", "authentication.SealingBegun");
}

#[test]
fn a_pin_that_was_counted_more_often_than_it_was_typed_is_found() {
    let mut story = Story::good();
    story.happened("authentication", "PinTried", None);
    story.settle();
    story.assert_found("doubled", "authentication.PinTried");
}

#[test]
fn an_acknowledged_request_that_is_not_known_any_more_is_lost() {
    let mut story = Story::good();
    story.of("application").requests.pop();
    story.assert_found("lost", "the request is not known");
}

#[test]
fn a_changed_payload_breaks_the_hash() {
    let mut story = Story::good();
    story.of("fabrication").events[0].payload = b"{}".to_vec();
    story.assert_found("broken", "position 1 does not have the hash");
}

#[test]
fn a_deleted_event_is_a_missing_position() {
    let mut story = Story::good();
    story.of("application").events.remove(1);
    story.assert_found("broken", "position 3 where position 2 follows");
}

#[test]
fn an_event_rewritten_with_its_hash_breaks_the_chain_behind_it() {
    let mut story = Story::good();
    let events = &mut story.of("application").events;
    events[1].actor = Actor::new("li", "applicant");
    events[1].hash = events[1].computed_hash();
    story.assert_found("broken", "position 3 does not follow");
}

#[test]
fn an_effect_that_never_came_is_lost() {
    for (owner, kind) in [("fabrication", "FabricationQueued"), ("application", "SealMadeNoted")] {
        let mut story = Story::good();
        let events = &mut story.of(owner).events;
        events.iter_mut().filter(|event| event.kind.ends_with(kind)).for_each(|event| event.causation_id = None);
        story.assert_found("lost", kind);
    }
}

#[test]
fn an_effect_that_came_twice_is_doubled() {
    let mut story = Story::good();
    let cause = story.of("authentication").events[0].causation_id;
    story.happened("authentication", "SealRegistered", cause);
    story.settle();
    story.assert_found("doubled", "eseal.authentication.v1.SealRegistered at positions");
}

#[test]
fn a_seal_made_twice_and_one_never_made_are_found() {
    let mut story = Story::good();
    story.happened("fabrication", "SealFabricated", None);
    story.settle();
    story.assert_found("doubled", "2 seals were made");
    let mut story = Story::good();
    story.of("fabrication").events.retain(|event| !event.kind.ends_with("SealFabricated"));
    story.assert_found("lost", "was never made");
}

#[test]
fn a_consumer_that_has_not_come_to_the_end_is_behind() {
    let mut story = Story::good();
    story.of("fabrication").cursors.insert(("fabrication".to_owned(), "application".to_owned()), 1);
    story.assert_found("behind", "fabrication is at 1 of 5 of application");
}

#[test]
fn a_settled_fact_that_is_missing_doubled_or_of_nobody_is_found() {
    let mut story = Story::good();
    let of_fabrication = |row: &Settled| row.consumer == "authentication" && row.owner == "fabrication";
    let inbox = &mut story.of("authentication").inbox;
    let at = inbox.iter().position(of_fabrication).expect("a row");
    let row = inbox.remove(at);
    story.assert_found("lost", "authentication has not settled");
    story.of("authentication").inbox.extend([row.clone(), row.clone()]);
    story.assert_found("doubled", "authentication has settled");
    story.of("authentication").inbox.pop();
    story.of("authentication").inbox.push(Settled { event_id: "none".to_owned(), ..row });
    story.assert_found("broken", "does not have there");
}

#[test]
fn dead_letters_are_found_and_so_is_their_absence_where_they_are_expected() {
    let mut story = Story::good();
    story.of("application").dead_letters.push("application could not take in fabrication 1: why".to_owned());
    story.assert_found("parked", "1 dead letters where 0");
    story.expected.dead_letters = 2;
    story.assert_found("parked", "1 dead letters where 2");
}

#[test]
fn a_stream_that_lost_its_tail_has_another_order_or_a_repeat_is_found() {
    let mut story = Story::good();
    let last = story.of("application").stream.as_mut().expect("a stream").pop().expect("a message");
    story.assert_found("diverged", "it has 4 positions of 5");
    story.of("application").stream.as_mut().expect("a stream").extend([last.clone(), last]);
    story.assert_found("diverged", "position 5 lies at 5 where position 6 follows");
    let mut story = Story::good();
    story.of("application").stream.as_mut().expect("a stream").swap(0, 1);
    story.assert_found("diverged", "where position 1 follows");
}

#[test]
fn a_message_with_another_byte_or_header_is_found() {
    let mut story = Story::good();
    story.of("application").stream.as_mut().expect("a stream")[2].payload.push(b' ');
    story.assert_found("diverged", "the payload at position 3");
    let mut story = Story::good();
    let message = &mut story.of("application").stream.as_mut().expect("a stream")[2];
    message.headers.insert("ce-actor".to_owned(), "reviewer:li".to_owned());
    story.assert_found("diverged", "the header ce-actor at position 3");
    let mut story = Story::good();
    story.of("application").stream.as_mut().expect("a stream")[2].subject.push('s');
    story.assert_found("diverged", "has the subject");
}

#[test]
fn a_foreign_message_is_found_unless_it_is_expected() {
    let mut story = Story::good();
    story.of("application").stream.as_mut().expect("a stream").insert(2, Message::default());
    story.assert_found("diverged", "1 foreign messages where 0");
    story.expected.foreign_messages.insert("application", 1);
    assert_eq!(story.findings(), [""; 0]);
}

#[test]
fn a_table_that_a_rebuild_changed_is_named_with_the_row() {
    let rows = |rows: &[&str]| Tables::from([("seals".to_owned(), rows.iter().map(|row| (*row).to_owned()).collect())]);
    for (before, after) in [(&["a", "b"][..], &["a", "c"][..]), (&["a", "b"], &["a"]), (&["a"], &["a", "b"])] {
        let mut findings = Findings::default();
        compare_tables("authentication", &rows(before), &rows(after), &mut findings);
        assert_eq!(findings.0.len(), 1, "{before:?} {after:?}");
        assert!(findings.to_string().contains("authentication.seals, row 1"), "{findings}");
    }
    let mut findings = Findings::default();
    compare_tables("authentication", &rows(&["a"]), &rows(&["a"]), &mut findings);
    assert!(findings.is_empty());
}
