//! Events <-> their stored and published form: the proto3 JSON of the messages in `events.proto`.
//!
//! A kind that was ever stored is never removed from here; the golden files beside the tests hold each of them. A new
//! version of a kind gets its own arm in `decode`, which lifts it to today's event.

mod particulars;
pub mod words;

use eseal_eventstore::{DecodeError, Encoded, Recorded, Row, Stored, StreamId};
use eseal_kernel::{Digest, Id, Timestamp};
use eseal_proto::application::v1 as pb;
use eseal_proto::moment;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::event::{FabricationRefusal, ReturnReason};
use crate::domain::person::{Erased, Person};
use crate::domain::{Application, Event, PersonId};
use crate::projection;

const SUBMITTED: &str = "eseal.application.v1.Submitted";
const STEP_APPROVED: &str = "eseal.application.v1.StepApproved";
const APPROVED: &str = "eseal.application.v1.Approved";
const RETURNED: &str = "eseal.application.v1.Returned";
const REVISED: &str = "eseal.application.v1.Revised";
const RESUBMITTED: &str = "eseal.application.v1.Resubmitted";
const WITHDRAWN: &str = "eseal.application.v1.Withdrawn";
const CANCELLATION_ASKED: &str = "eseal.application.v1.CancellationAsked";
const CANCELLED: &str = "eseal.application.v1.Cancelled";
const FABRICATION_REFUSAL_NOTED: &str = "eseal.application.v1.FabricationRefusalNoted";
const SEAL_MADE_NOTED: &str = "eseal.application.v1.SealMadeNoted";
const SEAL_STATE_NOTED: &str = "eseal.application.v1.SealStateNoted";
const CARRIED_OUT_NOTED: &str = "eseal.application.v1.CarriedOutNoted";
/// The one fact that asks for an effect.
pub const PERSON_ERASED: &str = "eseal.application.v1.PersonErased";

pub use particulars::to_wire as particulars_to_wire;

impl Stored for Application {
    const TABLES: &'static [&'static str] = projection::TABLES;
    const ONE_TRACE: bool = true;

    fn command_name(command: &Self::Command) -> &'static str {
        command.name()
    }

    fn encode(event: &Event) -> Encoded {
        encode(event)
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Event, DecodeError> {
        let event = match (kind, schema_version) {
            (SUBMITTED, 1) => json(payload).and_then(submitted),
            (STEP_APPROVED, 1) => json(payload).and_then(step_approved),
            (APPROVED, 1) => json(payload).and_then(approved),
            (RETURNED, 1) => json(payload).and_then(returned),
            (REVISED, 1) => json(payload).and_then(revised),
            (RESUBMITTED, 1) => json(payload).and_then(resubmitted),
            (WITHDRAWN, 1) => json(payload).and_then(withdrawn),
            (CANCELLATION_ASKED, 1) => json(payload).and_then(cancellation_asked),
            (CANCELLED, 1) => json(payload).and_then(cancelled),
            (FABRICATION_REFUSAL_NOTED, 1) => json(payload).and_then(fabrication_refusal_noted),
            (SEAL_MADE_NOTED, 1) => json(payload).and_then(seal_made_noted),
            (SEAL_STATE_NOTED, 1) => json(payload).and_then(seal_state_noted),
            (CARRIED_OUT_NOTED, 1) => json(payload).and_then(carried_out_noted),
            (kind, schema_version) => return Err(DecodeError::unknown(kind, schema_version)),
        };
        event.map_err(|why| DecodeError::malformed(kind, why))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, event: &Event, state: &Self) -> Vec<Row> {
        projection::rows(recorded, event, state)
    }
}

