//! An event that came from elsewhere: over the bus, or by `ReadEvents`.

use std::str::FromStr;

use eseal_kernel::{Digest, Id, Timestamp};

use crate::names::fit;
use crate::{Actor, StoreError, StoredEvent, StreamId};

/// The most bytes of a payload; the store takes no more either.
const PAYLOAD_MAX: usize = 1 << 20;

/// The fields of an event in the words of its envelope, as a message or an answer brings them. What is absent is empty.
#[derive(Debug, Clone)]
pub struct EventParts<'a> {
    /// See [`StoredEvent::position`].
    pub position: u64,
    /// See [`StoredEvent::event_id`].
    pub event_id: &'a str,
    /// See [`StoredEvent::stream_id`].
    pub stream_id: &'a str,
    /// See [`StoredEvent::stream_version`].
    pub stream_version: u64,
    /// See [`StoredEvent::kind`].
    pub kind: &'a str,
    /// See [`StoredEvent::schema_version`].
    pub schema_version: u32,
    /// RFC 3339.
    pub occurred_at: &'a str,
    /// Role and id, as in the envelope.
    pub actor: &'a str,
    /// See [`StoredEvent::subject`].
    pub subject: &'a str,
    /// See [`StoredEvent::correlation_id`].
    pub correlation_id: &'a str,
    /// See [`StoredEvent::causation_id`].
    pub causation_id: &'a str,
    /// See [`StoredEvent::payload`].
    pub payload: Vec<u8>,
    /// 64 hexadecimal digits.
    pub prev_hash: &'a str,
    /// 64 hexadecimal digits.
    pub hash: &'a str,
    /// See [`StoredEvent::traceparent`].
    pub traceparent: &'a str,
}

/// Why what came is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceivedError {
    /// A field is missing, or not what a store would have written.
    #[error("{0} is missing or malformed")]
    Malformed(&'static str),
    /// The hash is not that of the envelope: a field was changed on the way, or somebody else made it up.
    #[error("the event does not have the hash that came with it")]
    Changed,
}

impl TryFrom<EventParts<'_>> for StoredEvent {
    type Error = ReceivedError;

    /// Puts the event together and checks its hash, so that it is the one that its owner stored, or none.
    fn try_from(parts: EventParts<'_>) -> Result<Self, ReceivedError> {
        let from_one = |number: u64, field| if number == 0 { Err(ReceivedError::Malformed(field)) } else { Ok(number) };
        if parts.payload.len() > PAYLOAD_MAX {
            return Err(ReceivedError::Malformed("the payload"));
        }
        let event = Self {
            position: from_one(parts.position, "the position")?,
            event_id: parsed(parts.event_id, "the event id")?,
            stream_id: parsed(parts.stream_id, "the stream")?,
            stream_version: from_one(parts.stream_version, "the stream version")?,
            kind: line(parts.kind, "the type")?,
            schema_version: parts.schema_version,
            occurred_at: parsed::<Timestamp>(parts.occurred_at, "the time")?,
            actor: parsed(parts.actor, "the actor")?,
            subject: line(parts.subject, "the subject")?,
            correlation_id: line(parts.correlation_id, "the correlation id")?,
            causation_id: optional::<Id>(parts.causation_id, "the causation id")?,
            payload: parts.payload,
            prev_hash: optional::<Digest>(parts.prev_hash, "the previous hash")?,
            hash: parsed(parts.hash, "the hash")?,
            traceparent: optional_line(parts.traceparent),
        };
        if event.verify_hash() { Ok(event) } else { Err(ReceivedError::Changed) }
    }
}

fn parsed<T: FromStr>(text: &str, field: &'static str) -> Result<T, ReceivedError> {
    text.parse().map_err(|_| ReceivedError::Malformed(field))
}

fn optional<T: FromStr>(text: &str, field: &'static str) -> Result<Option<T>, ReceivedError> {
    if text.is_empty() { Ok(None) } else { parsed(text, field).map(Some) }
}

fn line(text: &str, field: &'static str) -> Result<String, ReceivedError> {
    fit(field, text).map(|()| text.to_owned()).map_err(|_: StoreError| ReceivedError::Malformed(field))
}

