//! How fast a history is checked: hash, chain and position of every event, beside nothing but SHA-256 over the same bytes.

use eseal_history::Survey;
use eseal_history::check::hash_of;
use eseal_kernel::{Digest, Id};
use eseal_proto::event::v1::Event;
use eseal_testkit::ratio;
use std::hint::black_box;

const EVENTS: u64 = 100_000;
const STREAMS: u64 = 5_000;

fn main() {
    if !ratio::is_asked_for("history_check") {
        return;
    }
    let events = history();
    // The same bytes as an envelope has: fixed words and fields, then the payload.
    let envelopes: Vec<(Vec<u8>, &[u8])> =
        events.iter().map(|event| (envelope(event), event.payload.as_slice())).collect();
    let check = || {
        let mut survey = Survey::new(true);
        events.iter().for_each(|event| survey.read(event));
        assert!(survey.checks().values().all(eseal_history::Check::passed));
    };
    let hash = || {
        for (envelope, payload) in &envelopes {
            black_box((Digest::of(envelope), Digest::of(payload)));
        }
    };
    let (ours, raw) = ratio::per_second(check, hash);
    let thousands = EVENTS as f64 / 1000.0;
    ratio::record("history_check", ours * thousands, raw * thousands, "SHA-256 alone", "k events/s");
}

/// The events of seals in use, chained.
fn history() -> Vec<Event> {
    let mut tips = vec![(0, String::new()); usize::try_from(STREAMS).expect("small")];
    let event = |position: u64| {
        let stream = usize::try_from(position * 7 % STREAMS).expect("small");
        let seal = Id::derived(&Digest::of(&stream.to_le_bytes())).to_string();
        let id = Id::derived(&Digest::of(&position.to_le_bytes())).to_string();
        let (version, prev_hash) = tips[stream].clone();
        let document = Digest::of(id.as_bytes());
        let payload = format!(
            r#"{{"sealId":"{seal}","attemptId":"{id}","documentDigest":"{document}","signatureDigest":"{document}"}}"#
        );
        let mut event = Event {
            owner: "authentication".to_owned(),
            position,
            event_id: id,
            stream_id: format!("seal-{seal}"),
            stream_version: version + 1,
            r#type: "eseal.authentication.v1.SealingCompleted".to_owned(),
            schema_version: 1,
            occurred_at: "2026-11-28T08:00:00.000000Z".to_owned(),
            actor: format!("custodian:{seal}"),
            subject: seal.clone(),
            correlation_id: seal,
            payload: payload.into_bytes(),
            prev_hash,
            ..Event::default()
        };
        event.hash = hash_of(&event).to_string();
        tips[stream] = (event.stream_version, event.hash.clone());
        event
    };
    (1..=EVENTS).map(event).collect()
}

fn envelope(event: &Event) -> Vec<u8> {
    let payload = Digest::of(&event.payload).to_string();
    let (version, position) = (event.stream_version.to_string(), event.position.to_string());
    let lines: [&str; 14] = [
        "eseal-event-v1",
        &event.event_id,
        &event.stream_id,
        &version,
        &position,
        &event.r#type,
        "1",
        &event.occurred_at,
        &event.actor,
        &event.subject,
        &event.correlation_id,
        &event.causation_id,
        &payload,
        &event.prev_hash,
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(Digest::of(text.as_bytes()).to_string(), event.hash, "not the bytes that the check hashes");
    text.into_bytes()
}
