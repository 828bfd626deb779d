//! Everything there is to check about one signature of a package (GB/T 38540-2020 7.3, GM/T 0099): first all that its own
//! files say, then, once the protected files are digested, whether they are what was signed.

use std::sync::Arc;

use eseal_pki::{Certificate, DigestAlg};
use eseal_seal::{ListMatch, Seal, SesSignature};

use super::coverage::shortened;
use super::digests::{Digests, Wanted};
use super::document::Pages;
use super::entry_set::EntrySet;
use super::package::{Fault, Package};
use super::plain;
use super::signatures::{Descriptor, Listed, Reference};
use super::signed_value::SignedValue;
use super::written_time::add_time;
use crate::findings::Findings;
use crate::known::Known;
use crate::{
    Check, Clip, DocumentError, Kind, Limit, Note, NoteCode, Outcome, Place, Reason, SealReport, Stamp, Step,
    TimeStampReport,
};

/// A signature whose own files were checked.
pub struct Checked {
    /// What was found.
    pub report: SealReport,
    /// The entries that it protects.
    pub covered: EntrySet,
    /// The entries that it consists of.
    pub carriers: EntrySet,
    /// The entry of its `Signature.xml`, if the package has it.
    pub descriptor: Option<usize>,
    /// What is still to be compared: the protected files, and the algorithm of their digests as written.
    references: Option<(Vec<Reference>, String)>,
}

/// The files of a signature, read but not yet checked.
pub struct Opened {
    /// The bytes of `Signature.xml`, which the signature's data hash is of.
    pub bytes: Arc<[u8]>,
    /// What they say.
    pub descriptor: Descriptor,
    /// The signature value.
    pub value: SignedValue,
    /// The bytes of `Seal.esl`, if `Signature.xml` names one.
    pub seal_copy: Option<Result<Arc<[u8]>, String>>,
}

/// The document that a signature belongs to.
pub struct Context<'a> {
    /// The pages, if they could be read, and how many pages the documents before it have.
    pub pages: Option<(&'a Pages, u32)>,
    /// The entry of its `Document.xml`, from which everything that is shown is reached.
    pub root: Option<usize>,
    /// The entry of the list of signatures.
    pub list: Option<usize>,
    /// Certificates and seals that were met before.
    pub known: &'a Known,
}

impl Checked {
    /// Checks all that the files of the signature `listed` say by themselves.
    ///
    /// # Errors
    /// Only if the input cannot be read: whatever is wrong with the signature is a finding.
    pub fn begin(package: &Package, context: &Context<'_>, listed: &Listed) -> Result<Self, DocumentError> {
        let descriptor = package.find(&listed.entry);
        let mut carriers: EntrySet = descriptor.into_iter().collect();
        let opened = match open(package, listed, &mut carriers) {
            Ok(opened) => opened,
            Err(Fault::Fatal(error)) => return Err(error),
            Err(Fault::Damaged(what)) => {
                let report = malformed_value(listed.kind(), &what, Findings::default());
                let report = SealReport { id: listed.id.clone(), ..report };
                return Ok(Self { report, covered: EntrySet::default(), carriers, descriptor, references: None });
            }
        };
        let found = Findings::default();
        let mut report = match &opened.value {
            SignedValue::Seal(signature) => sealed(&opened, signature, context.known, found),
            SignedValue::Signature(signature) => plain::signed(&opened, signature, context.known, found),
            SignedValue::Bare => plain::unsupported(listed.kind(), found),
            SignedValue::Malformed(what) => malformed_value(listed.kind(), what, found),
        };
        report.id.clone_from(&listed.id);
        report.stamps = stamps(&opened.descriptor, context, &mut report.notes);
        if listed.stated.is_some_and(|stated| stated != report.kind) {
            report.notes.push(Note::new(NoteCode::SignatureKindDisagrees));
        }
        if context.list.is_some_and(|list| opened.descriptor.covers(list)) {
            report.notes.push(Note::new(NoteCode::DocumentLocked));
        }
        let method = opened.descriptor.method().to_owned();
        let references = opened.descriptor.references;
        let covered: EntrySet = references.iter().filter_map(|reference| reference.entry).collect();
        if !covered.is_empty() && context.root.is_some_and(|root| !covered.contains(root)) {
            report.notes.push(Note::new(NoteCode::DocumentNotCovered));
        }
        Ok(Self { report, covered, carriers, descriptor, references: Some((references, method)) })
    }

