//! 签章: the gates of sealing. What a gate refuses is a fact, and is then answered with `FAILED_PRECONDITION`.

use eseal_eventstore::{Decided, Order};
use eseal_kernel::Id;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::sealing_service_server::SealingService;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::answer::{Answer, Refusal};
use eseal_service::paging::Page;
use eseal_service::status::internal;
use eseal_service::{Caller, Language, Role};
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use super::whole::Pieces;

use super::{Call, Grpc, by, kept, parse, parse_batch, refusals, response};
use crate::app::App;
use crate::app::sealing::Turn;
use crate::codec::{at_to_wire, words};
use crate::domain::Seal;
use crate::domain::attempt::Attempt;
use crate::domain::batching::PURPOSE as BATCH_PURPOSE;
use crate::domain::command::SealingAction;
use crate::domain::event::{Fact, Step};
use crate::domain::ids::{AttemptId, SealId};
use crate::domain::policy::SecondFactor;
use crate::domain::reason::Reason;
use crate::domain::sealing::{AUDIENCE, PURPOSE};
use crate::query::AttemptFilter;

#[tonic::async_trait]
impl SealingService for Grpc {
    async fn begin_sealing(
        &self,
        request: Request<pb::BeginSealingRequest>,
    ) -> Result<Response<pb::BeginSealingResponse>, Status> {
        let call = self.call(&request, "SealingService/BeginSealing", &request.get_ref().request_id)?;
        let seal = parse::any_seal("seal_id", &request.get_ref().seal_id)?;
        let documents = parse_batch::documents_or_one("documents", request.get_ref().documents)?;
        let attempt = AttemptId(Id::random(call.metadata.now));
        let turn = self.turn(&call, seal, attempt).await?;
        let order = App::step(&turn, SealingAction::Begin { nonce: parse::nonce()?, documents });
        self.pass(call, order, move |decided| begun(seal, attempt, documents, decided)).await.map(response)
    }

    async fn report_card_absent(
        &self,
        request: Request<pb::ReportCardAbsentRequest>,
    ) -> Result<Response<pb::ReportCardAbsentResponse>, Status> {
        let call = self.call(&request, "SealingService/ReportCardAbsent", &request.get_ref().request_id)?;
        let turn = self.own_turn(&call, &request.get_ref().seal_id, &request.get_ref().attempt_id).await?;
        let order = App::step(&turn, SealingAction::CardAbsent);
        self.pass(call, order, |_| pb::ReportCardAbsentResponse {}).await.map(response)
    }

    async fn report_pin(
        &self,
        request: Request<pb::ReportPinRequest>,
    ) -> Result<Response<pb::ReportPinResponse>, Status> {
        let call = self.call(&request, "SealingService/ReportPin", &request.get_ref().request_id)?;
        let turn = self.own_turn(&call, &request.get_ref().seal_id, &request.get_ref().attempt_id).await?;
        let order = App::step(&turn, SealingAction::CardPin { correct: request.get_ref().correct });
        let answer = |decided: &Decided<Seal>| pb::ReportPinResponse { tries_left: tries_left(&decided.state) };
        self.pass(call, order, answer).await.map(response)
    }

