//! Everything there is to check about one signature of a package (GB/T 38540-2020 7.3, GM/T 0099).

use std::io::{Read, Seek};

use eseal_pki::{Certificate, DigestAlg};
use eseal_seal::SesSignature;

use super::coverage::{Entries, shortened};
use super::document::Pages;
use super::files::Files;
use super::package::Fault;
use super::plain;
use super::signatures::{Descriptor, Listed};
use super::signed_value::SignedValue;
use super::written_time::add_time;
use crate::findings::Findings;
use crate::{
    Check, Clip, DocumentError, Kind, Limit, Note, NoteCode, Outcome, Place, Reason, SealReport, Stamp, Step,
    TimeStampReport,
};

/// GB/T 33190-2016, table 67: the digest of references that name none.
const DEFAULT_CHECK_METHOD: &str = "MD5";

/// A signature with what it protects.
pub struct Checked {
    /// What was found.
    pub report: SealReport,
    /// The entries that it protects.
    pub covered: Entries,
    /// The entries that it consists of.
    pub carriers: Entries,
}

/// The files of a signature, read but not yet checked.
pub struct Opened {
    /// The bytes of `Signature.xml`, which the signature's data hash is of.
    pub bytes: Vec<u8>,
    /// What they say.
    pub descriptor: Descriptor,
    /// The signature value.
    pub value: SignedValue,
    /// The bytes of `Seal.esl`, if `Signature.xml` names one.
    pub seal_copy: Option<Result<Vec<u8>, String>>,
}

/// Makes every check on the signature that `list` names as `listed`.
///
/// # Errors
/// Only if the input cannot be read: whatever is wrong with the signature is a finding.
pub fn check<R: Read + Seek>(
    files: &mut Files<'_, R>,
    pages: Option<&Pages>,
    list: &str,
    listed: &Listed,
) -> Result<Checked, DocumentError> {
    let mut carriers: Entries = files.package.find(&listed.entry).into_iter().collect();
    let opened = match open(files, listed, &mut carriers) {
        Ok(opened) => opened,
        Err(Fault::Fatal(error)) => return Err(error),
        Err(Fault::Damaged(what)) => {
            return Ok(Checked { report: broken(listed, what), covered: Entries::new(), carriers });
        }
    };
    let mut found = Findings::default();
    let covered = references(files, &opened.descriptor, &mut found)?;
    let mut report = match &opened.value {
        SignedValue::Seal(signature) => sealed(&opened, signature, found),
        SignedValue::Signature(signature) => plain::signed(&opened, signature, found),
        SignedValue::Bare => plain::unsupported(listed.kind, found),
        SignedValue::Malformed(what) => malformed_value(listed.kind, what, found),
    };
    report.id.clone_from(&listed.id);
    report.stamps = stamps(&opened.descriptor, pages, &mut report.notes);
    if report.kind != listed.kind {
        report.notes.push(Note::new(NoteCode::SignatureKindDisagrees));
    }
    if opened.descriptor.covers(list) {
        report.notes.push(Note::new(NoteCode::DocumentLocked));
    }
    report.steps.sort_by_key(|step| step.check);
    conclude(&mut report);
    Ok(Checked { report, covered, carriers })
}

