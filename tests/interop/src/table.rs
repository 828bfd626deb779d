//! Expected and found side by side, and what it comes to.

use std::io::{self, Write};

use eseal_documents::Limits;
use serde_json::{Value, json};

use crate::corpus::{File, Label};
use crate::verdict::{Seen, Verdict};

/// Of a hundred good files so many may be refused or flagged.
const TOLERATED_PERCENT: usize = 2;

/// A file, what is known of it and what was found.
#[derive(Debug, Clone)]
pub struct Row {
    pub file: File,
    pub verdict: Verdict,
}

/// How often the verdict is at fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub files: usize,
    /// Good ones, and how many of them were refused or flagged.
    pub good: usize,
    pub good_refused: usize,
    pub good_flagged: usize,
    /// Modified or broken ones, and how many of them were called plainly good.
    pub bad: usize,
    pub bad_called_good: usize,
    /// Unsigned or unreadable ones of which something else was said.
    pub unsigned_mistaken: usize,
    /// Files of which nothing is known, or of which experts disagree.
    pub not_counted: usize,
}

impl Row {
    pub fn of(file: File, limits: &Limits) -> Self {
        let verdict = Verdict::of(&file.path, limits);
        Self { file, verdict }
    }

    /// What is wrong with the verdict, if anything.
    pub fn fault(&self) -> Option<&'static str> {
        let Verdict { seen, signatures, .. } = self.verdict;
        match (self.file.label?, seen) {
            (Label::Good, Seen::Flagged) => Some("good file flagged"),
            (Label::Good | Label::Noted, Seen::Refused | Seen::Unreadable) => Some("good file refused"),
            // A document with nothing but time stamps has no signature to speak of.
            (Label::Good, Seen::Unsigned) if self.file.signatures != Some(0) => Some("good file refused"),
            (Label::Good, Seen::Good) if self.file.signatures.is_some_and(|known| known != signatures) => {
                Some("good file refused")
            }
            (Label::Modified | Label::Broken, Seen::Good) => Some("bad file called good"),
            (Label::Unsigned, seen) if seen != Seen::Unsigned => Some("unsigned file mistaken"),
            (Label::Unreadable, seen) if seen != Seen::Unreadable => Some("unreadable file mistaken"),
            _ => None,
        }
    }

    fn expected(&self) -> &'static str {
        self.file.label.map_or("-", Label::as_str)
    }
}

impl Counts {
    pub fn of(rows: &[Row]) -> Self {
        let mut counts = Self { files: rows.len(), ..Self::default() };
        for row in rows {
            let fault = row.fault();
            match row.file.label {
                Some(Label::Good | Label::Noted) => {
                    counts.good += 1;
                    counts.good_refused += usize::from(fault == Some("good file refused"));
                    counts.good_flagged += usize::from(fault == Some("good file flagged"));
                }
                Some(Label::Modified | Label::Broken) => {
                    counts.bad += 1;
                    counts.bad_called_good += usize::from(fault.is_some());
                }
                Some(Label::Unsigned | Label::Unreadable) => counts.unsigned_mistaken += usize::from(fault.is_some()),
                Some(Label::Disputed) | None => counts.not_counted += 1,
            }
        }
        counts
    }

    /// No bad file was called good, nothing was mistaken, and hardly a good file was refused or flagged.
    pub fn are_good(&self) -> bool {
        let faults = self.good_refused + self.good_flagged;
        self.bad_called_good == 0 && self.unsigned_mistaken == 0 && faults * 100 <= self.good * TOLERATED_PERCENT
    }
}

