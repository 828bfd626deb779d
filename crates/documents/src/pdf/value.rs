//! The value of a signature: that it is over the byte ranges, and whose it is.

use eseal_pki::cms::{CmsError, CmsSignature, ContentForm, SignedData, SignerInfo};
use eseal_pki::{Certificate, DigestAlg, Hasher, SignatureForm};
use eseal_seal::SesSignature;

use super::object::Value;
use super::signature::{Coverage, Signature, SubFilter};
use super::signed::failed;
use super::verify::Document;
use super::{plain_rsa, time_stamp};
use crate::findings::Findings;
use crate::known::Known;
use crate::time_stamp::stamps_of;
use crate::{Check, Kind, Note, NoteCode, OnProgress, Outcome, Reason, SealReport, Step, TimeStampReport};

/// Checks the signature value over the byte ranges.
pub(crate) fn check(
    document: &Document<'_>,
    signature: &Signature,
    coverage: &Coverage,
    report: &mut SealReport,
    found: &mut Findings,
    on_progress: OnProgress<'_>,
) {
    let contents = coverage.contents(document.view.bytes()).unwrap_or_default();
    if contents.iter().all(|byte| *byte == 0) {
        return failed(found, Check::SignatureFormat, Reason::SignatureMalformed, "it was prepared but never signed");
    }
    let hash = hashing(document, coverage, on_progress);
    match signature.sub_filter {
        SubFilter::Cms | SubFilter::CmsSha1 | SubFilter::GmCms => {
            cms(&contents, signature.sub_filter, document, report, found, hash);
        }
        SubFilter::GmSeal => gm_seal(&contents, document.known, report, found, hash),
        SubFilter::PlainRsa => plain_rsa::check(&document.view, signature, &contents, report, found, hash),
        SubFilter::TimeStamp | SubFilter::Unknown => {
            let name = signature.dictionary.get("SubFilter").and_then(Value::as_name).unwrap_or_default();
            let unknown = Outcome::Unknown(Reason::SignatureValueUnsupported);
            found.steps.push(Step::with(Check::SignatureValue, unknown, String::from_utf8_lossy(name)));
        }
    }
}

/// Digests of the signed byte ranges.
pub(crate) fn hashing<'d>(
    document: &'d Document<'_>,
    coverage: &'d Coverage,
    on_progress: OnProgress<'d>,
) -> impl FnMut(Hasher) -> Vec<u8> + 'd {
    move |hasher| document.prefixes.digest(document.view.bytes(), coverage.ranges(), hasher, on_progress)
}

fn cms(
    contents: &[u8],
    sub_filter: SubFilter,
    document: &Document<'_>,
    report: &mut SealReport,
    found: &mut Findings,
    hash: impl FnMut(Hasher) -> Vec<u8>,
) {
    let malformed = |found: &mut Findings, what: String| {
        failed(found, Check::SignatureFormat, Reason::SignatureMalformed, what);
    };
    let data = match SignedData::from_der(structure(contents)) {
        Ok(data) => data,
        Err(error) => return malformed(found, error.to_string()),
    };
    report.certificates = document.known.certificates(data.certificates());
    // ISO 32000-2 §12.8.3.3.1: there is one signer.
    let [signer] = data.signers() else {
        return malformed(found, format!("it has {} signatures instead of one", data.signers().len()));
    };
    // A certificate that did not come along may lie in the document's store.
    report.signer = signer.certificate().cloned();
    report.signer = report.signer.take().or_else(|| signer.certificate_among(&document.evidence.certificates));
    report.signer = report.signer.as_ref().map(|signer| document.known.certificate(signer));
    report.evidence = data.evidence();
    report.time_stamps = stamps_of(signer);
    report.time_stamps.iter().for_each(|stamp| found.time_stamp(stamp));
    for token in signer.time_stamp_tokens() {
        if let Some(why) = time_stamp::disagreement(token, signer.signature()) {
            found.notes.push(Note::with(NoteCode::TimeStampWrong, why));
        }
    }
    report.signed_at = report.signed_at.or(signer.signing_time());
    let verified_by = match &report.signer {
        Some(certificate) => signer.verify_with(certificate, hash),
        None => signer.verify(hash),
    };
    match verified_by {
        Ok(signature) if is_form_of(sub_filter, signature.content) => {
            report.algorithm = Some(signature.algorithm);
            report.digests = vec![signature.digest];
            verified(&signature, found);
        }
        Ok(_) => malformed(found, "the document is bound to it in another way than it says".to_owned()),
        Err(error) => refused(signer, &error, found),
    }
}

