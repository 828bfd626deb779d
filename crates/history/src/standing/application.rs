//! An application and the making of its seal, folded.

use eseal_proto::application::v1::application_event::Kind as Application;
use eseal_proto::application::v1::{ApplicationState, Particulars};
use eseal_proto::event::v1::Event;
use eseal_proto::fabrication::v1::fabrication_event::Kind as Fabrication;
use serde::Serialize;

use crate::fact::Fact;

/// Where an application stood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApplicationStanding {
    /// The application.
    pub application_id: String,
    /// Such as `APPLICATION_STATE_APPROVED`.
    pub state: &'static str,
    /// Who filed it.
    pub applicant_id: String,
    /// Who approved since it was filed last.
    pub approved_by: Vec<String>,
    /// How many approvals it needs.
    pub approvals_needed: u32,
    /// Why it was returned last.
    pub return_code: Option<String>,
    /// What was asked for.
    pub particulars: Particulars,
    /// The making of its seal; none before it was approved.
    pub fabrication: Option<FabricationStanding>,
}

/// Where the making of a seal stood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FabricationStanding {
    /// How far it was.
    pub state: Making,
    /// The seal that was made.
    pub seal_id: Option<String>,
    /// Runs so far.
    pub runs: u32,
    /// The gate that refused last.
    pub last_gate: Option<String>,
    /// Why.
    pub last_refusal: Option<String>,
}

/// How far the making of a seal was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Making {
    /// No run was under way.
    Waiting,
    /// A run was under way.
    Running,
    /// The seal was made.
    Made,
    /// Nothing was left to make: stopped, or the seal has ended.
    Closed,
}

impl ApplicationStanding {
    /// From the events of both streams that count; nothing if it was not filed by then.
    pub(super) fn fold(filed: &[(&Event, Fact)], making: &[(&Event, Fact)]) -> Option<Self> {
        let mut standing: Option<Self> = None;
        for (_, fact) in filed {
            let Fact::Application(kind) = fact else { continue };
            match &mut standing {
                None => standing = Self::begun(kind),
                Some(standing) => standing.evolve(kind),
            }
        }
        let fabrication = FabricationStanding::fold(making);
        standing.map(|standing| Self { fabrication, ..standing })
    }

    fn begun(kind: &Application) -> Option<Self> {
        let Application::Submitted(fact) = kind else { return None };
        Some(Self {
            application_id: fact.application_id.clone(),
            state: ApplicationState::UnderReview.as_str_name(),
            applicant_id: fact.applicant_id.clone(),
            approved_by: Vec::new(),
            approvals_needed: fact.approvals_needed,
            return_code: None,
            particulars: fact.particulars.clone().unwrap_or_default(),
            fabrication: None,
        })
    }

    fn evolve(&mut self, kind: &Application) {
        match kind {
            Application::StepApproved(fact) => self.approved_by.push(fact.reviewer_id.clone()),
            Application::Approved(fact) => {
                self.approved_by.push(fact.reviewer_id.clone());
                self.state = ApplicationState::Approved.as_str_name();
            }
            Application::Returned(fact) => {
                self.approved_by.clear();
                self.return_code = Some(fact.reason_code.clone());
                self.state = ApplicationState::Returned.as_str_name();
            }
            Application::Revised(fact) => self.particulars = fact.particulars.clone().unwrap_or_default(),
            Application::Resubmitted(_) => self.state = ApplicationState::UnderReview.as_str_name(),
            Application::Withdrawn(_) => {
                self.approved_by.clear();
                self.state = ApplicationState::Withdrawn.as_str_name();
            }
            Application::Cancelled(_) => self.state = ApplicationState::Cancelled.as_str_name(),
            // What the others told it stands in their own events.
            Application::Submitted(_)
            | Application::CancellationAsked(_) // they decide
            | Application::FabricationRefusalNoted(_)
            | Application::SealMadeNoted(_)
            | Application::SealStateNoted(_)
            | Application::CarriedOutNoted(_)
            | Application::PersonErased(_) => {}
        }
    }
}

impl FabricationStanding {
    fn fold(making: &[(&Event, Fact)]) -> Option<Self> {
        let mut standing: Option<Self> = None;
        for (_, fact) in making {
            let Fact::Fabrication(kind) = fact else { continue };
            match &mut standing {
                Some(standing) => standing.evolve(kind),
                None if matches!(kind, Fabrication::FabricationQueued(_)) => {
                    let (last_gate, last_refusal) = (None, None);
                    standing = Some(Self { state: Making::Waiting, seal_id: None, runs: 0, last_gate, last_refusal });
                }
                None => {}
            }
        }
        standing
    }

    fn evolve(&mut self, kind: &Fabrication) {
        match kind {
            Fabrication::RunBegun(_) => {
                self.runs += 1;
                self.state = Making::Running;
            }
            Fabrication::FabricationRefused(fact) => {
                self.state = Making::Waiting;
                self.last_gate = Some(fact.gate.clone());
                self.last_refusal = Some(fact.reason.clone());
            }
            Fabrication::SealFabricated(fact) => {
                self.state = Making::Made;
                self.seal_id = Some(fact.seal_id.clone());
            }
            Fabrication::FabricationStopped(_) => self.state = Making::Closed,
            // A card is also given back by a run that was refused after its card was accepted.
            Fabrication::CardReleased(_) if self.state == Making::Made => self.state = Making::Closed,
            Fabrication::FabricationQueued(_)
            | Fabrication::MakerCardProved(_)
            | Fabrication::SealCardAccepted(_)
            | Fabrication::SealSigned(_)
            | Fabrication::CardReleased(_)
            | Fabrication::MakerCardIssued(_)
            | Fabrication::MakerCardUsed(_)
            | Fabrication::MakerCardSuspended(_)
            | Fabrication::MakerCardResumed(_)
            | Fabrication::MakerCardWithdrawn(_) => {}
        }
    }
}
