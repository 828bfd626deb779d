//! Trust: roots by purpose and revocation lists, and what they say of a certificate.

use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::trust_service_server::TrustService;
use eseal_service::status::internal;
use tonic::{Request, Response, Status};

use super::{Grpc, parse, refusals, response};
use crate::app::App;
use crate::codec::at_to_wire;
use crate::trust::Fault;

/// Bytes of the lists of one answer; one list alone may have more, as it may when it is imported.
const MAX_LISTS: usize = 8 << 20;

#[tonic::async_trait]
impl TrustService for Grpc {
    async fn add_trust_anchor(
        &self,
        request: Request<pb::AddTrustAnchorRequest>,
    ) -> Result<Response<pb::AddTrustAnchorResponse>, Status> {
        let call = self.call(&request, "TrustService/AddTrustAnchor", &request.get_ref().request_id)?;
        call.caller.may_see_all()?;
        let message = request.into_inner();
        let purpose = parse::purpose("purpose", message.purpose)?;
        let added = self.app.add_anchor(purpose, &message.certificate, call.metadata.clone());
        let (order, anchor) = added.map_err(|why| refusals::not_trusted("certificate", why, call.language))?;
        let fingerprint = anchor.fingerprint.to_string();
        let answer = move |_: &_| pb::AddTrustAnchorResponse { fingerprint: fingerprint.clone() };
        self.decide(call, order, answer).await.map(response)
    }

    async fn remove_trust_anchor(
        &self,
        request: Request<pb::RemoveTrustAnchorRequest>,
    ) -> Result<Response<pb::RemoveTrustAnchorResponse>, Status> {
        let call = self.call(&request, "TrustService/RemoveTrustAnchor", &request.get_ref().request_id)?;
        call.caller.may_see_all()?;
        let anchor = parse::anchor(request.get_ref().purpose, &request.get_ref().fingerprint)?;
        let order = App::remove_anchor(anchor, call.metadata.clone());
        self.decide(call, order, |_| pb::RemoveTrustAnchorResponse {}).await.map(response)
    }

    async fn list_trust_anchors(
        &self,
        request: Request<pb::ListTrustAnchorsRequest>,
    ) -> Result<Response<pb::ListTrustAnchorsResponse>, Status> {
        let purpose = parse::optional_purpose("purpose", request.get_ref().purpose)?;
        let trust_anchors = self.app.shown_anchors(purpose).await.map_err(|error| internal(&error))?;
        Ok(Response::new(pb::ListTrustAnchorsResponse { trust_anchors }))
    }

    async fn import_crl(
        &self,
        request: Request<pb::ImportCrlRequest>,
    ) -> Result<Response<pb::ImportCrlResponse>, Status> {
        let call = self.call(&request, "TrustService/ImportCrl", &request.get_ref().request_id)?;
        call.caller.may_see_all()?;
        let imported = self.app.import_crl(&request.get_ref().crl, call.metadata.clone()).await;
        let (order, digest) = imported.map_err(|why| refusals::not_trusted("crl", why, call.language))?;
        let answer = move |_: &_| pb::ImportCrlResponse { digest: digest.to_string() };
        self.decide(call, order, answer).await.map(response)
    }

    async fn check_certificate(
        &self,
        request: Request<pb::CheckCertificateRequest>,
    ) -> Result<Response<pb::CheckCertificateResponse>, Status> {
        let message = request.into_inner();
        let purpose = parse::purpose("purpose", message.purpose)?;
        let organization = parse::organization_for(purpose, &message.uscc)?;
        let now = self.clock.now();
        let checked = match parse::certificates(&message.certificate, &message.chain)? {
            Ok((leaf, pool)) => {
                let standing = self.app.standing(purpose, &leaf, &pool, now, self.app.inquiry.deadline()).await;
                let standing = standing.map_err(|error| internal(&error))?;
                let is_theirs = organization.is_none_or(|uscc| leaf.is_for_organization(&uscc));
                standing.checked.and(if is_theirs { Ok(()) } else { Err(Fault::OtherOrganization) })
            }
            Err(fault) => Err(fault),
        };
        let reason = checked.err().map(Fault::code).unwrap_or_default().to_owned();
        Ok(Response::new(pb::CheckCertificateResponse { good: checked.is_ok(), reason }))
    }

    async fn check_signer(
        &self,
        request: Request<pb::CheckSignerRequest>,
    ) -> Result<Response<pb::CheckSignerResponse>, Status> {
        let message = request.into_inner();
        let purpose = parse::purpose("purpose", message.purpose)?;
        let now = self.clock.now();
        let at = parse::at_or("at", message.at.as_ref(), now)?;
        let trust = self.app.trust.current().await.map_err(|error| internal(&error))?;
        let signer = match parse::certificates(&message.certificate, &message.chain)? {
            Ok((leaf, pool)) => trust.signer(purpose, &leaf, &pool, at, now),
            Err(fault) => trust.nobody(purpose, fault),
        };
        Ok(Response::new(pb::CheckSignerResponse {
            trusted: signer.trusted.is_ok(),
            reason: signer.trusted.err().map(Fault::code).unwrap_or_default().to_owned(),
            no_roots: signer.no_roots,
            valid_at: signer.valid_at,
            revoked_now: signer.revoked_since.is_some(),
            revoked_since: signer.revoked_since.and_then(at_to_wire),
        }))
    }

    async fn get_revocation_lists(
        &self,
        request: Request<pb::GetRevocationListsRequest>,
    ) -> Result<Response<pb::GetRevocationListsResponse>, Status> {
        let known = parse::digests("known", &request.get_ref().known)?;
        let trust = self.app.trust.current().await.map_err(|error| internal(&error))?;
        let mut answer = pb::GetRevocationListsResponse::default();
        let mut bytes = 0;
        for (digest, list) in trust.digested_crls() {
            answer.digests.push(digest.to_string());
            let fits = answer.lists.is_empty() || bytes + list.der().len() <= MAX_LISTS;
            if fits && !known.contains(&digest) {
                bytes += list.der().len();
                answer.lists.push(list.der().to_vec());
            }
        }
        Ok(Response::new(answer))
    }
}
