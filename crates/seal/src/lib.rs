//! GB/T 38540 structures: encode, decode, make, verify.
//!
//! | type | the standard's name | what it is |
//! |---|---|---|
//! | [`SealInfo`] | SES_SealInfo | what a seal maker signs: id, name, holder certificates, validity, picture |
//! | [`Seal`] | SESeal (电子印章) | a [`SealInfo`] with the maker's certificate and signature |
//! | [`ToSign`] | TBS_Sign | what a holder signs: the seal, the time, the digest of the document |
//! | [`SesSignature`] | SES_Signature (电子签章) | a [`ToSign`] with the holder's certificate and signature |
//!
//! Three generations are read: GM/T 0031-2014 ([`Version::V1`]), GB/T 38540-2020 ([`Version::V4`]) and GM/T 0031-2025
//! ([`Version::V5`]). V4 is written; V5 too where a caller asks for it.
//!
//! **Signatures are checked over the exact bytes that were received**, never over bytes encoded again: real seals spell
//! out DER defaults, and a re-encoding would break their signatures. Reading is therefore tolerant where the meaning is
//! plain (string and time types, an explicit `FALSE`), strict where it is not (lengths, order, trailing bytes), and
//! bounded everywhere by [`limits`].
//!
//! What this crate answers is whether the values hold. Whether a certificate leads to a root that is trusted *for
//! making seals* or *for sealing* is asked of [`eseal_pki::chain`]: without that answer, a seal that anybody signed
//! verifies just as well. [`Seal::maker_certificate`], [`SesSignature::certificate`] and
//! [`SesSignature::signer_in_list`] give what is needed to ask.
//!
//! No I/O, no clock, no randomness.

mod algorithm;
mod asn1;
mod certificates;
mod error;
mod info;
pub mod limits;
mod read;
mod seal;
mod signature;
mod time;
mod to_sign;

pub use certificates::{CertificateDigest, CertificateList, ListMatch};
pub use error::{SealError, ValueError};
pub use info::{Extension, Picture, SealInfo};
pub use seal::{Seal, Version};
pub use signature::SesSignature;
pub use to_sign::ToSign;
