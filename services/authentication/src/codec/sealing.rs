//! Facts of the uses of a seal.

use eseal_eventstore::Encoded;
use eseal_proto::authentication::v1 as pb;

use super::seal::seal;
use super::{Read, Unreadable, at, at_to_wire, batch, json, parsed, stored, words, words_rights};
use crate::domain::Event;
use crate::domain::denial::Denial;
use crate::domain::event::{Fact, Step};
use crate::domain::reason::Reason;

const BEGUN: &str = "eseal.authentication.v1.SealingBegun";
const REFUSED: &str = "eseal.authentication.v1.SealingRefused";
const PIN_TRIED: &str = "eseal.authentication.v1.PinTried";
const PIN_ACCEPTED: &str = "eseal.authentication.v1.PinAccepted";
const PIN_REFUSED: &str = "eseal.authentication.v1.PinRefused";
const PIN_LOCKED: &str = "eseal.authentication.v1.PinLocked";
const AUTHORIZED: &str = "eseal.authentication.v1.SealingAuthorized";
const HOSTED_SIGNATURE_MADE: &str = "eseal.authentication.v1.HostedSignatureMade";
const LIST_SIGNED: &str = "eseal.authentication.v1.FileListSigned";
const COMPLETED: &str = "eseal.authentication.v1.SealingCompleted";

pub(super) fn encode(seal_id: String, attempt_id: String, step: &Step) -> Encoded {
    match step {
        Step::BatchAuthorized { .. }
        | Step::HostedSignaturesMade { .. }
        | Step::DocumentsSealed { .. }
        | Step::DocumentsRefused { .. }
        | Step::BatchEnded { .. } => batch::encode(seal_id, attempt_id, step),
        Step::Begun { by, nonce, challenge_expires_at, sealing_time } => {
            let message = pb::SealingBegun {
                seal_id,
                attempt_id,
                custodian_id: by.to_string(),
                nonce: nonce.clone(),
                challenge_expires_at: at_to_wire(*challenge_expires_at),
                sealing_time: at_to_wire(*sealing_time),
            };
            stored(BEGUN, &message)
        }
        Step::Refused { reason, detail, by } => {
            let (gate, custodian_id) = (reason.gate().letter().to_owned(), by.to_string());
            let reason = reason.code().to_owned();
            let detail = detail.map_or("", Denial::code).to_owned();
            stored(REFUSED, &pb::SealingRefused { seal_id, attempt_id, gate, reason, custodian_id, detail })
        }
        Step::PinTried { tries_left } => {
            stored(PIN_TRIED, &pb::PinTried { seal_id, attempt_id, tries_left: u32::from(*tries_left) })
        }
        Step::PinAccepted { code } => {
            let second_factor = words::second_factor_to_wire(*code).into();
            stored(PIN_ACCEPTED, &pb::PinAccepted { seal_id, attempt_id, second_factor })
        }
        Step::PinRefused { tries_left } => {
            stored(PIN_REFUSED, &pb::PinRefused { seal_id, attempt_id, tries_left: u32::from(*tries_left) })
        }
        Step::PinLocked => stored(PIN_LOCKED, &pb::PinLocked { seal_id, attempt_id }),
        Step::Authorized { document_digest, certificate, places, complete_before, card_uses, admitted } => {
            let message = pb::SealingAuthorized {
                seal_id,
                attempt_id,
                document_digest: document_digest.to_string(),
                certificate_digest: certificate.to_string(),
                places: places.iter().map(words::place_to_wire).collect(),
                complete_before: at_to_wire(*complete_before),
                card_uses: *card_uses,
                admitted: admitted.as_deref().map(words_rights::admitted_to_wire),
            };
            stored(AUTHORIZED, &message)
        }
        Step::HostedSigned { signed } => {
            let signed_digest = signed.to_string();
            stored(HOSTED_SIGNATURE_MADE, &pb::HostedSignatureMade { seal_id, attempt_id, signed_digest })
        }
        Step::ListSigned { signed } => {
            let signed_digest = signed.to_string();
            stored(LIST_SIGNED, &pb::FileListSigned { seal_id, attempt_id, signed_digest })
        }
        Step::Completed { document_digest, signature_digest } => {
            let (document_digest, signature_digest) = (document_digest.to_string(), signature_digest.to_string());
            stored(COMPLETED, &pb::SealingCompleted { seal_id, attempt_id, document_digest, signature_digest })
        }
    }
}

