//! The RPCs: parse, ask the app, answer. What is refused gets its code in [`refusals`].
//!
//! - [`registry`]: the RPCs of RegistryService; [`rights`]: those of them about custodians
//! - [`uses`]: the RPCs of UseService
//! - [`sealing`]: the RPCs of SealingService; [`batching`]: those of them for many documents; [`whole`]: the
//!   one that takes a document
//! - [`evidence`]: what an attempt was judged by
//! - [`codes`]: the RPCs of SecondFactorService
//! - [`keys`]: the RPCs of HostedKeyService
//! - [`trusting`]: the RPCs of TrustService

mod batching;
mod codes;
mod evidence;
mod keys;
mod parse;
mod parse_batch;
mod parse_rights;
mod parse_whole;
mod refusals;
mod registry;
mod rights;
mod sealing;
mod trusting;
mod uses;
mod whole;

use eseal_eventstore::{Decided, Metadata, Order, RequestKey, Stored};
use eseal_kernel::Clock;
use eseal_service::answer::{Answer, request_key};
use eseal_service::status::{generic, internal};
use eseal_service::{Caller, Language, Role, status};
use prost::Message;
use tonic::{Code, Request, Response, Status};

use crate::app::App;
use crate::domain::ids::{By, SealId};
use crate::query::Holding;

pub use refusals::REASONS;
pub use whole::Room;

/// The RPCs of this service.
#[derive(Debug, Clone)]
pub struct Grpc {
    app: App,
    clock: Clock,
    room: Room,
}

/// A request that changes something: who asks, and the key by which a repeat is known.
struct Call {
    caller: Caller,
    language: Language,
    metadata: Metadata,
    key: RequestKey,
}

impl Call {
    /// The caller as the rules know persons.
    fn by(&self) -> Result<By, Status> {
        by(&self.caller)
    }

    /// The caller, if it is a custodian and no administrator: they may do this with their own only.
    fn custodian(&self) -> Result<Option<By>, Status> {
        let administers = self.caller.person()?.has(Role::Admin);
        if administers { Ok(None) } else { self.by().map(Some) }
    }
}

impl Grpc {
    /// The RPCs of `app`, with room for whole documents.
    pub const fn new(app: App, clock: Clock, room: Room) -> Self {
        Self { app, clock, room }
    }

    /// `rpc` is `<Service>/<Rpc>`. Secrets in the message are blanked before.
    fn call<M: Message>(&self, request: &Request<M>, rpc: &str, request_id: &str) -> Result<Call, Status> {
        let caller = Caller::of(request);
        let rpc = format!("eseal.authentication.v1.{rpc}");
        let key = request_key(&caller, &rpc, request_id, request.get_ref())?;
        let metadata = caller.metadata(self.clock.now(), request);
        Ok(Call { caller, language: Language::of(request), metadata, key })
    }

    /// What of a seal never changes, if the caller may see it. As it never changes it is asked for before the command,
    /// and holds when that is decided.
    async fn holding(&self, caller: &Caller, seal: SealId, language: Language) -> Result<Holding, Status> {
        let holding = self.app.query.holding(seal).await.map_err(|error| internal(&error))?;
        let holding = holding.ok_or_else(|| refusals::seal_not_found(language))?;
        caller.may_see(&holding.organization)?;
        Ok(holding)
    }

    /// Has the order decided, and answers; a repeat gets the first answer.
    async fn decide<A, R>(
        &self,
        call: Call,
        order: Order<A>,
        answer: impl Fn(&Decided<A>) -> R + Send + Sync + 'static,
    ) -> Result<R, Status>
    where
        A: Stored<Rejection: refusals::Rejected>,
        R: Message + Default,
    {
        let order = order.request(call.key).answering(move |decided| Answer::Done(answer(decided)).encode());
        let outcome = self.app.execute(order).await.map_err(|error| refusals::command(error, call.language))?;
        kept(&outcome.answer, call.language)
    }
}

/// What is kept under a request key, as the answer or the refusal of a gate.
fn kept<R: Message + Default>(answer: &[u8], language: Language) -> Result<R, Status> {
    Answer::decode(answer).map_err(|error| internal(&error))?.into_result(REASONS, language)
}

fn by(caller: &Caller) -> Result<By, Status> {
    let person = caller.person()?;
    let id = person.id.parse().map_err(|_| generic(Code::Unauthenticated, &status::TOKEN_INVALID))?;
    Ok(By { person: id, organization: person.organization.clone() })
}

fn response<R>(answer: R) -> Response<R> {
    Response::new(answer)
}
