//! Time stamps (RFC 3161): over a document as a whole, and over the value of a signature.

use eseal_pki::Hasher;
use eseal_pki::cms::{CmsError, CmsSignature, SignedData};

use super::signed::{self, SignedField};
use super::value::{hashing, structure};
use super::verify::Document;
use crate::findings::Findings;
use crate::{DocumentError, Note, NoteCode, OnProgress, TimeStampReport};

/// A time stamp over the whole document: no seal, but something to know. Like a signature it is worth nothing for what
/// came after it.
///
/// # Errors
/// [`DocumentError::TooLarge`].
pub(crate) fn check(
    document: &Document<'_>,
    stamped: &SignedField,
    on_progress: OnProgress<'_>,
) -> Result<(TimeStampReport, Note), DocumentError> {
    let name = &stamped.field.name;
    let wrong = |why: &str| Note::with(NoteCode::DocumentTimeStampWrong, format!("{name}: {why}"));
    let coverage = match &stamped.signature.coverage {
        Ok(coverage) => coverage,
        Err(why) => return Ok((TimeStampReport::broken(name, &why.to_string()), wrong(&why.to_string()))),
    };
    let contents = coverage.contents(document.view.bytes()).unwrap_or_default();
    let contents = structure(&contents);
    let value = is_over(contents, hashing(document, coverage, &mut |_| {}));
    let hash = hashing(document, coverage, on_progress);
    let stamp = TimeStampReport::over_document(name, coverage.end as u64, contents, hash);
    if let Err(why) = value {
        return Ok((stamp, wrong(&why)));
    }
    let mut found = Findings::default();
    signed::state(document, stamped, coverage, &mut found)?;
    let note = match found.steps.iter().find(|step| step.outcome.is_failed()) {
        None => {
            let said = stamp.detail.as_deref().unwrap_or_default();
            Note::with(NoteCode::DocumentTimeStamp, format!("{name}: {said}"))
        }
        Some(step) => wrong(step.detail.as_deref().unwrap_or(step.check.code())),
    };
    Ok((stamp, note))
}

/// Whether the value is a time stamp over what was hashed; else why not. What this program cannot check is no fault of the
/// document.
fn is_over(contents: &[u8], hash: impl FnMut(Hasher) -> Vec<u8>) -> Result<(), String> {
    let data = SignedData::from_der(contents).map_err(|error| error.to_string())?;
    let signer = data.signers().first().ok_or("it has no signature")?;
    match signer.verify(hash) {
        Ok(CmsSignature { time_stamp: None, .. }) => Err("it holds no time".to_owned()),
        Err(error @ (CmsError::ContentChanged | CmsError::BadSignature)) => Err(error.to_string()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Why a time stamp that stands beside a signature value is not about it; `None` where it is, or where that can't be said.
pub(crate) fn disagreement(token: &[u8], value: &[u8]) -> Option<String> {
    let data = SignedData::from_der(token).ok()?;
    let stamped = data.signers().first()?.verify(|mut hasher| {
        hasher.update(value);
        hasher.finish()
    });
    match stamped {
        Err(error @ (CmsError::ContentChanged | CmsError::BadSignature)) => Some(error.to_string()),
        Ok(_) | Err(_) => None,
    }
}
