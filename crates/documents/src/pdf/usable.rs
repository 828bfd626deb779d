//! A seal that may be used, made ready once for any number of documents.

use std::fmt;

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::Certificate;
use eseal_seal::{Seal, Version};

use super::picture::Picture;
use crate::{DocumentError, Size};

/// A seal that was read, whose maker's signature holds, and whose picture was made ready for pages. Making one costs more than
/// sealing a small document: keep it for the next.
#[derive(Clone)]
pub struct UsableSeal {
    seal: Seal,
    picture: Picture,
    fingerprint: Digest,
}

impl UsableSeal {
    /// Reads a SESeal as its maker made it.
    ///
    /// Whether the maker may be trusted is no question here, and whether the seal is valid is one of the sealing time.
    ///
    /// # Errors
    /// [`DocumentError::SealUnusable`]: it is malformed, of GM/T 0031-2014, not its maker's, or its picture is no PNG or
    /// too large.
    pub fn from_der(der: &[u8]) -> Result<Self, DocumentError> {
        let unusable = |what: String| DocumentError::SealUnusable { what };
        let seal = Seal::from_der(der).map_err(|error| unusable(error.to_string()))?;
        if seal.version() == Version::V1 {
            return Err(unusable(
                "seals of GM/T 0031-2014 are verified, but documents are not sealed with them any more".into(),
            ));
        }
        seal.verify_value().map_err(|error| unusable(error.to_string()))?;
        Self::of_checked(seal)
    }

    /// A seal whose maker's signature was found to hold.
    ///
    /// # Errors
    /// [`DocumentError::SealUnusable`]: its picture is no PNG or too large.
    pub(crate) fn of_checked(seal: Seal) -> Result<Self, DocumentError> {
        let picture = Picture::of(&seal.info().picture)?;
        Ok(Self { fingerprint: Digest::of(seal.der()), seal, picture })
    }

    /// The seal.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// The size of its impression.
    pub fn size(&self) -> Size {
        Size::from(&self.seal.info().picture)
    }

    pub(crate) fn picture(&self) -> &Picture {
        &self.picture
    }

    /// SHA-256 of its DER.
    pub(crate) fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// Refuses to seal at `time`, or with a certificate that the seal does not list.
    ///
    /// # Errors
    /// [`DocumentError::SealNotValid`], [`DocumentError::SignerNotInSeal`].
    pub(crate) fn must_be_usable_by(&self, signer: &Certificate, time: Timestamp) -> Result<(), DocumentError> {
        let (info, time) = (self.seal.info(), time.whole_seconds());
        if !info.is_valid_at(time) {
            return Err(DocumentError::SealNotValid { time, from: info.valid_from, to: info.valid_to });
        }
        if info.certificates.contains(signer) { Ok(()) } else { Err(DocumentError::SignerNotInSeal) }
    }
}

/// Never the seal's bytes: they would bury everything else.
impl fmt::Debug for UsableSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsableSeal").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}
