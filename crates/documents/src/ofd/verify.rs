//! A whole package: every signature of every document in it, and what they leave uncovered.

use std::collections::HashMap;

use eseal_pki::Evidence;

use super::coverage::{Coverage, orphans, shortened};
use super::digests::Wanted;
use super::document::{Body, Pages, bodies};
use super::entry_set::EntrySet;
use super::integrity;
use super::local_headers::ambiguous_entries;
use super::package::Package;
use super::signature::{Checked, Context};
use super::signatures;
use crate::known::Known;
use crate::{
    DocumentError, DocumentReport, Format, Kind, Limit, Limits, Note, NoteCode, OnProgress, SealReport, Source,
};

/// Checks every seal and signature of an OFD document. Whom to trust is [`crate::judge()`]'s to say.
///
/// # Errors
/// The input is no OFD document, is damaged beyond use, or exceeds a limit. What is wrong with a signature or with what
/// it protects is in the report.
pub fn verify(source: &Source, limits: &Limits, on_progress: OnProgress<'_>) -> Result<DocumentReport, DocumentError> {
    verify_knowing(source, limits, &Known::default(), on_progress)
}

/// The same with what was met before.
///
/// # Errors
/// As [`verify`].
pub(crate) fn verify_knowing(
    source: &Source,
    limits: &Limits,
    known: &Known,
    on_progress: OnProgress<'_>,
) -> Result<DocumentReport, DocumentError> {
    let package = Package::open(source, limits)?;
    let mut seen = Seen::default();
    for body in bodies(&package)? {
        seen.body(&package, &body, known)?;
    }
    seen.notes.extend(integrity::check(&package, &mut seen.carriers)?);
    seen.digest(&package, on_progress)?;
    let Seen { checked, carriers, mut notes, pages, .. } = seen;
    let mut seals: Vec<SealReport> = Vec::with_capacity(checked.len());
    if !checked.is_empty() {
        let coverage =
            Coverage { carriers: &carriers, seals: checked.iter().map(|checked| &checked.covered).collect() };
        let (of_document, of_seals) = coverage.notes(&package);
        notes.extend(of_document);
        let later = later(&checked);
        for ((checked, note), later) in checked.into_iter().zip(of_seals).zip(later) {
            seals.push(checked.report);
            if let Some(seal) = seals.last_mut() {
                seal.notes.extend(note.into_iter().chain(later));
            }
        }
    }
    notes.extend(orphans(&package, &carriers)?);
    let ambiguous = ambiguous_entries(&package);
    if !ambiguous.is_empty() {
        let names = shortened(ambiguous.iter().map(String::as_str), ambiguous.len());
        notes.push(Note::with(NoteCode::PackageAmbiguous, names));
    }
    Ok(DocumentReport {
        format: Format::Ofd,
        pages,
        seals,
        notes,
        time_stamps: Vec::new(),
        evidence: Evidence::default(),
    })
}

/// For each signature, which others protect all its files and therefore came after it: neither the list of signatures
/// nor a time in it says so with any proof.
fn later(checked: &[Checked]) -> Vec<Option<Note>> {
    let descriptors = checked.iter().enumerate().filter_map(|(owner, checked)| Some((checked.descriptor?, owner)));
    let owners: HashMap<usize, usize> = descriptors.collect();
    let mut later: Vec<Vec<&str>> = vec![Vec::new(); checked.len()];
    for (index, other) in checked.iter().enumerate() {
        // As many steps as there are references, whatever the number of signatures.
        for owner in other.covered.iter().filter_map(|entry| owners.get(&entry)).filter(|owner| **owner != index) {
            let files = checked.get(*owner).map(|owner| &owner.carriers);
            if files.is_some_and(|files| files.iter().all(|file| other.covered.contains(file)))
                && let Some(names) = later.get_mut(*owner)
            {
                names.push(&other.report.id);
            }
        }
    }
    let note = |names: Vec<&str>| {
        let text = shortened(names.iter().copied(), names.len());
        if names.is_empty() { None } else { Some(Note::with(NoteCode::LaterSignatures, text)) }
    };
    later.into_iter().map(note).collect()
}

