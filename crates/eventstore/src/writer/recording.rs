//! From the facts of one command to events with their hashes, and the rows that follow.

use std::any::Any;

use eseal_kernel::{ClaimChange, Digest, Id, Timestamp};

use crate::names::fit;
use crate::{Decided, Encoded, Order, Outcome, Recorded, Row, StoreError, Stored, StoredEvent, StreamId};

/// The largest payload: what a message of the bus can carry.
const PAYLOAD_MAX: usize = 1 << 20;

/// The state of some aggregate.
pub(crate) type State = Box<dyn Any + Send + Sync>;

/// A stream up to its last event.
pub(crate) struct Folded {
    /// The version of the last event; 0 before the first.
    pub(crate) version: u64,
    /// The hash of the last event.
    pub(crate) hash: Option<Digest>,
    /// The correlation id of the first event.
    pub(crate) correlation_id: Option<String>,
    /// The trace context of the first event, where the later ones belong to its trace.
    pub(crate) traceparent: Option<String>,
    /// The aggregate.
    pub(crate) state: State,
}

/// What follows from a command, not yet written.
pub(crate) struct Decision {
    /// The facts; none when the command changed nothing.
    pub(crate) events: Vec<StoredEvent>,
    /// The rows that follow from them, and those of the caller.
    pub(crate) rows: Vec<Row>,
    /// What they do to claims.
    pub(crate) claims: Vec<ClaimChange>,
    /// The stream after them; nothing when there are none.
    pub(crate) after: Option<Folded>,
    /// What is kept under the request key.
    pub(crate) answer: Vec<u8>,
    /// The time of the order.
    pub(crate) now: Timestamp,
}

/// The facts of one command on their way to become events.
pub(crate) struct Recording<'a, A: Stored> {
    order: &'a Order<A>,
    stream: &'a StreamId,
    before: &'a Folded,
    /// The context in which it is decided.
    traceparent: Option<String>,
    version: u64,
    hash: Option<Digest>,
    position: u64,
    state: A,
    events: Vec<StoredEvent>,
    rows: Vec<Row>,
    claims: Vec<ClaimChange>,
}

impl<'a, A: Stored> Recording<'a, A> {
    /// The facts of `order` after `before`, at the positions after `head`.
    pub(crate) fn new(
        order: &'a Order<A>,
        stream: &'a StreamId,
        before: &'a Folded,
        state: A,
        head: u64,
        traceparent: Option<String>,
    ) -> Self {
        Self {
            order,
            stream,
            before,
            traceparent,
            version: before.version,
            hash: before.hash,
            position: head,
            state,
            events: Vec::new(),
            rows: Vec::new(),
            claims: Vec::new(),
        }
    }

    /// One more fact.
    pub(crate) fn record(&mut self, fact: &A::Event) -> Result<(), StoreError> {
        self.state = std::mem::take(&mut self.state).evolve(fact);
        let event = self.event(fact)?;
        self.version = event.stream_version;
        self.position = event.position;
        self.hash = Some(event.hash);
        for row in A::rows(&Recorded::from(&event), fact, &self.state) {
            check_row::<A>(&row)?;
            self.rows.push(row);
        }
        self.claims.extend(A::claims_of(fact));
        self.events.push(event);
        Ok(())
    }

    fn event(&self, fact: &A::Event) -> Result<StoredEvent, StoreError> {
        let encoded = A::encode(fact);
        check_encoded(&encoded)?;
        let subject = A::subject(self.stream, &self.state);
        fit("the event's subject", &subject)?;
        let meta = &self.order.meta;
        let correlation_id = meta.correlation_id.as_ref().or(self.before.correlation_id.as_ref());
        let mut event = StoredEvent {
            position: self.position + 1,
            event_id: Id::random(meta.now),
            stream_id: self.stream.clone(),
            stream_version: self.version + 1,
            kind: encoded.kind.to_owned(),
            schema_version: encoded.schema_version,
            occurred_at: meta.now,
            actor: meta.actor.clone(),
            subject,
            correlation_id: correlation_id.map_or(self.stream.id(), String::as_str).to_owned(),
            causation_id: meta.causation_id,
            payload: encoded.payload,
            prev_hash: self.hash,
            hash: Digest::from_bytes([0; 32]), // known only once the rest is
            traceparent: self.traceparent.clone(),
        };
        event.hash = event.computed_hash();
        Ok(event)
    }

    /// All that follows, and what the caller is told after the commit.
    pub(crate) fn finish(mut self, facts: Vec<A::Event>) -> Result<(Decision, Outcome<A>), StoreError> {
        let mut after = None;
        if let Some(first) = self.events.first() {
            self.rows.extend(self.order.rows.iter().cloned());
            let correlation_id = self.before.correlation_id.as_ref().unwrap_or(&first.correlation_id);
            after = Some(Folded {
                version: self.version,
                hash: self.hash,
                correlation_id: Some(correlation_id.clone()),
                traceparent: match self.before.version {
                    0 => self.traceparent.filter(|_| A::ONE_TRACE),
                    _ => self.before.traceparent.clone(),
                },
                state: Box::new(self.state.clone()),
            });
        }
        let now = self.order.meta.now;
        let decided = Decided { events: facts, state: self.state, version: self.version, recorded_at: now };
        let answer = self.order.answer(&decided)?;
        let outcome = Outcome { answer: answer.clone(), repeated: false, decided: Some(decided) };
        Ok((Decision { events: self.events, rows: self.rows, claims: self.claims, after, answer, now }, outcome))
    }
}

fn check_encoded(encoded: &Encoded) -> Result<(), StoreError> {
    fit("the event's kind", encoded.kind)?;
    if encoded.payload.len() > PAYLOAD_MAX {
        let actual = encoded.payload.len();
        return Err(StoreError::PayloadTooLarge { kind: encoded.kind, max: PAYLOAD_MAX, actual });
    }
    // The databases keep it in a signed integer of 32 bits.
    if encoded.schema_version == 0 || i32::try_from(encoded.schema_version).is_err() {
        return Err(StoreError::SchemaVersion { kind: encoded.kind, schema_version: encoded.schema_version });
    }
    Ok(())
}

/// A projection fills its own tables only, or a rebuild would leave a row behind.
fn check_row<A: Stored>(row: &Row) -> Result<(), StoreError> {
    if !A::TABLES.contains(&row.table) {
        return Err(StoreError::Table { table: row.table, why: "is not of the projection's own tables" });
    }
    row.check()
}

impl<'a> From<&'a StoredEvent> for Recorded<'a> {
    fn from(event: &'a StoredEvent) -> Self {
        Self {
            position: event.position,
            event_id: event.event_id,
            stream: &event.stream_id,
            version: event.stream_version,
            occurred_at: event.occurred_at,
            actor: &event.actor,
            subject: &event.subject,
            correlation_id: &event.correlation_id,
            causation_id: event.causation_id,
        }
    }
}
