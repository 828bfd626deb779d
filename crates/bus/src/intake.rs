//! From messages to events in order: what a consumer of another owner takes in.
//!
//! Messages come twice, in any order, or never. Positions are dense, so all of that can be seen: what lies behind the next
//! position is a repeat, what lies before it waits, and a hole that does not close by itself is filled from the owner, by
//! `ReadEvents`. The owner is also asked when nothing came for a while, so that a fact arrives even if NATS has lost it,
//! given it up, or is away; and at once when it can't be told from a message whether it is the owner's.

use std::time::Duration;

use eseal_eventstore::StoredEvent;
use futures::FutureExt as _;
use futures::future::{BoxFuture, OptionFuture};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::delivery::End;
use crate::metrics;
use crate::nats::{Arrival, Pulled, Pulling, Receipt};
use crate::order::{Findings, Need, Order};
use crate::source::{Page, ReadOwner, SourceError, read_owner};

/// The most confirmations under way.
const TELLING_MAX: usize = 500;
/// How long a hole may stay before it is filled: messages just overtake each other at times.
const HOLE: Duration = Duration::from_millis(250);
/// How many events the owner is asked for at a time.
const PAGE: u64 = 250;
/// How often the server is told of messages in hand; well within `ack_wait`.
const IN_HAND: Duration = Duration::from_secs(20);
/// The pauses after the owner did not answer.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// After which position the owner was asked, and what it said.
type Answer = (u64, Result<Page, SourceError>);

/// The task behind a consumer's events.
pub(crate) struct Intake {
    pulling: Pulling,
    read: ReadOwner,
    /// How long nothing may come before the owner is asked.
    silence: Duration,
    order: Order<Receipt>,
    /// The owner's answer that is waited for.
    asking: Option<BoxFuture<'static, Answer>>,
    /// When the owner is asked next, if nothing comes before.
    ask_at: Instant,
    /// The pause after the next failure.
    pause: Duration,
    /// Confirmations under way.
    telling: FuturesUnordered<BoxFuture<'static, bool>>,
}

impl Intake {
    /// What takes in the events that `order` waits for.
    pub(crate) fn new(pulling: Pulling, read: ReadOwner, silence: Duration, order: Order<Receipt>) -> Self {
        let first = if order.need() == Need::Doubt { Duration::ZERO } else { silence };
        Self {
            pulling,
            read,
            silence,
            order,
            asking: None,
            ask_at: Instant::now() + first,
            pause: FIRST_PAUSE,
            telling: FuturesUnordered::new(),
        }
    }

