//! One run through the gates.

use std::time::Duration;

use eseal_kernel::{ClaimKey, Claims, Digest, Id, Timestamp};

use super::claims::{claims as places, claims_beside};
use super::command::{ShownCertificate, Step};
use super::event::{Challenge, Event};
use super::fabrication::{Decision, Fabrication};
use super::gate::{Gate, Refusal, RefusalReason};
use super::maker_card;
use super::order::Order;
use super::rejection::Rejection;

/// A challenge is answered within this time. When a run began is read off its first challenge, so another value needs
/// another version of the event that gives it.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_secs(120);

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The application that it is for.
    pub application_id: Id,
    /// Its id.
    pub run_id: Id,
    /// The seal to be.
    pub seal_id: Id,
    /// Who makes it.
    pub maker_id: String,
    /// Serial of the maker card with which it began.
    pub maker_card_serial: Option<String>,
    /// When it began.
    pub begun_at: Timestamp,
    /// How far it is.
    pub stage: Stage,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The maker card must answer.
    MakerCard(Challenge),
    /// The seal card must answer.
    SealCard {
        /// The maker's certificate.
        maker_certificate: Digest,
        /// What to answer.
        challenge: Challenge,
    },
    /// The maker card must sign.
    Signing {
        /// The maker's certificate.
        maker_certificate: Digest,
        /// The accepted card.
        card: AcceptedCard,
    },
    /// The seal must be read back.
    Storing {
        /// The maker's certificate.
        maker_certificate: Digest,
        /// The accepted card.
        card: AcceptedCard,
        /// The SESeal.
        seal: Digest,
    },
}

/// A seal card that passed gates b, c and d.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedCard {
    /// Its serial, or the hosted key's id.
    pub card_serial: String,
    /// Its certificates, the SM2 one first.
    pub certificates: Vec<Digest>,
    /// What the maker is to sign.
    pub seal_info: Digest,
}

/// What a seal card showed.
struct Shown<'a> {
    card_serial: &'a str,
    certificates: &'a [ShownCertificate],
    predecessor: Option<Id>,
}

impl Shown<'_> {
    fn digests(&self) -> Vec<Digest> {
        self.certificates.iter().map(|shown| shown.certificate).collect()
    }
}

impl Run {
    /// The end of the run at `gate`. A card that was accepted before is given back.
    pub(super) fn refused(&self, gate: Gate, reason: RefusalReason) -> Vec<Event> {
        let mut events = vec![Event::Refused {
            application_id: self.application_id,
            run_id: self.run_id,
            refusal: Refusal { gate, reason },
        }];
        match &self.stage {
            Stage::MakerCard(_) | Stage::SealCard { .. } => {}
            Stage::Signing { card, .. } | Stage::Storing { card, .. } => events.push(Event::Released {
                application_id: self.application_id,
                seal_id: self.seal_id,
                card_serial: card.card_serial.clone(),
                certificates: card.certificates.clone(),
            }),
        }
        events
    }

    pub(super) fn step(&self, order: &Order, now: Timestamp, step: &Step, claims: &Claims) -> Decision {
        match (&self.stage, step) {
            (_, Step::ReportFailure) => Ok(self.refused(Gate::E, RefusalReason::FabricationFailed)),
            (Stage::MakerCard(_), Step::PresentMakerCard { copied: true, .. }) => {
                Ok(self.refused(Gate::A, RefusalReason::MakerCardCopied))
            }
            (Stage::MakerCard(asked), Step::PresentMakerCard { shown, challenge, copied: false }) => {
                Ok(self.prove(asked, shown, challenge, now, claims))
            }
            (Stage::SealCard { .. }, Step::PresentSealCard { .. })
            | (Stage::Signing { .. }, Step::SignSeal { .. })
            | (Stage::Storing { .. }, Step::ConfirmSeal { .. })
                if !self.maker_in_force(claims) =>
            {
                Ok(self.refused(Gate::A, RefusalReason::MakerCardRejected))
            }
            (
                Stage::SealCard { challenge, .. },
                Step::PresentSealCard { card_serial, certificates, seal_info, predecessor, .. },
            ) => {
                let shown = Shown { card_serial, certificates, predecessor: *predecessor };
                Ok(match (self.gates(now, challenge, &shown, claims), seal_info) {
                    (Err(refusal), _) => self.refused(refusal.gate, refusal.reason),
                    (Ok(_), None) => self.refused(Gate::E, RefusalReason::FabricationFailed),
                    (Ok(beside), Some(seal_info)) => vec![self.accepted(&shown, *seal_info, beside)],
                })
            }
            (Stage::Signing { .. }, Step::SignSeal { seal: Some(seal), .. }) => {
                Ok(vec![Event::SealSigned { application_id: self.application_id, run_id: self.run_id, seal: *seal }])
            }
            // A repeat after a crash between the signature and the answer: the first signature stays.
            (Stage::Storing { .. }, Step::SignSeal { seal: Some(_), .. }) => Ok(vec![]),
            (Stage::Storing { card, seal, .. }, Step::ConfirmSeal { read_back, .. }) if read_back == seal => {
                Ok(vec![self.fabricated(order, card, *seal)])
            }
            (Stage::Signing { .. }, Step::SignSeal { .. }) | (Stage::Storing { .. }, Step::ConfirmSeal { .. }) => {
                Ok(self.refused(Gate::E, RefusalReason::FabricationFailed))
            }
            (
                Stage::MakerCard(_) | Stage::SealCard { .. } | Stage::Signing { .. } | Stage::Storing { .. },
                Step::PresentMakerCard { .. }
                | Step::PresentSealCard { .. }
                | Step::SignSeal { .. }
                | Step::ConfirmSeal { .. },
            ) => Err(Rejection::WrongStep),
        }
    }

