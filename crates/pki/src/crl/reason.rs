//! What an entry of a revocation list says.

use std::fmt;

use eseal_kernel::Timestamp;

/// That a certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// From this moment on.
    pub since: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// Why a certificate was revoked (RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the standard's")]
pub enum RevocationReason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    /// May be lifted by a later list.
    CertificateHold,
    PrivilegeWithdrawn,
    AaCompromise,
}

/// The code of an entry that takes a revocation back.
pub(super) const REMOVE_FROM_CRL: u8 = 8;

impl RevocationReason {
    const CODES: [(u8, Self); 9] = [
        (0, Self::Unspecified),
        (1, Self::KeyCompromise),
        (2, Self::CaCompromise),
        (3, Self::AffiliationChanged),
        (4, Self::Superseded),
        (5, Self::CessationOfOperation),
        (6, Self::CertificateHold),
        (9, Self::PrivilegeWithdrawn),
        (10, Self::AaCompromise),
    ];

    /// CRLReason.
    pub fn code(self) -> u8 {
        Self::CODES.into_iter().find(|(_, reason)| *reason == self).map_or(0, |(code, _)| code)
    }

    /// `None` for removeFromCRL (8); a code that is not defined counts as unspecified.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        let known = Self::CODES.into_iter().find(|(known, _)| u32::from(*known) == code);
        (code != u32::from(REMOVE_FROM_CRL)).then(|| known.map_or(Self::Unspecified, |(_, reason)| reason))
    }

    /// Whether a later list can no longer take it back.
    pub fn is_final(self) -> bool {
        self != Self::CertificateHold
    }
}

/// The standard's name: `keyCompromise`.
impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        })
    }
}
