//! What is asked of other services.

use std::time::Duration;

use eseal_kernel::Digest;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_proto::fabrication::v1::fabrication_service_client::FabricationServiceClient;
use eseal_service::{MAX_MESSAGE, Onward, Peer};
use tonic::{Code, Status};

/// The time for a call.
const TIME: Duration = Duration::from_secs(20);

/// Why a SESeal was not given.
#[derive(Debug, thiserror::Error)]
pub enum NotGiven {
    /// Fabrication does not answer now.
    #[error("fabrication does not answer: {0}")]
    Later(Status),
    /// Fabrication refuses, or gives something else.
    #[error("fabrication does not give the seal: {0}")]
    Never(Status),
}

/// The bytes of a made SESeal.
///
/// # Errors
/// [`NotGiven`]. What comes with another digest than was asked for is `DATA_LOSS`.
pub async fn made_seal(fabrication: &Peer, digest: Digest, traceparent: Option<String>) -> Result<Vec<u8>, NotGiven> {
    let onward = Onward::within(TIME, traceparent);
    let request = fabrication::GetSealRequest { digest: digest.to_string() };
    let answer = fabrication
        .call(&onward, request, |channel, request| async move {
            FabricationServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE).get_seal(request).await
        })
        .await
        .map_err(not_given)?;
    if Digest::of(&answer.seal) == digest {
        Ok(answer.seal)
    } else {
        Err(NotGiven::Never(Status::data_loss("another content")))
    }
}

/// What passes by itself is asked for again. `NOT_FOUND` too: a copy of the database may be behind the event.
fn not_given(status: Status) -> NotGiven {
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Aborted
        | Code::ResourceExhausted
        | Code::Internal
        | Code::Unknown
        | Code::NotFound => NotGiven::Later(status),
        Code::Ok
        | Code::InvalidArgument
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => NotGiven::Never(status),
    }
}
