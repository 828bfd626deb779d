//! A CA certificate that is trusted for a purpose. The certificate itself is in no fact.

use std::fmt;

use eseal_kernel::{Aggregate, Claims, Digest};

/// What a CA certificate is trusted for. Makers have a CA of their own: else any holder could make seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// It certifies the holders of seals.
    Holder,
    /// It certifies the makers of seals.
    Maker,
}

impl Purpose {
    /// Its name in ids and rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Maker => "maker",
        }
    }
}

/// Which anchor: one certificate may be trusted for both purposes, by itself for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnchorId {
    /// The purpose.
    pub purpose: Purpose,
    /// SHA-256 of the certificate.
    pub fingerprint: Digest,
}

impl fmt::Display for AnchorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.purpose.name(), self.fingerprint)
    }
}

/// An anchor as its facts say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrustAnchor {
    /// Never trusted.
    #[default]
    Absent,
    /// Trusted now.
    Trusted,
    /// Trusted no more; it can be again.
    Removed,
}

/// An order to one anchor.
#[derive(Debug, Clone, Copy)]
pub struct AnchorCommand {
    /// The anchor.
    pub anchor: AnchorId,
    /// What shall happen.
    pub action: AnchorAction,
}

/// What shall happen.
#[derive(Debug, Clone, Copy)]
pub enum AnchorAction {
    /// Trust it.
    Add,
    /// Trust it no more.
    Remove,
}

impl AnchorAction {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Add => "AddAnchor",
            Self::Remove => "RemoveAnchor",
        }
    }
}

/// A fact about one anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnchorEvent {
    /// The anchor.
    pub anchor: AnchorId,
    /// What happened.
    pub fact: AnchorFact,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorFact {
    /// It is trusted.
    Added,
    /// It is trusted no more.
    Removed,
}

/// Misuse of an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnchorRejection {
    /// It was never trusted.
    #[error("the certificate was never trusted for this purpose")]
    NotFound,
}

impl Aggregate for TrustAnchor {
    const KIND: &'static str = "trust";
    type Command = AnchorCommand;
    type Event = AnchorEvent;
    type Rejection = AnchorRejection;

    fn evolve(self, event: &AnchorEvent) -> Self {
        match event.fact {
            AnchorFact::Added => Self::Trusted,
            AnchorFact::Removed => Self::Removed,
        }
    }

    fn decide(&self, command: &AnchorCommand, _claims: &Claims) -> Result<Vec<AnchorEvent>, AnchorRejection> {
        let fact = match (command.action, self) {
            (AnchorAction::Add, Self::Absent | Self::Removed) => AnchorFact::Added,
            (AnchorAction::Remove, Self::Trusted) => AnchorFact::Removed,
            (AnchorAction::Add, Self::Trusted) | (AnchorAction::Remove, Self::Removed) => return Ok(vec![]),
            (AnchorAction::Remove, Self::Absent) => return Err(AnchorRejection::NotFound),
        };
        Ok(vec![AnchorEvent { anchor: command.anchor, fact }])
    }
}

#[cfg(test)]
mod tests {
    use eseal_kernel::Scenario;

    use super::*;

    #[test]
    fn trusting_twice_records_one_fact() {
        assert_eq!(
            Scenario::<TrustAnchor>::given([]).when(&order(AnchorAction::Add)),
            Ok(vec![fact(AnchorFact::Added)])
        );
        let trusted = Scenario::<TrustAnchor>::given([fact(AnchorFact::Added)]);
        assert_eq!(trusted.when(&order(AnchorAction::Add)), Ok(vec![]));
    }

    #[test]
    fn what_was_removed_can_be_trusted_again() {
        let removed = Scenario::<TrustAnchor>::given([fact(AnchorFact::Added), fact(AnchorFact::Removed)]);
        assert_eq!(removed.when(&order(AnchorAction::Remove)), Ok(vec![]));
        assert_eq!(removed.when(&order(AnchorAction::Add)), Ok(vec![fact(AnchorFact::Added)]));
    }

    #[test]
    fn what_was_never_trusted_is_not_removed() {
        let removal = Scenario::<TrustAnchor>::given([]).when(&order(AnchorAction::Remove));
        assert_eq!(removal, Err(AnchorRejection::NotFound));
    }

    #[test]
    fn the_same_certificate_is_another_anchor_for_another_purpose() {
        let holder = anchor();
        let maker = AnchorId { purpose: Purpose::Maker, ..holder };
        assert_ne!(holder.to_string(), maker.to_string());
    }

    fn anchor() -> AnchorId {
        AnchorId { purpose: Purpose::Holder, fingerprint: Digest::of(b"certificate") }
    }

    fn order(action: AnchorAction) -> AnchorCommand {
        AnchorCommand { anchor: anchor(), action }
    }

    fn fact(fact: AnchorFact) -> AnchorEvent {
        AnchorEvent { anchor: anchor(), fact }
    }
}
