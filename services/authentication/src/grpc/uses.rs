//! 用印申请: uses of a seal that are requested and approved before gate d lets them through.

use eseal_eventstore::Order;
use eseal_kernel::{Digest, Id};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::use_service_server::UseService;
use eseal_service::paging::Page;
use eseal_service::status::internal;
use eseal_service::{Caller, Language, Role};
use tonic::{Request, Response, Status};

use super::{Call, Grpc, parse, parse_rights, refusals, response};
use crate::app::App;
use crate::contents::UseText;
use crate::domain::Seal;
use crate::domain::command::{Action, UseBy};
use crate::domain::ids::UseId;
use crate::domain::use_request::UseAction;
use crate::query::UseHolding;

#[tonic::async_trait]
impl UseService for Grpc {
    async fn request_use(
        &self,
        request: Request<pb::RequestUseRequest>,
    ) -> Result<Response<pb::RequestUseResponse>, Status> {
        let call = self.call(&request, "UseService/RequestUse", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let seal = parse::seal("seal_id", &message.seal_id)?;
        let asked = parse_rights::asked(&message)?;
        let holding = self.holding(&call.caller, seal, call.language).await?;
        let (id, by) = (UseId(Id::random(call.metadata.now)), call.use_by(Role::Applicant)?);
        let row = self.app.contents.use_text_row(id, UseText::Purpose, &by.by.person, &asked.purpose_text).await;
        let row = row.map_err(|error| internal(&error))?;
        let action = UseAction::Request {
            requester: by.by.person.clone(),
            documents: asked.documents,
            uses: asked.uses,
            purpose: asked.purpose,
            purpose_text: Digest::of(asked.purpose_text.as_bytes()),
            deadline: asked.deadline,
        };
        let order = App::order(seal, Some(&holding), Action::Use { id, by, action }, call.metadata.clone());
        let order = order.with_rows(vec![row]);
        self.decide(call, order, move |_| pb::RequestUseResponse { use_id: id.to_string() }).await.map(response)
    }

    async fn approve_use(
        &self,
        request: Request<pb::ApproveUseRequest>,
    ) -> Result<Response<pb::ApproveUseResponse>, Status> {
        let call = self.call(&request, "UseService/ApproveUse", &request.get_ref().request_id)?;
        let (id, holding) = self.named_use(&call.caller, call.language, &request.get_ref().use_id).await?;
        let by = call.use_by(Role::Reviewer)?;
        let action = UseAction::Approve { by: by.by.person.clone() };
        let order = self.use_order(&call, &holding, Action::Use { id, by, action }).await?;
        self.decide(call, order, |_| pb::ApproveUseResponse {}).await.map(response)
    }

    async fn decline_use(
        &self,
        request: Request<pb::DeclineUseRequest>,
    ) -> Result<Response<pb::DeclineUseResponse>, Status> {
        let call = self.call(&request, "UseService/DeclineUse", &request.get_ref().request_id)?;
        let (cause, text) = parse_rights::declined(request.get_ref())?;
        let (id, holding) = self.named_use(&call.caller, call.language, &request.get_ref().use_id).await?;
        // It is about what the requester asked for, and goes with them.
        let row = self.app.contents.use_text_row(id, UseText::Reason, &holding.requester, &text).await;
        let row = row.map_err(|error| internal(&error))?;
        let by = call.use_by(Role::Reviewer)?;
        let action = UseAction::Decline { by: by.by.person.clone(), cause, text: Digest::of(text.as_bytes()) };
        let order = self.use_order(&call, &holding, Action::Use { id, by, action }).await?.with_rows(vec![row]);
        self.decide(call, order, |_| pb::DeclineUseResponse {}).await.map(response)
    }

    async fn withdraw_use(
        &self,
        request: Request<pb::WithdrawUseRequest>,
    ) -> Result<Response<pb::WithdrawUseResponse>, Status> {
        let call = self.call(&request, "UseService/WithdrawUse", &request.get_ref().request_id)?;
        let (id, holding) = self.named_use(&call.caller, call.language, &request.get_ref().use_id).await?;
        let by = call.use_by(Role::Applicant)?;
        let action = UseAction::TakeBack { by: by.by.person.clone() };
        let order = self.use_order(&call, &holding, Action::Use { id, by, action }).await?;
        self.decide(call, order, |_| pb::WithdrawUseResponse {}).await.map(response)
    }

    async fn get_use(&self, request: Request<pb::GetUseRequest>) -> Result<Response<pb::GetUseResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let (id, _) = self.named_use(&caller, language, &request.get_ref().use_id).await?;
        let found = self.app.query.seal_use(id, self.clock.now()).await.map_err(|error| internal(&error))?;
        let found = found.ok_or_else(|| refusals::use_not_found(language))?;
        let seal_use = Some(self.with_texts(found).await?);
        Ok(Response::new(pb::GetUseResponse { seal_use }))
    }

    async fn list_uses(&self, request: Request<pb::ListUsesRequest>) -> Result<Response<pb::ListUsesResponse>, Status> {
        let caller = Caller::of(&request);
        let message = request.into_inner();
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let filter = parse_rights::use_filter(&message, caller.bound_to())?;
        let after = page.after.as_deref().map(|key| parse::parsed("page_token", key)).transpose()?;
        let read = self.app.query.seal_uses(&filter, after, page.rows_to_read(), self.clock.now()).await;
        let mut found = read.map_err(|error| internal(&error))?;
        let next_page_token = page.cut(&mut found, |one| one.use_id.clone());
        let mut uses = Vec::new();
        for one in found {
            uses.push(self.with_texts(one).await?);
        }
        Ok(Response::new(pb::ListUsesResponse { uses, next_page_token }))
    }
}

impl Call {
    /// The caller about a use: in this role for all seals of their organization, else for those that they are a
    /// custodian of.
    fn use_by(&self, for_all: Role) -> Result<UseBy, Status> {
        Ok(UseBy { by: self.by()?, needs_right: !self.caller.person()?.has(for_all) })
    }
}

impl Grpc {
    /// A use, if the caller may see it. Its seal never changes.
    async fn named_use(
        &self,
        caller: &Caller,
        language: Language,
        use_id: &str,
    ) -> Result<(UseId, UseHolding), Status> {
        let id: UseId = parse::parsed("use_id", use_id)?;
        let holding = self.app.query.use_holding(id).await.map_err(|error| internal(&error))?;
        let holding = holding.ok_or_else(|| refusals::use_not_found(language))?;
        caller.may_see(&holding.organization)?;
        Ok((id, holding))
    }

    async fn use_order(&self, call: &Call, holding: &UseHolding, action: Action) -> Result<Order<Seal>, Status> {
        let of_seal = self.holding(&call.caller, holding.seal, call.language).await?;
        Ok(App::order(holding.seal, Some(&of_seal), action, call.metadata.clone()))
    }

    /// With the words of people, as far as they were not erased.
    async fn with_texts(&self, one: pb::SealUse) -> Result<pb::SealUse, Status> {
        let id: UseId = parse::parsed("use_id", &one.use_id)?;
        let text = async |part| self.app.contents.use_text(id, part).await.map_err(|error| internal(&error));
        let purpose = text(UseText::Purpose).await?.unwrap_or_default();
        let reason = text(UseText::Reason).await?.unwrap_or_default();
        Ok(pb::SealUse { purpose, reason, ..one })
    }
}
