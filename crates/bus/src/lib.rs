//! Carries facts between services.
//!
//! A fact is committed in its owner's database and nowhere else; the bus only delivers it. Inside one process
//! ([`Bus::Local`]) it copies nothing: a consumer reads its owner's log behind its own cursor. Between processes
//! ([`Bus::Nats`]) the owner's [`relay`] publishes its log into a stream of NATS JetStream, and consumers pull from there.
//! Positions are dense, so a consumer knows repeats, puts messages in order, and asks the owner itself for what is missing,
//! and for what does not follow from what it has seen.
//!
//! [`consume`] is the loop around a service's `reactor.rs`. What it promises:
//!
//! - **At least once.** The consumer's inbox row, what the handler recorded, and the cursor are committed together in the
//!   consumer's database; after a crash between any two lines the event comes again, and the inbox knows it.
//! - **In order within a stream**, and only there. Streams don't wait for each other: many are handled at a time, so that
//!   their reactions share the writer's commits, and one that has to wait does not hold up the rest.
//! - **Together what asks for nothing.** Most events of an owner concern a consumer not at all. They are settled many at a time,
//!   at once or a tenth of a second later, and no handler is called.
//! - **Three outcomes.** [`Outcome::Done`]; [`Outcome::Later`]: the same event again, after a growing delay, so many
//!   times; [`Outcome::Never`]: parked at once. A handler that panics has said `Later`.
//! - **Nothing is skipped in silence.** A parked event lies in the dead letters with its reason, and the later ones of its
//!   stream behind it, in order, until an operator asks for a replay ([`eseal_eventstore::DeadLetters::replay`]).
//!
//! # The rooms
//!
//! | file | what is in it |
//! |---|---|
//! | `consume.rs`, `lanes.rs`, `delivery.rs` | the loop of a consumer; a lane per stream; one event until it is settled or parked |
//! | `source.rs`, `intake.rs`, `order.rs`, `known.rs` | where events come from; from messages to events in order; whose they are |
//! | `lease.rs` | one relay and one consumer at a time |
//! | `nats.rs`, `nats/relay.rs`, `nats/pull.rs`, `nats/message.rs` | the connection, publishing, pulling, and the form of a message |
//! | `nats/streams.rs`, `nats/durables.rs`, `nats/permissions.rs` | what operators set up: streams, durables, users |
//! | `metrics.rs` | what is counted |

mod consume;
mod delivery;
mod intake;
mod known;
mod lanes;
mod lease;
pub mod metrics;
mod nats;
mod order;
mod source;
mod trace;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use eseal_eventstore::{Actor, CommandError, Log, Metadata, StoredEvent};
use eseal_kernel::Timestamp;

pub use consume::consume;
pub use nats::{
    InvalidStart, Malformed, Nats, NatsConfig, NatsUser, StartAt, authorization, durable_name, relay, setup_consumers,
    setup_durable, setup_streams, stream_name, subject,
};
pub use source::{Page, ReadOwner};

use crate::nats::Pulling;
use crate::source::Source;

/// How long NATS may be silent before the owner is asked.
const SILENCE: Duration = Duration::from_secs(10);

/// How facts get from one service to the next.
#[derive(Debug, Clone)]
pub enum Bus {
    /// Within one process: consumers read the owners' logs.
    Local(LocalBus),
    /// Between processes: consumers pull from NATS, and read their own service's log.
    Nats(NatsBus),
}

impl Bus {
    /// The bus of a single process over the logs of its services.
    pub fn local(logs: impl IntoIterator<Item = Log>) -> Self {
        Self::Local(LocalBus { logs: logs.into_iter().collect(), retry: Retry::default() })
    }

    /// The bus of one service over NATS. `own` is its own log: its own facts take no way round. `read` asks the owner for
    /// what NATS does not bring.
    pub fn nats(nats: Nats, own: Log, read: ReadOwner) -> Self {
        Self::Nats(NatsBus { nats, own, read, retry: Retry::default(), silence: SILENCE })
    }

    /// The same bus with other delays.
    #[must_use]
    pub fn retrying(self, retry: Retry) -> Self {
        match self {
            Self::Local(bus) => Self::Local(LocalBus { retry, ..bus }),
            Self::Nats(bus) => Self::Nats(NatsBus { retry, ..bus }),
        }
    }

    /// The same bus that asks an owner after another time in which nothing came over NATS; 10 s without this.
    #[must_use]
    pub fn asking_after(self, silence: Duration) -> Self {
        match self {
            Self::Local(bus) => Self::Local(bus),
            Self::Nats(bus) => Self::Nats(NatsBus { silence, ..bus }),
        }
    }

    /// Where this consumer's events come from.
    fn source(&self, consumer: Consumer) -> Result<Source, BusError> {
        match self {
            Self::Local(bus) => bus.log(consumer.owner).map(Source::Log),
            Self::Nats(bus) if bus.own.owner() == consumer.owner => Ok(Source::Log(bus.own.clone())),
            Self::Nats(NatsBus { nats, read, silence, .. }) => {
                let pulling = Pulling { nats: nats.clone(), consumer };
                Ok(Source::Nats { pulling, read: read.clone(), silence: *silence })
            }
        }
    }

    const fn retry(&self) -> Retry {
        match self {
            Self::Local(bus) => bus.retry,
            Self::Nats(bus) => bus.retry,
        }
    }
}

/// The logs of the services in this process.
#[derive(Debug, Clone)]
pub struct LocalBus {
    logs: Vec<Log>,
    retry: Retry,
}

