//! Everything there is to check about one signature of a document.

use eseal_pki::cms::{CmsError, CmsSignature, ContentForm, SignedData, SignerInfo};
use eseal_pki::{Certificate, DigestAlg, Hasher};
use eseal_seal::{Seal, SesSignature};

use super::SEAL_KEY;
use super::changes::Changes;
use super::form::Field;
use super::permission::Permission;
use super::signature::{Coverage, Signature, SubFilter};
use super::verify::Document;
use super::view::View;
use super::{digest, xref};
use crate::findings::Findings;
use crate::{Check, DocumentError, Kind, Note, NoteCode, OnProgress, Outcome, Reason, SealReport, Step};

/// A signature field that has a value.
pub(crate) struct SignedField {
    pub field: Field,
    pub signature: Signature,
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
    let mut report = empty(signed.field.name.clone());
    report.places.extend(document.place(&signed.field)?);
    report.signed_at = signed.signature.time();
    let mut found = Findings::default();
    match &signed.signature.coverage {
        Err(why) => {
            let failed = Outcome::Failed(Reason::ByteRangeInvalid);
            found.steps.push(Step::with(Check::ByteRange, failed, why.to_string()));
        }
        Ok(coverage) => {
            value(document, signed, coverage, &mut report, &mut found, on_progress);
            later(document, signed, coverage, &mut report, &mut found)?;
        }
    }
    if let Some(signer) = &report.signer {
        found.signer(signer, report.signed_at);
    }
    if report.signed_at.is_some() && !found.steps.iter().any(|step| step.check == Check::TimeStamp) {
        found.notes.push(Note::new(NoteCode::TimeSelfAsserted));
    }
    conclude(&mut report, found);
    Ok(report)
}

/// A time stamp over the whole document: no seal, but something to know.
pub(crate) fn time_stamp(document: &Document<'_>, signed: &SignedField, on_progress: OnProgress<'_>) -> Note {
    let name = &signed.field.name;
    let wrong = |why: String| Note::with(NoteCode::DocumentTimeStampWrong, format!("{name}: {why}"));
    let coverage = match &signed.signature.coverage {
        Ok(coverage) => coverage,
        Err(why) => return wrong(why.to_string()),
    };
    let contents = coverage.contents(document.view.bytes()).unwrap_or_default();
    let data = match SignedData::from_der(&contents) {
        Ok(data) => data,
        Err(error) => return wrong(error.to_string()),
    };
    let Some(signer) = data.signers().first() else { return wrong("it has no signature".to_owned()) };
    match signer.verify(hashing(document, coverage, on_progress)) {
        Ok(CmsSignature { time_stamp: Some(time), .. }) => {
            Note::with(NoteCode::DocumentTimeStamp, format!("{name}: {time}"))
        }
        Ok(_) => wrong("it holds no time".to_owned()),
        Err(error @ (CmsError::ContentChanged | CmsError::BadSignature)) => wrong(error.to_string()),
        // What this program cannot check is no fault of the document.
        Err(error) => Note::with(NoteCode::DocumentTimeStamp, format!("{name}: {error}")),
    }
}

/// Digests of the signed byte ranges.
fn hashing<'d>(
    document: &'d Document<'_>,
    coverage: &'d Coverage,
    on_progress: OnProgress<'d>,
) -> impl FnMut(Hasher) -> Vec<u8> + 'd {
    move |hasher| {
        let parts = coverage.ranges().map(|range| document.view.bytes().get(range).unwrap_or_default());
        digest::with(hasher, &parts, on_progress)
    }
}

/// Checks the signature value over the byte ranges.
fn value(
    document: &Document<'_>,
    signed: &SignedField,
    coverage: &Coverage,
    report: &mut SealReport,
    found: &mut Findings,
    on_progress: OnProgress<'_>,
) {
    let contents = coverage.contents(document.view.bytes()).unwrap_or_default();
    if contents.iter().all(|byte| *byte == 0) {
        let failed = Outcome::Failed(Reason::SignatureMalformed);
        found.steps.push(Step::with(Check::SignatureFormat, failed, "it was prepared but never signed"));
        return;
    }
    match signed.signature.sub_filter {
        SubFilter::Cms | SubFilter::CmsSha1 | SubFilter::GmCms => {
            let hash = hashing(document, coverage, on_progress);
            cms(&contents, signed.signature.sub_filter, report, found, hash);
        }
        SubFilter::GmSeal => gm_seal(&contents, report, found, hashing(document, coverage, on_progress)),
        SubFilter::TimeStamp | SubFilter::Unknown => {
            let name = signed.signature.dictionary.get("SubFilter").and_then(super::object::Value::as_name);
            let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
            let unknown = Outcome::Unknown(Reason::SignatureValueUnsupported);
            found.steps.push(Step::with(Check::SignatureValue, unknown, name));
        }
    }
}

