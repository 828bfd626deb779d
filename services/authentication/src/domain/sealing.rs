//! The gates of sealing.

use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};

use super::attempt::{Attempt, Authorization, CHALLENGE_LIFETIME, End, MAX_OPEN, Pin};
use super::batch::further_challenge_lifetime;
use super::command::{CardUse, SealingAction, Signature, Signed, Statement, Use};
use super::copies::check_count;
use super::denial::{Denial, Refusal};
use super::document::Original;
use super::event::{Fact, Step};
use super::ids::{AttemptId, By, SealId};
use super::policy::SecondFactor;
use super::reason::Reason;
use super::registration::Custody;
use super::rejection::Rejection;
use super::right::Right;
use super::seal::{Entry, PIN_TRIES, PinCount, Seal};
use super::seal_use::{Admitted, SealUses, Spent};

/// Whom a card's proof for sealing is for.
pub const AUDIENCE: &str = "eseal.authentication";
/// What it is for.
pub const PURPOSE: &str = "seal-document";
/// How far the clock of a client may be off: a document says that it was sealed between the begin of its attempt and
/// now, each widened by this.
pub const TIME_TOLERANCE: Duration = Duration::from_secs(2 * 60);

pub(super) type Decision = Result<Vec<Step>, Rejection>;

/// An open attempt, and what is asked of it when and by whom.
pub(super) struct Turn<'a> {
    pub(super) seal: SealId,
    pub(super) entry: &'a Entry,
    pub(super) pin: PinCount,
    pub(super) card_uses: u64,
    pub(super) id: AttemptId,
    pub(super) attempt: &'a Attempt,
    pub(super) by: &'a By,
    pub(super) now: Timestamp,
    pub(super) right: &'a Right,
    pub(super) uses: &'a SealUses,
}

impl Seal {
    pub(super) fn evolve_sealing(mut self, id: AttemptId, step: &Step) -> Self {
        match step {
            Step::PinTried { tries_left } | Step::PinRefused { tries_left } => {
                self.pin = PinCount { tries_left: *tries_left, ..self.pin };
            }
            // Tries that other requests are looking at stay counted.
            Step::PinAccepted { .. } => {
                self.pin = PinCount::left(PIN_TRIES.saturating_sub(self.attempts.running_beside(id)));
            }
            Step::PinLocked => self.pin = PinCount::LOCKED,
            Step::Begun { sealing_time, .. } => self.settle_what_ran_out(*sealing_time),
            Step::Authorized { card_uses, admitted, .. } => {
                self.card_uses = self.card_uses.max(*card_uses);
                let spent: Vec<_> = admitted.iter().filter_map(|admitted| admitted.spent).collect();
                self.take(id, 1, &spent);
            }
            Step::BatchAuthorized { documents, card_uses, admitted, .. } => {
                self.card_uses = self.card_uses.max(*card_uses);
                let spent: Vec<_> = admitted.iter().filter_map(|admitted| admitted.spent).collect();
                self.take(id, *documents, &spent);
            }
            Step::Refused { .. } | Step::BatchEnded { .. } => self.settle(id),
            Step::HostedSigned { .. }
            | Step::ListSigned { .. }
            | Step::Completed { .. }
            | Step::HostedSignaturesMade { .. }
            | Step::DocumentsSealed { .. }
            | Step::DocumentsRefused { .. } => {}
        }
        self.attempts.evolve(id, step);
        self
    }

