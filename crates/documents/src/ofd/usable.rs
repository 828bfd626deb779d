//! A seal that may be used, checked once for any number of documents.

use std::fmt;

use eseal_kernel::Timestamp;
use eseal_seal::{Seal, Version};

use crate::DocumentError;

/// A seal that was read and whose maker's signature holds. Checking that costs as much as sealing a small document: keep it
/// for the next.
#[derive(Clone)]
pub struct UsableSeal(Seal);

impl UsableSeal {
    /// Reads a SESeal as its maker made it.
    ///
    /// Whether the maker may be trusted is no question here, and whether the seal is valid is one of the sealing time.
    ///
    /// # Errors
    /// [`DocumentError::SealUnusable`]: it is malformed, of GM/T 0031-2014, or not its maker's.
    pub fn from_der(der: &[u8]) -> Result<Self, DocumentError> {
        let seal = Seal::from_der(der).map_err(|error| unusable(error.to_string()))?;
        if seal.version() == Version::V1 {
            return Err(unusable(
                "seals of GM/T 0031-2014 are verified, but documents are not sealed with them any more",
            ));
        }
        seal.verify_value().map_err(|error| unusable(error.to_string()))?;
        Ok(Self(seal))
    }

    /// The seal.
    pub const fn seal(&self) -> &Seal {
        &self.0
    }

    /// Refuses to seal at `time`, or with a generation that was not asked for.
    ///
    /// # Errors
    /// [`DocumentError::SealNotValid`], [`DocumentError::SealUnusable`].
    pub(crate) fn must_be_usable_at(&self, time: Timestamp, accept_v5: bool) -> Result<(), DocumentError> {
        if self.0.version() == Version::V5 && !accept_v5 {
            return Err(unusable("seals of GM/T 0031-2025 are used for sealing only where that is asked for"));
        }
        let info = self.0.info();
        match info.is_valid_at(time) {
            true => Ok(()),
            false => Err(DocumentError::SealNotValid { time, from: info.valid_from, to: info.valid_to }),
        }
    }
}

/// Never the seal's bytes: they would bury everything else.
impl fmt::Debug for UsableSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsableSeal").field("id", &self.0.info().es_id).finish_non_exhaustive()
    }
}

fn unusable(what: impl Into<String>) -> DocumentError {
    DocumentError::SealUnusable { what: what.into() }
}
