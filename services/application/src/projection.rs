//! Our events -> rows of our read tables. Pure; written in the writer's transaction, and folded anew by a rebuild.

use std::collections::BTreeSet;

use eseal_eventstore::{Recorded, Row};
use eseal_kernel::Digest;
use eseal_proto::application::v1 as pb;
use sea_orm::Value;

use crate::codec::{particulars_to_wire, words};
use crate::domain::{Application, Event, Filed, Outcome, Particulars, PersonId};

/// The tables that follow from events alone.
pub const TABLES: &[&str] = &["application", "application_content"];

/// The rows that follow from one event; `state` is the one after it.
pub fn rows(recorded: &Recorded<'_>, event: &Event, state: &Application) -> Vec<Row> {
    let Some(filed) = state.filed() else { return Vec::new() };
    let mut rows = vec![application(recorded, filed, state)];
    match event {
        Event::Submitted { particulars, .. } | Event::Revised { particulars, .. } => {
            rows.extend(contents(particulars).into_iter().map(|digest| content(filed, digest)));
        }
        Event::StepApproved { .. }
        | Event::Approved { .. }
        | Event::Returned { .. }
        | Event::Resubmitted { .. }
        | Event::Withdrawn { .. }
        | Event::CancellationAsked { .. }
        | Event::Cancelled { .. }
        | Event::FabricationRefusalNoted { .. }
        | Event::SealMadeNoted { .. }
        | Event::SealStateNoted { .. }
        | Event::CarriedOutNoted { .. } => {}
    }
    rows
}

fn application(recorded: &Recorded<'_>, filed: &Filed, state: &Application) -> Row {
    let (pb_state, approved_by, outcome) = standing(state);
    let particulars = particulars_to_wire(&filed.particulars);
    let returned = filed.last_return.as_ref();
    Row {
        table: "application",
        key: &["application_id"],
        values: vec![
            ("application_id", filed.application.to_string().into()),
            ("state", pb_state.as_str_name().into()),
            ("uscc", filed.particulars.organization.uscc.as_str().into()),
            ("applicant_id", filed.applicant.as_str().into()),
            ("approvals_needed", i64::from(filed.approvals_needed).into()),
            ("approved_by", json(&approved_by.iter().map(PersonId::as_str).collect::<Vec<_>>())),
            ("particulars", json(&particulars)),
            ("return_code", returned.map(|reason| words::return_code_to_wire(reason.code)).into()),
            ("return_digest", returned.map(|reason| reason.text.to_string()).into()),
            ("fabrication_refusal", outcome.refusal.map(|refusal| refusal.reason).into()),
            ("seal_id", outcome.seal.filter(|_| outcome.made).map(|seal| seal.to_string()).into()),
            ("seal_state", outcome.seal_state.map(|state| words::seal_state_to_wire(state).as_str_name()).into()),
            ("carried_out", outcome.carried_out.map(words::carried_out_to_wire).into()),
            ("cancellation", outcome.cancellation.map(words::cancellation_reason_to_wire).into()),
            ("submitted_at", filed.submitted_at.micros().into()),
            ("changed_at", recorded.occurred_at.micros().into()),
            ("version", i64::try_from(recorded.version).unwrap_or(i64::MAX).into()),
        ],
    }
}

/// Where an application stands, in the word of the wire.
pub fn state_of(state: &Application) -> pb::ApplicationState {
    standing(state).0
}

/// Where it stands, who approved it, and what became of it.
fn standing(state: &Application) -> (pb::ApplicationState, &[PersonId], Outcome) {
    match state {
        Application::Absent => (pb::ApplicationState::Unspecified, &[], Outcome::default()),
        Application::UnderReview { approved_by, .. } => {
            (pb::ApplicationState::UnderReview, approved_by, Outcome::default())
        }
        Application::Returned { .. } => (pb::ApplicationState::Returned, &[], Outcome::default()),
        Application::Approved { approved_by, outcome, .. } => {
            (pb::ApplicationState::Approved, approved_by, outcome.clone())
        }
        Application::Cancelled { approved_by, outcome, .. } => {
            (pb::ApplicationState::Cancelled, approved_by, outcome.clone())
        }
        Application::Withdrawn { .. } => (pb::ApplicationState::Withdrawn, &[], Outcome::default()),
    }
}

/// Everything that particulars name by its digest.
fn contents(particulars: &Particulars) -> BTreeSet<Digest> {
    let attachments = particulars.attachments.iter().map(|attachment| attachment.digest);
    attachments.chain([particulars.seal_name, particulars.impression.digest]).collect()
}

fn content(filed: &Filed, digest: Digest) -> Row {
    Row {
        table: "application_content",
        key: &["digest", "application_id"],
        values: vec![
            ("digest", digest.to_string().into()),
            ("application_id", filed.application.to_string().into()),
            ("uscc", filed.particulars.organization.uscc.as_str().into()),
        ],
    }
}

/// JSON of what this service made itself; that can't fail.
fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_string(value).unwrap_or_default().into()
}
