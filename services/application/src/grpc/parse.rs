//! Fields of requests -> types of the domain, or a field violation. Nothing behind this file is optional because
//! protobuf says so, and nothing is longer than it may be.

use std::collections::HashSet;
use std::fmt::Display;
use std::str::FromStr;

use eseal_eventstore::Order;
use eseal_kernel::{Digest, Id, Text, Timestamp, Uscc};
use eseal_proto::application::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::paging::Page;
use eseal_service::status::field_violation;
use tonic::Status;

use crate::app::{Form, Picture};
use crate::codec::words;
use crate::contents::Contact;
use crate::domain::cancellation::CancellationReason;
use crate::domain::event::ReturnCode;
use crate::domain::existing::RevocationReason;
use crate::domain::particulars::{Attachment, Custody, Kind, MAX_ATTACHMENTS, Organization, Size, Validity};
use crate::domain::{Application, PersonId};
use crate::query::{Filter, Place};

/// The most bytes of a file.
const MAX_MATERIAL: usize = 10 << 20;
/// The most persons whose contact data an application names.
const MAX_CONTACTS: usize = 20;
/// The size on paper of a drawing that names none.
const USUAL_SIZE_MM: u32 = 40;

/// A file that was sent.
pub struct Upload {
    pub content: Vec<u8>,
    pub media_type: &'static str,
    pub about: Option<PersonId>,
    /// For an SVG, the size of the picture to be made of it.
    pub drawing_size: Option<Size>,
}

