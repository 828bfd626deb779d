//! A registered seal, folded. The rules are those of the registry (`services/authentication/src/domain`), told once more
//! over what is published: the stories hold both against each other.

use std::collections::BTreeMap;
use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_proto::authentication::v1::authentication_event::Kind;
use eseal_proto::authentication::v1::{RegisteredSeal, SealRegistered};
use eseal_proto::event::v1::Event;
use eseal_proto::moment;
use eseal_proto::seal::v1::SealState;
use serde::Serialize;

use super::rights::{CustodianStanding, Rights, UseStanding};
use crate::fact::Fact;

/// Wrong PINs in a row that lock a seal.
const PIN_TRIES: u32 = 5;
/// How long an attempt lasts.
const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Uses that are told.
const LAST_USES: usize = 5;

/// How a seal stood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SealStanding {
    /// As the registry would have shown it.
    pub registered: RegisteredSeal,
    /// Why it was suspended or revoked.
    pub reason_code: Option<String>,
    /// The seal that took its place.
    pub successor_seal_id: Option<String>,
    /// Whether the end of its validity was told to the other services.
    pub expiry_announced: bool,
    /// Who could use it then: those whose right held, if it could be used. Whether a certificate was valid and trusted then is
    /// in no event; which documents the policy and the terms let through is said beside.
    pub usable_by: Vec<String>,
    /// Why nobody could, as gate d would have said.
    pub not_usable_because: Option<&'static str>,
    /// Everybody who had a right to use it, or once did, with its terms.
    pub custodians: Vec<CustodianStanding>,
    /// Requested uses that were open.
    pub requested_uses: Vec<UseStanding>,
    /// Uses that were under way.
    pub open_uses: Vec<OpenUse>,
    /// The last uses that had ended, the newest first.
    pub last_uses: Vec<PastUse>,
    /// Uses that ended well.
    pub completed: u64,
    /// Uses that a gate refused, those of strangers too.
    pub refused: u64,
}

/// A use under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenUse {
    /// The attempt.
    pub attempt_id: String,
    /// Who.
    pub custodian_id: String,
    /// Since when.
    pub begun_at: String,
    /// The document, once gate d let it through.
    pub document_digest: Option<String>,
}

/// A use that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PastUse {
    /// The attempt.
    pub attempt_id: String,
    /// Who, by internal id.
    pub actor_id: String,
    /// When.
    pub ended_at: String,
    /// The gate that refused; none if it was sealed.
    pub gate: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The document, where it got so far.
    pub document_digest: Option<String>,
}

/// A use while it is folded.
#[derive(Debug, Clone)]
struct Attempt {
    custodian_id: String,
    begun_at: Timestamp,
    /// The last moment; an act over many documents has its own.
    until: Timestamp,
    /// The try of a hosted PIN is counted and not answered yet.
    pin_running: bool,
    document_digest: Option<String>,
    ended: bool,
}

impl Attempt {
    fn is_open(&self, now: Timestamp) -> bool {
        !self.ended && now <= self.until
    }
}

#[derive(Debug, Default)]
struct Fold {
    seal: RegisteredSeal,
    rights: Rights,
    is_registered: bool,
    reason_code: Option<String>,
    successor_seal_id: Option<String>,
    expiry_announced: bool,
    pin_tries_left: u32,
    attempts: BTreeMap<String, Attempt>,
    past: Vec<PastUse>,
    completed: u64,
    refused: u64,
}

impl SealStanding {
    /// From the events that count; nothing if the seal was not registered by then.
    pub(super) fn fold(facts: &[(&Event, Fact)], now: Timestamp) -> Option<Self> {
        let mut fold = Fold { pin_tries_left: PIN_TRIES, ..Fold::default() };
        for (event, fact) in facts {
            if let Fact::Authentication(kind) = fact {
                fold.evolve(event, kind);
            }
        }
        fold.is_registered.then(|| fold.standing(now))
    }
}

