//! Fields of requests -> types of the domain, or a field violation. Nothing behind this file is optional because
//! protobuf says so, and nothing is longer than it may be.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use eseal_kernel::{Digest, Text, Timestamp, Uscc};
use eseal_pki::Certificate;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::paging::Page;
use eseal_service::status::{field_violation, internal};
use tonic::Status;

use super::parse_rights;
use crate::app::sealing::{CardShown, HostedUse, Typed};
use crate::codec::words;
use crate::codes::Code;
use crate::domain::command::{Place as Spot, RevocationCause, SuspensionCause};
use crate::domain::ids::{AttemptId, HostedKeyId, SealId};
use crate::domain::registration::Organization;
use crate::domain::trust_anchor::{AnchorId, Purpose};
use crate::evidence::Possession;
use crate::pins::Pin;
use crate::query::{Place, SealFilter};
use crate::trust::Fault;
use crate::vault::random;

/// The most bytes of a signature structure: it carries a SESeal with its picture.
const MAX_STRUCTURE: usize = 4 << 20;
/// The most places of an impression in one document.
pub(super) const MAX_PLACES: usize = 10_000;
/// The number of the last page, and the longest edge in micrometres, that a place can name.
const MAX_PAGE: u32 = 1_000_000;
const MAX_EDGE: i64 = 10_000_000;
/// The most digests of things that a caller has.
const MAX_DIGESTS: usize = 1_000;
/// The most further certificates of a chain.
const MAX_CHAIN: usize = 20;
/// Random bytes in a challenge.
const NONCE: usize = 16;
/// Whom and what a hosted key is proved for, and how far ahead the end of that proof may lie.
const FABRICATION: &str = "eseal.fabrication";
const HOLD_SEAL: &str = "hold-seal";
const PROOF_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// How a request names a seal.
pub enum NamedSeal {
    Id(SealId),
    Digest(Digest),
}

/// A certificate with the further ones of its chain.
type Chained = (Certificate, Vec<Certificate>);

pub fn seal(field: &str, text: &str) -> Result<SealId, Status> {
    parsed(field, text)
}

/// A seal that may be anybody's: its id is what its maker gave it.
pub fn any_seal(field: &str, name: &str) -> Result<SealId, Status> {
    let name: Text<200> = Text::try_new(name).map_err(|error| field_violation(field, error))?;
    Ok(SealId::named(name.as_str()))
}

pub fn attempt(field: &str, text: &str) -> Result<AttemptId, Status> {
    parsed(field, text)
}

pub fn hosted_key(field: &str, text: &str) -> Result<HostedKeyId, Status> {
    parsed(field, text)
}

pub fn uscc(field: &str, text: &str) -> Result<Uscc, Status> {
    parsed(field, text)
}

pub fn pin(field: &str, text: String) -> Result<Pin, Status> {
    Pin::try_new(text).map_err(|error| field_violation(field, error))
}

/// What a custodian types: the PIN, and a code where there is one. Blank both in the message before anything is computed from it.
pub fn typed(under: &str, pin_text: String, code_text: String) -> Result<Typed, Status> {
    let pin = pin(&format!("{under}pin"), pin_text)?;
    let code = match code_text.is_empty() {
        true => None,
        false => Some(Code::try_new(code_text).map_err(|error| field_violation(&format!("{under}code"), error))?),
    };
    Ok(Typed { pin, code })
}

/// Fresh randomness for a challenge.
pub fn nonce() -> Result<String, Status> {
    let mut bytes = [0; NONCE];
    random(&mut bytes).map_err(|error| internal(&error))?;
    Ok(hex::encode(bytes))
}

pub fn suspension(code: &str) -> Result<SuspensionCause, Status> {
    SuspensionCause::from_code(code).ok_or_else(|| one_of("reason_code", SuspensionCause::ALL.iter().map(|c| c.code())))
}

pub fn revocation(code: &str) -> Result<RevocationCause, Status> {
    RevocationCause::from_code(code).ok_or_else(|| one_of("reason_code", RevocationCause::ALL.iter().map(|c| c.code())))
}

/// Which seals, narrowed to the caller's organization if the caller has one.
pub fn seal_filter(message: &pb::ListSealsRequest, bound_to: Option<&Uscc>) -> Result<SealFilter, Status> {
    let state = match seal_pb::SealState::try_from(message.state) {
        Ok(seal_pb::SealState::Unspecified) => None,
        Ok(state) => Some(state),
        Err(_) => return Err(field_violation("state", "unknown")),
    };
    let named = if message.uscc.is_empty() { None } else { Some(uscc("uscc", &message.uscc)?) };
    Ok(SealFilter { state, organization: named.or_else(|| bound_to.cloned()) })
}

