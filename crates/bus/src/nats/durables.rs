//! Durables: how far a consumer was delivered. They are made by whoever migrates, or by an operator for other systems.
//!
//! Nobody else may make one, because the right to make a durable is a right to write: a durable may name any subject that
//! its messages are sent to (ADR 17).

use std::str::FromStr;
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::ConsumerErrorKind;
use eseal_kernel::{Id, Timestamp};

use super::Nats;
use super::names::{durable_name, is_plain, stream_name, subjects};
use crate::{BusError, Consumer};

/// How long after a delivery without a word the message is delivered again. A consumer that is still busy says so in time.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(60);
/// The same for other systems, which can't fill what they wait for.
const ACK_WAIT_OUTSIDE: Duration = Duration::from_secs(30);
/// The pauses before the next deliveries to a consumer that said nothing: it crashed each time.
const BACKOFF: [Duration; 4] = [ACK_WAIT, Duration::from_secs(120), Duration::from_secs(300), Duration::from_secs(900)];
/// After so many deliveries the server gives up. The consumer finds a hole then, and fills it from the owner.
const MAX_DELIVER: i64 = 20;
/// The most messages that a consumer may have without having settled them: more than it takes in hand.
const MAX_PENDING: i64 = 5_000;
/// How long a server is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How far clocks of servers may be apart.
const CLOCKS: Duration = Duration::from_secs(60 * 60);

/// Where a new durable starts. Never too late: what comes before the place asked for is skipped by the receiver, which
/// looks at `Eseal-Position` and `ce-subject` anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// At the first message that the stream still has.
    Beginning,
    /// At this position. Every event before it takes at least one place in the stream, so the place of this number is at
    /// it or before it.
    Position(u64),
    /// At what was published from this time on.
    Time(Timestamp),
    /// Early enough for all events about this seal or application: its id (UUIDv7) tells when it was made. Subjects
    /// don't name seals, so the receiver picks out those with this `ce-subject`.
    Seal(Id),
}

impl StartAt {
    fn policy(self) -> Result<DeliverPolicy, BusError> {
        let since = |time: Timestamp| {
            let nanos = i128::from(time.micros()) * 1_000;
            let start_time = async_nats::datetime::from_nanos(nanos)
                .map_err(|error| BusError::Config(format!("{time} is no time to start at: {error}")))?;
            Ok(DeliverPolicy::ByStartTime { start_time })
        };
        match self {
            Self::Beginning | Self::Position(0 | 1) => Ok(DeliverPolicy::All),
            Self::Position(position) => Ok(DeliverPolicy::ByStartSequence { start_sequence: position }),
            Self::Time(time) => since(time),
            Self::Seal(id) => made_at(id).map_or(Ok(DeliverPolicy::All), |made| since(made.minus(CLOCKS))),
        }
    }
}

/// Why a text is no [`StartAt`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected beginning, position:<number>, time:<RFC 3339> or seal:<id>")]
pub struct InvalidStart;

impl FromStr for StartAt {
    type Err = InvalidStart;

    /// Reads `beginning`, `position:17`, `time:2026-11-28T08:00:00Z` or `seal:<id>`.
    fn from_str(text: &str) -> Result<Self, InvalidStart> {
        let (how, place) = text.split_once(':').unwrap_or((text, ""));
        match how {
            "beginning" if place.is_empty() => Ok(Self::Beginning),
            "position" => place.parse().map(Self::Position).map_err(|_| InvalidStart),
            "time" => place.parse().map(Self::Time).map_err(|_| InvalidStart),
            "seal" => place.parse().map(Self::Seal).map_err(|_| InvalidStart),
            _ => Err(InvalidStart),
        }
    }
}

/// When a UUIDv7 was made; other versions don't tell.
fn made_at(id: Id) -> Option<Timestamp> {
    let bytes = id.bytes();
    if bytes[6] >> 4 != 7 {
        return None;
    }
    let millis = bytes[..6].iter().fold(0_i64, |millis, byte| (millis << 8) | i64::from(*byte));
    Some(Timestamp::from_micros(millis.saturating_mul(1_000)))
}

