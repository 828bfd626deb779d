//! A time stamp over a whole document (ISO 32000-2 §12.8.5), in two steps as sealing is: what must be stamped, and the document
//! with the token in it. Behind data for validation it makes PAdES B-LTA of B-LT (ETSI EN 319 142-1).

use std::fmt;

use eseal_pki::{DigestAlg, Hasher};

use super::completed::Completed;
use super::draft::Draft;
use super::view::View;
use super::{Source, digest};
use crate::{DocumentError, Limits, OnProgress, token};

/// A document that is ready to be stamped, except for the token.
pub struct PreparedTimeStamp {
    source: Source,
    draft: Draft,
    algorithm: DigestAlg,
    digest: Vec<u8>,
    room: usize,
}

/// Prepares a time stamp over the document as it is, with all that it holds. `room` is how many bytes the token may have, see
/// [`super::time_stamp_room`].
///
/// No signature forbids it: what it proves is that the document was there.
///
/// # Errors
/// The document cannot be used: damaged, or encrypted with another password.
pub fn prepare_time_stamp(
    source: Source,
    algorithm: DigestAlg,
    room: usize,
    password: &str,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<PreparedTimeStamp, DocumentError> {
    let draft = Draft::time_stamp(&View::present_with(&source, limits, password)?, room)?;
    let [head, tail] = draft.signed_parts();
    let digest = digest::with(algorithm.hasher(), &[(*source).as_ref(), head, tail], on_progress);
    Ok(PreparedTimeStamp { source, draft, algorithm, digest, room })
}

impl PreparedTimeStamp {
    /// What to ask the authority for: the digest of the byte ranges, by the algorithm that was given.
    pub fn imprint(&self) -> &[u8] {
        &self.digest
    }

    /// The name of the field that the stamp will be in.
    pub fn field(&self) -> &str {
        &self.draft.field
    }

    /// The document with the token in it.
    ///
    /// # Errors
    /// [`DocumentError::TimeStampRefused`] for a token that is not over [`PreparedTimeStamp::imprint`], or larger than its
    /// room.
    pub fn complete(mut self, token: &[u8]) -> Result<Completed, DocumentError> {
        token::must_fit(token, self.room)?;
        let other = || DocumentError::TimeStampRefused { what: "it is over another digest".to_owned() };
        let mut is_ours = true;
        token::must_be_over(token, &mut |hasher: Hasher| {
            is_ours &= hasher.alg() == self.algorithm;
            self.digest.clone()
        })?;
        if !is_ours {
            return Err(other());
        }
        self.draft.fill(token)?;
        Ok(Completed::new(self.source, self.draft.update))
    }
}

/// Never the bytes of a document.
impl fmt::Debug for PreparedTimeStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedTimeStamp").field("imprint", &hex::encode(&self.digest)).finish_non_exhaustive()
    }
}
