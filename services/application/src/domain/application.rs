//! One application, from its filing to the seal that came of it.

use eseal_kernel::{Aggregate, ClaimChange, ClaimKey, Claims, Id, Timestamp};

use super::command::{Revise, Submit};
use super::event::{FabricationRefusal, ReturnReason, SealState};
use super::existing::{self, CarriedOut};
use super::{Command, Event, Outcome, Particulars, PersonId, Rejection};

/// Where an application stands.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Application {
    /// Nobody filed it.
    #[default]
    Absent,
    /// Waits for reviewers.
    UnderReview {
        /// What was filed.
        filed: Filed,
        /// Who approved since it was filed last, in order; fewer than are needed.
        approved_by: Vec<PersonId>,
    },
    /// 退回: waits for its applicant. `filed.last_return` says why.
    Returned {
        /// What was filed.
        filed: Filed,
        /// Who returned it.
        by: PersonId,
    },
    /// Approved: the order to make its seal.
    Approved {
        /// What was approved.
        filed: Filed,
        /// Who approved, in order.
        approved_by: Vec<PersonId>,
        /// What became of it.
        outcome: Outcome,
    },
    /// Taken back by its applicant.
    Withdrawn {
        /// What was filed.
        filed: Filed,
    },
    /// Ended after its approval and before anything was made.
    Cancelled {
        /// What was approved.
        filed: Filed,
        /// Who had approved, in order.
        approved_by: Vec<PersonId>,
        /// What had become of it.
        outcome: Outcome,
    },
}

/// What is known of every application that was filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// Which application.
    pub application: Id,
    /// 经办人: who filed it.
    pub applicant: PersonId,
    /// When it was filed first.
    pub submitted_at: Timestamp,
    /// How many reviewers must approve it.
    pub approvals_needed: u32,
    /// What is asked for now.
    pub particulars: Particulars,
    /// Why it was returned last.
    pub last_return: Option<ReturnReason>,
    /// Whether it keeps others of its kind from the existing seal.
    pub claims_existing: bool,
}

