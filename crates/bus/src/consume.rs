//! The loop of one consumer.

use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;
use std::time::Duration;

use eseal_eventstore::{Database, DeadLetters, Delivery, Progress, StoreError, StoredEvent, StreamId, Writer};
use eseal_kernel::Id;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::delivery::{Courier, End};
use crate::known::BEHIND_MAX;
use crate::lanes::{Lanes, Turn};
use crate::lease::Holding;
use crate::source::Events;
use crate::{Bus, BusError, Consumer, Outcome, Received, Wanted, metrics};

/// The most events in hand: under way, waiting for their next try, or for those before them in their stream.
const IN_HAND_MAX: usize = 1_000;
/// The most handlers that run at the same time.
const HANDS: usize = 32;
/// How often the dead letters are looked at for those to replay.
const REPLAY_POLL: Duration = Duration::from_secs(1);
/// How often the lag is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How many events that ask for nothing are settled together, and how long the first one waits for the others: each commit
/// syncs a disk, and most events ask nothing of most consumers.
const PASSED_AT_ONCE: usize = 200;
const PASSED_WITHIN: Duration = Duration::from_millis(100);
/// How long handlers that run are waited for after `stop`.
const GRACE: Duration = Duration::from_secs(10);

/// Hands every event of `consumer.owner` that is `wanted` to `handler` until `stop`: those of a stream in order and one at
/// a time, many streams at a time. The others ask for nothing: they are settled in passing, many with one commit, whatever
/// became of their stream.
///
/// The handler passes the [`Delivery`] on in its [`eseal_eventstore::Order`], so that the effect and the inbox row are
/// one transaction; a fact that asks for nothing is settled when it says [`Outcome::Done`]. `writer` and `database` are
/// the consumer's own. After `stop` no new handler is called, and those that run are waited for, 10 s at most.
///
/// # Errors
/// [`BusError`] when the owner is unknown, or the writer stopped before `stop`. A database that does not answer is waited
/// for.
pub async fn consume<F, R>(
    bus: &Bus,
    consumer: Consumer,
    wanted: Wanted,
    writer: Writer,
    database: Database,
    handler: F,
    stop: CancellationToken,
) -> Result<(), BusError>
where
    F: Fn(Received, Delivery) -> R + Send + Sync,
    R: Future<Output = Outcome> + Send,
{
    let source = bus.source(consumer)?;
    let Consumer { name, owner } = consumer;
    let letters = DeadLetters::new(database.clone());
    let (retry, hands) = (bus.retry(), Semaphore::new(HANDS));
    let courier = Courier { consumer, wanted, source, letters, writer, handler, retry, hands, stop: stop.clone() };
    while let Some(holding) = Holding::take(&database, &format!("consume:{name}:{owner}"), &stop).await {
        tokio::select! {
            ended = session(&courier, &database, &stop) => return ended,
            () = holding.lost() => tracing::warn!(consumer = name, owner, "the lease of the consumer is lost"),
        }
    }
    Ok(())
}

/// Consumes from where the consumer's database says, until `stop`.
async fn session<F, R>(courier: &Courier<F>, database: &Database, stop: &CancellationToken) -> Result<(), BusError>
where
    F: Fn(Received, Delivery) -> R + Send + Sync,
    R: Future<Output = Outcome> + Send,
{
    let Consumer { name, owner } = courier.consumer;
    let Some(Stand { progress, behind, parked }) = where_it_was(courier, database).await else { return Ok(()) };
    tracing::info!(consumer = name, owner, cursor = progress.cursor, "consuming");
    let mut consuming = Consuming {
        courier,
        events: courier.source.open(progress.cursor, behind),
        ahead: progress.ahead,
        parked,
        lanes: Lanes::default(),
        passed: Passed::default(),
        under_way: FuturesUnordered::new(),
    };
    let ended = tokio::select! {
        ended = consuming.run(stop) => ended,
        never = tell_lag(courier, database) => match never {},
    };
    if ended.is_ok() && timeout(GRACE, consuming.finish()).await.is_err() {
        tracing::warn!(consumer = name, owner, "handlers were still running");
    }
    ended
}

