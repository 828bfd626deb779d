//! A whole package: every signature of every document in it, and what they leave uncovered.

use std::io::{Read, Seek};

use eseal_pki::Evidence;

use super::coverage::{Coverage, Entries, INTEGRITY_LIST, orphans, shortened};
use super::document::{Body, Pages, bodies};
use super::files::Files;
use super::package::Package;
use super::signature::{self, Checked};
use super::signatures;
use crate::{DocumentError, DocumentReport, Format, Limits, Note, NoteCode, OnProgress};

/// Checks every seal and signature of an OFD document. Whom to trust is [`crate::judge()`]'s to say.
///
/// # Errors
/// The input cannot be read, is no OFD document, is damaged beyond use, or exceeds a limit. What is wrong with a
/// signature or with what it protects is in the report.
pub fn verify<R: Read + Seek>(
    input: R,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<DocumentReport, DocumentError> {
    let mut files = Files::new(Package::open(input, limits)?, on_progress);
    let bodies = bodies(&mut files.package)?;
    let mut seen = Seen::default();
    let mut pages = 0_u32;
    for body in &bodies {
        pages = pages.saturating_add(seen.body(&mut files, body)?);
    }
    let mut report = DocumentReport {
        format: Format::Ofd,
        pages,
        seals: Vec::new(),
        notes: seen.notes,
        time_stamps: Vec::new(),
        evidence: Evidence::default(),
    };
    let package = &mut files.package;
    if let Some(list) = package.find(INTEGRITY_LIST) {
        report.notes.push(Note::new(NoteCode::IntegrityListNotChecked));
        seen.carriers.insert(list);
        seen.carriers.extend(signatures::integrity_value(package)?);
    }
    let (mut reports, covered): (Vec<_>, Vec<_>) =
        seen.checked.into_iter().map(|checked| (checked.report, checked.covered)).unzip();
    if !reports.is_empty() {
        let coverage = Coverage { carriers: &seen.carriers, seals: &covered };
        let (of_document, of_seals) = coverage.notes(package)?;
        report.notes.extend(of_document);
        for (seal, note) in reports.iter_mut().zip(of_seals) {
            seal.notes.extend(note);
        }
    }
    report.notes.extend(orphans(package, &seen.carriers));
    report.seals = reports;
    let ambiguous = files.finish().ambiguous_entries()?;
    if !ambiguous.is_empty() {
        let names = shortened(ambiguous.iter().map(String::as_str), ambiguous.len());
        report.notes.push(Note::with(NoteCode::PackageAmbiguous, names));
    }
    Ok(report)
}

/// What was seen in the bodies so far.
#[derive(Default)]
struct Seen {
    checked: Vec<Checked>,
    carriers: Entries,
    notes: Vec<Note>,
}

impl Seen {
    /// Checks the signatures of one body; gives the number of its pages.
    fn body<R: Read + Seek>(&mut self, files: &mut Files<'_, R>, body: &Body) -> Result<u32, DocumentError> {
        let pages = Pages::read(&mut files.package, body);
        let listed = match &body.signatures {
            None => Vec::new(),
            Some(list) => match files.package.find(list) {
                // Two bodies that name one list have their signatures in common.
                Some(index) if !self.carriers.insert(index) => Vec::new(),
                Some(_) => signatures::list(&mut files.package, list)?,
                None => {
                    self.notes.push(Note::with(NoteCode::SignatureListMissing, list));
                    Vec::new()
                }
            },
        };
        let pages = match pages {
            // What is damaged in a sealed document is for the seals to find.
            Err(DocumentError::Malformed { .. }) if !listed.is_empty() => None,
            pages => Some(pages?),
        };
        let list = body.signatures.as_deref().unwrap_or_default();
        for listed in &listed {
            let checked = signature::check(files, pages.as_ref(), list, listed)?;
            self.carriers.extend(&checked.carriers);
            self.checked.push(checked);
        }
        Ok(pages.map_or(0, |pages| pages.count()))
    }
}
