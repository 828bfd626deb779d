//! The loop of one consumer.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use eseal_eventstore::{Database, DeadLetters, Delivery, Log, Progress, StoreError, StoredEvent, StreamId, Writer};
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, Stream, StreamExt as _};
use futures::{FutureExt as _, TryStreamExt as _};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::delivery::{Courier, End, PAUSE};
use crate::lanes::{Lanes, Turn};
use crate::{Bus, BusError, Consumer, Outcome, Received};

/// The most events in hand: under way, waiting for their next try, or for those before them in their stream.
const IN_HAND_MAX: usize = 1_000;
/// The most handlers that run at the same time.
const HANDS: usize = 32;
/// How often the dead letters are looked at for those to replay.
const REPLAY_POLL: Duration = Duration::from_secs(1);
/// How long handlers that run are waited for after `stop`.
const GRACE: Duration = Duration::from_secs(10);

/// Hands every event of `consumer.owner` to `handler` until `stop`: those of a stream in order and one at a time, many
/// streams at a time.
///
/// The handler passes the [`Delivery`] on in its [`eseal_eventstore::Order`], so that the effect and the inbox row are
/// one transaction; a fact that asks for nothing is settled when it says [`Outcome::Done`]. `writer` and `database` are
/// the consumer's own. After `stop` no new handler is called, and those that run are waited for, 10 s at most.
///
/// # Errors
/// [`BusError`] when the owner is unknown, the cursor can't be read at the start, or the writer stopped before `stop`.
pub async fn consume<F, R>(
    bus: &Bus,
    consumer: Consumer,
    writer: Writer,
    database: Database,
    handler: F,
    stop: CancellationToken,
) -> Result<(), BusError>
where
    F: Fn(Received, Delivery) -> R + Send + Sync,
    R: Future<Output = Outcome> + Send,
{
    let Bus::Local(local) = bus;
    let log = local.log(consumer.owner)?;
    let progress = Progress::of(&database, consumer.name, consumer.owner).await?;
    let letters = DeadLetters::new(database);
    let parked = letters.streams(consumer.name, consumer.owner).await?;
    tracing::info!(consumer = consumer.name, owner = consumer.owner, cursor = progress.cursor, "consuming");
    let hands = Semaphore::new(HANDS);
    let courier =
        Courier { consumer, log: log.clone(), letters, writer, handler, retry: local.retry, hands, stop: stop.clone() };
    let mut consuming = Consuming {
        courier: &courier,
        ahead: progress.ahead,
        parked,
        lanes: Lanes::default(),
        under_way: FuturesUnordered::new(),
    };
    let ended = consuming.run(fresh(&log, progress.cursor), &stop).await;
    if ended.is_ok() && timeout(GRACE, consuming.under_way.for_each(async |_| ())).await.is_err() {
        tracing::warn!(consumer = consumer.name, owner = consumer.owner, "handlers were still running");
    }
    ended
}

/// The log behind the cursor; after an error it goes on, but not at once.
fn fresh(log: &Log, cursor: u64) -> impl Stream<Item = Result<StoredEvent, StoreError>> + use<> {
    log.tail(cursor).or_else(async |error| {
        sleep(PAUSE).await;
        Err(error)
    })
}

struct Consuming<'a, F> {
    courier: &'a Courier<F>,
    /// What an earlier run settled after a gap.
    ahead: BTreeSet<u64>,
    /// The streams with dead letters.
    parked: HashSet<StreamId>,
    lanes: Lanes,
    under_way: FuturesUnordered<BoxFuture<'a, (StreamId, End)>>,
}

impl<'a, F, R> Consuming<'a, F>
where
    F: Fn(Received, Delivery) -> R + Send + Sync,
    R: Future<Output = Outcome> + Send + 'a,
{
    async fn run(
        &mut self,
        fresh: impl Stream<Item = Result<StoredEvent, StoreError>>,
        stop: &CancellationToken,
    ) -> Result<(), BusError> {
        let mut fresh = Box::pin(fresh);
        let mut replays = interval(REPLAY_POLL);
        replays.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some((stream, end)) = self.under_way.next() => match end {
                    End::WriterStopped if !stop.is_cancelled() => return Err(BusError::WriterStopped),
                    End::WriterStopped | End::Stopped => return Ok(()),
                    End::Settled | End::Parked => self.ended(stream, end),
                },
                _ = replays.tick(), if self.lanes.in_hand() < IN_HAND_MAX => self.take_up_replays().await,
                Some(event) = fresh.next(), if self.lanes.in_hand() < IN_HAND_MAX => match event {
                    Ok(event) if self.ahead.remove(&event.position) => {} // settled before the restart
                    Ok(event) => self.enter(event.stream_id.clone(), Turn::Fresh(Box::new(event))),
                    Err(error) => tracing::warn!(owner = self.courier.consumer.owner, %error, "the log can't be read"),
                },
            }
        }
    }

    /// Puts the streams into their lanes whose dead letters an operator wants to see tried again.
    async fn take_up_replays(&mut self) {
        let Consumer { name, owner } = self.courier.consumer;
        match self.courier.letters.streams_to_replay(name, owner).await {
            Ok(streams) => {
                for stream in streams.into_iter().filter(|stream| self.lanes.is_free(stream)).collect::<Vec<_>>() {
                    self.enter(stream, Turn::Replay);
                }
            }
            Err(error) => tracing::warn!(consumer = name, owner, %error, "the dead letters can't be read"),
        }
    }

    fn enter(&mut self, stream: StreamId, turn: Turn) {
        if let Some(turn) = self.lanes.enter(stream.clone(), turn) {
            self.begin(stream, turn);
        }
    }

    fn ended(&mut self, stream: StreamId, end: End) {
        if end == End::Parked {
            self.parked.insert(stream.clone());
        } else {
            self.parked.remove(&stream);
        }
        if let Some(next) = self.lanes.leave(&stream) {
            self.begin(stream, next);
        }
    }

    /// Begins a turn. What is parked is known for sure now: nothing else of this stream is under way.
    fn begin(&self, stream: StreamId, turn: Turn) {
        let courier = self.courier;
        let end = match turn {
            Turn::Fresh(event) if self.parked.contains(&stream) => courier.park_behind(*event).boxed(),
            Turn::Fresh(event) => courier.deliver(*event).boxed(),
            Turn::Replay => courier.replay(stream.clone()).boxed(),
        };
        self.under_way.push(end.map(|end| (stream, end)).boxed());
    }
}