fn cms(
    contents: &[u8],
    sub_filter: SubFilter,
    report: &mut SealReport,
    found: &mut Findings,
    hash: impl FnMut(Hasher) -> Vec<u8>,
) {
    let malformed =
        |what: String| Step::with(Check::SignatureFormat, Outcome::Failed(Reason::SignatureMalformed), what);
    let data = match SignedData::from_der(contents) {
        Ok(data) => data,
        Err(error) => return found.steps.push(malformed(error.to_string())),
    };
    report.certificates = data.certificates().to_vec();
    // ISO 32000-2 §12.8.3.3.1: there is one signer.
    let [signer] = data.signers() else {
        return found.steps.push(malformed(format!("it has {} signatures instead of one", data.signers().len())));
    };
    report.signer = signer.certificate().cloned();
    if signer.time_stamp_token().is_some() {
        found.step(Check::TimeStamp, Outcome::Unknown(Reason::TimeStampNotChecked));
    }
    report.signed_at = report.signed_at.or(signer.signing_time());
    match signer.verify(hash) {
        Ok(signature) if is_form_of(sub_filter, signature.content) => verified(&signature, found),
        Ok(_) => found.steps.push(malformed("the document is bound to it in another way than it says".to_owned())),
        Err(error) => refused(signer, &error, found),
    }
}

/// Whether the content is bound to the structure as `/SubFilter` says.
fn is_form_of(sub_filter: SubFilter, form: ContentForm) -> bool {
    match sub_filter {
        SubFilter::CmsSha1 => form == ContentForm::Digest,
        // Written "detached" and in fact with the digest inside: see standards for Chinese PDF.
        SubFilter::GmCms => matches!(form, ContentForm::Digest | ContentForm::Detached),
        _ => form == ContentForm::Detached,
    }
}

fn verified(signature: &CmsSignature, found: &mut Findings) {
    for check in [Check::SignatureFormat, Check::DataHash, Check::SignatureValue] {
        found.step(check, Outcome::Passed);
    }
    if signature.digest.is_weak() {
        found.notes.push(Note::with(NoteCode::DigestWeak, signature.digest.name()));
    }
    if signature.form == eseal_pki::SignatureForm::Raw {
        found.notes.push(Note::new(NoteCode::SignatureValueRaw));
    }
}

fn refused(signer: &SignerInfo, error: &CmsError, found: &mut Findings) {
    let (check, outcome) = match error {
        CmsError::ContentChanged => (Check::DataHash, Outcome::Failed(Reason::ContentAltered)),
        CmsError::NoCertificate => (Check::SignatureValue, Outcome::Failed(Reason::SignerCertificateMissing)),
        CmsError::BadSignature | CmsError::OtherCertificate => {
            // Without attributes the value is over the document itself, so no more can be said than that it is wrong.
            if signer.has_signed_attributes() {
                found.step(Check::DataHash, Outcome::Passed);
            }
            (Check::SignatureValue, Outcome::Failed(Reason::SignatureValueWrong))
        }
        CmsError::UnsupportedAlgorithm(_) | CmsError::Key(_) => {
            (Check::SignatureValue, Outcome::Unknown(Reason::SignatureAlgorithmUnsupported))
        }
        CmsError::TooLarge | CmsError::Malformed(_) | CmsError::NotSignedData(_) | CmsError::OtherSuite => {
            (Check::SignatureFormat, Outcome::Failed(Reason::SignatureMalformed))
        }
    };
    if check != Check::SignatureFormat {
        found.step(Check::SignatureFormat, Outcome::Passed);
    }
    found.steps.push(Step::with(check, outcome, error.to_string()));
}

/// A SES_Signature as the value: the seal is inside it, and its dataHash is the SM3 of the byte ranges.
fn gm_seal(contents: &[u8], report: &mut SealReport, found: &mut Findings, mut hash: impl FnMut(Hasher) -> Vec<u8>) {
    report.kind = Kind::Seal;
    let signature = match SesSignature::from_der(der_only(contents)) {
        Ok(signature) => signature,
        Err(error) => {
            let failed = Outcome::Failed(Reason::SignatureMalformed);
            return found.steps.push(Step::with(Check::SignatureFormat, failed, error.to_string()));
        }
    };
    found.step(Check::SignatureFormat, Outcome::Passed);
    found.step(Check::SealFormat, Outcome::Passed);
    found.value(Check::SignatureValue, signature.verify_value(), Reason::SignatureValueWrong);
    let holds = hash(DigestAlg::Sm3.hasher()) == signature.data_hash();
    found.held(Check::DataHash, holds, Reason::ContentAltered);
    report.signer = signature.certificate().cloned();
    report.signed_at = signature.time().or(report.signed_at);
    in_list(signature.signer_in_list(), report.signer.as_ref(), found);
    found.seal(signature.seal(), report.signed_at);
    report.seal = Some(signature.seal().clone());
}

fn in_list(listed: bool, signer: Option<&Certificate>, found: &mut Findings) {
    found.held_or(Check::SignerInSeal, listed, Reason::SignerNotInSeal, || {
        signer.map_or_else(String::new, Certificate::subject)
    });
}

