//! The RPCs: parse, ask the app, answer. What is refused gets its code in [`refusals`].

mod parse;
mod refusals;

use eseal_eventstore::{Decided, Metadata, Order, RequestKey, Stored};
use eseal_kernel::{Clock, Id};
use eseal_proto::application::v1 as pb;
use eseal_proto::application::v1::application_service_server::ApplicationService;
use eseal_service::answer::{Answer, request_key};
use eseal_service::paging::Page;
use eseal_service::status::{generic, internal};
use eseal_service::{Caller, Language, Role, status};
use prost::Message;
use tonic::{Code, Request, Response, Status};

use crate::app::{App, Applicant};
use crate::contents::Material;
use crate::domain::cancellation::Cancel;
use crate::domain::{Command, PersonId};
use crate::query::{Parties, Reader};

pub use refusals::REASONS;

/// The RPCs of this service.
#[derive(Debug, Clone)]
pub struct Grpc {
    app: App,
    clock: Clock,
}

#[tonic::async_trait]
impl ApplicationService for Grpc {
    async fn put_material(
        &self,
        request: Request<pb::PutMaterialRequest>,
    ) -> Result<Response<pb::PutMaterialResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let stored_by = person_id(&caller)?.to_string();
        let upload = parse::upload(request.into_inner())?;
        let (content, media_type) = match upload.drawing_size {
            Some(size) => {
                let png = self.app.png_of(upload.content, size).await;
                (png.map_err(|error| refusals::picture("content", &error, language))?, "image/png")
            }
            None => (upload.content, upload.media_type),
        };
        let material = Material { content, media_type, stored_by, about: upload.about, stored_at: self.clock.now() };
        let digest = self.app.store(material).await.map_err(|error| internal(&error))?;
        Ok(Response::new(pb::PutMaterialResponse { digest: digest.to_string() }))
    }

    async fn get_material(
        &self,
        request: Request<pb::GetMaterialRequest>,
    ) -> Result<Response<pb::GetMaterialResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let digest = parse::digest("digest", &request.get_ref().digest)?;
        let found = self.app.query.content(digest, &reader(&caller)).await.map_err(|error| internal(&error))?;
        let found = found.ok_or_else(|| refusals::not_stored(language))?;
        Ok(Response::new(pb::GetMaterialResponse { content: found.bytes, media_type: found.media_type }))
    }

    async fn submit_application(
        &self,
        request: Request<pb::SubmitApplicationRequest>,
    ) -> Result<Response<pb::SubmitApplicationResponse>, Status> {
        let call = self.call(&request, "SubmitApplication", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let form = parse::form(message.form, message.contacts)?;
        call.caller.may_see(&form.organization.uscc)?;
        let id = Id::random(call.metadata.now);
        let order = self.app.submit(id, call.applicant()?, form, call.metadata.clone()).await;
        let order = order.map_err(|refusal| refusals::form(&refusal, call.language))?;
        self.decide(call, order, move |decided| pb::SubmitApplicationResponse {
            application_id: id.to_string(),
            etag: decided.version.to_string(),
        })
        .await
    }

    async fn approve_application(
        &self,
        request: Request<pb::ApproveApplicationRequest>,
    ) -> Result<Response<pb::ApproveApplicationResponse>, Status> {
        let call = self.call(&request, "ApproveApplication", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let id = parse::id("application_id", &message.application_id)?;
        self.parties(&call, id).await?;
        let command = Command::Approve { reviewer: person_id(&call.caller)? };
        let order = Order::new(id, command, call.metadata.clone());
        self.decide(call, parse::expecting(order, &message.etag)?, |decided| pb::ApproveApplicationResponse {
            state: crate::projection::state_of(&decided.state).into(),
            etag: decided.version.to_string(),
        })
        .await
    }

    async fn return_application(
        &self,
        request: Request<pb::ReturnApplicationRequest>,
    ) -> Result<Response<pb::ReturnApplicationResponse>, Status> {
        let call = self.call(&request, "ReturnApplication", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let id = parse::id("application_id", &message.application_id)?;
        let (code, words) = parse::reason(message.reason)?;
        let applicant = self.parties(&call, id).await?.applicant;
        let reviewer = person_id(&call.caller)?;
        let order = self.app.send_back(id, &applicant, reviewer, (code, &words), call.metadata.clone());
        self.decide(call, parse::expecting(order, &message.etag)?, |decided| pb::ReturnApplicationResponse {
            etag: decided.version.to_string(),
        })
        .await
    }

    async fn revise_application(
        &self,
        request: Request<pb::ReviseApplicationRequest>,
    ) -> Result<Response<pb::ReviseApplicationResponse>, Status> {
        let call = self.call(&request, "ReviseApplication", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let id = parse::id("application_id", &message.application_id)?;
        let form = parse::form(message.form, message.contacts)?;
        self.parties(&call, id).await?;
        let order = self.app.revise(id, call.applicant()?, form, call.metadata.clone()).await;
        let order = order.map_err(|refusal| refusals::form(&refusal, call.language))?;
        self.decide(call, parse::expecting(order, &message.etag)?, |decided| pb::ReviseApplicationResponse {
            etag: decided.version.to_string(),
        })
        .await
    }

    async fn resubmit_application(
        &self,
        request: Request<pb::ResubmitApplicationRequest>,
    ) -> Result<Response<pb::ResubmitApplicationResponse>, Status> {
        let call = self.call(&request, "ResubmitApplication", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let id = parse::id("application_id", &message.application_id)?;
        self.parties(&call, id).await?;
        let command = Command::Resubmit { applicant: person_id(&call.caller)? };
        let order = Order::new(id, command, call.metadata.clone());
        self.decide(call, parse::expecting(order, &message.etag)?, |decided| pb::ResubmitApplicationResponse {
            etag: decided.version.to_string(),
        })
        .await
    }

    async fn withdraw_application(
        &self,
        request: Request<pb::WithdrawApplicationRequest>,
    ) -> Result<Response<pb::WithdrawApplicationResponse>, Status> {
        let call = self.call(&request, "WithdrawApplication", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let id = parse::id("application_id", &message.application_id)?;
        self.parties(&call, id).await?;
        let command = Command::Withdraw { applicant: person_id(&call.caller)? };
        let order = Order::new(id, command, call.metadata.clone());
        self.decide(call, parse::expecting(order, &message.etag)?, |decided| pb::WithdrawApplicationResponse {
            etag: decided.version.to_string(),
        })
        .await
    }

    async fn cancel_application(
        &self,
        request: Request<pb::CancelApplicationRequest>,
    ) -> Result<Response<pb::CancelApplicationResponse>, Status> {
        let call = self.call(&request, "CancelApplication", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let id = parse::id("application_id", &message.application_id)?;
        let reason = parse::cancellation_reason(&message.reason_code)?;
        self.parties(&call, id).await?;
        let oversees = call.caller.person()?.roles.iter().any(|role| matches!(role, Role::Reviewer | Role::Admin));
        let command = Command::Cancel(Cancel { by: person_id(&call.caller)?, oversees, reason });
        let order = Order::new(id, command, call.metadata.clone());
        self.decide(call, parse::expecting(order, &message.etag)?, |decided| pb::CancelApplicationResponse {
            state: crate::projection::state_of(&decided.state).into(),
            etag: decided.version.to_string(),
        })
        .await
    }

    async fn get_application(
        &self,
        request: Request<pb::GetApplicationRequest>,
    ) -> Result<Response<pb::GetApplicationResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let id = parse::id("application_id", &request.get_ref().application_id)?;
        let parties = self.app.query.parties(id).await.map_err(|error| internal(&error))?;
        caller.may_see(&parties.ok_or_else(|| refusals::not_found(language))?.organization)?;
        let application = self.app.query.application(id).await.map_err(|error| internal(&error))?;
        Ok(Response::new(pb::GetApplicationResponse { application }))
    }

    async fn list_applications(
        &self,
        request: Request<pb::ListApplicationsRequest>,
    ) -> Result<Response<pb::ListApplicationsResponse>, Status> {
        let caller = Caller::of(&request);
        let message = request.into_inner();
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let (filter, after) = (parse::filter(&message, caller.bound_to())?, parse::place(&page)?);
        if let Some(organization) = &filter.organization {
            caller.may_see(organization)?;
        }
        let read = self.app.query.applications(&filter, after, page.rows_to_read()).await;
        let mut applications = read.map_err(|error| internal(&error))?;
        let next_page_token = page.cut(&mut applications, parse::place_text);
        Ok(Response::new(pb::ListApplicationsResponse { applications, next_page_token }))
    }

    async fn erase_person(
        &self,
        request: Request<pb::ErasePersonRequest>,
    ) -> Result<Response<pb::ErasePersonResponse>, Status> {
        let call = self.call(&request, "ErasePerson", &request.get_ref().request_id)?;
        // What is known of a person may be of any organization.
        call.caller.may_see_all()?;
        let person = parse::person("person_id", &request.get_ref().person_id)?;
        let order = self.app.erase(person.clone(), call.metadata.clone()).await;
        let (order, erased) = order.map_err(|error| internal(&error))?;
        let (answer, repeated) = self.answer(call, order, move |_| pb::ErasePersonResponse { erased }).await?;
        if !repeated {
            // `effects` would do it in a moment; but whoever is answered may rely on it. What was entered since the first
            // answer is left to another request.
            self.app.forget(&person).await.map_err(|error| internal(&error))?;
        }
        Ok(Response::new(answer))
    }
}

/// A request that changes something: who asks, and the key by which a repeat is known.
struct Call {
    caller: Caller,
    language: Language,
    metadata: Metadata,
    key: RequestKey,
}

impl Call {
    fn applicant(&self) -> Result<Applicant, Status> {
        Ok(Applicant { person: person_id(&self.caller)?, reader: reader(&self.caller) })
    }
}

impl Grpc {
    /// The RPCs of `app`.
    pub const fn new(app: App, clock: Clock) -> Self {
        Self { app, clock }
    }

    fn call<M: Message>(&self, request: &Request<M>, rpc: &str, request_id: &str) -> Result<Call, Status> {
        let caller = Caller::of(request);
        let rpc = format!("eseal.application.v1.ApplicationService/{rpc}");
        let key = request_key(&caller, &rpc, request_id, request.get_ref())?;
        let metadata = caller.metadata(self.clock.now(), request);
        Ok(Call { caller, language: Language::of(request), metadata, key })
    }

    /// Whose application it is, if the caller may see it. Its organization never changes, so it is asked for before
    /// the command and holds when that is decided.
    async fn parties(&self, call: &Call, id: Id) -> Result<Parties, Status> {
        let parties = self.app.query.parties(id).await.map_err(|error| internal(&error))?;
        let parties = parties.ok_or_else(|| refusals::not_found(call.language))?;
        call.caller.may_see(&parties.organization)?;
        Ok(parties)
    }

    /// Has the order decided, and answers; a repeat gets the first answer.
    async fn decide<A, R>(
        &self,
        call: Call,
        order: Order<A>,
        answer: impl Fn(&Decided<A>) -> R + Send + Sync + 'static,
    ) -> Result<Response<R>, Status>
    where
        A: Stored<Rejection: refusals::Rejected>,
        R: Message + Default,
    {
        self.answer(call, order, answer).await.map(|(answer, _)| Response::new(answer))
    }

    /// The same with whether it is a repeat.
    async fn answer<A, R>(
        &self,
        call: Call,
        order: Order<A>,
        answer: impl Fn(&Decided<A>) -> R + Send + Sync + 'static,
    ) -> Result<(R, bool), Status>
    where
        A: Stored<Rejection: refusals::Rejected>,
        R: Message + Default,
    {
        let order = order.request(call.key).answering(move |decided| Answer::Done(answer(decided)).encode());
        let outcome = self.app.execute(order).await.map_err(|error| refusals::command(error, call.language))?;
        let answer = Answer::decode(&outcome.answer).map_err(|error| internal(&error))?;
        Ok((answer.into_result(REASONS, call.language)?, outcome.repeated))
    }
}

/// The caller as the rules know persons.
fn person_id(caller: &Caller) -> Result<PersonId, Status> {
    caller.person()?.id.parse().map_err(|_| generic(Code::Unauthenticated, &status::TOKEN_INVALID))
}

/// The caller as a reader of files.
fn reader(caller: &Caller) -> Reader {
    match caller {
        Caller::Service(_) => Reader::Service,
        Caller::Person(person) => Reader::Person { id: person.id.clone(), bound_to: person.organization.clone() },
        Caller::Anonymous => Reader::Person { id: String::new(), bound_to: None },
    }
}
