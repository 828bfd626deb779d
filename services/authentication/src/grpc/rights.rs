//! 保管人: who may use a seal, and on what terms. Given, changed and taken away by administrators.

use std::sync::Arc;

use eseal_proto::authentication::v1 as pb;
use eseal_service::paging::Page;
use eseal_service::status::internal;
use eseal_service::{Caller, Language};
use tonic::Status;

use super::{Call, Grpc, parse, parse_rights};
use crate::domain::command::Action;
use crate::domain::right::RightAction;

impl Grpc {
    pub(super) async fn grant(
        &self,
        call: Call,
        message: pb::GrantCustodianRequest,
    ) -> Result<pb::GrantCustodianResponse, Status> {
        let person = parse_rights::person("custodian_id", &message.custodian_id)?;
        let terms = Arc::new(parse_rights::terms(message.terms.as_ref())?);
        let action = Action::Right(RightAction::Grant { person, terms });
        let order = self.order(&call, &message.seal_id, action).await?;
        self.decide(call, order, |decided| pb::GrantCustodianResponse { etag: decided.version.to_string() }).await
    }

    pub(super) async fn change(
        &self,
        call: Call,
        message: pb::ChangeCustodianRequest,
    ) -> Result<pb::ChangeCustodianResponse, Status> {
        let person = parse_rights::person("custodian_id", &message.custodian_id)?;
        let terms = Arc::new(parse_rights::terms(message.terms.as_ref())?);
        let action = Action::Right(RightAction::Change { person, terms });
        let order = self.order(&call, &message.seal_id, action).await?;
        self.decide(call, order, |decided| pb::ChangeCustodianResponse { etag: decided.version.to_string() }).await
    }

    pub(super) async fn take_right(
        &self,
        call: Call,
        message: pb::WithdrawCustodianRequest,
    ) -> Result<pb::WithdrawCustodianResponse, Status> {
        let person = parse_rights::person("custodian_id", &message.custodian_id)?;
        let cause = parse_rights::withdrawal(&message.reason_code)?;
        let action = Action::Right(RightAction::Withdraw { person, cause });
        let order = self.order(&call, &message.seal_id, action).await?;
        self.decide(call, order, |decided| pb::WithdrawCustodianResponse { etag: decided.version.to_string() }).await
    }

    pub(super) async fn custodians(
        &self,
        caller: &Caller,
        language: Language,
        message: pb::ListCustodiansRequest,
    ) -> Result<pb::ListCustodiansResponse, Status> {
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let after = page.after.as_deref().map(|key| parse_rights::person("page_token", key)).transpose()?;
        let seal = parse::seal("seal_id", &message.seal_id)?;
        self.holding(caller, seal, language).await?;
        let read = self.app.query.custodians(seal, after.as_ref(), page.rows_to_read()).await;
        let mut custodians = read.map_err(|error| internal(&error))?;
        let next_page_token = page.cut(&mut custodians, |custodian| custodian.custodian_id.clone());
        Ok(pb::ListCustodiansResponse { custodians, next_page_token })
    }
}
