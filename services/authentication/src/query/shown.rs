//! Rows of the read tables -> messages.

use eseal_kernel::{Digest, Timestamp};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use sea_orm::QueryResult;

use super::{QueryError, word};
use crate::domain::attempt::LIFETIME;
use crate::domain::trust_anchor::{AnchorId, Purpose};

/// What is shown of a seal, beside its PIN tries.
pub const SEAL_COLUMNS: [&str; 20] = [
    "seal_id",
    "application_id",
    "state",
    "uscc",
    "name_zh",
    "name_en",
    "seal_type",
    "custody",
    "card_serial",
    "hosted_key_id",
    "custodian_id",
    "seal_digest",
    "certificate_digests",
    "valid_from",
    "valid_to",
    "registered_at",
    "changed_at",
    "version",
    "predecessor_seal_id",
    "successor_seal_id",
];

/// What is shown of an attempt, beside its places.
pub const ATTEMPT_COLUMNS: [&str; 10] = [
    "seal_id",
    "attempt_id",
    "custodian_id",
    "state",
    "begun_at",
    "ended_at",
    "gate",
    "reason",
    "detail",
    "document_digest",
];

/// What is shown of an act over many documents, beside its attempt.
pub const BATCH_COLUMNS: [&str; 3] = ["documents", "documents_sealed", "complete_before"];

pub fn seal(row: &QueryResult, now: Timestamp) -> Result<pb::RegisteredSeal, QueryError> {
    let text = |column| row.try_get::<String>("", column);
    let micros = |column| row.try_get::<i64>("", column);
    let state = seal_pb::SealState::from_str_name(&text("state")?).ok_or(QueryError::Damaged("state"))?;
    let seal_type = seal_pb::SealType::from_str_name(&text("seal_type")?).ok_or(QueryError::Damaged("seal_type"))?;
    let custody = seal_pb::Custody::from_str_name(&text("custody")?).ok_or(QueryError::Damaged("custody"))?;
    let tries_left = row.try_get::<Option<i32>>("", "tries_left")?.ok_or(QueryError::Damaged("tries_left"))?;
    let organization =
        seal_pb::Organization { uscc: text("uscc")?, name_zh: text("name_zh")?, name_en: text("name_en")? };
    Ok(pb::RegisteredSeal {
        seal_id: text("seal_id")?,
        application_id: text("application_id")?,
        state: state.into(),
        expired: micros("valid_to")? < now.micros(),
        organization: Some(organization),
        seal_type: seal_type.into(),
        custody: custody.into(),
        custodian_id: text("custodian_id")?,
        card_serial: text("card_serial")?,
        seal_digest: text("seal_digest")?,
        certificate_digests: texts(row, "certificate_digests")?,
        valid_from: Some(moment::from_micros(micros("valid_from")?)),
        valid_to: Some(moment::from_micros(micros("valid_to")?)),
        registered_at: Some(moment::from_micros(micros("registered_at")?)),
        changed_at: Some(moment::from_micros(micros("changed_at")?)),
        pin_locked: tries_left == 0,
        pin_tries_left: u32::try_from(tries_left).map_err(|_| QueryError::Damaged("tries_left"))?,
        hosted_key_id: text("hosted_key_id")?,
        etag: row.try_get::<i64>("", "version")?.to_string(),
        policy: policy(row)?,
        predecessor_seal_id: text("predecessor_seal_id")?,
        successor_seal_id: text("successor_seal_id")?,
    })
}

fn policy(row: &QueryResult) -> Result<Option<pb::SealPolicy>, QueryError> {
    let Some(stored) = row.try_get::<Option<String>>("", "policy")? else { return Ok(None) };
    serde_json::from_str(&stored).map_err(|_| QueryError::Damaged("policy"))
}

pub fn attempt(row: &QueryResult, now: Timestamp) -> Result<pb::Attempt, QueryError> {
    let text = |column| row.try_get::<String>("", column);
    let begun_at = Timestamp::from_micros(row.try_get::<i64>("", "begun_at")?);
    let ended_at = row.try_get::<Option<i64>>("", "ended_at")?.map(Timestamp::from_micros);
    let stored = pb::AttemptState::from_str_name(&text("state")?).ok_or(QueryError::Damaged("state"))?;
    let number = |column| row.try_get::<Option<i64>>("", column);
    let complete_before = number("complete_before")?.map(Timestamp::from_micros);
    let by_itself = complete_before.unwrap_or_else(|| begun_at.plus(LIFETIME));
    let (state, ended_at) = match ended_at {
        None if by_itself < now => (pb::AttemptState::Expired, Some(by_itself)),
        ended_at => (stored, ended_at),
    };
    Ok(pb::Attempt {
        seal_id: text("seal_id")?,
        attempt_id: text("attempt_id")?,
        state: state.into(),
        custodian_id: text("custodian_id")?,
        begun_at: Some(moment::from_micros(begun_at.micros())),
        ended_at: ended_at.map(|at| moment::from_micros(at.micros())),
        gate: text("gate")?,
        reason: text("reason")?,
        document_digest: text("document_digest")?,
        places: places(row)?,
        documents: count(number("documents")?, "documents")?,
        documents_sealed: count(number("documents_sealed")?, "documents_sealed")?,
        detail: text("detail")?,
        admitted: admitted(row)?,
    })
}

fn admitted(row: &QueryResult) -> Result<Option<pb::AdmittedDocument>, QueryError> {
    let stored = row.try_get::<Option<String>>("", "admitted")?.filter(|stored| !stored.is_empty());
    stored.map(|stored| serde_json::from_str(&stored).map_err(|_| QueryError::Damaged("admitted"))).transpose()
}

pub fn batch_document(row: &QueryResult) -> Result<pb::BatchDocument, QueryError> {
    let text = |column| row.try_get::<String>("", column);
    Ok(pb::BatchDocument {
        index: count(Some(row.try_get::<i64>("", "number")?), "number")?,
        document_digest: text("document_digest")?,
        signature_digest: text("signature_digest")?,
        places: places(row)?,
        ended_at: Some(moment::from_micros(row.try_get("", "ended_at")?)),
        reason: text("reason")?,
    })
}

fn count(stored: Option<i64>, column: &'static str) -> Result<u32, QueryError> {
    u32::try_from(stored.unwrap_or_default()).map_err(|_| QueryError::Damaged(column))
}

pub fn anchor(row: &QueryResult) -> Result<(AnchorId, Timestamp), QueryError> {
    let purpose = match row.try_get::<String>("", "purpose")?.as_str() {
        "holder" => Purpose::Holder,
        "maker" => Purpose::Maker,
        _ => return Err(QueryError::Damaged("purpose")),
    };
    let id = AnchorId { purpose, fingerprint: word(row, "fingerprint")? };
    Ok((id, Timestamp::from_micros(row.try_get("", "changed_at")?)))
}

/// A JSON array of digests.
pub fn digests(row: &QueryResult, column: &'static str) -> Result<Vec<Digest>, QueryError> {
    let texts = texts(row, column)?;
    texts.iter().map(|text| text.parse().map_err(|_| QueryError::Damaged(column))).collect()
}

fn texts(row: &QueryResult, column: &'static str) -> Result<Vec<String>, QueryError> {
    serde_json::from_str(&row.try_get::<String>("", column)?).map_err(|_| QueryError::Damaged(column))
}

fn places(row: &QueryResult) -> Result<Vec<seal_pb::Place>, QueryError> {
    let Some(stored) = row.try_get::<Option<String>>("", "places")? else { return Ok(vec![]) };
    serde_json::from_str(&stored).map_err(|_| QueryError::Damaged("places"))
}
