//! Facts of hosted keys.

use eseal_eventstore::Encoded;
use eseal_proto::authentication::v1 as pb;

use super::{Read, Unreadable, digests, json, parsed, stored, texts};
use crate::domain::authenticator::AuthenticatorFact;
use crate::domain::hosted_key::{HostedKeyEvent, HostedKeyFact, Owner};

const CREATED: &str = "eseal.authentication.v1.HostedKeyCreated";
const CERTIFIED: &str = "eseal.authentication.v1.HostedKeyCertified";
const ENROLLED: &str = "eseal.authentication.v1.AuthenticatorEnrolled";
const REMOVED: &str = "eseal.authentication.v1.AuthenticatorRemoved";

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
        HostedKeyFact::Authenticator(person, fact) => {
            let custodian_id = person.to_string();
            match fact {
                AuthenticatorFact::Enrolled(id) => {
                    let authenticator_id = id.to_string();
                    stored(ENROLLED, &pb::AuthenticatorEnrolled { hosted_key_id, custodian_id, authenticator_id })
                }
                AuthenticatorFact::Removed(id) => {
                    let authenticator_id = id.to_string();
                    stored(REMOVED, &pb::AuthenticatorRemoved { hosted_key_id, custodian_id, authenticator_id })
                }
            }
        }
    }
}

pub(super) fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Read<HostedKeyEvent> {
    let event = match (kind, schema_version) {
        (CREATED, 1) => json(payload).and_then(created),
        (CERTIFIED, 1) => json(payload).and_then(certified),
        (ENROLLED, 1) => json(payload).and_then(|message: pb::AuthenticatorEnrolled| {
            let fact = AuthenticatorFact::Enrolled(parsed(&message.authenticator_id, "authenticatorId")?);
            authenticator(&message.hosted_key_id, &message.custodian_id, fact)
        }),
        (REMOVED, 1) => json(payload).and_then(|message: pb::AuthenticatorRemoved| {
            let fact = AuthenticatorFact::Removed(parsed(&message.authenticator_id, "authenticatorId")?);
            authenticator(&message.hosted_key_id, &message.custodian_id, fact)
        }),
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

fn authenticator(key: &str, person: &str, fact: AuthenticatorFact) -> Result<HostedKeyEvent, Unreadable> {
    let person = parsed(person, "custodianId")?;
    Ok(HostedKeyEvent { key: parsed(key, "hostedKeyId")?, fact: HostedKeyFact::Authenticator(person, fact) })
}
