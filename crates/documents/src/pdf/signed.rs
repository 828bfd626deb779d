//! Everything there is to check about one signature of a document.

use super::changes::Changes;
use super::form::Field;
use super::lexical::is_space;
use super::permission::Permission;
use super::signature::{Coverage, Signature};
use super::verify::Document;
use super::view::View;
use super::{SEAL_KEY, recover, value, xref};
use crate::findings::Findings;
use crate::known::Known;
use crate::report::shown;
use crate::{Check, DocumentError, Kind, Note, NoteCode, OnProgress, Outcome, Reason, SealReport, Stamp, Step};

/// Names that a note lists.
const MAX_NAMED: usize = 10;

/// A signature field that has a value.
pub(crate) struct SignedField {
    pub field: Field,
    pub signature: Signature,
    /// Further fields that show the very same value.
    pub others: Vec<Field>,
}

/// The state of the document that was signed, where it is one.
pub(crate) enum SignedState<'a> {
    /// None: the byte ranges end within an update.
    Nowhere,
    /// The document as it is.
    Present,
    /// An earlier state.
    Earlier(Box<View<'a>>),
}

impl SignedField {
    /// Up to where the document is signed; 0 where that cannot be said.
    pub(crate) fn signed_bytes(&self) -> u64 {
        self.signature.coverage.as_ref().map_or(0, |coverage| coverage.end as u64)
    }
}

/// Makes every check on one seal or signature.
///
/// # Errors
/// [`DocumentError::TooLarge`]: whatever is wrong with the signature is a finding.
pub(crate) fn check(
    document: &Document<'_>,
    signed: &SignedField,
    on_progress: OnProgress<'_>,
) -> Result<SealReport, DocumentError> {
    let mut report = SealReport::new(shown(&signed.field.name), Kind::Signature);
    report.signed_bytes = signed.signature.coverage.as_ref().ok().map(|coverage| coverage.end as u64);
    for field in [&signed.field].into_iter().chain(&signed.others) {
        report.stamps.extend(document.place(field)?.map(Stamp::from));
    }
    report.signed_at = signed.signature.time();
    let mut found = Findings::default();
    match &signed.signature.coverage {
        Err(why) => failed(&mut found, Check::ByteRange, Reason::ByteRangeInvalid, why.to_string()),
        Ok(coverage) => {
            value::check(document, &signed.signature, coverage, &mut report, &mut found, on_progress);
            match state(document, signed, coverage, &mut found)? {
                SignedState::Nowhere => {}
                SignedState::Present => bound_seal((&document.view, document.known), signed, &mut report, &mut found)?,
                SignedState::Earlier(view) => bound_seal((&view, document.known), signed, &mut report, &mut found)?,
            }
        }
    }
    if let Some(signer) = &report.signer {
        found.signer(signer, report.signed_at);
    }
    let is_unknown = |step: &Step| step.check == Check::SignatureValue && matches!(step.outcome, Outcome::Unknown(_));
    if found.steps.iter().any(is_unknown) {
        found.notes.push(Note::new(NoteCode::SignatureNotChecked));
    }
    if report.signed_at.is_some() && !found.is_stamped() {
        found.notes.push(Note::new(NoteCode::TimeSelfAsserted));
    }
    conclude(&mut report, found);
    Ok(report)
}

/// Adds a check that failed, with what explains it.
pub(crate) fn failed(found: &mut Findings, check: Check, reason: Reason, detail: impl AsRef<str>) {
    found.steps.push(Step::with(check, Outcome::Failed(reason), detail));
}

/// Checks the state that was signed: that it is a state of the document, and what came after it.
///
/// # Errors
/// [`DocumentError::TooLarge`].
pub(crate) fn state<'a>(
    document: &Document<'a>,
    signed: &SignedField,
    coverage: &Coverage,
    found: &mut Findings,
) -> Result<SignedState<'a>, DocumentError> {
    let bytes = document.view.bytes();
    let (before, after) = bytes.split_at(coverage.end.min(bytes.len()));
    // The last `startxref` that is signed must be that of the update which the signature itself is part of.
    let start = xref::start(before).filter(|start| start.word >= coverage.gap.end);
    if !start.is_some_and(|start| start.marked || after.is_empty()) {
        failed(found, Check::ByteRange, Reason::ByteRangeInvalid, "it ends before the end of an update");
        return Ok(SignedState::Nowhere);
    }
    found.step(Check::ByteRange, Outcome::Passed);
    // Where the newest section was signed, whatever follows is no update, though it may look like one.
    let is_newest = |(at, _): (usize, _)| at < coverage.end;
    if after.iter().all(|byte| is_space(*byte)) {
        found.step(Check::LaterChanges, Outcome::Passed);
    } else if recover::has_objects(document.view.behind_everything()) {
        // Some viewers find them all the same.
        failed(found, Check::LaterChanges, Reason::ChangeNotPermitted, "objects were appended that no update lists");
    } else if document.view.newest.is_some_and(is_newest) {
        found.step(Check::LaterChanges, Outcome::Passed);
        found.notes.push(Note::with(NoteCode::BytesAfterEnd, after.len().to_string()));
    } else {
        return earlier(document, signed, coverage, found);
    }
    Ok(SignedState::Present)
}

