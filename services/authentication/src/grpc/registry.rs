//! 电子印章管理子系统: the registered seals and their states.

use std::ops::RangeInclusive;
use std::time::Duration;

use eseal_eventstore::Order;
use eseal_kernel::Timestamp;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::registry_service_server::RegistryService;
use eseal_service::paging::Page;
use eseal_service::status::internal;
use eseal_service::{Caller, Language, Role};
use tonic::{Request, Response, Status};

use super::{Call, Grpc, by, parse, parse_rights, refusals, response};
use crate::app::App;
use crate::codec::words;
use crate::domain::Seal;
use crate::domain::command::Action;
use crate::domain::ids::SealId;

#[tonic::async_trait]
impl RegistryService for Grpc {
    async fn activate_seal(
        &self,
        request: Request<pb::ActivateSealRequest>,
    ) -> Result<Response<pb::ActivateSealResponse>, Status> {
        let call = self.call(&request, "RegistryService/ActivateSeal", &request.get_ref().request_id)?;
        let order = self.order(&call, &request.get_ref().seal_id, Action::Activate).await?;
        let answer = self.decide(call, order, |decided| pb::ActivateSealResponse { etag: decided.version.to_string() });
        answer.await.map(response)
    }

    async fn suspend_seal(
        &self,
        request: Request<pb::SuspendSealRequest>,
    ) -> Result<Response<pb::SuspendSealResponse>, Status> {
        let call = self.call(&request, "RegistryService/SuspendSeal", &request.get_ref().request_id)?;
        let cause = parse::suspension(&request.get_ref().reason_code)?;
        let action = Action::Suspend { cause, custodian: call.custodian()? };
        let order = self.order(&call, &request.get_ref().seal_id, action).await?;
        let answer = self.decide(call, order, |decided| pb::SuspendSealResponse { etag: decided.version.to_string() });
        answer.await.map(response)
    }

    async fn report_loss(
        &self,
        request: Request<pb::ReportLossRequest>,
    ) -> Result<Response<pb::ReportLossResponse>, Status> {
        let call = self.call(&request, "RegistryService/ReportLoss", &request.get_ref().request_id)?;
        // An applicant speaks for the organization that they are bound to; whose seal it is, is looked at next.
        let speaks_for_all = call.caller.person()?.has(Role::Applicant);
        let custodian = if speaks_for_all { None } else { call.custodian()? };
        let order = self.order(&call, &request.get_ref().seal_id, Action::ReportLoss { custodian }).await?;
        let answer = self.decide(call, order, |decided| pb::ReportLossResponse { etag: decided.version.to_string() });
        answer.await.map(response)
    }

    async fn resume_seal(
        &self,
        request: Request<pb::ResumeSealRequest>,
    ) -> Result<Response<pb::ResumeSealResponse>, Status> {
        let call = self.call(&request, "RegistryService/ResumeSeal", &request.get_ref().request_id)?;
        let order = self.order(&call, &request.get_ref().seal_id, Action::Resume).await?;
        let answer = self.decide(call, order, |decided| pb::ResumeSealResponse { etag: decided.version.to_string() });
        answer.await.map(response)
    }

    async fn revoke_seal(
        &self,
        request: Request<pb::RevokeSealRequest>,
    ) -> Result<Response<pb::RevokeSealResponse>, Status> {
        let call = self.call(&request, "RegistryService/RevokeSeal", &request.get_ref().request_id)?;
        let cause = parse::revocation(&request.get_ref().reason_code)?;
        let order = self.order(&call, &request.get_ref().seal_id, Action::Revoke(cause)).await?;
        let answer = self.decide(call, order, |decided| pb::RevokeSealResponse { etag: decided.version.to_string() });
        answer.await.map(response)
    }

    async fn replace_seal(
        &self,
        request: Request<pb::ReplaceSealRequest>,
    ) -> Result<Response<pb::ReplaceSealResponse>, Status> {
        let call = self.call(&request, "RegistryService/ReplaceSeal", &request.get_ref().request_id)?;
        let successor = parse::seal("successor_seal_id", &request.get_ref().successor_seal_id)?;
        let action = self.app.replacement(successor).await.map_err(|error| internal(&error))?;
        let order = self.order(&call, &request.get_ref().seal_id, action).await?;
        let answer = self.decide(call, order, |decided| pb::ReplaceSealResponse { etag: decided.version.to_string() });
        answer.await.map(response)
    }

    async fn unlock_seal(
        &self,
        request: Request<pb::UnlockSealRequest>,
    ) -> Result<Response<pb::UnlockSealResponse>, Status> {
        let call = self.call(&request, "RegistryService/UnlockSeal", &request.get_ref().request_id)?;
        let order = self.order(&call, &request.get_ref().seal_id, Action::UnlockPin).await?;
        let answer = self.decide(call, order, |decided| pb::UnlockSealResponse { etag: decided.version.to_string() });
        answer.await.map(response)
    }

    async fn set_seal_policy(
        &self,
        request: Request<pb::SetSealPolicyRequest>,
    ) -> Result<Response<pb::SetSealPolicyResponse>, Status> {
        let call = self.call(&request, "RegistryService/SetSealPolicy", &request.get_ref().request_id)?;
        let policy = parse_rights::policy(request.get_ref().policy.as_ref())?;
        let action = Action::SetPolicy { policy, may_only_tighten: call.caller.bound_to().is_some() };
        let order = self.order(&call, &request.get_ref().seal_id, action).await?;
        let answer =
            self.decide(call, order, |decided| pb::SetSealPolicyResponse { etag: decided.version.to_string() });
        answer.await.map(response)
    }

