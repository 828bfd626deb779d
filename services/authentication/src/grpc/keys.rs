//! 托管密钥: keys kept by the service for sealing without a card.

use eseal_kernel::Id;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::hosted_key_service_server::HostedKeyService;
use eseal_service::status::internal;
use eseal_service::{Caller, Language};
use tonic::{Request, Response, Status};

use super::{Grpc, parse, refusals};
use crate::app::App;
use crate::domain::ids::HostedKeyId;
use crate::query::KeyEntry;

#[tonic::async_trait]
impl HostedKeyService for Grpc {
    async fn create_hosted_key(
        &self,
        mut request: Request<pb::CreateHostedKeyRequest>,
    ) -> Result<Response<pb::CreateHostedKeyResponse>, Status> {
        let pin = std::mem::take(&mut request.get_mut().pin); // before anything is computed from the message
        let pin = parse::pin("pin", pin)?;
        let call = self.call(&request, "HostedKeyService/CreateHostedKey", &request.get_ref().request_id)?;
        let organization = parse::organization("organization", request.into_inner().organization)?;
        call.caller.may_see(&organization.uscc)?;
        let (key, custodian, language) = (HostedKeyId(Id::random(call.metadata.now)), call.by()?.person, call.language);
        let order = self.app.create_key(key, &organization, custodian, pin, call.metadata.clone()).await;
        let order = order.map_err(|error| refusals::failed(&error))?;
        // The id alone is kept: what belongs to it is read when it is answered.
        let kept =
            self.decide(call, order, move |_| pb::HostedKey { hosted_key_id: key.to_string(), ..Default::default() });
        let hosted_key = Some(self.shown(&kept.await?.hosted_key_id, language).await?);
        Ok(Response::new(pb::CreateHostedKeyResponse { hosted_key }))
    }

    async fn certify_hosted_key(
        &self,
        request: Request<pb::CertifyHostedKeyRequest>,
    ) -> Result<Response<pb::CertifyHostedKeyResponse>, Status> {
        let call = self.call(&request, "HostedKeyService/CertifyHostedKey", &request.get_ref().request_id)?;
        let message = request.into_inner();
        let key = parse::hosted_key("hosted_key_id", &message.hosted_key_id)?;
        let entry = self.entry(&call.caller, key, call.language).await?;
        let checked = self.app.check_certificates(key, &entry.uscc, &message.certificates).await;
        checked.map_err(|error| internal(&error))?.map_err(refusals::misfit)?;
        let order = App::certify_key(key, &message.certificates, call.custodian()?, call.metadata.clone());
        let language = call.language;
        let kept =
            self.decide(call, order, move |_| pb::HostedKey { hosted_key_id: key.to_string(), ..Default::default() });
        let hosted_key = Some(self.shown(&kept.await?.hosted_key_id, language).await?);
        Ok(Response::new(pb::CertifyHostedKeyResponse { hosted_key }))
    }

    async fn get_hosted_key(
        &self,
        request: Request<pb::GetHostedKeyRequest>,
    ) -> Result<Response<pb::GetHostedKeyResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let key = parse::hosted_key("hosted_key_id", &request.get_ref().hosted_key_id)?;
        let entry = self.entry(&caller, key, language).await?;
        let hosted_key = Some(self.app.shown_key(key, &entry).await.map_err(|error| internal(&error))?);
        Ok(Response::new(pb::GetHostedKeyResponse { hosted_key }))
    }

    async fn prove_hosted_key(
        &self,
        request: Request<pb::ProveHostedKeyRequest>,
    ) -> Result<Response<pb::ProveHostedKeyResponse>, Status> {
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let message = request.into_inner();
        let key = parse::hosted_key("hosted_key_id", &message.hosted_key_id)?;
        let uscc = parse::uscc("uscc", &message.uscc)?;
        let possession = parse::possession(message.terms, self.clock.now())?;
        let entry = self.entry(&caller, key, language).await?;
        if entry.uscc != uscc {
            return Err(refusals::key_of_other_organization(language));
        }
        let proofs = self.app.prove_key(key, &entry, possession).await;
        let proofs = proofs.map_err(|error| refusals::not_proved(error, language))?;
        Ok(Response::new(pb::ProveHostedKeyResponse { proofs }))
    }
}

impl Grpc {
    /// A hosted key, if the caller may see it. Its organization never changes.
    async fn entry(&self, caller: &Caller, key: HostedKeyId, language: Language) -> Result<KeyEntry, Status> {
        let entry = self.app.query.hosted_key(key).await.map_err(|error| internal(&error))?;
        let entry = entry.ok_or_else(|| refusals::key_not_found(language))?;
        caller.may_see(&entry.uscc)?;
        Ok(entry)
    }

    /// A hosted key that the caller's own request was about.
    async fn shown(&self, key: &str, language: Language) -> Result<pb::HostedKey, Status> {
        let key = parse::hosted_key("hosted_key_id", key)?;
        let entry = self.app.query.hosted_key(key).await.map_err(|error| internal(&error))?;
        let entry = entry.ok_or_else(|| refusals::key_not_found(language))?;
        self.app.shown_key(key, &entry).await.map_err(|error| internal(&error))
    }
}
