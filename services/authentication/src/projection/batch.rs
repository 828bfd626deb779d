//! Acts over many documents.

use eseal_eventstore::{Recorded, Row};

use super::{array, json};
use crate::codec::words;
use crate::domain::event::{RefusedInBatch, SealedInBatch};
use crate::domain::ids::AttemptId;
use crate::domain::reason::Reason;
use crate::domain::{Event, Seal};

/// How an act stands.
pub(super) fn batch(event: &Event, state: &Seal, id: AttemptId) -> Option<Row> {
    let batch = state.attempts().get(id)?.batch.as_ref()?;
    Some(Row {
        table: "sealing_batch",
        key: &["attempt_id", "seal_id"],
        values: vec![
            ("seal_id", event.seal.to_string().into()),
            ("attempt_id", id.to_string().into()),
            ("root", batch.root.to_string().into()),
            ("documents", i64::from(batch.documents).into()),
            ("documents_sealed", i64::from(batch.sealed.count()).into()),
            ("certificate_digests", array(&batch.certificates)),
            ("complete_before", batch.complete_before.micros().into()),
        ],
    })
}

/// Documents that were sealed.
pub(super) fn sealed(
    recorded: &Recorded<'_>,
    event: &Event,
    state: &Seal,
    id: AttemptId,
    documents: &[SealedInBatch],
) -> Vec<Row> {
    let rows = documents.iter().map(|document| {
        let places: Vec<_> = document.places.iter().map(words::place_to_wire).collect();
        let ended = Ended {
            index: document.index,
            document: document.document_digest.to_string(),
            signature: document.signature_digest.to_string(),
            places: json(&places),
            reason: "",
        };
        ended.row(recorded, event, id)
    });
    rows.chain(batch(event, state, id)).collect()
}

/// Documents that were refused. What is no document of the list has no row, and what is sealed stays so.
pub(super) fn refused(
    recorded: &Recorded<'_>,
    event: &Event,
    state: &Seal,
    id: AttemptId,
    documents: &[RefusedInBatch],
) -> Vec<Row> {
    let Some(batch) = state.attempts().get(id).and_then(|attempt| attempt.batch.as_ref()) else { return Vec::new() };
    let of_list = documents.iter().filter(|document| match document.reason {
        Reason::DocumentNotListed | Reason::DocumentAlreadySealed => false,
        _ => !batch.sealed.has(document.index),
    });
    let row = |document: &RefusedInBatch| {
        let ended = Ended {
            index: document.index,
            document: document.document_digest.to_string(),
            signature: String::new(),
            places: "[]".into(),
            reason: document.reason.code(),
        };
        ended.row(recorded, event, id)
    };
    of_list.map(row).collect()
}

struct Ended {
    index: u32,
    document: String,
    signature: String,
    places: sea_orm::Value,
    reason: &'static str,
}

impl Ended {
    fn row(self, recorded: &Recorded<'_>, event: &Event, id: AttemptId) -> Row {
        Row {
            table: "sealing_document",
            key: &["attempt_id", "seal_id", "number"],
            values: vec![
                ("seal_id", event.seal.to_string().into()),
                ("attempt_id", id.to_string().into()),
                ("number", i64::from(self.index).into()),
                ("document_digest", self.document.into()),
                ("signature_digest", self.signature.into()),
                ("places", self.places),
                ("ended_at", recorded.occurred_at.micros().into()),
                ("reason", self.reason.into()),
            ],
        }
    }
}
