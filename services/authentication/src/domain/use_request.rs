//! Requests for uses of a seal: who asks for what, and what becomes of it.

use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};

use super::command::causes;
use super::document::DocumentDigest;
use super::ids::{PersonId, UseId};
use super::policy::Policy;
use super::rejection::Rejection;
use super::seal_use::{MAX_OPEN, SealUse, SealUses, UseStanding};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who asks.
    pub requester: PersonId,
    /// The documents, as they are before sealing.
    pub documents: Vec<DocumentDigest>,
    /// How often each may be sealed.
    pub uses: u32,
    /// What for, as a code.
    pub purpose: Purpose,
    /// SHA-256 of what for, in words.
    pub purpose_text: Digest,
    /// The last moment.
    pub deadline: Timestamp,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// What can be done about a use. Whether a person may is found out before, from the right that they have and the role
/// that they act in.
#[derive(Debug, Clone)]
pub enum UseAction {
    /// Ask for one. Without a deadline it is the longest that the policy allows.
    Request {
        /// Who asks.
        requester: PersonId,
        /// The documents.
        documents: Vec<DocumentDigest>,
        /// How often each may be sealed.
        uses: u32,
        /// What for.
        purpose: Purpose,
        /// SHA-256 of what for, in words.
        purpose_text: Digest,
        /// The last moment.
        deadline: Option<Timestamp>,
    },
    /// Let it be made.
    Approve {
        /// Who decides.
        by: PersonId,
    },
    /// Forbid it, or what is left of it.
    Decline {
        /// Who decides.
        by: PersonId,
        /// Why.
        cause: DeclineCause,
        /// SHA-256 of why, in words.
        text: Digest,
    },
    /// Take it back.
    TakeBack {
        /// Who asked for it.
        by: PersonId,
    },
}

impl UseAction {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Request { .. } => "RequestUse",
            Self::Approve { .. } => "ApproveUse",
            Self::Decline { .. } => "DeclineUse",
            Self::TakeBack { .. } => "WithdrawUse",
        }
    }
}

/// What happened to a use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseFact {
    /// It was requested.
    Requested(Box<Asked>),
    /// It may be made.
    Approved {
        /// Who decided.
        by: PersonId,
    },
    /// It may not, or no further.
    Declined {
        /// Who decided.
        by: PersonId,
        /// Why.
        cause: DeclineCause,
        /// SHA-256 of why, in words.
        text: Digest,
    },
    /// Who requested it took it back.
    TakenBack,
}

impl SealUses {
    pub(super) fn decide(
        &self,
        id: UseId,
        action: &UseAction,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<UseFact>, Rejection> {
        match action {
            UseAction::Request { requester, documents, uses, purpose, purpose_text, deadline } => {
                let longest = now.plus(Duration::from_secs(policy.longest_deadline_s.into()));
                let asked = Asked {
                    requester: requester.clone(),
                    documents: documents.clone(),
                    uses: *uses,
                    purpose: *purpose,
                    purpose_text: *purpose_text,
                    deadline: deadline.unwrap_or(longest),
                    requested_at: now,
                };
                self.request(asked, policy, longest)
            }
            UseAction::Approve { by } => self.approve(id, by, policy, now),
            UseAction::Decline { by, cause, text } => self.decline(id, by, *cause, *text, now),
            UseAction::TakeBack { by } => self.take_back(id, by, now),
        }
    }

    fn request(&self, asked: Asked, policy: &Policy, longest: Timestamp) -> Result<Vec<UseFact>, Rejection> {
        let now = asked.requested_at;
        if asked.uses == 0 || asked.uses > policy.max_uses || asked.deadline > longest || asked.deadline <= now {
            return Err(Rejection::BeyondPolicy);
        }
        if self.documents(now) + asked.documents.len() > MAX_OPEN {
            return Err(Rejection::TooManyUses);
        }
        Ok(vec![UseFact::Requested(Box::new(asked))])
    }

    fn approve(&self, id: UseId, by: &PersonId, policy: &Policy, now: Timestamp) -> Result<Vec<UseFact>, Rejection> {
        let one = self.decided_by(id, by)?;
        match &one.standing {
            UseStanding::Approved(earlier) if earlier == by => Ok(vec![]),
            // It may have become stricter since.
            UseStanding::Requested if one.is_open(now) && one.uses > policy.max_uses => Err(Rejection::BeyondPolicy),
            UseStanding::Requested if one.is_open(now) => Ok(vec![UseFact::Approved { by: by.clone() }]),
            _ => Err(Rejection::UseNotOpen),
        }
    }

    fn decline(
        &self,
        id: UseId,
        by: &PersonId,
        cause: DeclineCause,
        text: Digest,
        now: Timestamp,
    ) -> Result<Vec<UseFact>, Rejection> {
        let one = self.decided_by(id, by)?;
        match &one.standing {
            UseStanding::Declined(earlier) if earlier == by => Ok(vec![]),
            _ if one.is_open(now) => Ok(vec![UseFact::Declined { by: by.clone(), cause, text }]),
            _ => Err(Rejection::UseNotOpen),
        }
    }

    /// The use, for somebody else than who requested it.
    fn decided_by(&self, id: UseId, by: &PersonId) -> Result<&SealUse, Rejection> {
        let one = self.get(id).ok_or(Rejection::UseNotOpen)?;
        if one.requester == *by { Err(Rejection::OwnRequest) } else { Ok(one) }
    }

    fn take_back(&self, id: UseId, by: &PersonId, now: Timestamp) -> Result<Vec<UseFact>, Rejection> {
        let one = self.get(id).ok_or(Rejection::UseNotOpen)?;
        match &one.standing {
            _ if one.requester != *by => Err(Rejection::NotRequester),
            UseStanding::TakenBack => Ok(vec![]),
            _ if one.is_open(now) => Ok(vec![UseFact::TakenBack]),
            _ => Err(Rejection::UseNotOpen),
        }
    }
}

causes! {
    /// What a use is for.
    Purpose {
        /// 合同.
        Contract = "CONTRACT",
        /// 公文.
        OfficialDocument = "OFFICIAL_DOCUMENT",
        /// 财务.
        Finance = "FINANCE",
        /// 人事.
        Personnel = "PERSONNEL",
        /// 投标.
        Tender = "TENDER",
        /// 证明.
        Certificate = "CERTIFICATE",
        /// Anything else.
        Other = "OTHER",
    }
}

causes! {
    /// Why a use was declined.
    DeclineCause {
        /// The document is not fit to be sealed.
        DocumentUnfit = "DOCUMENT_UNFIT",
        /// This seal is not for that.
        PurposeUnfit = "PURPOSE_UNFIT",
        /// It was not needed any more.
        NotNeeded = "NOT_NEEDED",
        /// Anything else.
        Other = "OTHER",
    }
}
