//! Facts of custodians and of requested uses.

use std::sync::Arc;

use eseal_eventstore::Encoded;
use eseal_proto::authentication::v1 as pb;

use super::seal::seal;
use super::{Read, Unreadable, at, at_to_wire, json, parsed, stored, words_rights};
use crate::domain::Event;
use crate::domain::event::Fact;
use crate::domain::ids::{PersonId, UseId};
use crate::domain::right::{RightFact, WithdrawalCause};
use crate::domain::use_request::{Asked, DeclineCause, Purpose, UseFact};

const GRANTED: &str = "eseal.authentication.v1.CustodianGranted";
const CHANGED: &str = "eseal.authentication.v1.CustodianChanged";
const WITHDRAWN: &str = "eseal.authentication.v1.CustodianWithdrawn";
const REQUESTED: &str = "eseal.authentication.v1.UseRequested";
const APPROVED: &str = "eseal.authentication.v1.UseApproved";
const DECLINED: &str = "eseal.authentication.v1.UseDeclined";
const TAKEN_BACK: &str = "eseal.authentication.v1.UseWithdrawn";

pub(super) fn encode_right(seal_id: String, person: &PersonId, fact: &RightFact) -> Encoded {
    let custodian_id = person.to_string();
    match fact {
        RightFact::Granted(terms) => {
            let terms = Some(words_rights::terms_to_wire(terms));
            stored(GRANTED, &pb::CustodianGranted { seal_id, custodian_id, terms })
        }
        RightFact::Changed(terms) => {
            let terms = Some(words_rights::terms_to_wire(terms));
            stored(CHANGED, &pb::CustodianChanged { seal_id, custodian_id, terms })
        }
        RightFact::Withdrawn(cause) => {
            let reason_code = cause.code().to_owned();
            stored(WITHDRAWN, &pb::CustodianWithdrawn { seal_id, custodian_id, reason_code })
        }
    }
}

pub(super) fn encode_use(seal_id: String, id: UseId, fact: &UseFact) -> Encoded {
    let use_id = id.to_string();
    match fact {
        UseFact::Requested(asked) => {
            let message = pb::UseRequested {
                seal_id,
                use_id,
                requester_id: asked.requester.to_string(),
                documents: asked.documents.iter().map(ToString::to_string).collect(),
                uses: asked.uses,
                purpose_code: asked.purpose.code().to_owned(),
                purpose_digest: asked.purpose_text.to_string(),
                deadline: at_to_wire(asked.deadline),
                requested_at: at_to_wire(asked.requested_at),
            };
            stored(REQUESTED, &message)
        }
        UseFact::Approved { by } => stored(APPROVED, &pb::UseApproved { seal_id, use_id, approver_id: by.to_string() }),
        UseFact::Declined { by, cause, text } => {
            let (approver_id, reason_code) = (by.to_string(), cause.code().to_owned());
            let reason_digest = text.to_string();
            stored(DECLINED, &pb::UseDeclined { seal_id, use_id, approver_id, reason_code, reason_digest })
        }
        UseFact::TakenBack => stored(TAKEN_BACK, &pb::UseWithdrawn { seal_id, use_id }),
    }
}

pub(super) fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Read<Event> {
    let event = match (kind, schema_version) {
        (GRANTED, 1) => json(payload).and_then(granted),
        (CHANGED, 1) => json(payload).and_then(changed),
        (WITHDRAWN, 1) => json(payload).and_then(withdrawn),
        (REQUESTED, 1) => json(payload).and_then(requested),
        (APPROVED, 1) => json(payload).and_then(approved),
        (DECLINED, 1) => json(payload).and_then(declined),
        (TAKEN_BACK, 1) => json(payload).and_then(taken_back),
        _ => return None,
    };
    Some(event)
}

fn right(seal_id: &str, custodian_id: &str, fact: RightFact) -> Result<Event, Unreadable> {
    let person = parsed(custodian_id, "custodianId")?;
    Ok(Event { seal: seal(seal_id)?, fact: Fact::Right(person, fact) })
}

fn granted(message: pb::CustodianGranted) -> Result<Event, Unreadable> {
    let terms = words_rights::terms(&message.terms.unwrap_or_default())?;
    right(&message.seal_id, &message.custodian_id, RightFact::Granted(Arc::new(terms)))
}

fn changed(message: pb::CustodianChanged) -> Result<Event, Unreadable> {
    let terms = words_rights::terms(&message.terms.unwrap_or_default())?;
    right(&message.seal_id, &message.custodian_id, RightFact::Changed(Arc::new(terms)))
}

fn withdrawn(message: pb::CustodianWithdrawn) -> Result<Event, Unreadable> {
    let cause = WithdrawalCause::from_code(&message.reason_code).ok_or(Unreadable::Field("reasonCode"))?;
    right(&message.seal_id, &message.custodian_id, RightFact::Withdrawn(cause))
}

fn of_use(seal_id: &str, use_id: &str, fact: UseFact) -> Result<Event, Unreadable> {
    Ok(Event { seal: seal(seal_id)?, fact: Fact::Use(parsed(use_id, "useId")?, fact) })
}

fn requested(message: pb::UseRequested) -> Result<Event, Unreadable> {
    let documents = message.documents.iter().map(|document| parsed(document, "documents"));
    let asked = Asked {
        requester: parsed(&message.requester_id, "requesterId")?,
        documents: documents.collect::<Result<_, _>>()?,
        uses: message.uses,
        purpose: Purpose::from_code(&message.purpose_code).ok_or(Unreadable::Field("purposeCode"))?,
        purpose_text: parsed(&message.purpose_digest, "purposeDigest")?,
        deadline: at(message.deadline.as_ref(), "deadline")?,
        requested_at: at(message.requested_at.as_ref(), "requestedAt")?,
    };
    of_use(&message.seal_id, &message.use_id, UseFact::Requested(Box::new(asked)))
}

fn approved(message: pb::UseApproved) -> Result<Event, Unreadable> {
    let by = parsed(&message.approver_id, "approverId")?;
    of_use(&message.seal_id, &message.use_id, UseFact::Approved { by })
}

fn declined(message: pb::UseDeclined) -> Result<Event, Unreadable> {
    let fact = UseFact::Declined {
        by: parsed(&message.approver_id, "approverId")?,
        cause: DeclineCause::from_code(&message.reason_code).ok_or(Unreadable::Field("reasonCode"))?,
        text: parsed(&message.reason_digest, "reasonDigest")?,
    };
    of_use(&message.seal_id, &message.use_id, fact)
}

fn taken_back(message: pb::UseWithdrawn) -> Result<Event, Unreadable> {
    of_use(&message.seal_id, &message.use_id, UseFact::TakenBack)
}
