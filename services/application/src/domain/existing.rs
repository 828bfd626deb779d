//! The seal that an application is about: one of the organization that has not ended, and for which no other application
//! is open. What is known of seals was heard from the registry.

use eseal_kernel::{ClaimKey, Claims, Id, Timestamp, Uscc};

use super::event::SealState;
use super::particulars::{Kind, SealType};
use super::{Particulars, Rejection};

/// How far the begin of a successor's validity may lie ahead. It takes its predecessor's place as soon as it is made, and
/// must be usable then; review and making take longer than clocks are apart.
const AHEAD: std::time::Duration = std::time::Duration::from_secs(10 * 60);

/// A seal as the registry told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSeal {
    /// Its organization.
    pub organization: Uscc,
    /// Its kind.
    pub seal_type: SealType,
    /// Its state as last heard.
    pub state: SealState,
}

/// Why a seal shall end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RevocationReason {
    /// Its card was lost.
    CardLost,
    /// Somebody else may have its key or PIN.
    KeyCompromised,
    /// Its owner is no more.
    OrganizationDissolved,
    /// Its owner has another name.
    OrganizationRenamed,
    /// Nobody needs it.
    NoLongerUsed,
    /// Anything else.
    #[default]
    Other,
}

/// What became of the existing seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarriedOut {
    /// Its successor took its place.
    Replaced,
    /// It was revoked.
    Revoked,
    /// It had ended before.
    EndedBefore,
}

/// The claim of the one open application that wants a successor for a seal.
fn succession(seal: Id) -> ClaimKey {
    ClaimKey::new("succession", seal)
}

/// The claim of the one open application that wants the end of a seal.
fn revocation(seal: Id) -> ClaimKey {
    ClaimKey::new("revocation", seal)
}

/// What an application of this kind takes while it is open.
pub(super) fn claim(kind: Kind) -> Option<ClaimKey> {
    match kind {
        Kind::New => None,
        Kind::Renew(seal) | Kind::Replace(seal) | Kind::ChangeImpression(seal) => Some(succession(seal)),
        Kind::Revoke(seal) => Some(revocation(seal)),
    }
}

/// Both, of which one application has one.
pub(super) fn claims(seal: Id) -> [ClaimKey; 2] {
    [succession(seal), revocation(seal)]
}

/// The claims that stand in the way of an application of this kind: whoever wants to end a seal need not wait for
/// somebody who wants it renewed.
pub(super) fn in_the_way(kind: Kind) -> Vec<ClaimKey> {
    match kind {
        Kind::New => Vec::new(),
        Kind::Renew(seal) | Kind::Replace(seal) | Kind::ChangeImpression(seal) => claims(seal).into(),
        Kind::Revoke(seal) => vec![revocation(seal)],
    }
}

/// Whether this may be asked for of the seal that it is about, of which `known` is known.
pub(super) fn check(asked: &Particulars, known: Option<&KnownSeal>, claims: &Claims) -> Result<(), Rejection> {
    if asked.kind == Kind::New {
        return Ok(());
    }
    let known = known.ok_or(Rejection::SealUnknown)?;
    if known.organization != asked.organization.uscc {
        return Err(Rejection::SealOfOtherOrganization);
    }
    match known.state {
        SealState::Revoked | SealState::Replaced => return Err(Rejection::SealEnded),
        SealState::Registered | SealState::Active | SealState::Suspended => {}
    }
    if asked.kind.makes_a_seal() && known.seal_type != asked.seal_type {
        return Err(Rejection::SealTypeFixed);
    }
    let held = in_the_way(asked.kind).iter().any(|key| claims.holder(key).is_some());
    if held { Err(Rejection::AnotherOpen) } else { Ok(()) }
}

/// Whether the validity that is asked for makes sense now. One that has passed does where a seal shall end.
pub(super) fn check_validity(asked: &Particulars, now: Timestamp) -> Result<(), Rejection> {
    if asked.kind.makes_a_seal() && asked.validity.has_passed(now) {
        Err(Rejection::ValidityPassed)
    } else if asked.kind.makes_a_seal() && asked.kind != Kind::New && asked.validity.from() > now.plus(AHEAD) {
        Err(Rejection::BeginsLater)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
