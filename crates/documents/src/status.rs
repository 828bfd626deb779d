//! The status of each seal along ETSI EN 319 102-1: TOTAL-PASSED, TOTAL-FAILED or INDETERMINATE with a sub-indication, for the
//! moment of sealing and for now.
//!
//! It changes no item and no verdict of [`crate::judge()`], which say whether a document is genuine. This says what may be
//! relied upon at a moment: whether certificates were valid and not revoked, what a time stamp proves, and whether algorithms
//! still hold.
//!
//! Every building block is run and recorded. The status is that of the first block that failed, else of the first that cannot
//! be said. A time stamp that does not hold fails nothing by itself: it just proves nothing (§5.5.4).

mod algorithms;
mod blocks;
mod codes;
mod moment;
mod revocation;
mod time_stamps;
mod x509;

use eseal_kernel::Timestamp;
use eseal_pki::{Evidence, chain::TrustStore};

use crate::{DocumentReport, Judgement, Trust};

pub use algorithms::{AlgorithmRules, WeakAlgorithm};
pub use codes::{BuildingBlock, Indication, SubIndication};
pub use moment::{SealingMoment, TimeProof};
pub use time_stamps::TimeStampStatus;

/// What a status is computed from besides the document and whom to trust for seals.
#[derive(Debug, Clone)]
pub struct Context {
    /// The moment that is now.
    pub now: Timestamp,
    /// Roots that certify time stamping authorities; without them no time stamp proves anything.
    pub tsa_roots: Option<TrustStore>,
    /// Certificates, revocation lists and OCSP responses besides those in the document.
    pub evidence: Evidence,
    /// What is asked for.
    pub policy: Policy,
}

impl Context {
    /// Now, with the usual policy and nothing else known.
    pub fn at(now: Timestamp) -> Self {
        Self { now, tsa_roots: None, evidence: Evidence::default(), policy: Policy::default() }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Whether something must be known about the revocation of every certificate.
    pub revocation: Requirement,
    /// Until when algorithms and keys were strong enough.
    pub algorithms: AlgorithmRules,
}

/// Whether something must be there or is only looked at where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Requirement {
    /// Without it nothing can be said: TRY_LATER.
    #[default]
    Required,
    /// Looked at where it is there.
    WhereKnown,
}

/// The status of one seal.
#[derive(Debug, Clone)]
pub struct SealStatus {
    /// Its name in the document.
    pub id: String,
    /// When it was applied, as well as it is known: the best-signature-time. `None`: nothing says.
    pub sealed: Option<SealingMoment>,
    /// Its time stamps and those over the whole document that it is part of.
    pub time_stamps: Vec<TimeStampStatus>,
    /// For the moment of sealing.
    pub at_sealing: Status,
    /// For now.
    pub now: Status,
}

/// The outcome for one moment.
#[derive(Debug, Clone)]
pub struct Status {
    /// The moment; `None`: it is not known.
    pub moment: Option<Timestamp>,
    /// The outcome.
    pub indication: Indication,
    /// Why it is not TOTAL-PASSED.
    pub sub_indication: Option<SubIndication>,
    /// Every block that was run, in order.
    pub steps: Vec<StatusStep>,
}

/// One building block and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusStep {
    /// What was done.
    pub block: BuildingBlock,
    /// What came of it.
    pub outcome: StepOutcome,
    /// Names, numbers and moments that explain it: not to be trusted as markup.
    pub detail: Option<String>,
}

/// What came of a building block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutcome {
    /// It holds.
    Passed,
    /// It does not hold, whatever else may be learned.
    Failed(SubIndication),
    /// It cannot be said.
    Indeterminate(SubIndication),
    /// There is nothing to do.
    NotApplicable,
}

impl StepOutcome {
    /// `passed`, `failed`, `indeterminate` or `not_applicable`.
    pub const fn result(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Indeterminate(_) => "indeterminate",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// Why it did not pass.
    pub const fn sub_indication(self) -> Option<SubIndication> {
        match self {
            Self::Failed(sub) | Self::Indeterminate(sub) => Some(sub),
            Self::Passed | Self::NotApplicable => None,
        }
    }
}

impl StatusStep {
    fn new(block: BuildingBlock, outcome: StepOutcome) -> Self {
        Self { block, outcome, detail: None }
    }

    fn with(block: BuildingBlock, outcome: StepOutcome, detail: impl AsRef<str>) -> Self {
        Self { block, outcome, detail: Some(crate::report::shown(detail.as_ref())) }
    }
}

impl Status {
    /// What the steps come to.
    fn of(moment: Option<Timestamp>, mut steps: Vec<StatusStep>) -> Self {
        steps.sort_by_key(|step| step.block); // stable: within a block in the order in which they were done
        let counts = || steps.iter().filter(|step| step.block != BuildingBlock::TimeStampValidation);
        let failed = counts().find_map(|step| match step.outcome {
            StepOutcome::Failed(sub) => Some((Indication::TotalFailed, Some(sub))),
            _ => None,
        });
        let open = || {
            counts().find_map(|step| match step.outcome {
                StepOutcome::Indeterminate(sub) => Some((Indication::Indeterminate, Some(sub))),
                _ => None,
            })
        };
        let (indication, sub_indication) = failed.or_else(open).unwrap_or((Indication::TotalPassed, None));
        Self { moment, indication, sub_indication, steps }
    }

    /// The step that the status is of: the first that failed, else the first that cannot be said.
    pub fn decisive(&self) -> Option<&StatusStep> {
        let wanted = match (self.indication, self.sub_indication?) {
            (Indication::TotalFailed, sub) => StepOutcome::Failed(sub),
            (_, sub) => StepOutcome::Indeterminate(sub),
        };
        let mut counted = self.steps.iter().filter(|step| step.block != BuildingBlock::TimeStampValidation);
        counted.find(|step| step.outcome == wanted)
    }
}

/// The status of every seal of a document, in the order of the report. `judgement` is that of the same report and trust.
pub fn assess(report: &DocumentReport, judgement: &Judgement, trust: &Trust, context: &Context) -> Vec<SealStatus> {
    let documents = time_stamps::of_document(report, context);
    let judged = report.seals.iter().zip(&judgement.seals);
    judged.map(|(seal, judged)| blocks::seal(seal, judged, &documents, trust, context)).collect()
}

#[cfg(test)]
mod tests;
