//! What to seal a document with, where, and how.

use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, DigestAlg};

use super::usable::UsableSeal;
use crate::Stamp;

/// What to seal with, and where.
#[derive(Debug, Clone, Copy)]
pub struct SealingRequest<'a> {
    /// The seal.
    pub seal: &'a UsableSeal,
    /// Where the impressions go: any number of places, whole or in strips. None at all where
    /// [`SealingOptions::field`] has its own.
    pub stamps: &'a [Stamp],
    /// The sealing time, which the signature states; a fraction of a second is cut off.
    pub time: Timestamp,
    /// The certificate of the key that will sign: P-256, P-384 or RSA for [`SealForm::Pades`], SM2 for [`SealForm::Gm`].
    pub signer: &'a Certificate,
    /// Further certificates for the signature, so that others can build the signer's chain.
    pub chain: &'a [Certificate],
    /// Who seals, for people: `/Name`.
    pub name: Option<&'a str>,
    /// Why, for people: `/Reason`.
    pub reason: Option<&'a str>,
    /// Everything that has a usual value.
    pub options: SealingOptions<'a>,
}

/// How to seal; the default is an approval by a new field in a document without a password.
#[derive(Debug, Clone, Copy, Default)]
pub struct SealingOptions<'a> {
    /// The form of the signature.
    pub form: SealForm,
    /// The digest to sign over; `None` for the one that goes with the key. Only RSA keys have a choice.
    pub digest: Option<DigestAlg>,
    /// Makes it a certification (ISO 32000-2 §12.8.2.2), after which no more than this may happen to the document. It must
    /// be the first signature.
    pub certifies: Option<Permitted>,
    /// The name of an empty signature field to use, with its places, lock and seed values.
    pub field: Option<&'a str>,
    /// The user's or the owner's password of an encrypted document.
    pub password: &'a str,
    /// Bytes to keep free for a time stamp token over the signature value, see [`super::time_stamp_room`]; 0 for none.
    pub time_stamp_room: usize,
}

/// The form of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SealForm {
    /// `ETSI.CAdES.detached` (ETSI EN 319 142-1), which other software verifies. The SESeal is bound to it as a stream.
    #[default]
    Pades,
    /// `GM.sm2seal`: the value is a SES_Signature (GB/T 38540-2020) over the SM3 of the byte ranges.
    Gm,
}

/// What may happen to a document after its certification (ISO 32000-2 table 257).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permitted {
    /// Nothing.
    Nothing,
    /// Filling in forms, and signing.
    Filling,
    /// Comments too.
    Comments,
}

impl Permitted {
    /// `/P`.
    pub(crate) const fn level(self) -> i64 {
        match self {
            Self::Nothing => 1,
            Self::Filling => 2,
            Self::Comments => 3,
        }
    }
}