impl Stored for Person {
    /// What is known of a person follows from no event: see [`crate::contents`].
    const TABLES: &'static [&'static str] = &[];

    fn command_name(_command: &Self::Command) -> &'static str {
        "Erase"
    }

    fn encode(event: &Erased) -> Encoded {
        stored(PERSON_ERASED, &pb::PersonErased { person_id: event.person.to_string() })
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Erased, DecodeError> {
        let event = match (kind, schema_version) {
            (PERSON_ERASED, 1) => json(payload).and_then(person_erased),
            (kind, schema_version) => return Err(DecodeError::unknown(kind, schema_version)),
        };
        event.map_err(|why| DecodeError::malformed(kind, why))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(_recorded: &Recorded<'_>, _event: &Erased, _state: &Self) -> Vec<Row> {
        Vec::new()
    }
}

/// Why a payload could not be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("{0} is missing or not what this service writes there")]
    Field(&'static str),
}

fn encode(event: &Event) -> Encoded {
    match event {
        Event::Submitted { application, applicant, approvals_needed, particulars, submitted_at, claims_existing } => {
            let message = pb::Submitted {
                application_id: application.to_string(),
                applicant_id: applicant.to_string(),
                approvals_needed: *approvals_needed,
                particulars: Some(particulars::to_wire(particulars)),
                submitted_at: Some(moment::from_micros(submitted_at.micros())),
                existing_seal_claimed: *claims_existing,
            };
            stored(SUBMITTED, &message)
        }
        Event::StepApproved { application, reviewer, step } => {
            let (application_id, reviewer_id) = (application.to_string(), reviewer.to_string());
            stored(STEP_APPROVED, &pb::StepApproved { application_id, reviewer_id, step: *step })
        }
        Event::Approved { application, reviewer, applicant, particulars } => {
            let message = pb::Approved {
                application_id: application.to_string(),
                reviewer_id: reviewer.to_string(),
                applicant_id: applicant.to_string(),
                particulars: Some(particulars::to_wire(particulars)),
            };
            stored(APPROVED, &message)
        }
        Event::Returned { application, reviewer, reason } => {
            let message = pb::Returned {
                application_id: application.to_string(),
                reviewer_id: reviewer.to_string(),
                reason_code: words::return_code_to_wire(reason.code).to_owned(),
                reason_digest: reason.text.to_string(),
            };
            stored(RETURNED, &message)
        }
        Event::Revised { application, particulars } => {
            let particulars = Some(particulars::to_wire(particulars));
            stored(REVISED, &pb::Revised { application_id: application.to_string(), particulars })
        }
        Event::Resubmitted { application } => {
            stored(RESUBMITTED, &pb::Resubmitted { application_id: application.to_string() })
        }
        Event::Withdrawn { application, freed } => {
            let existing_seal_id = freed.map(|seal| seal.to_string()).unwrap_or_default();
            stored(WITHDRAWN, &pb::Withdrawn { application_id: application.to_string(), existing_seal_id })
        }
        Event::CancellationAsked { application, by, reason } => {
            let message = pb::CancellationAsked {
                application_id: application.to_string(),
                person_id: by.to_string(),
                reason_code: words::cancellation_reason_to_wire(*reason).to_owned(),
            };
            stored(CANCELLATION_ASKED, &message)
        }
        Event::Cancelled { application, freed } => {
            let existing_seal_id = freed.map(|seal| seal.to_string()).unwrap_or_default();
            stored(CANCELLED, &pb::Cancelled { application_id: application.to_string(), existing_seal_id })
        }
        Event::FabricationRefusalNoted { application, refusal } => {
            let message = pb::FabricationRefusalNoted {
                application_id: application.to_string(),
                run_id: refusal.run.to_string(),
                gate: refusal.gate.clone(),
                reason: refusal.reason.clone(),
            };
            stored(FABRICATION_REFUSAL_NOTED, &message)
        }
        Event::SealMadeNoted { application, seal } => {
            let (application_id, seal_id) = (application.to_string(), seal.to_string());
            stored(SEAL_MADE_NOTED, &pb::SealMadeNoted { application_id, seal_id })
        }
        Event::SealStateNoted { application, seal, state } => {
            let (application_id, seal_id) = (application.to_string(), seal.to_string());
            let state = words::seal_state_to_wire(*state).into();
            stored(SEAL_STATE_NOTED, &pb::SealStateNoted { application_id, seal_id, state })
        }
        Event::CarriedOutNoted { application, existing, result } => {
            let (application_id, existing_seal_id) = (application.to_string(), existing.to_string());
            let result = words::carried_out_to_wire(*result).to_owned();
            stored(CARRIED_OUT_NOTED, &pb::CarriedOutNoted { application_id, existing_seal_id, result })
        }
    }
}

fn submitted(message: pb::Submitted) -> Result<Event, Unreadable> {
    Ok(Event::Submitted {
        application: id(&message.application_id, "applicationId")?,
        applicant: person(&message.applicant_id, "applicantId")?,
        approvals_needed: message.approvals_needed,
        particulars: particulars::from_wire(message.particulars)?,
        submitted_at: at(message.submitted_at.as_ref(), "submittedAt")?,
        claims_existing: message.existing_seal_claimed,
    })
}

fn step_approved(message: pb::StepApproved) -> Result<Event, Unreadable> {
    Ok(Event::StepApproved {
        application: id(&message.application_id, "applicationId")?,
        reviewer: person(&message.reviewer_id, "reviewerId")?,
        step: message.step,
    })
}

fn approved(message: pb::Approved) -> Result<Event, Unreadable> {
    Ok(Event::Approved {
        application: id(&message.application_id, "applicationId")?,
        reviewer: person(&message.reviewer_id, "reviewerId")?,
        applicant: person(&message.applicant_id, "applicantId")?,
        particulars: particulars::from_wire(message.particulars)?,
    })
}

fn returned(message: pb::Returned) -> Result<Event, Unreadable> {
    let code = words::return_code(&message.reason_code).ok_or(Unreadable::Field("reasonCode"))?;
    Ok(Event::Returned {
        application: id(&message.application_id, "applicationId")?,
        reviewer: person(&message.reviewer_id, "reviewerId")?,
        reason: ReturnReason { code, text: digest(&message.reason_digest, "reasonDigest")? },
    })
}

fn revised(message: pb::Revised) -> Result<Event, Unreadable> {
    Ok(Event::Revised {
        application: id(&message.application_id, "applicationId")?,
        particulars: particulars::from_wire(message.particulars)?,
    })
}

fn resubmitted(message: pb::Resubmitted) -> Result<Event, Unreadable> {
    Ok(Event::Resubmitted { application: id(&message.application_id, "applicationId")? })
}

fn withdrawn(message: pb::Withdrawn) -> Result<Event, Unreadable> {
    Ok(Event::Withdrawn {
        application: id(&message.application_id, "applicationId")?,
        freed: freed(&message.existing_seal_id)?,
    })
}

fn cancellation_asked(message: pb::CancellationAsked) -> Result<Event, Unreadable> {
    Ok(Event::CancellationAsked {
        application: id(&message.application_id, "applicationId")?,
        by: person(&message.person_id, "personId")?,
        reason: words::cancellation_reason(&message.reason_code).ok_or(Unreadable::Field("reasonCode"))?,
    })
}

fn cancelled(message: pb::Cancelled) -> Result<Event, Unreadable> {
    Ok(Event::Cancelled {
        application: id(&message.application_id, "applicationId")?,
        freed: freed(&message.existing_seal_id)?,
    })
}

/// The existing seal that an application kept others from.
fn freed(existing_seal: &str) -> Result<Option<Id>, Unreadable> {
    Some(existing_seal).filter(|seal| !seal.is_empty()).map(|seal| id(seal, "existingSealId")).transpose()
}

fn fabrication_refusal_noted(message: pb::FabricationRefusalNoted) -> Result<Event, Unreadable> {
    let run = id(&message.run_id, "runId")?;
    Ok(Event::FabricationRefusalNoted {
        application: id(&message.application_id, "applicationId")?,
        refusal: FabricationRefusal { run, gate: message.gate, reason: message.reason },
    })
}

fn seal_made_noted(message: pb::SealMadeNoted) -> Result<Event, Unreadable> {
    Ok(Event::SealMadeNoted {
        application: id(&message.application_id, "applicationId")?,
        seal: id(&message.seal_id, "sealId")?,
    })
}

fn seal_state_noted(message: pb::SealStateNoted) -> Result<Event, Unreadable> {
    Ok(Event::SealStateNoted {
        application: id(&message.application_id, "applicationId")?,
        seal: id(&message.seal_id, "sealId")?,
        state: words::seal_state(message.state).ok_or(Unreadable::Field("state"))?,
    })
}

fn carried_out_noted(message: pb::CarriedOutNoted) -> Result<Event, Unreadable> {
    Ok(Event::CarriedOutNoted {
        application: id(&message.application_id, "applicationId")?,
        existing: id(&message.existing_seal_id, "existingSealId")?,
        result: words::carried_out(&message.result).ok_or(Unreadable::Field("result"))?,
    })
}

fn person_erased(message: pb::PersonErased) -> Result<Erased, Unreadable> {
    Ok(Erased { person: person(&message.person_id, "personId")? })
}

/// The stored form of a message. Its JSON can't fail: its words are known ones, and its moments lie between the years 1
/// and 9999.
fn stored(kind: &'static str, message: &impl Serialize) -> Encoded {
    Encoded { kind, schema_version: 1, payload: serde_json::to_vec(message).unwrap_or_default() }
}

fn json<M: DeserializeOwned>(payload: &[u8]) -> Result<M, Unreadable> {
    Ok(serde_json::from_slice(payload)?)
}

fn id(text: &str, field: &'static str) -> Result<Id, Unreadable> {
    text.parse().map_err(|_| Unreadable::Field(field))
}

fn person(text: &str, field: &'static str) -> Result<PersonId, Unreadable> {
    text.parse().map_err(|_| Unreadable::Field(field))
}

fn digest(text: &str, field: &'static str) -> Result<Digest, Unreadable> {
    text.parse().map_err(|_| Unreadable::Field(field))
}

fn at(stored: Option<&eseal_proto::Timestamp>, field: &'static str) -> Result<Timestamp, Unreadable> {
    let micros = stored.and_then(moment::micros).ok_or(Unreadable::Field(field))?;
    Ok(Timestamp::from_micros(micros))
}

#[cfg(test)]
mod tests;