/// Pages that one of several seals mostly covers with its picture: what the others sealed is not seen there. `before` pages are
/// of other documents.
fn overlaid(
    package: &Package,
    pages: &mut Pages,
    (before, checked): (u32, &[Checked]),
) -> Result<Option<Note>, DocumentError> {
    let mut overlaid = Vec::new();
    for seal in checked.iter().map(|checked| &checked.report).filter(|report| report.kind == Kind::Seal) {
        for stamp in &seal.stamps {
            let (width, height) = match stamp.clip {
                Some(clip) => (clip.width_mm, clip.height_mm),
                None => (stamp.place.width_mm, stamp.place.height_mm),
            };
            // The smallest pages in use are receipts.
            if width * height < LARGE_STAMP {
                continue;
            }
            let page = match pages.size_of(package, stamp.place.page.saturating_sub(before)) {
                Ok(size) => size,
                Err(DocumentError::TooLarge { limit, max }) => return Err(DocumentError::TooLarge { limit, max }),
                Err(_) => continue, // what is damaged is for the seals to find
            };
            if width * height > page.width_mm * page.height_mm / 2.0 {
                overlaid.push(format!("page {}", stamp.place.page));
            }
        }
    }
    let names = shortened(overlaid.iter().map(String::as_str), overlaid.len());
    Ok((!overlaid.is_empty()).then(|| Note::with(NoteCode::StampCoversPage, names)))
}

/// Square millimetres that a picture has at least which can cover most of a page.
const LARGE_STAMP: f64 = 1_000.0;

/// What was seen in the bodies so far.
#[derive(Default)]
struct Seen {
    checked: Vec<Checked>,
    carriers: EntrySet,
    notes: Vec<Note>,
    pages: u32,
    references: usize,
}

impl Seen {
    /// Checks what the signatures of one body say by themselves.
    fn body(&mut self, package: &Package, body: &Body, known: &Known) -> Result<(), DocumentError> {
        let pages = Pages::read(package, body);
        let list = body.signatures.as_ref().and_then(|list| package.find(list));
        let listed = match (&body.signatures, list) {
            (None, _) => Vec::new(),
            // Two bodies that name one list have their signatures in common.
            (Some(_), Some(index)) if !self.carriers.insert(index) => Vec::new(),
            (Some(name), Some(_)) => signatures::list(package, name)?,
            (Some(name), None) => {
                self.notes.push(Note::with(NoteCode::SignatureListMissing, name));
                Vec::new()
            }
        };
        let pages = match pages {
            // What is damaged in a sealed document is for the seals to find.
            Err(DocumentError::Malformed { .. }) if !listed.is_empty() => None,
            pages => Some(pages?),
        };
        let root = package.find(&body.root);
        let (begin, mut pages) = (self.checked.len(), pages);
        let context = Context { pages: pages.as_ref().map(|pages| (pages, self.pages)), root, list, known };
        for listed in &listed {
            let checked = Checked::begin(package, &context, listed)?;
            self.carriers.union(&checked.carriers);
            self.references += checked.references();
            self.checked.push(checked);
            let limits = package.limits();
            Limit::Signatures.check(self.checked.len() as u64, limits.max_signatures.into())?;
            Limit::References.check(self.references as u64, limits.max_references.into())?;
        }
        if let (Some(pages), [_, _, ..]) = (&mut pages, self.checked.get(begin..).unwrap_or_default()) {
            self.notes.extend(overlaid(package, pages, (self.pages, self.checked.get(begin..).unwrap_or_default()))?);
        }
        self.pages = self.pages.saturating_add(pages.map_or(0, |pages| pages.count()));
        Ok(())
    }

    /// Digests the protected files and compares them.
    fn digest(&mut self, package: &Package, on_progress: OnProgress<'_>) -> Result<(), DocumentError> {
        let mut wanted = Wanted::default();
        self.checked.iter().for_each(|checked| checked.want(&mut wanted));
        let digests = wanted.compute(package, on_progress)?;
        self.checked.iter_mut().for_each(|checked| checked.finish(&digests));
        Ok(())
    }
}
