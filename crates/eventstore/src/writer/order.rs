//! An order in the queue, with the type of its aggregate erased: one writer serves several kinds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;

use eseal_kernel::{ClaimKey, Claims};
use opentelemetry::trace::{Span as _, SpanContext};
use tokio::sync::oneshot;

use super::recording::{Decision, Folded, Recording};
use super::watch::{Became, Named, Watch};
use crate::trace::traceparent_of;
use crate::{CommandError, Delivery, Order, Outcome, RequestKey, StoreError, Stored, StoredEvent, StreamId};

/// Why an order failed in the writer's own hands.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    RequestIdReused,
    Store(StoreError),
}

/// An order of any aggregate. Its verdict is kept until the commit, and made anew when the batch is repeated.
pub(crate) trait AnyOrder: Send + Sync {
    fn stream(&self) -> &StreamId;
    fn request(&self) -> Option<&RequestKey>;
    fn delivery(&self) -> Option<&Delivery>;
    /// The claims whose holders `decide` must know.
    fn looks_at(&self) -> &[ClaimKey];
    /// The stream before its first event.
    fn empty(&self) -> Folded;
    /// The stream after one more event.
    fn fold(&self, stream: &mut Folded, event: &StoredEvent) -> Result<(), StoreError>;
    /// What follows from the command where `head` is the last position; nothing when it was refused.
    fn decide(&mut self, stream: &Folded, claims: &Claims, head: u64) -> Option<Decision>;
    /// It was settled before, with this answer.
    fn repeat(&mut self, answer: Vec<u8>);
    fn fail(&mut self, failure: Failure);
    /// The context of its decision's span, if it has one.
    fn decided_in(&self) -> Option<SpanContext>;
    /// Whether its verdict stands for something that is, or was, recorded.
    fn succeeded(&self) -> bool;
    /// Tells the caller the verdict. The caller may have gone; what was recorded stays.
    fn answer(self: Box<Self>);
}

/// What a caller of [`crate::Writer::execute`] waits for.
pub(crate) type Verdict<A> = Result<Outcome<A>, CommandError<<A as eseal_kernel::Aggregate>::Rejection>>;

/// An order with its waiting caller.
pub(crate) struct Waiting<A: Stored> {
    order: Order<A>,
    stream: StreamId,
    looks_at: Vec<ClaimKey>,
    /// The version that the last try was decided on.
    tried: u64,
    came: SystemTime,
    watch: Arc<Watch>,
    decided_in: Option<SpanContext>,
    verdict: Option<Verdict<A>>,
    caller: oneshot::Sender<Verdict<A>>,
}

impl<A: Stored> Waiting<A> {
    /// The order in the form that the queue holds, and where its answer comes.
    pub(crate) fn try_new(
        order: Order<A>,
        watch: Arc<Watch>,
    ) -> Result<(Self, oneshot::Receiver<Verdict<A>>), StoreError> {
        order.check()?;
        let stream = StreamId::try_new(A::KIND, &order.id)?;
        let looks_at = A::looks_at(&order.command);
        let (caller, answer) = oneshot::channel();
        let came = super::watch::span_time();
        let waiting = Self { order, stream, looks_at, tried: 0, came, watch, decided_in: None, verdict: None, caller };
        Ok((waiting, answer))
    }

    fn decided(
        &self,
        stream: &Folded,
        claims: &Claims,
        head: u64,
        traceparent: Option<String>,
    ) -> Result<(Decision, Outcome<A>), CommandError<A::Rejection>> {
        if let Some(expected) = self.order.expected.filter(|expected| *expected != stream.version) {
            return Err(CommandError::Conflict { expected, actual: stream.version });
        }
        let shared = || StoreError::KindShared { stream: self.stream.to_string() };
        let state: &A = stream.state.downcast_ref().ok_or_else(shared)?;
        let facts = state.decide(&self.order.command, claims).map_err(CommandError::Rejected)?;
        let mut recording = Recording::new(&self.order, &self.stream, stream, state.clone(), head, traceparent);
        for fact in &facts {
            recording.record(fact)?;
        }
        Ok(recording.finish(facts)?)
    }

