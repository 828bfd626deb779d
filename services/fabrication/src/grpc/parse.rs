//! Fields of requests -> types of the domain, or a field violation. Nothing is longer than it may be.

use eseal_kernel::{Id, Text};
use eseal_pki::Certificate;
use eseal_proto::fabrication::v1 as pb;
use eseal_service::paging::Page;
use eseal_service::status::field_violation;
use tonic::Status;

use crate::app::RunStep;
use crate::query::Place;

/// The most bytes of a card's serial or a person's id.
const MAX_NAME: usize = 100;

pub fn id(field: &str, text: &str) -> Result<Id, Status> {
    text.parse().map_err(|error| field_violation(field, error))
}

/// A card's serial or a person's id.
pub fn name(field: &str, text: &str) -> Result<String, Status> {
    let name = Text::<MAX_NAME>::try_new(text).map_err(|error| field_violation(field, error))?;
    Ok(name.as_str().to_owned())
}

/// A card's serial, where there may be none.
pub fn optional_name(field: &str, text: &str) -> Result<Option<String>, Status> {
    if text.is_empty() { Ok(None) } else { name(field, text).map(Some) }
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
pub fn step(application: &str, run: &str, maker_id: &str) -> Result<RunStep, Status> {
    Ok(RunStep {
        application: id("application_id", application)?,
        run: id("run_id", run)?,
        maker_id: maker_id.to_owned(),
    })
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