/// A DER value without the zeros behind it that fill its room.
fn der_only(contents: &[u8]) -> &[u8] {
    let length = match contents {
        [_, length @ 0..=0x7f, ..] => 2 + usize::from(*length),
        [_, form @ 0x81..=0x84, rest @ ..] => {
            let bytes = rest.get(..usize::from(form & 0x7f)).unwrap_or_default();
            2 + bytes.len() + bytes.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte))
        }
        _ => contents.len(),
    };
    contents.get(..length).unwrap_or(contents)
}

/// Checks the state that was signed: that it is one, the seal in it, and what came after it.
fn later(
    document: &Document<'_>,
    signed: &SignedField,
    coverage: &Coverage,
    report: &mut SealReport,
    found: &mut Findings,
) -> Result<(), DocumentError> {
    let bytes = document.view.bytes();
    let is_present = bytes.get(coverage.end..).unwrap_or_default().iter().all(|byte| super::parse::is_space(*byte));
    if !is_state(bytes.get(..coverage.end).unwrap_or_default()) {
        let failed = Outcome::Failed(Reason::ByteRangeInvalid);
        found.steps.push(Step::with(Check::ByteRange, failed, "it ends before the end of an update"));
        return Ok(());
    }
    found.step(Check::ByteRange, Outcome::Passed);
    if is_present {
        found.step(Check::LaterChanges, Outcome::Passed);
        return bound_seal(&document.view, signed, report, found);
    }
    if xref::start(bytes).is_some_and(|start| start.word < coverage.end) {
        tail(bytes.get(coverage.end..).unwrap_or_default(), found);
        return bound_seal(&document.view, signed, report, found);
    }
    let old = match View::open(document.source, coverage.end, document.view.limits()) {
        Ok(old) => old,
        Err(DocumentError::TooLarge { limit, max }) => return Err(DocumentError::TooLarge { limit, max }),
        Err(error) => {
            let failed = Outcome::Failed(Reason::ByteRangeInvalid);
            found.steps.push(Step::with(Check::ByteRange, failed, error.to_string()));
            return Ok(());
        }
    };
    bound_seal(&old, signed, report, found)?;
    let permission = Permission::read(&old, &signed.signature.dictionary, &signed.field.dictionary)?;
    let changes = Changes::between(&old, &document.view, &permission)?;
    classify(changes, &permission, found);
    Ok(())
}

/// Judges bytes behind the document that no update of it are. Some viewers find objects in there all the same.
fn tail(bytes: &[u8], found: &mut Findings) {
    let objects = ["obj", "trailer", "xref"].iter().any(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some());
    if objects {
        let failed = Outcome::Failed(Reason::ChangeNotPermitted);
        found.steps.push(Step::with(Check::LaterChanges, failed, "objects were appended that no update lists"));
    } else {
        found.step(Check::LaterChanges, Outcome::Passed);
        found.notes.push(Note::with(NoteCode::BytesAfterEnd, bytes.len().to_string()));
    }
}

/// Whether `bytes` end as a document or an update does. Line ends after the mark may be missing or signed.
fn is_state(bytes: &[u8]) -> bool {
    let Some(start) = xref::start(bytes) else { return false };
    bytes.get(start.end..).unwrap_or_default().iter().all(|byte| super::parse::is_space(*byte))
}

fn classify(changes: Changes, permission: &Permission, found: &mut Findings) {
    let Changes { signatures, validation, filled, annotated, forbidden } = changes;
    if forbidden.is_empty() {
        found.step(Check::LaterChanges, Outcome::Passed);
    } else {
        let failed = Outcome::Failed(Reason::ChangeNotPermitted);
        found.steps.push(Step::with(Check::LaterChanges, failed, forbidden.join("; ")));
    }
    let comments = if permission.level.is_some() { NoteCode::CommentsPermitted } else { NoteCode::CommentsAdded };
    let named = [(NoteCode::LaterSignatures, signatures), (NoteCode::FormFilled, filled), (comments, annotated)];
    for (code, names) in named.into_iter().filter(|(_, names)| !names.is_empty()) {
        found.notes.push(Note::with(code, shortened(&names)));
    }
    if validation {
        found.notes.push(Note::new(NoteCode::ValidationDataAdded));
    }
}

fn shortened(names: &[String]) -> String {
    const MAX: usize = 10;
    let more = if names.len() > MAX { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(MAX)].join(", "))
}

/// Reads the seal that the signature dictionary names, from the state that was signed, and checks it.
fn bound_seal(
    view: &View<'_>,
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
        Some(der) => Seal::from_der(&der).map_err(|error| error.to_string()),
    };
    match seal {
        Err(what) => {
            found.steps.push(Step::with(Check::SealFormat, Outcome::Failed(Reason::SealMalformed), what));
        }
        Ok(seal) => {
            found.step(Check::SealFormat, Outcome::Passed);
            if let Some(signer) = &report.signer {
                in_list(seal.info().certificates.contains(signer), Some(signer), found);
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

fn empty(id: String) -> SealReport {
    SealReport {
        id,
        kind: Kind::Signature,
        places: Vec::new(),
        signer: None,
        certificates: Vec::new(),
        seal: None,
        signed_at: None,
        content: Outcome::Passed,
        impression: Outcome::NotApplicable,
        steps: Vec::new(),
        notes: Vec::new(),
    }
}
