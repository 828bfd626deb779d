//! The attempts of a seal that still matter: the open ones, and those that ended since the last one began.

use std::collections::BTreeMap;
use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};

use super::batch::Batch;
use super::event::Step;
use super::ids::{AttemptId, PersonId};
use super::policy::SecondFactor;
use super::reason::Reason;
use super::seal_use::Spent;

/// How long an attempt lasts.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How long its challenge can be answered.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_secs(2 * 60);
/// Open attempts that a seal can have.
pub const MAX_OPEN: usize = 100;

/// One use of a seal.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The custodian.
    pub by: PersonId,
    /// When it began, which is the time to write into the document.
    pub begun_at: Timestamp,
    /// What the card's proof must carry.
    pub nonce: String,
    /// The last moment of the challenge.
    pub challenge_expires_at: Timestamp,
    /// Whether the PIN was right.
    pub pin: Pin,
    /// What gate d let through, if it did.
    pub authorization: Option<Authorization>,
    /// The list of documents that gate d let through, if it is an act over many.
    pub batch: Option<Batch>,
    /// Which grant of the custodian's right gate d counted it against.
    pub grants: u32,
    /// How it ended, if it did.
    pub end: Option<End>,
}

/// What is known of the PIN in an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// Nothing.
    Unchecked,
    /// A hosted key's is being looked at; the try is counted.
    Running,
    /// It is right, and so is a code of this kind; none where none was asked for.
    Right(SecondFactor),
}

/// What gate d let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorization {
    /// Digest that the signature shall cover.
    pub document_digest: Digest,
    /// SHA-256 of the certificate whose key shall sign.
    pub certificate: Digest,
    /// SHA-256 of what the service signed with a hosted key, once it did.
    pub signed: Option<Digest>,
    /// SHA-256 of what it signed as the list of the document's files, once it did.
    pub list: Option<Digest>,
    /// The approved use that was spent for it.
    pub spent: Option<Spent>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A gate refused.
    Refused(Reason),
    /// Sealed.
    Completed {
        /// SHA-256 of the signature.
        signature_digest: Digest,
    },
    /// An act over many documents is over.
    BatchEnded,
}

impl Attempt {
    /// When it ends by itself. An act over many documents has its own time from gate d on.
    pub fn expires_at(&self) -> Timestamp {
        self.batch.as_ref().map_or_else(|| self.begun_at.plus(LIFETIME), |batch| batch.complete_before)
    }

    /// Whether gate d let something through.
    pub fn is_authorized(&self) -> bool {
        self.authorization.is_some() || self.batch.is_some()
    }

    /// What gate d let through and the service's own key did not sign: how many documents, and what was spent for them.
    pub(super) fn not_signed(&self) -> (u32, Vec<Spent>) {
        match (&self.authorization, &self.batch) {
            (Some(given), _) if given.signed.is_none() => (1, given.spent.into_iter().collect()),
            (_, Some(batch)) => batch.not_signed(),
            _ => (0, Vec::new()),
        }
    }

    /// Whether it has not ended, by a fact or by itself.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.end.is_none() && now <= self.expires_at()
    }
}

/// The attempts of one seal by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attempts(BTreeMap<AttemptId, Attempt>);

impl Attempts {
    /// The attempt, open or lately ended.
    pub fn get(&self, id: AttemptId) -> Option<&Attempt> {
        self.0.get(&id)
    }

    /// How many are open.
    pub fn open(&self, now: Timestamp) -> usize {
        self.0.values().filter(|attempt| attempt.is_open(now)).count()
    }

    /// Those that ended by themselves before this moment, and are about to be forgotten.
    pub(super) fn run_out(&self, now: Timestamp) -> impl Iterator<Item = &Attempt> {
        self.0.values().filter(move |attempt| attempt.end.is_none() && !attempt.is_open(now))
    }

    /// This custodian's right was counted for it.
    pub(super) fn count_against(&mut self, id: AttemptId, grants: u32) {
        if let Some(attempt) = self.0.get_mut(&id) {
            attempt.grants = grants;
        }
    }

    /// Tries of hosted PINs that are counted and not answered yet, but for those of `own`.
    pub(super) fn running_beside(&self, own: AttemptId) -> u8 {
        let running = self.0.iter().filter(|(id, attempt)| **id != own && attempt.pin == Pin::Running).count();
        u8::try_from(running).unwrap_or(u8::MAX)
    }

    /// One more fact of an attempt. What is over is forgotten when the next one begins.
    pub(super) fn evolve(&mut self, id: AttemptId, step: &Step) {
        if let Step::Begun { by, nonce, challenge_expires_at, sealing_time } = step {
            self.0.retain(|_, attempt| attempt.is_open(*sealing_time));
            let attempt = Attempt {
                by: by.clone(),
                begun_at: *sealing_time,
                nonce: nonce.clone(),
                challenge_expires_at: *challenge_expires_at,
                pin: Pin::Unchecked,
                authorization: None,
                batch: None,
                grants: 0,
                end: None,
            };
            self.0.insert(id, attempt);
        } else if let Some(attempt) = self.0.get_mut(&id) {
            attempt.evolve(step);
        }
    }
}

impl Attempt {
    fn evolve(&mut self, step: &Step) {
        match step {
            Step::Begun { .. } => {}
            Step::Refused { reason, .. } => self.end = Some(End::Refused(*reason)),
            Step::PinTried { .. } => self.pin = Pin::Running,
            Step::PinAccepted { code } => self.pin = Pin::Right(*code),
            Step::PinRefused { .. } => self.pin = Pin::Unchecked,
            Step::PinLocked => {
                self.pin = Pin::Unchecked;
                self.end = Some(End::Refused(Reason::PinLocked));
            }
            Step::Authorized { document_digest, certificate, admitted, .. } => {
                let (document_digest, certificate) = (*document_digest, *certificate);
                let spent = admitted.as_ref().and_then(|admitted| admitted.spent);
                self.authorization =
                    Some(Authorization { document_digest, certificate, signed: None, list: None, spent });
            }
            Step::HostedSigned { signed } => {
                self.authorization = self.authorization.map(|given| Authorization { signed: Some(*signed), ..given });
            }
            Step::ListSigned { signed } => {
                self.authorization = self.authorization.map(|given| Authorization { list: Some(*signed), ..given });
            }
            Step::Completed { signature_digest, .. } => {
                self.end = Some(End::Completed { signature_digest: *signature_digest });
            }
            Step::BatchAuthorized { root, documents, certificates, complete_before, admitted, .. } => {
                let spent = admitted.iter().filter_map(|admitted| admitted.spent).collect();
                self.batch = Some(Batch::new(*root, *documents, certificates.clone(), *complete_before, spent));
            }
            Step::HostedSignaturesMade { signatures } => {
                self.mark(|batch| batch.signed.mark(signatures.iter().map(|(index, _)| *index)));
            }
            Step::DocumentsSealed { documents } => {
                self.mark(|batch| batch.sealed.mark(documents.iter().map(|document| document.index)));
            }
            Step::DocumentsRefused { .. } => {}
            Step::BatchEnded { .. } => self.end = Some(End::BatchEnded),
        }
    }

    fn mark(&mut self, marking: impl FnOnce(&mut Batch)) {
        if let Some(batch) = &mut self.batch {
            marking(batch);
        }
    }
}
