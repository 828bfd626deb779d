//! The gates of an act over many documents: a to d once, for the list; e for each document.

use eseal_kernel::Digest;

use super::attempt::{LIFETIME, Pin};
use super::batch::{Batch, MAX_DOCUMENTS, further_lifetime};
use super::command::{BatchCardUse, BatchCompletion, BatchSigning, BatchUse};
use super::copies::check_count;
use super::denial::Refusal;
use super::event::{RefusedInBatch, SealedInBatch, Step};
use super::policy::SecondFactor;
use super::reason::Reason;
use super::rejection::Rejection;
use super::seal_use::Admitted;
use super::sealing::{Decision, Turn, refused};

/// What a card's proof for a list is for.
pub const PURPOSE: &str = "seal-documents";

impl Turn<'_> {
    pub(super) fn authorize_batch(&self, given: &BatchCardUse) -> Decision {
        self.needs_card()?;
        must_be_a_list(&given.subject)?;
        if self.attempt.is_authorized() {
            return Ok(refused(Reason::ChallengeInvalid, self.by)); // single use
        }
        if !matches!(self.attempt.pin, Pin::Right(_)) {
            return Err(Rejection::OutOfOrder);
        }
        let checked = self
            .check_pin()
            .and_then(|()| self.entry.registration.check_binding(&given.card_serial, given.seal_digest))
            .and_then(|()| self.check_batch(&given.subject))
            .map_err(Refusal::from)
            .and_then(|()| self.admit(&given.subject.originals, given.subject.documents))
            .and_then(|admitted| {
                self.check_proofs(given)?;
                check_count(self.card_uses, given.card_uses)?;
                Ok(admitted)
            });
        Ok(self.batch_authorized(checked, &given.subject, given.card_uses))
    }

    pub(super) fn authorize_hosted_batch(&self, pin_correct: bool, code: SecondFactor, subject: &BatchUse) -> Decision {
        must_be_a_list(subject)?;
        self.look_at_pin(pin_correct, code, || {
            let checked = self.check_batch(subject).map_err(Refusal::from);
            let admitted = checked.and_then(|()| self.admit(&subject.originals, subject.documents));
            self.batch_authorized(admitted, subject, 0)
        })
    }

    pub(super) fn sign_batch(&self, documents: &[BatchSigning]) -> Decision {
        self.needs_hosted_key()?;
        let batch = self.batch()?;
        if let Err(refusal) = self.check_usable() {
            return Ok(refused(refusal, self.by));
        }
        let (mut done, mut signatures, mut refusals) = (batch.signed.clone(), Vec::new(), Vec::new());
        for document in documents {
            let checked = check_listed(batch, document.index, document.is_listed)
                .and_then(|()| check_fresh(done.has(document.index) || batch.sealed.has(document.index)))
                .and_then(|()| check_certificate(batch, Some(document.certificate)))
                .and_then(|()| self.check_content(document.document_digest, document.content.as_ref()));
            match checked {
                Ok(()) => {
                    done.mark([document.index]);
                    signatures.push((document.index, document.signed));
                }
                Err(reason) => refusals.push(refusal(document.index, document.document_digest, reason)),
            }
        }
        let mut steps = Vec::new();
        if !signatures.is_empty() {
            steps.push(Step::HostedSignaturesMade { signatures });
        }
        steps.extend(refusals_of(refusals));
        Ok(steps)
    }

    pub(super) fn complete_batch(&self, documents: &[BatchCompletion], last: bool) -> Decision {
        let batch = self.batch()?;
        if let Err(refusal) = self.check_usable() {
            return Ok(refused(refusal, self.by));
        }
        let (mut done, mut sealed, mut refusals) = (batch.sealed.clone(), Vec::new(), Vec::new());
        for document in documents {
            let (index, document_digest) = (document.index, document.document_digest);
            let checked = check_listed(batch, index, document.is_listed)
                .and_then(|()| check_fresh(done.has(index)))
                .and_then(|()| check_certificate(batch, document.signature.as_ref().map(|by| by.certificate)))
                .and_then(|()| self.check_content(document_digest, document.signature.as_ref().map(|by| &by.content)));
            match checked {
                Ok(()) => {
                    done.mark([index]);
                    let (signature_digest, places) = (document.signature_digest, document.places.clone());
                    sealed.push(SealedInBatch { index, document_digest, signature_digest, places });
                }
                Err(reason) => refusals.push(refusal(index, document_digest, reason)),
            }
        }
        let mut steps = Vec::new();
        if !sealed.is_empty() {
            steps.push(Step::DocumentsSealed { documents: sealed });
        }
        steps.extend(refusals_of(refusals));
        if last || done.count() >= batch.documents {
            steps.push(Step::BatchEnded { sealed: done.count() });
        }
        Ok(steps)
    }

    fn batch(&self) -> Result<&Batch, Rejection> {
        self.attempt.batch.as_ref().ok_or(Rejection::OutOfOrder)
    }

    fn check_batch(&self, subject: &BatchUse) -> Result<(), Reason> {
        for (certificate, _) in &subject.certificates {
            self.entry.registration.check_certificate(*certificate)?;
        }
        self.entry.check_usable(self.now)?;
        subject.certificates.iter().find_map(|(_, fault)| *fault).map_or(Ok(()), Err)
    }

    /// Each key that will sign has answered.
    fn check_proofs(&self, given: &BatchCardUse) -> Result<(), Reason> {
        if given.proofs.len() != given.subject.certificates.len() {
            return Err(Reason::ChallengeInvalid);
        }
        given.proofs.iter().try_for_each(|proof| self.check_challenge(PURPOSE, given.subject.list, proof.as_ref()))
    }

    fn batch_authorized(
        &self,
        admitted: Result<Vec<Admitted>, Refusal>,
        subject: &BatchUse,
        card_uses: u64,
    ) -> Vec<Step> {
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => return refused(refusal, self.by),
        };
        vec![Step::BatchAuthorized {
            root: subject.root,
            documents: subject.documents,
            certificates: subject.certificates.iter().map(|(certificate, _)| *certificate).collect(),
            complete_before: self.now.plus(LIFETIME + further_lifetime(subject.documents)),
            card_uses,
            admitted,
        }]
    }
}

fn must_be_a_list(subject: &BatchUse) -> Result<(), Rejection> {
    let fits = (1..=MAX_DOCUMENTS).contains(&subject.documents)
        && !subject.certificates.is_empty()
        && (subject.originals.is_empty() || subject.originals.len() == subject.documents as usize);
    if fits { Ok(()) } else { Err(Rejection::OutOfOrder) }
}

fn check_listed(batch: &Batch, index: u32, is_listed: bool) -> Result<(), Reason> {
    if is_listed && index < batch.documents { Ok(()) } else { Err(Reason::DocumentNotListed) }
}

fn check_fresh(is_done: bool) -> Result<(), Reason> {
    if is_done { Err(Reason::DocumentAlreadySealed) } else { Ok(()) }
}

fn check_certificate(batch: &Batch, certificate: Option<Digest>) -> Result<(), Reason> {
    let authorized = certificate.is_some_and(|certificate| batch.certificates.contains(&certificate));
    if authorized { Ok(()) } else { Err(Reason::SigningFailed) }
}

const fn refusal(index: u32, document_digest: Digest, reason: Reason) -> RefusedInBatch {
    RefusedInBatch { index, document_digest, reason }
}

fn refusals_of(documents: Vec<RefusedInBatch>) -> Option<Step> {
    if documents.is_empty() { None } else { Some(Step::DocumentsRefused { documents }) }
}
