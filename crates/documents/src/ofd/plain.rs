//! A signature without a seal: GB/T 35275 SignedData, or a value that nobody can verify.

use eseal_pki::cms::{CmsError, SignedData, SignerInfo};
use eseal_pki::{Hasher, SignatureForm};

use super::signature::{Opened, digests, empty, note_validity};
use super::written_time::add_time;
use crate::findings::Findings;
use crate::known::Known;
use crate::time_stamp::stamps_of;
use crate::{Check, Kind, Note, NoteCode, Outcome, Reason, SealReport, Step};

/// A SignedData over `Signature.xml`.
pub fn signed(opened: &Opened, data: &SignedData, known: &Known, mut found: Findings) -> SealReport {
    match data.signers() {
        [] => found.step(Check::SignatureFormat, Outcome::Failed(Reason::SignatureMalformed)),
        signers => signers.iter().for_each(|signer| checked(opened, signer, known, &mut found)),
    }
    let first = data.signers().first();
    let (signer, time) = (first.and_then(SignerInfo::certificate), first.and_then(SignerInfo::signing_time));
    if let Some(signer) = signer {
        found.signer(signer, time);
        note_validity(signer, time, &mut found);
    }
    let stamps: Vec<_> = first.iter().flat_map(|signer| stamps_of(signer)).collect();
    stamps.iter().for_each(|stamp| found.time_stamp_beside(stamp));
    add_time(&mut found, opened.descriptor.date_time.as_deref(), time);
    SealReport {
        signer: signer.map(|signer| known.certificate(signer)),
        certificates: known.certificates(data.certificates()),
        signed_at: time,
        algorithm: first.and_then(|signer| signer.algorithm().ok()),
        digests: digests(&opened.descriptor),
        time_stamps: stamps,
        evidence: data.evidence(),
        ..empty(Kind::Signature, found)
    }
}

fn checked(opened: &Opened, signer: &SignerInfo, known: &Known, found: &mut Findings) {
    let hash = |mut hasher: Hasher| {
        hasher.update(&opened.bytes);
        hasher.finish()
    };
    let verified = match signer.certificate() {
        Some(certificate) => signer.verify_with(&known.certificate(certificate), hash),
        None => signer.verify(hash),
    };
    let error = match verified {
        Ok(signature) => {
            found.step(Check::SignatureFormat, Outcome::Passed);
            found.step(Check::SignatureValue, Outcome::Passed);
            found.step(Check::DataHash, Outcome::Passed);
            if signature.form == SignatureForm::Raw {
                found.notes.push(Note::new(NoteCode::SignatureValueRaw));
            }
            return;
        }
        Err(error) => error,
    };
    let (check, outcome) = match &error {
        CmsError::ContentChanged => (Check::DataHash, Outcome::Failed(Reason::DataHashDiffers)),
        CmsError::BadSignature => (Check::SignatureValue, Outcome::Failed(Reason::SignatureValueWrong)),
        CmsError::NoCertificate => (Check::SignatureValue, Outcome::Unknown(Reason::SignerCertificateMissing)),
        CmsError::UnsupportedAlgorithm(_) | CmsError::Key(_) => {
            (Check::SignatureValue, Outcome::Unknown(Reason::SignatureAlgorithmUnsupported))
        }
        CmsError::TooLarge
        | CmsError::Malformed(_)
        | CmsError::NotSignedData(_)
        | CmsError::OtherCertificate
        | CmsError::OtherSuite => (Check::SignatureFormat, Outcome::Failed(Reason::SignatureMalformed)),
    };
    found.steps.push(Step::with(check, outcome, error.to_string()));
}

/// A value that cannot be verified, for it comes without the signer's certificate.
pub fn unsupported(kind: Kind, mut found: Findings) -> SealReport {
    found.step(Check::SignatureFormat, Outcome::Unknown(Reason::SignatureValueUnsupported));
    empty(kind, found)
}
