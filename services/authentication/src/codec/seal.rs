//! Facts of the registry.

use eseal_eventstore::Encoded;
use eseal_proto::authentication::v1 as pb;

use super::{Read, Unreadable, at, at_to_wire, digests, json, parsed, rights, sealing, stored, texts, words};
use crate::domain::Event;
use crate::domain::command::{RevocationCause, SuspensionCause};
use crate::domain::event::Fact;
use crate::domain::ids::{ApplicationId, SealId};
use crate::domain::registration::Registration;
use crate::domain::succession::CarriedOut;
use crate::domain::warning::{Ending, Warning};

const REGISTERED: &str = "eseal.authentication.v1.SealRegistered";
const ACTIVATED: &str = "eseal.authentication.v1.SealActivated";
const SUSPENDED: &str = "eseal.authentication.v1.SealSuspended";
const RESUMED: &str = "eseal.authentication.v1.SealResumed";
const REVOKED: &str = "eseal.authentication.v1.SealRevoked";
const REPLACED: &str = "eseal.authentication.v1.SealReplaced";
const EXPIRED: &str = "eseal.authentication.v1.SealExpired";
const POLICY_SET: &str = "eseal.authentication.v1.SealPolicySet";
const EXPIRING: &str = "eseal.authentication.v1.SealExpiring";
const DATED: &str = "eseal.authentication.v1.SealCertificatesDated";
const CARRIED_OUT: &str = "eseal.authentication.v1.ApplicationCarriedOut";
const PIN_UNLOCKED: &str = "eseal.authentication.v1.PinUnlocked";

pub(super) fn encode(event: &Event) -> Encoded {
    let seal_id = event.seal.to_string();
    match &event.fact {
        Fact::Registered(registration) => stored(REGISTERED, &registered_to_wire(seal_id, registration)),
        Fact::Activated(application) => {
            stored(ACTIVATED, &pb::SealActivated { seal_id, application_id: application.to_string() })
        }
        Fact::Suspended(application, cause) => {
            let (application_id, reason_code) = (application.to_string(), cause.code().to_owned());
            stored(SUSPENDED, &pb::SealSuspended { seal_id, application_id, reason_code })
        }
        Fact::Resumed(application) => {
            stored(RESUMED, &pb::SealResumed { seal_id, application_id: application.to_string() })
        }
        Fact::Revoked(application, cause) => {
            let (application_id, reason_code) = (application.to_string(), cause.code().to_owned());
            stored(REVOKED, &pb::SealRevoked { seal_id, application_id, reason_code })
        }
        Fact::Replaced(application, successor) => {
            let (application_id, successor_seal_id) = (application.to_string(), successor.to_string());
            stored(REPLACED, &pb::SealReplaced { seal_id, application_id, successor_seal_id })
        }
        Fact::Expired(application) => {
            stored(EXPIRED, &pb::SealExpired { seal_id, application_id: application.to_string() })
        }
        Fact::PolicySet(application, policy) => {
            let (application_id, policy) = (application.to_string(), Some(words::policy_to_wire(policy)));
            stored(POLICY_SET, &pb::SealPolicySet { seal_id, application_id, policy })
        }
        Fact::Expiring(application, warning) => stored(EXPIRING, &expiring_to_wire(seal_id, *application, warning)),
        Fact::CertificatesDated(application, ends) => {
            let (application_id, ends) = (application.to_string(), ends.iter().filter_map(|at| at_to_wire(*at)));
            let certificates_valid_to = ends.collect();
            stored(DATED, &pb::SealCertificatesDated { seal_id, application_id, certificates_valid_to })
        }
        Fact::CarriedOut(application, result) => {
            let (application_id, result) = (application.to_string(), result.code().to_owned());
            stored(CARRIED_OUT, &pb::ApplicationCarriedOut { seal_id, application_id, result })
        }
        Fact::Right(person, fact) => rights::encode_right(seal_id, person, fact),
        Fact::Use(id, fact) => rights::encode_use(seal_id, *id, fact),
        Fact::PinUnlocked => stored(PIN_UNLOCKED, &pb::PinUnlocked { seal_id }),
        Fact::Sealing(attempt, step) => sealing::encode(seal_id, attempt.to_string(), step),
    }
}

pub(super) fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Read<Event> {
    let event = match (kind, schema_version) {
        (REGISTERED, 1) => json(payload).and_then(registered),
        (ACTIVATED, 1) => json(payload).and_then(activated),
        (SUSPENDED, 1) => json(payload).and_then(suspended),
        (RESUMED, 1) => json(payload).and_then(resumed),
        (REVOKED, 1) => json(payload).and_then(revoked),
        (REPLACED, 1) => json(payload).and_then(replaced),
        (EXPIRED, 1) => json(payload).and_then(expired),
        (POLICY_SET, 1) => json(payload).and_then(policy_set),
        (EXPIRING, 1) => json(payload).and_then(expiring),
        (DATED, 1) => json(payload).and_then(dated),
        (CARRIED_OUT, 1) => json(payload).and_then(carried_out),
        (PIN_UNLOCKED, 1) => json(payload).and_then(pin_unlocked),
        (kind, schema_version) => {
            let right = rights::decode(kind, schema_version, payload);
            return right.or_else(|| sealing::decode(kind, schema_version, payload));
        }
    };
    Some(event)
}

pub(super) fn seal(text: &str) -> Result<SealId, Unreadable> {
    parsed(text, "sealId")
}

