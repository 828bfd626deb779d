//! What happened in fabrication.

use eseal_kernel::{Digest, Id, Timestamp};

use super::gate::Refusal;
use super::maker_card::Use;
use super::order::Order;
use super::run::CHALLENGE_LIFETIME;

/// How far the clocks of two replicas may be apart.
const APART: std::time::Duration = std::time::Duration::from_secs(2 * 60);

/// A random value that a card answers once, before it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Random, single use.
    pub nonce: String,
    /// Two minutes after it was given.
    pub expires_at: Timestamp,
}

impl Challenge {
    /// It counts no more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now > self.expires_at
    }

    /// A clock that was far ahead gave it, of which nobody else would take it for fresh.
    pub fn is_of_the_future(&self, now: Timestamp) -> bool {
        self.expires_at > now.plus(CHALLENGE_LIFETIME + APART)
    }
}

/// Facts about one fabrication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An approved application waits.
    Queued(Order),
    /// A run began.
    RunBegun {
        /// The application.
        application_id: Id,
        /// The run.
        run_id: Id,
        /// The seal to be.
        seal_id: Id,
        /// Internal id of the maker, or the service's own.
        maker_id: String,
        /// Serial of the connected maker card, if one is.
        maker_card_serial: Option<String>,
        /// What the maker card must answer.
        challenge: Challenge,
    },
    /// Gate a is passed.
    MakerCardProved {
        /// The application.
        application_id: Id,
        /// The run.
        run_id: Id,
        /// The maker's certificate.
        certificate: Digest,
        /// What the seal card must answer.
        challenge: Challenge,
    },
    /// Gates b, c and d are passed.
    SealCardAccepted {
        /// The application.
        application_id: Id,
        /// The run.
        run_id: Id,
        /// The seal card's serial, or the hosted key's id.
        card_serial: String,
        /// Its certificates, the SM2 one first.
        certificates: Vec<Digest>,
        /// What the maker is to sign.
        seal_info: Digest,
        /// The predecessor has the card, or a certificate, too.
        beside_predecessor: bool,
    },
    /// The maker card signed.
    SealSigned {
        /// The application.
        application_id: Id,
        /// The run.
        run_id: Id,
        /// The SESeal.
        seal: Digest,
    },
    /// A gate refused, and the run is over.
    Refused {
        /// The application.
        application_id: Id,
        /// The run.
        run_id: Id,
        /// Which gate, and why.
        refusal: Refusal,
    },
    /// The seal is made.
    Fabricated {
        /// The run.
        run_id: Id,
        /// The seal.
        seal_id: Id,
        /// The SESeal.
        seal: Digest,
        /// The card that carries it, or the hosted key's id.
        card_serial: String,
        /// Its certificates, the SM2 one first.
        certificates: Vec<Digest>,
        /// What was ordered.
        order: Order,
    },
    /// The application was withdrawn or cancelled before a seal was made.
    Stopped {
        /// The application.
        application_id: Id,
    },
    /// The seal has ended; its card and certificates are free.
    Released {
        /// The application.
        application_id: Id,
        /// The seal that ended.
        seal_id: Id,
        /// The card.
        card_serial: String,
        /// The certificates.
        certificates: Vec<Digest>,
    },
}

/// Facts about one maker card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardEvent {
    /// It may make seals.
    Issued {
        /// Serial of the card.
        card_serial: String,
        /// Internal id of its holder.
        maker_id: String,
        /// Its certificate.
        certificate: Digest,
        /// When.
        issued_at: Timestamp,
    },
    /// It was used in a run, and counted that.
    Used {
        /// Serial of the card.
        card_serial: String,
        /// The use.
        last: Use,
    },
    /// A copy of it was found out.
    Suspended {
        /// Serial of the card.
        card_serial: String,
        /// Its certificate.
        certificate: Digest,
        /// In which run.
        run: Id,
    },
    /// It may make seals again, and counts anew.
    Resumed {
        /// Serial of the card.
        card_serial: String,
        /// Its certificate.
        certificate: Digest,
    },
    /// It may make seals no more.
    Withdrawn {
        /// Serial of the card.
        card_serial: String,
        /// Its certificate.
        certificate: Digest,
        /// Code of the reason.
        reason_code: String,
    },
}
