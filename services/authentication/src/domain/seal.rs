//! A seal in the registry: its state, its count of PIN tries and its open attempts.

use std::sync::Arc;

use eseal_kernel::{Aggregate, Claims, Timestamp, Uscc};

use super::attempt::Attempts;
use super::command::{Action, Command, RevocationCause, SuspensionCause, UseBy};
use super::event::{Event, Fact};
use super::ids::{ApplicationId, By, PersonId, SealId, UseId};
use super::policy::Policy;
use super::reason::Reason;
use super::registration::Registration;
use super::rejection::Rejection;
use super::right::{Custodians, Right, RightAction, RightFact, Terms};
use super::seal_use::SealUses;
use super::use_request::UseAction;
use super::warning::Warned;

/// Wrong PINs in a row that lock a card.
pub const PIN_TRIES: u8 = 5;

/// A seal as its facts say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seal {
    pub(super) entry: Option<Entry>,
    pub(super) pin: PinCount,
    pub(super) attempts: Attempts,
    /// The last count of its card's uses; 0 where it does not count.
    pub(super) card_uses: u64,
    pub(super) custodians: Custodians,
    pub(super) uses: SealUses,
    pub(super) changes: Changes,
}

/// Whose rights, and which requested uses, the last fact counted otherwise than before: for the read tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The persons.
    pub persons: Vec<PersonId>,
    /// The uses.
    pub uses: Vec<UseId>,
}

/// A registered seal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// As it was made. Shared: states are cloned for every command.
    pub registration: Arc<Registration>,
    /// Its state.
    pub standing: Standing,
    /// Whether the end of its validity is a fact already.
    pub expiry_announced: bool,
    /// What a use needs beyond the gates.
    pub policy: Policy,
    /// What was told of what ends soon.
    pub warned: Warned,
    /// The applications whose word was carried out on it.
    pub carried_out: Vec<ApplicationId>,
}

/// The state of a registered seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not in use yet.
    Registered,
    /// In use.
    Active,
    /// Not to be used for now.
    Suspended(SuspensionCause),
    /// Ended.
    Revoked(RevocationCause),
    /// Ended in favour of another one.
    Replaced(SealId),
}

/// The count of wrong PINs in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinCount {
    pub(super) tries_left: u8,
    pub(super) locked: bool,
}

impl Default for PinCount {
    fn default() -> Self {
        Self::left(PIN_TRIES)
    }
}

impl PinCount {
    pub(super) const LOCKED: Self = Self { tries_left: 0, locked: true };

    pub(super) const fn left(tries_left: u8) -> Self {
        Self { tries_left, locked: false }
    }

    /// Tries that are left. With none, no PIN is looked at any more; the last one may still be found right.
    pub fn tries_left(self) -> u8 {
        self.tries_left
    }

    /// Whether the last try was wrong: only an administrator gives tries back.
    pub fn is_locked(self) -> bool {
        self.locked
    }
}

impl Entry {
    /// Gate d: in use and inside its validity.
    pub fn check_usable(&self, now: Timestamp) -> Result<(), Reason> {
        match self.standing {
            Standing::Suspended(_) => Err(Reason::SealSuspended),
            Standing::Revoked(_) => Err(Reason::SealRevoked),
            Standing::Replaced(_) => Err(Reason::SealReplaced),
            Standing::Registered | Standing::Active if self.registration.is_expired(now) => Err(Reason::SealExpired),
            Standing::Registered => Err(Reason::SealNotActive),
            Standing::Active if now < self.registration.valid_from => Err(Reason::SealNotActive),
            Standing::Active => Ok(()),
        }
    }

    pub(super) fn is_final(&self) -> bool {
        match self.standing {
            Standing::Revoked(_) | Standing::Replaced(_) => true,
            Standing::Registered | Standing::Active | Standing::Suspended(_) => false,
        }
    }

