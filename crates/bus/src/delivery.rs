//! One event on its way through the handler, until it is settled or parked.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use eseal_eventstore::{CommandError, DeadLetter, DeadLetters, Delivery, StoredEvent, StreamId, Writer};
use eseal_kernel::Clock;
use futures::FutureExt as _;
use futures::future::join_all;
use opentelemetry::trace::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::task::coop::unconstrained;
use tokio_util::sync::CancellationToken;

use crate::source::Source;
use crate::{Consumer, Outcome, Received, Retry, Wanted, metrics, trace};

/// How long to wait before the database is asked again after it failed.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);
/// How many letters of a stream are read in one go.
const LETTERS: u64 = 100;

/// What became of a lane's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Settled: nothing of the stream lies in the dead letters because of it.
    Settled,
    /// It lies in the dead letters, and the stream with it.
    Parked,
    /// The consumer stops; the next start takes it up again.
    Stopped,
    /// The writer has stopped, so that nothing can be settled.
    WriterStopped,
}

/// What every delivery of one consumer needs.
pub(crate) struct Courier<F> {
    pub(crate) consumer: Consumer,
    pub(crate) wanted: Wanted,
    pub(crate) source: Source,
    pub(crate) letters: DeadLetters,
    pub(crate) writer: Writer,
    pub(crate) handler: F,
    pub(crate) retry: Retry,
    /// How many handlers run at the same time.
    pub(crate) hands: Semaphore,
    pub(crate) stop: CancellationToken,
}

/// What became of the tries.
enum Tried {
    Settled,
    Failed { why: String, tries: u32 },
    Ended(End),
}

