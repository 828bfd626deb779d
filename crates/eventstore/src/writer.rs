//! The writer.

use eseal_kernel::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{CommandError, Database, Delivery, Order, Outcome, StoreError, Stored, StreamId};

/// How the writer works.
#[derive(Debug, Clone, Copy)]
pub struct WriterSettings {
    /// The most orders in one transaction.
    pub max_batch: usize,
    /// The most orders that wait; one more is refused with [`CommandError::Busy`].
    pub queue: usize,
    /// How many streams' states are kept in memory.
    pub cache_streams: usize,
    /// The service, for logs.
    pub owner: &'static str,
}

impl WriterSettings {
    /// The usual sizes, for the service `owner`.
    pub const fn new(owner: &'static str) -> Self {
        Self { max_batch: 256, queue: 4096, cache_streams: 10_000, owner }
    }
}

/// The door to a service's writer: the only way to record facts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Writer {}

impl Writer {
    /// Starts the task that writes. After `stop` it takes no more orders, finishes those that wait, and ends.
    pub fn start(
        _database: Database,
        _settings: WriterSettings,
        _stop: CancellationToken,
    ) -> (Self, JoinHandle<Result<(), StoreError>>) {
        todo!()
    }

    /// Decides the order's command on the present state of its aggregate, and records what follows, all or nothing.
    /// Answers after the commit.
    ///
    /// # Errors
    /// [`CommandError`]; in every case nothing of this order was recorded, except when the database fails in the
    /// commit itself: then a repeat with the same request id tells.
    pub async fn execute<A: Stored>(&self, _order: Order<A>) -> Result<Outcome<A>, CommandError<A::Rejection>> {
        todo!()
    }

    /// Settles a delivery that asks for nothing. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`CommandError::Stopping`] and [`CommandError::Store`].
    pub async fn acknowledge(&self, _delivery: Delivery) -> Result<(), CommandError<std::convert::Infallible>> {
        todo!()
    }

    /// Parks a delivery as a dead letter of `stream`, with the reason and after so many tries.
    ///
    /// # Errors
    /// [`CommandError::Stopping`] and [`CommandError::Store`].
    pub async fn park(
        &self,
        _delivery: Delivery,
        _stream: StreamId,
        _reason: String,
        _tries: u32,
        _now: Timestamp,
    ) -> Result<(), CommandError<std::convert::Infallible>> {
        todo!()
    }
}
