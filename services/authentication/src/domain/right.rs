//! Who may use a seal, and on what terms. The person whom its application names is its first custodian, without limits
//! until an administrator says otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;

use eseal_kernel::Timestamp;

use super::command::causes;
use super::denial::Denial;
use super::document::{DocumentDigest, Format, Original};
use super::ids::PersonId;
use super::rejection::Rejection;

/// The most custodians of a seal at a time.
pub const MAX_CUSTODIANS: usize = 100;
/// The most persons who ever were.
pub const MAX_KNOWN: usize = 1_000;
/// The most documents that terms can name.
pub const MAX_NAMED: usize = 100;
/// The most uses that terms can count.
pub const MAX_USES: u32 = 1_000_000;

/// What a custodian may do with a seal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The first moment; none = at once.
    pub from: Option<Timestamp>,
    /// The last moment; none = as long as the seal lasts.
    pub to: Option<Timestamp>,
    /// Only documents of these kinds; none = of all.
    pub formats: Vec<Format>,
    /// Only these documents, as they were before sealing; none = all.
    pub documents: Vec<DocumentDigest>,
    /// How many documents; none = any number.
    pub max_uses: Option<u32>,
}

impl Terms {
    /// Whether it must be known at gate d which document is sealed.
    pub fn ask_for_the_document(&self) -> bool {
        !self.formats.is_empty() || !self.documents.is_empty()
    }

    fn covers(&self, original: &Original) -> bool {
        let by_format = self.formats.is_empty() || original.format.is_some_and(|format| self.formats.contains(&format));
        let by_name =
            self.documents.is_empty() || original.digests.iter().any(|digest| self.documents.contains(digest));
        by_format && by_name
    }
}

/// The right of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// What it is for. Shared: states are cloned for every command.
    pub terms: Arc<Terms>,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
    /// How many documents were sealed with it, or are about to be.
    pub used: u32,
    /// How often it was granted: what was authorized under an earlier grant is not finished under a later one.
    pub grants: u32,
}

impl Right {
    /// Whether it holds now: what gate e asks too.
    pub(super) fn check_holds(&self, now: Timestamp) -> Result<(), Denial> {
        if self.withdrawn {
            return Err(Denial::Withdrawn);
        }
        if self.terms.from.is_some_and(|from| now < from) {
            return Err(Denial::NotBegun);
        }
        if self.terms.to.is_some_and(|to| now > to) { Err(Denial::Over) } else { Ok(()) }
    }

    /// Whether so many uses are left.
    pub(super) fn check_left(&self, uses: u32) -> Result<(), Denial> {
        let left = self.terms.max_uses.is_none_or(|max| self.used.saturating_add(uses) <= max);
        if left { Ok(()) } else { Err(Denial::Spent) }
    }

    /// Gate d: whether it is for these documents, which are all that shall be sealed.
    pub(super) fn check_covers(&self, originals: &[Original]) -> Result<(), Denial> {
        let is_said = !originals.is_empty() && originals.iter().all(|original| self.terms.covers(original));
        if is_said || !self.terms.ask_for_the_document() { Ok(()) } else { Err(Denial::NotCovered) }
    }
}

/// The persons who may use a seal, or once did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Custodians(Arc<BTreeMap<PersonId, Right>>);

impl Custodians {
    /// The right of a person; none if they never had one.
    pub fn right(&self, person: &PersonId) -> Option<&Right> {
        self.0.get(person)
    }

    /// The right of a person that was not withdrawn.
    pub fn right_in_force(&self, person: &PersonId) -> Option<&Right> {
        self.right(person).filter(|right| !right.withdrawn)
    }