    /// How many files it names.
    pub fn references(&self) -> usize {
        self.references.as_ref().map_or(0, |(references, _)| references.len())
    }

    /// Asks for the digests that it takes to compare the protected files.
    pub fn want(&self, wanted: &mut Wanted) {
        let Some((_, method)) = &self.references else { return };
        if let Some(algorithm) = DigestAlg::from_name(method) {
            self.covered.iter().for_each(|index| wanted.add(index, algorithm));
        }
    }

    /// Compares the protected files and says what all of it comes to.
    pub fn finish(&mut self, digests: &Digests) {
        if let Some((references, method)) = self.references.take() {
            compare(&references, &method, digests, &mut self.report);
        }
        let report = &mut self.report;
        report.steps.sort_by_key(|step| step.check);
        report.content =
            report.outcome_of(&[Check::SignatureFormat, Check::SignatureValue, Check::References, Check::DataHash]);
        if matches!(report.content, Outcome::Unknown(_)) {
            report.notes.push(Note::new(NoteCode::SignatureNotChecked));
        }
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
}

fn open(package: &Package, listed: &Listed, carriers: &mut EntrySet) -> Result<Opened, Fault> {
    let limit = package.limits().max_signature_bytes;
    let bytes = package.read_xml(&listed.entry)?;
    let descriptor = Descriptor::read(package, &listed.entry, &bytes)?;
    let named = descriptor.signed_value.as_ref();
    let named = named.ok_or_else(|| Fault::Damaged(format!("{} names no signature value", listed.entry)))?;
    let value = package.find(named).ok_or_else(|| Fault::Damaged(format!("{named} is missing")))?;
    let seal = descriptor.seal.as_ref().map(|name| (name, package.find(name)));
    carriers.insert(value);
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
    // Whatever else is named there may be anything, a picture on a page included.
    let is_seal = |copy: &Result<Arc<[u8]>, String>| copy.as_ref().is_ok_and(|copy| Seal::from_der(copy).is_ok());
    if seal_copy.as_ref().is_some_and(is_seal) {
        carriers.extend(seal.and_then(|(_, index)| index));
    }
    Ok(Opened { bytes, descriptor, value, seal_copy })
}

/// Compares every protected file with its digest.
fn compare(references: &[Reference], method: &str, digests: &Digests, report: &mut SealReport) {
    let algorithm = DigestAlg::from_name(method);
    let (mut altered, mut missing) = (Vec::new(), Vec::new());
    for Reference { entry, location, digest } in references {
        let Some(index) = entry else {
            missing.push(location.as_ref());
            continue;
        };
        let holds =
            |algorithm| digest.is_some() && digests.get(*index, algorithm).and_then(Result::ok) == digest.as_deref();
        if algorithm.is_some_and(|algorithm| !holds(algorithm)) {
            altered.push(location.as_ref());
        }
    }
    if algorithm.is_some_and(DigestAlg::is_weak) {
        report.notes.push(Note::with(NoteCode::DigestWeak, method));
    }
    let failed = |reason, names: Vec<&str>| {
        Step::with(Check::References, Outcome::Failed(reason), shortened(names.iter().copied(), names.len()))
    };
    report.steps.push(if !altered.is_empty() {
        failed(Reason::ContentAltered, altered)
    } else if !missing.is_empty() {
        failed(Reason::ContentMissing, missing)
    } else if references.is_empty() {
        Step::new(Check::References, Outcome::Failed(Reason::ReferencesMissing))
    } else if algorithm.is_none() {
        Step::with(Check::References, Outcome::Unknown(Reason::CheckMethodUnsupported), method)
    } else {
        Step::new(Check::References, Outcome::Passed)
    });
}

/// A signature with a seal.
fn sealed(opened: &Opened, signature: &SesSignature, known: &Known, mut found: Findings) -> SealReport {
    let (seal, time) = (known.seal(signature.seal()), signature.time());
    let signer = signature.certificate().map(|signer| known.certificate(signer));
    let signer = signer.as_ref();
    found.step(Check::SignatureFormat, Outcome::Passed);
    found.step(Check::SealFormat, Outcome::Passed);
    found.seal_value(signature, signer);
    signer_in_seal(signature, &mut found);
    found.seal(&seal, time);
    seal_copy(opened, seal.der(), &mut found);
    if let Some(signer) = signer {
        found.signer(signer, time);
        note_validity(signer, time, &mut found);
    }
    data_hash(&opened.bytes, signature.data_hash(), signer, &mut found);
    let over_signature = |token| TimeStampReport::over_signature(token, signature.signature());
    let stamps: Vec<_> = signature.timestamp().map(over_signature).into_iter().collect();
    stamps.iter().for_each(|stamp| found.time_stamp_beside(stamp));
    add_time(&mut found, opened.descriptor.date_time.as_deref(), time);
    SealReport {
        signer: signer.cloned(),
        seal: Some(seal),
        signed_at: time,
        algorithm: signer.and_then(|signer| signer.public_key().ok()).map(|key| key.algorithm()),
        digests: digests(&opened.descriptor),
        time_stamps: stamps,
        ..empty(Kind::Seal, found)
    }
}

fn signer_in_seal(signature: &SesSignature, found: &mut Findings) {
    let signer = signature.certificate();
    let listed = signer.and_then(|signer| signature.seal().info().certificates.find(signer));
    if listed == Some(ListMatch::DigestWithZ) {
        found.notes.push(Note::new(NoteCode::CertificateDigestWithZ));
    }
    found.held_or(Check::SignerInSeal, listed.is_some(), Reason::SignerNotInSeal, || {
        signer.map_or_else(String::new, Certificate::subject)
    });
}

/// The sealing time is not in the certificate's validity: no item fails for that, for time stamps and the registry have a
/// say in it, but a reader must know.
pub fn note_validity(signer: &Certificate, time: Option<eseal_kernel::Timestamp>, found: &mut Findings) {
    if time.is_some_and(|time| time < signer.not_before() || signer.not_after() < time) {
        found.notes.push(Note::new(NoteCode::SignerNotValidAtSealing));
    }
}

/// The digests of the references and of `Signature.xml`, which is always SM3.
pub fn digests(descriptor: &Descriptor) -> Vec<DigestAlg> {
    DigestAlg::from_name(descriptor.method()).into_iter().chain([DigestAlg::Sm3]).collect()
}

fn seal_copy(opened: &Opened, seal: &[u8], found: &mut Findings) {
    match &opened.seal_copy {
        None => {}
        Some(Ok(copy)) => found.held(Check::SealCopy, **copy == *seal, Reason::SealCopyDiffers),
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

fn stamps(descriptor: &Descriptor, context: &Context<'_>, notes: &mut Vec<Note>) -> Vec<Stamp> {
    let number = |page: &str| context.pages.and_then(|(pages, before)| Some(before + pages.number_of(page)?));
    let (mut stamps, mut lost) = (Vec::new(), Vec::new());
    for stamp in &descriptor.stamps {
        match (number(&stamp.page), stamp.boundary) {
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

/// A report with nothing but what was found.
pub fn empty(kind: Kind, found: Findings) -> SealReport {
    SealReport { steps: found.steps, notes: found.notes, ..SealReport::new(String::new(), kind) }
}

fn malformed_value(kind: Kind, what: &str, mut found: Findings) -> SealReport {
    found.steps.push(Step::with(Check::SignatureFormat, Outcome::Failed(Reason::SignatureMalformed), what));
    empty(kind, found)
}
