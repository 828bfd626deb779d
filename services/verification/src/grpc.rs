//! The RPCs: receive, ask the app, answer.

mod refusals;
mod upload;

use std::sync::Arc;

use eseal_kernel::Clock;
use eseal_proto::moment;
use eseal_proto::verification::v1 as pb;
use eseal_proto::verification::v1::verification_service_server::VerificationService;
use eseal_service::paging::Page;
use eseal_service::status::{field_violation, internal};
use eseal_service::{Caller, Language, Onward};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, Streaming};

use crate::app::App;
use crate::query::Place;

pub use refusals::REASONS;

/// The RPCs of this service.
#[derive(Debug, Clone)]
pub struct Grpc {
    app: App,
    clock: Clock,
    permits: Arc<Semaphore>,
    max_document_bytes: u64,
}

#[tonic::async_trait]
impl VerificationService for Grpc {
    async fn verify_document(
        &self,
        request: Request<Streaming<pb::VerifyDocumentRequest>>,
    ) -> Result<Response<pb::VerifyDocumentResponse>, Status> {
        let permit = self.permits.clone().try_acquire_owned().map_err(|_| refusals::too_many())?;
        let (onward, language) = (Onward::of(&request), Language::of(&request));
        let metadata = Caller::of(&request).metadata(self.clock.now(), &request);
        let (document, asked) = upload::receive(request.into_inner(), self.max_document_bytes, permit).await?;
        let verified = self.app.verify(document, asked, &onward, metadata, refusals::of_documents(language)).await;
        verified.map(Response::new).map_err(|error| refusals::verify(error, language))
    }

    async fn list_failures(
        &self,
        request: Request<pb::ListFailuresRequest>,
    ) -> Result<Response<pb::ListFailuresResponse>, Status> {
        // Whose documents failed is not known: they are of all organizations.
        Caller::of(&request).may_see_all()?;
        let message = request.into_inner();
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let read = self.app.query.failures(place(&page)?, page.rows_to_read()).await;
        let mut failures = read.map_err(|error| internal(&error))?;
        let next_page_token = page.cut(&mut failures, place_text);
        Ok(Response::new(pb::ListFailuresResponse { failures, next_page_token }))
    }
}

impl Grpc {
    /// The RPCs of `app`, for so many documents of this size at a time.
    pub fn new(app: App, clock: Clock, documents_at_a_time: usize, max_document_bytes: u64) -> Self {
        Self { app, clock, permits: Arc::new(Semaphore::new(documents_at_a_time)), max_document_bytes }
    }
}

/// The place behind which the page begins.
fn place(page: &Page) -> Result<Option<Place>, Status> {
    let Some(key) = &page.after else { return Ok(None) };
    let read = || {
        let (recorded_at, failure) = key.split_once('/')?;
        Some(Place { recorded_at: recorded_at.parse().ok()?, failure: failure.parse().ok()? })
    };
    read().map(Some).ok_or_else(|| field_violation("page_token", "not the next_page_token of an answer"))
}

/// The place of a failure in the list, as [`place`] reads it.
fn place_text(failure: &pb::Failure) -> String {
    let recorded_at = failure.at.as_ref().and_then(moment::micros).unwrap_or_default();
    format!("{recorded_at}/{}", failure.failure_id)
}
