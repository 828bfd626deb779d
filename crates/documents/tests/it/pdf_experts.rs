//! PDFs that pyHanko signs and changes, and what experts on the standard say of each change: permitted or not.

use std::process::Command;

use crate::support::glance::{is_right, seen, why};
use crate::support::pdf_parties::try_verify;
use crate::support::peers::{pyhanko, said};

const MAKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/pyhanko_cases.py");

/// So many files are made at least: else the maker has stopped half-way.
const AT_LEAST: usize = 120;

/// Files with their labels; `None`, with a printed note, where pyHanko is not installed.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn cases(folder: &std::path::Path) -> Option<Vec<(String, String)>> {
    let python = pyhanko().with_file_name("python");
    let probe = Command::new(&python).args(["-c", "import pyhanko"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        println!("SKIPPED: {} has no pyHanko; nothing was made by it", python.display());
        return None;
    }
    let output = Command::new(&python).arg(MAKER).arg(folder).output().expect("it ran before");
    assert!(output.status.success(), "{}", said(&output));
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).expect("a manifest");
    let line = |line: &str| line.split_once('\t').map(|(file, label)| (file.to_owned(), label.to_owned()));
    Some(manifest.lines().skip(1).filter_map(line).collect())
}

#[test]
fn changes_are_judged_as_experts_judge_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(cases) = cases(folder.path()) else { return };
    let mut wrong = Vec::new();
    for (file, label) in &cases {
        let bytes = std::fs::read(folder.path().join(file)).expect("a file of the manifest");
        let report = try_verify(&bytes);
        if !is_right(label, seen(&report)) {
            wrong.push(format!("{file} is {label} and was seen as {:?}: {}", seen(&report), why(&report)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= AT_LEAST, "{} files only", cases.len());
}
