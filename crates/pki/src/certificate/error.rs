//! Why a certificate cannot be read or does not hold.

use crate::algorithm::AlgorithmError;
use crate::asn1::Malformed;
use crate::public_key::{BadSignature, KeyError};

/// Why bytes are no certificate, or a certificate is not what it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// More than 64 KiB.
    #[error("a certificate of more than 64 KiB")]
    TooLarge,
    /// Not the structure of RFC 5280; the text names the part.
    #[error("not a certificate: {0}")]
    Malformed(&'static str),
    /// No PEM block `CERTIFICATE`, or one that cannot be decoded.
    #[error("no certificate in PEM form was found, or one is damaged")]
    Pem,
    /// More than 1000 certificates in one file.
    #[error("more than 1000 certificates in one file")]
    TooMany,
    /// It names another issuer.
    #[error("the certificate names another issuer")]
    OtherIssuer,
    /// The issuer's key cannot be used.
    #[error("the issuer's key cannot be used: {0}")]
    IssuerKey(#[from] KeyError),
    /// It was signed with an algorithm that this crate does not know, by its identifier.
    #[error("the signature algorithm {0} is not supported")]
    UnsupportedAlgorithm(String),
    /// The issuer did not sign these bytes.
    #[error("the certificate was not signed by its issuer's key")]
    BadSignature,
}

impl From<Malformed> for CertificateError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error.0)
    }
}

impl From<AlgorithmError> for CertificateError {
    fn from(error: AlgorithmError) -> Self {
        match error {
            AlgorithmError::Malformed(error) => error.into(),
            AlgorithmError::Unsupported(what) => Self::UnsupportedAlgorithm(what),
        }
    }
}

impl From<BadSignature> for CertificateError {
    fn from(_: BadSignature) -> Self {
        Self::BadSignature
    }
}