    fn activate(&self, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
        match self.standing {
            Standing::Revoked(_) | Standing::Replaced(_) => Err(Rejection::Final),
            _ if self.registration.is_expired(now) => Err(Rejection::Expired),
            Standing::Registered => Ok(vec![Fact::Activated(self.registration.application)]),
            Standing::Active => Ok(vec![]),
            Standing::Suspended(_) => Err(Rejection::WrongState),
        }
    }

    fn suspend(&self, cause: SuspensionCause, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
        match self.standing {
            Standing::Revoked(_) | Standing::Replaced(_) => Err(Rejection::Final),
            _ if self.registration.is_expired(now) => Err(Rejection::Expired),
            Standing::Active => Ok(vec![Fact::Suspended(self.registration.application, cause)]),
            Standing::Suspended(earlier) if earlier == cause => Ok(vec![]),
            Standing::Suspended(_) | Standing::Registered => Err(Rejection::WrongState),
        }
    }

    fn resume(&self, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
        match self.standing {
            Standing::Revoked(_) | Standing::Replaced(_) => Err(Rejection::Final),
            _ if self.registration.is_expired(now) => Err(Rejection::Expired),
            Standing::Suspended(_) => Ok(vec![Fact::Resumed(self.registration.application)]),
            Standing::Active => Ok(vec![]),
            Standing::Registered => Err(Rejection::WrongState),
        }
    }

    fn revoke(&self, cause: RevocationCause) -> Result<Vec<Fact>, Rejection> {
        match self.standing {
            Standing::Registered | Standing::Active | Standing::Suspended(_) => {
                Ok(vec![Fact::Revoked(self.registration.application, cause)])
            }
            Standing::Revoked(earlier) if earlier == cause => Ok(vec![]),
            Standing::Revoked(_) | Standing::Replaced(_) => Err(Rejection::Final),
        }
    }

    fn replace(&self, own: SealId, successor: SealId, organization: Option<&Uscc>) -> Result<Vec<Fact>, Rejection> {
        match self.standing {
            Standing::Replaced(earlier) if earlier == successor => Ok(vec![]),
            Standing::Revoked(_) | Standing::Replaced(_) => Err(Rejection::Final),
            Standing::Registered | Standing::Active | Standing::Suspended(_) => {
                if successor == own || organization != Some(&self.registration.organization.uscc) {
                    return Err(Rejection::UnfitSuccessor);
                }
                Ok(vec![Fact::Replaced(self.registration.application, successor)])
            }
        }
    }

    fn set_policy(&self, policy: Policy, may_only_tighten: bool) -> Result<Vec<Fact>, Rejection> {
        match self.standing {
            Standing::Revoked(_) | Standing::Replaced(_) => Err(Rejection::Final),
            _ if policy == self.policy => Ok(vec![]),
            _ if may_only_tighten && !policy.is_as_strict_as(&self.policy) => Err(Rejection::PolicyLoosened),
            Standing::Registered | Standing::Active | Standing::Suspended(_) => {
                Ok(vec![Fact::PolicySet(self.registration.application, policy)])
            }
        }
    }

    /// Certificates never change, so what is said once stays.
    fn date_certificates(&self, ends: &[Timestamp]) -> Vec<Fact> {
        let fits = ends.len() == self.registration.certificates.len();
        if self.is_final() || self.is_dated() || !fits {
            return vec![];
        }
        vec![Fact::CertificatesDated(self.registration.application, ends.to_vec())]
    }

    fn dated(&mut self, ends: &[Timestamp]) {
        let certificates_valid_to = ends.to_vec();
        self.registration = Arc::new(Registration { certificates_valid_to, ..(*self.registration).clone() });
    }

    /// Whether its facts say when its certificates end.
    pub fn is_dated(&self) -> bool {
        self.registration.certificates_valid_to.len() == self.registration.certificates.len()
    }

    fn announce_endings(&self, now: Timestamp) -> Vec<Fact> {
        if self.is_final() {
            return vec![];
        }
        let due = self.warned.due(&self.registration, now);
        due.into_iter().map(|warning| Fact::Expiring(self.registration.application, warning)).collect()
    }

    /// When something is to be told next of what ends soon.
    pub fn next_warning(&self) -> Option<Timestamp> {
        if self.is_final() { None } else { self.warned.next(&self.registration, self.expiry_announced) }
    }