/// The place behind which the page begins.
pub fn place(page: &Page) -> Result<Option<Place>, Status> {
    let Some(key) = &page.after else { return Ok(None) };
    let read = || {
        let (registered_at, seal) = key.split_once('/')?;
        Some(Place { registered_at: registered_at.parse().ok()?, seal: seal.parse().ok()? })
    };
    read().map(Some).ok_or_else(|| field_violation("page_token", "not the next_page_token of an answer"))
}

/// The place of a seal in the list, as [`place`] reads it.
pub fn place_text(seal: &pb::RegisteredSeal) -> String {
    let registered_at = seal.registered_at.as_ref().and_then(moment::micros).unwrap_or_default();
    format!("{registered_at}/{}", seal.seal_id)
}

/// The attempt behind which the page begins.
pub fn attempt_place(page: &Page) -> Result<Option<AttemptId>, Status> {
    page.after.as_deref().map(|key| parsed("page_token", key)).transpose()
}

pub fn named_seal(message: &pb::SealStateAtRequest) -> Result<NamedSeal, Status> {
    match (message.seal_id.as_str(), message.seal_digest.as_str()) {
        ("", "") => Err(field_violation("seal_id", "neither an id nor a digest is given")),
        (id, "") => any_seal("seal_id", id).map(NamedSeal::Id),
        ("", digest) => parsed("seal_digest", digest).map(NamedSeal::Digest),
        (_, _) => Err(field_violation("seal_digest", "both an id and a digest are given")),
    }
}

pub fn at_or(field: &str, message: Option<&eseal_proto::Timestamp>, otherwise: Timestamp) -> Result<Timestamp, Status> {
    message.map_or(Ok(otherwise), |message| at(field, message))
}

pub fn card_shown(message: pb::AuthorizeSealingRequest) -> Result<CardShown, Status> {
    let proof = message.proof.ok_or_else(|| field_violation("proof", "missing"))?;
    Ok(CardShown {
        card_serial: text::<64>("card_serial", &message.card_serial)?,
        seal_digest: parsed("seal_digest", &message.seal_digest)?,
        document_digest: parsed("document_digest", &message.document_digest)?,
        card_uses: message.card_uses,
        statement: proof.statement,
        signature: proof.signature,
        certificate: proof.certificate,
        places: places("places", &message.places)?,
        original: parse_rights::original("original", message.original.as_ref())?,
    })
}

pub fn hosted_use(message: pb::AuthorizeHostedSealingRequest, typed: Typed) -> Result<HostedUse, Status> {
    Ok(HostedUse {
        typed,
        document_digest: parsed("document_digest", &message.document_digest)?,
        certificate: parsed("certificate_digest", &message.certificate_digest)?,
        places: places("places", &message.places)?,
        original: parse_rights::original("original", message.original.as_ref())?,
    })
}

pub fn structure(field: &str, der: Vec<u8>) -> Result<Vec<u8>, Status> {
    if der.is_empty() || der.len() > MAX_STRUCTURE {
        return Err(field_violation(field, format!("{} bytes; 1 to {MAX_STRUCTURE} are allowed", der.len())));
    }
    Ok(der)
}

pub fn organization(field: &str, message: Option<seal_pb::Organization>) -> Result<Organization, Status> {
    let message = message.ok_or_else(|| field_violation(field, "missing"))?;
    let name_en = message.name_en.trim();
    Ok(Organization {
        uscc: uscc(&format!("{field}.uscc"), &message.uscc)?,
        name_zh: text::<200>(&format!("{field}.name_zh"), &message.name_zh)?,
        name_en: if name_en.is_empty() { String::new() } else { text::<200>(&format!("{field}.name_en"), name_en)? },
    })
}

pub fn purpose(field: &str, wire: i32) -> Result<Purpose, Status> {
    words::purpose(wire).ok_or_else(|| field_violation(field, "missing or unknown"))
}

pub fn optional_purpose(field: &str, wire: i32) -> Result<Option<Purpose>, Status> {
    if wire == 0 { Ok(None) } else { purpose(field, wire).map(Some) }
}

pub fn anchor(purpose_wire: i32, fingerprint: &str) -> Result<AnchorId, Status> {
    Ok(AnchorId { purpose: purpose("purpose", purpose_wire)?, fingerprint: parsed("fingerprint", fingerprint)? })
}

