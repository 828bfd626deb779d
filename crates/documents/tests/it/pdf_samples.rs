//! Real signed PDFs, and what is known of them: labels worked out by hand (see the README and manifest.tsv beside them).

use std::sync::Arc;

use eseal_documents::{DocumentError, DocumentReport, Limits, Outcome, Severity, pdf};

use crate::support::samples::sample;

/// A line of the manifest.
struct Labelled {
    file: String,
    label: String,
    signatures: usize,
    reason: String,
}

fn manifest() -> Vec<Labelled> {
    let Some(text) = sample("pdf/manifest.tsv") else { return Vec::new() };
    let text = String::from_utf8(text).expect("text");
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        Labelled {
            file: fields[0].to_owned(),
            label: fields[1].to_owned(),
            signatures: fields[3].parse().unwrap_or(0),
            reason: fields[5].to_owned(),
        }
    };
    text.lines().skip(1).map(line).collect()
}

fn verify(file: &str) -> Result<DocumentReport, DocumentError> {
    let bytes = sample(&format!("pdf/{file}")).expect("a sample of the manifest");
    let source: pdf::Source = Arc::new(bytes);
    pdf::verify(&source, &Limits::default(), &mut |_| {})
}

/// What a reader sees at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Signed, nothing failed, no warning.
    PlainlyGood,
    /// Something passed is not known.
    Unknown,
    Flagged,
    Failed,
    Unsigned,
    Unreadable,
}

fn seen(report: &Result<DocumentReport, DocumentError>) -> Seen {
    let Ok(report) = report else { return Seen::Unreadable };
    let notes = report.notes.iter().chain(report.seals.iter().flat_map(|seal| &seal.notes));
    let outcomes: Vec<Outcome> = report.seals.iter().flat_map(|seal| [seal.content, seal.impression]).collect();
    if report.seals.is_empty() {
        Seen::Unsigned
    } else if outcomes.iter().any(|outcome| outcome.is_failed()) {
        Seen::Failed
    } else if notes.clone().any(|note| note.severity() == Severity::Warning) {
        Seen::Flagged
    } else if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unknown(_))) {
        Seen::Unknown
    } else {
        Seen::PlainlyGood
    }
}

/// What explains a verdict, in one line.
fn why(report: &Result<DocumentReport, DocumentError>) -> String {
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

#[test]
fn real_files_are_judged_as_they_are_labelled() {
    let mut wrong = Vec::new();
    for Labelled { file, label, signatures, reason } in manifest() {
        let report = verify(&file);
        let seen = seen(&report);
        let found = report.as_ref().map_or(0, |report| report.seals.len());
        println!("{label:9} {seen:11?} {found}/{signatures} {file}\n          {}", why(&report));
        let right = match label.as_str() {
            "good" => matches!(seen, Seen::PlainlyGood | Seen::Unknown) && found == signatures,
            "modified" => matches!(seen, Seen::Failed | Seen::Flagged),
            "broken" => !matches!(seen, Seen::PlainlyGood | Seen::Unknown),
            "unsigned" => seen == Seen::Unsigned,
            "unreadable" => seen == Seen::Unreadable,
            _ => true,
        };
        if !right {
            wrong.push(format!("{file} is {label} ({reason}) and was seen as {seen:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
