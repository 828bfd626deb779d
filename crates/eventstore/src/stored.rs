//! How an aggregate is stored: its events as bytes, and the rows of the read tables that follow from them.

use eseal_kernel::{Aggregate, Id, Timestamp};
use sea_orm::Value;

use crate::{Actor, DecodeError, StoreError, StreamId};

/// An aggregate that a store can keep. A service implements it once per aggregate, in `codec.rs` and `projection.rs`.
///
/// All of it is pure: the same event gives the same bytes and the same rows for ever, or a rebuild could not give
/// the tables back.
pub trait Stored: Aggregate {
    /// The read tables that [`Stored::rows`] fills: thrown away and filled again by [`crate::rebuild`]. Several
    /// aggregates may share one.
    const TABLES: &'static [&'static str];
    /// Whether what happens later belongs to the trace that the first event began, whoever asks for it: for a thing that
    /// comes to its end, such as an application. A thing that is used for years would make a trace without one.
    const ONE_TRACE: bool = false;

    /// What a command is called in spans and metrics, such as `Approve`. Never anything of its content.
    fn command_name(_command: &Self::Command) -> &'static str {
        Self::KIND
    }

    /// The bytes that are stored, hashed and published for ever.
    fn encode(event: &Self::Event) -> Encoded;

    /// What was stored, in any version that was ever written: upcasters live in here.
    ///
    /// # Errors
    /// [`DecodeError`] for a kind or version that it does not know, or a payload that does not fit.
    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Self::Event, DecodeError>;

    /// The seal or application that an event of this stream is about; `state` is the one after the event.
    fn subject(stream: &StreamId, state: &Self) -> String;

    /// The rows that follow from one event; `state` is the one after it.
    fn rows(recorded: &Recorded<'_>, event: &Self::Event, state: &Self) -> Vec<Row>;
}

/// An event as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// A name that never changes, such as `eseal.application.v1.Approved`. Not a Rust path.
    pub kind: &'static str,
    /// The version of this kind's schema, from 1.
    pub schema_version: u32,
    /// The proto3 JSON form of the event's message. At most 1 MiB; never personal data.
    pub payload: Vec<u8>,
}

/// One whole row of a read table: inserted, or put in the place of the row with the same key.
///
/// Of several rows with the same key the last one wins. The rows of a table that name the same columns in the same order
/// are written by one statement, so a projection that always does is a fast one.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The table.
    pub table: &'static str,
    /// The columns of its primary key, which are among those of `values`.
    pub key: &'static [&'static str],
    /// Each column with its value.
    pub values: Vec<(&'static str, Value)>,
}

impl Row {
    /// Refuses a row that could not be put in the place of another one.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let named = |name: &str| self.values.iter().filter(|(column, _)| *column == name).count();
        let why = if self.key.is_empty() {
            "names no key"
        } else if self.key.iter().any(|column| named(column) != 1) {
            "lacks a column of its key"
        } else if self.values.iter().any(|(column, _)| named(column) != 1) {
            "names a column twice"
        } else {
            return Ok(());
        };
        Err(StoreError::Table { table: self.table, why })
    }
}

/// Where and when an event was recorded, for projections.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// The place in the order of all events of the service, from 1.
    pub position: u64,
    /// The event's own id.
    pub event_id: Id,
    /// Its stream.
    pub stream: &'a StreamId,
    /// The place in its stream, from 1.
    pub version: u64,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Who did it.
    pub actor: &'a Actor,
    /// The seal or application that it is about.
    pub subject: &'a str,
    /// What it belongs to.
    pub correlation_id: &'a str,
    /// The event that it follows from.
    pub causation_id: Option<Id>,
}
