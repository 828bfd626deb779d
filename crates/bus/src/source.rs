//! Where a consumer's events come from: a log in this process, or NATS with the owner behind it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use eseal_eventstore::{Log, StoreError, StoredEvent};
use eseal_kernel::Id;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _};
use futures::{FutureExt as _, TryStreamExt as _};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::delivery::{End, PAUSE};
use crate::intake::Intake;
use crate::known::Known;
use crate::nats::Pulling;
use crate::order::Order;

/// Asks another service for its events, `ReadEvents(owner, after, limit)`: the same bytes from its database.
pub type ReadOwner = Arc<dyn Fn(&'static str, u64, u64) -> BoxFuture<'static, Result<Page, String>> + Send + Sync>;

/// What an owner answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of their positions, from the one after the position that was named on. They may be fewer than asked
    /// for, even if there are more.
    pub events: Vec<StoredEvent>,
    /// Where the owner's log ended after it was asked.
    pub head: u64,
}

/// Why events could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SourceError {
    /// From the log in this process.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From their owner.
    #[error("{owner} can't be read: {why}")]
    Owner { owner: &'static str, why: String },
}

/// The events of one owner for one consumer.
#[derive(Clone)]
pub(crate) enum Source {
    /// The owner is in this process.
    Log(Log),
    /// The owner's events come over NATS, and what NATS lacks from the owner itself.
    Nats { pulling: Pulling, read: ReadOwner, silence: Duration },
}

/// Events in the order of their positions, without a hole.
pub(crate) struct Events {
    pub(crate) fresh: BoxStream<'static, Result<StoredEvent, SourceError>>,
    /// Where it is told what became of them; a log does not care.
    settled: Option<mpsc::UnboundedSender<(u64, End)>>,
    /// Ends with this.
    _intake: Option<AbortOnDropHandle<()>>,
}

impl Events {
    /// Tells what became of the event at `position`, after that was committed.
    pub(crate) fn settled(&self, position: u64, end: End) {
        if let Some(settled) = &self.settled {
            let _ = settled.send((position, end)); // nobody listens any more when the consumer ends
        }
    }
}

impl Source {
    /// The events after `cursor`, for ever; `behind` is what was taken last before it. After an error they go on, but not
    /// at once.
    pub(crate) fn open(&self, cursor: u64, behind: BTreeSet<(u64, Id)>) -> Events {
        match self {
            Self::Log(log) => {
                let fresh = log.tail(cursor).or_else(async |error| {
                    tokio::time::sleep(PAUSE).await;
                    Err(SourceError::from(error))
                });
                Events { fresh: fresh.boxed(), settled: None, _intake: None }
            }
            Self::Nats { pulling, read, silence } => {
                // One at a time: what waits, waits in the intake, where it is known to be in hand.
                let (out, events) = mpsc::channel(1);
                // Not bounded here, but by what is in hand.
                let (settled, told) = mpsc::unbounded_channel();
                let intake =
                    Intake::new(pulling.clone(), read.clone(), *silence, Order::after(cursor, Known::of(behind)));
                let task = AbortOnDropHandle::new(tokio::spawn(intake.run(out, told)));
                let fresh = futures::stream::unfold(events, |mut events| async move {
                    events.recv().await.map(|event| (Ok(event), events))
                });
                Events { fresh: fresh.boxed(), settled: Some(settled), _intake: Some(task) }
            }
        }
    }

    /// What carries them: `messaging.system` of a span.
    pub(crate) const fn system(&self) -> &'static str {
        match self {
            Self::Log(_) => "eseal.log",
            Self::Nats { .. } => "nats",
        }
    }

    /// How many events there are in the log; nothing where NATS says itself how many wait.
    pub(crate) async fn head(&self) -> Option<u64> {
        match self {
            Self::Log(log) => log.head().await.ok(),
            Self::Nats { .. } => None,
        }
    }

    /// The events after position `after`, at most `limit`.
    pub(crate) fn read(&self, after: u64, limit: u64) -> BoxFuture<'_, Result<Vec<StoredEvent>, SourceError>> {
        match self {
            Self::Log(log) => async move { Ok(log.read(after, limit).await?) }.boxed(),
            Self::Nats { pulling, read, .. } => {
                async move { Ok(read_owner(read, pulling.consumer.owner, after, limit).await?.events) }.boxed()
            }
        }
    }
}

/// Asks the owner, and believes only what fits: dense positions up to an end, and hashes that are right.
pub(crate) async fn read_owner(
    read: &ReadOwner,
    owner: &'static str,
    after: u64,
    limit: u64,
) -> Result<Page, SourceError> {
    let page = read(owner, after, limit).await.map_err(|why| SourceError::Owner { owner, why })?;
    for (expected, event) in (after + 1..).zip(&page.events) {
        if event.position != expected || !event.verify_hash() {
            let why = format!("position {} where {expected} follows, or a wrong hash", event.position);
            return Err(SourceError::Owner { owner, why });
        }
    }
    let (last, head) = (page.events.last().map(|event| event.position), page.head);
    if last.is_some_and(|last| last > head) || last.is_none() && head > after {
        let why = format!("it gives events up to {last:?} where its log ends at {head}");
        return Err(SourceError::Owner { owner, why });
    }
    Ok(page)
}
