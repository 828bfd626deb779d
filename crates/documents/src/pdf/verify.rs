//! A whole document: every seal and signature in it.

use std::collections::HashMap;

use eseal_pki::Evidence;

use super::digest::Prefixes;
use super::form::Field;
use super::object::Value;
use super::page::Page;
use super::signature::Signature;
use super::signed::{self, SignedField};
use super::view::View;
use super::{Source, dss, lost, time_stamp};
use crate::known::Known;
use crate::{
    DocumentError, DocumentReport, Format, Limit, Limits, Note, NoteCode, OnProgress, PageSize, Place, Progress,
    SealReport,
};

/// Checks every seal and signature of a PDF document. Whom to trust is [`crate::judge()`]'s to say.
///
/// # Errors
/// The source is no PDF, is damaged beyond use, needs a password, or exceeds a limit. What is wrong with a signature or
/// with what it covers is in the report.
pub fn verify(source: &Source, limits: &Limits, on_progress: OnProgress<'_>) -> Result<DocumentReport, DocumentError> {
    verify_with(source, "", limits, on_progress)
}

/// The same for a document that is encrypted with a password: the user's or the owner's.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(
    source: &Source,
    password: &str,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<DocumentReport, DocumentError> {
    verify_knowing(source, password, limits, &Known::default(), on_progress)
}

/// The same with what was met before.
///
/// # Errors
/// As [`verify`].
pub(crate) fn verify_knowing(
    source: &Source,
    password: &str,
    limits: &Limits,
    known: &Known,
    on_progress: OnProgress<'_>,
) -> Result<DocumentReport, DocumentError> {
    let document = Document::read(View::present_with(source, limits, password)?, known)?;
    let (mut report, fields) = document.report(on_progress)?;
    if report.seals.is_empty() && report.time_stamps.is_empty() {
        // Where nothing is signed, readers may differ about what they show.
        report.notes.retain(|note| note.code != NoteCode::ObjectsAmbiguous);
    } else {
        report.notes.extend(document.mismatched());
    }
    let orphans: Vec<_> = lost::orphans(&document.view, &fields)?.iter().map(|n| format!("object {n}")).collect();
    if !orphans.is_empty() {
        report.notes.push(Note::with(NoteCode::SignatureOrphaned, signed::shortened(&orphans)));
    }
    report.evidence = document.evidence;
    Ok(report)
}

/// The seals and signatures alone: of a document without any, only what says how it is built is read.
///
/// # Errors
/// As [`verify`].
pub(crate) fn seals_with(
    source: &Source,
    password: &str,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Vec<SealReport>, DocumentError> {
    let known = Known::default();
    let document = Document::read(View::present_with(source, limits, password)?, &known)?;
    Ok(document.report(on_progress)?.0.seals)
}

/// The size of every page as it is shown, in order.
///
/// # Errors
/// As [`verify`].
pub fn pages(source: &Source, limits: &Limits) -> Result<Vec<PageSize>, DocumentError> {
    Ok(View::present(source, limits)?.pages()?.iter().map(Page::size).collect())
}

/// The same for a document that is encrypted with a password: the user's or the owner's.
///
/// # Errors
/// As [`verify`].
pub fn pages_with(source: &Source, password: &str, limits: &Limits) -> Result<Vec<PageSize>, DocumentError> {
    let view = View::present_with(source, limits, password)?;
    Ok(view.pages()?.iter().map(Page::size).collect())
}

/// A document under verification.
pub(crate) struct Document<'a> {
    pub view: View<'a>,
    pub pages: Vec<Page>,
    /// Certificates and seals that were met before.
    pub known: &'a Known,
    pub prefixes: Prefixes,
    /// What the document keeps for later validation.
    pub evidence: Evidence,
    page_numbers: HashMap<u32, usize>,
}

impl<'a> Document<'a> {
    fn read(view: View<'a>, known: &'a Known) -> Result<Self, DocumentError> {
        let pages = view.pages()?;
        let numbered = pages.iter().enumerate().filter_map(|(index, page)| Some((page.id?.number, index)));
        Ok(Self {
            page_numbers: numbered.collect(),
            known,
            prefixes: Prefixes::default(),
            evidence: dss::evidence(&view)?,
            view,
            pages,
        })
    }

