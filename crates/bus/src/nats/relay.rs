//! The relay: brings a service's events from its database into its stream.
//!
//! It has no memory of its own. Where it stands is told by the **last message in the stream**, so a stream that lost its
//! tail repairs itself. Each publication names the sequence and the message that must be the last before it
//! (`Nats-Expected-Last-Sequence`, `Nats-Expected-Last-Msg-Id`); many are under way at a time, and if one fails, all behind
//! it do. So a second relay, or whoever else writes into the stream, makes it look again instead of mixing the order. The
//! sequence alone would not do: after one foreign message the first publication fails, and the second finds its place.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{GetStreamErrorKind, PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use eseal_eventstore::{Database, Log, StoredEvent};
use eseal_kernel::{Clock, Id};
use futures::stream::{FuturesOrdered, StreamExt as _};
use futures::{FutureExt as _, TryFutureExt as _};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::names::stream_name;
use super::{Nats, message};
use crate::lease::Holding;
use crate::{BusError, metrics, trace};

/// The lease of the one relay that works.
const LEASE: &str = "relay";
/// The most publications under way.
const UNDER_WAY_MAX: usize = 512;
/// The most bytes of payload under way.
const BYTES_MAX: usize = 16 << 20;
/// How long publications under way are waited for after `stop`.
const GRACE: Duration = Duration::from_secs(5);
/// The pauses after an error.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often the lag is looked at while nothing happens.
const LOOK: Duration = Duration::from_secs(5);

/// Publishes the events of `log` into the stream of their owner, in their order, until `stop`.
///
/// One relay works at a time: it holds the lease `relay` in the service's database; others wait for it. NATS may go away
/// and come back at any time.
///
/// # Errors
/// [`BusError::NoJetStream`] or [`BusError::SmallMessages`] when the first server that answers won't do;
/// [`BusError::StreamAhead`] and [`BusError::Diverged`] when the stream holds what the database does not: the database
/// was restored from a backup, or the stream is another installation's. Then somebody has to decide, because facts that
/// were published are gone here; nothing is overwritten.
pub async fn relay(nats: Nats, log: Log, database: Database, stop: CancellationToken) -> Result<(), BusError> {
    let mut relay = Relay { stream: stream_name(log.owner()), nats, log, proven: false };
    while let Some(holding) = Holding::take(&database, LEASE, &stop).await {
        tracing::info!(stream = relay.stream, "relaying");
        tokio::select! {
            ended = relay.run(&stop) => return ended,
            () = holding.lost() => tracing::warn!(stream = relay.stream, "the lease of the relay is lost"),
        }
    }
    Ok(())
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// It may be over by the next try.
    #[error("{0}")]
    Passing(String),
    /// It is not.
    #[error(transparent)]
    Lasting(#[from] BusError),
}

impl Trouble {
    fn passing(error: impl std::fmt::Display) -> Self {
        Self::Passing(error.to_string())
    }
}

/// Where the stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// The last position in it.
    position: u64,
    /// The sequence of its last message, which may be a foreign one.
    sequence: u64,
}

struct Relay {
    nats: Nats,
    log: Log,
    stream: String,
    /// Whether a server was there that keeps streams.
    proven: bool,
}

impl Relay {
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), BusError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = tokio::time::Instant::now();
            match self.session(stop).await {
                Ok(()) => return Ok(()),
                Err(Trouble::Lasting(error)) => return Err(error),
                Err(Trouble::Passing(why)) => {
                    tracing::warn!(stream = self.stream, why, "the relay looks again where the stream stands");
                    metrics::relay_failed(self.log.owner());
                }
            }
            pause = if begun.elapsed() > LONGEST_PAUSE * 2 { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Publishes from where the stream stands, until something goes wrong.
    async fn session(&mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        match self.nats.connected(stop).await {
            Err(error) if self.proven => return Err(Trouble::passing(error)),
            checked => checked?,
        }
        if stop.is_cancelled() {
            return Ok(());
        }
        let place = self.place().await?;
        self.proven = true;
        let mut session = Session {
            relay: self,
            place,
            before: None,
            acknowledged: place.position,
            bytes: 0,
            under_way: FuturesOrdered::new(),
        };
        session.run(stop).await
    }

    /// Looks where the stream stands, and whether it agrees with the log.
    async fn place(&self) -> Result<Place, Trouble> {
        let stream = match self.nats.context().get_stream(&self.stream).await {
            Ok(stream) => stream,
            Err(error) => {
                let missing = matches!(error.kind(), GetStreamErrorKind::JetStream(answer)
                    if answer.error_code() == ErrorCode::STREAM_NOT_FOUND);
                let hint = if missing { "there is no such stream yet: `migrate` makes it" } else { "no answer" };
                return Err(Trouble::Passing(format!("{hint}: {error}")));
            }
        };
        let state = stream.cached_info().state.clone();
        if state.messages == 0 {
            return Ok(Place { position: 0, sequence: state.last_sequence });
        }
        let mut sequence = state.last_sequence;
        while sequence >= state.first_sequence.max(1) {
            if let Some(event) = self.message(&stream, sequence).await? {
                self.agree(&event, sequence).await?;
                return Ok(Place { position: event.position, sequence: state.last_sequence });
            }
            sequence -= 1;
        }
        Ok(Place { position: 0, sequence: state.last_sequence })
    }

    /// The event at this sequence; nothing if there is none, or one that is not ours.
    async fn message(&self, stream: &Stream, sequence: u64) -> Result<Option<StoredEvent>, Trouble> {
        let found = match stream.get_raw_message(sequence).await {
            Ok(found) => found,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(None),
            Err(error) => return Err(Trouble::passing(error)),
        };
        match message::decode(self.log.owner(), &found.subject, Some(&found.headers), &found.payload) {
            Ok(event) => Ok(Some(event)),
            Err(why) => {
                tracing::error!(stream = self.stream, sequence, %why, "a foreign message lies in the stream");
                Ok(None)
            }
        }
    }

    /// Whether the log has the event of this message too.
    async fn agree(&self, event: &StoredEvent, sequence: u64) -> Result<(), Trouble> {
        let position = event.position;
        let stream = self.stream.clone();
        let stored = self.log.read(position - 1, 1).await.map_err(Trouble::passing)?;
        match stored.first() {
            Some(stored) if stored.position == position && stored.hash == event.hash => Ok(()),
            Some(_) => Err(BusError::Diverged { stream, sequence, position }.into()),
            None => {
                let head = self.log.head().await.map_err(Trouble::passing)?;
                if head >= position {
                    return Err(Trouble::Passing("the log was read behind its head".to_owned()));
                }
                Err(BusError::StreamAhead { stream, sequence, position, head }.into())
            }
        }
    }

    async fn send(&self, event: &StoredEvent, last: u64, before: Option<Id>) -> Result<PublishAckFuture, Trouble> {
        let (subject, headers) = message::encode(self.log.owner(), event);
        let mut publish = PublishMessage::build()
            .payload(event.payload.clone().into())
            .headers(headers)
            .message_id(event.event_id.to_string())
            .expected_stream(&self.stream)
            .expected_last_sequence(last);
        if let Some(before) = before {
            publish = publish.expected_last_message_id(before.to_string());
        }
        self.nats.context().send_publish(subject, publish).map_err(Trouble::passing).await
    }

    /// How far the stream is behind the log: in positions, and in the age of the first event that it lacks.
    async fn tell_lag(&self, acknowledged: u64) {
        let log = &self.log;
        let (Ok(head), Ok(next)) = (log.head().await, log.read(acknowledged, 1).await) else { return };
        let age = next.first().map_or(0, |event| Clock::System.now().micros() - event.occurred_at.micros());
        metrics::relay_lag(log.owner(), head.saturating_sub(acknowledged), age);
    }
}

