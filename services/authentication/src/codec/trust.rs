//! Facts of trust.

use eseal_eventstore::Encoded;
use eseal_proto::authentication::v1 as pb;

use super::{Read, Unreadable, at, at_to_wire, json, parsed, stored, words};
use crate::domain::crl::{Imported, List};
use crate::domain::trust_anchor::{AnchorEvent, AnchorFact, AnchorId};

const ANCHOR_ADDED: &str = "eseal.authentication.v1.TrustAnchorAdded";
const ANCHOR_REMOVED: &str = "eseal.authentication.v1.TrustAnchorRemoved";
const CRL_IMPORTED: &str = "eseal.authentication.v1.CrlImported";

pub(super) fn encode_anchor(event: &AnchorEvent) -> Encoded {
    let fingerprint = event.anchor.fingerprint.to_string();
    let purpose = words::purpose_to_wire(event.anchor.purpose).into();
    match event.fact {
        AnchorFact::Added => stored(ANCHOR_ADDED, &pb::TrustAnchorAdded { fingerprint, purpose }),
        AnchorFact::Removed => stored(ANCHOR_REMOVED, &pb::TrustAnchorRemoved { fingerprint, purpose }),
    }
}

pub(super) fn decode_anchor(kind: &str, schema_version: u32, payload: &[u8]) -> Read<AnchorEvent> {
    let event = match (kind, schema_version) {
        (ANCHOR_ADDED, 1) => json(payload).and_then(|message: pb::TrustAnchorAdded| {
            Ok(AnchorEvent { anchor: anchor(message.purpose, &message.fingerprint)?, fact: AnchorFact::Added })
        }),
        (ANCHOR_REMOVED, 1) => json(payload).and_then(|message: pb::TrustAnchorRemoved| {
            Ok(AnchorEvent { anchor: anchor(message.purpose, &message.fingerprint)?, fact: AnchorFact::Removed })
        }),
        _ => return None,
    };
    Some(event)
}

fn anchor(purpose: i32, fingerprint: &str) -> Result<AnchorId, Unreadable> {
    let purpose = words::purpose(purpose).ok_or(Unreadable::Field("purpose"))?;
    Ok(AnchorId { purpose, fingerprint: parsed(fingerprint, "fingerprint")? })
}

pub(super) fn encode_crl(Imported(list): &Imported) -> Encoded {
    let message = pb::CrlImported {
        digest: list.digest.to_string(),
        issuer_fingerprint: list.issuer.to_string(),
        this_update: at_to_wire(list.this_update),
    };
    stored(CRL_IMPORTED, &message)
}

pub(super) fn decode_crl(kind: &str, schema_version: u32, payload: &[u8]) -> Read<Imported> {
    let event = match (kind, schema_version) {
        (CRL_IMPORTED, 1) => json(payload).and_then(imported),
        _ => return None,
    };
    Some(event)
}

fn imported(message: pb::CrlImported) -> Result<Imported, Unreadable> {
    Ok(Imported(List {
        digest: parsed(&message.digest, "digest")?,
        issuer: parsed(&message.issuer_fingerprint, "issuerFingerprint")?,
        this_update: at(message.this_update.as_ref(), "thisUpdate")?,
    }))
}