    fn named(&self) -> Named<'_> {
        let command = A::command_name(&self.order.command);
        Named { aggregate: A::KIND, command, stream: self.stream.as_str() }
    }

    fn panicked(&self) -> StoreError {
        StoreError::Panicked { stream: self.stream.to_string() }
    }
}

impl<A: Stored> AnyOrder for Waiting<A> {
    fn stream(&self) -> &StreamId {
        &self.stream
    }

    fn request(&self) -> Option<&RequestKey> {
        self.order.request.as_ref()
    }

    fn delivery(&self) -> Option<&Delivery> {
        self.order.delivery.as_ref()
    }

    fn looks_at(&self) -> &[ClaimKey] {
        &self.looks_at
    }

    fn empty(&self) -> Folded {
        Folded { version: 0, hash: None, correlation_id: None, traceparent: None, state: Box::new(A::default()) }
    }

    fn fold(&self, stream: &mut Folded, event: &StoredEvent) -> Result<(), StoreError> {
        let shared = || StoreError::KindShared { stream: self.stream.to_string() };
        let state: &mut A = stream.state.downcast_mut().ok_or_else(shared)?;
        let evolve = || Ok::<_, StoreError>(std::mem::take(state).evolve(&event.fact::<A>()?));
        let evolved = catch_unwind(AssertUnwindSafe(evolve)).map_err(|_| self.panicked())??;
        *state = evolved;
        stream.version = event.stream_version;
        stream.hash = Some(event.hash);
        stream.correlation_id.get_or_insert_with(|| event.correlation_id.clone());
        if A::ONE_TRACE && event.stream_version == 1 {
            stream.traceparent.clone_from(&event.traceparent);
        }
        Ok(())
    }

    fn decide(&mut self, stream: &Folded, claims: &Claims, head: u64) -> Option<Decision> {
        self.tried = stream.version;
        let asked = self.order.meta.traceparent.as_deref();
        // A reaction is in the trace of what caused it already.
        let began = stream.traceparent.as_deref().filter(|_| self.order.delivery.is_none());
        let span = self.watch.deciding(self.named(), self.came, asked, began);
        let context = span.span_context().clone();
        // A panic in an aggregate is that caller's misfortune, not the end of the service's only writer.
        let decide = || self.decided(stream, claims, head, traceparent_of(&context));
        let decided = catch_unwind(AssertUnwindSafe(decide));
        let (decision, verdict) = match decided.unwrap_or_else(|_| Err(self.panicked().into())) {
            Ok((decision, outcome)) => (Some(decision), Ok(outcome)),
            Err(error) => (None, Err(error)),
        };
        Watch::decided(span, became(&verdict));
        self.decided_in = decision.as_ref().map(|_| context);
        self.verdict = Some(verdict);
        decision
    }

    fn repeat(&mut self, answer: Vec<u8>) {
        self.verdict = Some(Ok(Outcome { answer, repeated: true, decided: None }));
    }

    fn fail(&mut self, failure: Failure) {
        self.verdict = Some(Err(match failure {
            Failure::RequestIdReused => CommandError::RequestIdReused,
            Failure::Store(StoreError::Concurrent) => {
                CommandError::Conflict { expected: self.tried, actual: self.tried + 1 }
            }
            Failure::Store(error) => CommandError::Store(error),
        }));
    }

    fn decided_in(&self) -> Option<SpanContext> {
        self.decided_in.clone()
    }

    fn succeeded(&self) -> bool {
        matches!(self.verdict, Some(Ok(_)))
    }

    fn answer(self: Box<Self>) {
        if let Some(verdict) = self.verdict {
            self.watch.answered(A::KIND, A::command_name(&self.order.command), became(&verdict));
            let _ = self.caller.send(verdict);
        }
    }
}

fn became<A: Stored>(verdict: &Verdict<A>) -> Became {
    match verdict {
        Ok(outcome) if outcome.repeated => Became::Repeated,
        Ok(outcome) if outcome.decided.as_ref().is_some_and(|decided| decided.events.is_empty()) => Became::Unchanged,
        Ok(_) => Became::Recorded,
        Err(CommandError::Rejected(_)) => Became::Rejected,
        Err(CommandError::Conflict { .. } | CommandError::RequestIdReused) => Became::Conflict,
        Err(CommandError::Busy | CommandError::Stopping | CommandError::Store(_)) => Became::Failed,
    }
}