    /// What follows from its fields; and which of them are signed.
    fn report(&self, on_progress: OnProgress<'_>) -> Result<(DocumentReport, Vec<SignedField>), DocumentError> {
        let mut report = DocumentReport {
            format: Format::Pdf,
            pages: u32::try_from(self.pages.len()).unwrap_or(u32::MAX),
            seals: Vec::new(),
            notes: self.notes(),
            time_stamps: Vec::new(),
            evidence: Evidence::default(),
        };
        let (fields, damaged) = self.signed_fields()?;
        let total: u64 = fields.iter().map(|field| field.signed_bytes()).sum();
        let mut done = 0;
        for field in &fields {
            let mut forward = |progress: Progress| on_progress(Progress { done: done + progress.done, total });
            if field.signature.is_time_stamp() {
                let (stamp, note) = time_stamp::check(self, field, &mut forward)?;
                report.time_stamps.push(stamp);
                report.notes.push(note);
            } else {
                report.seals.push(signed::check(self, field, &mut forward)?);
            }
            done += field.signed_bytes();
        }
        report.seals.extend(damaged.into_iter().map(lost::damaged));
        Ok((report, fields))
    }

    /// The fields with a signature value, in the order in which they were signed; and the names of those whose
    /// signature is there but can't be read.
    fn signed_fields(&self) -> Result<(Vec<SignedField>, Vec<String>), DocumentError> {
        let (mut signed, mut damaged) = (Vec::new(), Vec::new());
        let mut counted = 0;
        let max = u64::from(self.view.limits().max_signatures);
        for field in self.view.fields()?.into_iter().filter(Field::is_signature) {
            let Some(value) = &field.value else { continue };
            match Signature::read(&self.view, value, field.number)? {
                Some(signature) => add(&mut signed, field, signature),
                None if lost::is_unreadable(&self.view, value)? => damaged.push(field.name),
                None => {}
            }
            counted += 1;
            Limit::Signatures.check(counted, max)?;
        }
        signed.sort_by_key(SignedField::signed_bytes);
        if !signed.is_empty() {
            // In a document without a signature, a field that can't be read is no more than that.
            damaged.extend(lost::unreadable_fields(&self.view)?);
        }
        Ok((signed, damaged))
    }

    /// Where a widget stands; `None` for one that shows nothing.
    pub(crate) fn place(&self, field: &Field) -> Result<Option<Place>, DocumentError> {
        let rect = self.view.rect(&field.dictionary, "Rect")?;
        let Some(rect) = rect.filter(|rect| rect.width() > 0.0 && rect.height() > 0.0) else { return Ok(None) };
        let stated = field.dictionary.get("P").and_then(Value::as_reference);
        let index = match stated.and_then(|page| self.page_numbers.get(&page.number)) {
            Some(index) => Some(*index),
            None => self.page_with(field)?,
        };
        let Some((index, page)) = index.and_then(|index| Some((index, self.pages.get(index)?))) else {
            return Ok(None);
        };
        Ok(Some(page.place_of(u32::try_from(index + 1).unwrap_or(u32::MAX), &rect)))
    }

    /// The page whose annotations have the widget in them.
    fn page_with(&self, field: &Field) -> Result<Option<usize>, DocumentError> {
        for (index, page) in self.pages.iter().enumerate() {
            let Value::Array(annotations) = self.view.get(&page.dictionary, "Annots")? else { continue };
            if annotations.iter().filter_map(Value::as_reference).any(|id| Some(id.number) == field.number) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.view.is_recovered() {
            notes.push(Note::new(NoteCode::FileRecovered));
        }
        notes.extend(objects(&self.view.ambiguous));
        notes
    }

    fn mismatched(&self) -> Option<Note> {
        objects(&self.view.mismatched())
    }
}

/// Adds a field with its signature, or only the field where another one has the very same value.
fn add(signed: &mut Vec<SignedField>, field: Field, signature: Signature) {
    let is_same = |other: &&mut SignedField| {
        field.value.as_ref().is_some_and(|value| value.as_reference().is_some()) && other.field.value == field.value
    };
    match signed.iter_mut().find(is_same) {
        Some(other) => other.others.push(field),
        None => signed.push(SignedField { field, signature, others: Vec::new() }),
    }
}

fn objects(numbers: &[u32]) -> Option<Note> {
    let named: Vec<String> = numbers.iter().map(u32::to_string).collect();
    (!named.is_empty()).then(|| Note::with(NoteCode::ObjectsAmbiguous, signed::shortened(&named)))
}