impl Fold {
    fn evolve(&mut self, event: &Event, kind: &Kind) {
        self.rights.evolve(kind, event.occurred_at.parse().unwrap_or(Timestamp::UNIX_EPOCH));
        match kind {
            Kind::SealRegistered(fact) => self.register(event, fact),
            Kind::SealActivated(_) | Kind::SealResumed(_) => self.stand(event, SealState::Active, None),
            Kind::SealSuspended(fact) => self.stand(event, SealState::Suspended, Some(&fact.reason_code)),
            Kind::SealRevoked(fact) => self.stand(event, SealState::Revoked, Some(&fact.reason_code)),
            Kind::SealReplaced(fact) => {
                self.stand(event, SealState::Replaced, None);
                self.successor_seal_id = Some(fact.successor_seal_id.clone());
                self.seal.successor_seal_id.clone_from(&fact.successor_seal_id);
            }
            Kind::SealExpired(_) => {
                self.changed(event);
                self.expiry_announced = true;
            }
            Kind::SealPolicySet(fact) => {
                self.seal.policy = fact.policy;
                self.changed(event);
            }
            Kind::SealExpiring(_) | Kind::SealCertificatesDated(_) => self.changed(event),
            Kind::CustodianGranted(_) | Kind::CustodianChanged(_) | Kind::CustodianWithdrawn(_) => self.changed(event),
            Kind::PinUnlocked(_) => self.pin_tries_left = PIN_TRIES,
            Kind::SealingBegun(fact) => self.begin(&fact.attempt_id, &fact.custodian_id, event),
            Kind::PinTried(fact) => {
                self.pin_tries_left = fact.tries_left;
                self.attempt(&fact.attempt_id, |attempt| attempt.pin_running = true);
            }
            Kind::PinRefused(fact) => {
                self.pin_tries_left = fact.tries_left;
                self.attempt(&fact.attempt_id, |attempt| attempt.pin_running = false);
            }
            Kind::PinAccepted(fact) => {
                // Tries that other requests are looking at stay counted.
                let others = self.attempts.iter().filter(|(id, other)| **id != fact.attempt_id && other.pin_running);
                let others = u32::try_from(others.count()).unwrap_or(u32::MAX);
                self.pin_tries_left = PIN_TRIES.saturating_sub(others);
                self.attempt(&fact.attempt_id, |attempt| attempt.pin_running = false);
            }
            Kind::PinLocked(fact) => {
                self.pin_tries_left = 0;
                self.attempt(&fact.attempt_id, |attempt| (attempt.pin_running, attempt.ended) = (false, true));
            }
            Kind::SealingAuthorized(fact) => {
                let digest = fact.document_digest.clone();
                self.attempt(&fact.attempt_id, |attempt| attempt.document_digest = Some(digest));
            }
            Kind::SealingRefused(fact) => {
                self.refused += 1;
                self.end(&fact.attempt_id, event, Some((&fact.gate, &fact.reason)), None);
            }
            Kind::SealingCompleted(fact) => {
                self.completed += 1;
                self.end(&fact.attempt_id, event, None, Some(&fact.document_digest));
            }
            Kind::BatchAuthorized(fact) => {
                let until = fact.complete_before.as_ref().and_then(moment::micros).map(Timestamp::from_micros);
                self.attempt(&fact.attempt_id, |attempt| attempt.until = until.unwrap_or(attempt.until));
            }
            Kind::BatchEnded(fact) => {
                self.completed += 1;
                self.end(&fact.attempt_id, event, None, None);
            }
            Kind::HostedSignatureMade(_)
            | Kind::FileListSigned(_)
            | Kind::HostedSignaturesMade(_)
            | Kind::DocumentsSealed(_)
            | Kind::DocumentsRefused(_)
            | Kind::ApplicationCarriedOut(_)
            | Kind::HostedKeyCreated(_)
            | Kind::HostedKeyCertified(_)
            | Kind::AuthenticatorEnrolled(_)
            | Kind::AuthenticatorRemoved(_)
            | Kind::TrustAnchorAdded(_)
            | Kind::TrustAnchorRemoved(_)
            | Kind::UseRequested(_)
            | Kind::UseApproved(_)
            | Kind::UseDeclined(_)
            | Kind::UseWithdrawn(_)
            | Kind::CrlImported(_) => {}
        }
    }

    fn register(&mut self, event: &Event, fact: &SealRegistered) {
        self.is_registered = true;
        self.seal = RegisteredSeal {
            seal_id: fact.seal_id.clone(),
            application_id: fact.application_id.clone(),
            state: SealState::Registered.into(),
            organization: fact.organization.clone(),
            seal_type: fact.seal_type,
            custody: fact.custody,
            custodian_id: fact.custodian_id.clone(),
            card_serial: fact.card_serial.clone(),
            seal_digest: fact.seal_digest.clone(),
            certificate_digests: fact.certificate_digests.clone(),
            valid_from: fact.valid_from,
            valid_to: fact.valid_to,
            registered_at: fact.registered_at,
            hosted_key_id: fact.hosted_key_id.clone(),
            predecessor_seal_id: fact.predecessor_seal_id.clone(),
            ..RegisteredSeal::default()
        };
        self.changed(event);
    }