    pub(super) fn decide_sealing(
        &self,
        seal: SealId,
        id: AttemptId,
        by: &By,
        action: &SealingAction,
        now: Timestamp,
    ) -> Result<Vec<Fact>, Rejection> {
        let under = |id| move |step| Fact::Sealing(id, step);
        let steps = match action {
            SealingAction::Begin { nonce, documents } => self.begin(by, nonce, *documents, now),
            SealingAction::Authorize(given) if self.is_stranger(by) => {
                return Ok(refused(Reason::NotAuthorized, by).into_iter().map(under(given.otherwise)).collect());
            }
            SealingAction::AuthorizeBatch(given) if self.is_stranger(by) => {
                return Ok(refused(Reason::NotAuthorized, by).into_iter().map(under(given.otherwise)).collect());
            }
            SealingAction::Complete { signature_digest, .. } if self.completed_with(id, by, *signature_digest) => {
                Ok(vec![])
            }
            SealingAction::CardAbsent => self.turn(seal, id, by, now)?.card_absent(),
            SealingAction::CardPin { correct } => self.turn(seal, id, by, now)?.card_pin(*correct),
            SealingAction::TryPin { with_code } => self.turn(seal, id, by, now)?.try_pin(*with_code),
            SealingAction::AcceptPin { code } => self.turn(seal, id, by, now)?.accept_pin(*code),
            SealingAction::AwaitPin => self.turn(seal, id, by, now)?.pin_asked_again(),
            SealingAction::Authorize(given) => self.turn(seal, id, by, now)?.authorize(given),
            SealingAction::AuthorizeHosted { pin_correct, code, subject } => {
                self.turn(seal, id, by, now)?.authorize_hosted(*pin_correct, *code, subject)
            }
            SealingAction::SignHosted { signed, content } => {
                self.turn(seal, id, by, now)?.sign_hosted(*signed, content.as_ref())
            }
            SealingAction::SignList { signed } => self.turn(seal, id, by, now)?.sign_list(*signed),
            SealingAction::Complete { signature_digest, signature } => {
                self.turn(seal, id, by, now)?.complete(*signature_digest, signature.as_ref())
            }
            SealingAction::SigningFailed => self.turn(seal, id, by, now)?.signing_failed(),
            SealingAction::AuthorizeBatch(given) => self.turn(seal, id, by, now)?.authorize_batch(given),
            SealingAction::AuthorizeHostedBatch { pin_correct, code, subject } => {
                self.turn(seal, id, by, now)?.authorize_hosted_batch(*pin_correct, *code, subject)
            }
            SealingAction::SignHostedBatch { documents } => self.turn(seal, id, by, now)?.sign_batch(documents),
            SealingAction::CompleteBatch { documents, last } => {
                self.turn(seal, id, by, now)?.complete_batch(documents, *last)
            }
        }?;
        let further = self.consequences(&steps);
        Ok(steps.into_iter().map(under(id)).chain(further).collect())
    }

    fn begin(&self, by: &By, nonce: &str, documents: u32, now: Timestamp) -> Decision {
        if self.entry.is_none() {
            return Ok(refused(Reason::SealNotRegistered, by));
        }
        let Some(right) = self.right_of(by) else {
            return Ok(refused(Reason::NotAuthorized, by));
        };
        if let Err(denial) = right.check_holds(now).and_then(|()| right.check_left(documents.max(1))) {
            return Ok(refused(denial, by)); // said before anybody types a PIN for nothing, like the next
        }
        if self.pin.tries_left() == 0 {
            return Ok(refused(Reason::PinLocked, by));
        }
        if self.attempts.open(now) >= MAX_OPEN {
            return Err(Rejection::TooManyAttempts);
        }
        Ok(vec![Step::Begun {
            by: by.person.clone(),
            nonce: nonce.to_owned(),
            challenge_expires_at: now.plus(CHALLENGE_LIFETIME + further_challenge_lifetime(documents)),
            sealing_time: now,
        }])
    }

    fn is_stranger(&self, by: &By) -> bool {
        self.entry.is_some() && self.right_of(by).is_none()
    }

    fn completed_with(&self, id: AttemptId, by: &By, signature: Digest) -> bool {
        let own = self.attempts.get(id).filter(|attempt| attempt.by == by.person && !self.is_stranger(by));
        let ended = own.and_then(|attempt| attempt.end);
        ended == Some(End::Completed { signature_digest: signature })
    }

    fn turn<'a>(&'a self, seal: SealId, id: AttemptId, by: &'a By, now: Timestamp) -> Result<Turn<'a>, Rejection> {
        let entry = self.entry.as_ref().ok_or(Rejection::SealNotFound)?;
        let right = self.right_of(by).ok_or(Rejection::NotCustodian)?;
        let attempt = self.attempts.get(id).filter(|attempt| attempt.is_open(now)).ok_or(Rejection::AttemptNotOpen)?;
        if attempt.by != by.person {
            return Err(Rejection::NotCustodian); // of the seal, but it is another one's attempt
        }
        let (pin, card_uses, uses) = (self.pin, self.card_uses, &self.uses);
        Ok(Turn { seal, entry, pin, card_uses, id, attempt, by, now, right, uses })
    }
}

