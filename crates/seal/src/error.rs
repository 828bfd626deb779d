//! What can be wrong with a structure or with a signature value.

use der::asn1::ObjectIdentifier;
use eseal_pki::{BadSignature, KeyError};

/// Why bytes are not a seal or a seal signature, or why one cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A field is not there, or not in the form that the standard gives it.
    #[error("{field} is not in the form that GB/T 38540 gives it: {problem}")]
    Malformed {
        /// The field, by its name in the standard.
        field: &'static str,
        /// What the decoder met.
        problem: der::Error,
    },
    /// The header does not begin with `ES`: DER, but no electronic seal.
    #[error("the header's ID is not \"ES\": this is not an electronic seal")]
    NotASeal,
    /// More bytes or entries than [`limits`](crate::limits) allows.
    #[error("{field} has {actual}; at most {max} are allowed")]
    TooLarge {
        /// The field, by its name in the standard.
        field: &'static str,
        /// The most that is allowed.
        max: usize,
        /// What is there.
        actual: usize,
    },
    /// A moment that ASN.1 cannot hold here (before 1970), or a text that is no moment.
    #[error("{field} is not a moment that can be read or written")]
    Time {
        /// The field, by its name in the standard.
        field: &'static str,
    },
    /// `certListType` is neither 1 (certificates) nor 2 (digests).
    #[error("certListType is {0}; 1 (certificates) and 2 (digests) are known")]
    UnknownListType(i64),
    /// A seal without a single holder certificate can seal nothing.
    #[error("the list of holder certificates is empty")]
    NoCertificates,
    /// The bytes hold something that was not read, or that would be written otherwise: not to be signed.
    #[error("the bytes are not exactly those of what was read from them")]
    NotExact,
    /// GM/T 0031-2014 seals are read, never made.
    #[error("seals of GM/T 0031-2014 are read but not made: GB/T 38540-2020 replaced them")]
    CannotWriteV1,
    /// The key in the signer's certificate is of a kind that signs no seals.
    #[error("the key in the signer's certificate is {0}, and signs no seals")]
    UnsuitableKey(String),
}

/// Why a signature value does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// What stands in the place of the signer's certificate is none.
    #[error("what stands in the place of the signer's certificate cannot be read")]
    NoCertificate,
    /// The key in the signer's certificate cannot be used.
    #[error("the key in the signer's certificate cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The declared algorithm does not go with the key in the certificate.
    #[error("the declared signature algorithm {0} does not go with the key in the certificate")]
    Algorithm(ObjectIdentifier),
    /// The value is not the signature of these bytes by this key.
    #[error("the signature value is wrong: the bytes were changed, or another key signed them")]
    BadSignature(#[from] BadSignature),
}