/// Makes the durables of these consumers, or brings them to today's configuration; how far they were delivered stays.
/// The owners' streams must be there. Needs the rights of `setup.eseal`.
///
/// # Errors
/// [`BusError`] when no server answers within a minute, it keeps no streams, or it refuses.
pub async fn setup_consumers(nats: &Nats, consumers: &[Consumer]) -> Result<(), BusError> {
    nats.reachable(PATIENCE).await?;
    for Consumer { name, owner } in consumers {
        let config = pull::Config {
            max_deliver: MAX_DELIVER,
            max_ack_pending: MAX_PENDING,
            backoff: BACKOFF.to_vec(),
            ..config(name, owner, DeliverPolicy::All)?
        };
        make(nats, config, owner).await?;
    }
    Ok(())
}

/// Makes the durable by which another system pulls the events of `owner`. One that is there already is thrown away and
/// made anew at `start`: a replay. It loses nothing, because what the system applied is known by its own tables. The
/// server never gives up: such a system may have no other way to an event. Needs the rights of `setup.eseal`.
///
/// # Errors
/// [`BusError`] when no server answers within a minute, it keeps no streams, or it refuses.
pub async fn setup_durable(nats: &Nats, name: &str, owner: &str, start: StartAt) -> Result<(), BusError> {
    nats.reachable(PATIENCE).await?;
    let (stream, durable) = (stream_name(owner), durable_name(name, owner));
    let config = pull::Config { ack_wait: ACK_WAIT_OUTSIDE, ..config(name, owner, start.policy()?)? };
    if let Err(error) = delete(nats, &stream, &durable).await {
        return Err(BusError::refused("the durable", &durable, &error));
    }
    make(nats, config, owner).await
}

fn config(name: &str, owner: &str, deliver_policy: DeliverPolicy) -> Result<pull::Config, BusError> {
    if !is_plain(name) || !is_plain(owner) {
        return Err(BusError::Config(format!("{name:?} and {owner:?} can't name a durable")));
    }
    Ok(pull::Config {
        durable_name: Some(durable_name(name, owner)),
        filter_subject: subjects(owner),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        deliver_policy,
        ..pull::Config::default()
    })
}

async fn make(nats: &Nats, config: pull::Config, owner: &str) -> Result<(), BusError> {
    let durable = config.durable_name.clone().unwrap_or_default();
    let made = nats.context().create_consumer_on_stream(config, stream_name(owner)).await;
    let _: PullConsumer = made.map_err(|error| BusError::refused("the durable", &durable, &error))?;
    tracing::info!(durable, "the durable is set up");
    Ok(())
}

async fn delete(nats: &Nats, stream: &str, durable: &str) -> Result<(), async_nats::jetstream::stream::ConsumerError> {
    match nats.context().delete_consumer_from_stream(durable, stream).await {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            ConsumerErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::CONSUMER_NOT_FOUND => Ok(()),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_read_from_a_text() {
        let time = Timestamp::from_seconds(1_800_000_000);
        let id = Id::random(time);
        assert_eq!("beginning".parse(), Ok(StartAt::Beginning));
        assert_eq!("position:17".parse(), Ok(StartAt::Position(17)));
        assert_eq!(format!("time:{time}").parse(), Ok(StartAt::Time(time)));
        assert_eq!(format!("seal:{id}").parse(), Ok(StartAt::Seal(id)));
        for text in ["", "beginning:1", "position:", "position:-1", "time:noon", "seal:7", "17"] {
            assert_eq!(text.parse::<StartAt>(), Err(InvalidStart), "{text}");
        }
    }

    #[test]
    fn the_id_of_a_seal_tells_when_to_start() {
        let made = Timestamp::from_seconds(1_800_000_000);
        assert_eq!(made_at(Id::random(made)), Some(made));
        let DeliverPolicy::ByStartTime { start_time } = StartAt::Seal(Id::random(made)).policy().expect("a time")
        else {
            panic!("not by time");
        };
        assert_eq!(start_time.unix_timestamp(), 1_800_000_000 - 3_600);
        let timeless = Id::derived(&eseal_kernel::Digest::of(b"a cause"));
        assert_eq!(StartAt::Seal(timeless).policy().expect("all"), DeliverPolicy::All);
    }
}
