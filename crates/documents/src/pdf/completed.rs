//! A document with an update behind it, ready to be written.

use std::fmt;
use std::io::{Read, Write};

use super::Source;
use super::content::{self, PIECE};
use crate::{DocumentError, OnProgress, Progress};

/// The document as it was given, and what comes behind its last byte.
pub struct Completed {
    source: Source,
    update: Vec<u8>,
}

impl Completed {
    pub(crate) fn new(source: Source, update: Vec<u8>) -> Self {
        Self { source, update }
    }

    /// What comes behind the last byte of the document: for whoever has the document copied by other means, such as the file
    /// system's.
    pub fn update(&self) -> &[u8] {
        &self.update
    }

    /// Bytes of the whole.
    pub fn bytes(&self) -> u64 {
        ((*self.source).as_ref().len() + self.update.len()) as u64
    }

    /// Writes the whole.
    ///
    /// # Errors
    /// [`DocumentError::Write`]; then `out` has an incomplete document and must be thrown away.
    pub fn write(&self, mut out: impl Write, on_progress: OnProgress<'_>) -> Result<(), DocumentError> {
        let total = self.bytes();
        let mut done = 0;
        for piece in (*self.source).as_ref().chunks(PIECE).chain([self.update.as_slice()]) {
            out.write_all(piece).map_err(DocumentError::Write)?;
            done += piece.len() as u64;
            on_progress(Progress { done, total });
        }
        out.flush().map_err(DocumentError::Write)
    }

    /// The same where the document is a mapped file, whose bytes `content` reads from the first to the last: the mapping is not
    /// touched.
    ///
    /// # Errors
    /// [`DocumentError::Write`], [`DocumentError::Read`]; [`DocumentError::Changed`] where `content` has more or fewer bytes than
    /// the document. Then `out` has an incomplete document and must be thrown away.
    pub fn write_reading(
        &self,
        content: &mut dyn Read,
        mut out: impl Write,
        on_progress: OnProgress<'_>,
    ) -> Result<(), DocumentError> {
        let total = self.bytes();
        content::pieces(content, (*self.source).as_ref().len(), |piece, done| {
            out.write_all(piece).map_err(DocumentError::Write)?;
            on_progress(Progress { done, total });
            Ok(())
        })?;
        out.write_all(&self.update).and_then(|()| out.flush()).map_err(DocumentError::Write)?;
        on_progress(Progress { done: total, total });
        Ok(())
    }
}

/// Never the bytes of a document: they would bury everything else.
impl fmt::Debug for Completed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completed").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}
