//! What is asked of other services.

use std::time::Duration;

use eseal_kernel::Digest;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_proto::fabrication::v1::fabrication_service_client::FabricationServiceClient;
use eseal_service::{MAX_MESSAGE, Onward, Peer};
use tonic::Code;

/// The time for a call.
const TIME: Duration = Duration::from_secs(20);

/// Why a SESeal was not given.
#[derive(Debug, thiserror::Error)]
pub enum NotGiven {
    /// Fabrication does not answer now.
    #[error("fabrication does not answer: {0}")]
    Later(String),
    /// Fabrication refuses.
    #[error("fabrication does not give the seal: {0}")]
    Never(String),
    /// What came is not what was asked for.
    #[error("fabrication gave another content than the one with the digest {0}")]
    OtherContent(Digest),
}

/// The bytes of a made SESeal.
///
/// # Errors
/// [`NotGiven`].
pub async fn made_seal(fabrication: &Peer, digest: Digest, traceparent: Option<String>) -> Result<Vec<u8>, NotGiven> {
    let onward = Onward::within(TIME, traceparent);
    let request = fabrication::GetSealRequest { digest: digest.to_string() };
    let answer = fabrication
        .call(&onward, request, |channel, request| async move {
            FabricationServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE).get_seal(request).await
        })
        .await
        .map_err(|status| {
            let why = status.to_string();
            if passes(status.code()) { NotGiven::Later(why) } else { NotGiven::Never(why) }
        })?;
    if Digest::of(&answer.seal) == digest { Ok(answer.seal) } else { Err(NotGiven::OtherContent(digest)) }
}

/// Whether asking again may help. `NOT_FOUND` too: a copy of the database may be behind the event.
const fn passes(code: Code) -> bool {
    match code {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Aborted
        | Code::ResourceExhausted
        | Code::Internal
        | Code::Unknown
        | Code::NotFound => true,
        Code::Ok
        | Code::InvalidArgument
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => false,
    }
}
