//! The RPCs: parse, ask the app, answer. What is refused gets its code in [`refusals`].

mod fabrications;
mod maker_cards;
mod parse;
mod refusals;

use eseal_eventstore::{Decided, Metadata, Order, RequestKey, Stored};
use eseal_kernel::Id;
use eseal_service::answer::{Answer, request_key};
use eseal_service::status::internal;
use eseal_service::{Caller, Language, Onward};
use prost::Message;
use tonic::{Request, Status};

use crate::app::App;
use crate::domain::fabrication::Fabrication;
use crate::domain::order::Order as SealOrder;

pub use refusals::REASONS;

/// The RPCs of this service.
#[derive(Debug, Clone)]
pub struct Grpc {
    app: App,
}

/// A request that changes something: who asks, and the key by which a repeat is known.
struct Call {
    caller: Caller,
    language: Language,
    metadata: Metadata,
    onward: Onward,
    key: RequestKey,
}

impl Grpc {
    /// The RPCs of `app`.
    pub const fn new(app: App) -> Self {
        Self { app }
    }

    fn call<M: Message>(&self, request: &Request<M>, rpc: &str, request_id: &str) -> Result<Call, Status> {
        let caller = Caller::of(request);
        let rpc = format!("eseal.fabrication.v1.{rpc}");
        let key = request_key(&caller, &rpc, request_id, request.get_ref())?;
        let metadata = caller.metadata(self.app.now(), request);
        Ok(Call { caller, language: Language::of(request), metadata, onward: Onward::of(request), key })
    }

    /// What is ordered by an application, if the caller may see it. Its organization never changes, so it is asked for
    /// before the command and holds when that is decided.
    async fn ordered(&self, caller: &Caller, language: Language, application: Id) -> Result<SealOrder, Status> {
        let (state, _) = self.app.fabrication(application).await.map_err(|error| internal(&error))?;
        let order = state.order().cloned().ok_or_else(|| refusals::not_found(language))?;
        caller.may_see(&order.organization.uscc)?;
        Ok(order)
    }

    /// Has the order decided, and answers; a repeat gets the first answer.
    async fn decide<A, R>(
        &self,
        call: Call,
        order: Order<A>,
        answer: impl Fn(&Decided<A>) -> Answer<R> + Send + Sync + 'static,
    ) -> Result<R, Status>
    where
        A: Stored<Rejection: refusals::Rejected>,
        R: Message + Default,
    {
        let order = order.request(call.key).answering(move |decided| answer(decided).encode());
        let outcome = self.app.execute(order).await.map_err(|error| refusals::command(error, call.language))?;
        let answer = Answer::decode(&outcome.answer).map_err(|error| internal(&error))?;
        answer.into_result(REASONS, call.language)
    }

    /// The same for a step of a run: a gate that refused is told as such.
    async fn decide_step<R>(
        &self,
        call: Call,
        order: Order<Fabrication>,
        answer: impl Fn(&Decided<Fabrication>) -> R + Send + Sync + 'static,
    ) -> Result<R, Status>
    where
        R: Message + Default,
    {
        self.decide(call, order, move |decided| {
            refusals::of_gate(&decided.events).unwrap_or_else(|| Answer::Done(answer(decided)))
        })
        .await
    }
}
