//! A stand-in for the service fabrication: it gives the seals that a test put into it, and does nothing else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use eseal_kernel::Digest;
use eseal_proto::fabrication::v1 as pb;
use eseal_proto::fabrication::v1::fabrication_service_server::{FabricationService, FabricationServiceServer};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// The made seals by their SHA-256.
#[derive(Clone, Default)]
pub struct Workshop(Arc<Shelf>);

#[derive(Default)]
struct Shelf {
    seals: Mutex<HashMap<String, Vec<u8>>>,
    /// How many more calls are answered with `UNAVAILABLE`.
    closed_for: AtomicU32,
    calls: AtomicU32,
}

impl Workshop {
    pub fn routes(&self) -> Routes {
        Routes::new(FabricationServiceServer::new(self.clone()))
    }

    /// Puts a seal on the shelf and gives its digest.
    pub fn put(&self, seal: &[u8]) -> String {
        let digest = Digest::of(seal).to_string();
        self.put_as(&digest, seal);
        digest
    }

    /// Puts a seal where another one would be looked for.
    pub fn put_as(&self, digest: &str, seal: &[u8]) {
        self.0.seals.lock().expect("a shelf").insert(digest.to_owned(), seal.to_vec());
    }

    /// Does not answer so many calls.
    pub fn close_for(&self, calls: u32) {
        self.0.closed_for.store(calls, Ordering::SeqCst);
    }

    pub fn calls(&self) -> u32 {
        self.0.calls.load(Ordering::SeqCst)
    }
}

macro_rules! not_here {
    ($($rpc:ident: $request:ident -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl FabricationService for Workshop {
            async fn get_seal(
                &self,
                request: Request<pb::GetSealRequest>,
            ) -> Result<Response<pb::GetSealResponse>, Status> {
                self.0.calls.fetch_add(1, Ordering::SeqCst);
                let closed = &self.0.closed_for;
                if closed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    return Err(Status::unavailable("the workshop is closed"));
                }
                let seals = self.0.seals.lock().expect("a shelf");
                let seal = seals.get(&request.get_ref().digest).cloned();
                let seal = seal.ok_or_else(|| Status::not_found("no such seal"))?;
                Ok(Response::new(pb::GetSealResponse { seal }))
            }

            $(async fn $rpc(&self, _: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                Err(Status::unimplemented("a stand-in"))
            })*
        }
    };
}

not_here! {
    begin_run: BeginRunRequest -> BeginRunResponse;
    present_maker_card: PresentMakerCardRequest -> PresentMakerCardResponse;
    present_seal_card: PresentSealCardRequest -> PresentSealCardResponse;
    sign_seal: SignSealRequest -> SignSealResponse;
    confirm_seal: ConfirmSealRequest -> ConfirmSealResponse;
    report_failure: ReportFailureRequest -> ReportFailureResponse;
    get_fabrication: GetFabricationRequest -> GetFabricationResponse;
    list_fabrications: ListFabricationsRequest -> ListFabricationsResponse;
    list_runs: ListRunsRequest -> ListRunsResponse;
}
