//! What a reader of a report sees at a glance, and whether a label by experts agrees with it.

use eseal_documents::{DocumentError, DocumentReport, Outcome, Severity};

/// What a reader sees at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Signed, nothing failed, no warning.
    PlainlyGood,
    Flagged,
    Failed,
    Unsigned,
    Unreadable,
}

pub fn seen(report: &Result<DocumentReport, DocumentError>) -> Seen {
    let Ok(report) = report else { return Seen::Unreadable };
    let mut notes = report.notes.iter().chain(report.seals.iter().flat_map(|seal| &seal.notes));
    let mut outcomes = report.seals.iter().flat_map(|seal| [seal.content, seal.impression]);
    if outcomes.any(Outcome::is_failed) {
        Seen::Failed
    } else if notes.any(|note| note.severity() == Severity::Warning) {
        Seen::Flagged
    } else if report.seals.is_empty() {
        Seen::Unsigned
    } else {
        Seen::PlainlyGood
    }
}

/// Whether that is what a file with this label must give.
pub fn is_right(label: &str, seen: Seen) -> bool {
    match label {
        "good" => seen == Seen::PlainlyGood,
        "modified" => matches!(seen, Seen::Failed | Seen::Flagged),
        "broken" => seen != Seen::PlainlyGood,
        "unsigned" => seen == Seen::Unsigned,
        "unreadable" => seen == Seen::Unreadable,
        _ => true,
    }
}

/// What explains a verdict, in one line.
pub fn why(report: &Result<DocumentReport, DocumentError>) -> String {
    let report = match report {
        Ok(report) => report,
        Err(error) => return error.to_string(),
    };
    let steps = report.seals.iter().flat_map(|seal| &seal.steps).filter_map(|step| {
        let reason = step.outcome.reason()?;
        Some(format!("{} {} {}", step.check, reason, step.detail.as_deref().unwrap_or_default()))
    });
    let notes = report.notes.iter().chain(report.seals.iter().flat_map(|seal| &seal.notes));
    let notes = notes.map(|note| format!("{} {}", note.code, note.detail.as_deref().unwrap_or_default()));
    steps.chain(notes).collect::<Vec<_>>().join(" | ")
}
