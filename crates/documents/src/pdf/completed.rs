//! A document with an update behind it, ready to be written.

use std::fmt;
use std::io::Write;

use super::Source;
use crate::{DocumentError, OnProgress, Progress};

/// Bytes that are written at once.
const PIECE: usize = 1 << 20;

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
}

/// Never the bytes of a document: they would bury everything else.
impl fmt::Debug for Completed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completed").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}