    fn announce_expiry(&self, now: Timestamp) -> Vec<Fact> {
        if self.expiry_announced || self.is_final() || !self.registration.is_expired(now) {
            return vec![];
        }
        vec![Fact::Expired(self.registration.application)]
    }
}

impl Seal {
    /// The registered seal; none if it was never registered.
    pub fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }

    /// How many PIN tries are left.
    pub fn pin(&self) -> PinCount {
        self.pin
    }

    /// The attempts that still matter.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// The persons who may use it, or once did.
    pub fn custodians(&self) -> &Custodians {
        &self.custodians
    }

    /// The uses that were requested.
    pub fn uses(&self) -> &SealUses {
        &self.uses
    }

    /// What the last fact counted otherwise.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The right of somebody who is not of another organization by now.
    pub(super) fn right_of(&self, by: &By) -> Option<&Right> {
        let owner = &self.entry.as_ref()?.registration.organization.uscc;
        self.custodians.right(&by.person).filter(|_| by.organization.as_ref().is_none_or(|own| own == owner))
    }

    fn must_be_custodian(&self, by: &By) -> Result<(), Rejection> {
        let in_force = self.right_of(by).is_some_and(|right| !right.withdrawn);
        if in_force { Ok(()) } else { Err(Rejection::NotCustodian) }
    }

    fn change_right(&self, action: &RightAction) -> Result<Vec<Fact>, Rejection> {
        if self.entry.as_ref().ok_or(Rejection::SealNotFound)?.is_final() {
            return Err(Rejection::Final);
        }
        let facts = self.custodians.decide(action)?;
        Ok(facts.into_iter().map(|(person, fact)| Fact::Right(person, fact)).collect())
    }

    fn decide_use(&self, id: UseId, by: &UseBy, action: &UseAction, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
        let entry = self.entry.as_ref().ok_or(Rejection::SealNotFound)?;
        match action {
            UseAction::TakeBack { .. } => {} // one's own
            UseAction::Request { .. } if entry.is_final() => return Err(Rejection::Final),
            UseAction::Request { .. } if entry.registration.is_expired(now) => return Err(Rejection::Expired),
            UseAction::Request { .. } | UseAction::Approve { .. } | UseAction::Decline { .. } if by.needs_right => {
                self.must_be_custodian(&by.by)?;
            }
            UseAction::Request { .. } | UseAction::Approve { .. } | UseAction::Decline { .. } => {}
        }
        let facts = self.uses.decide(id, action, &entry.policy, now)?;
        Ok(facts.into_iter().map(|fact| Fact::Use(id, fact)).collect())
    }

    pub(super) fn register(&self, registration: &Registration) -> Result<Vec<Fact>, Rejection> {
        match &self.entry {
            None => Ok(vec![Fact::Registered(Box::new(registration.clone()))]),
            Some(entry) => {
                // A repeat differs in nothing but the moment it arrived, and what was found out about it then.
                let same = *entry.registration
                    == Registration {
                        registered_at: entry.registration.registered_at,
                        predecessor: entry.registration.predecessor,
                        certificates_valid_to: entry.registration.certificates_valid_to.clone(),
                        ..registration.clone()
                    };
                if same { Ok(vec![]) } else { Err(Rejection::RegisteredOtherwise) }
            }
        }
    }

    fn unlock_pin(&self) -> Vec<Fact> {
        if self.pin == PinCount::default() { vec![] } else { vec![Fact::PinUnlocked] }
    }

    fn with(mut self, change: impl FnOnce(&mut Entry)) -> Self {
        if let Some(entry) = &mut self.entry {
            change(entry);
        }
        self
    }

    fn stand(self, standing: Standing) -> Self {
        Self { entry: self.entry.map(|entry| Entry { standing, ..entry }), ..self }
    }
}

