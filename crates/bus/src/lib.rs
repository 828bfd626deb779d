//! Carries facts between services.

use std::future::Future;

use eseal_eventstore::{Actor, Database, Delivery, Log, Metadata, StoreError, StoredEvent, Writer};
use eseal_kernel::Timestamp;
use tokio_util::sync::CancellationToken;

/// How facts get from one service to the next.
#[derive(Debug, Clone)]
pub enum Bus {
    /// Within one process: consumers read the owners' logs.
    Local(LocalBus),
}

impl Bus {
    /// The bus of a single process over the logs of its services.
    pub fn local(logs: impl IntoIterator<Item = Log>) -> Self {
        Self::Local(LocalBus { logs: logs.into_iter().collect() })
    }
}

/// The logs of the services in this process.
#[derive(Debug, Clone)]
pub struct LocalBus {
    #[allow(dead_code)]
    logs: Vec<Log>,
}

/// Who consumes whose events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumer {
    /// Who receives, such as `fabrication`.
    pub name: &'static str,
    /// Whose events, such as `application`.
    pub owner: &'static str,
}

/// A fact as a reactor sees it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The event as its owner stored it.
    pub event: StoredEvent,
    /// Whose event it is.
    pub owner: String,
}

impl Received {
    /// The metadata of a command that follows from this fact: same correlation and trace, caused by this event.
    pub fn metadata(&self, now: Timestamp, actor: Actor) -> Metadata {
        Metadata {
            correlation_id: Some(self.event.correlation_id.clone()),
            causation_id: Some(self.event.event_id),
            traceparent: self.event.traceparent.clone(),
            ..Metadata::new(now, actor)
        }
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is settled, or asks for nothing.
    Done,
    /// Not now, for this reason: it is tried again after a growing delay, and parked after too many tries.
    Later(String),
    /// Never, for this reason: it is parked at once.
    Never(String),
}

/// Why a consumer ended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError {
    /// The bus has no log of this owner.
    #[error("the bus carries no events of {0}")]
    UnknownOwner(&'static str),
    /// The store failed in a way that trying again does not mend.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Hands every event of the owner to `handler` until `stop`: in order within a stream, many streams at a time.
///
/// # Errors
/// [`BusError`] when it can't go on.
pub async fn consume<F, R>(
    _bus: &Bus,
    _consumer: Consumer,
    _writer: Writer,
    _database: Database,
    _handler: F,
    _stop: CancellationToken,
) -> Result<(), BusError>
where
    F: Fn(Received, Delivery) -> R + Send + Sync,
    R: Future<Output = Outcome> + Send,
{
    todo!()
}