/// Says every few seconds how many events of a log have not been settled yet.
async fn tell_lag<F>(courier: &Courier<F>, database: &Database) -> Infallible {
    let Consumer { name, owner } = courier.consumer;
    loop {
        if let Some(head) = courier.source.head().await
            && let Ok(progress) = Progress::of(database, name, owner).await
        {
            metrics::consumer_pending(name, owner, head.saturating_sub(progress.cursor));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Where a consumer stands, as its database says.
struct Stand {
    progress: Progress,
    /// What it settled last up to its cursor.
    behind: BTreeSet<(u64, Id)>,
    /// The streams with dead letters.
    parked: HashSet<StreamId>,
}

/// Where the consumer stands; nothing when it stops before the database answers.
async fn where_it_was<F, R>(courier: &Courier<F>, database: &Database) -> Option<Stand>
where
    F: Fn(Received, Delivery) -> R,
    R: Future<Output = Outcome>,
{
    let Consumer { name, owner } = courier.consumer;
    loop {
        let read = async {
            let progress = Progress::of(database, name, owner).await?;
            let behind = progress.behind(database, name, owner, BEHIND_MAX).await?;
            Ok::<_, StoreError>(Stand { progress, behind, parked: courier.letters.streams(name, owner).await? })
        };
        match read.await {
            Ok(found) => return Some(found),
            Err(error) => {
                if courier.pause(&error).await.is_some() {
                    return None;
                }
            }
        }
    }
}

struct Consuming<'a, F> {
    courier: &'a Courier<F>,
    events: Events,
    /// What an earlier run settled after a gap.
    ahead: BTreeSet<(u64, Id)>,
    /// The streams with dead letters.
    parked: HashSet<StreamId>,
    lanes: Lanes,
    passed: Passed,
    under_way: FuturesUnordered<BoxFuture<'a, Over>>,
}

/// Events that ask for nothing and are not settled yet.
#[derive(Default)]
struct Passed {
    waiting: Vec<(u64, Delivery)>,
    /// When those that wait are settled at the latest.
    due: Option<Instant>,
    /// How many are being settled.
    under_way: usize,
}

/// What is over.
enum Over {
    Turn(Ended),
    /// Events at these positions that asked for nothing.
    Passed(Vec<u64>, End),
}

/// A turn that is over.
struct Ended {
    stream: StreamId,
    /// The position of the event, unless it was a replay.
    position: Option<u64>,
    end: End,
}

impl Over {
    const fn end(&self) -> End {
        match self {
            Self::Turn(Ended { end, .. }) | Self::Passed(_, end) => *end,
        }
    }
}

impl Passed {
    const fn in_hand(&self) -> usize {
        self.waiting.len() + self.under_way
    }

    fn enter(&mut self, position: u64, delivery: Delivery) {
        self.waiting.push((position, delivery));
        self.due.get_or_insert_with(|| Instant::now() + PASSED_WITHIN);
    }

    /// All that wait, to be settled now.
    fn take(&mut self) -> Vec<(u64, Delivery)> {
        self.due = None;
        self.under_way += self.waiting.len();
        std::mem::take(&mut self.waiting)
    }

    /// Ends when those that wait are due; never if none does.
    async fn due(due: Option<Instant>) {
        match due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

impl<'a, F, R> Consuming<'a, F>
where
    F: Fn(Received, Delivery) -> R + Send + Sync,
    R: Future<Output = Outcome> + Send + 'a,
{
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), BusError> {
        let mut replays = interval(REPLAY_POLL);
        replays.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(over) = self.under_way.next() => match over.end() {
                    End::WriterStopped if !stop.is_cancelled() => return Err(BusError::WriterStopped),
                    End::WriterStopped | End::Stopped => return Ok(()),
                    End::Settled | End::Parked => self.over(&over),
                },
                () = Passed::due(self.passed.due) => self.settle_passed(),
                _ = replays.tick(), if self.has_room() => self.take_up_replays().await,
                Some(event) = self.events.fresh.next(), if self.has_room() => match event {
                    // Settled before the restart.
                    Ok(event) if self.ahead.remove(&(event.position, event.event_id)) => {
                        self.events.settled(event.position, End::Settled);
                    }
                    Ok(event) if !(self.courier.wanted)(&event) => self.pass(&event),
                    Ok(event) => self.enter(event.stream_id.clone(), Turn::Fresh(Box::new(event))),
                    Err(error) => tracing::warn!(owner = self.courier.consumer.owner, %error, "events can't be read"),
                },
            }
        }
    }

    fn has_room(&self) -> bool {
        self.lanes.in_hand() + self.passed.in_hand() < IN_HAND_MAX
    }

    /// Takes up an event that asks for nothing.
    fn pass(&mut self, event: &StoredEvent) {
        self.passed.enter(event.position, self.courier.delivery(event));
        if self.passed.waiting.len() >= PASSED_AT_ONCE {
            self.settle_passed();
        }
    }

    /// Has those settled that ask for nothing.
    fn settle_passed(&mut self) {
        let (positions, deliveries): (Vec<_>, Vec<_>) = self.passed.take().into_iter().unzip();
        let courier = self.courier;
        self.under_way.push(async move { Over::Passed(positions, courier.pass(deliveries).await) }.boxed());
    }

    fn over(&mut self, over: &Over) {
        match over {
            Over::Turn(ended) => self.ended(ended),
            Over::Passed(positions, end) => {
                self.passed.under_way -= positions.len();
                positions.iter().for_each(|position| self.events.settled(*position, *end));
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

    fn ended(&mut self, Ended { stream, position, end }: &Ended) {
        if let Some(position) = position {
            self.events.settled(*position, *end);
        }
        if *end == End::Parked {
            self.parked.insert(stream.clone());
        } else {
            self.parked.remove(stream);
        }
        if let Some(next) = self.lanes.leave(stream) {
            self.begin(stream.clone(), next);
        }
    }

    /// Begins a turn. What is parked is known for sure now: nothing else of this stream is under way.
    fn begin(&self, stream: StreamId, turn: Turn) {
        let courier = self.courier;
        let position = match &turn {
            Turn::Fresh(event) => Some(event.position),
            Turn::Replay => None,
        };
        let end = match turn {
            Turn::Fresh(event) if self.parked.contains(&stream) => courier.park_behind(*event).boxed(),
            Turn::Fresh(event) => courier.deliver(*event).boxed(),
            Turn::Replay => courier.replay(stream.clone()).boxed(),
        };
        self.under_way.push(end.map(move |end| Over::Turn(Ended { stream, position, end })).boxed());
    }

    /// Waits for what is under way, and begins nothing else.
    async fn finish(&mut self) {
        while let Some(over) = self.under_way.next().await {
            let (positions, end) = match &over {
                Over::Turn(Ended { position, end, .. }) => (position.as_slice(), *end),
                Over::Passed(positions, end) => (positions.as_slice(), *end),
            };
            if matches!(end, End::Settled | End::Parked) {
                positions.iter().for_each(|position| self.events.settled(*position, end));
            }
        }
    }
}
