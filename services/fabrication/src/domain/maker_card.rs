//! A maker card (制章授权卡): issued, suspended while somebody has to look after a copy of it, and perhaps withdrawn for ever.
//!
//! A soft card is a file, and a file can be copied; so it counts its uses, and the last count is remembered here. Of two copies, the
//! one that is used later tells a count that was told before, whoever uses which first. Nobody can tell which of them is the
//! maker's, so the card makes nothing from then on, until an administrator resumes it (the count begins anew: a card that was
//! brought back from a backup goes on then) or withdraws it. Cards that never counted (devices, clients of earlier releases) are
//! not asked to; what counted once always counts.

use eseal_kernel::{Aggregate, ClaimChange, ClaimKey, Claims, Digest, Id, Timestamp};

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
        /// The card.
        card: Known,
        /// Its last use that it counted; none since it was issued or resumed.
        last: Option<Use>,
    },
    /// A copy of it was used: it makes nothing until somebody has looked after it.
    Suspended {
        /// The card.
        card: Known,
        /// The run in which a copy was found out.
        run: Id,
    },
    /// It may make seals no more.
    Withdrawn {
        /// The card.
        card: Known,
    },
}

/// What is known of a card that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its serial.
    pub card_serial: String,
    /// Internal id of its holder.
    pub maker_id: String,
    /// Its certificate.
    pub certificate: Digest,
    /// When it was issued.
    pub issued_at: Timestamp,
}

/// A use that a card counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// In which run.
    pub run: Id,
    /// Its count, this use included.
    pub count: u64,
}

/// The claim that is held as long as the card of this certificate may make seals.
pub fn in_force(certificate: &Digest) -> ClaimKey {
    ClaimKey::new("maker-card", certificate)
}

/// The claim that keeps the certificate of a suspended card from other cards, so that it can be resumed.
fn suspended(certificate: &Digest) -> ClaimKey {
    ClaimKey::new("maker-card-suspended", certificate)
}

/// The stream of the maker card with this serial.
pub fn stream(card_serial: &str) -> String {
    format!("{}-{card_serial}", MakerCard::KIND)
}

impl MakerCard {
    /// What is known of it; nothing if it was never issued.
    pub const fn known(&self) -> Option<&Known> {
        match self {
            Self::Absent => None,
            Self::Issued { card, .. } | Self::Suspended { card, .. } | Self::Withdrawn { card } => Some(card),
        }
    }

    /// Whether a copy of it was found out in this run.
    pub fn was_copied_in(&self, found_in: Id) -> bool {
        matches!(self, Self::Suspended { run, .. } if *run == found_in)
    }

    fn issue(
        &self,
        card_serial: &str,
        maker_id: &str,
        certificate: Digest,
        now: Timestamp,
        claims: &Claims,
    ) -> Decision {
        let is_held = [in_force(&certificate), suspended(&certificate)].iter().any(|key| claims.holder(key).is_some());
        match self {
            Self::Absent if is_held => Err(CardRejection::CertificateInUse),
            Self::Absent => Ok(vec![CardEvent::Issued {
                card_serial: card_serial.to_owned(),
                maker_id: maker_id.to_owned(),
                certificate,
                issued_at: now,
            }]),
            Self::Issued { card, .. } if card.maker_id == maker_id && card.certificate == certificate => Ok(vec![]),
            Self::Issued { .. } => Err(CardRejection::AlreadyIssued),
            Self::Suspended { .. } => Err(CardRejection::Suspended),
            Self::Withdrawn { .. } => Err(CardRejection::Withdrawn),
        }
    }

