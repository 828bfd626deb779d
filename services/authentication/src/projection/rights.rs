//! Rows of custodians and of requested uses.

use std::collections::BTreeSet;

use eseal_eventstore::{Recorded, Row};
use eseal_proto::authentication::v1 as pb;

use super::json;
use crate::codec::words_rights;
use crate::domain::ids::{PersonId, UseId};
use crate::domain::right::{RightFact, Terms};
use crate::domain::seal::Changes;
use crate::domain::use_request::{Asked, DeclineCause, UseFact};
use crate::domain::{Event, Seal};

/// The first custodian, whom the application names.
pub(super) fn first(recorded: &Recorded<'_>, event: &Event, state: &Seal, person: &PersonId) -> Vec<Row> {
    let row = custodian(recorded, event, person, &Terms::default(), "");
    [Some(row), used(event, state, person)].into_iter().flatten().collect()
}

/// What follows from a fact of a right.
pub(super) fn of_right(
    recorded: &Recorded<'_>,
    event: &Event,
    state: &Seal,
    person: &PersonId,
    fact: &RightFact,
) -> Vec<Row> {
    let Some(right) = state.custodians().right(person) else { return Vec::new() };
    let code = match fact {
        RightFact::Granted(_) | RightFact::Changed(_) => "",
        RightFact::Withdrawn(cause) => cause.code(),
    };
    let row = custodian(recorded, event, person, &right.terms, code);
    [Some(row), used(event, state, person)].into_iter().flatten().collect()
}

fn custodian(recorded: &Recorded<'_>, event: &Event, person: &PersonId, terms: &Terms, withdrawal: &str) -> Row {
    Row {
        table: "seal_custodian",
        key: &["seal_id", "person_id"],
        values: vec![
            ("seal_id", event.seal.to_string().into()),
            ("person_id", person.as_str().into()),
            ("in_force", withdrawal.is_empty().into()),
            ("withdrawal_code", withdrawal.into()),
            ("terms", json(&words_rights::terms_to_wire(terms))),
            ("changed_at", recorded.occurred_at.micros().into()),
        ],
    }
}

fn used(event: &Event, state: &Seal, person: &PersonId) -> Option<Row> {
    let right = state.custodians().right(person)?;
    Some(Row {
        table: "seal_custodian_used",
        key: &["seal_id", "person_id"],
        values: vec![
            ("seal_id", event.seal.to_string().into()),
            ("person_id", person.as_str().into()),
            ("used", i64::from(right.used).into()),
        ],
    })
}

/// What an event took from rights and approvals, or gave back to them. Of a right that is not counted nothing is written.
pub(super) fn changes(event: &Event, state: &Seal) -> Vec<Row> {
    let Changes { persons, uses } = state.changes();
    let counted =
        |person: &&PersonId| state.custodians().right(person).is_some_and(|right| right.terms.max_uses.is_some());
    let persons: BTreeSet<&PersonId> = persons.iter().collect();
    let rights = persons.into_iter().filter(counted).filter_map(|person| used(event, state, person));
    let uses: BTreeSet<UseId> = uses.iter().copied().collect();
    rights.chain(uses.into_iter().filter_map(|id| spent(state, id))).collect()
}

/// What follows from a fact of a requested use.
pub(super) fn of_use(recorded: &Recorded<'_>, event: &Event, state: &Seal, id: UseId, fact: &UseFact) -> Vec<Row> {
    match fact {
        UseFact::Requested(asked) => {
            let uscc = state.entry().map_or("", |entry| entry.registration.organization.uscc.as_str());
            let rows = [Some(requested(event, uscc, id, asked)), spent(state, id)];
            let documents = asked.documents.iter().map(|document| Row {
                table: "seal_use_document",
                key: &["use_id", "document"],
                values: vec![("use_id", id.to_string().into()), ("document", document.to_string().into())],
            });
            let standing = standing(recorded, id, pb::UseState::Requested, None);
            rows.into_iter().flatten().chain([standing]).chain(documents).collect()
        }
        UseFact::Approved { by } => {
            vec![standing(recorded, id, pb::UseState::Approved, Some((by, None)))]
        }
        UseFact::Declined { by, cause, .. } => {
            vec![standing(recorded, id, pb::UseState::Declined, Some((by, Some(*cause))))]
        }
        UseFact::TakenBack => vec![standing(recorded, id, pb::UseState::Withdrawn, None)],
    }
}

fn requested(event: &Event, uscc: &str, id: UseId, asked: &Asked) -> Row {
    Row {
        table: "seal_use",
        key: &["use_id"],
        values: vec![
            ("use_id", id.to_string().into()),
            ("seal_id", event.seal.to_string().into()),
            ("uscc", uscc.into()),
            ("requester_id", asked.requester.as_str().into()),
            ("uses", i64::from(asked.uses).into()),
            ("purpose_code", asked.purpose.code().into()),
            ("deadline", asked.deadline.micros().into()),
            ("requested_at", asked.requested_at.micros().into()),
        ],
    }
}

type Decision<'a> = (&'a PersonId, Option<DeclineCause>);

/// Apart from what was asked for, which never changes.
fn standing(recorded: &Recorded<'_>, id: UseId, state: pb::UseState, decision: Option<Decision<'_>>) -> Row {
    let (by, cause) = decision.map_or(("", None), |(by, cause)| (by.as_str(), cause));
    Row {
        table: "seal_use_standing",
        key: &["use_id"],
        values: vec![
            ("use_id", id.to_string().into()),
            ("state", state.as_str_name().into()),
            ("decided_by", by.into()),
            ("reason_code", cause.map_or("", DeclineCause::code).into()),
            ("changed_at", recorded.occurred_at.micros().into()),
        ],
    }
}

/// How often each document of a use was sealed; nothing of one that was forgotten.
fn spent(state: &Seal, id: UseId) -> Option<Row> {
    let one = state.uses().get(id)?;
    let documents: Vec<_> = one
        .documents
        .iter()
        .map(|(document, used)| pb::UseDocument { document: document.to_string(), used: *used })
        .collect();
    let left = one.documents.iter().any(|(_, used)| *used < one.uses);
    Some(Row {
        table: "seal_use_spent",
        key: &["use_id"],
        values: vec![("use_id", id.to_string().into()), ("documents", json(&documents)), ("is_spent", (!left).into())],
    })
}