    pub(super) fn decide(&self, action: &RightAction) -> Result<Vec<(PersonId, RightFact)>, Rejection> {
        let fact = |person: &PersonId, fact| Ok(vec![(person.clone(), fact)]);
        match action {
            RightAction::Grant { person, terms } => match self.right(person) {
                Some(right) if !right.withdrawn && right.terms == *terms => Ok(vec![]),
                Some(right) if !right.withdrawn => Err(Rejection::CustodianExists),
                known => {
                    self.must_have_room(known.is_some())?;
                    fact(person, RightFact::Granted(Arc::clone(terms)))
                }
            },
            RightAction::Change { person, terms } => match self.right_in_force(person) {
                None => Err(Rejection::CustodianNotFound),
                Some(right) if right.terms == *terms => Ok(vec![]),
                Some(_) => fact(person, RightFact::Changed(Arc::clone(terms))),
            },
            RightAction::Withdraw { person, cause } => match self.right(person) {
                None => Err(Rejection::CustodianNotFound),
                Some(right) if right.withdrawn => Ok(vec![]),
                Some(_) => fact(person, RightFact::Withdrawn(*cause)),
            },
        }
    }

    fn must_have_room(&self, is_known: bool) -> Result<(), Rejection> {
        let in_force = self.0.values().filter(|right| !right.withdrawn).count();
        let fits = in_force < MAX_CUSTODIANS && (is_known || self.0.len() < MAX_KNOWN);
        if fits { Ok(()) } else { Err(Rejection::TooManyCustodians) }
    }

    pub(super) fn evolve(&mut self, person: &PersonId, fact: &RightFact) {
        let known = Arc::make_mut(&mut self.0);
        match fact {
            RightFact::Granted(terms) => {
                let grants = known.get(person).map_or(0, |right| right.grants).saturating_add(1);
                let right = Right { terms: Arc::clone(terms), withdrawn: false, used: 0, grants };
                known.insert(person.clone(), right);
            }
            // What was used stays counted.
            RightFact::Changed(terms) => {
                if let Some(right) = known.get_mut(person) {
                    right.terms = Arc::clone(terms);
                }
            }
            RightFact::Withdrawn(_) => {
                if let Some(right) = known.get_mut(person) {
                    right.withdrawn = true;
                }
            }
        }
    }

    /// So many uses were authorized.
    pub(super) fn take(&mut self, person: &PersonId, uses: u32) {
        self.change(person, |right| right.used = right.used.saturating_add(uses));
    }

    /// So many of them, under this grant, came to nothing.
    pub(super) fn give_back(&mut self, person: &PersonId, grants: u32, uses: u32) {
        if self.right(person).is_some_and(|right| right.grants == grants) {
            self.change(person, |right| right.used = right.used.saturating_sub(uses));
        }
    }

    fn change(&mut self, person: &PersonId, change: impl FnOnce(&mut Right)) {
        if let Some(right) = Arc::make_mut(&mut self.0).get_mut(person) {
            change(right);
        }
    }
}

/// What can be done about a right.
#[derive(Debug, Clone)]
pub enum RightAction {
    /// Give it.
    Grant {
        /// To whom.
        person: PersonId,
        /// For what.
        terms: Arc<Terms>,
    },
    /// Make it one for something else.
    Change {
        /// Whose.
        person: PersonId,
        /// For what.
        terms: Arc<Terms>,
    },
    /// Take it away.
    Withdraw {
        /// From whom.
        person: PersonId,
        /// Why.
        cause: WithdrawalCause,
    },
}

impl RightAction {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "GrantCustodian",
            Self::Change { .. } => "ChangeCustodian",
            Self::Withdraw { .. } => "WithdrawCustodian",
        }
    }
}

/// What happened to a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RightFact {
    /// It was given; the count of uses begins.
    Granted(Arc<Terms>),
    /// It is for something else; the count of uses goes on.
    Changed(Arc<Terms>),
    /// It was taken away.
    Withdrawn(WithdrawalCause),
}

causes! {
    /// Why a right was withdrawn.
    WithdrawalCause {
        /// The person left the organization.
        Left = "CUSTODIAN_LEFT",
        /// The person has other work.
        Reassigned = "CUSTODIAN_REASSIGNED",
        /// The seal was used against the rules.
        Misused = "SEAL_MISUSED",
        /// Anything else.
        Other = "OTHER",
    }
}
