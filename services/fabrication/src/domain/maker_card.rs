//! A maker card (制章授权卡): issued, and perhaps withdrawn for ever.

use eseal_kernel::{Aggregate, ClaimChange, ClaimKey, Claims, Digest, Timestamp};

use super::command::CardCommand;
use super::event::CardEvent;
use super::rejection::CardRejection;

/// A maker card of this system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MakerCard {
    /// No card of this serial.
    #[default]
    Absent,
    /// It may make seals.
    Issued {
        /// Serial of the card.
        card_serial: String,
        /// Internal id of its holder.
        maker_id: String,
        /// Its certificate.
        certificate: Digest,
        /// When it was issued.
        issued_at: Timestamp,
    },
    /// It may make seals no more.
    Withdrawn {
        /// Serial of the card.
        card_serial: String,
        /// Internal id of its holder.
        maker_id: String,
        /// Its certificate.
        certificate: Digest,
        /// When it was issued.
        issued_at: Timestamp,
    },
}

/// The claim that is held as long as the card of this certificate may make seals.
pub fn in_force(certificate: &Digest) -> ClaimKey {
    ClaimKey::new("maker-card", certificate)
}

/// The stream of the maker card with this serial.
pub fn stream(card_serial: &str) -> String {
    format!("{}-{card_serial}", MakerCard::KIND)
}

impl MakerCard {
    fn issue(
        &self,
        card_serial: &str,
        maker_id: &str,
        certificate: Digest,
        now: Timestamp,
        claims: &Claims,
    ) -> Decision {
        match self {
            Self::Absent if claims.holder(&in_force(&certificate)).is_some() => Err(CardRejection::CertificateInUse),
            Self::Absent => Ok(vec![CardEvent::Issued {
                card_serial: card_serial.to_owned(),
                maker_id: maker_id.to_owned(),
                certificate,
                issued_at: now,
            }]),
            Self::Issued { maker_id: holder, certificate: held, .. } if holder == maker_id && *held == certificate => {
                Ok(vec![])
            }
            Self::Issued { .. } => Err(CardRejection::AlreadyIssued),
            Self::Withdrawn { .. } => Err(CardRejection::Withdrawn),
        }
    }

    fn withdraw(&self, reason_code: &str) -> Decision {
        match self {
            Self::Absent => Err(CardRejection::NotFound),
            Self::Issued { card_serial, certificate, .. } => Ok(vec![CardEvent::Withdrawn {
                card_serial: card_serial.clone(),
                certificate: *certificate,
                reason_code: reason_code.to_owned(),
            }]),
            Self::Withdrawn { .. } => Ok(vec![]),
        }
    }
}

type Decision = Result<Vec<CardEvent>, CardRejection>;

impl Aggregate for MakerCard {
    const KIND: &'static str = "maker_card";
    type Command = CardCommand;
    type Event = CardEvent;
    type Rejection = CardRejection;

    fn evolve(self, event: &CardEvent) -> Self {
        match (self, event) {
            (Self::Absent, CardEvent::Issued { card_serial, maker_id, certificate, issued_at }) => Self::Issued {
                card_serial: card_serial.clone(),
                maker_id: maker_id.clone(),
                certificate: *certificate,
                issued_at: *issued_at,
            },
            (Self::Issued { card_serial, maker_id, certificate, issued_at }, CardEvent::Withdrawn { .. }) => {
                Self::Withdrawn { card_serial, maker_id, certificate, issued_at }
            }
            (card, _) => card,
        }
    }

    fn decide(&self, command: &CardCommand, claims: &Claims) -> Decision {
        match command {
            CardCommand::Issue { card_serial, maker_id, certificate, now } => {
                self.issue(card_serial, maker_id, *certificate, *now, claims)
            }
            CardCommand::Withdraw { reason_code } => self.withdraw(reason_code),
        }
    }

    fn looks_at(command: &CardCommand) -> Vec<ClaimKey> {
        match command {
            CardCommand::Issue { certificate, .. } => vec![in_force(certificate)],
            CardCommand::Withdraw { .. } => vec![],
        }
    }

    fn claims_of(event: &CardEvent) -> Vec<ClaimChange> {
        match event {
            CardEvent::Issued { certificate, .. } => vec![ClaimChange::Taken(in_force(certificate))],
            CardEvent::Withdrawn { certificate, .. } => vec![ClaimChange::Released(in_force(certificate))],
        }
    }
}

#[cfg(test)]
mod tests {
    use eseal_kernel::Scenario;

    use super::*;

    #[test]
    fn issuing_the_same_card_twice_records_one_fact() {
        let facts = Scenario::<MakerCard>::given([issued()]).when(&issue(b"certificate", "zhang"));
        assert_eq!(facts, Ok(vec![]));
    }

    #[test]
    fn a_serial_is_never_issued_to_another_maker() {
        let facts = Scenario::<MakerCard>::given([issued()]).when(&issue(b"certificate", "li"));
        assert_eq!(facts, Err(CardRejection::AlreadyIssued));
    }

    #[test]
    fn a_certificate_makes_seals_on_one_card_only() {
        let facts = Scenario::<MakerCard>::given([])
            .and_held(in_force(&Digest::of(b"certificate")), "maker_card-M2")
            .when(&issue(b"certificate", "zhang"));
        assert_eq!(facts, Err(CardRejection::CertificateInUse));
    }

    #[test]
    fn a_withdrawn_card_is_never_issued_again() {
        let past = Scenario::<MakerCard>::given([issued(), withdrawn()]);
        assert_eq!(past.when(&issue(b"certificate", "zhang")), Err(CardRejection::Withdrawn));
        assert_eq!(past.when(&CardCommand::Withdraw { reason_code: "LOST".to_owned() }), Ok(vec![]));
    }

    #[test]
    fn withdrawing_gives_the_claim_back() {
        assert_eq!(MakerCard::claims_of(&withdrawn()), [ClaimChange::Released(in_force(&Digest::of(b"certificate")))]);
    }

    fn issued() -> CardEvent {
        CardEvent::Issued {
            card_serial: "M1".to_owned(),
            maker_id: "zhang".to_owned(),
            certificate: Digest::of(b"certificate"),
            issued_at: Timestamp::from_seconds(7),
        }
    }

    fn withdrawn() -> CardEvent {
        CardEvent::Withdrawn {
            card_serial: "M1".to_owned(),
            certificate: Digest::of(b"certificate"),
            reason_code: "LOST".to_owned(),
        }
    }

    fn issue(certificate: &[u8], maker: &str) -> CardCommand {
        CardCommand::Issue {
            card_serial: "M1".to_owned(),
            maker_id: maker.to_owned(),
            certificate: Digest::of(certificate),
            now: Timestamp::from_seconds(7),
        }
    }
}