pub(super) fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Read<Event> {
    let event = match (kind, schema_version) {
        (BEGUN, 1) => json(payload).and_then(begun),
        (REFUSED, 1) => json(payload).and_then(refused),
        (PIN_TRIED, 1) => json(payload).and_then(pin_tried),
        (PIN_ACCEPTED, 1) => json(payload).and_then(pin_accepted),
        (PIN_REFUSED, 1) => json(payload).and_then(pin_refused),
        (PIN_LOCKED, 1) => json(payload).and_then(pin_locked),
        (AUTHORIZED, 1) => json(payload).and_then(authorized),
        (HOSTED_SIGNATURE_MADE, 1) => json(payload).and_then(hosted_signature_made),
        (LIST_SIGNED, 1) => json(payload).and_then(list_signed),
        (COMPLETED, 1) => json(payload).and_then(completed),
        _ => return batch::decode(kind, schema_version, payload),
    };
    Some(event)
}

pub(super) fn event(seal_id: &str, attempt_id: &str, step: Step) -> Result<Event, Unreadable> {
    let fact = Fact::Sealing(parsed(attempt_id, "attemptId")?, step);
    Ok(Event { seal: seal(seal_id)?, fact })
}

fn begun(message: pb::SealingBegun) -> Result<Event, Unreadable> {
    let step = Step::Begun {
        by: parsed(&message.custodian_id, "custodianId")?,
        nonce: message.nonce,
        challenge_expires_at: at(message.challenge_expires_at.as_ref(), "challengeExpiresAt")?,
        sealing_time: at(message.sealing_time.as_ref(), "sealingTime")?,
    };
    event(&message.seal_id, &message.attempt_id, step)
}

fn refused(message: pb::SealingRefused) -> Result<Event, Unreadable> {
    let reason = Reason::from_code(&message.reason).ok_or(Unreadable::Field("reason"))?;
    let detail = match message.detail.as_str() {
        "" => None,
        code => Some(Denial::from_code(code).ok_or(Unreadable::Field("detail"))?),
    };
    let by = parsed(&message.custodian_id, "custodianId")?;
    event(&message.seal_id, &message.attempt_id, Step::Refused { reason, detail, by })
}

fn pin_tried(message: pb::PinTried) -> Result<Event, Unreadable> {
    let tries_left = tries(message.tries_left)?;
    event(&message.seal_id, &message.attempt_id, Step::PinTried { tries_left })
}

fn pin_accepted(message: pb::PinAccepted) -> Result<Event, Unreadable> {
    let code = words::second_factor(message.second_factor).ok_or(Unreadable::Field("secondFactor"))?;
    event(&message.seal_id, &message.attempt_id, Step::PinAccepted { code })
}

fn pin_refused(message: pb::PinRefused) -> Result<Event, Unreadable> {
    let tries_left = tries(message.tries_left)?;
    event(&message.seal_id, &message.attempt_id, Step::PinRefused { tries_left })
}

fn pin_locked(message: pb::PinLocked) -> Result<Event, Unreadable> {
    event(&message.seal_id, &message.attempt_id, Step::PinLocked)
}

fn authorized(message: pb::SealingAuthorized) -> Result<Event, Unreadable> {
    let step = Step::Authorized {
        document_digest: parsed(&message.document_digest, "documentDigest")?,
        certificate: parsed(&message.certificate_digest, "certificateDigest")?,
        places: message.places.iter().map(words::place).collect(),
        complete_before: at(message.complete_before.as_ref(), "completeBefore")?,
        card_uses: message.card_uses,
        admitted: message.admitted.as_ref().map(words_rights::admitted).transpose()?.map(Box::new),
    };
    event(&message.seal_id, &message.attempt_id, step)
}

fn hosted_signature_made(message: pb::HostedSignatureMade) -> Result<Event, Unreadable> {
    let signed = parsed(&message.signed_digest, "signedDigest")?;
    event(&message.seal_id, &message.attempt_id, Step::HostedSigned { signed })
}

fn list_signed(message: pb::FileListSigned) -> Result<Event, Unreadable> {
    let signed = parsed(&message.signed_digest, "signedDigest")?;
    event(&message.seal_id, &message.attempt_id, Step::ListSigned { signed })
}

fn completed(message: pb::SealingCompleted) -> Result<Event, Unreadable> {
    let step = Step::Completed {
        document_digest: parsed(&message.document_digest, "documentDigest")?,
        signature_digest: parsed(&message.signature_digest, "signatureDigest")?,
    };
    event(&message.seal_id, &message.attempt_id, step)
}

fn tries(wire: u32) -> Result<u8, Unreadable> {
    u8::try_from(wire).map_err(|_| Unreadable::Field("triesLeft"))
}