/// A publication under way.
struct Published {
    position: u64,
    sequence: u64,
    bytes: usize,
    ack: Result<PublishAck, async_nats::jetstream::context::PublishError>,
}

struct Session<'a> {
    relay: &'a Relay,
    /// Where the stream will stand when all that is under way has arrived.
    place: Place,
    /// The event that this session published last. What was there before it may be without an id.
    before: Option<Id>,
    /// The last position that the server has acknowledged.
    acknowledged: u64,
    /// Bytes under way.
    bytes: usize,
    under_way: FuturesOrdered<futures::future::BoxFuture<'static, Published>>,
}

impl Session<'_> {
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        let mut log = Box::pin(self.relay.log.tail(self.place.position));
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let room = self.under_way.len() < UNDER_WAY_MAX && self.bytes < BYTES_MAX;
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.finish().await,
                Some(published) = self.under_way.next() => self.arrived(published)?,
                _ = looks.tick() => self.relay.tell_lag(self.acknowledged).await,
                Some(event) = log.next(), if room => self.publish(event.map_err(Trouble::passing)?).await?,
            }
        }
    }

    async fn publish(&mut self, event: StoredEvent) -> Result<(), Trouble> {
        let Place { position, sequence } = self.place;
        if event.position != position + 1 {
            return Err(Trouble::Passing(format!("position {} follows {position} in the log", event.position)));
        }
        let span = trace::sending(&event);
        eseal_faultpoint::pass("relay.unpublished");
        let ack = self.relay.send(&event, sequence, self.before).await?;
        eseal_faultpoint::pass("relay.published");
        let (position, sequence, bytes) = (event.position, sequence + 1, event.payload.len());
        self.place = Place { position, sequence };
        self.before = Some(event.event_id);
        self.bytes += bytes;
        let published = ack.into_future().map(move |ack| {
            trace::sent(&span, ack.is_ok());
            Published { position, sequence, bytes, ack }
        });
        self.under_way.push_back(published.boxed());
        Ok(())
    }

    fn arrived(&mut self, published: Published) -> Result<(), Trouble> {
        let Published { position, sequence, bytes, ack } = published;
        self.bytes -= bytes;
        let ack = ack.map_err(|error| match error.kind() {
            PublishErrorKind::WrongLastSequence | PublishErrorKind::WrongLastMessageId => {
                Trouble::Passing("somebody else has written into the stream, or it lost its tail".to_owned())
            }
            _ => Trouble::passing(error),
        })?;
        // A repeat that the server knew lies where it was first put: fine if that is its place.
        if ack.sequence != sequence {
            return Err(Trouble::Passing(format!(
                "position {position} lies at {} and not at {sequence}",
                ack.sequence
            )));
        }
        eseal_faultpoint::pass("relay.acknowledged");
        self.acknowledged = position;
        metrics::published(self.relay.log.owner());
        Ok(())
    }

    /// Waits for what is under way, so that the next start has less to look up.
    async fn finish(&mut self) -> Result<(), Trouble> {
        let rest = async {
            while let Some(published) = self.under_way.next().await {
                if self.arrived(published).is_err() {
                    break; // the next start sees to it
                }
            }
        };
        let _ = timeout(GRACE, rest).await;
        Ok(())
    }
}