impl<F, R> Courier<F>
where
    F: Fn(Received, Delivery) -> R,
    R: Future<Output = Outcome>,
{
    /// Brings an event to its end: settled, or parked.
    pub(crate) async fn deliver(&self, event: StoredEvent) -> End {
        eseal_faultpoint::pass("consumer.received");
        match self.attempt(&event).await {
            Tried::Settled => {
                eseal_faultpoint::pass("consumer.committed");
                End::Settled
            }
            Tried::Failed { why, tries } => self.park(&event, why, tries).await,
            Tried::Ended(end) => end,
        }
    }

    /// Settles events that ask for nothing. They wait in the writer's queue together, and so share its commits.
    pub(crate) async fn pass(&self, deliveries: Vec<Delivery>) -> End {
        // A task yields after some sends to a queue, and the writer would take what is in there by then.
        let ended = unconstrained(join_all(deliveries.into_iter().map(|delivery| self.acknowledge(delivery)))).await;
        let ended = ended.into_iter().find_map(|tried| match tried {
            Tried::Ended(end) => Some(end),
            Tried::Settled | Tried::Failed { .. } => None,
        });
        ended.unwrap_or(End::Settled)
    }

    /// Parks an event behind an earlier one of its stream, untried.
    pub(crate) async fn park_behind(&self, event: StoredEvent) -> End {
        self.park(&event, "an earlier event of its stream is parked".to_owned(), 0).await
    }

    /// Delivers the dead letters of a stream from the first on, until none is left or one fails again.
    pub(crate) async fn replay(&self, stream: StreamId) -> End {
        let Consumer { name, owner } = self.consumer;
        let mut position = 0;
        loop {
            let letters = match self.letters.of_stream(name, owner, &stream, position, LETTERS).await {
                Ok(letters) => letters,
                Err(error) => match self.pause(&error).await {
                    Some(end) => return end,
                    None => continue,
                },
            };
            if letters.is_empty() {
                return End::Settled;
            }
            for letter in letters {
                match self.replay_one(&letter).await {
                    End::Settled => position = letter.position,
                    End::Parked => return self.give_up(&stream).await,
                    end => return end,
                }
            }
        }
    }

    async fn replay_one(&self, letter: &DeadLetter) -> End {
        loop {
            match self.source.read(letter.position.saturating_sub(1), 1).await {
                Ok(events) => match events.into_iter().next().filter(|event| event.event_id == letter.event_id) {
                    Some(event) => return self.deliver(event).await,
                    None => {
                        // The owner's log was exchanged under it: nothing to deliver, and nothing to forget.
                        let (consumer, owner) = (self.consumer.name, self.consumer.owner);
                        tracing::error!(consumer, owner, position = letter.position, "no such event in the log");
                        return End::Parked;
                    }
                },
                Err(error) => {
                    if let Some(end) = self.pause(&error).await {
                        return end;
                    }
                }
            }
        }
    }

    /// The first letter failed again: those behind it are not tried before it.
    async fn give_up(&self, stream: &StreamId) -> End {
        loop {
            match self.letters.give_up(self.consumer.name, self.consumer.owner, stream).await {
                Ok(_) => return End::Parked,
                Err(error) => {
                    if let Some(end) = self.pause(&error).await {
                        return end;
                    }
                }
            }
        }
    }

    async fn attempt(&self, event: &StoredEvent) -> Tried {
        let mut tries = 0;
        loop {
            let hand = self.hands.acquire().await; // never closed, so never an error
            if self.stop.is_cancelled() {
                return Tried::Ended(End::Stopped);
            }
            tries += 1;
            let delivery = self.delivery(event);
            let outcome = self.handle(event, delivery.clone()).await;
            drop(hand);
            metrics::delivered(self.consumer.name, self.consumer.owner, said(&outcome));
            let why = match outcome {
                // What was committed stands, whatever the handler thought of it afterwards.
                _ if delivery.is_settled() => return Tried::Settled,
                Outcome::Done => return self.acknowledge(delivery).await,
                Outcome::Never(why) => return Tried::Failed { why, tries },
                Outcome::Later(why) => why,
            };
            let Some(delay) = self.retry.delay(tries) else {
                return Tried::Failed { why, tries };
            };
            let (Consumer { name, owner }, position) = (self.consumer, event.position);
            tracing::info!(consumer = name, owner, position, kind = event.kind, tries, why, "delivery later");
            if self.wait(delay).await.is_some() {
                return Tried::Ended(End::Stopped);
            }
        }
    }

    /// One call of the handler. It may panic; the other streams must not suffer for it.
    async fn handle(&self, event: &StoredEvent, delivery: Delivery) -> Outcome {
        if eseal_faultpoint::fails("consumer.unreadable") {
            return Outcome::Never("a fault point has made it unreadable".to_owned());
        }
        let context = trace::processing(self.consumer, self.source.system(), event);
        let (event, owner, traceparent) = (event.clone(), self.consumer.owner.to_owned(), trace::onward(&context));
        let received = Received { event, owner, traceparent };
        let handled = AssertUnwindSafe(async { (self.handler)(received, delivery).await }).catch_unwind();
        let handled = handled.with_context(context.clone()).await;
        let outcome = handled.unwrap_or_else(|_| Outcome::Later("the handler panicked".to_owned()));
        trace::processed(&context, &outcome);
        outcome
    }

    async fn acknowledge(&self, delivery: Delivery) -> Tried {
        loop {
            match self.writer.acknowledge(delivery.clone()).await {
                Ok(()) => return Tried::Settled,
                Err(error) => {
                    if let Some(end) = self.refused(error).await {
                        return Tried::Ended(end);
                    }
                }
            }
        }
    }

    async fn park(&self, event: &StoredEvent, why: String, tries: u32) -> End {
        if tries > 0 {
            let (Consumer { name, owner }, position, stream) = (self.consumer, event.position, &event.stream_id);
            tracing::error!(consumer = name, owner, position, kind = event.kind, %stream, tries, why, "stream parked");
        }
        loop {
            let (delivery, stream, now) = (self.delivery(event), event.stream_id.clone(), Clock::System.now());
            match self.writer.park(delivery, stream, why.clone(), tries, now).await {
                Ok(()) => {
                    metrics::parked(self.consumer.name, self.consumer.owner);
                    return End::Parked;
                }
                Err(error) => {
                    if let Some(end) = self.refused(error).await {
                        return end;
                    }
                }
            }
        }
    }

    pub(crate) fn delivery(&self, event: &StoredEvent) -> Delivery {
        Delivery::new(self.consumer.name, self.consumer.owner, event.position, event.event_id)
    }

    /// After the writer refused a receipt: how the delivery ends, or nothing when it may try again.
    async fn refused(&self, error: CommandError<Infallible>) -> Option<End> {
        match error {
            CommandError::Stopping => Some(End::WriterStopped),
            CommandError::Store(error) => self.pause(&error).await,
            CommandError::Rejected(_)
            | CommandError::RequestIdReused
            | CommandError::Conflict { .. }
            | CommandError::Busy => self.wait(PAUSE).await,
        }
    }

    /// After the database or the owner failed: how the delivery ends, or nothing when it may try again.
    pub(crate) async fn pause(&self, error: &(dyn std::fmt::Display + Sync)) -> Option<End> {
        tracing::warn!(consumer = self.consumer.name, owner = self.consumer.owner, %error, "the delivery waits");
        self.wait(PAUSE).await
    }

    async fn wait(&self, delay: Duration) -> Option<End> {
        tokio::select! {
            () = self.stop.cancelled() => Some(End::Stopped),
            () = tokio::time::sleep(delay) => None,
        }
    }
}

const fn said(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Later(_) => "later",
        Outcome::Never(_) => "never",
    }
}