    fn stand(&mut self, event: &Event, state: SealState, reason_code: Option<&str>) {
        self.seal.state = state.into();
        self.reason_code = reason_code.map(str::to_owned);
        self.changed(event);
    }

    fn changed(&mut self, event: &Event) {
        self.seal.changed_at = event.occurred_at.parse().ok().map(|at: Timestamp| moment::from_micros(at.micros()));
        self.seal.etag = event.stream_version.to_string();
    }

    /// What is over is forgotten when the next attempt begins.
    fn begin(&mut self, id: &str, custodian_id: &str, event: &Event) {
        let begun_at = event.occurred_at.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        self.attempts.retain(|_, attempt| attempt.is_open(begun_at));
        let custodian_id = custodian_id.to_owned();
        let until = begun_at.plus(LIFETIME);
        let attempt =
            Attempt { custodian_id, begun_at, until, pin_running: false, document_digest: None, ended: false };
        self.attempts.insert(id.to_owned(), attempt);
    }

    fn attempt(&mut self, id: &str, change: impl FnOnce(&mut Attempt)) {
        if let Some(attempt) = self.attempts.get_mut(id) {
            change(attempt);
        }
    }

    /// A stranger's try has no beginning.
    fn end(&mut self, id: &str, event: &Event, refusal: Option<(&str, &str)>, document: Option<&str>) {
        let authorized = self.attempts.get(id).and_then(|attempt| attempt.document_digest.clone());
        self.attempt(id, |attempt| attempt.ended = true);
        self.past.push(PastUse {
            attempt_id: id.to_owned(),
            actor_id: event.actor.split_once(':').map_or(event.actor.as_str(), |(_, id)| id).to_owned(),
            ended_at: event.occurred_at.clone(),
            gate: refusal.map(|(gate, _)| gate.to_owned()),
            reason: refusal.map(|(_, reason)| reason.to_owned()),
            document_digest: document.map(str::to_owned).or(authorized),
        });
        if self.past.len() > LAST_USES {
            self.past.remove(0);
        }
    }

    fn standing(self, now: Timestamp) -> SealStanding {
        let end = self.seal.valid_to.as_ref().and_then(moment::micros);
        let expired = end.is_some_and(|end| end < now.micros());
        let pin_locked = self.pin_tries_left == 0;
        let seal = RegisteredSeal { expired, pin_locked, pin_tries_left: self.pin_tries_left, ..self.seal };
        let holding = self.rights.usable_by(now);
        let no_right = || holding.is_empty().then_some("NOT_AUTHORIZED");
        let not_usable_because = fault(&seal, now).or_else(no_right);
        let usable_by = if not_usable_because.is_none() { holding } else { Vec::new() };
        let open = self.attempts.into_iter().filter(|(_, attempt)| attempt.is_open(now));
        let open_uses = open.map(|(attempt_id, attempt)| OpenUse {
            attempt_id,
            custodian_id: attempt.custodian_id,
            begun_at: attempt.begun_at.to_string(),
            document_digest: attempt.document_digest,
        });
        SealStanding {
            not_usable_because,
            usable_by,
            custodians: self.rights.custodians(),
            requested_uses: self.rights.open_uses(now),
            open_uses: open_uses.collect(),
            last_uses: self.past.into_iter().rev().collect(),
            registered: seal,
            reason_code: self.reason_code,
            successor_seal_id: self.successor_seal_id,
            expiry_announced: self.expiry_announced,
            completed: self.completed,
            refused: self.refused,
        }
    }
}

/// Why nobody could use it, in the order of the registry's gates; the PIN's lock is found out first.
fn fault(seal: &RegisteredSeal, now: Timestamp) -> Option<&'static str> {
    let begun = seal.valid_from.as_ref().and_then(moment::micros).is_none_or(|from| from <= now.micros());
    match seal.state() {
        _ if seal.pin_locked => Some("PIN_LOCKED"),
        SealState::Suspended => Some("SEAL_SUSPENDED"),
        SealState::Revoked => Some("SEAL_REVOKED"),
        SealState::Replaced => Some("SEAL_REPLACED"),
        SealState::Registered | SealState::Active if seal.expired => Some("SEAL_EXPIRED"),
        SealState::Active if begun => None,
        SealState::Unspecified | SealState::Registered | SealState::Active => Some("SEAL_NOT_ACTIVE"),
    }
}
