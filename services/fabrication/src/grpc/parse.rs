//! Fields of requests -> types of the domain, or a field violation. Nothing is longer than it may be.

use eseal_kernel::Id;
use eseal_pki::Certificate;
use eseal_proto::fabrication::v1 as pb;
use eseal_proto::seal::v1::SignedStatement;
use eseal_service::paging::Page;
use eseal_service::status::{field_violation, generic};
use eseal_service::{Caller, status};
use tonic::{Code, Status};

use crate::app::{OWN_MAKER_ID, RunStep};
use crate::query::Place;

/// The most characters of a card's serial or a person's id.
const MAX_NAME: usize = 128;
/// The most certificates of a seal card.
const MAX_CERTIFICATES: usize = 4;

pub fn id(field: &str, text: &str) -> Result<Id, Status> {
    text.parse().map_err(|error| field_violation(field, error))
}

/// A card's serial. It stands in events, so its form leaves no room for a person's name.
pub fn serial(field: &str, text: &str) -> Result<String, Status> {
    name(text).ok_or_else(|| field_violation(field, format!("not a serial number: {FORM}")))
}

/// A card's serial, where there may be none.
pub fn optional_serial(field: &str, text: &str) -> Result<Option<String>, Status> {
    if text.is_empty() { Ok(None) } else { serial(field, text).map(Some) }
}

/// The internal id of a person.
pub fn person(field: &str, text: &str) -> Result<String, Status> {
    name(text).ok_or_else(|| field_violation(field, format!("not an internal id of a person: {FORM}")))
}

/// Who calls, as a maker; never one with the name in which the service itself makes seals.
pub fn maker(caller: &Caller) -> Result<String, Status> {
    let id = name(&caller.person()?.id).filter(|id| id != OWN_MAKER_ID);
    id.ok_or_else(|| generic(Code::Unauthenticated, &status::TOKEN_INVALID))
}

const FORM: &str = "expected 1 to 128 ASCII letters, digits, '-', '_', '.', ':' or '|'";

fn name(text: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:|".contains(&byte);
    (!text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(fits)).then(|| text.to_owned())
}

/// So many proofs that all can be looked at.
pub fn check_count(proofs: &[SignedStatement]) -> Result<(), Status> {
    if proofs.len() <= MAX_CERTIFICATES {
        return Ok(());
    }
    Err(field_violation("proofs", format!("{} are too many; at most {MAX_CERTIFICATES} are allowed", proofs.len())))
}

pub fn certificate(field: &str, der: &[u8]) -> Result<Certificate, Status> {
    Certificate::from_der(der).map_err(|error| field_violation(field, error))
}

/// Why a card is withdrawn.
pub fn withdrawal(code: &str) -> Result<String, Status> {
    match code {
        "LOST" | "MAKER_LEFT" | "COMPROMISED" | "OTHER" => Ok(code.to_owned()),
        _ => Err(field_violation("reason_code", "expected LOST, MAKER_LEFT, COMPROMISED or OTHER")),
    }
}

/// The step of a run that a request is about.
pub fn step(application: &str, run: &str, caller: &Caller) -> Result<RunStep, Status> {
    Ok(RunStep { application: id("application_id", application)?, run: id("run_id", run)?, maker_id: maker(caller)? })
}

/// The state that a list is cut to; none = all.
pub fn state(wire: i32) -> Result<Option<pb::FabricationState>, Status> {
    match pb::FabricationState::try_from(wire) {
        Ok(pb::FabricationState::Unspecified) => Ok(None),
        Ok(state) => Ok(Some(state)),
        Err(_) => Err(field_violation("state", "no such state")),
    }
}

/// Where a page of a list begins.
pub fn place(page: &Page) -> Result<Option<Place>, Status> {
    let Some(key) = &page.after else { return Ok(None) };
    let refused = || field_violation("page_token", "not the next_page_token of this list");
    let (at, id) = key.split_once(' ').ok_or_else(refused)?;
    Ok(Some(Place { at: at.parse().map_err(|_| refused())?, id: id.to_owned() }))
}

/// The key of a row, from which the next page begins.
pub fn place_text(at: Option<&eseal_proto::Timestamp>, id: &str) -> String {
    format!("{} {id}", at.and_then(eseal_proto::moment::micros).unwrap_or_default())
}

pub fn digest(field: &str, text: &str) -> Result<eseal_kernel::Digest, Status> {
    text.parse().map_err(|error| field_violation(field, error))
}
