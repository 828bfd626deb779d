//! The making of seals, gate by gate, and the log of it.

use eseal_kernel::Digest;
use eseal_proto::fabrication::v1 as pb;
use eseal_proto::fabrication::v1::fabrication_service_server::FabricationService;
use eseal_service::paging::Page;
use eseal_service::status::internal;
use eseal_service::{Caller, Language};
use tonic::{Request, Response, Status};

use super::{Call, Grpc, parse, refusals};
use crate::app::{App, RunStep, is_hosted};
use crate::contents::Kind;
use crate::domain::fabrication::Fabrication;
use crate::domain::run::{Run, Stage};
use crate::proof::{maker_terms, seal_card_terms};

#[tonic::async_trait]
impl FabricationService for Grpc {
    async fn begin_run(&self, request: Request<pb::BeginRunRequest>) -> Result<Response<pb::BeginRunResponse>, Status> {
        let call = self.call(&request, "FabricationService/BeginRun", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let application = parse::id("application_id", &message.application_id)?;
        let card_serial = parse::optional_serial("maker_card_serial", &message.maker_card_serial)?;
        let order = self.ordered(&call.caller, call.language, application).await?;
        let prepared = self.app.begin(application, is_hosted(&order), &parse::maker(&call.caller)?, card_serial);
        let prepared = prepared.map_err(|error| refusals::app(error, call.language))?;
        let order = App::order(application, prepared, call.metadata.clone());
        let answer = self.decide_step(call, order, |decided| {
            let Some(run) = run_of(&decided.state) else { return pb::BeginRunResponse::default() };
            pb::BeginRunResponse {
                run_id: run.run_id.to_string(),
                seal_id: run.seal_id.to_string(),
                maker_challenge: maker_terms(run),
            }
        });
        answer.await.map(Response::new)
    }

    async fn present_maker_card(
        &self,
        request: Request<pb::PresentMakerCardRequest>,
    ) -> Result<Response<pb::PresentMakerCardResponse>, Status> {
        let call = self.call(&request, "FabricationService/PresentMakerCard", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let step = self.step(&call, &message.application_id, &message.run_id).await?;
        let (proof, told) = (message.proof.unwrap_or_default(), (message.card_uses, call.metadata.clone()));
        let prepared = self.app.maker_card(&call.onward, &step, &proof, Some(told)).await;
        let prepared = prepared.map_err(|error| refusals::app(error, call.language))?;
        let order = App::order(step.application, prepared, call.metadata.clone());
        let answer = self.decide_step(call, order, |decided| pb::PresentMakerCardResponse {
            seal_card_challenge: run_of(&decided.state).and_then(seal_card_terms),
        });
        answer.await.map(Response::new)
    }

    async fn present_seal_card(
        &self,
        request: Request<pb::PresentSealCardRequest>,
    ) -> Result<Response<pb::PresentSealCardResponse>, Status> {
        let call = self.call(&request, "FabricationService/PresentSealCard", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let step = self.step(&call, &message.application_id, &message.run_id).await?;
        let card_serial = parse::serial("card_serial", &message.card_serial)?;
        parse::check_count(&message.proofs)?;
        let prepared = self.app.seal_card(&call.onward, &step, &card_serial, &message.proofs).await;
        let prepared = prepared.map_err(|error| refusals::app(error, call.language))?;
        let (language, order) = (call.language, App::order(step.application, prepared, call.metadata.clone()));
        // What is kept under the request id names the content only: it holds a picture, which may be personal.
        let kept = self.decide_step(call, order, |decided| pb::PresentSealCardResponse {
            seal_info: run_of(&decided.state).and_then(seal_info).map(|info| info.bytes().to_vec()).unwrap_or_default(),
        });
        let seal_info = self.content(Kind::SealInfo, &kept.await?.seal_info, language).await?;
        Ok(Response::new(pb::PresentSealCardResponse { seal_info }))
    }

    async fn sign_seal(&self, request: Request<pb::SignSealRequest>) -> Result<Response<pb::SignSealResponse>, Status> {
        let call = self.call(&request, "FabricationService/SignSeal", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let step = self.step(&call, &message.application_id, &message.run_id).await?;
        let prepared = self.app.signature(&step, &message.signature).await;
        let prepared = prepared.map_err(|error| refusals::app(error, call.language))?;
        let (language, order) = (call.language, App::order(step.application, prepared, call.metadata.clone()));
        let kept = self.decide_step(call, order, |decided| pb::SignSealResponse {
            seal: run_of(&decided.state).and_then(signed).map(|seal| seal.bytes().to_vec()).unwrap_or_default(),
        });
        let seal = self.content(Kind::Seal, &kept.await?.seal, language).await?;
        Ok(Response::new(pb::SignSealResponse { seal }))
    }

    async fn confirm_seal(
        &self,
        request: Request<pb::ConfirmSealRequest>,
    ) -> Result<Response<pb::ConfirmSealResponse>, Status> {
        let call = self.call(&request, "FabricationService/ConfirmSeal", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let step = self.step(&call, &message.application_id, &message.run_id).await?;
        let prepared = self.app.confirmation(&step, &message.read_back).await;
        let prepared = prepared.map_err(|error| refusals::app(error, call.language))?;
        let order = App::order(step.application, prepared, call.metadata.clone());
        let answer = self.decide_step(call, order, |decided| pb::ConfirmSealResponse {
            seal_id: run_of(&decided.state).map(|run| run.seal_id.to_string()).unwrap_or_default(),
        });
        answer.await.map(Response::new)
    }

    async fn report_failure(
        &self,
        request: Request<pb::ReportFailureRequest>,
    ) -> Result<Response<pb::ReportFailureResponse>, Status> {
        let call = self.call(&request, "FabricationService/ReportFailure", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let step = self.step(&call, &message.application_id, &message.run_id).await?;
        let order = App::order(step.application, self.app.failure(&step), call.metadata.clone());
        // The refusal is what was asked for, and so no error to this caller.
        let answer = self.decide(call, order, |_| eseal_service::answer::Answer::Done(pb::ReportFailureResponse {}));
        answer.await.map(Response::new)
    }

    async fn get_fabrication(
        &self,
        request: Request<pb::GetFabricationRequest>,
    ) -> Result<Response<pb::GetFabricationResponse>, Status> {
        let application = parse::id("application_id", &request.get_ref().application_id)?;
        self.ordered(&Caller::of(&request), Language::of(&request), application).await?;
        let fabrication = self.app.query.fabrication(application).await.map_err(|error| internal(&error))?;
        Ok(Response::new(pb::GetFabricationResponse { fabrication }))
    }

    async fn list_fabrications(
        &self,
        request: Request<pb::ListFabricationsRequest>,
    ) -> Result<Response<pb::ListFabricationsResponse>, Status> {
        let caller = Caller::of(&request);
        let message = request.into_inner();
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let (state, after) = (parse::state(message.state)?, parse::place(&page)?);
        let own = caller.bound_to().map(|uscc| uscc.as_str());
        let read = self.app.query.fabrications(own, state, after.as_ref(), page.rows_to_read()).await;
        let mut fabrications = read.map_err(|error| internal(&error))?;
        let next_page_token =
            page.cut(&mut fabrications, |row| parse::place_text(row.changed_at.as_ref(), &row.application_id));
        Ok(Response::new(pb::ListFabricationsResponse { fabrications, next_page_token }))
    }

    async fn list_runs(&self, request: Request<pb::ListRunsRequest>) -> Result<Response<pb::ListRunsResponse>, Status> {
        let caller = Caller::of(&request);
        let message = request.into_inner();
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let after = parse::place(&page)?;
        let application = match message.application_id.as_str() {
            "" => None,
            id => Some(parse::id("application_id", id)?),
        };
        let own = caller.bound_to().map(|uscc| uscc.as_str());
        let read = self.app.query.runs(own, application, after.as_ref(), page.rows_to_read()).await;
        let mut runs = read.map_err(|error| internal(&error))?;
        let next_page_token = page.cut(&mut runs, |row| parse::place_text(row.begun_at.as_ref(), &row.run_id));
        Ok(Response::new(pb::ListRunsResponse { runs, next_page_token }))
    }

    async fn get_seal(&self, request: Request<pb::GetSealRequest>) -> Result<Response<pb::GetSealResponse>, Status> {
        let digest = parse::digest("digest", &request.get_ref().digest)?;
        let seal = self.content(Kind::Seal, digest.bytes(), Language::of(&request)).await?;
        Ok(Response::new(pb::GetSealResponse { seal }))
    }
}

impl Grpc {
    /// The step of a run that the caller takes, if they may see its application.
    async fn step(&self, call: &Call, application: &str, run: &str) -> Result<RunStep, Status> {
        let step = parse::step(application, run, &call.caller)?;
        self.ordered(&call.caller, call.language, step.application).await?;
        Ok(step)
    }

    async fn content(&self, kind: Kind, digest: &[u8], language: Language) -> Result<Vec<u8>, Status> {
        let digest = Digest::try_from(digest).map_err(|_| refusals::no_content(language))?;
        let content = self.app.contents.get(kind, digest).await;
        content.map_err(|error| refusals::app(error.into(), language))?.ok_or_else(|| refusals::no_content(language))
    }
}

/// The run that is under way, or that made the seal.
const fn run_of(state: &Fabrication) -> Option<&Run> {
    match state {
        Fabrication::Running { run, .. } | Fabrication::Made { run, .. } => Some(run),
        Fabrication::Absent | Fabrication::Waiting { .. } | Fabrication::Closed { .. } => None,
    }
}

const fn seal_info(run: &Run) -> Option<Digest> {
    match &run.stage {
        Stage::Signing { card, .. } | Stage::Storing { card, .. } => Some(card.seal_info),
        Stage::MakerCard(_) | Stage::SealCard { .. } => None,
    }
}

const fn signed(run: &Run) -> Option<Digest> {
    match &run.stage {
        Stage::Storing { seal, .. } => Some(*seal),
        Stage::MakerCard(_) | Stage::SealCard { .. } | Stage::Signing { .. } => None,
    }
}
