//! What happened to an application. Never personal data: persons are ids, texts and files are digests.

use eseal_kernel::{Digest, Id, Timestamp};

use super::cancellation::CancellationReason;
use super::existing::CarriedOut;
use super::{Particulars, PersonId};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was filed.
    Submitted {
        /// Which application.
        application: Id,
        /// Who filed it.
        applicant: PersonId,
        /// How many reviewers must approve it.
        approvals_needed: u32,
        /// What is asked for.
        particulars: Particulars,
        /// When.
        submitted_at: Timestamp,
        /// Whether it keeps others of its kind from the existing seal. Those of earlier releases did not.
        claims_existing: bool,
    },
    /// One of several approvals was given.
    StepApproved {
        /// Which application.
        application: Id,
        /// Who gave it.
        reviewer: PersonId,
        /// Which one: 1, 2, 3 …
        step: u32,
    },
    /// The last approval was given: the order to make the seal.
    Approved {
        /// Which application.
        application: Id,
        /// Who gave it.
        reviewer: PersonId,
        /// Who had filed it.
        applicant: PersonId,
        /// What is to be made.
        particulars: Particulars,
    },
    /// It was sent back.
    Returned {
        /// Which application.
        application: Id,
        /// Who sent it back.
        reviewer: PersonId,
        /// Why.
        reason: ReturnReason,
    },
    /// Something else is asked for now.
    Revised {
        /// Which application.
        application: Id,
        /// What is asked for now.
        particulars: Particulars,
    },
    /// It was filed again.
    Resubmitted {
        /// Which application.
        application: Id,
    },
    /// It was taken back.
    Withdrawn {
        /// Which application.
        application: Id,
        /// The existing seal that it kept others from.
        freed: Option<Id>,
    },
    /// Somebody asked that it be not made, though it is approved.
    CancellationAsked {
        /// Which application.
        application: Id,
        /// Who asked: its applicant, a reviewer or an admin.
        by: PersonId,
        /// Why.
        reason: CancellationReason,
    },
    /// Nothing will be made of it, as fabrication said.
    Cancelled {
        /// Which application.
        application: Id,
        /// The existing seal that it kept others from.
        freed: Option<Id>,
    },
    /// Fabrication refused a run for it.
    FabricationRefusalNoted {
        /// Which application.
        application: Id,
        /// The refusal.
        refusal: FabricationRefusal,
    },
    /// Its seal was made.
    SealMadeNoted {
        /// Which application.
        application: Id,
        /// The seal.
        seal: Id,
    },
    /// Its seal is in this state now.
    SealStateNoted {
        /// Which application.
        application: Id,
        /// The seal.
        seal: Id,
        /// Its state.
        state: SealState,
    },
    /// What it asked for was done with the existing seal.
    CarriedOutNoted {
        /// Which application.
        application: Id,
        /// The existing seal.
        existing: Id,
        /// What was done.
        result: CarriedOut,
    },
}

/// Why an application was returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnReason {
    /// In a word.
    pub code: ReturnCode,
    /// SHA-256 of the reason in words.
    pub text: Digest,
}

/// Why an application was returned, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnCode {
    /// Something is missing.
    MaterialIncomplete,
    /// The picture can't be used.
    ImpressionUnsuitable,
    /// Nobody could say that the organization is what it says it is.
    OrganizationUnverified,
    /// See the words.
    Other,
}

/// A refusal of fabrication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FabricationRefusal {
    /// The run that it ended.
    pub run: Id,
    /// The gate that refused, "a" … "e".
    pub gate: String,
    /// Its reason code, such as `CARD_IN_USE`.
    pub reason: String,
}

/// 印章状态, as the registry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealState {
    /// Registered, not yet in use.
    Registered,
    /// In use.
    Active,
    /// Not to be used for now.
    Suspended,
    /// Ended.
    Revoked,
    /// Ended; another one took its place.
    Replaced,
}
