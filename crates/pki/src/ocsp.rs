//! Online certificate status (RFC 6960): was this certificate revoked, asked of whoever issued it.
//!
//! - [`CertId`]: how a certificate is named; [`OcspRequest`]: the question
//! - [`OcspResponse`]: the answer as received; [`OcspResponse::verify`] says whether it is genuine
//! - [`OcspResponder`]: gives answers

mod cert_id;
mod request;
mod responder;
mod response;

pub use cert_id::CertId;
pub use request::OcspRequest;
pub use responder::OcspResponder;
pub use response::{CertificateStatus, OcspResponse, OcspStatement, Responder};

use std::fmt;

use crate::algorithm::AlgorithmError;
use crate::asn1::Malformed;
use crate::public_key::{BadSignature, KeyError};
use crate::suite::SignError;

/// Bytes of the longest request that is read: 64 KiB.
pub const MAX_REQUEST: usize = 64 * 1024;
/// Bytes of the longest response that is read: 1 MiB. A usual one has 2 KiB.
pub const MAX_RESPONSE: usize = 1024 * 1024;
/// The media type of a request over HTTP (RFC 6960 appendix A.1).
pub const REQUEST_MEDIA_TYPE: &str = "application/ocsp-request";
/// The media type of a response over HTTP.
pub const RESPONSE_MEDIA_TYPE: &str = "application/ocsp-response";

/// Certificates that one request asks about, or one response answers for.
const MAX_STATEMENTS: usize = 1_000;
const MAX_EXTENSIONS: usize = 64;

/// Why there is no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OcspError {
    /// Beyond [`MAX_REQUEST`] or [`MAX_RESPONSE`].
    #[error("a question or an answer about a certificate of more bytes than are read")]
    TooLarge,
    /// Not the structure of RFC 6960; the text names the part.
    #[error("not a certificate status: {0}")]
    Malformed(&'static str),
    /// The responder gave no answer.
    #[error("the responder gave no answer: {0}")]
    NoAnswer(NoAnswer),
    /// Another kind of answer than the basic one, by its identifier.
    #[error("answers of the kind {0} are not supported")]
    UnsupportedKind(String),
    /// The signature or digest algorithm is not known.
    #[error("the algorithm {0} is not supported")]
    UnsupportedAlgorithm(String),
    /// An extension that is critical and not known.
    #[error("the certificate status has an unknown critical extension")]
    UnknownCritical,
    /// It is the answer to another request, perhaps an old one.
    #[error("the certificate status answers another request")]
    OtherNonce,
    /// The certificate of the responder is not there.
    #[error("the certificate of the responder {0} is missing")]
    NoResponder(String),
    /// The responder is neither the issuer nor somebody whom the issuer made its responder (RFC 6960 §4.2.2.2).
    #[error("{0} may not speak for the issuer of the certificate")]
    NotAuthorized(String),
    /// The responder's key cannot be used.
    #[error("the responder's key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The responder did not sign these bytes.
    #[error("the certificate status was not signed by its responder's key")]
    BadSignature,
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// OCSPResponseStatus other than successful (RFC 6960 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the standard's")]
pub enum NoAnswer {
    MalformedRequest,
    InternalError,
    TryLater,
    SigRequired,
    Unauthorized,
    /// A code that the standard does not have.
    Other(u32),
}

impl NoAnswer {
    fn of(code: u32) -> Self {
        match code {
            1 => Self::MalformedRequest,
            2 => Self::InternalError,
            3 => Self::TryLater,
            5 => Self::SigRequired,
            6 => Self::Unauthorized,
            other => Self::Other(other),
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::SigRequired => 5,
            Self::Unauthorized => 6,
            Self::Other(other) => u8::try_from(other).unwrap_or(2),
        }
    }
}

/// The standard's name: `tryLater`.
impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedRequest => f.write_str("malformedRequest"),
            Self::InternalError => f.write_str("internalError"),
            Self::TryLater => f.write_str("tryLater"),
            Self::SigRequired => f.write_str("sigRequired"),
            Self::Unauthorized => f.write_str("unauthorized"),
            Self::Other(code) => write!(f, "status {code}"),
        }
    }
}

impl From<Malformed> for OcspError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error.0)
    }
}

impl From<AlgorithmError> for OcspError {
    fn from(error: AlgorithmError) -> Self {
        match error {
            AlgorithmError::Malformed(error) => error.into(),
            AlgorithmError::Unsupported(what) => Self::UnsupportedAlgorithm(what),
        }
    }
}

impl From<BadSignature> for OcspError {
    fn from(_: BadSignature) -> Self {
        Self::BadSignature
    }
}

#[cfg(test)]
mod tests;
