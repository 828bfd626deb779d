//! Our events -> rows of our read tables. Pure; written in the writer's transaction, and folded anew by a rebuild.

mod batch;
mod rights;

use eseal_eventstore::{Recorded, Row};
use eseal_kernel::{Digest, Timestamp};
use eseal_proto::authentication::v1 as pb;
use sea_orm::Value;

use crate::codec::{words, words_rights};
use crate::domain::attempt::{Attempt, End};
use crate::domain::authenticator::AuthenticatorFact;
use crate::domain::crl::Imported;
use crate::domain::denial::Denial;
use crate::domain::event::{Fact, Step};
use crate::domain::hosted_key::{HostedKey, HostedKeyEvent, HostedKeyFact};
use crate::domain::ids::{AttemptId, HostedKeyId, PersonId};
use crate::domain::policy::Policy;
use crate::domain::reason::Reason;
use crate::domain::seal::{Entry, Standing};
use crate::domain::trust_anchor::{AnchorEvent, AnchorFact};
use crate::domain::{Event, Seal};

/// The tables that follow from the events of seals.
pub const SEAL_TABLES: &[&str] = &[
    "seal",
    "seal_pin",
    "seal_policy",
    "seal_custodian",
    "seal_custodian_used",
    "seal_use",
    "seal_use_standing",
    "seal_use_document",
    "seal_use_spent",
    "sealing_attempt",
    "sealing_places",
    "sealing_batch",
    "sealing_document",
];
/// The tables that follow from the events of hosted keys.
pub const HOSTED_KEY_TABLES: &[&str] = &["hosted_key", "authenticator"];
/// The table that follows from the events of trust anchors.
pub const ANCHOR_TABLES: &[&str] = &["trust_anchor"];
/// The table that follows from the events of revocation lists.
pub const CRL_TABLES: &[&str] = &["crl"];

/// The rows that follow from an event of a seal; `state` is the one after it.
pub fn seal_rows(recorded: &Recorded<'_>, event: &Event, state: &Seal) -> Vec<Row> {
    let mut rows = own_rows(recorded, event, state);
    rows.extend(rights::changes(event, state));
    rows
}

fn own_rows(recorded: &Recorded<'_>, event: &Event, state: &Seal) -> Vec<Row> {
    let entry = || state.entry().map(|entry| seal(recorded, event, entry));
    let rows = match &event.fact {
        Fact::Registered(registration) => {
            let first = rights::first(recorded, event, state, &registration.custodian);
            return [entry(), Some(pin(event, state))].into_iter().flatten().chain(first).collect();
        }
        Fact::Right(person, fact) => {
            return entry().into_iter().chain(rights::of_right(recorded, event, state, person, fact)).collect();
        }
        Fact::Use(id, fact) => return rights::of_use(recorded, event, state, *id, fact),
        Fact::Activated(_)
        | Fact::Suspended(..)
        | Fact::Resumed(_)
        | Fact::Revoked(..)
        | Fact::Replaced(..)
        | Fact::Expired(_)
        | Fact::CertificatesDated(..)
        | Fact::Expiring(..) => [entry(), None],
        Fact::PolicySet(_, set) => [entry(), Some(policy(event, set))],
        Fact::CarriedOut(..) => [None, None],
        Fact::PinUnlocked => [Some(pin(event, state)), None],
        Fact::Sealing(id, step) => match step {
            Step::PinTried { .. } | Step::PinAccepted { .. } | Step::PinRefused { .. } => {
                [Some(pin(event, state)), None]
            }
            Step::PinLocked => [Some(pin(event, state)), Some(attempt(recorded, event, state, *id, step))],
            Step::Begun { .. } | Step::Refused { .. } | Step::Completed { .. } | Step::BatchEnded { .. } => {
                [Some(attempt(recorded, event, state, *id, step)), None]
            }
            Step::Authorized { .. } => [Some(attempt(recorded, event, state, *id, step)), places(event, *id, step)],
            Step::BatchAuthorized { .. } => {
                [Some(attempt(recorded, event, state, *id, step)), batch::batch(event, state, *id)]
            }
            Step::DocumentsSealed { documents } => return batch::sealed(recorded, event, state, *id, documents),
            Step::DocumentsRefused { documents } => return batch::refused(recorded, event, state, *id, documents),
            Step::HostedSigned { .. } | Step::ListSigned { .. } | Step::HostedSignaturesMade { .. } => [None, None],
        },
    };
    rows.into_iter().flatten().collect()
}

