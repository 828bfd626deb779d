//! The envelope is what `docs/event-envelope.md` says, and a script of another language agrees.

use std::process::{Command as Process, Output};

use eseal_eventstore::{Actor, StoredEvent, StreamId, verify_chain};
use eseal_kernel::{Digest, Id};
use eseal_testkit::TestDb;

use crate::support::{Command, Store, add, order};

/// The page that others implement from.
const DOC: &str = include_str!("../../../../docs/event-envelope.md");

/// The fenced blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let block = |rest: &str| rest.split("```").next().unwrap_or_default().to_owned();
    DOC.split(&fence).skip(1).map(block).collect()
}

fn id(text: &str) -> Id {
    text.parse().expect("an id")
}

/// The events of the page's vectors, from their fields.
fn vectors() -> [StoredEvent; 2] {
    let application = "0192f0c1-6d3e-7a10-8b52-3f1c9a7e5d01";
    let payloads = blocks("payload");
    let hashes: Vec<Digest> = blocks("hash").iter().map(|hash| hash.trim_end().parse().expect("a hash")).collect();
    let submitted = StoredEvent {
        position: 41,
        event_id: id("0192f0c1-6d3f-7b21-9c63-402dab8f6e12"),
        stream_id: StreamId::try_new("application", application).expect("fit"),
        stream_version: 1,
        kind: "eseal.application.v1.Submitted".to_owned(),
        schema_version: 1,
        occurred_at: "2024-11-03T08:15:30.000007Z".parse().expect("a time"),
        actor: Actor::new("0192f0b0-0000-7000-8000-000000000001", "applicant"),
        subject: application.to_owned(),
        correlation_id: application.to_owned(),
        causation_id: None,
        payload: payloads[0].trim_end().as_bytes().to_vec(),
        prev_hash: None,
        hash: hashes[0],
        traceparent: None,
    };
    let returned = StoredEvent {
        position: 57,
        event_id: id("0192f0c8-0a4c-7c32-8d74-513ebc907f23"),
        stream_version: 2,
        kind: "eseal.application.v1.Returned".to_owned(),
        schema_version: 2,
        occurred_at: "2024-11-03T08:22:43.532Z".parse().expect("a time"),
        actor: Actor::new("0192f0b0-0000-7000-8000-000000000002", "reviewer"),
        causation_id: Some(submitted.event_id),
        payload: payloads[1].trim_end().as_bytes().to_vec(),
        prev_hash: Some(submitted.hash),
        hash: hashes[1],
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        ..submitted.clone()
    };
    [submitted, returned]
}

#[test]
fn the_envelope_is_the_documented_text() {
    let envelopes = blocks("envelope");
    assert_eq!(envelopes.len(), 2);
    for (event, text) in vectors().iter().zip(&envelopes) {
        assert_eq!(event.envelope_text(), *text);
        assert_eq!(text.matches('\n').count(), 14);
        assert!(event.verify_hash(), "{}", event.computed_hash());
    }
}

#[test]
fn the_documented_events_are_a_chain() {
    assert_eq!(verify_chain(&vectors()), Ok(2));
}

/// Runs the page's script over a store, or says that there is no Python here.
#[allow(clippy::print_stderr)] // it speaks to whoever runs the tests
fn run_the_script(store: &Store) -> Option<Output> {
    let script = blocks("python").remove(0);
    let file = store.db.url().trim_start_matches("sqlite:");
    match Process::new("python3").arg("-c").arg(script).arg(file).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: no python3 ({error})");
            None
        }
    }
}

#[tokio::test]
async fn the_documented_script_finds_a_real_store_whole() {
    let store = Store::open(TestDb::sqlite()).await;
    store.together((0..200).map(|i| add(&format!("印章 {}", i % 7), 1))).await;
    store.execute(order("a", Command::AddTwice(1, 2))).await.expect("recorded");
    let Some(output) = run_the_script(&store) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "202 events in 8 streams are whole");
}

#[tokio::test]
async fn the_documented_script_names_what_was_changed() {
    let store = Store::open(TestDb::sqlite()).await;
    store.together((0..9).map(|i| add(&(i % 2).to_string(), 1))).await;
    store.tamper("DROP TRIGGER events_are_never_changed").await.expect("dropped");
    store.tamper("UPDATE events SET actor = 'admin:x' WHERE position = 6").await.expect("changed");
    let Some(output) = run_the_script(&store) else { return };
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "position 6 does not fit");
}