/// Whether the content is bound to the structure as `/SubFilter` says.
fn is_form_of(sub_filter: SubFilter, form: ContentForm) -> bool {
    match sub_filter {
        SubFilter::CmsSha1 => form == ContentForm::Digest,
        // Written "detached", and with the digest inside all the same.
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
    if signature.form == SignatureForm::Raw {
        found.notes.push(Note::new(NoteCode::SignatureValueRaw));
    }
}

fn refused(signer: &SignerInfo, error: &CmsError, found: &mut Findings) {
    let (check, outcome) = match error {
        CmsError::ContentChanged => (Check::DataHash, Outcome::Failed(Reason::ContentAltered)),
        CmsError::NoCertificate => (Check::SignatureValue, Outcome::Failed(Reason::SignerCertificateMissing)),
        CmsError::BadSignature | CmsError::OtherCertificate => {
            // Without attributes the value is over the document itself, and no more can be said than that it is wrong.
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

/// The structure that `contents` begins with. Behind it are zeros, but in encrypted documents some writers encrypt the
/// placeholder before they write the value into its beginning; nobody signed that and nothing reads it.
pub(crate) fn structure(contents: &[u8]) -> &[u8] {
    contents.get(..der_length(contents)).unwrap_or(contents)
}

/// A SES_Signature as the value: the seal is inside it, and its dataHash is the SM3 of the byte ranges.
fn gm_seal(
    contents: &[u8],
    known: &Known,
    report: &mut SealReport,
    found: &mut Findings,
    mut hash: impl FnMut(Hasher) -> Vec<u8>,
) {
    report.kind = Kind::Seal;
    let (der, filling) = contents.split_at(der_length(contents).min(contents.len()));
    if filling.iter().any(|byte| *byte != 0) {
        return failed(found, Check::SignatureFormat, Reason::SignatureMalformed, "something behind the structure");
    }
    let signature = match SesSignature::from_der(der) {
        Ok(signature) => signature,
        Err(error) => return failed(found, Check::SignatureFormat, Reason::SignatureMalformed, error.to_string()),
    };
    found.step(Check::SignatureFormat, Outcome::Passed);
    found.step(Check::SealFormat, Outcome::Passed);
    report.signer = signature.certificate().map(|signer| known.certificate(signer));
    found.seal_value(&signature, report.signer.as_ref());
    let holds = hash(DigestAlg::Sm3.hasher()) == signature.data_hash();
    found.held(Check::DataHash, holds, Reason::ContentAltered);
    report.signed_at = signature.time().or(report.signed_at);
    in_list(signature.signer_in_list(), report.signer.as_ref(), found);
    let seal = known.seal(signature.seal());
    found.seal(&seal, report.signed_at);
    report.seal = Some(seal);
    report.algorithm = report.signer.as_ref().and_then(|signer| signer.public_key().ok()).map(|key| key.algorithm());
    report.digests = vec![DigestAlg::Sm3];
    if let Some(token) = signature.timestamp() {
        let stamp = TimeStampReport::over_signature(token, signature.signature());
        found.time_stamp(&stamp);
        report.time_stamps.push(stamp);
    }
}

/// Adds whether the signer is in the seal's list.
pub(crate) fn in_list(listed: bool, signer: Option<&Certificate>, found: &mut Findings) {
    found.held_or(Check::SignerInSeal, listed, Reason::SignerNotInSeal, || {
        signer.map_or_else(String::new, Certificate::subject)
    });
}

/// Bytes of the DER value that `contents` begins with, header included.
pub(crate) fn der_length(contents: &[u8]) -> usize {
    match contents {
        [_, length @ 0..=0x7f, ..] => 2 + usize::from(*length),
        [_, form @ 0x81..=0x84, rest @ ..] => {
            let bytes = rest.get(..usize::from(form & 0x7f)).unwrap_or_default();
            2 + bytes.len() + bytes.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte))
        }
        _ => contents.len(),
    }
}