impl Turn<'_> {
    fn card_absent(&self) -> Decision {
        self.needs_card()?;
        self.needs_no_authorization()?;
        Ok(refused(Reason::SealCardAbsent, self.by))
    }

    fn card_pin(&self, correct: bool) -> Decision {
        self.needs_card()?;
        self.needs_no_authorization()?;
        match (self.pin.tries_left().checked_sub(1), self.attempt.pin) {
            (None, _) => Ok(refused(Reason::PinLocked, self.by)),
            (Some(left), _) if !correct => Ok(self.wrong_pin(left)),
            (Some(_), Pin::Right(_)) => Ok(vec![]),
            (Some(_), Pin::Unchecked | Pin::Running) => Ok(vec![Step::PinAccepted { code: SecondFactor::None }]),
        }
    }

    fn try_pin(&self, with_code: bool) -> Decision {
        self.needs_hosted_key()?;
        self.needs_no_authorization()?;
        let asked = self.entry.policy.second_factor;
        match (self.attempt.pin, self.pin.tries_left().checked_sub(1)) {
            (Pin::Running, _) => Err(Rejection::PinCheckRunning),
            (Pin::Right(_), _) => Err(Rejection::OutOfOrder),
            (Pin::Unchecked, None) => Ok(refused(Reason::PinLocked, self.by)),
            // Said before a try is spent: what the policy asks for is no secret.
            (Pin::Unchecked, Some(_)) if !with_code && asked != SecondFactor::None => {
                Err(Rejection::SecondFactorRequired(asked))
            }
            (Pin::Unchecked, Some(tries_left)) => Ok(vec![Step::PinTried { tries_left }]),
        }
    }

    /// Where tries of other attempts have locked the key meanwhile, that is said at gate d, which follows.
    fn accept_pin(&self, code: SecondFactor) -> Decision {
        self.needs_hosted_key()?;
        self.needs_no_authorization()?;
        let is_met = self.entry.policy.second_factor.is_met_by(code);
        match self.attempt.pin {
            Pin::Running if self.pin.is_locked() || !is_met => Ok(vec![]),
            Pin::Running => Ok(vec![Step::PinAccepted { code }]),
            Pin::Right(_) => Ok(vec![]),
            Pin::Unchecked => Err(Rejection::OutOfOrder),
        }
    }

    /// What a request is told that comes again while nothing is on record under it: somebody is looking at its PIN, or was
    /// killed over it, and the try stays counted; or the PIN was right, and gate d is to be decided still.
    fn pin_asked_again(&self) -> Decision {
        match self.attempt.pin {
            Pin::Right(_) if !self.attempt.is_authorized() => Err(Rejection::PinAccepted),
            Pin::Right(_) | Pin::Running | Pin::Unchecked => Err(Rejection::PinCheckRunning),
        }
    }

    fn authorize(&self, given: &CardUse) -> Decision {
        self.needs_card()?;
        if self.attempt.is_authorized() {
            return Ok(refused(Reason::ChallengeInvalid, self.by)); // single use
        }
        if !matches!(self.attempt.pin, Pin::Right(_)) {
            return Err(Rejection::OutOfOrder);
        }
        let checked = self
            .check_pin()
            .and_then(|()| self.entry.registration.check_binding(&given.card_serial, given.seal_digest))
            .and_then(|()| self.check_use(&given.subject))
            .map_err(Refusal::from)
            .and_then(|()| self.admit(std::slice::from_ref(&given.subject.original), 1))
            .and_then(|admitted| {
                self.check_challenge(PURPOSE, given.subject.document_digest, given.proof.as_ref())?;
                check_count(self.card_uses, given.card_uses)?;
                Ok(admitted)
            });
        Ok(self.authorized(checked, &given.subject, given.card_uses))
    }

    fn authorize_hosted(&self, pin_correct: bool, code: SecondFactor, subject: &Use) -> Decision {
        self.look_at_pin(pin_correct, code, || {
            let checked = self.check_use(subject).map_err(Refusal::from);
            let admitted = checked.and_then(|()| self.admit(std::slice::from_ref(&subject.original), 1));
            self.authorized(admitted, subject, 0)
        })
    }

    /// Gate c of a hosted key, and what gate d says once it is passed.
    pub(super) fn look_at_pin(
        &self,
        pin_correct: bool,
        code: SecondFactor,
        at_gate_d: impl FnOnce() -> Vec<Step>,
    ) -> Decision {
        self.needs_hosted_key()?;
        self.needs_no_authorization()?;
        let (code, accepted) = match self.attempt.pin {
            Pin::Running => (code, None),
            Pin::Right(code) if pin_correct => (code, Some(Vec::new())), // before others were asked
            Pin::Right(_) | Pin::Unchecked => return Err(Rejection::OutOfOrder),
        };
        if self.pin.is_locked() {
            return Ok(refused(Reason::PinLocked, self.by)); // tries of other attempts were the last ones
        }
        // A code is one secret with the PIN: who tries is not told which of them was wrong.
        if !pin_correct || !self.entry.policy.second_factor.is_met_by(code) {
            return Ok(self.wrong_pin(self.pin.tries_left())); // counted when it was tried
        }
        let mut steps = accepted.unwrap_or_else(|| vec![Step::PinAccepted { code }]);
        steps.extend(at_gate_d());
        Ok(steps)
    }

    fn sign_hosted(&self, signed: Digest, content: Option<&Signed>) -> Decision {
        self.needs_hosted_key()?;
        let given = self.authorization()?;
        match given.signed {
            Some(earlier) if earlier == signed => return Ok(vec![]),
            Some(_) => return Err(Rejection::OutOfOrder),
            None => {}
        }
        let checked = self.check_usable();
        let checked = checked.and_then(|()| Ok(self.check_content(given.document_digest, content)?));
        Ok(self.step_or_refusal(checked, Step::HostedSigned { signed }))
    }

    /// One list, and only of a document that was signed in this attempt.
    fn sign_list(&self, signed: Digest) -> Decision {
        self.needs_hosted_key()?;
        let given = self.authorization()?;
        match (given.signed, given.list) {
            (Some(_), Some(earlier)) if earlier == signed => Ok(vec![]),
            (None, _) | (Some(_), Some(_)) => Err(Rejection::OutOfOrder),
            (Some(_), None) => Ok(self.step_or_refusal(self.check_usable(), Step::ListSigned { signed })),
        }
    }

    fn complete(&self, signature_digest: Digest, signature: Option<&Signature>) -> Decision {
        let given = self.authorization()?;
        let document_digest = given.document_digest;
        let signer = signature.filter(|signature| signature.certificate == given.certificate);
        let content = signer.map(|signer| &signer.content);
        let checked = self.check_usable().and_then(|()| Ok(self.check_content(document_digest, content)?));
        Ok(self.step_or_refusal(checked, Step::Completed { document_digest, signature_digest }))
    }

    fn signing_failed(&self) -> Decision {
        if !self.attempt.is_authorized() {
            return Err(Rejection::OutOfOrder);
        }
        Ok(refused(Reason::SigningFailed, self.by))
    }
}