    /// One more use of the card, told after its key was proved: else anybody could have anybody's card suspended.
    fn count(&self, run: Id, count: u64) -> Decision {
        match self {
            Self::Issued { card, last } => {
                let told = Use { run, count };
                match *last {
                    // The same step again, after a crash between this and what follows.
                    Some(last) if last == told => Ok(vec![]),
                    Some(last) if count <= last.count => Ok(vec![CardEvent::Suspended {
                        card_serial: card.card_serial.clone(),
                        certificate: card.certificate,
                        run,
                    }]),
                    None if count == 0 => Ok(vec![]), // it never counted
                    Some(_) | None => Ok(vec![CardEvent::Used { card_serial: card.card_serial.clone(), last: told }]),
                }
            }
            Self::Absent | Self::Suspended { .. } | Self::Withdrawn { .. } => Ok(vec![]),
        }
    }

    fn resume(&self) -> Decision {
        match self {
            Self::Absent => Err(CardRejection::NotFound),
            Self::Issued { .. } => Ok(vec![]),
            Self::Suspended { card, .. } => {
                Ok(vec![CardEvent::Resumed { card_serial: card.card_serial.clone(), certificate: card.certificate }])
            }
            Self::Withdrawn { .. } => Err(CardRejection::Withdrawn),
        }
    }

