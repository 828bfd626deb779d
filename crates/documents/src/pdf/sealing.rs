//! Sealing in two steps: [`prepare`] says what must be signed, [`Prepared::finish`] writes the sealed document.
//!
//! The document is copied as it is and an incremental update is appended (see `draft`). The signature is
//! `ETSI.CAdES.detached` (ETSI EN 319 142-1, baseline B-B).

use std::io::Write;

use eseal_kernel::Timestamp;
use eseal_pki::cms::SignedAttributes;
use eseal_pki::{Certificate, DigestAlg, Suite};
use eseal_seal::{Seal, Version};

use super::draft::Draft;
use super::view::View;
use super::{Source, digest};
use crate::{DocumentError, Limits, OnProgress, Progress, Stamp};

/// Bytes that are written at once.
const PIECE: usize = 1 << 20;

/// The longest signature value: an RSA key of 8192 bits.
const MAX_RSA_SIGNATURE: usize = 1024;

/// The longest DER of two numbers below the order of a 256-bit curve: 2 + 2 × (2 + 33).
const MAX_ECDSA_SIGNATURE: usize = 72;

/// What to seal with, and where.
#[derive(Debug, Clone, Copy)]
pub struct SealingRequest<'a> {
    /// The SESeal, as its maker made it.
    pub seal_der: &'a [u8],
    /// Where the impression goes; exactly one place, without a clip.
    pub stamps: &'a [Stamp],
    /// The sealing time, which the signature states; a fraction of a second is cut off.
    pub time: Timestamp,
    /// The certificate of the key that will sign: P-256 or RSA.
    pub signer: &'a Certificate,
    /// Further certificates for the signature, so that others can build the signer's chain.
    pub chain: &'a [Certificate],
    /// Who seals, for people: `/Name`.
    pub name: Option<&'a str>,
    /// Why, for people: `/Reason`.
    pub reason: Option<&'a str>,
}

/// A document that is ready to be sealed, except for the signature.
pub struct Prepared {
    source: Source,
    draft: Draft,
    digest: Vec<u8>,
    attributes: SignedAttributes,
    chain: Vec<Certificate>,
}

/// A document was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The name of the signature field.
    pub id: String,
    /// Bytes of the sealed document.
    pub bytes: u64,
    /// DER of the CMS in it.
    pub signature: Vec<u8>,
}

/// Prepares the sealing of a PDF document; it stays open for further seals.
///
/// # Errors
/// The document cannot be used (damaged, encrypted), an earlier signature permits no changes, the place is not on its
/// page, the seal is malformed, not its maker's or not valid at that time, or it does not list the signer.
pub fn prepare(
    source: Source,
    request: &SealingRequest<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    let seal = usable_seal(request)?;
    let suite = suite_of(request.signer)?;
    let room = value_room(request, suite)?;
    let draft = Draft::write(&View::present(&source, limits)?, &seal, request, room)?;
    let [head, tail] = draft.signed_parts();
    let digest = digest::with(DigestAlg::Sha256.hasher(), &[(*source).as_ref(), head, tail], on_progress);
    let attributes = attributes(request.signer, &digest, suite)?;
    Ok(Prepared { source, draft, digest, attributes, chain: request.chain.to_vec() })
}

impl Prepared {
    /// The SHA-256 of the byte ranges, which stands for the whole document.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The DER of the CMS signed attributes: the message that the signer's key signs.
    pub fn to_sign(&self) -> &[u8] {
        self.attributes.to_be_signed()
    }

    /// Writes the sealed document with the signature value over [`Prepared::to_sign`].
    ///
    /// # Errors
    /// The signature does not verify, or writing fails; then `out` has an incomplete document and must be thrown away.
    pub fn finish(
        mut self,
        mut out: impl Write,
        signature: &[u8],
        on_progress: OnProgress<'_>,
    ) -> Result<Sealed, DocumentError> {
        self.attributes.check(signature).map_err(|_| DocumentError::SigningFailed)?;
        let cms = self.attributes.finish(signature, &self.chain);
        let value = hex::encode(&cms);
        let room = self.draft.update.get_mut(self.draft.contents.clone()).and_then(|room| room.get_mut(..value.len()));
        room.ok_or(DocumentError::SigningFailed)?.copy_from_slice(value.as_bytes());

        let before = (*self.source).as_ref();
        let total = (before.len() + self.draft.update.len()) as u64;
        let mut done = 0;
        for piece in before.chunks(PIECE).chain([self.draft.update.as_slice()]) {
            out.write_all(piece).map_err(DocumentError::Write)?;
            done += piece.len() as u64;
            on_progress(Progress { done, total });
        }
        out.flush().map_err(DocumentError::Write)?;
        Ok(Sealed { id: self.draft.field, bytes: total, signature: cms })
    }
}

/// Never the bytes of a document or a seal: they would bury everything else.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("Prepared");
        fields.field("id", &self.draft.field).field("digest", &hex::encode(&self.digest)).finish_non_exhaustive()
    }
}

/// The seal, if it may be used for this document.
fn usable_seal(request: &SealingRequest<'_>) -> Result<Seal, DocumentError> {
    let unusable = |what: String| DocumentError::SealUnusable { what };
    let seal = Seal::from_der(request.seal_der).map_err(|error| unusable(error.to_string()))?;
    if seal.version() == Version::V1 {
        return Err(unusable(
            "seals of GM/T 0031-2014 are verified, but documents are not sealed with them any more".into(),
        ));
    }
    seal.verify_value().map_err(|error| unusable(error.to_string()))?;
    let (info, time) = (seal.info(), request.time.whole_seconds());
    if !info.is_valid_at(time) {
        return Err(DocumentError::SealNotValid { time, from: info.valid_from, to: info.valid_to });
    }
    if !info.certificates.contains(request.signer) {
        return Err(DocumentError::SignerNotInSeal);
    }
    Ok(seal)
}

/// The suite of the signer's key; other software verifies PDF signatures of P-256 and RSA only.
fn suite_of(signer: &Certificate) -> Result<Suite, DocumentError> {
    let suite = signer.public_key().ok().and_then(|key| key.suite());
    suite.filter(|suite| *suite != Suite::Sm2Sm3).ok_or_else(|| DocumentError::Unsupported {
        what: "a PDF is sealed with a P-256 or RSA certificate, and this one is neither".to_owned(),
    })
}

/// Bytes that the signature value will have at most: its real structure around the longest signature.
fn value_room(request: &SealingRequest<'_>, suite: Suite) -> Result<usize, DocumentError> {
    let longest = match suite {
        Suite::RsaSha256 => MAX_RSA_SIGNATURE,
        Suite::EcdsaP256Sha256 | Suite::Sm2Sm3 => MAX_ECDSA_SIGNATURE,
    };
    let digest = vec![0; suite.digest().output_len()];
    Ok(attributes(request.signer, &digest, suite)?.finish(&vec![0; longest], request.chain).len())
}

fn attributes(signer: &Certificate, digest: &[u8], suite: Suite) -> Result<SignedAttributes, DocumentError> {
    SignedAttributes::try_new(signer, digest, suite)
        .map_err(|error| DocumentError::Unsupported { what: error.to_string() })
}
