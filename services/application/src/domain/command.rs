//! What may be asked of an application. Ids and times come from outside.

use eseal_kernel::{Id, Timestamp};

use super::cancellation::Cancel;
use super::event::{FabricationRefusal, ReturnReason, SealState};
use super::existing::{CarriedOut, KnownSeal};
use super::{Particulars, PersonId};

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// File an application.
    Submit(Submit),
    /// Approve it, or one step of its review.
    Approve {
        /// Who approves.
        reviewer: PersonId,
    },
    /// 退回: send it back to its applicant.
    Return {
        /// Who returns it.
        reviewer: PersonId,
        /// Why.
        reason: ReturnReason,
    },
    /// Change a returned application.
    Revise(Revise),
    /// File a returned application again.
    Resubmit {
        /// Who files it.
        applicant: PersonId,
    },
    /// Take it back.
    Withdraw {
        /// Who takes it back.
        applicant: PersonId,
    },
    /// End it though it is approved.
    Cancel(Cancel),
    /// Fabrication refused a run for it.
    NoteFabricationRefusal {
        /// The refusal.
        refusal: FabricationRefusal,
    },
    /// Its seal was made.
    NoteSealMade {
        /// The seal.
        seal: Id,
    },
    /// Fabrication will make nothing for it.
    NoteStopped,
    /// Its seal is in this state now.
    NoteSealState {
        /// The seal.
        seal: Id,
        /// Its state.
        state: SealState,
    },
    /// What it asked for was done with the existing seal.
    NoteCarriedOut {
        /// The existing seal.
        existing: Id,
        /// What was done.
        result: CarriedOut,
    },
}

impl Command {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Submit(_) => "Submit",
            Self::Approve { .. } => "Approve",
            Self::Return { .. } => "Return",
            Self::Revise(_) => "Revise",
            Self::Resubmit { .. } => "Resubmit",
            Self::Withdraw { .. } => "Withdraw",
            Self::Cancel(_) => "Cancel",
            Self::NoteFabricationRefusal { .. } => "NoteFabricationRefusal",
            Self::NoteSealMade { .. } => "NoteSealMade",
            Self::NoteStopped => "NoteStopped",
            Self::NoteSealState { .. } => "NoteSealState",
            Self::NoteCarriedOut { .. } => "NoteCarriedOut",
        }
    }
}

/// Files an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// Its id to be.
    pub application: Id,
    /// Who files it.
    pub applicant: PersonId,
    /// How many reviewers must approve it; none is taken for one.
    pub approvals_needed: u32,
    /// What is asked for.
    pub particulars: Particulars,
    /// What is known of the seal that it is about; none if it is about none, or about one that nobody knows.
    pub existing: Option<KnownSeal>,
    /// When.
    pub now: Timestamp,
}

/// Changes a returned application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revise {
    /// Who changes it.
    pub applicant: PersonId,
    /// What is asked for now.
    pub particulars: Particulars,
    /// True if the contact data of the persons named in it change. They are no part of the particulars.
    pub other_contacts: bool,
    /// When.
    pub now: Timestamp,
}
