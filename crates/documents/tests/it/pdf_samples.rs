//! Real signed PDFs, and what is known of them: labels worked out by hand (see the README and manifest.tsv beside them).

use std::sync::Arc;

use eseal_documents::{DocumentError, DocumentReport, Limits, pdf};

use crate::support::glance::{is_right, seen, why};
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

#[test]
fn real_files_are_judged_as_they_are_labelled() {
    let mut wrong = Vec::new();
    for Labelled { file, label, signatures, reason } in manifest() {
        let report = verify(&file);
        let seen = seen(&report);
        let found = report.as_ref().map_or(0, |report| report.seals.len());
        println!("{label:9} {seen:11?} {found}/{signatures} {file}\n          {}", why(&report));
        let right = is_right(&label, seen) && (label != "good" || found == signatures);
        if !right {
            wrong.push(format!("{file} is {label} ({reason}) and was seen as {seen:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
