//! Time stamps in documents: what each stands over and whether it is about that, before anyone's trust is applied.

use eseal_pki::cms::{CmsError, SignerInfo};
use eseal_pki::{Hasher, TimeStampToken, TspError};

use crate::report::shown;
use crate::{Outcome, Reason};

/// One time stamp of a document or of a seal.
#[derive(Debug, Clone)]
pub struct TimeStampReport {
    /// The field that holds it, for one over a whole document; empty for one inside of a signature.
    pub id: String,
    /// What it stands over.
    pub covers: Covered,
    /// The stamp, where it can be read.
    pub token: Option<TimeStampToken>,
    /// Whether it is about what it stands over and its authority signed it. Whether that authority is to be trusted is
    /// [`crate::status`]'s to say.
    pub outcome: Outcome,
    /// What explains the outcome.
    pub detail: Option<String>,
}

/// What a time stamp proves to have existed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covered {
    /// The value of the signature that holds it.
    Signature,
    /// Everything in the first `end` bytes of the file.
    Document {
        /// How many bytes.
        end: u64,
    },
}

impl TimeStampReport {
    /// Checks a stamp over the value of a signature.
    pub(crate) fn over_signature(token: &[u8], value: &[u8]) -> Self {
        Self::check(String::new(), Covered::Signature, token, |mut hasher| {
            hasher.update(value);
            hasher.finish()
        })
    }

    /// Checks a stamp over the first `end` bytes of a file, save those of its own value.
    pub(crate) fn over_document(id: &str, end: u64, token: &[u8], hash: impl FnOnce(Hasher) -> Vec<u8>) -> Self {
        Self::check(shown(id), Covered::Document { end }, token, hash)
    }

    /// A stamp of which nothing can be said.
    pub(crate) fn broken(id: &str, why: &str) -> Self {
        let outcome = Outcome::Failed(Reason::TimeStampMalformed);
        Self { id: shown(id), covers: Covered::Document { end: 0 }, token: None, outcome, detail: Some(shown(why)) }
    }

    fn check(id: String, covers: Covered, token: &[u8], hash: impl FnOnce(Hasher) -> Vec<u8>) -> Self {
        let token = match TimeStampToken::from_token_or_response(token) {
            Ok(token) => token,
            Err(error) => {
                let (outcome, detail) = (outcome_of(&error), Some(shown(&error.to_string())));
                return Self { id, covers, token: None, outcome, detail };
            }
        };
        let found = token.check_imprint(hash).and_then(|()| token.verify(&[]).map(|_| ()));
        let (outcome, detail) = match found {
            Ok(()) => (Outcome::Passed, Some(token.info().time.to_string())),
            Err(error) => (outcome_of(&error), Some(shown(&error.to_string()))),
        };
        Self { id, covers, token: Some(token), outcome, detail }
    }
}

/// Checks the stamps over one signature of a CMS structure.
pub(crate) fn stamps_of(signer: &SignerInfo) -> Vec<TimeStampReport> {
    signer.time_stamp_tokens().map(|token| TimeStampReport::over_signature(token, signer.signature())).collect()
}

fn outcome_of(error: &TspError) -> Outcome {
    match error {
        TspError::UnsupportedAlgorithm(_)
        | TspError::Key(_)
        | TspError::Cms(CmsError::UnsupportedAlgorithm(_) | CmsError::Key(_)) => {
            Outcome::Unknown(Reason::SignatureAlgorithmUnsupported)
        }
        // It may lie elsewhere in the document.
        TspError::Cms(CmsError::NoCertificate) => Outcome::Unknown(Reason::SignerCertificateMissing),
        TspError::TooLarge
        | TspError::Malformed(_)
        | TspError::DigestLength
        | TspError::Refused { .. }
        | TspError::Cms(CmsError::TooLarge | CmsError::Malformed(_) | CmsError::NotSignedData(_)) => {
            Outcome::Failed(Reason::TimeStampMalformed)
        }
        TspError::UnknownCritical
        | TspError::OtherContent
        | TspError::OtherNonce
        | TspError::OtherPolicy
        | TspError::Signers(_)
        | TspError::NoAttribute(_)
        | TspError::OtherAuthority
        | TspError::NotForTimeStamping(_)
        | TspError::Cms(_)
        | TspError::Certificate(_)
        | TspError::Untrusted(_)
        | TspError::Sign(_) => Outcome::Failed(Reason::TimeStampWrong),
    }
}
