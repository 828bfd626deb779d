//! Whether the bus has what the stores have: the same facts, once each, in the same order, byte for byte.

use std::collections::{BTreeMap, HashMap};

use eseal_eventstore::StoredEvent;

use super::{Case, Finding, Findings, Message};

/// Holds each stream against its owner's store.
pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for (owner, books) in case.books {
        if let Some(stream) = &books.stream {
            let foreign = case.expected.foreign_messages.get(owner).copied().unwrap_or_default();
            if let Err(why) = compare(owner, &books.events, stream, foreign) {
                findings.add(Finding::Diverged(format!("the stream of {owner}: {why}")));
            }
        }
    }
}

fn compare(owner: &str, events: &[StoredEvent], stream: &[Message], foreign: usize) -> Result<(), String> {
    let known: HashMap<String, &StoredEvent> = events.iter().map(|event| (event.event_id.to_string(), event)).collect();
    let (mut next, mut strangers) = (1, 0);
    for message in stream {
        let sequence = message.sequence;
        let Some(event) = message.headers.get("ce-id").and_then(|id| known.get(id)) else {
            strangers += 1;
            continue;
        };
        if event.position != next {
            return Err(format!("position {} lies at {sequence} where position {next} follows", event.position));
        }
        next += 1;
        if message.subject != subject(owner, &event.kind) {
            return Err(format!("position {} has the subject {}", event.position, message.subject));
        }
        if message.payload != event.payload {
            return Err(format!("the payload at position {} is another one", event.position));
        }
        let mut headers = message.headers.clone();
        // What the relay tells the server, not what it publishes.
        headers.retain(|name, _| !name.starts_with("Nats-"));
        let expected = headers_of(owner, event);
        if headers != expected {
            let differs = |name: &&String| headers.get(*name) != expected.get(*name);
            let differing = expected.keys().chain(headers.keys()).find(differs).cloned().unwrap_or_default();
            return Err(format!("the header {differing} at position {} is not what is stored", event.position));
        }
    }
    if next != events.len() as u64 + 1 {
        return Err(format!("it has {} positions of {}", next - 1, events.len()));
    }
    match strangers == foreign {
        true => Ok(()),
        false => Err(format!("it has {strangers} foreign messages where {foreign} were put in")),
    }
}

/// The contract of `docs/guides/subscribe.md`, written here once more: who checks does not ask the one who is checked.
pub(super) fn headers_of(owner: &str, event: &StoredEvent) -> BTreeMap<String, String> {
    let id = |id: Option<eseal_kernel::Id>| id.map(|id| id.to_string());
    let headers = [
        ("ce-specversion", Some("1.0".to_owned())),
        ("ce-id", id(Some(event.event_id))),
        ("ce-source", Some(format!("//eseal/{owner}"))),
        ("ce-type", Some(event.kind.clone())),
        ("ce-subject", Some(event.subject.clone())),
        ("ce-time", Some(event.occurred_at.to_string())),
        ("ce-sequence", Some(event.stream_version.to_string())),
        ("ce-datacontenttype", Some("application/json".to_owned())),
        ("ce-dataschema", Some(format!("urn:eseal:event:{}:{}", event.kind, event.schema_version))),
        ("ce-schemaversion", Some(event.schema_version.to_string())),
        ("ce-stream", Some(event.stream_id.as_str().to_owned())),
        ("ce-actor", Some(event.actor.to_string())),
        ("ce-correlationid", Some(event.correlation_id.clone())),
        ("ce-causationid", id(event.causation_id)),
        ("ce-prevhash", event.prev_hash.map(|hash| hash.to_string())),
        ("ce-hash", Some(event.hash.to_string())),
        ("Eseal-Position", Some(event.position.to_string())),
        ("traceparent", event.traceparent.clone()),
    ];
    headers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// `eseal.application.v1.StepApproved` is published on `eseal.application.v1.step_approved`.
pub(super) fn subject(owner: &str, kind: &str) -> String {
    let mut subject = format!("eseal.{owner}.v1.");
    for (i, letter) in kind.rsplit('.').next().unwrap_or_default().chars().enumerate() {
        if letter.is_ascii_uppercase() && i > 0 {
            subject.push('_');
        }
        subject.push(letter.to_ascii_lowercase());
    }
    subject
}
