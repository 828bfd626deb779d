//! 第二因素: authenticators, and codes that are sent.

use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::second_factor_service_server::SecondFactorService;
use eseal_service::status::{field_violation, internal};
use eseal_service::{Caller, Language};
use tonic::{Request, Response, Status};

use super::{Grpc, by, parse, refusals, response};
use crate::app::{App, AppError};
use crate::codec::at_to_wire;
use crate::codes::{Code, CodesError, Confirmed, Sent};
use crate::domain::Rejection;
use crate::domain::authenticator::AuthenticatorAction;
use crate::domain::ids::{HostedKeyId, PersonId, SealId};
use crate::domain::policy::SecondFactor;

#[tonic::async_trait]
impl SecondFactorService for Grpc {
    async fn enrol_authenticator(
        &self,
        request: Request<pb::EnrolAuthenticatorRequest>,
    ) -> Result<Response<pb::EnrolAuthenticatorResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let seal = parse::seal("seal_id", &request.get_ref().seal_id)?;
        let (key, person) = self.own_key(&caller, seal, language).await?;
        let enrolled = self.app.query.authenticator(key, &person).await.map_err(|error| internal(&error))?;
        if enrolled.is_some() {
            return Err(refusals::authenticator_enrolled(language));
        }
        let account = format!("{seal} {person}");
        let offer = self.app.codes.offer((key, &person), &account, self.clock.now()).await;
        let offer = offer.map_err(|error| failed(error, language))?;
        Ok(response(pb::EnrolAuthenticatorResponse {
            authenticator_id: offer.id.to_string(),
            uri: offer.uri.to_string(),
            confirm_before: at_to_wire(offer.confirm_before),
        }))
    }

    async fn confirm_authenticator(
        &self,
        mut request: Request<pb::ConfirmAuthenticatorRequest>,
    ) -> Result<Response<pb::ConfirmAuthenticatorResponse>, Status> {
        let code = std::mem::take(&mut request.get_mut().code); // before anything is computed from the message
        let code = Code::try_new(code).map_err(|error| field_violation("code", error))?;
        let call = self.call(&request, "SecondFactorService/ConfirmAuthenticator", &request.get_ref().request_id)?;
        let (message, language) = (request.get_ref(), call.language);
        let seal = parse::seal("seal_id", &message.seal_id)?;
        let id = parse::parsed("authenticator_id", &message.authenticator_id)?;
        let (key, person) = self.own_key(&call.caller, seal, language).await?;
        let enrolled = self.app.query.authenticator(key, &person).await.map_err(|error| internal(&error))?;
        match enrolled {
            Some(own) if own == id => {} // a repeat: its code is used up
            Some(_) => return Err(refusals::authenticator_enrolled(language)),
            None => {
                let confirmed = self.app.codes.confirm((key, &person), id, &code, call.metadata.now).await;
                match confirmed.map_err(|error| failed(error, language))? {
                    Confirmed::Yes => {}
                    Confirmed::WrongCode => return Err(refusals::code_incorrect(language)),
                    Confirmed::NotOffered => return Err(refusals::authenticator_not_found(language)),
                }
            }
        }
        let order = App::authenticator(key, person, AuthenticatorAction::Enrol(id), call.metadata.clone());
        let answer = move |_: &_| pb::ConfirmAuthenticatorResponse { hosted_key_id: key.to_string() };
        self.decide(call, order, answer).await.map(response)
    }

    async fn remove_authenticator(
        &self,
        request: Request<pb::RemoveAuthenticatorRequest>,
    ) -> Result<Response<pb::RemoveAuthenticatorResponse>, Status> {
        let call = self.call(&request, "SecondFactorService/RemoveAuthenticator", &request.get_ref().request_id)?;
        let (message, language) = (request.get_ref(), call.language);
        let seal = parse::seal("seal_id", &message.seal_id)?;
        let person: PersonId = parse::parsed("custodian_id", &message.custodian_id)?;
        let key = self.key_of(&call.caller, seal, language).await?;
        let action = AuthenticatorAction::Remove { by: call.by()?.person };
        let order = App::authenticator(key, person.clone(), action, call.metadata.clone());
        let answer = move |_: &_| pb::RemoveAuthenticatorResponse { hosted_key_id: key.to_string() };
        let removed = self.decide(call, order, answer).await?;
        // It counts no more; that its secret goes too is for who gets hold of the database. A repeat tries again.
        let enrolled = self.app.query.authenticator(key, &person).await.map_err(|error| internal(&error))?;
        if enrolled.is_none() {
            self.app.codes.forget(key, &person).await.map_err(|error| failed(error, language))?;
        }
        Ok(response(removed))
    }

    async fn send_sealing_code(
        &self,
        request: Request<pb::SendSealingCodeRequest>,
    ) -> Result<Response<pb::SendSealingCodeResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let seal = parse::seal("seal_id", &request.get_ref().seal_id)?;
        let (_, person) = self.own_key(&caller, seal, language).await?;
        let asked = self.app.query.second_factor(seal).await.map_err(|error| internal(&error))?;
        if asked == SecondFactor::None || !asked.is_met_by(SecondFactor::Sent) {
            return Err(refusals::code_unfit(language));
        }
        match self.app.codes.send(seal, &person, self.clock.now()).await.map_err(|error| failed(error, language))? {
            Sent::Until(until) => Ok(response(pb::SendSealingCodeResponse { expires_at: at_to_wire(until) })),
            Sent::JustNow(wait) => Err(refusals::code_just_sent(wait)),
            Sent::NoWebhook => Err(refusals::codes_off(language)),
        }
    }
}

impl Grpc {
    /// The hosted key of a seal that the caller may see.
    async fn key_of(&self, caller: &Caller, seal: SealId, language: Language) -> Result<HostedKeyId, Status> {
        let holding = self.holding(caller, seal, language).await?;
        holding.hosted_key.ok_or_else(|| refusals::rejected(Rejection::WrongCustody, language))
    }

    /// The hosted key of a seal, and the caller, who is a custodian of it.
    async fn own_key(
        &self,
        caller: &Caller,
        seal: SealId,
        language: Language,
    ) -> Result<(HostedKeyId, PersonId), Status> {
        let key = self.key_of(caller, seal, language).await?;
        let person = by(caller)?.person;
        let is_theirs = self.app.query.is_custodian(seal, &person).await.map_err(|error| internal(&error))?;
        if is_theirs { Ok((key, person)) } else { Err(refusals::not_custodian(language)) }
    }
}

fn failed(error: CodesError, language: Language) -> Status {
    match error {
        CodesError::Webhook(error) => {
            tracing::warn!(%error, "a code was not sent");
            refusals::code_not_sent(language)
        }
        other => refusals::failed(&AppError::from(other)),
    }
}
