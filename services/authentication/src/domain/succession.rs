//! What approved applications do with existing seals, and the loss of a card. Facts can't be refused: an order that comes
//! too late says so, and one that comes again does nothing.

use super::command::{RevocationCause, SuspensionCause};
use super::event::Fact;
use super::ids::{ApplicationId, SealId};
use super::policy::Policy;
use super::registration::{Custody, Registration};
use super::rejection::Rejection;
use super::seal::{Entry, Seal, Standing};

/// What an approved application asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// The end of the seal.
    Revoke(RevocationCause),
    /// This seal in its place.
    Replace(SealId),
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarriedOut {
    /// Its successor took its place.
    Replaced,
    /// It was revoked.
    Revoked,
    /// It had ended before.
    EndedBefore,
}

impl CarriedOut {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Replaced, Self::Revoked, Self::EndedBefore];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Replaced => "REPLACED",
            Self::Revoked => "REVOKED",
            Self::EndedBefore => "ENDED_BEFORE",
        }
    }

    /// The one with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.code() == code)
    }
}

impl Standing {
    /// Whether a seal that is made in the place of one in this state is in use at once. One that its organization has
    /// suspended stays out of use, and so does the successor of one that was never used: an administrator decides.
    pub const fn hands_on_its_use(self) -> bool {
        match self {
            Self::Active | Self::Suspended(SuspensionCause::CardLost | SuspensionCause::KeyCompromised) => true,
            Self::Suspended(SuspensionCause::OrganizationOrder | SuspensionCause::Other)
            | Self::Registered
            | Self::Revoked(_)
            | Self::Replaced(_) => false,
        }
    }
}

impl Seal {
    pub(super) fn register_successor(
        &self,
        registration: &Registration,
        in_use: bool,
        policy: Policy,
    ) -> Result<Vec<Fact>, Rejection> {
        let mut facts = self.register(registration)?;
        if facts.is_empty() {
            return Ok(facts);
        }
        if policy != Policy::default() {
            facts.push(Fact::PolicySet(registration.application, policy));
        }
        if in_use {
            facts.push(Fact::Activated(registration.application));
        }
        Ok(facts)
    }
}

impl Entry {
    pub(super) fn carry_out(&self, own: SealId, by: ApplicationId, order: Ordered) -> Vec<Fact> {
        let application = self.registration.application;
        match (self.standing, order) {
            _ if self.carried_out.contains(&by) => vec![],
            // An administrator was faster, with the same seal.
            (Standing::Replaced(earlier), Ordered::Replace(successor)) if earlier == successor => {
                vec![Fact::CarriedOut(by, CarriedOut::Replaced)]
            }
            (Standing::Revoked(_) | Standing::Replaced(_), _) => vec![Fact::CarriedOut(by, CarriedOut::EndedBefore)],
            (_, Ordered::Replace(successor)) if successor == own => vec![],
            (_, Ordered::Revoke(cause)) => {
                vec![Fact::Revoked(application, cause), Fact::CarriedOut(by, CarriedOut::Revoked)]
            }
            (_, Ordered::Replace(successor)) => {
                vec![Fact::Replaced(application, successor), Fact::CarriedOut(by, CarriedOut::Replaced)]
            }
        }
    }

    /// 挂失: in any state that is not final, and whatever it was suspended for before: what is lost must not be resumed for
    /// another reason's end.
    pub(super) fn report_loss(&self) -> Result<Vec<Fact>, Rejection> {
        if matches!(self.registration.custody, Custody::HostedKey { .. }) {
            return Err(Rejection::WrongCustody);
        }
        match self.standing {
            Standing::Revoked(_) | Standing::Replaced(_) => Err(Rejection::Final),
            Standing::Suspended(SuspensionCause::CardLost) => Ok(vec![]),
            Standing::Registered | Standing::Active | Standing::Suspended(_) => {
                Ok(vec![Fact::Suspended(self.registration.application, SuspensionCause::CardLost)])
            }
        }
    }
}

#[cfg(test)]
mod tests;