/// Checks a signature after which the document was updated.
fn earlier<'a>(
    document: &Document<'a>,
    signed: &SignedField,
    coverage: &Coverage,
    found: &mut Findings,
) -> Result<SignedState<'a>, DocumentError> {
    let old = match document.view.earlier(coverage.end) {
        Ok(old) => old,
        Err(error @ DocumentError::TooLarge { .. }) => return Err(error),
        Err(error) => {
            failed(found, Check::ByteRange, Reason::ByteRangeInvalid, error.to_string());
            return Ok(SignedState::Nowhere);
        }
    };
    let permission = Permission::read(&old, &signed.signature.dictionary, &signed.field.dictionary)?;
    let mut changes = Changes::between(&old, (&document.view, &document.pages), &permission)?;
    if !were_there(&old, signed)? {
        // Else the look and the place of the seal would be nobody's.
        changes.forbid("the field of this signature was added after it");
    }
    classify(changes, &permission, found);
    Ok(SignedState::Earlier(Box::new(old)))
}

/// Whether the state that was signed has these very fields with this very value.
fn were_there(old: &View<'_>, signed: &SignedField) -> Result<bool, DocumentError> {
    let fields = old.fields()?;
    let was_there = |field: &Field| fields.iter().any(|old| old.name == field.name && old.value == field.value);
    Ok(was_there(&signed.field) && signed.others.iter().all(was_there))
}

fn classify(changes: Changes, permission: &Permission, found: &mut Findings) {
    let Changes {
        signatures, uninvited, validation, filled, annotated, covering, misleading, overlaid, forbidden, ..
    } = changes;
    if forbidden.is_empty() {
        found.step(Check::LaterChanges, Outcome::Passed);
    } else {
        failed(found, Check::LaterChanges, Reason::ChangeNotPermitted, forbidden.join("; "));
    }
    let permitted = permission.allows_comments();
    let comments = if permitted { NoteCode::CommentsPermitted } else { NoteCode::CommentsAdded };
    // Where comments are a warning anyway, one is enough.
    let covering = if permitted { Vec::from_iter(covering) } else { Vec::new() };
    let named = [
        (NoteCode::LaterSignatures, signatures),
        (NoteCode::StampUninvited, Vec::from_iter(uninvited)),
        (NoteCode::StampCoversPage, Vec::from_iter(overlaid)),
        (NoteCode::FormFilled, Vec::from_iter(filled)),
        (NoteCode::FieldLooksOtherwise, Vec::from_iter(misleading)),
        (comments, Vec::from_iter(annotated)),
        (NoteCode::CommentsMayCover, covering),
    ];
    for (code, names) in named.into_iter().filter(|(_, names)| !names.is_empty()) {
        found.notes.push(Note::with(code, shortened(&names)));
    }
    if validation {
        found.notes.push(Note::new(NoteCode::ValidationDataAdded));
    }
}

/// The first names of a list.
pub(crate) fn shortened(names: &[String]) -> String {
    let more = if names.len() > MAX_NAMED { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(MAX_NAMED)].join(", "))
}

/// Reads the seal that the signature dictionary names, from the state that was signed, and checks it.
fn bound_seal(
    (view, known): (&View<'_>, &Known),
    signed: &SignedField,
    report: &mut SealReport,
    found: &mut Findings,
) -> Result<(), DocumentError> {
    let Some(reference) = signed.signature.dictionary.get(SEAL_KEY) else { return Ok(()) };
    report.kind = Kind::Seal;
    let number = reference.as_reference().map_or(0, |id| id.number);
    let object = view.resolve(reference)?;
    let seal = match view.stream(number, &object)? {
        None => Err("it is no stream in the signed document".to_owned()),
        Some(der) => known.seal_from(&der).map_err(|error| error.to_string()),
    };
    match seal {
        Err(what) => failed(found, Check::SealFormat, Reason::SealMalformed, what),
        Ok(seal) => {
            found.step(Check::SealFormat, Outcome::Passed);
            if let Some(signer) = &report.signer {
                value::in_list(seal.info().certificates.contains(signer), Some(signer), found);
            }
            found.seal(&seal, report.signed_at);
            report.seal = Some(seal);
        }
    }
    Ok(())
}

/// Both items as the steps have them.
fn conclude(report: &mut SealReport, found: Findings) {
    report.steps = found.steps;
    report.notes.extend(found.notes);
    report.steps.sort_by_key(|step| step.check);
    report.content = report.outcome_of(&[
        Check::SignatureFormat,
        Check::ByteRange,
        Check::DataHash,
        Check::SignatureValue,
        Check::LaterChanges,
    ]);
    report.impression = match report.kind {
        Kind::Signature => Outcome::NotApplicable,
        Kind::Seal => report.outcome_of(&[
            Check::SignatureFormat,
            Check::SealFormat,
            Check::SignerInSeal,
            Check::SealMakerSignature,
            Check::SealingTime,
        ]),
    };
}
