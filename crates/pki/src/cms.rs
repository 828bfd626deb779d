//! Cryptographic message syntax: CMS (RFC 5652), its older brother PKCS #7, and its Chinese one (GB/T 35275).
//!
//! - [`SignedAttributes`] makes a detached CAdES signature (ETSI EN 319 122-1) in two steps, so that the key may lie anywhere
//! - [`SignedData`] reads what others made, and [`SignerInfo::verify`] checks it over the bytes as received: attributes in the
//!   order in which they came, since producers exist who do not sort them and sign what they wrote

mod embedded;
mod gm;
mod read;
mod verify;
mod write;

pub use gm::GmSignature;
pub use read::{SignedData, SignerInfo};
pub use verify::{CmsSignature, ContentForm};
pub use write::SignedAttributes;
pub(crate) use write::{attribute, retagged};

use crate::algorithm::AlgorithmError;
use crate::asn1::Malformed;
use crate::public_key::{BadSignature, KeyError};

/// Bytes of the longest structure that is read: 16 MiB. Long ones carry revocation lists.
pub const MAX_CMS: usize = 16 * 1024 * 1024;

/// Why bytes are no CMS signature, or it does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CmsError {
    /// More than 16 MiB.
    #[error("a signature structure of more than 16 MiB")]
    TooLarge,
    /// Not the structure of RFC 5652; the text names the part.
    #[error("not a CMS signature: {0}")]
    Malformed(&'static str),
    /// Another kind of content than signed data, by its identifier.
    #[error("the CMS structure holds {0} and not signed data")]
    NotSignedData(String),
    /// The signer's certificate is not in the structure.
    #[error("the certificate of the signer is not in the signature")]
    NoCertificate,
    /// The signature names one certificate as its signer's and was made with another.
    #[error("the signature names another certificate as its signer's")]
    OtherCertificate,
    /// The algorithm is not supported, or not fit for this kind of key.
    #[error("the algorithm {0} is not supported")]
    UnsupportedAlgorithm(String),
    /// The signer's key cannot be used.
    #[error("the key of the signer cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The content is not the one that was signed.
    #[error("the content is not the one that was signed")]
    ContentChanged,
    /// The signature value does not fit: attributes, key or value were changed.
    #[error("the signature value is wrong")]
    BadSignature,
    /// What is to be signed does not fit together: a digest of another length, a key of another suite.
    #[error("the digest or the certificate does not belong to the suite that is to sign")]
    OtherSuite,
}

impl From<Malformed> for CmsError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error.0)
    }
}

impl From<AlgorithmError> for CmsError {
    fn from(error: AlgorithmError) -> Self {
        match error {
            AlgorithmError::Malformed(error) => error.into(),
            AlgorithmError::Unsupported(what) => Self::UnsupportedAlgorithm(what),
        }
    }
}

impl From<BadSignature> for CmsError {
    fn from(_: BadSignature) -> Self {
        Self::BadSignature
    }
}

#[cfg(test)]
mod tests;
