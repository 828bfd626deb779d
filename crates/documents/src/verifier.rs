//! Verifying many documents.

use std::io::Cursor;

use crate::known::Known;
use crate::{DocumentError, DocumentReport, Format, Limits, OnProgress, Source, detect, ofd, pdf};

/// Verifies documents of either format, one after the other or several at a time, and remembers the certificates and seals that
/// they carry: of the same bytes, a signature is checked once.
///
/// It remembers what follows from bytes alone, never whom to trust, a moment, or anything about a document. What it finds is
/// what [`verify`](crate::verify) finds.
#[derive(Debug, Default)]
pub struct Verifier {
    limits: Limits,
    known: Known,
}

impl Verifier {
    /// A verifier that has met nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, known: Known::default() }
    }

    /// Checks every seal and signature of a document. Whom to trust is [`judge()`](crate::judge())'s to say.
    ///
    /// # Errors
    /// As [`verify`](crate::verify).
    pub fn verify(&self, source: &Source, on_progress: OnProgress<'_>) -> Result<DocumentReport, DocumentError> {
        self.verify_with(source, "", on_progress)
    }

    /// The same for a PDF that is encrypted with a password: the user's or the owner's.
    ///
    /// # Errors
    /// As [`verify`](crate::verify).
    pub fn verify_with(
        &self,
        source: &Source,
        password: &str,
        on_progress: OnProgress<'_>,
    ) -> Result<DocumentReport, DocumentError> {
        let Self { limits, known } = self;
        match detect(&mut Cursor::new((**source).as_ref()))? {
            Format::Ofd => ofd::verify_knowing(source, limits, known, on_progress),
            Format::Pdf => pdf::verify_knowing(source, password, limits, known, on_progress),
        }
    }
}
