//! An event as it is stored and published, and the envelope that its hash is taken over.
//!
//! The format is part of the contract with auditors: `docs/event-envelope.md`.

use std::fmt::Write as _;

use eseal_kernel::{Digest, Id, Timestamp};

use crate::{Actor, StoreError, Stored, StreamId};

/// The first line of every envelope: the format and its version.
const FORMAT: &str = "eseal-event-v1";

/// A recorded fact with everything that was recorded about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The place in the order of all events of the service: dense, from 1.
    pub position: u64,
    /// Unique for ever.
    pub event_id: Id,
    /// The stream it belongs to.
    pub stream_id: StreamId,
    /// The place in its stream: dense, from 1.
    pub stream_version: u64,
    /// What happened, by a name that never changes, such as `eseal.application.v1.Approved`.
    pub kind: String,
    /// The version of the kind's schema.
    pub schema_version: u32,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// The seal or application that it is about.
    pub subject: String,
    /// What it belongs to: the application that started it all.
    pub correlation_id: String,
    /// The event that it follows from.
    pub causation_id: Option<Id>,
    /// The proto3 JSON form of the event, exactly as it was first written.
    pub payload: Vec<u8>,
    /// The hash of the stream's previous event; none for the first.
    pub prev_hash: Option<Digest>,
    /// SHA-256 of the envelope.
    pub hash: Digest,
    /// The W3C trace context; outside the hash.
    pub traceparent: Option<String>,
}

impl StoredEvent {
    /// The fact that it holds, as the aggregate's codec reads it today.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] with its position.
    pub fn fact<A: Stored>(&self) -> Result<A::Event, StoreError> {
        A::decode(&self.kind, self.schema_version, &self.payload)
            .map_err(|source| StoreError::Unreadable { position: self.position, source })
    }

    /// The text that the hash is taken over: fourteen lines, each ended by a line feed.
    pub fn envelope_text(&self) -> String {
        let mut text = String::with_capacity(512);
        // Writing to a String can't fail.
        let _ = writeln!(text, "{FORMAT}");
        let _ = writeln!(text, "{}", self.event_id);
        let _ = writeln!(text, "{}", self.stream_id);
        let _ = writeln!(text, "{}", self.stream_version);
        let _ = writeln!(text, "{}", self.position);
        let _ = writeln!(text, "{}", self.kind);
        let _ = writeln!(text, "{}", self.schema_version);
        let _ = writeln!(text, "{}", self.occurred_at);
        let _ = writeln!(text, "{}", self.actor);
        let _ = writeln!(text, "{}", self.subject);
        let _ = writeln!(text, "{}", self.correlation_id);
        let _ = writeln!(text, "{}", self.causation_id.map(|id| id.to_string()).unwrap_or_default());
        let _ = writeln!(text, "{}", Digest::of(&self.payload));
        let _ = writeln!(text, "{}", self.prev_hash.map(|hash| hash.to_string()).unwrap_or_default());
        text
    }

    /// The hash that the envelope gives.
    pub fn computed_hash(&self) -> Digest {
        Digest::of(self.envelope_text().as_bytes())
    }

    /// Whether the stored hash is the one that the envelope gives.
    pub fn verify_hash(&self) -> bool {
        self.computed_hash() == self.hash
    }
}