impl Aggregate for Seal {
    const KIND: &'static str = "seal";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn evolve(mut self, event: &Event) -> Self {
        self.changes = Changes::default();
        match &event.fact {
            Fact::Registered(registration) => {
                let unlimited = RightFact::Granted(Arc::new(Terms::default()));
                self.custodians.evolve(&registration.custodian, &unlimited);
                let registration = Arc::new(registration.as_ref().clone());
                let entry = Entry {
                    registration,
                    standing: Standing::Registered,
                    expiry_announced: false,
                    policy: Policy::default(),
                    warned: Warned::default(),
                    carried_out: Vec::new(),
                };
                Self { entry: Some(entry), ..self }
            }
            Fact::Activated(_) => self.stand(Standing::Active),
            // Whatever card goes on now, its count begins anew.
            Fact::Resumed(_) => Self { card_uses: 0, ..self.stand(Standing::Active) },
            Fact::Suspended(_, cause) => self.stand(Standing::Suspended(*cause)),
            Fact::Revoked(_, cause) => self.stand(Standing::Revoked(*cause)),
            Fact::Replaced(_, successor) => self.stand(Standing::Replaced(*successor)),
            Fact::Expired(_) => {
                Self { entry: self.entry.map(|entry| Entry { expiry_announced: true, ..entry }), ..self }
            }
            Fact::PolicySet(_, policy) => {
                Self { entry: self.entry.map(|entry| Entry { policy: *policy, ..entry }), ..self }
            }
            Fact::Expiring(_, warning) => self.with(|entry| entry.warned.evolve(warning)),
            Fact::CertificatesDated(_, ends) => self.with(|entry| entry.dated(ends)),
            Fact::CarriedOut(application, _) => self.with(|entry| entry.carried_out.push(*application)),
            Fact::Right(person, fact) => {
                self.custodians.evolve(person, fact);
                self
            }
            Fact::Use(id, fact) => {
                self.uses.evolve(*id, fact);
                self
            }
            Fact::PinUnlocked => Self { pin: PinCount::default(), ..self },
            Fact::Sealing(attempt, step) => self.evolve_sealing(*attempt, step),
        }
    }

    fn decide(&self, command: &Command, _claims: &Claims) -> Result<Vec<Event>, Rejection> {
        let entry = || self.entry.as_ref().ok_or(Rejection::SealNotFound);
        let facts = match &command.action {
            Action::Register(registration) => self.register(registration),
            Action::RegisterSuccessor { registration, in_use, policy } => {
                self.register_successor(registration, *in_use, *policy)
            }
            Action::CarryOut { application, order } => Ok(entry()?.carry_out(command.seal, *application, *order)),
            Action::ReportLoss { custodian } => {
                let entry = entry()?;
                custodian.as_ref().map_or(Ok(()), |by| self.must_be_custodian(by))?;
                entry.report_loss()
            }
            Action::Activate => entry()?.activate(command.now),
            Action::Suspend { cause, custodian } => {
                let entry = entry()?;
                custodian.as_ref().map_or(Ok(()), |by| self.must_be_custodian(by))?;
                entry.suspend(*cause, command.now)
            }
            Action::Resume => entry()?.resume(command.now),
            Action::Revoke(cause) => entry()?.revoke(*cause),
            Action::Replace { successor, successor_organization } => {
                entry()?.replace(command.seal, *successor, successor_organization.as_ref())
            }
            Action::SetPolicy { policy, may_only_tighten } => entry()?.set_policy(*policy, *may_only_tighten),
            Action::Right(action) => self.change_right(action),
            Action::Use { id, by, action } => self.decide_use(*id, by, action, command.now),
            Action::AnnounceExpiry => Ok(entry()?.announce_expiry(command.now)),
            Action::AnnounceEndings => Ok(entry()?.announce_endings(command.now)),
            Action::DateCertificates(ends) => Ok(entry()?.date_certificates(ends)),
            Action::UnlockPin => entry().map(|_| self.unlock_pin()),
            Action::Sealing { attempt, by, action } => {
                self.decide_sealing(command.seal, *attempt, by, action, command.now)
            }
        }?;
        Ok(facts.into_iter().map(|fact| Event { seal: command.seal, fact }).collect())
    }
}
