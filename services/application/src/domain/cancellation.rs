//! The end of an approved application that was not made yet (取消). Whether a seal was made is decided where seals are made
//! and nowhere else: asking for the end is a fact here, fabrication stops or has made the seal before, and what it says is
//! noted. So each approved application ends in one of the two, whatever came first on the way.

use super::application::{Application, Filed};
use super::event::Event;
use super::particulars::Kind;
use super::{PersonId, Rejection};

/// Asks for the end of an approved application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// Who asks.
    pub by: PersonId,
    /// They may ask whoever filed it: reviewers and admins.
    pub oversees: bool,
    /// Why.
    pub reason: CancellationReason,
}

/// Why an approved application shall not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancellationReason {
    /// Nobody needs the seal.
    NoLongerNeeded,
    /// Its card, key or certificate will never be what the gates ask for.
    CanNotBeMade,
    /// It should not have been filed, or not so.
    FiledInError,
    /// Anything else.
    Other,
}

impl Application {
    pub(super) fn cancel(&self, asked: &Cancel) -> Result<Vec<Event>, Rejection> {
        let filed = self.filed().ok_or(Rejection::NotFound)?;
        if !asked.oversees && filed.applicant != asked.by {
            return Err(Rejection::NotTheApplicant);
        }
        match self {
            Self::Absent => Err(Rejection::NotFound),
            Self::UnderReview { .. } | Self::Returned { .. } => Err(Rejection::NotApproved),
            Self::Withdrawn { .. } => Err(Rejection::AlreadyWithdrawn),
            // The registry ends the existing seal as soon as it hears of the approval; nobody could be in time.
            Self::Approved { .. } if matches!(filed.particulars.kind, Kind::Revoke(_)) => Err(Rejection::NothingToMake),
            Self::Approved { outcome, .. } if outcome.seal.is_some() => Err(Rejection::AlreadyMade),
            Self::Approved { outcome, .. } if outcome.cancellation.is_some() => Ok(Vec::new()),
            Self::Approved { .. } => Ok(vec![Event::CancellationAsked {
                application: filed.application,
                by: asked.by.clone(),
                reason: asked.reason,
            }]),
            Self::Cancelled { .. } => Ok(Vec::new()),
        }
    }

    /// Fabrication says that nothing will be made: that frees the existing seal for another application.
    pub(super) fn note_stopped(&self) -> Result<Vec<Event>, Rejection> {
        match self {
            Self::Absent => Err(Rejection::NotFound),
            Self::UnderReview { .. } | Self::Returned { .. } => Err(Rejection::NotApproved),
            Self::Approved { outcome, .. } if outcome.seal.is_some() => Err(Rejection::AlreadyMade),
            Self::Approved { filed, .. } => {
                Ok(vec![Event::Cancelled { application: filed.application, freed: filed.kept_others_from() }])
            }
            Self::Withdrawn { .. } | Self::Cancelled { .. } => Ok(Vec::new()),
        }
    }
}

impl Filed {
    /// The existing seal for which nobody else could apply.
    pub(super) fn kept_others_from(&self) -> Option<eseal_kernel::Id> {
        self.particulars.kind.existing().filter(|_| self.claims_existing)
    }
}

#[cfg(test)]
mod tests;