impl Aggregate for Application {
    const KIND: &'static str = "application";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn evolve(self, event: &Event) -> Self {
        match (self, event.clone()) {
            (
                Self::Absent,
                Event::Submitted {
                    application,
                    applicant,
                    approvals_needed,
                    particulars,
                    submitted_at,
                    claims_existing,
                },
            ) => {
                let filed = Filed {
                    application,
                    applicant,
                    submitted_at,
                    approvals_needed,
                    particulars,
                    last_return: None,
                    claims_existing,
                };
                Self::UnderReview { filed, approved_by: Vec::new() }
            }
            (Self::UnderReview { filed, mut approved_by }, Event::StepApproved { reviewer, .. }) => {
                approved_by.push(reviewer);
                Self::UnderReview { filed, approved_by }
            }
            (Self::UnderReview { filed, mut approved_by }, Event::Approved { reviewer, .. }) => {
                approved_by.push(reviewer);
                Self::Approved { filed, approved_by, outcome: Outcome::default() }
            }
            (Self::UnderReview { filed, .. }, Event::Returned { reviewer, reason, .. }) => {
                Self::Returned { filed: Filed { last_return: Some(reason), ..filed }, by: reviewer }
            }
            (Self::Returned { filed, by }, Event::Revised { particulars, .. }) => {
                Self::Returned { filed: Filed { particulars, ..filed }, by }
            }
            (Self::Returned { filed, .. }, Event::Resubmitted { .. }) => {
                Self::UnderReview { filed, approved_by: Vec::new() }
            }
            (Self::UnderReview { filed, .. } | Self::Returned { filed, .. }, Event::Withdrawn { .. }) => {
                Self::Withdrawn { filed }
            }
            (Self::Approved { filed, approved_by, outcome }, Event::Cancelled { .. }) => {
                Self::Cancelled { filed, approved_by, outcome }
            }
            (Self::Approved { filed, approved_by, outcome }, event) => {
                Self::Approved { filed, approved_by, outcome: outcome.evolve(event) }
            }
            // No history holds these: `decide` gives none of them in such a state.
            (
                state,
                Event::Submitted { .. }
                | Event::StepApproved { .. }
                | Event::Approved { .. }
                | Event::Returned { .. }
                | Event::Revised { .. }
                | Event::Resubmitted { .. }
                | Event::Withdrawn { .. }
                | Event::CancellationAsked { .. }
                | Event::Cancelled { .. }
                | Event::FabricationRefusalNoted { .. }
                | Event::SealMadeNoted { .. }
                | Event::SealStateNoted { .. }
                | Event::CarriedOutNoted { .. },
            ) => state,
        }
    }

    fn decide(&self, command: &Command, claims: &Claims) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Submit(filing) => self.submit(filing, claims),
            Command::Approve { reviewer } => self.approve(reviewer),
            Command::Return { reviewer, reason } => self.send_back(reviewer, reason),
            Command::Revise(revision) => self.revise(revision),
            Command::Resubmit { applicant } => self.resubmit(applicant),
            Command::Withdraw { applicant } => self.withdraw(applicant),
            Command::Cancel(asked) => self.cancel(asked),
            Command::NoteFabricationRefusal { refusal } => self.note_refusal(refusal),
            Command::NoteSealMade { seal } => self.note_made(*seal),
            Command::NoteStopped => self.note_stopped(),
            Command::NoteSealState { seal, state } => self.note_state(*seal, *state),
            Command::NoteCarriedOut { existing, result } => self.note_carried_out(*existing, *result),
        }
    }

    fn looks_at(command: &Command) -> Vec<ClaimKey> {
        match command {
            Command::Submit(filing) => existing::in_the_way(filing.particulars.kind),
            Command::Approve { .. }
            | Command::Return { .. }
            | Command::Revise(_)
            | Command::Resubmit { .. }
            | Command::Withdraw { .. }
            | Command::Cancel(_)
            | Command::NoteFabricationRefusal { .. }
            | Command::NoteSealMade { .. }
            | Command::NoteStopped
            | Command::NoteSealState { .. }
            | Command::NoteCarriedOut { .. } => Vec::new(),
        }
    }

    fn claims_of(event: &Event) -> Vec<ClaimChange> {
        let released = |seal: Id| existing::claims(seal).map(ClaimChange::Released).into();
        match event {
            Event::Submitted { particulars, claims_existing: true, .. } => {
                existing::claim(particulars.kind).map(ClaimChange::Taken).into_iter().collect()
            }
            Event::Withdrawn { freed: Some(seal), .. }
            | Event::Cancelled { freed: Some(seal), .. }
            | Event::CarriedOutNoted { existing: seal, .. } => released(*seal),
            Event::Submitted { .. }
            | Event::StepApproved { .. }
            | Event::Approved { .. }
            | Event::Returned { .. }
            | Event::Revised { .. }
            | Event::Resubmitted { .. }
            | Event::Withdrawn { .. }
            | Event::CancellationAsked { .. }
            | Event::Cancelled { .. }
            | Event::FabricationRefusalNoted { .. }
            | Event::SealMadeNoted { .. }
            | Event::SealStateNoted { .. } => Vec::new(),
        }
    }
}

impl Application {
    /// What was filed; nothing if nobody filed it.
    pub const fn filed(&self) -> Option<&Filed> {
        match self {
            Self::Absent => None,
            Self::UnderReview { filed, .. }
            | Self::Returned { filed, .. }
            | Self::Approved { filed, .. }
            | Self::Withdrawn { filed }
            | Self::Cancelled { filed, .. } => Some(filed),
        }
    }

    fn submit(&self, filing: &Submit, claims: &Claims) -> Result<Vec<Event>, Rejection> {
        match self.filed() {
            None => {
                existing::check_validity(&filing.particulars, filing.now)?;
                existing::check(&filing.particulars, filing.existing.as_ref(), claims)?;
                Ok(vec![Event::Submitted {
                    application: filing.application,
                    applicant: filing.applicant.clone(),
                    approvals_needed: filing.approvals_needed.max(1),
                    claims_existing: filing.particulars.kind.existing().is_some(),
                    particulars: filing.particulars.clone(),
                    submitted_at: filing.now,
                }])
            }
            Some(filed) if filed.is_repeated_by(filing) => Ok(Vec::new()),
            Some(_) => Err(Rejection::AlreadyExists),
        }
    }