/// The table and the counts below it.
pub fn write(out: &mut impl Write, rows: &[Row], counts: &Counts) -> io::Result<()> {
    let width = rows.iter().map(|row| row.file.name.chars().count()).max().unwrap_or(0);
    writeln!(out, "  {:<width$}  {:<10}  {:<10}  because", "file", "expected", "ours")?;
    for row in rows {
        let mark = if row.fault().is_some() { '!' } else { ' ' };
        let (expected, ours) = (row.expected(), row.verdict.seen.as_str());
        let codes = row.verdict.codes.join(" ");
        writeln!(out, "{mark} {:<width$}  {expected:<10}  {ours:<10}  {codes}", row.file.name)?;
    }
    writeln!(out)?;
    for row in rows.iter().filter(|row| row.fault().is_some()) {
        let fault = row.fault().unwrap_or_default();
        writeln!(out, "! {fault}: {}: {}", row.file.name, row.file.words)?;
    }
    let Counts { files, good, good_refused, good_flagged, bad, bad_called_good, unsigned_mistaken, not_counted } =
        counts;
    writeln!(out, "{files} files, {not_counted} of them not counted")?;
    writeln!(out, "modified or broken files called plainly good: {bad_called_good} of {bad} (must be 0)")?;
    writeln!(out, "good files refused: {good_refused} of {good}, flagged: {good_flagged}")?;
    writeln!(out, "unsigned or unreadable files mistaken: {unsigned_mistaken} (must be 0)")
}

/// The same for programs.
pub fn write_json(out: &mut impl Write, rows: &[Row], counts: &Counts) -> io::Result<()> {
    let row = |row: &Row| {
        json!({
            "file": row.file.name,
            "expected": row.file.label.map(Label::as_str),
            "ours": row.verdict.seen.as_str(),
            "signatures": row.verdict.signatures,
            "codes": row.verdict.codes,
            "fault": row.fault(),
        })
    };
    let document = json!({
        "rows": rows.iter().map(row).collect::<Vec<Value>>(),
        "counts": {
            "files": counts.files,
            "good": counts.good,
            "good_refused": counts.good_refused,
            "good_flagged": counts.good_flagged,
            "bad": counts.bad,
            "bad_called_good": counts.bad_called_good,
            "unsigned_mistaken": counts.unsigned_mistaken,
            "not_counted": counts.not_counted,
        },
        "passed": counts.are_good(),
    });
    writeln!(out, "{document:#}")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn row(label: Label, signatures: usize, seen: Seen, found: usize) -> Row {
        let file = File {
            name: "pdf/a.pdf".to_owned(),
            path: PathBuf::new(),
            label: Some(label),
            signatures: Some(signatures),
            words: String::new(),
        };
        Row { file, verdict: Verdict { seen, signatures: found, codes: Vec::new() } }
    }

    #[test]
    fn one_bad_file_that_is_called_good_fails_the_run_and_one_good_file_in_fifty_does_not() {
        let mut rows = vec![row(Label::Good, 1, Seen::Good, 1); 49];
        rows.push(row(Label::Good, 1, Seen::Flagged, 1));
        assert!(Counts::of(&rows).are_good());
        rows.push(row(Label::Good, 1, Seen::Refused, 1));
        assert!(!Counts::of(&rows).are_good());
        rows.pop();
        rows.push(row(Label::Modified, 1, Seen::Flagged, 1));
        assert!(Counts::of(&rows).are_good());
        rows.push(row(Label::Broken, 1, Seen::Good, 1));
        let counts = Counts::of(&rows);
        assert!(!counts.are_good() && counts.bad_called_good == 1);
    }

    #[test]
    fn a_signature_that_is_not_found_is_a_refusal_and_a_time_stamp_alone_is_none() {
        assert_eq!(row(Label::Good, 2, Seen::Good, 1).fault(), Some("good file refused"));
        assert_eq!(row(Label::Good, 1, Seen::Unsigned, 0).fault(), Some("good file refused"));
        assert_eq!(row(Label::Good, 0, Seen::Unsigned, 0).fault(), None);
        assert_eq!(row(Label::Unsigned, 0, Seen::Good, 1).fault(), Some("unsigned file mistaken"));
    }

    #[test]
    fn the_table_names_the_files_at_fault() {
        let rows = [row(Label::Broken, 1, Seen::Good, 1)];
        let mut out = Vec::new();
        write(&mut out, &rows, &Counts::of(&rows)).expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("! bad file called good: pdf/a.pdf") && text.contains("called plainly good: 1 of 1"));
    }
}
