//! A signature without a seal: GB/T 35275 SignedData, or a bare value.

use crate::findings::Findings;
use super::signature::empty;
use crate::{Check, Kind, Outcome, Reason, SealReport};

/// A value that cannot be verified, for it comes without the signer's certificate.
pub fn unsupported(kind: Kind, mut found: Findings) -> SealReport {
    found.step(Check::SignatureFormat, Outcome::Unknown(Reason::SignatureValueUnsupported));
    empty(kind, found)
}
