//! The steps and notes of one signature as they are found.

use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, SignatureForm};
use eseal_seal::{Seal, SesSignature, ValueError};

use crate::{Check, Note, NoteCode, Outcome, Reason, Step, TimeStampReport};

/// What is found about one signature.
#[derive(Debug, Default)]
pub struct Findings {
    /// Checks in the order in which they were made.
    pub steps: Vec<Step>,
    /// What else there is to know.
    pub notes: Vec<Note>,
}

impl Findings {
    /// Adds a check.
    pub fn step(&mut self, check: Check, outcome: Outcome) {
        self.steps.push(Step::new(check, outcome));
    }

    /// Adds a check that passed, or failed for `reason`.
    pub fn held(&mut self, check: Check, holds: bool, reason: Reason) {
        self.step(check, if holds { Outcome::Passed } else { Outcome::Failed(reason) });
    }

    /// Adds a check that passed, or failed for `reason`, with what explains the failure.
    pub fn held_or(&mut self, check: Check, holds: bool, reason: Reason, detail: impl FnOnce() -> String) {
        match holds {
            true => self.step(check, Outcome::Passed),
            false => self.steps.push(Step::with(check, Outcome::Failed(reason), detail())),
        }
    }

    /// Adds what came of verifying a signature value, where a wrong one is failed for `wrong`.
    pub fn value(&mut self, check: Check, verified: Result<SignatureForm, ValueError>, wrong: Reason) {
        let (outcome, error) = match verified {
            Ok(SignatureForm::Der) => (Outcome::Passed, None),
            Ok(SignatureForm::Raw) => {
                self.notes.push(Note::new(NoteCode::SignatureValueRaw));
                (Outcome::Passed, None)
            }
            // The key says which algorithm it is; a value that declares another contradicts itself.
            Err(error @ (ValueError::BadSignature(_) | ValueError::Algorithm(_))) => {
                (Outcome::Failed(wrong), Some(error))
            }
            Err(error @ ValueError::NoCertificate) => {
                (Outcome::Failed(Reason::SignerCertificateMalformed), Some(error))
            }
            Err(error @ ValueError::Key(_)) => (Outcome::Unknown(Reason::SignatureAlgorithmUnsupported), Some(error)),
        };
        self.steps.push(match error {
            None => Step::new(check, outcome),
            Some(error) => Step::with(check, outcome, error.to_string()),
        });
    }

    /// Adds what came of verifying the value of a seal signature, by the certificate in it as it was met first.
    pub fn seal_value(&mut self, signature: &SesSignature, signer: Option<&Certificate>) {
        let verified = signer.ok_or(ValueError::NoCertificate).and_then(|signer| signature.verify_value_with(signer));
        self.value(Check::SignatureValue, verified, Reason::SignatureValueWrong);
    }

    /// Adds what came of a time stamp over the signature value.
    pub fn time_stamp(&mut self, stamp: &TimeStampReport) {
        let (check, outcome) = (Check::TimeStamp, stamp.outcome);
        self.steps.push(Step { check, outcome, detail: stamp.detail.clone() });
    }

    /// The same, and warns of one that does not hold.
    pub fn time_stamp_beside(&mut self, stamp: &TimeStampReport) {
        self.time_stamp(stamp);
        if stamp.outcome.is_failed() {
            self.notes.push(Note::with(NoteCode::TimeStampWrong, stamp.detail.as_deref().unwrap_or_default()));
        }
    }

    /// Whether there is a time stamp that may hold.
    pub fn is_stamped(&self) -> bool {
        self.steps.iter().any(|step| step.check == Check::TimeStamp && !step.outcome.is_failed())
    }

    /// Adds what the signer's certificate says about signing, and about signing at `time`.
    pub fn signer(&mut self, signer: &Certificate, time: Option<Timestamp>) {
        let may_sign = signer.allows_signing();
        self.held_or(Check::SignerKeyUsage, may_sign, Reason::SignerNotForSigning, || signer.subject());
        if let Some(time) = time {
            let (from, to) = (signer.not_before(), signer.not_after());
            self.held_or(Check::SignerValidity, from <= time && time <= to, Reason::SignerExpiredAtSealing, || {
                format!("{time}: {from} – {to}")
            });
        }
    }

    /// Adds what the seal says about itself and about sealing at `time`.
    pub fn seal(&mut self, seal: &Seal, time: Option<Timestamp>) {
        self.value(Check::SealMakerSignature, seal.verify_value(), Reason::SealMakerSignatureWrong);
        let info = seal.info();
        match time {
            Some(time) => {
                self.held_or(Check::SealingTime, info.is_valid_at(time), Reason::SealingTimeOutsideSeal, || {
                    format!("{time}: {} – {}", info.valid_from, info.valid_to)
                });
            }
            None => self.step(Check::SealingTime, Outcome::Unknown(Reason::SealingTimeUnknown)),
        }
        if let Some(token) = seal.timestamp() {
            self.notes.push(seal_time_stamp(token, seal.signature()));
        }
    }
}

/// What is to be known of the time stamp on a seal (GM/T 0031-2025). The text of that standard was not at hand: that the stamp is
/// over the value of the maker's signature is as with seal signatures. So one that is not is told, and nothing fails for it.
fn seal_time_stamp(token: &[u8], value: &[u8]) -> Note {
    let stamp = TimeStampReport::over_signature(token, value);
    let holds = stamp.outcome == Outcome::Passed;
    let code = if holds { NoteCode::SealTimeStamped } else { NoteCode::SealTimeStampUnconfirmed };
    Note { code, detail: stamp.detail }
}