impl LocalBus {
    /// The events of `owner`.
    fn log(&self, owner: &'static str) -> Result<Log, BusError> {
        self.logs.iter().find(|log| log.owner() == owner).cloned().ok_or(BusError::UnknownOwner(owner))
    }
}

/// One service's end of NATS.
#[derive(Clone)]
pub struct NatsBus {
    nats: Nats,
    own: Log,
    read: ReadOwner,
    retry: Retry,
    silence: Duration,
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBus").field("nats", &self.nats).field("own", &self.own).finish_non_exhaustive()
    }
}

/// How often, and how soon again, an event is tried after [`Outcome::Later`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The delay after the first try; each one after it is twice as long.
    pub first: Duration,
    /// The longest delay.
    pub longest: Duration,
    /// How many tries there are before the event is parked; at least 1.
    pub tries: u32,
}

impl Default for Retry {
    /// 100 ms to 30 s, 20 times: an outage of about six minutes is waited out.
    fn default() -> Self {
        Self { first: Duration::from_millis(100), longest: Duration::from_secs(30), tries: 20 }
    }
}

impl Retry {
    /// How long to wait after so many tries; nothing when that was the last one.
    fn delay(&self, tries: u32) -> Option<Duration> {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
        (tries < self.tries).then(|| doubled.min(self.longest))
    }
}

/// Who consumes whose events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumer {
    /// Who receives, such as `fabrication`. Unique in its database: two with one name would share a cursor.
    pub name: &'static str,
    /// Whose events, such as `application`.
    pub owner: &'static str,
}

/// Whether an event may ask something of a consumer. Those that can't be read do: they are parked, not passed over.
pub type Wanted = fn(&StoredEvent) -> bool;

/// A fact as a reactor sees it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The event as its owner stored it.
    pub event: StoredEvent,
    /// Whose event it is.
    pub owner: String,
    /// The W3C trace context of this delivery, to which what follows belongs.
    pub traceparent: Option<String>,
}

impl Received {
    /// The metadata of a command that follows from this fact: of the same correlation and trace, caused by this event.
    pub fn metadata(&self, now: Timestamp, actor: Actor) -> Metadata {
        Metadata {
            correlation_id: Some(self.event.correlation_id.clone()),
            causation_id: Some(self.event.event_id),
            traceparent: self.traceparent.clone(),
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

impl Outcome {
    /// What becomes of a delivery whose command was decided so. A fact can't be refused: that we refuse it is our fault, or its
    /// sender's.
    pub fn of<T, R: Error + 'static>(decided: Result<T, CommandError<R>>) -> Self {
        match decided {
            Ok(_) => Self::Done,
            Err(error @ (CommandError::Rejected(_) | CommandError::RequestIdReused)) => Self::Never(error.to_string()),
            Err(
                error @ (CommandError::Conflict { .. }
                | CommandError::Busy
                | CommandError::Stopping
                | CommandError::Store(_)),
            ) => Self::Later(error.to_string()),
        }
    }
}

/// Why the bus can't go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError {
    /// The bus has no log of this owner.
    #[error("the bus carries no events of {0}")]
    UnknownOwner(&'static str),
    /// The consumer's writer stopped before the consumer did, so that nothing can be settled any more.
    #[error("the writer stopped before its consumer")]
    WriterStopped,
    /// What NATS is to be reached by makes no sense.
    #[error("{0}")]
    Config(String),
    /// No server answered.
    #[error("no NATS server answered within {waited:?}")]
    Unreachable {
        /// How long it was tried.
        waited: Duration,
    },
    /// The server keeps no streams.
    #[error("the NATS server has no JetStream, which carries the events: enable it by `jetstream {{ .. }}`")]
    NoJetStream,
    /// The server takes smaller messages only.
    #[error("the NATS server takes messages of {actual} bytes and must take {needed}: set `max_payload`")]
    SmallMessages {
        /// What is needed.
        needed: usize,
        /// What it takes.
        actual: usize,
    },
    /// The server refused something.
    #[error("NATS refuses {what} {name}: {why}")]
    Refused {
        /// What sort of thing.
        what: &'static str,
        /// Which one.
        name: String,
        /// The server's words.
        why: String,
    },
    /// The stream has events that the database does not have: it was restored from a backup, or somebody forged them.
    #[error(
        "{stream} has position {position} (message {sequence}) but the database ends at {head}: it lost facts that others \
         know, or the message is forged; see \"A message that the owner did not write\" in the guide to operating services"
    )]
    StreamAhead {
        /// The stream.
        stream: String,
        /// The sequence of the message.
        sequence: u64,
        /// The last position in the stream.
        position: u64,
        /// The last position in the database.
        head: u64,
    },
    /// The stream has another event than the database at the same position.
    #[error(
        "{stream} has another event at position {position} (message {sequence}) than the database: one of them is another \
         installation's, or forged; see \"A message that the owner did not write\" in the guide to operating services"
    )]
    Diverged {
        /// The stream.
        stream: String,
        /// The sequence of the message.
        sequence: u64,
        /// The position.
        position: u64,
    },
}

impl BusError {
    fn refused(what: &'static str, name: &str, why: &dyn fmt::Display) -> Self {
        Self::Refused { what, name: name.to_owned(), why: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_end() {
        let retry = Retry { first: Duration::from_secs(1), longest: Duration::from_secs(5), tries: 6 };
        let delays: Vec<_> = (1..=7).map(|tries| retry.delay(tries).map(|delay| delay.as_secs())).collect();
        assert_eq!(delays, [Some(1), Some(2), Some(4), Some(5), Some(5), None, None]);
        assert_eq!(Retry { tries: 99, ..Retry::default() }.delay(98), Some(Duration::from_secs(30)));
    }
}