    fn approve(&self, reviewer: &PersonId) -> Result<Vec<Event>, Rejection> {
        match self {
            Self::Absent => Err(Rejection::NotFound),
            Self::UnderReview { filed, .. } if filed.applicant == *reviewer => Err(Rejection::SelfApproval),
            // Each step is another person's: who approved has done their part.
            Self::UnderReview { approved_by, .. } | Self::Approved { approved_by, .. }
                if approved_by.contains(reviewer) =>
            {
                Ok(Vec::new())
            }
            Self::UnderReview { filed, approved_by } => Ok(vec![filed.approve(reviewer, approved_by.len())]),
            Self::Returned { .. } => Err(Rejection::NotUnderReview),
            Self::Approved { .. } => Err(Rejection::AlreadyApproved),
            Self::Withdrawn { .. } => Err(Rejection::AlreadyWithdrawn),
            Self::Cancelled { .. } => Err(Rejection::AlreadyCancelled),
        }
    }

    fn send_back(&self, reviewer: &PersonId, reason: &ReturnReason) -> Result<Vec<Event>, Rejection> {
        match self {
            Self::Absent => Err(Rejection::NotFound),
            Self::UnderReview { filed, .. } if filed.applicant == *reviewer => Err(Rejection::SelfApproval),
            Self::UnderReview { filed, .. } => Ok(vec![Event::Returned {
                application: filed.application,
                reviewer: reviewer.clone(),
                reason: reason.clone(),
            }]),
            Self::Returned { filed, by } if by == reviewer && filed.last_return.as_ref() == Some(reason) => {
                Ok(Vec::new())
            }
            Self::Returned { .. } => Err(Rejection::NotUnderReview),
            Self::Approved { .. } => Err(Rejection::AlreadyApproved),
            Self::Withdrawn { .. } => Err(Rejection::AlreadyWithdrawn),
            Self::Cancelled { .. } => Err(Rejection::AlreadyCancelled),
        }
    }

    fn revise(&self, revision: &Revise) -> Result<Vec<Event>, Rejection> {
        let filed = self.filed_by(&revision.applicant)?;
        match self {
            Self::Absent => Err(Rejection::NotFound),
            Self::Returned { .. } => filed.revise(revision),
            Self::UnderReview { .. } => Err(Rejection::NotReturned),
            Self::Approved { .. } => Err(Rejection::AlreadyApproved),
            Self::Withdrawn { .. } => Err(Rejection::AlreadyWithdrawn),
            Self::Cancelled { .. } => Err(Rejection::AlreadyCancelled),
        }
    }

    fn resubmit(&self, applicant: &PersonId) -> Result<Vec<Event>, Rejection> {
        let filed = self.filed_by(applicant)?;
        match self {
            Self::Absent => Err(Rejection::NotFound),
            Self::Returned { .. } => Ok(vec![Event::Resubmitted { application: filed.application }]),
            // Under review for the second time: it was filed again before.
            Self::UnderReview { .. } if filed.last_return.is_some() => Ok(Vec::new()),
            Self::UnderReview { .. } => Err(Rejection::NotReturned),
            Self::Approved { .. } => Err(Rejection::AlreadyApproved),
            Self::Withdrawn { .. } => Err(Rejection::AlreadyWithdrawn),
            Self::Cancelled { .. } => Err(Rejection::AlreadyCancelled),
        }
    }

    fn withdraw(&self, applicant: &PersonId) -> Result<Vec<Event>, Rejection> {
        let filed = self.filed_by(applicant)?;
        match self {
            Self::Absent => Err(Rejection::NotFound),
            Self::UnderReview { .. } | Self::Returned { .. } => {
                Ok(vec![Event::Withdrawn { application: filed.application, freed: filed.kept_others_from() }])
            }
            Self::Approved { .. } => Err(Rejection::AlreadyApproved),
            Self::Withdrawn { .. } => Ok(Vec::new()),
            Self::Cancelled { .. } => Err(Rejection::AlreadyCancelled),
        }
    }