    async fn grant_custodian(
        &self,
        request: Request<pb::GrantCustodianRequest>,
    ) -> Result<Response<pb::GrantCustodianResponse>, Status> {
        let call = self.call(&request, "RegistryService/GrantCustodian", &request.get_ref().request_id)?;
        self.grant(call, request.into_inner()).await.map(response)
    }

    async fn change_custodian(
        &self,
        request: Request<pb::ChangeCustodianRequest>,
    ) -> Result<Response<pb::ChangeCustodianResponse>, Status> {
        let call = self.call(&request, "RegistryService/ChangeCustodian", &request.get_ref().request_id)?;
        self.change(call, request.into_inner()).await.map(response)
    }

    async fn withdraw_custodian(
        &self,
        request: Request<pb::WithdrawCustodianRequest>,
    ) -> Result<Response<pb::WithdrawCustodianResponse>, Status> {
        let call = self.call(&request, "RegistryService/WithdrawCustodian", &request.get_ref().request_id)?;
        self.take_right(call, request.into_inner()).await.map(response)
    }

    async fn list_custodians(
        &self,
        request: Request<pb::ListCustodiansRequest>,
    ) -> Result<Response<pb::ListCustodiansResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        self.custodians(&caller, language, request.into_inner()).await.map(response)
    }

    async fn get_seal(&self, request: Request<pb::GetSealRequest>) -> Result<Response<pb::GetSealResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let seal = parse::seal("seal_id", &request.get_ref().seal_id)?;
        self.holding(&caller, seal, language).await?;
        let seal = self.app.query.seal(seal, self.clock.now()).await.map_err(|error| internal(&error))?;
        Ok(Response::new(pb::GetSealResponse { seal }))
    }

    async fn list_seals(
        &self,
        request: Request<pb::ListSealsRequest>,
    ) -> Result<Response<pb::ListSealsResponse>, Status> {
        let caller = Caller::of(&request);
        let message = request.into_inner();
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let (filter, after) = (parse::seal_filter(&message, caller.bound_to())?, parse::place(&page)?);
        if let Some(organization) = &filter.organization {
            caller.may_see(organization)?;
        }
        let read = self.app.query.seals(&filter, after, page.rows_to_read(), self.clock.now()).await;
        let mut seals = read.map_err(|error| internal(&error))?;
        let next_page_token = page.cut(&mut seals, parse::place_text);
        Ok(Response::new(pb::ListSealsResponse { seals, next_page_token }))
    }

    async fn get_seal_structure(
        &self,
        request: Request<pb::GetSealStructureRequest>,
    ) -> Result<Response<pb::GetSealStructureResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let seal = parse::seal("seal_id", &request.get_ref().seal_id)?;
        let holding = self.holding(&caller, seal, language).await?;
        let theirs = self.app.query.is_custodian(seal, &by(&caller)?.person).await;
        if !theirs.map_err(|error| internal(&error))? {
            return Err(refusals::not_custodian(language));
        }
        let der = self.app.contents.seal(holding.seal_digest).await;
        let der = der.map_err(|error| refusals::failed(&error.into()))?;
        let seal = der.ok_or_else(|| refusals::seal_erased(language))?;
        Ok(Response::new(pb::GetSealStructureResponse { seal }))
    }

    async fn seal_state_at(
        &self,
        request: Request<pb::SealStateAtRequest>,
    ) -> Result<Response<pb::SealStateAtResponse>, Status> {
        let caller = Caller::of(&request);
        let message = request.into_inner();
        let time = its_second(parse::at_or("at", message.at.as_ref(), self.clock.now())?);
        let named = parse::named_seal(&message)?;
        let seal = match named {
            parse::NamedSeal::Id(seal) => Some(seal),
            parse::NamedSeal::Digest(digest) => {
                self.app.query.seal_of_digest(digest).await.map_err(|error| internal(&error))?
            }
        };
        self.state_within(&caller, seal, &time).await.map(response)
    }
}

impl Grpc {
    /// The order to do this with a seal that the caller may see.
    pub(super) async fn order(&self, call: &Call, seal_id: &str, action: Action) -> Result<Order<Seal>, Status> {
        let seal = parse::seal("seal_id", seal_id)?;
        let holding = self.holding(&call.caller, seal, call.language).await?;
        Ok(App::order(seal, Some(&holding), action, call.metadata.clone()))
    }

    async fn state_within(
        &self,
        caller: &Caller,
        seal: Option<SealId>,
        time: &RangeInclusive<Timestamp>,
    ) -> Result<pb::SealStateAtResponse, Status> {
        let Some(seal) = seal else { return Ok(pb::SealStateAtResponse::default()) };
        let Some(holding) = self.app.query.holding(seal).await.map_err(|error| internal(&error))? else {
            return Ok(pb::SealStateAtResponse::default());
        };
        caller.may_see(&holding.organization)?;
        let (then, now) = self.app.states(seal, time).await.map_err(|error| internal(&error))?;
        let wire = |standing| i32::from(words::standing_to_wire(standing));
        Ok(pb::SealStateAtResponse {
            known: true,
            seal_id: seal.to_string(),
            state_then: then.map(wire).unwrap_or_default(),
            state_now: now.map(wire).unwrap_or_default(),
        })
    }
}

/// Documents tell their time in whole seconds: a moment without a fraction stands for its whole second, or a seal that
/// was activated and used, or used and suspended, within one second would seem not to have been in use.
fn its_second(at: Timestamp) -> RangeInclusive<Timestamp> {
    let end = if at == at.whole_seconds() { at.plus(Duration::from_micros(999_999)) } else { at };
    at..=end
}