    /// Gate a.
    fn prove(
        &self,
        asked: &Challenge,
        shown: &ShownCertificate,
        next: &Challenge,
        now: Timestamp,
        claims: &Claims,
    ) -> Vec<Event> {
        if shown.good && shown.answers(asked, now) && self.is_in_force(&shown.certificate, claims) {
            vec![Event::MakerCardProved {
                application_id: self.application_id,
                run_id: self.run_id,
                certificate: shown.certificate,
                challenge: next.clone(),
            }]
        } else {
            self.refused(Gate::A, RefusalReason::MakerCardRejected)
        }
    }

    /// Gates b, c and d, in this order: the first that refuses, or whether the seal will be beside its predecessor's.
    fn gates(&self, now: Timestamp, asked: &Challenge, shown: &Shown<'_>, claims: &Claims) -> Result<bool, Refusal> {
        if shown.certificates.is_empty() {
            return Err(Refusal { gate: Gate::B, reason: RefusalReason::CertificateInvalid });
        }
        if !shown.certificates.iter().all(|certificate| certificate.good && certificate.answers(asked, now)) {
            return Err(Refusal { gate: Gate::C, reason: RefusalReason::CertificateInvalid });
        }
        let own = Fabrication::stream(self.application_id);
        let predecessor = shown.predecessor.map(Fabrication::stream);
        let of_predecessor = |holder: &str| predecessor.as_deref() == Some(holder);
        let holders = |keys: &[ClaimKey]| keys.iter().filter_map(|key| claims.holder(key)).collect::<Vec<_>>();
        let in_use = holders(&places(shown.card_serial, &shown.digests()));
        let waiting = holders(&claims_beside(shown.card_serial, &shown.digests()));
        if in_use.iter().chain(&waiting).any(|holder| *holder != own && !of_predecessor(holder)) {
            return Err(Refusal { gate: Gate::D, reason: RefusalReason::CardInUse });
        }
        // A predecessor that waited itself leaves the first place to its successor.
        Ok(in_use.iter().any(|holder| of_predecessor(holder)))
    }

    fn accepted(&self, shown: &Shown<'_>, seal_info: Digest, beside_predecessor: bool) -> Event {
        Event::SealCardAccepted {
            application_id: self.application_id,
            run_id: self.run_id,
            card_serial: shown.card_serial.to_owned(),
            certificates: shown.digests(),
            seal_info,
            beside_predecessor,
        }
    }

    fn fabricated(&self, order: &Order, card: &AcceptedCard, seal: Digest) -> Event {
        Event::Fabricated {
            run_id: self.run_id,
            seal_id: self.seal_id,
            seal,
            card_serial: card.card_serial.clone(),
            certificates: card.certificates.clone(),
            order: order.clone(),
        }
    }

    /// The certificate of the maker card that proved its key in this run, once it has.
    pub const fn maker_certificate(&self) -> Option<Digest> {
        match &self.stage {
            Stage::MakerCard(_) => None,
            Stage::SealCard { maker_certificate, .. }
            | Stage::Signing { maker_certificate, .. }
            | Stage::Storing { maker_certificate, .. } => Some(*maker_certificate),
        }
    }

    /// That maker card is still in force.
    fn maker_in_force(&self, claims: &Claims) -> bool {
        self.maker_certificate().is_some_and(|certificate| self.is_in_force(&certificate, claims))
    }

    /// The certificate is on the maker card of this run, which was issued here and is not withdrawn.
    fn is_in_force(&self, certificate: &Digest, claims: &Claims) -> bool {
        let serial = self.maker_card_serial.as_deref().unwrap_or_default();
        claims.holder(&maker_card::in_force(certificate)) == Some(maker_card::stream(serial).as_str())
    }
}

impl Stage {
    /// The challenge that a card must answer next, while one must.
    pub const fn challenge(&self) -> Option<&Challenge> {
        match self {
            Self::MakerCard(challenge) | Self::SealCard { challenge, .. } => Some(challenge),
            Self::Signing { .. } | Self::Storing { .. } => None,
        }
    }

    /// The stage after one more fact of the run.
    pub(super) fn after(self, event: &Event) -> Self {
        match (self, event) {
            (Self::MakerCard(_), Event::MakerCardProved { certificate, challenge, .. }) => {
                Self::SealCard { maker_certificate: *certificate, challenge: challenge.clone() }
            }
            (
                Self::SealCard { maker_certificate, .. },
                Event::SealCardAccepted { card_serial, certificates, seal_info, .. },
            ) => {
                let card = AcceptedCard {
                    card_serial: card_serial.clone(),
                    certificates: certificates.clone(),
                    seal_info: *seal_info,
                };
                Self::Signing { maker_certificate, card }
            }
            (Self::Signing { maker_certificate, card }, Event::SealSigned { seal, .. }) => {
                Self::Storing { maker_certificate, card, seal: *seal }
            }
            (stage, _) => stage,
        }
    }
}

impl ShownCertificate {
    /// Its key answered this challenge in time.
    fn answers(&self, asked: &Challenge, now: Timestamp) -> bool {
        self.proved.as_deref() == Some(asked.nonce.as_str()) && !asked.is_over(now)
    }
}