    fn note_refusal(&self, refusal: &FabricationRefusal) -> Result<Vec<Event>, Rejection> {
        let (filed, outcome) = self.approved()?;
        if outcome.refusal.as_ref() == Some(refusal) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::FabricationRefusalNoted { application: filed.application, refusal: refusal.clone() }])
    }

    fn note_made(&self, seal: Id) -> Result<Vec<Event>, Rejection> {
        let (filed, outcome) = self.approved()?;
        match outcome.seal {
            Some(other) if other != seal => Err(Rejection::OtherSeal),
            Some(_) if outcome.made => Ok(Vec::new()),
            Some(_) | None => Ok(vec![Event::SealMadeNoted { application: filed.application, seal }]),
        }
    }

    fn note_state(&self, seal: Id, state: SealState) -> Result<Vec<Event>, Rejection> {
        let (filed, outcome) = self.approved()?;
        match outcome.seal {
            Some(other) if other != seal => Err(Rejection::OtherSeal),
            Some(_) if outcome.seal_state == Some(state) => Ok(Vec::new()),
            Some(_) | None => Ok(vec![Event::SealStateNoted { application: filed.application, seal, state }]),
        }
    }

    fn note_carried_out(&self, existing: Id, result: CarriedOut) -> Result<Vec<Event>, Rejection> {
        let (filed, outcome) = self.approved()?;
        match outcome.carried_out {
            _ if filed.particulars.kind.existing() != Some(existing) => Err(Rejection::OtherSeal),
            Some(earlier) if earlier == result => Ok(Vec::new()),
            Some(_) | None => Ok(vec![Event::CarriedOutNoted { application: filed.application, existing, result }]),
        }
    }

    fn filed_by(&self, applicant: &PersonId) -> Result<&Filed, Rejection> {
        let filed = self.filed().ok_or(Rejection::NotFound)?;
        if filed.applicant == *applicant { Ok(filed) } else { Err(Rejection::NotTheApplicant) }
    }

    fn approved(&self) -> Result<(&Filed, &Outcome), Rejection> {
        match self {
            Self::Absent => Err(Rejection::NotFound),
            Self::Approved { filed, outcome, .. } => Ok((filed, outcome)),
            Self::UnderReview { .. } | Self::Returned { .. } | Self::Withdrawn { .. } => Err(Rejection::NotApproved),
            // Fabrication says one of the two and never both.
            Self::Cancelled { .. } => Err(Rejection::AlreadyCancelled),
        }
    }
}

impl Filed {
    /// True if `filing` asks for what was filed.
    fn is_repeated_by(&self, filing: &Submit) -> bool {
        self.applicant == filing.applicant && self.particulars == filing.particulars
    }

    /// One more approval after `given` others: the order to make the seal once enough were given.
    fn approve(&self, reviewer: &PersonId, given: usize) -> Event {
        let step = u32::try_from(given).unwrap_or(u32::MAX).saturating_add(1);
        let (application, reviewer) = (self.application, reviewer.clone());
        if step < self.approvals_needed {
            return Event::StepApproved { application, reviewer, step };
        }
        let (applicant, particulars) = (self.applicant.clone(), self.particulars.clone());
        Event::Approved { application, reviewer, applicant, particulars }
    }

    fn revise(&self, revision: &Revise) -> Result<Vec<Event>, Rejection> {
        let to = &revision.particulars;
        if self.particulars == *to && !revision.other_contacts {
            Ok(Vec::new())
        } else if self.particulars.organization.uscc != to.organization.uscc {
            Err(Rejection::OrganizationFixed)
        } else if self.particulars.kind != to.kind {
            Err(Rejection::KindFixed)
        } else if to.kind.existing().is_some() && self.particulars.seal_type != to.seal_type {
            Err(Rejection::SealTypeFixed)
        } else {
            existing::check_validity(to, revision.now)?;
            Ok(vec![Event::Revised { application: self.application, particulars: to.clone() }])
        }
    }
}

#[cfg(test)]
mod tests;
