//! When a seal was applied, as well as it is known.

use eseal_kernel::Timestamp;

use crate::Language;

/// The best-signature-time (EN 319 102-1 §5.5.4): the earliest moment at which the seal is proven to have existed, else what the
/// signer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealingMoment {
    /// The moment.
    pub time: Timestamp,
    /// The latest moment that it can stand for: a time stamp may be off by a little.
    pub latest: Timestamp,
    /// What it rests on.
    pub proof: TimeProof,
    /// When the signer says to have sealed. Nobody claims to have sealed later than they did with a certificate that had ended by
    /// then, so against the signer the claim counts.
    pub claimed: Option<Timestamp>,
}

/// What a moment rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeProof {
    /// A time stamp that holds, of a trusted authority.
    TimeStamp,
    /// The signer's own statement.
    SelfAsserted,
}

impl TimeProof {
    /// `time_stamp` or `self_asserted`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimeStamp => "time_stamp",
            Self::SelfAsserted => "self_asserted",
        }
    }

    /// What it says to a person.
    pub const fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::TimeStamp, Language::En) => "proven by a time stamp",
            (Self::TimeStamp, Language::ZhCn) => "由时间戳证明",
            (Self::SelfAsserted, Language::En) => "the signer's own statement",
            (Self::SelfAsserted, Language::ZhCn) => "签章人自述",
        }
    }
}

impl SealingMoment {
    pub(super) fn claimed(time: Timestamp) -> Self {
        Self { time, latest: time, proof: TimeProof::SelfAsserted, claimed: Some(time) }
    }

    /// The proof that it existed at this moment, if it is one.
    pub(super) fn proven(&self) -> Option<Timestamp> {
        (self.proof == TimeProof::TimeStamp).then_some(self.latest)
    }
}