fn open<R: Read + Seek>(files: &mut Files<'_, R>, listed: &Listed, carriers: &mut Entries) -> Result<Opened, Fault> {
    let package = &mut files.package;
    let limit = package.limits().max_signature_bytes;
    let bytes = package.read_xml(&listed.entry)?;
    let descriptor = Descriptor::read(package, &listed.entry, &bytes)?;
    let named = descriptor.signed_value.as_ref();
    let named = named.ok_or_else(|| Fault::Damaged(format!("{} names no signature value", listed.entry)))?;
    let value = package.find(named).ok_or_else(|| Fault::Damaged(format!("{named} is missing")))?;
    let seal = descriptor.seal.as_ref().map(|name| (name, package.find(name)));
    carriers.insert(value);
    carriers.extend(seal.and_then(|(_, index)| index));
    let value = SignedValue::read(&package.read(value, Limit::SignatureBytes, limit)?);
    let seal_copy = match seal {
        None => None,
        Some((name, None)) => Some(Err(format!("{name} is missing"))),
        Some((_, Some(index))) => match package.read(index, Limit::SignatureBytes, limit) {
            Ok(seal) => Some(Ok(seal)),
            Err(Fault::Damaged(what)) => Some(Err(what)),
            Err(fatal) => return Err(fatal),
        },
    };
    Ok(Opened { bytes, descriptor, value, seal_copy })
}

/// Compares every protected file with its digest; gives the files that are protected.
fn references<R: Read + Seek>(
    files: &mut Files<'_, R>,
    descriptor: &Descriptor,
    found: &mut Findings,
) -> Result<Entries, DocumentError> {
    let method = descriptor.check_method.as_deref().unwrap_or(DEFAULT_CHECK_METHOD);
    let algorithm = DigestAlg::from_name(method);
    let (mut covered, mut altered, mut missing) = (Entries::new(), Vec::new(), Vec::new());
    for reference in &descriptor.references {
        let Some(index) = files.package.find(&reference.entry) else {
            missing.push(reference.entry.as_str());
            continue;
        };
        covered.insert(index);
        if let Some(algorithm) = algorithm
            && files.digest(index, algorithm)?.as_ref().ok() != reference.digest.as_ref()
        {
            altered.push(reference.entry.as_str());
        }
    }
    if algorithm.is_some_and(DigestAlg::is_weak) {
        found.notes.push(Note::with(NoteCode::DigestWeak, method));
    }
    let failed = |reason, names: Vec<&str>| {
        Step::with(Check::References, Outcome::Failed(reason), shortened(names.iter().copied(), names.len()))
    };
    found.steps.push(if !altered.is_empty() {
        failed(Reason::ContentAltered, altered)
    } else if !missing.is_empty() {
        failed(Reason::ContentMissing, missing)
    } else if covered.is_empty() {
        Step::new(Check::References, Outcome::Failed(Reason::ReferencesMissing))
    } else if algorithm.is_none() {
        Step::with(Check::References, Outcome::Unknown(Reason::CheckMethodUnsupported), method)
    } else {
        Step::new(Check::References, Outcome::Passed)
    });
    Ok(covered)
}

/// A signature with a seal.
fn sealed(opened: &Opened, signature: &SesSignature, mut found: Findings) -> SealReport {
    let (seal, signer, time) = (signature.seal(), signature.certificate(), signature.time());
    found.step(Check::SignatureFormat, Outcome::Passed);
    found.step(Check::SealFormat, Outcome::Passed);
    found.value(Check::SignatureValue, signature.verify_value(), Reason::SignatureValueWrong);
    let listed = signature.signer_in_list();
    found.held_or(Check::SignerInSeal, listed, Reason::SignerNotInSeal, || {
        signer.map_or_else(String::new, Certificate::subject)
    });
    found.seal(seal, time);
    seal_copy(opened, seal.der(), &mut found);
    if let Some(signer) = signer {
        found.signer(signer, time);
    }
    data_hash(&opened.bytes, signature.data_hash(), signer, &mut found);
    let stamps: Vec<_> = signature
        .timestamp()
        .map(|token| TimeStampReport::over_signature(token, signature.signature()))
        .into_iter()
        .collect();
    stamps.iter().for_each(|stamp| found.time_stamp(stamp));
    add_time(&mut found, opened.descriptor.date_time.as_deref(), time);
    SealReport {
        signer: signer.cloned(),
        seal: Some(seal.clone()),
        signed_at: time,
        algorithm: signer.and_then(|signer| signer.public_key().ok()).map(|key| key.algorithm()),
        digests: digests(&opened.descriptor),
        time_stamps: stamps,
        ..empty(Kind::Seal, found)
    }
}