    fn withdraw(&self, reason_code: &str) -> Decision {
        match self {
            Self::Absent => Err(CardRejection::NotFound),
            Self::Issued { card, .. } | Self::Suspended { card, .. } => Ok(vec![CardEvent::Withdrawn {
                card_serial: card.card_serial.clone(),
                certificate: card.certificate,
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
            (Self::Absent, CardEvent::Issued { card_serial, maker_id, certificate, issued_at }) => {
                let card = Known {
                    card_serial: card_serial.clone(),
                    maker_id: maker_id.clone(),
                    certificate: *certificate,
                    issued_at: *issued_at,
                };
                Self::Issued { card, last: None }
            }
            (Self::Issued { card, .. }, CardEvent::Used { last, .. }) => Self::Issued { card, last: Some(*last) },
            (Self::Issued { card, .. }, CardEvent::Suspended { run, .. }) => Self::Suspended { card, run: *run },
            (Self::Suspended { card, .. }, CardEvent::Resumed { .. }) => Self::Issued { card, last: None },
            (Self::Issued { card, .. } | Self::Suspended { card, .. }, CardEvent::Withdrawn { .. }) => {
                Self::Withdrawn { card }
            }
            (card, _) => card,
        }
    }

    fn decide(&self, command: &CardCommand, claims: &Claims) -> Decision {
        match command {
            CardCommand::Issue { card_serial, maker_id, certificate, now } => {
                self.issue(card_serial, maker_id, *certificate, *now, claims)
            }
            CardCommand::Count { run, count } => self.count(*run, *count),
            CardCommand::Resume => self.resume(),
            CardCommand::Withdraw { reason_code } => self.withdraw(reason_code),
        }
    }

    fn looks_at(command: &CardCommand) -> Vec<ClaimKey> {
        match command {
            CardCommand::Issue { certificate, .. } => vec![in_force(certificate), suspended(certificate)],
            CardCommand::Count { .. } | CardCommand::Resume | CardCommand::Withdraw { .. } => vec![],
        }
    }

    fn claims_of(event: &CardEvent) -> Vec<ClaimChange> {
        match event {
            CardEvent::Issued { certificate, .. } => vec![ClaimChange::Taken(in_force(certificate))],
            CardEvent::Used { .. } => vec![],
            CardEvent::Suspended { certificate, .. } => {
                vec![ClaimChange::Released(in_force(certificate)), ClaimChange::Taken(suspended(certificate))]
            }
            CardEvent::Resumed { certificate, .. } => {
                vec![ClaimChange::Released(suspended(certificate)), ClaimChange::Taken(in_force(certificate))]
            }
            // Whichever it had.
            CardEvent::Withdrawn { certificate, .. } => {
                [in_force(certificate), suspended(certificate)].map(ClaimChange::Released).into()
            }
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
        let certificate = Digest::of(b"certificate");
        let both = [in_force(&certificate), suspended(&certificate)].map(ClaimChange::Released);
        assert_eq!(MakerCard::claims_of(&withdrawn()), both);
    }

    #[test]
    fn a_count_that_grows_is_remembered_and_the_same_step_again_is_no_copy() {
        let given = Scenario::<MakerCard>::given([issued()]);
        assert_eq!(given.when(&count(1, 7)), Ok(vec![used(1, 7)]));
        let given = Scenario::<MakerCard>::given([issued(), used(1, 7)]);
        assert_eq!(given.when(&count(1, 7)), Ok(vec![]));
        assert_eq!(given.when(&count(2, 8)), Ok(vec![used(2, 8)]));
    }

    #[test]
    fn a_count_that_does_not_grow_is_a_copys_and_suspends_the_card() {
        let given = Scenario::<MakerCard>::given([issued(), used(1, 7)]);
        for (run, told) in [(2, 7), (2, 6), (2, 0), (1, 6)] {
            assert_eq!(given.when(&count(run, told)), Ok(vec![suspended_in(run)]), "{told}");
        }
        let over = Scenario::<MakerCard>::given([issued(), used(1, 7), suspended_in(2)]);
        assert!(over.state().was_copied_in(run(2)) && !over.state().was_copied_in(run(1)));
        assert_eq!(over.when(&count(3, 9)), Ok(vec![]), "nothing more follows from it");
        assert_eq!(over.when(&issue(b"certificate", "zhang")), Err(CardRejection::Suspended));
    }

    #[test]
    fn a_card_that_never_counted_is_not_asked_to() {
        assert_eq!(Scenario::<MakerCard>::given([issued()]).when(&count(1, 0)), Ok(vec![]));
    }

    #[test]
    fn a_resumed_card_counts_anew_and_a_suspended_one_can_be_withdrawn() {
        let past = [issued(), used(1, 7), suspended_in(2)];
        let resumed = CardEvent::Resumed { card_serial: "M1".to_owned(), certificate: Digest::of(b"certificate") };
        let given = Scenario::<MakerCard>::given(past.clone());
        assert_eq!(given.when(&CardCommand::Resume), Ok(vec![resumed.clone()]));
        assert_eq!(given.when(&CardCommand::Withdraw { reason_code: "LOST".to_owned() }), Ok(vec![withdrawn()]));
        let again = Scenario::<MakerCard>::given(past.into_iter().chain([resumed]));
        assert_eq!(again.when(&count(3, 2)), Ok(vec![used(3, 2)]));
        assert_eq!(again.when(&CardCommand::Resume), Ok(vec![]));
        let gone = Scenario::<MakerCard>::given([issued(), withdrawn()]);
        assert_eq!(gone.when(&CardCommand::Resume), Err(CardRejection::Withdrawn));
        assert_eq!(Scenario::<MakerCard>::given([]).when(&CardCommand::Resume), Err(CardRejection::NotFound));
    }

    #[test]
    fn a_suspended_card_is_not_in_force_and_nobody_else_gets_its_certificate() {
        let certificate = Digest::of(b"certificate");
        let expected = [ClaimChange::Released(in_force(&certificate)), ClaimChange::Taken(suspended(&certificate))];
        assert_eq!(MakerCard::claims_of(&suspended_in(1)), expected);
        let facts = Scenario::<MakerCard>::given([])
            .and_held(suspended(&certificate), "maker_card-M2")
            .when(&issue(b"certificate", "zhang"));
        assert_eq!(facts, Err(CardRejection::CertificateInUse));
    }

    fn run(number: u8) -> Id {
        Id::from_bytes([number; 16])
    }

    fn count(number: u8, count: u64) -> CardCommand {
        CardCommand::Count { run: run(number), count }
    }

    fn used(number: u8, count: u64) -> CardEvent {
        CardEvent::Used { card_serial: "M1".to_owned(), last: Use { run: run(number), count } }
    }

    fn suspended_in(number: u8) -> CardEvent {
        let (card_serial, certificate) = ("M1".to_owned(), Digest::of(b"certificate"));
        CardEvent::Suspended { card_serial, certificate, run: run(number) }
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