    async fn authorize_sealing(
        &self,
        request: Request<pb::AuthorizeSealingRequest>,
    ) -> Result<Response<pb::AuthorizeSealingResponse>, Status> {
        let call = self.call(&request, "SealingService/AuthorizeSealing", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let mut turn = self.own_turn(&call, &message.seal_id, &message.attempt_id).await?;
        let shown = parse::card_shown(message)?;
        let order = self.app.authorize(&mut turn, shown).await.map_err(|error| internal(&error))?;
        let answer =
            |decided: &Decided<Seal>| pb::AuthorizeSealingResponse { complete_before: complete_before(decided) };
        self.pass(call, order, answer).await.map(response)
    }

    async fn authorize_hosted_sealing(
        &self,
        mut request: Request<pb::AuthorizeHostedSealingRequest>,
    ) -> Result<Response<pb::AuthorizeHostedSealingResponse>, Status> {
        let asked = request.get_mut();
        let typed = (std::mem::take(&mut asked.pin), std::mem::take(&mut asked.code)); // before anything is computed from the message
        let typed = parse::typed("", typed.0, typed.1)?;
        let call = self.call(&request, "SealingService/AuthorizeHostedSealing", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let turn = self.own_turn(&call, &message.seal_id, &message.attempt_id).await?;
        let hosted = parse::hosted_use(message, typed)?;
        let answering = |decided: &Decided<Seal>| {
            answer(decided, |decided| pb::AuthorizeHostedSealingResponse { complete_before: complete_before(decided) })
        };
        let answer = self.app.authorize_hosted(turn, hosted, call.key, answering).await;
        kept(&answer.map_err(|error| refusals::sealing(error, call.language))?, call.language).map(response)
    }

    async fn sign_hosted(
        &self,
        request: Request<pb::SignHostedRequest>,
    ) -> Result<Response<pb::SignHostedResponse>, Status> {
        let call = self.call(&request, "SealingService/SignHosted", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let turn = self.own_turn(&call, &message.seal_id, &message.attempt_id).await?;
        let to_be_signed = parse::structure("to_be_signed", message.to_be_signed)?;
        let signed = self.app.sign_hosted(&turn, to_be_signed).await;
        let (order, signature) = signed.map_err(|error| refusals::failed(&error))?;
        self.pass(call, order, move |_| pb::SignHostedResponse { signature: signature.clone() }).await.map(response)
    }

    async fn complete_sealing(
        &self,
        request: Request<pb::CompleteSealingRequest>,
    ) -> Result<Response<pb::CompleteSealingResponse>, Status> {
        let call = self.call(&request, "SealingService/CompleteSealing", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let turn = self.own_turn(&call, &message.seal_id, &message.attempt_id).await?;
        let signature = parse::structure("signature", message.signature)?;
        let order = self.app.complete(&turn, &signature).await.map_err(|error| internal(&error))?;
        self.pass(call, order, |_| pb::CompleteSealingResponse {}).await.map(response)
    }

    async fn report_signing_failure(
        &self,
        request: Request<pb::ReportSigningFailureRequest>,
    ) -> Result<Response<pb::ReportSigningFailureResponse>, Status> {
        let call = self.call(&request, "SealingService/ReportSigningFailure", &request.get_ref().request_id)?;
        let turn = self.own_turn(&call, &request.get_ref().seal_id, &request.get_ref().attempt_id).await?;
        let order = App::step(&turn, SealingAction::SigningFailed);
        self.pass(call, order, |_| pb::ReportSigningFailureResponse {}).await.map(response)
    }

    async fn authorize_batch(
        &self,
        request: Request<pb::AuthorizeBatchRequest>,
    ) -> Result<Response<pb::AuthorizeBatchResponse>, Status> {
        let call = self.call(&request, "SealingService/AuthorizeBatch", &request.get_ref().request_id)?;
        self.pass_batch(call, request.into_inner()).await.map(response)
    }

    async fn authorize_hosted_batch(
        &self,
        mut request: Request<pb::AuthorizeHostedBatchRequest>,
    ) -> Result<Response<pb::AuthorizeHostedBatchResponse>, Status> {
        let asked = request.get_mut();
        let typed = (std::mem::take(&mut asked.pin), std::mem::take(&mut asked.code)); // before anything is computed from the message
        let typed = parse::typed("", typed.0, typed.1)?;
        let call = self.call(&request, "SealingService/AuthorizeHostedBatch", &request.get_ref().request_id)?;
        self.pass_hosted_batch(call, request.into_inner(), typed).await.map(response)
    }

    async fn sign_hosted_batch(
        &self,
        request: Request<pb::SignHostedBatchRequest>,
    ) -> Result<Response<pb::SignHostedBatchResponse>, Status> {
        let call = self.call(&request, "SealingService/SignHostedBatch", &request.get_ref().request_id)?;
        self.sign_for_batch(call, request.into_inner()).await.map(response)
    }

    async fn complete_batch(
        &self,
        request: Request<pb::CompleteBatchRequest>,
    ) -> Result<Response<pb::CompleteBatchResponse>, Status> {
        let call = self.call(&request, "SealingService/CompleteBatch", &request.get_ref().request_id)?;
        self.end_in_batch(call, request.into_inner()).await.map(response)
    }

    type SealDocumentStream = Pieces;

    async fn seal_document(
        &self,
        request: Request<Streaming<pb::SealDocumentRequest>>,
    ) -> Result<Response<Self::SealDocumentStream>, Status> {
        self.seal_whole(request).await.map(response)
    }

    async fn list_batch_documents(
        &self,
        request: Request<pb::ListBatchDocumentsRequest>,
    ) -> Result<Response<pb::ListBatchDocumentsResponse>, Status> {
        let caller = Caller::of(&request);
        self.documents_of_batch(&caller, Language::of(&request), request.into_inner()).await.map(response)
    }

    async fn get_attempt_evidence(
        &self,
        request: Request<pb::GetAttemptEvidenceRequest>,
    ) -> Result<Response<pb::GetAttemptEvidenceResponse>, Status> {
        self.evidence_of(&request).await.map(Response::new)
    }

    async fn list_attempts(
        &self,
        request: Request<pb::ListAttemptsRequest>,
    ) -> Result<Response<pb::ListAttemptsResponse>, Status> {
        let caller = Caller::of(&request);
        let message = request.into_inner();
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let (filter, after) = (attempt_filter(&caller, &message.seal_id)?, parse::attempt_place(&page)?);
        let read = self.app.query.attempts(&filter, after, page.rows_to_read(), self.clock.now()).await;
        let mut attempts = read.map_err(|error| internal(&error))?;
        let next_page_token = page.cut(&mut attempts, |attempt| attempt.attempt_id.clone());
        Ok(Response::new(pb::ListAttemptsResponse { attempts, next_page_token }))
    }
}

impl Grpc {
    /// The caller's turn in the attempt that a request names.
    pub(super) async fn own_turn(&self, call: &Call, seal_id: &str, attempt_id: &str) -> Result<Turn, Status> {
        let (seal, attempt) = (parse::any_seal("seal_id", seal_id)?, parse::attempt("attempt_id", attempt_id)?);
        self.turn(call, seal, attempt).await
    }

    async fn turn(&self, call: &Call, seal: SealId, attempt: AttemptId) -> Result<Turn, Status> {
        let holding = self.app.query.holding(seal).await.map_err(|error| internal(&error))?;
        Ok(Turn { seal, attempt, by: call.by()?, holding, metadata: call.metadata.clone(), seen: Vec::new() })
    }

    /// Has the step decided, and answers, or refuses as the gate did.
    pub(super) async fn pass<R: Message + Default>(
        &self,
        call: Call,
        order: Order<Seal>,
        done: impl Fn(&Decided<Seal>) -> R + Send + Sync + 'static,
    ) -> Result<R, Status> {
        let order = order.request(call.key).answering(move |decided| answer(decided, &done));
        let outcome = self.app.take_step(order).await.map_err(|error| refusals::command(error, call.language))?;
        kept(&outcome.answer, call.language)
    }
}

/// What is kept of a step: the answer, or the refusal of a gate.
pub(super) fn answer<R: Message + Default>(decided: &Decided<Seal>, done: impl Fn(&Decided<Seal>) -> R) -> Vec<u8> {
    match decided.events.iter().find_map(|event| refusal(&event.fact)) {
        Some(refusal) => Answer::<R>::Refused(of_both(refusal, &decided.state)).encode(),
        None => Answer::Done(done(decided)).encode(),
    }
}

fn refusal(fact: &Fact) -> Option<Refusal> {
    let (reason, tries_left, detail) = match fact {
        Fact::Sealing(_, Step::PinRefused { tries_left }) => (Reason::PinIncorrect, Some(u32::from(*tries_left)), None),
        Fact::Sealing(_, Step::Refused { reason: Reason::PinLocked, .. }) => (Reason::PinLocked, Some(0), None),
        Fact::Sealing(_, Step::Refused { reason, detail, .. }) => (*reason, None, *detail),
        Fact::Sealing(
            _,
            Step::Begun { .. }
            | Step::PinTried { .. }
            | Step::PinAccepted { .. }
            | Step::PinLocked
            | Step::Authorized { .. }
            | Step::HostedSigned { .. }
            | Step::ListSigned { .. }
            | Step::Completed { .. }
            | Step::BatchAuthorized { .. }
            | Step::HostedSignaturesMade { .. }
            | Step::DocumentsSealed { .. }
            | Step::DocumentsRefused { .. }
            | Step::BatchEnded { .. },
        )
        | Fact::Registered(_)
        | Fact::Activated(_)
        | Fact::Suspended(..)
        | Fact::Resumed(_)
        | Fact::Revoked(..)
        | Fact::Replaced(..)
        | Fact::Expired(_)
        | Fact::PolicySet(..)
        | Fact::Expiring(..)
        | Fact::CertificatesDated(..)
        | Fact::CarriedOut(..)
        | Fact::Right(..)
        | Fact::Use(..)
        | Fact::PinUnlocked => return None,
    };
    let (gate, reason) = (reason.gate().letter().to_owned(), reason.code().to_owned());
    Some(Refusal { gate, reason, tries_left, detail: detail.map(|detail| detail.code().to_owned()) })
}

/// Where the policy asks for a code, nobody is told which of it and the PIN was wrong.
fn of_both(refusal: Refusal, state: &Seal) -> Refusal {
    let asks = state.entry().is_some_and(|entry| entry.policy.second_factor != SecondFactor::None);
    let detail = (asks && refusal.reason == Reason::PinIncorrect.code()).then(|| refusals::PIN_OR_CODE.to_owned());
    Refusal { detail: refusal.detail.or(detail), ..refusal }
}

pub(super) fn begun(seal: SealId, id: AttemptId, documents: u32, decided: &Decided<Seal>) -> pb::BeginSealingResponse {
    let state = &decided.state;
    let (Some(attempt), Some(entry)) = (state.attempts().get(id), state.entry()) else {
        return pb::BeginSealingResponse::default(); // refused: this is not the answer
    };
    let by_terms = state.custodians().right(&attempt.by);
    pb::BeginSealingResponse {
        attempt_id: id.to_string(),
        challenge: Some(terms(seal, id, documents, attempt)),
        sealing_time: at_to_wire(attempt.begun_at),
        pin_tries_left: tries_left(state),
        custody: words::custody_to_wire(&entry.registration.custody).into(),
        card_serial: words::card_serial(&entry.registration.custody),
        original_needed: entry.policy.approval_required
            || by_terms.is_some_and(|right| right.terms.ask_for_the_document()),
    }
}

fn terms(seal: SealId, id: AttemptId, documents: u32, attempt: &Attempt) -> seal_pb::ChallengeTerms {
    seal_pb::ChallengeTerms {
        audience: AUDIENCE.to_owned(),
        purpose: if documents == 0 { PURPOSE } else { BATCH_PURPOSE }.to_owned(),
        attempt_id: id.to_string(),
        seal_id: seal.to_string(),
        nonce: attempt.nonce.clone(),
        expires_at: at_to_wire(attempt.challenge_expires_at),
    }
}

fn tries_left(state: &Seal) -> u32 {
    u32::from(state.pin().tries_left())
}

pub(super) fn complete_before(decided: &Decided<Seal>) -> Option<eseal_proto::Timestamp> {
    decided.events.iter().find_map(|event| {
        let Fact::Sealing(_, Step::Authorized { complete_before, .. }) = &event.fact else { return None };
        at_to_wire(*complete_before)
    })
}

/// Auditors and administrators see the attempts of all seals, or of their organization's; custodians those of their own
/// seals, and their own tries.
pub(super) fn attempt_filter(caller: &Caller, seal_id: &str) -> Result<AttemptFilter, Status> {
    let seal = if seal_id.is_empty() { None } else { Some(parse::any_seal("seal_id", seal_id)?) };
    let person = caller.person()?;
    let sees_others = person.has(Role::Auditor) || person.has(Role::Admin);
    let custodian = if sees_others { None } else { Some(by(caller)?.person) };
    let organization = caller.bound_to().filter(|_| sees_others).cloned();
    Ok(AttemptFilter { seal, organization, custodian })
}
