//! What this program says of a file, at a glance and in codes.

use std::path::Path;
use std::sync::Arc;

use eseal_documents::{DocumentReport, Limits, Outcome, Severity, Source, Trust, judge, verify};

/// What a reader sees at a glance. Whom to trust is nobody's business here: no roots are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing failed and there is no warning.
    Good,
    /// Nothing failed, but there is a warning.
    Flagged,
    /// The content or the impression of some seal failed.
    Refused,
    /// There is no seal and no signature.
    Unsigned,
    /// The file cannot be opened.
    Unreadable,
}

/// What is said of one file.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub seen: Seen,
    /// Seals and signatures, time stamps over the document not counted.
    pub signatures: usize,
    /// The codes that explain it.
    pub codes: Vec<String>,
}

impl Seen {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Flagged => "flagged",
            Self::Refused => "refused",
            Self::Unsigned => "unsigned",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Verdict {
    pub fn of(path: &Path, limits: &Limits) -> Self {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return Self::unreadable(error.to_string()),
        };
        let source: Source = Arc::new(bytes);
        match verify(&source, limits, &mut |_| {}) {
            Ok(report) => Self::of_report(&report),
            Err(error) => Self::unreadable(format!("{}: {error}", error.reason())),
        }
    }

    fn unreadable(why: String) -> Self {
        Self { seen: Seen::Unreadable, signatures: 0, codes: vec![why] }
    }

    fn of_report(report: &DocumentReport) -> Self {
        let judged = judge(report, &Trust::default());
        let mut codes: Vec<String> = Vec::new();
        let mut failed = false;
        for outcome in judged.seals.iter().flat_map(|seal| [seal.content, seal.impression]) {
            failed |= outcome.is_failed();
            if let Outcome::Failed(reason) | Outcome::Unknown(reason) = outcome {
                codes.push(reason.to_string());
            }
        }
        let notes = judged.notes.iter().chain(judged.seals.iter().flat_map(|seal| &seal.notes));
        let warnings: Vec<_> = notes.filter(|note| note.severity() == Severity::Warning).collect();
        codes.extend(warnings.iter().map(|note| note.code.to_string()));
        codes.sort_unstable();
        codes.dedup();
        let seen = match () {
            () if failed => Seen::Refused,
            () if !warnings.is_empty() => Seen::Flagged,
            () if judged.seals.is_empty() => Seen::Unsigned,
            () => Seen::Good,
        };
        Self { seen, signatures: judged.seals.len(), codes }
    }
}
