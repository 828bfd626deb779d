//! Facts of hosted keys.

use eseal_eventstore::Encoded;
use eseal_proto::authentication::v1 as pb;

use super::{Read, Unreadable, digests, json, parsed, stored, texts};
use crate::domain::hosted_key::{HostedKeyEvent, HostedKeyFact, Owner};

const CREATED: &str = "eseal.authentication.v1.HostedKeyCreated";
const CERTIFIED: &str = "eseal.authentication.v1.HostedKeyCertified";

pub(super) fn encode(event: &HostedKeyEvent) -> Encoded {
    let hosted_key_id = event.key.to_string();
    match &event.fact {
        HostedKeyFact::Created(Owner { uscc, custodian }) => {
            let (uscc, custodian_id) = (uscc.to_string(), custodian.to_string());
            stored(CREATED, &pb::HostedKeyCreated { hosted_key_id, uscc, custodian_id })
        }
        HostedKeyFact::Certified(certificates) => {
            stored(CERTIFIED, &pb::HostedKeyCertified { hosted_key_id, certificate_digests: texts(certificates) })
        }
    }
}

pub(super) fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Read<HostedKeyEvent> {
    let event = match (kind, schema_version) {
        (CREATED, 1) => json(payload).and_then(created),
        (CERTIFIED, 1) => json(payload).and_then(certified),
        _ => return None,
    };
    Some(event)
}

fn created(message: pb::HostedKeyCreated) -> Result<HostedKeyEvent, Unreadable> {
    let (uscc, custodian) = (parsed(&message.uscc, "uscc")?, parsed(&message.custodian_id, "custodianId")?);
    let key = parsed(&message.hosted_key_id, "hostedKeyId")?;
    Ok(HostedKeyEvent { key, fact: HostedKeyFact::Created(Owner { uscc, custodian }) })
}

fn certified(message: pb::HostedKeyCertified) -> Result<HostedKeyEvent, Unreadable> {
    let certificates = digests(&message.certificate_digests, "certificateDigests")?;
    Ok(HostedKeyEvent {
        key: parsed(&message.hosted_key_id, "hostedKeyId")?,
        fact: HostedKeyFact::Certified(certificates),
    })
}
