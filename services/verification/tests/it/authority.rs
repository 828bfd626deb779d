//! The service authentication, stood in: it knows the roots of a world, and says of every signer and seal what it is
//! told to say.

use std::sync::{Arc, Mutex};

use eseal_kernel::Digest;
use eseal_pki::Certificate;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::registry_service_server::{RegistryService, RegistryServiceServer};
use eseal_proto::authentication::v1::trust_service_server::{TrustService, TrustServiceServer};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// What the stand-in knows.
#[derive(Debug, Clone, Default)]
pub struct StandIn {
    pub holders: Vec<Certificate>,
    pub makers: Vec<Certificate>,
    pub signer: pb::CheckSignerResponse,
    /// Revocation lists, DER.
    pub lists: Vec<Vec<u8>>,
    /// What callers said that they had, each time.
    pub asked_for_lists: Arc<Mutex<Vec<Vec<String>>>>,
    /// The registered seal, by its bytes.
    pub registered: Option<(Vec<u8>, pb::SealStateAtResponse)>,
}

impl StandIn {
    pub fn routes(self) -> Routes {
        Routes::new(TrustServiceServer::new(self.clone())).add_service(RegistryServiceServer::new(self))
    }
}

fn not_asked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the stand-in is not asked for this"))
}

#[tonic::async_trait]
impl TrustService for StandIn {
    async fn list_trust_anchors(
        &self,
        _request: Request<pb::ListTrustAnchorsRequest>,
    ) -> Result<Response<pb::ListTrustAnchorsResponse>, Status> {
        let anchor = |purpose: pb::TrustPurpose| {
            move |root: &Certificate| pb::TrustAnchor {
                fingerprint: root.fingerprint().to_string(),
                purpose: purpose.into(),
                certificate: root.der().to_vec(),
                added_at: None,
            }
        };
        let holders = self.holders.iter().map(anchor(pb::TrustPurpose::Holder));
        let trust_anchors = holders.chain(self.makers.iter().map(anchor(pb::TrustPurpose::Maker))).collect();
        Ok(Response::new(pb::ListTrustAnchorsResponse { trust_anchors }))
    }

    async fn check_signer(
        &self,
        _request: Request<pb::CheckSignerRequest>,
    ) -> Result<Response<pb::CheckSignerResponse>, Status> {
        Ok(Response::new(self.signer.clone()))
    }

    async fn get_revocation_lists(
        &self,
        request: Request<pb::GetRevocationListsRequest>,
    ) -> Result<Response<pb::GetRevocationListsResponse>, Status> {
        let known = request.into_inner().known;
        self.asked_for_lists.lock().expect("a lock").push(known.clone());
        let digests: Vec<_> = self.lists.iter().map(|list| Digest::of(list).to_string()).collect();
        // One at a time, as if no two fitted into a message.
        let unknown = self.lists.iter().zip(&digests).find(|(_, digest)| !known.contains(digest));
        let lists = unknown.map(|(list, _)| list.clone()).into_iter().collect();
        Ok(Response::new(pb::GetRevocationListsResponse { digests, lists }))
    }

    async fn add_trust_anchor(
        &self,
        _request: Request<pb::AddTrustAnchorRequest>,
    ) -> Result<Response<pb::AddTrustAnchorResponse>, Status> {
        not_asked()
    }

    async fn remove_trust_anchor(
        &self,
        _request: Request<pb::RemoveTrustAnchorRequest>,
    ) -> Result<Response<pb::RemoveTrustAnchorResponse>, Status> {
        not_asked()
    }

    async fn import_crl(
        &self,
        _request: Request<pb::ImportCrlRequest>,
    ) -> Result<Response<pb::ImportCrlResponse>, Status> {
        not_asked()
    }

    async fn check_certificate(
        &self,
        _request: Request<pb::CheckCertificateRequest>,
    ) -> Result<Response<pb::CheckCertificateResponse>, Status> {
        not_asked()
    }
}

macro_rules! not_asked {
    ($($method:ident: $request:ident -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl RegistryService for StandIn {
            async fn seal_state_at(
                &self,
                request: Request<pb::SealStateAtRequest>,
            ) -> Result<Response<pb::SealStateAtResponse>, Status> {
                let asked = request.into_inner().seal_digest;
                let registered = self.registered.as_ref();
                let known = registered.filter(|(seal, _)| Digest::of(seal).to_string() == asked);
                Ok(Response::new(known.map(|(_, state)| state.clone()).unwrap_or_default()))
            }

            $(async fn $method(&self, _request: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                not_asked()
            })*
        }
    };
}

not_asked! {
    activate_seal: ActivateSealRequest -> ActivateSealResponse;
    suspend_seal: SuspendSealRequest -> SuspendSealResponse;
    resume_seal: ResumeSealRequest -> ResumeSealResponse;
    revoke_seal: RevokeSealRequest -> RevokeSealResponse;
    replace_seal: ReplaceSealRequest -> ReplaceSealResponse;
    unlock_seal: UnlockSealRequest -> UnlockSealResponse;
    get_seal: GetSealRequest -> GetSealResponse;
    list_seals: ListSealsRequest -> ListSealsResponse;
    get_seal_structure: GetSealStructureRequest -> GetSealStructureResponse;
    report_loss: ReportLossRequest -> ReportLossResponse;
    set_seal_policy: SetSealPolicyRequest -> SetSealPolicyResponse;
    grant_custodian: GrantCustodianRequest -> GrantCustodianResponse;
    change_custodian: ChangeCustodianRequest -> ChangeCustodianResponse;
    withdraw_custodian: WithdrawCustodianRequest -> WithdrawCustodianResponse;
    list_custodians: ListCustodiansRequest -> ListCustodiansResponse;
}