pub fn upload(message: pb::PutMaterialRequest) -> Result<Upload, Status> {
    let pb::PutMaterialRequest { content, media_type, person_id, width_mm, height_mm } = message;
    if content.is_empty() || content.len() > MAX_MATERIAL {
        let text = format!("the file has {} bytes; 1 to {MAX_MATERIAL} are allowed", content.len());
        return Err(field_violation("content", text));
    }
    let (media_type, begins): (_, &[u8]) = match media_type.as_str() {
        "image/png" => ("image/png", b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => ("image/jpeg", b"\xFF\xD8\xFF"),
        "application/pdf" => ("application/pdf", b"%PDF-"),
        "image/svg+xml" => ("image/svg+xml", b""),
        _ => {
            let text = "expected image/png, image/svg+xml, image/jpeg or application/pdf";
            return Err(field_violation("media_type", text));
        }
    };
    if !content.starts_with(begins) {
        return Err(field_violation("content", format!("the file does not begin as one of {media_type} does")));
    }
    let about = optional(&person_id).map(|id| person("person_id", id)).transpose()?;
    let side = |millimetres| if millimetres == 0 { USUAL_SIZE_MM } else { millimetres };
    let size = || Size::try_new(side(width_mm), side(height_mm)).map_err(|error| field_violation("width_mm", error));
    let drawing_size = (media_type == "image/svg+xml").then(size).transpose()?;
    Ok(Upload { content, media_type, about, drawing_size })
}

pub fn form(form: Option<pb::ApplicationForm>, contacts: Vec<pb::Contact>) -> Result<Form, Status> {
    let form = form.ok_or_else(|| field_violation("form", "missing"))?;
    let impression = form.impression.clone().unwrap_or_default();
    let size = Size::try_new(impression.width_mm, impression.height_mm);
    let seal_type = words::seal_type(form.seal_type);
    Ok(Form {
        kind: kind(&form)?,
        organization: organization(form.organization.clone().unwrap_or_default())?,
        seal_type: seal_type.ok_or_else(|| field_violation("form.seal_type", "missing or unknown"))?,
        seal_name: text("form.seal_name", &form.seal_name)?,
        picture: picture(&impression)?,
        size: size.map_err(|error| field_violation("form.impression.width_mm", error))?,
        custody: custody(&form)?,
        custodian: person("form.custodian_id", &form.custodian_id)?,
        validity: validity(&form)?,
        attachments: attachments(&form.attachments)?,
        contacts: self::contacts(&contacts)?,
        revocation_reason: revocation_reason(&form)?,
    })
}

fn kind(form: &pb::ApplicationForm) -> Result<Kind, Status> {
    let seal = || id("form.existing_seal_id", &form.existing_seal_id);
    match pb::ApplicationKind::try_from(form.kind) {
        Ok(pb::ApplicationKind::New) if form.existing_seal_id.is_empty() => Ok(Kind::New),
        Ok(pb::ApplicationKind::New) => {
            Err(field_violation("form.existing_seal_id", "an application for a new seal is about no other"))
        }
        Ok(pb::ApplicationKind::Renew) => Ok(Kind::Renew(seal()?)),
        Ok(pb::ApplicationKind::Replace) => Ok(Kind::Replace(seal()?)),
        Ok(pb::ApplicationKind::ChangeImpression) => Ok(Kind::ChangeImpression(seal()?)),
        Ok(pb::ApplicationKind::Revoke) => Ok(Kind::Revoke(seal()?)),
        Ok(pb::ApplicationKind::Unspecified) | Err(_) => Err(field_violation("form.kind", "missing or unknown")),
    }
}

fn revocation_reason(form: &pb::ApplicationForm) -> Result<Option<RevocationReason>, Status> {
    const FIELD: &str = "form.revocation_reason";
    match (form.kind(), form.revocation_reason.as_str()) {
        (pb::ApplicationKind::Revoke, "") => Ok(Some(RevocationReason::default())),
        (pb::ApplicationKind::Revoke, code) => {
            words::revocation_reason(code).map(Some).ok_or_else(|| field_violation(FIELD, "unknown"))
        }
        (_, "") => Ok(None),
        (_, _) => Err(field_violation(FIELD, "only the end of a seal has one")),
    }
}

fn organization(message: seal_pb::Organization) -> Result<Organization, Status> {
    Ok(Organization {
        uscc: parsed("form.organization.uscc", &message.uscc)?,
        name_zh: text("form.organization.name_zh", &message.name_zh)?,
        name_en: optional(&message.name_en).map(|name| text("form.organization.name_en", name)).transpose()?,
    })
}

fn picture(impression: &pb::Impression) -> Result<Picture, Status> {
    match (impression.material_digest.as_str(), words::shape(impression.drawn)) {
        ("", Some(shape)) => Ok(Picture::Drawn(shape)),
        ("", None) => Err(field_violation("form.impression", "neither an uploaded picture nor a shape to draw")),
        (uploaded, None) => Ok(Picture::Stored(digest("form.impression.material_digest", uploaded)?)),
        (_, Some(_)) => Err(field_violation("form.impression", "both an uploaded picture and a shape to draw")),
    }
}

fn custody(form: &pb::ApplicationForm) -> Result<Custody, Status> {
    match seal_pb::Custody::try_from(form.custody) {
        Ok(seal_pb::Custody::HostedKey) => Ok(Custody::HostedKey(id("form.hosted_key_id", &form.hosted_key_id)?)),
        Ok(seal_pb::Custody::SealCard) if form.hosted_key_id.is_empty() => Ok(Custody::SealCard),
        Ok(seal_pb::Custody::SealCard) => {
            Err(field_violation("form.hosted_key_id", "a seal on a card has no hosted key"))
        }
        Ok(seal_pb::Custody::Unspecified) | Err(_) => Err(field_violation("form.custody", "missing or unknown")),
    }
}

fn validity(form: &pb::ApplicationForm) -> Result<Validity, Status> {
    let from = at("form.valid_from", form.valid_from.as_ref())?;
    let to = at("form.valid_to", form.valid_to.as_ref())?;
    Validity::try_new(from, to).map_err(|error| field_violation("form.valid_to", error))
}

fn attachments(messages: &[pb::Attachment]) -> Result<Vec<Attachment>, Status> {
    bounded("form.attachments", messages, MAX_ATTACHMENTS)?;
    let attachment = |(i, message): (usize, &pb::Attachment)| {
        let field = |name| format!("form.attachments[{i}].{name}");
        let kind = words::attachment_kind(&message.kind);
        let kind = kind.ok_or_else(|| field_violation(&field("kind"), "expected licence, mandate or other"))?;
        Ok(Attachment { kind, digest: digest(&field("digest"), &message.digest)? })
    };
    messages.iter().enumerate().map(attachment).collect()
}

fn contacts(messages: &[pb::Contact]) -> Result<Vec<Contact>, Status> {
    bounded("contacts", messages, MAX_CONTACTS)?;
    let mut named = HashSet::new();
    let mut contact = |(i, message): (usize, &pb::Contact)| {
        let field = |name| format!("contacts[{i}].{name}");
        if !named.insert(message.person_id.clone()) {
            return Err(field_violation(&field("person_id"), "the same person is named twice"));
        }
        Ok(Contact {
            person: person(&field("person_id"), &message.person_id)?,
            name: text(&field("name"), &message.name)?,
            phone: optional(&message.phone).map(|phone| text(&field("phone"), phone)).transpose()?,
            email: optional(&message.email).map(|email| text(&field("email"), email)).transpose()?,
            document_number: optional(&message.document_number)
                .map(|number| text(&field("document_number"), number))
                .transpose()?,
        })
    };
    messages.iter().enumerate().map(&mut contact).collect()
}

pub fn reason(message: Option<pb::ReturnReason>) -> Result<(ReturnCode, Text<2000>), Status> {
    let message = message.ok_or_else(|| field_violation("reason", "missing"))?;
    let code = words::return_code(&message.code).ok_or_else(|| {
        let text = "expected MATERIAL_INCOMPLETE, IMPRESSION_UNSUITABLE, ORGANIZATION_UNVERIFIED or OTHER";
        field_violation("reason.code", text)
    })?;
    Ok((code, text("reason.text", &message.text)?))
}

pub fn cancellation_reason(code: &str) -> Result<CancellationReason, Status> {
    words::cancellation_reason(code).ok_or_else(|| {
        field_violation("reason_code", "expected NO_LONGER_NEEDED, CAN_NOT_BE_MADE, FILED_IN_ERROR or OTHER")
    })
}

/// What is listed: for people bound to an organization, that one unless they name another.
pub fn filter(message: &pb::ListApplicationsRequest, bound_to: Option<&Uscc>) -> Result<Filter, Status> {
    let state = match pb::ApplicationState::try_from(message.state) {
        Ok(pb::ApplicationState::Unspecified) => None,
        Ok(state) => Some(state),
        Err(_) => return Err(field_violation("state", "unknown")),
    };
    let named = optional(&message.uscc).map(|uscc| parsed("uscc", uscc)).transpose()?;
    Ok(Filter { state, organization: named.or_else(|| bound_to.cloned()) })
}

/// The place behind which the page begins.
pub fn place(page: &Page) -> Result<Option<Place>, Status> {
    let Some(key) = &page.after else { return Ok(None) };
    let read = || {
        let (submitted_at, application) = key.split_once('/')?;
        Some(Place { submitted_at: submitted_at.parse().ok()?, application: application.parse().ok()? })
    };
    read().map(Some).ok_or_else(|| field_violation("page_token", "not the next_page_token of an answer"))
}

/// The place of an application in the list, as [`place`] reads it.
pub fn place_text(application: &pb::Application) -> String {
    let submitted_at = application.submitted_at.as_ref().and_then(moment::micros).unwrap_or_default();
    format!("{submitted_at}/{}", application.application_id)
}

/// The order under the condition that the client's etag names, if it names one.
pub fn expecting(order: Order<Application>, etag: &str) -> Result<Order<Application>, Status> {
    match optional(etag) {
        None => Ok(order),
        Some(etag) => {
            Ok(order.expecting(etag.parse().map_err(|_| field_violation("etag", "not an etag of an answer"))?))
        }
    }
}

pub fn id(field: &str, text: &str) -> Result<Id, Status> {
    parsed(field, text)
}

pub fn digest(field: &str, text: &str) -> Result<Digest, Status> {
    parsed(field, text)
}

pub fn person(field: &str, text: &str) -> Result<PersonId, Status> {
    parsed(field, text)
}

fn parsed<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Status> {
    text.parse().map_err(|error: T::Err| field_violation(field, error))
}

fn text<const MAX: usize>(field: &str, text: &str) -> Result<Text<MAX>, Status> {
    Text::try_new(text).map_err(|error| field_violation(field, error))
}

fn at(field: &str, message: Option<&eseal_proto::Timestamp>) -> Result<Timestamp, Status> {
    let micros = message.and_then(moment::micros).ok_or_else(|| field_violation(field, "missing, or no moment"))?;
    Ok(Timestamp::from_micros(micros))
}

fn bounded<T>(field: &str, items: &[T], max: usize) -> Result<(), Status> {
    if items.len() > max {
        return Err(field_violation(field, format!("{} are too many; at most {max} are allowed", items.len())));
    }
    Ok(())
}

fn optional(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