/// The organization that a holder's certificate must be of; a maker's is of none.
pub fn organization_for(purpose: Purpose, code: &str) -> Result<Option<Uscc>, Status> {
    match purpose {
        Purpose::Holder => uscc("uscc", code).map(Some),
        Purpose::Maker => Ok(None),
    }
}

/// Certificates that can't be read are no misuse: they come from cards and documents, and are not good. Of a chain those
/// that can be read are looked through.
pub fn certificates(leaf: &[u8], chain: &[Vec<u8>]) -> Result<Result<Chained, Fault>, Status> {
    if chain.len() > MAX_CHAIN {
        return Err(field_violation("chain", format!("{} are too many; at most {MAX_CHAIN} are allowed", chain.len())));
    }
    let pool = chain.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    Ok(Certificate::from_der(leaf).map(|leaf| (leaf, pool)).map_err(|_| Fault::Malformed))
}

/// The statement that a hosted key proves itself with: for making a seal, and for nothing else.
pub fn possession(terms: Option<seal_pb::ChallengeTerms>, now: Timestamp) -> Result<Possession, Status> {
    let terms = terms.ok_or_else(|| field_violation("terms", "missing"))?;
    if terms.audience != FABRICATION {
        return Err(field_violation("terms.audience", format!("a hosted key is proved to {FABRICATION} only")));
    }
    if terms.purpose != HOLD_SEAL {
        return Err(field_violation("terms.purpose", format!("a hosted key is proved for {HOLD_SEAL} only")));
    }
    let expires_at = terms.expires_at.as_ref().ok_or_else(|| field_violation("terms.expires_at", "missing"))?;
    let expires_at = at("terms.expires_at", expires_at)?;
    if expires_at < now || expires_at > now.plus(PROOF_LIFETIME) {
        return Err(field_violation("terms.expires_at", "past, or too far ahead"));
    }
    let nonce = hex::decode(&terms.nonce).map_err(|error| field_violation("terms.nonce", error))?;
    let (attempt_id, seal_id) = (terms.attempt_id, terms.seal_id);
    Ok(Possession { audience: terms.audience, purpose: terms.purpose, attempt_id, seal_id, nonce, expires_at })
}

pub(super) fn places(field: &str, messages: &[seal_pb::Place]) -> Result<Vec<Spot>, Status> {
    if messages.len() > MAX_PLACES {
        let text = format!("{} are too many; at most {MAX_PLACES} are allowed", messages.len());
        return Err(field_violation(field, text));
    }
    let spot = |(i, message): (usize, &seal_pb::Place)| {
        let Spot { page, x, y, width, height } = words::place(message);
        let fits = (1..=MAX_PAGE).contains(&page)
            && [x, y].iter().all(|edge| (-MAX_EDGE..=MAX_EDGE).contains(edge))
            && [width, height].iter().all(|edge| (1..=MAX_EDGE).contains(edge));
        let refused = || field_violation(&format!("{field}[{i}]"), "no place on a page");
        fits.then_some(Spot { page, x, y, width, height }).ok_or_else(refused)
    };
    messages.iter().enumerate().map(spot).collect()
}

/// SHA-256 of things that the caller has.
pub fn digests(field: &str, texts: &[String]) -> Result<BTreeSet<Digest>, Status> {
    if texts.len() > MAX_DIGESTS {
        let text = format!("{} are too many; at most {MAX_DIGESTS} are allowed", texts.len());
        return Err(field_violation(field, text));
    }
    let digest = |(i, text): (usize, &String)| {
        text.parse().map_err(|_| field_violation(&format!("{field}[{i}]"), "64 hexadecimal digits are expected"))
    };
    texts.iter().enumerate().map(digest).collect()
}

pub(super) fn at(field: &str, message: &eseal_proto::Timestamp) -> Result<Timestamp, Status> {
    let micros = moment::micros(message).ok_or_else(|| field_violation(field, "no moment"))?;
    Ok(Timestamp::from_micros(micros))
}

pub(super) fn text<const MAX: usize>(field: &str, text: &str) -> Result<String, Status> {
    let text: Text<MAX> = Text::try_new(text).map_err(|error| field_violation(field, error))?;
    Ok(text.to_string())
}

pub(super) fn parsed<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Status> {
    text.parse().map_err(|error: T::Err| field_violation(field, error))
}

pub(super) fn one_of(field: &str, codes: impl Iterator<Item = &'static str>) -> Status {
    field_violation(field, format!("expected one of {}", codes.collect::<Vec<_>>().join(", ")))
}