/// The digests of the references and of `Signature.xml`, which is always SM3.
pub fn digests(descriptor: &Descriptor) -> Vec<DigestAlg> {
    let method = descriptor.check_method.as_deref().unwrap_or(DEFAULT_CHECK_METHOD);
    DigestAlg::from_name(method).into_iter().chain([DigestAlg::Sm3]).collect()
}

fn seal_copy(opened: &Opened, seal: &[u8], found: &mut Findings) {
    match &opened.seal_copy {
        None => {}
        Some(Ok(copy)) => found.held(Check::SealCopy, copy == seal, Reason::SealCopyDiffers),
        Some(Err(what)) => {
            found.steps.push(Step::with(Check::SealCopy, Outcome::Failed(Reason::SealMissing), what));
        }
    }
}

/// The signed digest is the SM3 of `Signature.xml`; some producers put the signer's Z in front, as for a signature.
fn data_hash(descriptor: &[u8], signed: &[u8], signer: Option<&Certificate>, found: &mut Findings) {
    let plain = DigestAlg::Sm3.digest(descriptor);
    let with_z = || {
        let mut hasher = signer?.public_key().ok()?.sm2_z_hasher()?;
        hasher.update(descriptor);
        Some(hasher.finish())
    };
    let holds = plain == signed || {
        let holds = with_z().is_some_and(|digest| digest == signed);
        if holds {
            found.notes.push(Note::new(NoteCode::DataHashWithZ));
        }
        holds
    };
    found.held(Check::DataHash, holds, Reason::DataHashDiffers);
}

fn stamps(descriptor: &Descriptor, pages: Option<&Pages>, notes: &mut Vec<Note>) -> Vec<Stamp> {
    let (mut stamps, mut lost) = (Vec::new(), Vec::new());
    for stamp in &descriptor.stamps {
        match (pages.and_then(|pages| pages.number_of(&stamp.page)), stamp.boundary) {
            (Some(page), Some([x_mm, y_mm, width_mm, height_mm])) => {
                let clip = stamp.clip.map(|[x_mm, y_mm, width_mm, height_mm]| Clip { x_mm, y_mm, width_mm, height_mm });
                stamps.push(Stamp { place: Place { page, x_mm, y_mm, width_mm, height_mm }, clip });
            }
            _ => lost.push(stamp.page.as_str()),
        }
    }
    if !lost.is_empty() {
        notes.push(Note::with(NoteCode::StampPageUnknown, shortened(lost.iter().copied(), lost.len())));
    }
    stamps
}

/// Both items as the steps have them.
fn conclude(report: &mut SealReport) {
    report.content =
        report.outcome_of(&[Check::SignatureFormat, Check::SignatureValue, Check::References, Check::DataHash]);
    report.impression = match report.kind {
        Kind::Signature => Outcome::NotApplicable,
        Kind::Seal => report.outcome_of(&[
            Check::SignatureFormat,
            Check::SealFormat,
            Check::SignerInSeal,
            Check::SealMakerSignature,
            Check::SealCopy,
            Check::SealingTime,
        ]),
    };
}

/// A report with nothing but what was found.
pub fn empty(kind: Kind, found: Findings) -> SealReport {
    SealReport { steps: found.steps, notes: found.notes, ..SealReport::new(String::new(), kind) }
}

fn malformed_value(kind: Kind, what: &str, mut found: Findings) -> SealReport {
    found.steps.push(Step::with(Check::SignatureFormat, Outcome::Failed(Reason::SignatureMalformed), what));
    empty(kind, found)
}

fn broken(listed: &Listed, what: String) -> SealReport {
    let mut report = malformed_value(listed.kind, &what, Findings::default());
    report.id.clone_from(&listed.id);
    conclude(&mut report);
    report
}
