//! What a consumer could not settle, and the stream behind it.

use eseal_kernel::{Id, Timestamp};

use crate::{Database, StoreError, StreamId};

/// An event that was parked for one consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Who could not settle it.
    pub consumer: String,
    /// Whose event it is.
    pub owner: String,
    /// Its id.
    pub event_id: Id,
    /// Its stream; later events of this stream are parked behind it.
    pub stream_id: StreamId,
    /// Its position in the owner's order.
    pub position: u64,
    /// Why, for people.
    pub reason: String,
    /// How often it was tried; 0 when it is only behind another one.
    pub tries: u32,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// Whether an operator asked for another try that has not been made yet.
    pub replay: bool,
}

/// The dead letters of a service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    database: Database,
}

impl DeadLetters {
    /// The dead letters in this database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The letters after position `after` of `owner` for `consumer`, in order, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn list(&self, _consumer: &str, _owner: &str, _after: u64, _limit: u64) -> Result<Vec<DeadLetter>, StoreError> {
        todo!()
    }

    /// Asks for another try of all letters of `consumer`; its running loop takes them up. How many there are.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn replay(&self, _consumer: &str) -> Result<u64, StoreError> {
        todo!()
    }
}
