//! An event as it is stored and published. Its hash is taken over the envelope of [`eseal_kernel::envelope`].

use std::fmt::Display;

use eseal_kernel::{Digest, Envelope, Id, Timestamp};

use crate::{Actor, StoreError, Stored, StreamId};

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
        self.envelope().text()
    }

    /// The hash that the envelope gives.
    pub fn computed_hash(&self) -> Digest {
        self.envelope().hash()
    }

    fn envelope(&self) -> Envelope<'_> {
        Envelope {
            event_id: &self.event_id,
            stream_id: &self.stream_id,
            stream_version: self.stream_version,
            position: self.position,
            kind: &self.kind,
            schema_version: self.schema_version,
            occurred_at: &self.occurred_at,
            actor: &self.actor,
            subject: &self.subject,
            correlation_id: &self.correlation_id,
            causation_id: self.causation_id.as_ref().map(|id| id as &dyn Display),
            payload: &self.payload,
            prev_hash: self.prev_hash.as_ref().map(|hash| hash as &dyn Display),
        }
    }

    /// Whether the stored hash is the one that the envelope gives.
    pub fn verify_hash(&self) -> bool {
        self.computed_hash() == self.hash
    }
}
