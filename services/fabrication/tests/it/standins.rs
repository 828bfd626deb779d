//! Stand-ins for the services that fabrication asks. They answer what it asks and nothing else, and can be away.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use eseal_kernel::{Digest, Uscc};
use eseal_pki::Certificate;
use eseal_proto::application::v1 as application;
use eseal_proto::application::v1::application_service_server::{ApplicationService, ApplicationServiceServer};
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::authentication::v1::hosted_key_service_server::{HostedKeyService, HostedKeyServiceServer};
use eseal_proto::authentication::v1::trust_service_server::{TrustService, TrustServiceServer};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::cards::{Card, HOLDERS, MAKERS};

/// Both stand-ins; copies share everything.
#[derive(Clone, Default)]
pub struct StandIns(Arc<State>);

#[derive(Default)]
struct State {
    application_away: AtomicBool,
    authentication_away: AtomicBool,
    asked: AtomicUsize,
    materials: Mutex<HashMap<String, Vec<u8>>>,
    /// Certificates that are not good any more.
    bad: Mutex<HashSet<Digest>>,
    hosted: Mutex<HashMap<String, (String, Card)>>,
}

impl StandIns {
    pub fn application(&self) -> Routes {
        Routes::new(ApplicationServiceServer::new(self.clone()))
    }

    pub fn authentication(&self) -> Routes {
        Routes::new(TrustServiceServer::new(self.clone())).add_service(HostedKeyServiceServer::new(self.clone()))
    }

    /// From now on the application service has this material.
    pub fn keep(&self, content: &[u8]) -> String {
        let digest = Digest::of(content).to_string();
        self.0.materials.lock().expect("unbroken").insert(digest.clone(), content.to_vec());
        digest
    }

    /// From now on it has none.
    pub fn erase(&self) {
        self.0.materials.lock().expect("unbroken").clear();
    }

    /// From now on the authentication service hosts this key for the organization; the id is the card's serial.
    pub fn host(&self, uscc: &str, card: Card) {
        let hosted = (uscc.to_owned(), card);
        self.0.hosted.lock().expect("unbroken").insert(hosted.1.serial.clone(), hosted);
    }

    /// From now on the certificate is not good.
    pub fn distrust(&self, certificate: &Certificate) {
        self.0.bad.lock().expect("unbroken").insert(certificate.fingerprint());
    }

    pub fn set_application_away(&self, away: bool) {
        self.0.application_away.store(away, Ordering::SeqCst);
    }

    pub fn set_authentication_away(&self, away: bool) {
        self.0.authentication_away.store(away, Ordering::SeqCst);
    }

    /// How often they were asked something.
    pub fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn answer(&self, away: &AtomicBool) -> Result<(), Status> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        if away.load(Ordering::SeqCst) { Err(Status::unavailable("away")) } else { Ok(()) }
    }
}

/// A service of which fabrication asks a part only.
macro_rules! stand_in {
    ($pb:ident, $service:ident { $($unused:ident: $ask:ident -> $answer:ident,)* } { $($used:item)* }) => {
        #[tonic::async_trait]
        impl $service for StandIns {
            $($used)*
            $(async fn $unused(&self, _: Request<$pb::$ask>) -> Result<Response<$pb::$answer>, Status> {
                Err(Status::unimplemented("fabrication never asks this"))
            })*
        }
    };
}

stand_in!(application, ApplicationService {
    put_material: PutMaterialRequest -> PutMaterialResponse,
    submit_application: SubmitApplicationRequest -> SubmitApplicationResponse,
    approve_application: ApproveApplicationRequest -> ApproveApplicationResponse,
    cancel_application: CancelApplicationRequest -> CancelApplicationResponse,
    return_application: ReturnApplicationRequest -> ReturnApplicationResponse,
    revise_application: ReviseApplicationRequest -> ReviseApplicationResponse,
    resubmit_application: ResubmitApplicationRequest -> ResubmitApplicationResponse,
    withdraw_application: WithdrawApplicationRequest -> WithdrawApplicationResponse,
    get_application: GetApplicationRequest -> GetApplicationResponse,
    list_applications: ListApplicationsRequest -> ListApplicationsResponse,
    erase_person: ErasePersonRequest -> ErasePersonResponse,
} {
    async fn get_material(
        &self,
        request: Request<application::GetMaterialRequest>,
    ) -> Result<Response<application::GetMaterialResponse>, Status> {
        self.answer(&self.0.application_away)?;
        let materials = self.0.materials.lock().expect("unbroken");
        let content = materials.get(&request.get_ref().digest).cloned();
        let content = content.ok_or_else(|| Status::not_found("no such material"))?;
        Ok(Response::new(application::GetMaterialResponse { content, media_type: String::new() }))
    }
});

stand_in!(authentication, TrustService {
    add_trust_anchor: AddTrustAnchorRequest -> AddTrustAnchorResponse,
    remove_trust_anchor: RemoveTrustAnchorRequest -> RemoveTrustAnchorResponse,
    list_trust_anchors: ListTrustAnchorsRequest -> ListTrustAnchorsResponse,
    import_crl: ImportCrlRequest -> ImportCrlResponse,
    check_signer: CheckSignerRequest -> CheckSignerResponse,
    get_revocation_lists: GetRevocationListsRequest -> GetRevocationListsResponse,
} {
    async fn check_certificate(
        &self,
        request: Request<authentication::CheckCertificateRequest>,
    ) -> Result<Response<authentication::CheckCertificateResponse>, Status> {
        self.answer(&self.0.authentication_away)?;
        let message = request.into_inner();
        let certificate = Certificate::from_der(&message.certificate).map_err(|_| Status::invalid_argument("none"))?;
        let good = match message.purpose() {
            authentication::TrustPurpose::Maker => certificate.verify_issued_by(MAKERS.certificate()).is_ok(),
            _ => {
                let uscc: Uscc = message.uscc.parse().map_err(|_| Status::invalid_argument("no code"))?;
                certificate.verify_issued_by(HOLDERS.certificate()).is_ok() && certificate.is_for_organization(&uscc)
            }
        };
        let good = good && !self.0.bad.lock().expect("unbroken").contains(&certificate.fingerprint());
        let reason = if good { "" } else { "CERTIFICATE_UNTRUSTED" };
        Ok(Response::new(authentication::CheckCertificateResponse { good, reason: reason.to_owned() }))
    }
});

stand_in!(authentication, HostedKeyService {
    create_hosted_key: CreateHostedKeyRequest -> CreateHostedKeyResponse,
    certify_hosted_key: CertifyHostedKeyRequest -> CertifyHostedKeyResponse,
    get_hosted_key: GetHostedKeyRequest -> GetHostedKeyResponse,
} {
    async fn prove_hosted_key(
        &self,
        request: Request<authentication::ProveHostedKeyRequest>,
    ) -> Result<Response<authentication::ProveHostedKeyResponse>, Status> {
        self.answer(&self.0.authentication_away)?;
        let message = request.into_inner();
        let hosted = self.0.hosted.lock().expect("unbroken");
        let (uscc, card) = hosted.get(&message.hosted_key_id).ok_or_else(|| Status::not_found("no such key"))?;
        if *uscc != message.uscc {
            return Err(Status::failed_precondition("of another organization"));
        }
        let proofs = card.proofs(&message.terms.unwrap_or_default());
        Ok(Response::new(authentication::ProveHostedKeyResponse { proofs }))
    }
});