fn seal(recorded: &Recorded<'_>, event: &Event, entry: &Entry) -> Row {
    let registration = &entry.registration;
    Row {
        table: "seal",
        key: &["seal_id"],
        values: vec![
            ("seal_id", event.seal.to_string().into()),
            ("application_id", registration.application.to_string().into()),
            ("state", words::standing_to_wire(entry.standing).as_str_name().into()),
            ("expiry_announced", entry.expiry_announced.into()),
            ("uscc", registration.organization.uscc.as_str().into()),
            ("name_zh", registration.organization.name_zh.as_str().into()),
            ("name_en", registration.organization.name_en.as_str().into()),
            ("seal_type", words::seal_type_to_wire(registration.seal_type).as_str_name().into()),
            ("custody", words::custody_to_wire(&registration.custody).as_str_name().into()),
            ("card_serial", words::card_serial(&registration.custody).into()),
            ("hosted_key_id", words::hosted_key_id(&registration.custody).into()),
            ("custodian_id", registration.custodian.as_str().into()),
            ("seal_digest", registration.seal_digest.to_string().into()),
            ("certificate_digests", array(&registration.certificates)),
            ("valid_from", registration.valid_from.micros().into()),
            ("valid_to", registration.valid_to.micros().into()),
            ("registered_at", registration.registered_at.micros().into()),
            ("predecessor_seal_id", registration.predecessor.map(|seal| seal.to_string()).unwrap_or_default().into()),
            ("successor_seal_id", successor(entry).into()),
            ("certificates_dated", entry.is_dated().into()),
            ("warn_at", entry.next_warning().map(Timestamp::micros).into()),
            ("changed_at", recorded.occurred_at.micros().into()),
            ("version", number(recorded.version)),
        ],
    }
}

/// The seal that took its place; empty while it stands.
fn successor(entry: &Entry) -> String {
    match entry.standing {
        Standing::Replaced(successor) => successor.to_string(),
        Standing::Registered | Standing::Active | Standing::Suspended(_) | Standing::Revoked(_) => String::new(),
    }
}

fn pin(event: &Event, state: &Seal) -> Row {
    Row {
        table: "seal_pin",
        key: &["seal_id"],
        values: vec![
            ("seal_id", event.seal.to_string().into()),
            ("tries_left", i32::from(state.pin().tries_left()).into()),
        ],
    }
}

fn policy(event: &Event, set: &Policy) -> Row {
    Row {
        table: "seal_policy",
        key: &["seal_id"],
        values: vec![("seal_id", event.seal.to_string().into()), ("policy", json(&words::policy_to_wire(set)))],
    }
}

/// How one use of a seal stands. A stranger's try, and one of a seal that is not registered, is no attempt of the seal:
/// it begins and ends with its refusal.
fn attempt(recorded: &Recorded<'_>, event: &Event, state: &Seal, id: AttemptId, step: &Step) -> Row {
    let own = state.attempts().get(id);
    let registration = state.entry().map(|entry| &entry.registration);
    let refusal = match step {
        Step::Refused { reason, by, detail } => Some((*reason, by, *detail)),
        Step::Begun { .. }
        | Step::PinTried { .. }
        | Step::PinAccepted { .. }
        | Step::PinRefused { .. }
        | Step::PinLocked
        | Step::Authorized { .. }
        | Step::HostedSigned { .. }
        | Step::ListSigned { .. }
        | Step::Completed { .. }
        | Step::BatchAuthorized { .. }
        | Step::HostedSignaturesMade { .. }
        | Step::DocumentsSealed { .. }
        | Step::DocumentsRefused { .. }
        | Step::BatchEnded { .. } => None,
    };
    let (attempt_state, reason) = own.map_or_else(|| standing_of(refusal.map(|(reason, ..)| reason)), standing);
    let ended = matches!(attempt_state, pb::AttemptState::Refused | pb::AttemptState::Completed);
    let detail = refusal.and_then(|(.., detail)| detail);
    let by = refusal.map(|(_, by, _)| by).or(own.map(|attempt| &attempt.by));
    let begun_at = own.map_or(recorded.occurred_at, |attempt| attempt.begun_at);
    let given = own.and_then(|attempt| attempt.authorization);
    Row {
        table: "sealing_attempt",
        key: &["attempt_id", "seal_id"],
        values: vec![
            ("seal_id", event.seal.to_string().into()),
            ("attempt_id", id.to_string().into()),
            ("uscc", registration.map_or("", |registration| registration.organization.uscc.as_str()).into()),
            ("seal_custodian_id", registration.map_or("", |registration| registration.custodian.as_str()).into()),
            ("custodian_id", by.map_or("", |by| by.as_str()).into()),
            ("state", attempt_state.as_str_name().into()),
            ("begun_at", begun_at.micros().into()),
            ("ended_at", ended.then(|| recorded.occurred_at.micros()).into()),
            ("gate", reason.map_or("", |reason| reason.gate().letter()).into()),
            ("reason", reason.map_or("", Reason::code).into()),
            ("detail", detail.map_or("", Denial::code).into()),
            ("document_digest", given.map(|given| given.document_digest.to_string()).unwrap_or_default().into()),
            ("certificate_digest", given.map(|given| given.certificate.to_string()).unwrap_or_default().into()),
        ],
    }
}

