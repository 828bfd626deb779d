//! What waits in the writer's queue.

use std::convert::Infallible;

use eseal_kernel::Timestamp;
use tokio::sync::oneshot;

use super::order::{AnyOrder, Failure};
use crate::{CommandError, Delivery, StreamId};

/// An order, or a delivery that is settled without one.
pub(crate) enum Work {
    Order(Box<dyn AnyOrder>),
    Receipt(Receipt),
}

/// A delivery that asks for nothing, or could not be settled.
pub(crate) struct Receipt {
    pub(crate) delivery: Delivery,
    /// Why it goes to the dead letters; nothing when it asks for nothing.
    pub(crate) parked: Option<Parked>,
    verdict: Settled,
    caller: oneshot::Sender<Settled>,
}

/// Why a delivery goes to the dead letters.
#[derive(Debug, Clone)]
pub(crate) struct Parked {
    pub(crate) stream: StreamId,
    pub(crate) reason: String,
    pub(crate) tries: u32,
    pub(crate) now: Timestamp,
}

/// What a caller of [`crate::Writer::acknowledge`] or [`crate::Writer::park`] waits for.
pub(crate) type Settled = Result<(), CommandError<Infallible>>;

impl Receipt {
    pub(crate) fn new(delivery: Delivery, parked: Option<Parked>) -> (Self, oneshot::Receiver<Settled>) {
        let (caller, answer) = oneshot::channel();
        (Self { delivery, parked, verdict: Ok(()), caller }, answer)
    }
}

impl Work {
    pub(crate) fn order(&self) -> Option<&dyn AnyOrder> {
        match self {
            Self::Order(order) => Some(order.as_ref()),
            Self::Receipt(_) => None,
        }
    }

    /// The delivery that it settles.
    pub(crate) fn delivery(&self) -> Option<&Delivery> {
        match self {
            Self::Order(order) => order.delivery(),
            Self::Receipt(receipt) => Some(&receipt.delivery),
        }
    }

    /// Whether nothing needs to be looked up for it but its stream and its request.
    pub(crate) fn is_simple(&self) -> bool {
        self.order().is_some_and(|order| order.delivery().is_none() && order.looks_at().is_empty())
    }

    /// Whether it comes with a request, whose answer is kept.
    pub(crate) fn asks(&self) -> bool {
        self.order().is_some_and(|order| order.request().is_some())
    }

    /// Whether it can be carried out again without knowing if it was before.
    pub(crate) fn is_repeatable(&self) -> bool {
        match self {
            Self::Order(order) => order.request().is_some() || order.delivery().is_some(),
            Self::Receipt(_) => true,
        }
    }

    pub(crate) fn fail(&mut self, failure: Failure) {
        match (self, failure) {
            (Self::Order(order), failure) => order.fail(failure),
            (Self::Receipt(receipt), Failure::Store(error)) => receipt.verdict = Err(error.into()),
            (Self::Receipt(receipt), Failure::RequestIdReused) => receipt.verdict = Err(CommandError::RequestIdReused),
        }
    }

    /// Tells whoever waits. To be called after the commit, or when there will be none.
    pub(crate) fn answer(self) {
        match self {
            Self::Order(order) => {
                if let Some(delivery) = order.delivery().filter(|_| order.succeeded()) {
                    delivery.settle();
                }
                order.answer();
            }
            Self::Receipt(receipt) => {
                if receipt.verdict.is_ok() {
                    receipt.delivery.settle();
                }
                let _ = receipt.caller.send(receipt.verdict);
            }
        }
    }
}