/// The trace context is outside the hash and serves no rule, so that one that does not fit is only dropped.
fn optional_line(text: &str) -> Option<String> {
    line(text, "the trace context").ok()
}

impl FromStr for StreamId {
    type Err = StoreError;

    /// Reads what [`StreamId::as_str`] gave.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let unfit = || StoreError::Unfit { field: "the stream's name", why: eseal_kernel::text::InvalidText::Control };
        let (kind, id) = text.split_once('-').ok_or_else(unfit)?;
        Self::try_named(kind, id)
    }
}

impl FromStr for Actor {
    type Err = StoreError;

    /// Reads what its `Display` wrote.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let unfit = || StoreError::Unfit { field: "the actor", why: eseal_kernel::text::InvalidText::Control };
        let actor = Self::stored(text).ok_or_else(unfit)?;
        fit("the actor's id", &actor.id)?;
        fit("the actor's role", &actor.role)?;
        Ok(actor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> EventParts<'static> {
        EventParts {
            position: 41,
            event_id: "0192f0c1-6d3f-7b21-9c63-402dab8f6e12",
            stream_id: "application-0192f0c1-6d3e-7a10-8b52-3f1c9a7e5d01",
            stream_version: 1,
            kind: "eseal.application.v1.Submitted",
            schema_version: 1,
            occurred_at: "2024-11-03T08:15:30.000007Z",
            actor: "applicant:0192f0b0-0000-7000-8000-000000000001",
            subject: "0192f0c1-6d3e-7a10-8b52-3f1c9a7e5d01",
            correlation_id: "0192f0c1-6d3e-7a10-8b52-3f1c9a7e5d01",
            causation_id: "",
            payload: br#"{"organization":"91110000600037341L","kind":"KIND_NEW"}"#.to_vec(),
            prev_hash: "",
            // From docs/event-envelope.md.
            hash: "888737804b92e97f4c5be2a17730a015f4b889471b036ece9ae44773c5c8cd6e",
            traceparent: "",
        }
    }

    #[test]
    fn an_event_is_put_together_from_its_fields() {
        let event = StoredEvent::try_from(parts()).expect("whole");
        assert_eq!(
            (event.position, event.stream_id.kind(), event.actor.role.as_str()),
            (41, "application", "applicant")
        );
        assert_eq!((event.causation_id, event.prev_hash, event.traceparent), (None, None, None));
    }

    #[test]
    fn an_event_with_any_field_changed_is_refused() {
        let whole = parts();
        let changed = [
            EventParts { position: 42, ..whole.clone() },
            EventParts { actor: "reviewer:0192f0b0-0000-7000-8000-000000000001", ..whole.clone() },
            EventParts { payload: b"{}".to_vec(), ..whole.clone() },
            EventParts { causation_id: whole.event_id, ..whole.clone() },
            EventParts { prev_hash: whole.hash, ..whole.clone() },
            EventParts { occurred_at: "2024-11-03T08:15:30.000008Z", ..whole.clone() },
        ];
        for parts in changed {
            assert_eq!(StoredEvent::try_from(parts.clone()), Err(ReceivedError::Changed), "{parts:?}");
        }
    }

    #[test]
    fn fields_that_no_store_writes_are_named() {
        let whole = parts();
        let malformed = [
            (EventParts { position: 0, ..whole.clone() }, "the position"),
            (EventParts { event_id: "1", ..whole.clone() }, "the event id"),
            (EventParts { stream_id: "application", ..whole.clone() }, "the stream"),
            (EventParts { actor: "somebody", ..whole.clone() }, "the actor"),
            (EventParts { subject: "a\nb", ..whole.clone() }, "the subject"),
            (EventParts { hash: "", ..whole.clone() }, "the hash"),
            (EventParts { payload: vec![b' '; PAYLOAD_MAX + 1], ..whole.clone() }, "the payload"),
        ];
        for (parts, field) in malformed {
            assert_eq!(StoredEvent::try_from(parts), Err(ReceivedError::Malformed(field)));
        }
    }
}
