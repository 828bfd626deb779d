//! The writer: whatever commands wait are decided and committed together.
//!
//! A database syncs its disk once per commit, a few hundred or thousand times a second, whatever the number of
//! clients. So one task takes all orders that wait, up to a few hundred, through one transaction ([`batch`]):
//!
//! 1. `head` is locked, and what the orders name is looked up in bulk ([`known`]): deliveries, requests, claims, and the
//!    streams that are not in memory ([`streams`]);
//! 2. each order is decided in memory ([`order`], [`recording`]), and sees what the ones before it did. A rejection
//!    concerns its own caller alone;
//! 3. everything is written in bulk ([`draft`], [`inbox`]) and committed once;
//! 4. then, and not before, each caller is answered.
//!
//! Where nothing has to be looked up in the transaction, each engine has a shorter way: [`postgres`], [`sqlite`].
//!
//! On any error of the database the transaction is rolled back and the orders go one by one, so that the one that met
//! the error is the only one that fails. If the connection broke during the commit, only those go again that can tell
//! whether they were recorded: by their request id or their delivery.

mod batch;
pub(crate) mod draft;
mod inbox;
mod known;
mod order;
mod postgres;
pub(crate) mod recording;
mod sqlite;
mod streams;
mod watch;
mod words;
mod work;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use eseal_kernel::Timestamp;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::batch::Batches;
use self::order::Waiting;
use self::watch::Watch;
use self::work::{Parked, Receipt, Work};
use crate::{CommandError, Database, Delivery, Log, Order, Outcome, StoreError, Stored, StreamId};

pub(crate) use self::batch::lock_head;

/// The most orders in one transaction, whatever the settings: what is looked up for them fits in one statement.
const BATCH_MAX: usize = 1_000;
/// How often the writer steps back for callers that are about to send, as long as some do.
const YIELDS: usize = 4;

/// How the writer works.
#[derive(Debug, Clone, Copy)]
pub struct WriterSettings {
    /// The most orders in one transaction: 1 to 1,000.
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
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Work>,
    watch: Arc<Watch>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the task that writes. After `stop` it takes no more orders, finishes those that wait, and ends. It ends
    /// with an error at once when the database has no tables of the store.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        database: Database,
        settings: WriterSettings,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<Result<(), StoreError>>) {
        let (queue, waiting) = mpsc::channel(settings.queue.max(1));
        let watch = Arc::new(Watch::new(settings.owner));
        (Self { queue, watch: Arc::clone(&watch) }, tokio::spawn(run(database, settings, watch, waiting, stop)))
    }

    /// Decides the order's command on the present state of its aggregate, and records what follows, all or nothing.
    /// Answers after the commit. An order that was taken is carried out even if its caller goes away.
    ///
    /// # Errors
    /// [`CommandError`]. Nothing of this order was recorded then, except that [`StoreError::InDoubt`] leaves it open, and a
    /// writer that dies before it answers ([`CommandError::Stopping`]): a repeat with the same request id tells.
    pub async fn execute<A: Stored>(&self, order: Order<A>) -> Result<Outcome<A>, CommandError<A::Rejection>> {
        let (waiting, answer) = Waiting::try_new(order, Arc::clone(&self.watch))?;
        self.queue.try_send(Work::Order(Box::new(waiting))).map_err(|error| match error {
            TrySendError::Full(_) => CommandError::Busy,
            TrySendError::Closed(_) => CommandError::Stopping,
        })?;
        answer.await.unwrap_or(Err(CommandError::Stopping))
    }

    /// Settles a delivery that asks for nothing. Repeating it changes nothing. Waits for room in the queue.
    ///
    /// # Errors
    /// [`CommandError::Stopping`] and [`CommandError::Store`].
    pub async fn acknowledge(&self, delivery: Delivery) -> Result<(), CommandError<Infallible>> {
        self.receive(delivery, None).await
    }

    /// Parks a delivery, which came from `stream`, in the dead letters: for this reason, after so many tries. One that
    /// was settled before stays settled. Waits for room in the queue.
    ///
    /// # Errors
    /// [`CommandError::Stopping`] and [`CommandError::Store`].
    pub async fn park(
        &self,
        delivery: Delivery,
        stream: StreamId,
        reason: String,
        tries: u32,
        now: Timestamp,
    ) -> Result<(), CommandError<Infallible>> {
        self.receive(delivery, Some(Parked { stream, reason, tries, now })).await
    }

    async fn receive(&self, delivery: Delivery, parked: Option<Parked>) -> Result<(), CommandError<Infallible>> {
        let (receipt, answer) = Receipt::new(delivery, parked);
        self.queue.send(Work::Receipt(receipt)).await.map_err(|_| CommandError::Stopping)?;
        answer.await.unwrap_or(Err(CommandError::Stopping))
    }
}

async fn run(
    database: Database,
    settings: WriterSettings,
    watch: Arc<Watch>,
    mut queue: mpsc::Receiver<Work>,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    let head = Log::new(database.clone(), settings.owner).head().await?;
    tracing::info!(owner = settings.owner, head, "writer started");
    let mut batches = Batches::new(database, settings.cache_streams, settings.owner, watch);
    let max_batch = settings.max_batch.clamp(1, BATCH_MAX);
    let mut works = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled(), if !queue.is_closed() => queue.close(),
            taken = queue.recv_many(&mut works, max_batch) => {
                if taken == 0 {
                    tracing::info!(owner = settings.owner, "writer stopped");
                    return Ok(());
                }
                gather(&mut queue, &mut works, max_batch).await;
                batches.write(std::mem::take(&mut works)).await;
            }
        }
    }
}

/// Takes along whoever is about to send. The callers of the last batch were all answered at once, and the first of them
/// to come back wakes the writer; without this it would commit for that one, and make all others wait for it.
async fn gather(queue: &mut mpsc::Receiver<Work>, works: &mut Vec<Work>, max_batch: usize) {
    for _ in 0..YIELDS {
        tokio::task::yield_now().await;
        let before = works.len();
        while works.len() < max_batch {
            match queue.try_recv() {
                Ok(work) => works.push(work),
                Err(_) => break,
            }
        }
        if works.len() == before || works.len() == max_batch {
            return;
        }
    }
}