fn standing(attempt: &Attempt) -> (pb::AttemptState, Option<Reason>) {
    match attempt.end {
        Some(End::Refused(reason)) => standing_of(Some(reason)),
        Some(End::Completed { .. } | End::BatchEnded) => (pb::AttemptState::Completed, None),
        None if attempt.is_authorized() => (pb::AttemptState::Authorized, None),
        None => standing_of(None),
    }
}

const fn standing_of(refusal: Option<Reason>) -> (pb::AttemptState, Option<Reason>) {
    match refusal {
        Some(_) => (pb::AttemptState::Refused, refusal),
        None => (pb::AttemptState::Open, None),
    }
}

/// Where the impressions of one use stand. Apart from the attempt: they can be many, and never change.
fn places(event: &Event, id: AttemptId, step: &Step) -> Option<Row> {
    let Step::Authorized { places, admitted, .. } = step else { return None };
    let places: Vec<_> = places.iter().map(words::place_to_wire).collect();
    Some(Row {
        table: "sealing_places",
        key: &["attempt_id", "seal_id"],
        values: vec![
            ("seal_id", event.seal.to_string().into()),
            ("attempt_id", id.to_string().into()),
            ("places", json(&places)),
            ("admitted", admitted.as_deref().map_or(Value::from(""), |it| json(&words_rights::admitted_to_wire(it)))),
        ],
    })
}

/// The rows that follow from an event of a hosted key; `state` is the one after it.
pub fn hosted_key_rows(recorded: &Recorded<'_>, event: &HostedKeyEvent, state: &HostedKey) -> Vec<Row> {
    let HostedKey::Created { owner, certificates, .. } = state else { return Vec::new() };
    if let HostedKeyFact::Authenticator(person, fact) = &event.fact {
        return vec![authenticator(recorded, event.key, person, *fact)];
    }
    vec![Row {
        table: "hosted_key",
        key: &["hosted_key_id"],
        values: vec![
            ("hosted_key_id", event.key.to_string().into()),
            ("uscc", owner.uscc.as_str().into()),
            ("custodian_id", owner.custodian.as_str().into()),
            ("certificate_digests", array(certificates)),
            ("changed_at", recorded.occurred_at.micros().into()),
        ],
    }]
}

/// The authenticator of a person; its id is empty once it is out of use.
fn authenticator(recorded: &Recorded<'_>, key: HostedKeyId, person: &PersonId, fact: AuthenticatorFact) -> Row {
    let id = match fact {
        AuthenticatorFact::Enrolled(id) => id.to_string(),
        AuthenticatorFact::Removed(_) => String::new(),
    };
    Row {
        table: "authenticator",
        key: &["hosted_key_id", "person_id"],
        values: vec![
            ("hosted_key_id", key.to_string().into()),
            ("person_id", person.as_str().into()),
            ("authenticator_id", id.into()),
            ("changed_at", recorded.occurred_at.micros().into()),
        ],
    }
}

/// The rows that follow from an event of a trust anchor.
pub fn anchor_rows(recorded: &Recorded<'_>, event: &AnchorEvent) -> Vec<Row> {
    vec![Row {
        table: "trust_anchor",
        key: &["purpose", "fingerprint"],
        values: vec![
            ("purpose", event.anchor.purpose.name().into()),
            ("fingerprint", event.anchor.fingerprint.to_string().into()),
            ("trusted", (event.fact == AnchorFact::Added).into()),
            ("changed_at", recorded.occurred_at.micros().into()),
            ("position", number(recorded.position)),
        ],
    }]
}

/// The rows that follow from an event of a revocation list.
pub fn crl_rows(recorded: &Recorded<'_>, Imported(list): &Imported) -> Vec<Row> {
    vec![Row {
        table: "crl",
        key: &["digest"],
        values: vec![
            ("digest", list.digest.to_string().into()),
            ("issuer", list.issuer.to_string().into()),
            ("this_update", list.this_update.micros().into()),
            ("position", number(recorded.position)),
        ],
    }]
}

fn array(digests: &[Digest]) -> Value {
    json(&digests.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// JSON of what this service made itself; that can't fail.
fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_string(value).unwrap_or_default().into()
}

fn number(count: u64) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}