fn registered_to_wire(seal_id: String, registration: &Registration) -> pb::SealRegistered {
    pb::SealRegistered {
        seal_id,
        application_id: registration.application.to_string(),
        seal_digest: registration.seal_digest.to_string(),
        card_serial: words::card_serial(&registration.custody),
        certificate_digests: texts(&registration.certificates),
        organization: Some(words::organization_to_wire(&registration.organization)),
        seal_type: words::seal_type_to_wire(registration.seal_type).into(),
        custody: words::custody_to_wire(&registration.custody).into(),
        hosted_key_id: words::hosted_key_id(&registration.custody),
        custodian_id: registration.custodian.to_string(),
        valid_from: at_to_wire(registration.valid_from),
        valid_to: at_to_wire(registration.valid_to),
        registered_at: at_to_wire(registration.registered_at),
        predecessor_seal_id: registration.predecessor.map(|seal| seal.to_string()).unwrap_or_default(),
        certificates_valid_to: registration.certificates_valid_to.iter().filter_map(|at| at_to_wire(*at)).collect(),
    }
}

fn registered(message: pb::SealRegistered) -> Result<Event, Unreadable> {
    let ends = message.certificates_valid_to.iter().map(|end| at(Some(end), "certificatesValidTo"));
    let predecessor = Some(message.predecessor_seal_id.as_str()).filter(|seal| !seal.is_empty());
    let registration = Registration {
        application: parsed(&message.application_id, "applicationId")?,
        seal_digest: parsed(&message.seal_digest, "sealDigest")?,
        custody: words::custody(message.custody, &message.card_serial, &message.hosted_key_id)?,
        certificates: digests(&message.certificate_digests, "certificateDigests")?,
        organization: words::organization(message.organization)?,
        seal_type: words::seal_type(message.seal_type).ok_or(Unreadable::Field("sealType"))?,
        custodian: parsed(&message.custodian_id, "custodianId")?,
        valid_from: at(message.valid_from.as_ref(), "validFrom")?,
        valid_to: at(message.valid_to.as_ref(), "validTo")?,
        registered_at: at(message.registered_at.as_ref(), "registeredAt")?,
        predecessor: predecessor.map(|seal| parsed(seal, "predecessorSealId")).transpose()?,
        certificates_valid_to: ends.collect::<Result<_, _>>()?,
    };
    Ok(Event { seal: seal(&message.seal_id)?, fact: Fact::Registered(Box::new(registration)) })
}

fn activated(message: pb::SealActivated) -> Result<Event, Unreadable> {
    let fact = Fact::Activated(parsed(&message.application_id, "applicationId")?);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn suspended(message: pb::SealSuspended) -> Result<Event, Unreadable> {
    let cause = SuspensionCause::from_code(&message.reason_code).ok_or(Unreadable::Field("reasonCode"))?;
    let fact = Fact::Suspended(parsed(&message.application_id, "applicationId")?, cause);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn resumed(message: pb::SealResumed) -> Result<Event, Unreadable> {
    let fact = Fact::Resumed(parsed(&message.application_id, "applicationId")?);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn revoked(message: pb::SealRevoked) -> Result<Event, Unreadable> {
    let cause = RevocationCause::from_code(&message.reason_code).ok_or(Unreadable::Field("reasonCode"))?;
    let fact = Fact::Revoked(parsed(&message.application_id, "applicationId")?, cause);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn replaced(message: pb::SealReplaced) -> Result<Event, Unreadable> {
    let successor = parsed(&message.successor_seal_id, "successorSealId")?;
    let fact = Fact::Replaced(parsed(&message.application_id, "applicationId")?, successor);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn expired(message: pb::SealExpired) -> Result<Event, Unreadable> {
    let fact = Fact::Expired(parsed(&message.application_id, "applicationId")?);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn policy_set(message: pb::SealPolicySet) -> Result<Event, Unreadable> {
    let policy = words::policy(&message.policy.unwrap_or_default()).ok_or(Unreadable::Field("policy"))?;
    let fact = Fact::PolicySet(parsed(&message.application_id, "applicationId")?, policy);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn expiring_to_wire(seal_id: String, application: ApplicationId, warning: &Warning) -> pb::SealExpiring {
    let certificate_digest = match warning.ending {
        Ending::Seal => String::new(),
        Ending::Certificate(digest) => digest.to_string(),
    };
    let ends_at = at_to_wire(warning.ends_at);
    let application_id = application.to_string();
    pb::SealExpiring { seal_id, application_id, days: warning.days.into(), certificate_digest, ends_at }
}

fn expiring(message: pb::SealExpiring) -> Result<Event, Unreadable> {
    let ending = match message.certificate_digest.as_str() {
        "" => Ending::Seal,
        digest => Ending::Certificate(parsed(digest, "certificateDigest")?),
    };
    let days = u8::try_from(message.days).map_err(|_| Unreadable::Field("days"))?;
    let warning = Warning { ending, days, ends_at: at(message.ends_at.as_ref(), "endsAt")? };
    let fact = Fact::Expiring(parsed(&message.application_id, "applicationId")?, warning);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn dated(message: pb::SealCertificatesDated) -> Result<Event, Unreadable> {
    let ends = message.certificates_valid_to.iter().map(|end| at(Some(end), "certificatesValidTo"));
    let fact =
        Fact::CertificatesDated(parsed(&message.application_id, "applicationId")?, ends.collect::<Result<_, _>>()?);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn carried_out(message: pb::ApplicationCarriedOut) -> Result<Event, Unreadable> {
    let result = CarriedOut::from_code(&message.result).ok_or(Unreadable::Field("result"))?;
    let fact = Fact::CarriedOut(parsed(&message.application_id, "applicationId")?, result);
    Ok(Event { seal: seal(&message.seal_id)?, fact })
}

fn pin_unlocked(message: pb::PinUnlocked) -> Result<Event, Unreadable> {
    Ok(Event { seal: seal(&message.seal_id)?, fact: Fact::PinUnlocked })
}
