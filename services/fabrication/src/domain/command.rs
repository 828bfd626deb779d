//! What can be asked of fabrication. Time, ids and the outcome of cryptographic checks come with the command.

use eseal_kernel::{Digest, Id, Timestamp};

use super::event::Challenge;
use super::order::Order;

/// Something asked of one fabrication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Wait to be made.
    Queue(Order),
    /// Make nothing: the application was withdrawn or cancelled.
    Stop,
    /// Begin a run.
    BeginRun {
        /// The application.
        application_id: Id,
        /// The run to be.
        run_id: Id,
        /// The seal to be.
        seal_id: Id,
        /// Who makes it.
        maker_id: String,
        /// Serial of the maker card that is connected, if one is.
        maker_card_serial: Option<String>,
        /// What it must answer.
        challenge: Challenge,
        /// When.
        now: Timestamp,
    },
    /// A step of a run by its maker.
    Step {
        /// The run.
        run_id: Id,
        /// Who takes it.
        maker_id: String,
        /// When.
        now: Timestamp,
        /// Which one.
        step: Step,
    },
    /// The seal has ended.
    Release {
        /// The seal.
        seal_id: Id,
    },
}

impl Command {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queue(_) => "Queue",
            Self::Stop => "Stop",
            Self::BeginRun { .. } => "BeginRun",
            Self::Step { step, .. } => step.name(),
            Self::Release { .. } => "Release",
        }
    }
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Gate a: what the maker card showed.
    PresentMakerCard {
        /// Its certificate.
        shown: ShownCertificate,
        /// What the seal card must answer next.
        challenge: Challenge,
        /// A copy of the card was found out in this run.
        copied: bool,
    },
    /// Gates b, c and d: what the seal card showed.
    PresentSealCard {
        /// The maker's certificate of gate a.
        maker_certificate: Digest,
        /// Serial of the seal card, or the hosted key's id.
        card_serial: String,
        /// Its certificates, the SM2 one first; empty = none.
        certificates: Vec<ShownCertificate>,
        /// What the maker is to sign if the gates are passed; none if it can't be built.
        seal_info: Option<Digest>,
        /// The application of the seal in whose place this one is made.
        predecessor: Option<Id>,
    },
    /// Gate e: the maker card signed, or its signature does not hold.
    SignSeal {
        /// The maker's certificate of gate a.
        maker_certificate: Digest,
        /// The assembled SESeal, if it verifies.
        seal: Option<Digest>,
    },
    /// Gate e: what was read back.
    ConfirmSeal {
        /// The maker's certificate of gate a.
        maker_certificate: Digest,
        /// Digest of what was read back.
        read_back: Digest,
    },
    /// Gate e: the station could not go on.
    ReportFailure,
}

impl Step {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PresentMakerCard { .. } => "PresentMakerCard",
            Self::PresentSealCard { .. } => "PresentSealCard",
            Self::SignSeal { .. } => "SignSeal",
            Self::ConfirmSeal { .. } => "ConfirmSeal",
            Self::ReportFailure => "ReportFailure",
        }
    }
}

/// A certificate that a card showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// Which.
    pub certificate: Digest,
    /// Good now: chain, validity, revocation, key usage; a holder's for this organization.
    pub good: bool,
    /// The nonce that its key answered, if the signature over a statement of this run holds.
    pub proved: Option<String>,
}

/// Something asked of one maker card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardCommand {
    /// Let it make seals.
    Issue {
        /// Serial of the card.
        card_serial: String,
        /// Internal id of its holder.
        maker_id: String,
        /// Its certificate.
        certificate: Digest,
        /// When.
        now: Timestamp,
    },
    /// It was used in a run, and told its count; 0 where it does not count.
    Count {
        /// The run.
        run: Id,
        /// How often it was used, this time included.
        count: u64,
    },
    /// Let it make seals again after a copy of it was found out.
    Resume,
    /// Let it make seals no more.
    Withdraw {
        /// Code of the reason.
        reason_code: String,
    },
}

impl CardCommand {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Issue { .. } => "Issue",
            Self::Count { .. } => "Count",
            Self::Resume => "Resume",
            Self::Withdraw { .. } => "Withdraw",
        }
    }
}
