//! Why there is no chain, which certificate is the reason, and which rule it breaks.

use eseal_kernel::Timestamp;

use crate::crl::RevocationReason;

/// Why there is no chain, or it does not serve. `subject` names the certificate that is the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named in the messages")]
pub enum ChainError {
    /// Its issuer's certificate is neither given nor trusted.
    #[error("the certificate of the issuer {issuer} is missing")]
    NoPath { issuer: String },
    /// The chain ends in a root that is not among the trusted ones.
    #[error("the chain ends in {root}, which is not trusted")]
    NotTrusted { root: String },
    /// The issuer that it names did not sign it.
    #[error("the certificate of {subject} was not signed by the issuer that it names")]
    BadSignature { subject: String },
    /// It was signed with an algorithm, or by a key, that cannot be checked here.
    #[error("the signature on the certificate of {subject} cannot be checked: {reason}")]
    UnsupportedAlgorithm { subject: String, reason: String },
    /// It stands in an issuer's place and is no CA.
    #[error("{subject} is no certificate authority")]
    NotCa { subject: String },
    /// More certificates than [`super::MAX_DEPTH`], or than a pathLenConstraint allows.
    #[error("the chain is too long at {subject}")]
    PathTooLong { subject: String },
    /// Its keyUsage does not allow what it was used for.
    #[error("the certificate of {subject} does not allow this use of its key")]
    KeyUsage { subject: String },
    /// Its extKeyUsage does not list the purpose.
    #[error("the certificate of {subject} is not one of a seal maker")]
    Purpose { subject: String },
    /// A usage that the certificate below claims is not among those that its extKeyUsage lets this authority certify for.
    #[error("the authority {subject} may not certify for what the certificate is to be used for")]
    CaPurpose { subject: String },
    /// A critical extension that is not processed here or cannot be read (RFC 5280 §4.2: the certificate must be refused).
    #[error("the certificate of {subject} has the unknown critical extension {extension}")]
    UnknownCritical { subject: String, extension: String },
    /// An authority above restricts the names that may be certified, and this one is not allowed.
    #[error("the name {name} in the certificate of {subject} is not one that {authority} may certify")]
    NameNotAllowed { subject: String, name: String, authority: String },
    /// An authority above restricts names of a form that is not compared here, or this name has no form that could be.
    #[error("whether {authority} may certify the name {name} in the certificate of {subject} cannot be told")]
    NameNotCompared { subject: String, name: String, authority: String },
    /// An authority above restricts names, and those of this certificate cannot be read.
    #[error("the names in the certificate of {subject} cannot be read: {reason}")]
    NamesMalformed { subject: String, reason: &'static str },
    /// The chain needs a policy that is valid in all of it, and at this certificate none is left.
    #[error("no certificate policy is valid from the root down to {subject}")]
    NoPolicy { subject: String },
    /// It maps the policy that stands for all others.
    #[error("the certificate of {subject} maps anyPolicy")]
    AnyPolicyMapped { subject: String },
    /// At that moment its validity had not begun.
    #[error("the certificate of {subject} is valid from {from} only")]
    NotYetValid { subject: String, from: Timestamp },
    /// At that moment its validity was over.
    #[error("the certificate of {subject} was valid until {until} only")]
    Expired { subject: String, until: Timestamp },
    /// At that moment it was revoked.
    #[error("the certificate of {subject} is revoked since {since}")]
    Revoked { subject: String, since: Timestamp, reason: RevocationReason },
    /// More than [`super::MAX_POOL`] certificates to look through, or too many of one name, or with too many names.
    #[error("too many certificates to find a chain among")]
    TooManyCertificates,
}

impl ChainError {
    /// The subject of the certificate that is the reason; of an issuer that is missing its name.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::NoPath { issuer: subject }
            | Self::NotTrusted { root: subject }
            | Self::BadSignature { subject }
            | Self::UnsupportedAlgorithm { subject, .. }
            | Self::NotCa { subject }
            | Self::PathTooLong { subject }
            | Self::KeyUsage { subject }
            | Self::Purpose { subject }
            | Self::CaPurpose { subject }
            | Self::UnknownCritical { subject, .. }
            | Self::NameNotAllowed { subject, .. }
            | Self::NameNotCompared { subject, .. }
            | Self::NamesMalformed { subject, .. }
            | Self::NoPolicy { subject }
            | Self::AnyPolicyMapped { subject }
            | Self::NotYetValid { subject, .. }
            | Self::Expired { subject, .. }
            | Self::Revoked { subject, .. } => Some(subject),
            Self::TooManyCertificates => None,
        }
    }

    /// The clause of RFC 5280 that is broken; `None` for a bound of this crate.
    pub const fn clause(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoPath { .. } => "6.1.3 (a)(4)",
            Self::NotTrusted { .. } => "6.1.1 (d)",
            Self::BadSignature { .. } | Self::UnsupportedAlgorithm { .. } => "6.1.3 (a)(1)",
            Self::NotCa { .. } => "6.1.4 (k)",
            Self::PathTooLong { .. } => "6.1.4 (l), (m)",
            Self::KeyUsage { .. } => "4.2.1.3, 6.1.4 (n)",
            Self::Purpose { .. } | Self::CaPurpose { .. } => "4.2.1.12",
            Self::UnknownCritical { .. } => "4.2, 6.1.4 (o), 6.1.5 (f)",
            Self::NameNotAllowed { .. } => "6.1.3 (b), (c)",
            Self::NameNotCompared { .. } | Self::NamesMalformed { .. } => "4.2.1.10",
            Self::NoPolicy { .. } => "6.1.3 (f), 6.1.5 (g)",
            Self::AnyPolicyMapped { .. } => "6.1.4 (a)",
            Self::NotYetValid { .. } | Self::Expired { .. } => "6.1.3 (a)(2)",
            Self::Revoked { .. } => "6.1.3 (a)(3)",
            Self::TooManyCertificates => return None,
        })
    }

    /// Of two reasons the one that tells more: something wrong on the way, before a way that ends, before no way at all.
    pub(super) fn or_more_telling(self, other: Self) -> Self {
        let rank = |error: &Self| match error {
            Self::NoPath { .. } => 0,
            Self::NotTrusted { .. } => 1,
            Self::BadSignature { .. } => 2, // perhaps merely another key of the same name
            _ => 3,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}