impl Turn<'_> {
    pub(super) fn needs_card(&self) -> Result<(), Rejection> {
        match self.entry.registration.custody {
            Custody::SealCard { .. } => Ok(()),
            Custody::HostedKey { .. } => Err(Rejection::WrongCustody),
        }
    }

    pub(super) fn needs_hosted_key(&self) -> Result<(), Rejection> {
        match self.entry.registration.custody {
            Custody::HostedKey { .. } => Ok(()),
            Custody::SealCard { .. } => Err(Rejection::WrongCustody),
        }
    }

    fn needs_no_authorization(&self) -> Result<(), Rejection> {
        if self.attempt.is_authorized() { Err(Rejection::OutOfOrder) } else { Ok(()) }
    }

    fn authorization(&self) -> Result<&Authorization, Rejection> {
        self.attempt.authorization.as_ref().ok_or(Rejection::OutOfOrder)
    }

    /// What a wrong PIN leads to, with the tries that it leaves.
    pub(super) fn wrong_pin(&self, tries_left: u8) -> Vec<Step> {
        if tries_left == 0 {
            let mut steps = vec![Step::PinLocked];
            steps.extend(refused(Reason::PinLocked, self.by));
            return steps;
        }
        vec![Step::PinRefused { tries_left }]
    }

    /// Tries of other attempts may have been the last ones since the PIN of this one was right.
    pub(super) fn check_pin(&self) -> Result<(), Reason> {
        if self.pin.is_locked() { Err(Reason::PinLocked) } else { Ok(()) }
    }

    fn check_use(&self, subject: &Use) -> Result<(), Reason> {
        self.entry.registration.check_certificate(subject.certificate)?;
        self.entry.check_usable(self.now)?;
        subject.certificate_fault.map_or(Ok(()), Err)
    }

    pub(super) fn check_challenge(
        &self,
        purpose: &str,
        document: Digest,
        proof: Option<&Statement>,
    ) -> Result<(), Reason> {
        let expected = Statement {
            audience: AUDIENCE.to_owned(),
            purpose: purpose.to_owned(),
            attempt_id: self.id.to_string(),
            seal_id: self.seal.to_string(),
            document_digest: Some(document),
            nonce: self.attempt.nonce.clone(),
            expires_at: self.attempt.challenge_expires_at,
        };
        let answers = proof == Some(&expected) && self.now <= expected.expires_at;
        if answers { Ok(()) } else { Err(Reason::ChallengeInvalid) }
    }

    pub(super) fn check_content(&self, document: Digest, content: Option<&Signed>) -> Result<(), Reason> {
        let earliest = self.attempt.begun_at.minus(TIME_TOLERANCE);
        let latest = self.now.plus(TIME_TOLERANCE);
        let fits = content.is_some_and(|content| {
            content.document_digest == document
                && content.seal_digest.is_none_or(|digest| digest == self.entry.registration.seal_digest)
                && content.time.is_none_or(|time| (earliest..=latest).contains(&time))
        });
        if fits { Ok(()) } else { Err(Reason::SigningFailed) }
    }

    /// Gate e: the seal can be used, and the right by which gate d let it through still holds.
    pub(super) fn check_usable(&self) -> Result<(), Refusal> {
        self.entry.check_usable(self.now)?;
        if self.right.grants != self.attempt.grants {
            return Err(Denial::Withdrawn.into()); // and given again since
        }
        Ok(self.right.check_holds(self.now)?)
    }

    /// Gate d: the custodian's right to seal these documents, which are so many if anything is said of them, and what the
    /// policy asks for.
    pub(super) fn admit(&self, originals: &[Original], documents: u32) -> Result<Vec<Admitted>, Refusal> {
        self.right.check_holds(self.now)?;
        self.right.check_left(documents)?;
        self.right.check_covers(originals)?;
        let admitted = |(original, spent): (&Original, Option<Spent>)| Admitted { original: original.clone(), spent };
        if !self.entry.policy.approval_required {
            return Ok(originals.iter().map(|original| admitted((original, None))).collect());
        }
        if originals.len() != documents as usize {
            return Err(Denial::NotRequested.into()); // nobody says which documents they are
        }
        let spent = self.uses.find(originals, self.now)?;
        Ok(originals.iter().zip(spent.into_iter().map(Some)).map(admitted).collect())
    }

    fn authorized(&self, admitted: Result<Vec<Admitted>, Refusal>, subject: &Use, card_uses: u64) -> Vec<Step> {
        let admitted = match admitted {
            Ok(admitted) => admitted.into_iter().find(|admitted| *admitted != Admitted::default()),
            Err(refusal) => return refused(refusal, self.by),
        };
        vec![Step::Authorized {
            document_digest: subject.document_digest,
            certificate: subject.certificate,
            places: subject.places.clone(),
            complete_before: self.attempt.expires_at(),
            card_uses,
            admitted: admitted.map(Box::new),
        }]
    }

    pub(super) fn step_or_refusal(&self, checked: Result<(), Refusal>, step: Step) -> Vec<Step> {
        match checked {
            Ok(()) => vec![step],
            Err(refusal) => refused(refusal, self.by),
        }
    }
}

pub(super) fn refused(why: impl Into<Refusal>, by: &By) -> Vec<Step> {
    let Refusal { reason, detail } = why.into();
    vec![Step::Refused { reason, detail, by: by.person.clone() }]
}
