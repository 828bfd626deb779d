//! What others said of an approved application. They say it in no order that could be relied on.

use eseal_kernel::Id;

use super::Event;
use super::cancellation::CancellationReason;
use super::event::{FabricationRefusal, SealState};
use super::existing::CarriedOut;

/// What became of an approved application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The last refusal of fabrication.
    pub refusal: Option<FabricationRefusal>,
    /// Its seal, as soon as anybody has spoken of one.
    pub seal: Option<Id>,
    /// True once fabrication said that the seal is made.
    pub made: bool,
    /// The seal's state as last heard.
    pub seal_state: Option<SealState>,
    /// What became of the existing seal, once it did.
    pub carried_out: Option<CarriedOut>,
    /// Why it shall not be made, once somebody asked for that. A seal that is there all the same was made before.
    pub cancellation: Option<CancellationReason>,
}

impl Outcome {
    /// What became of it after one more fact.
    #[must_use]
    pub fn evolve(self, event: Event) -> Self {
        match event {
            Event::FabricationRefusalNoted { refusal, .. } => Self { refusal: Some(refusal), ..self },
            Event::SealMadeNoted { seal, .. } => Self { seal: Some(seal), made: true, ..self },
            Event::SealStateNoted { seal, state, .. } => Self { seal: Some(seal), seal_state: Some(state), ..self },
            Event::CarriedOutNoted { result, .. } => Self { carried_out: Some(result), ..self },
            Event::CancellationAsked { reason, .. } => Self { cancellation: Some(reason), ..self },
            // What was approved never changes again.
            Event::Submitted { .. }
            | Event::StepApproved { .. }
            | Event::Approved { .. }
            | Event::Returned { .. }
            | Event::Revised { .. }
            | Event::Resubmitted { .. }
            | Event::Withdrawn { .. }
            | Event::Cancelled { .. } => self,
        }
    }
}
