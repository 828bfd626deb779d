//! Sealed documents, PDF and OFD: place, seal, verify.
//!
//! Opens nothing: callers bring what can be read and written. Knows no key: sealing is done in two steps, `prepare`
//! says what must be signed and `finish` takes the signature, so that the key may lie on a card, in a service or in
//! a test. Knows no trust: `verify` reports what a document's bytes say, and [`judge()`] applies given roots to it.
//!
//! - [`ofd`]: GB/T 33190 packages; [`pdf`]: ISO 32000 files
//! - [`sealing`]: the two steps of sealing, for both formats alike
//! - [`verifier`]: many documents, with what is met again checked once
//! - [`report`]: what verification finds; [`check`], [`reason`], [`note`]: the stable codes in it
//! - [`mod@judge`]: the verdict, given whom to trust; [`status`]: what may be relied upon at a moment (EN 319 102-1)
//! - [`place`]: where an impression stands; [`placement`]: rules that say where; [`limits`]: bounds on what comes from outside

pub mod check;
mod codes;
pub mod error;
mod findings;
pub mod judge;
mod known;
pub mod limits;
pub mod note;
pub mod ofd;
pub mod pdf;
pub mod place;
pub mod placement;
pub mod reason;
pub mod report;
pub mod sealing;
pub mod status;
mod text;
pub mod time_stamp;
mod token;
pub mod verifier;

use std::io::{Cursor, Read, Seek, SeekFrom};

pub use check::Check;
pub use codes::Language;
pub use error::{DocumentError, NameProblem, SealingOption};
pub use judge::{Judgement, SealJudgement, Trust, Verdict, judge};
pub use limits::{Limit, LimitError, Limits};
pub use note::{Note, NoteCode, Severity};
pub use pdf::Source;
pub use place::{Clip, PageSize, Place, Stamp};
pub use placement::{Edge, Hit, Placement, Seam, Size, Spot, Which};
pub use reason::Reason;
pub use report::{DocumentReport, Format, Kind, Outcome, SealReport, Step};
pub use time_stamp::{Covered, TimeStampReport};
pub use verifier::Verifier;

/// How far a long work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are done.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Called now and then during a long work; `&mut |_| {}` to hear nothing.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress);

/// Checks every seal and signature of a document of either format. Whom to trust is [`judge()`]'s to say.
///
/// # Errors
/// The file is no document, is damaged beyond use, needs a password, or exceeds a limit. What is wrong with a seal or
/// with what it protects is in the report.
pub fn verify(source: &Source, limits: &Limits, on_progress: OnProgress<'_>) -> Result<DocumentReport, DocumentError> {
    verify_with(source, "", limits, on_progress)
}

/// The same for a document that may be encrypted with a password: the user's or the owner's. An OFD has none.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(
    source: &Source,
    password: &str,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<DocumentReport, DocumentError> {
    Verifier::new(limits.clone()).verify_with(source, password, on_progress)
}

/// The size of every page of a document of either format, in order.
///
/// # Errors
/// As [`verify`]; also where a page has no size.
pub fn pages(source: &Source, limits: &Limits) -> Result<Vec<PageSize>, DocumentError> {
    pages_with(source, "", limits)
}

/// The same for a document that may be encrypted with a password.
///
/// # Errors
/// As [`pages`].
pub fn pages_with(source: &Source, password: &str, limits: &Limits) -> Result<Vec<PageSize>, DocumentError> {
    match detect(&mut Cursor::new(source.as_ref().as_ref()))? {
        Format::Ofd => ofd::pages(source, limits),
        Format::Pdf => pdf::pages_with(source, password, limits),
    }
}

/// The impressions of `size` that a rule comes to on a document of either format.
///
/// # Errors
/// As [`pages`] and [`Placement::resolve`].
pub fn stamps(
    source: &Source,
    placement: &Placement,
    size: Size,
    limits: &Limits,
) -> Result<Vec<Stamp>, DocumentError> {
    stamps_with(source, placement, size, "", limits)
}

/// The same on a document that may be encrypted with a password.
///
/// # Errors
/// As [`stamps`].
pub fn stamps_with(
    source: &Source,
    placement: &Placement,
    size: Size,
    password: &str,
    limits: &Limits,
) -> Result<Vec<Stamp>, DocumentError> {
    let pages = pages_with(source, password, limits)?;
    let hits = match placement.keyword()? {
        None => Vec::new(),
        Some(text) => find_text(source, text, password, limits)?,
    };
    placement.resolve(size, &pages, &hits, limits)
}

fn find_text(source: &Source, text: &str, password: &str, limits: &Limits) -> Result<Vec<Hit>, DocumentError> {
    match detect(&mut Cursor::new(source.as_ref().as_ref()))? {
        Format::Ofd => ofd::find_text(source, text, limits),
        Format::Pdf => pdf::find_text_with(source, text, password, limits),
    }
}

/// Real PDF files have their header somewhere in the first kilobyte (ISO 32000-1 Annex H.3, note 13).
const PDF_HEADER_WITHIN: u64 = 1024;

/// Says what kind of document `input` is by its first bytes. The position of `input` afterwards is its start.
///
/// # Errors
/// [`DocumentError::NotADocument`] if it is neither; [`DocumentError::Read`].
pub fn detect(input: &mut (impl Read + Seek)) -> Result<Format, DocumentError> {
    let mut head = Vec::new();
    input.seek(SeekFrom::Start(0)).map_err(DocumentError::Read)?;
    input.by_ref().take(PDF_HEADER_WITHIN).read_to_end(&mut head).map_err(DocumentError::Read)?;
    input.seek(SeekFrom::Start(0)).map_err(DocumentError::Read)?;
    // Whichever comes first: a package may begin with a PDF attachment, stored as it is.
    let format = (0..head.len()).find_map(|at| match &head[at..] {
        rest if rest.starts_with(b"%PDF-") => Some(Format::Pdf),
        rest if rest.starts_with(b"PK\x03\x04") || rest.starts_with(b"PK\x05\x06") => Some(Format::Ofd),
        _ => None,
    });
    format.ok_or(DocumentError::NotADocument)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_document_is_known_by_its_first_bytes() {
        assert!(matches!(detect(&mut Cursor::new(b"\n%PDF-1.7\n")), Ok(Format::Pdf)));
        assert!(matches!(detect(&mut Cursor::new(b"PK\x03\x04....")), Ok(Format::Ofd)));
        assert!(matches!(detect(&mut Cursor::new(b"PK\x03\x04...a.pdf%PDF-1.7")), Ok(Format::Ofd)));
        assert!(matches!(detect(&mut Cursor::new(b"hello")), Err(DocumentError::NotADocument)));
        assert!(matches!(detect(&mut Cursor::new(b"")), Err(DocumentError::NotADocument)));
    }

    #[test]
    fn every_code_is_stable_in_form_and_has_its_own_name_and_texts() {
        let codes = Reason::ALL.iter().map(|c| (c.code(), c.text(Language::En), c.text(Language::ZhCn)));
        let codes = codes.chain(Check::ALL.iter().map(|c| (c.code(), c.text(Language::En), c.text(Language::ZhCn))));
        for (code, en, zh) in codes {
            assert!(code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit()), "{code}");
            assert!(!en.ends_with('.') && en.is_ascii() && !zh.is_ascii(), "{code}");
        }
        let mut names: Vec<_> = Reason::ALL.iter().map(|r| r.code()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
    }
}
