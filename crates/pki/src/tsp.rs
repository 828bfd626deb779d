//! Time stamps: proof that some bytes existed at a moment (RFC 3161 with RFC 5816). GB/T 20520 has the same structures with SM2
//! and SM3.
//!
//! - [`TimeStampRequest`] and [`TimeStampResponse`]: the question and the answer, for whoever carries them
//! - [`TimeStampToken`]: what is kept; [`TimeStampToken::verify`] checks it over the bytes as received
//! - [`TimeStampAuthority`]: answers requests; [`DevelopmentTsa`] is one that says in its name that it proves nothing

mod authority;
mod development;
mod info;
mod request;
mod response;
mod token;

pub use authority::TimeStampAuthority;
pub use development::{DEVELOPMENT_TSA_NAME, DevelopmentTsa, TsaFiles};
pub use info::TimeStampInfo;
pub use request::TimeStampRequest;
pub use response::{FailureInfo, TimeStampResponse};
pub use token::{TimeStampToken, VerifiedTimeStamp};

use crate::algorithm::AlgorithmError;
use crate::asn1::Malformed;
use crate::certificate::CertificateError;
use crate::chain::ChainError;
use crate::cms::CmsError;
use crate::public_key::KeyError;
use crate::suite::SignError;

/// Bytes of the longest request that is read: 16 KiB. A usual one has 60.
pub const MAX_REQUEST: usize = 16 * 1024;
/// Bytes of the longest response or token that is read: 1 MiB. A usual one with its certificates has 6 KiB.
pub const MAX_TOKEN: usize = 1024 * 1024;
/// The media type of a request over HTTP (RFC 3161 §3.4).
pub const QUERY_MEDIA_TYPE: &str = "application/timestamp-query";
/// The media type of a response over HTTP.
pub const REPLY_MEDIA_TYPE: &str = "application/timestamp-reply";

/// Why there is no time stamp, or it does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TspError {
    /// Beyond [`MAX_REQUEST`] or [`MAX_TOKEN`].
    #[error("a time stamp or a request for one of more bytes than are read")]
    TooLarge,
    /// Not the structure of RFC 3161; the text names the part.
    #[error("not a time stamp: {0}")]
    Malformed(&'static str),
    /// The digest or signature algorithm is not known.
    #[error("the algorithm {0} is not supported")]
    UnsupportedAlgorithm(String),
    /// The digest that was to be stamped has not the length of its algorithm's.
    #[error("the digest has not the length of its algorithm's")]
    DigestLength,
    /// An extension in the statement that is critical and not known.
    #[error("the time stamp has an unknown critical extension")]
    UnknownCritical,
    /// The authority refused.
    #[error("the time stamping authority refused: {failure}{}", .text.as_deref().map(|text| format!(" ({text})")).unwrap_or_default())]
    Refused {
        /// Why, as far as it says.
        failure: FailureInfo,
        /// In its own words, of bounded length and without control characters.
        text: Option<String>,
    },
    /// It is about other bytes.
    #[error("the time stamp is about other bytes")]
    OtherContent,
    /// It is the answer to another request, perhaps an old one.
    #[error("the time stamp answers another request")]
    OtherNonce,
    /// It was made under another policy than the one that was asked for.
    #[error("the time stamp was made under another policy than was asked for")]
    OtherPolicy,
    /// It has not exactly one signature (RFC 3161 §2.4.2).
    #[error("the time stamp has {0} signatures instead of one")]
    Signers(usize),
    /// The signature does not say which certificate is its signer's, or not that it is over a time stamp.
    #[error("the time stamp's signature lacks the attribute {0}")]
    NoAttribute(&'static str),
    /// The statement names another authority than the certificate does.
    #[error("the time stamp names another authority than its certificate")]
    OtherAuthority,
    /// The certificate is not reserved for time stamping by a critical extKeyUsage (RFC 3161 §2.3).
    #[error("the certificate of {0} is not one of a time stamping authority")]
    NotForTimeStamping(String),
    /// The signature does not hold, or cannot be checked.
    #[error(transparent)]
    Cms(#[from] CmsError),
    /// The certificate cannot be read, or was not made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The authority's certificate does not lead to a trusted root, or was not valid at the time that it stamped.
    #[error("the time stamping authority is not trusted: {0}")]
    Untrusted(#[from] ChainError),
    /// The key and the certificate do not belong together, or the key cannot be used.
    #[error("the key of the time stamping authority cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<Malformed> for TspError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error.0)
    }
}

impl From<AlgorithmError> for TspError {
    fn from(error: AlgorithmError) -> Self {
        match error {
            AlgorithmError::Malformed(error) => error.into(),
            AlgorithmError::Unsupported(what) => Self::UnsupportedAlgorithm(what),
        }
    }
}

#[cfg(test)]
mod tests;