    /// Puts events into `out` and hears from `settled` what became of them, until nobody wants them any more.
    pub(crate) async fn run(
        mut self,
        out: mpsc::Sender<StoredEvent>,
        mut settled: mpsc::UnboundedReceiver<(u64, End)>,
    ) {
        let mut arrivals = self.pulling.arrivals();
        let mut beats = interval(IN_HAND);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_room = self.order.has_room();
            tokio::select! {
                biased;
                told = settled.recv() => match told {
                    Some((position, end)) => self.settle(position, end),
                    None => return,
                },
                Some(_) = self.telling.next() => {}
                permit = out.reserve(), if self.order.has_ready() => match (permit, self.order.pop()) {
                    (Ok(permit), Some(event)) => permit.send(event),
                    (Ok(_), None) => {} // not without one that is ready
                    (Err(_), _) => return,
                },
                _ = beats.tick() => keep_in_hand(&self.order).await,
                Some((after, answer)) = OptionFuture::from(self.asking.as_mut()) => self.answered(after, answer),
                Some(arrival) = arrivals.next(), if has_room && self.telling.len() < TELLING_MAX => match arrival {
                    Arrival::Message(pulled) => self.take(*pulled),
                    // Those were in an earlier run's hands. They would come again, but not before they are overdue.
                    Arrival::Opened { unsettled } if unsettled > self.order.receipts().count() => {
                        self.ask_at = Instant::now();
                    }
                    Arrival::Opened { .. } => {}
                },
                () = sleep_until(self.ask_at), if self.order.may_ask() && self.asking.is_none() => self.ask(),
            }
        }
    }

    fn take(&mut self, pulled: Pulled) {
        let (consumer, owner) = (self.pulling.consumer.name, self.pulling.consumer.owner);
        metrics::consumer_pending(consumer, owner, pulled.pending);
        match pulled.event {
            Ok(event) => {
                let (before, needed) = (self.order.next(), self.order.need());
                if let Some(repeat) = self.order.take(event, pulled.receipt) {
                    self.telling.push(repeat.settled().boxed());
                }
                self.look_ahead(before, needed);
            }
            // Its position, if it had one, is a hole, and got from the owner.
            Err(why) => {
                let (subject, sequence) = (pulled.subject, pulled.sequence);
                tracing::error!(consumer, owner, subject, sequence, %why, "a message is no event and was refused");
                metrics::malformed(consumer, owner);
                self.telling.push(pulled.receipt.refused().boxed());
            }
        }
    }

    /// Plans when the owner is asked next, after something came.
    fn look_ahead(&mut self, before: u64, needed: Need) {
        let moved = self.order.next() > before;
        if moved {
            self.pause = FIRST_PAUSE;
        }
        match (needed, self.order.need()) {
            (_, Need::Nothing) => self.ask_at = Instant::now() + self.silence,
            // It was planned when the doubt came up, or the hole.
            (Need::Doubt, Need::Doubt) => {}
            (Need::Hole, Need::Hole) if !moved => {}
            (_, Need::Doubt) => self.ask_at = Instant::now(),
            // A new hole, or another one: it is given the time that messages need to overtake each other.
            (_, Need::Hole) => self.ask_at = Instant::now() + HOLE,
        }
    }

    fn ask(&mut self) {
        let (read, owner, after) = (self.read.clone(), self.pulling.consumer.owner, self.order.ask());
        self.asking = Some(async move { (after, read_owner(&read, owner, after, PAGE).await) }.boxed());
    }

    fn answered(&mut self, after: u64, answer: Result<Page, SourceError>) {
        self.asking = None;
        let (consumer, owner) = (self.pulling.consumer.name, self.pulling.consumer.owner);
        let findings = match answer {
            Ok(page) => self.order.answered(after, page),
            Err(error) => {
                tracing::warn!(consumer, owner, %error, "the owner was asked in vain");
                return self.ask_later();
            }
        };
        let Findings { filled, foreign, disowned, refused, more } = findings;
        if filled > 0 {
            tracing::info!(consumer, owner, after, filled, "events were got from their owner");
            metrics::filled(consumer, owner, filled);
        }
        if foreign > 0 {
            tracing::error!(consumer, owner, after, foreign, "messages are not of their owner's log and were refused");
        }
        if disowned > 0 {
            tracing::error!(consumer, owner, after, disowned, "events were consumed that are not in their owner's log");
        }
        metrics::not_the_owners(consumer, owner, foreign, disowned);
        self.telling.extend(refused.into_iter().map(|receipt| receipt.refused().boxed()));
        self.pause = FIRST_PAUSE;
        self.ask_at = Instant::now();
        match self.order.need() {
            Need::Nothing if !more => self.ask_at += self.silence,
            Need::Hole if !more => self.ask_at += HOLE,
            Need::Nothing | Need::Hole | Need::Doubt => {}
        }
    }

    fn ask_later(&mut self) {
        self.ask_at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn settle(&mut self, position: u64, end: End) {
        for receipt in self.order.settle(position) {
            self.telling.push(match end {
                End::Parked => receipt.refused().boxed(),
                End::Settled | End::Stopped | End::WriterStopped => receipt.settled().boxed(),
            });
        }
    }
}

/// Tells the server that what is in hand is not forgotten.
async fn keep_in_hand(order: &Order<Receipt>) {
    for receipt in order.receipts() {
        receipt.in_hand().await;
    }
}
