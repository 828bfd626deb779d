//! Sealing in two steps: [`prepare`] says what must be signed, [`Prepared::finish`] writes the sealed document.
//!
//! The document is copied as it is and an incremental update is appended (see `draft`). The signature is
//! `ETSI.CAdES.detached` (ETSI EN 319 142-1: baseline B-B, or B-T with a time stamp), or `GM.sm2seal` (see `signing`).

use std::io::{Read, Write};

use super::completed::Completed;
use super::draft::Draft;
use super::request::SealingRequest;
use super::signing::Signing;
use super::view::View;
use super::{Source, digest};
use crate::{DocumentError, Limits, OnProgress};

/// What gives the bytes that are hashed: the source itself, or somebody who reads it.
type Content<'a> = Option<&'a mut dyn Read>;

/// A document that is ready to be sealed, except for the signature.
pub struct Prepared {
    source: Source,
    draft: Draft,
    digest: Vec<u8>,
    signing: Signing,
}

/// A document was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The name of the signature field.
    pub id: String,
    /// Bytes of the sealed document.
    pub bytes: u64,
    /// DER of the CMS or SES_Signature in it.
    pub signature: Vec<u8>,
}

/// Prepares the sealing of a PDF document; it stays open for further seals, unless it is certified against them.
///
/// # Errors
/// The document cannot be used (damaged, encrypted with another password), an earlier signature permits no changes, a
/// place is not on its page, the field cannot be used or its author asks for something else, the key does not go with the
/// form, or the seal is not valid at that time or does not list the signer.
pub fn prepare(
    source: Source,
    request: &SealingRequest<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    prepare_from(source, None, request, limits, on_progress)
}

/// The same for a mapped file, whose bytes `content` reads once from the first to the last: of the mapping only those pages are
/// touched that say how the document is built, and the memory that sealing takes does not grow with the document.
///
/// # Errors
/// As [`prepare`]; [`DocumentError::Changed`] where `content` has more or fewer bytes than the source.
pub fn prepare_reading(
    source: Source,
    content: &mut dyn Read,
    request: &SealingRequest<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    prepare_from(source, Some(content), request, limits, on_progress)
}

fn prepare_from(
    source: Source,
    content: Content<'_>,
    request: &SealingRequest<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    request.seal.must_be_usable_by(request.signer, request.time)?;
    let suite = Signing::suite(request)?;
    let room = Signing::room(request, suite)?;
    let password = request.options.password;
    let draft = Draft::seal(&View::present_with(&source, limits, password)?, request, suite.digest(), room)?;
    let [head, tail] = draft.signed_parts();
    let (hasher, bytes) = (suite.digest().hasher(), (*source).as_ref());
    let digest = match content {
        None => digest::with(hasher, &[bytes, head, tail], on_progress),
        Some(content) => digest::reading(hasher, content, bytes.len(), &[head, tail], on_progress)?,
    };
    let signing = Signing::new(request, suite, &digest)?;
    Ok(Prepared { source, draft, digest, signing })
}

impl Prepared {
    /// The digest of the byte ranges, which stands for the whole document.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The message that the signer's key signs: the DER of the CMS signed attributes, or of the TBS_Sign.
    pub fn to_sign(&self) -> &[u8] {
        self.signing.to_sign()
    }

    /// Writes the sealed document with the signature value over [`Prepared::to_sign`].
    ///
    /// # Errors
    /// The signature does not verify, or writing fails; then `out` has an incomplete document and must be thrown away.
    pub fn finish(
        self,
        out: impl Write,
        signature: &[u8],
        on_progress: OnProgress<'_>,
    ) -> Result<Sealed, DocumentError> {
        let (completed, sealed) = self.complete(signature, None)?;
        completed.write(out, on_progress)?;
        Ok(sealed)
    }

    /// The sealed document with the signature value over [`Prepared::to_sign`] and, where room was kept for one, a time stamp
    /// token (RFC 3161) over the signature value, which makes it PAdES B-T.
    ///
    /// # Errors
    /// [`DocumentError::SigningFailed`] where the signature does not verify; [`DocumentError::TimeStampRefused`] for a token
    /// that is not over this value, or larger than the room for it.
    pub fn complete(mut self, signature: &[u8], token: Option<&[u8]>) -> Result<(Completed, Sealed), DocumentError> {
        let value = self.signing.finish(signature, token)?;
        self.draft.fill(&value)?;
        let completed = Completed::new(self.source, self.draft.update);
        let sealed = Sealed { id: self.draft.field, bytes: completed.bytes(), signature: value };
        Ok((completed, sealed))
    }
}

/// Never the bytes of a document or a seal: they would bury everything else.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("Prepared");
        fields.field("id", &self.draft.field).field("digest", &hex::encode(&self.digest)).finish_non_exhaustive()
    }
}
