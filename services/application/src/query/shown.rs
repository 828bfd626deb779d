//! Rows -> what people see of them.

use std::collections::HashMap;

use eseal_proto::application::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1::SealState;
use sea_orm::{DbErr, QueryResult};

use super::QueryError;
use crate::codec::words;
use crate::domain::existing::KnownSeal;

/// The columns that [`application`] reads.
pub(super) const COLUMNS: [&str; 16] = [
    "application_id",
    "state",
    "applicant_id",
    "approvals_needed",
    "approved_by",
    "particulars",
    "return_code",
    "return_digest",
    "fabrication_refusal",
    "seal_id",
    "seal_state",
    "carried_out",
    "cancellation",
    "submitted_at",
    "changed_at",
    "version",
];

/// Texts by application and digest. An erased one is absent.
pub(super) struct Texts(HashMap<(String, String), String>);

impl Texts {
    pub(super) fn of(rows: &[QueryResult]) -> Result<Self, DbErr> {
        let text = |row: &QueryResult| {
            Ok(((row.try_get("", "application_id")?, row.try_get("", "digest")?), row.try_get("", "content")?))
        };
        rows.iter().map(text).collect::<Result<_, DbErr>>().map(Self)
    }

    fn get(&self, application: &str, digest: &str) -> String {
        self.0.get(&(application.to_owned(), digest.to_owned())).cloned().unwrap_or_default()
    }
}

/// One application, without contacts.
pub(super) fn application(row: &QueryResult, texts: &Texts) -> Result<pb::Application, QueryError> {
    let application_id: String = row.try_get("", "application_id")?;
    let damaged = |column| QueryError::Damaged { application: application_id.clone(), column };
    let state: String = row.try_get("", "state")?;
    let state = pb::ApplicationState::from_str_name(&state).ok_or_else(|| damaged("state"))?;
    let approved_by: String = row.try_get("", "approved_by")?;
    let particulars: String = row.try_get("", "particulars")?;
    let particulars: pb::Particulars = serde_json::from_str(&particulars).map_err(|_| damaged("particulars"))?;
    let seal_name = texts.get(&application_id, &particulars.seal_name_digest);
    Ok(pb::Application {
        state: state.into(),
        form: Some(form(particulars, seal_name)),
        applicant_id: row.try_get("", "applicant_id")?,
        approved_by: serde_json::from_str(&approved_by).map_err(|_| damaged("approved_by"))?,
        approvals_needed: count(row, "approvals_needed")?.try_into().map_err(|_| damaged("approvals_needed"))?,
        returned: returned(row, &application_id, texts)?,
        submitted_at: Some(moment::from_micros(row.try_get("", "submitted_at")?)),
        changed_at: Some(moment::from_micros(row.try_get("", "changed_at")?)),
        outcome: outcome(row).map_err(QueryError::from)?.ok_or_else(|| damaged("seal_state")).map(Some)?,
        etag: count(row, "version")?.to_string(),
        contacts: Vec::new(),
        application_id: application_id.clone(),
    })
}

/// The seal that came of an application; nothing while the registry has not told of it.
pub(super) fn known_seal(row: &QueryResult) -> Result<Option<KnownSeal>, QueryError> {
    let application: String = row.try_get("", "application_id")?;
    let damaged = |column| QueryError::Damaged { application: application.clone(), column };
    let Some(state) = row.try_get::<Option<String>>("", "seal_state")? else { return Ok(None) };
    let state = SealState::from_str_name(&state).and_then(|state| words::seal_state(state.into()));
    let particulars: String = row.try_get("", "particulars")?;
    let particulars: pb::Particulars = serde_json::from_str(&particulars).map_err(|_| damaged("particulars"))?;
    Ok(Some(KnownSeal {
        organization: row.try_get::<String>("", "uscc")?.parse().map_err(|_| damaged("uscc"))?,
        seal_type: words::seal_type(particulars.seal_type).ok_or_else(|| damaged("particulars"))?,
        state: state.ok_or_else(|| damaged("seal_state"))?,
    }))
}

/// Contact data of a person.
pub(super) fn contact(row: &QueryResult) -> Result<pb::Contact, DbErr> {
    Ok(pb::Contact {
        person_id: row.try_get("", "person_id")?,
        name: row.try_get("", "name")?,
        phone: row.try_get("", "phone")?,
        email: row.try_get("", "email")?,
        document_number: row.try_get("", "document_number")?,
    })
}

/// The form as it was filled in.
fn form(particulars: pb::Particulars, seal_name: String) -> pb::ApplicationForm {
    let impression = pb::Impression {
        material_digest: particulars.impression_digest,
        drawn: particulars.drawn,
        width_mm: particulars.impression_width_mm,
        height_mm: particulars.impression_height_mm,
    };
    pb::ApplicationForm {
        kind: particulars.kind,
        organization: particulars.organization,
        seal_type: particulars.seal_type,
        seal_name,
        impression: Some(impression),
        custody: particulars.custody,
        hosted_key_id: particulars.hosted_key_id,
        custodian_id: particulars.custodian_id,
        valid_from: particulars.valid_from,
        valid_to: particulars.valid_to,
        attachments: particulars.attachments,
        existing_seal_id: particulars.existing_seal_id,
        revocation_reason: particulars.revocation_reason,
    }
}

fn returned(row: &QueryResult, application: &str, texts: &Texts) -> Result<Option<pb::ReturnReason>, DbErr> {
    let code: Option<String> = row.try_get("", "return_code")?;
    let digest: Option<String> = row.try_get("", "return_digest")?;
    let text = digest.map(|digest| texts.get(application, &digest)).unwrap_or_default();
    Ok(code.map(|code| pb::ReturnReason { code, text }))
}

/// What became of it; nothing if the row is damaged.
fn outcome(row: &QueryResult) -> Result<Option<pb::Outcome>, DbErr> {
    let refusal: Option<String> = row.try_get("", "fabrication_refusal")?;
    let seal: Option<String> = row.try_get("", "seal_id")?;
    let state: Option<String> = row.try_get("", "seal_state")?;
    let state = match state {
        None => SealState::Unspecified,
        Some(name) => match SealState::from_str_name(&name) {
            Some(state) => state,
            None => return Ok(None),
        },
    };
    Ok(Some(pb::Outcome {
        fabrication_refusal: refusal.unwrap_or_default(),
        seal_id: seal.unwrap_or_default(),
        seal_state: state.into(),
        carried_out: row.try_get::<Option<String>>("", "carried_out")?.unwrap_or_default(),
        cancellation: row.try_get::<Option<String>>("", "cancellation")?.unwrap_or_default(),
    }))
}

fn count(row: &QueryResult, column: &str) -> Result<i64, DbErr> {
    row.try_get("", column)
}
