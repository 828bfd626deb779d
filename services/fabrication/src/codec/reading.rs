//! The messages of `events.proto` -> our events.

use eseal_proto::fabrication::v1 as pb;

use super::order::from_wire;
use super::{Unreadable, at, challenge, digest, digests, id};
use crate::domain::event::{CardEvent, Event};
use crate::domain::gate::{Gate, Refusal, RefusalReason};
use crate::domain::maker_card::Use;

pub(super) fn queued(message: pb::FabricationQueued) -> Result<Event, Unreadable> {
    let application_id = id(&message.application_id, "applicationId")?;
    Ok(Event::Queued(from_wire(application_id, message.applicant_id, message.particulars)?))
}

pub(super) fn run_begun(message: pb::RunBegun) -> Result<Event, Unreadable> {
    Ok(Event::RunBegun {
        application_id: id(&message.application_id, "applicationId")?,
        run_id: id(&message.run_id, "runId")?,
        seal_id: id(&message.seal_id, "sealId")?,
        maker_id: message.maker_id,
        maker_card_serial: Some(message.maker_card_serial).filter(|serial| !serial.is_empty()),
        challenge: challenge(message.nonce, message.challenge_expires_at.as_ref())?,
    })
}

pub(super) fn maker_card_proved(message: pb::MakerCardProved) -> Result<Event, Unreadable> {
    Ok(Event::MakerCardProved {
        application_id: id(&message.application_id, "applicationId")?,
        run_id: id(&message.run_id, "runId")?,
        certificate: digest(&message.certificate_digest, "certificateDigest")?,
        challenge: challenge(message.nonce, message.challenge_expires_at.as_ref())?,
    })
}

pub(super) fn seal_card_accepted(message: pb::SealCardAccepted) -> Result<Event, Unreadable> {
    Ok(Event::SealCardAccepted {
        application_id: id(&message.application_id, "applicationId")?,
        run_id: id(&message.run_id, "runId")?,
        card_serial: message.card_serial,
        certificates: digests(&message.certificate_digests)?,
        seal_info: digest(&message.seal_info_digest, "sealInfoDigest")?,
        beside_predecessor: message.shared_with_predecessor,
    })
}

pub(super) fn seal_signed(message: pb::SealSigned) -> Result<Event, Unreadable> {
    Ok(Event::SealSigned {
        application_id: id(&message.application_id, "applicationId")?,
        run_id: id(&message.run_id, "runId")?,
        seal: digest(&message.seal_digest, "sealDigest")?,
    })
}

pub(super) fn refused(message: pb::FabricationRefused) -> Result<Event, Unreadable> {
    let gate = Gate::from_letter(&message.gate).ok_or(Unreadable::Field("gate"))?;
    let reason = RefusalReason::from_code(&message.reason).ok_or(Unreadable::Field("reason"))?;
    Ok(Event::Refused {
        application_id: id(&message.application_id, "applicationId")?,
        run_id: id(&message.run_id, "runId")?,
        refusal: Refusal { gate, reason },
    })
}

pub(super) fn fabricated(message: pb::SealFabricated) -> Result<Event, Unreadable> {
    let application_id = id(&message.application_id, "applicationId")?;
    Ok(Event::Fabricated {
        run_id: id(&message.run_id, "runId")?,
        seal_id: id(&message.seal_id, "sealId")?,
        seal: digest(&message.seal_digest, "sealDigest")?,
        card_serial: message.card_serial,
        certificates: digests(&message.certificate_digests)?,
        order: from_wire(application_id, message.applicant_id, message.particulars)?,
    })
}

pub(super) fn stopped(message: pb::FabricationStopped) -> Result<Event, Unreadable> {
    Ok(Event::Stopped { application_id: id(&message.application_id, "applicationId")? })
}

pub(super) fn released(message: pb::CardReleased) -> Result<Event, Unreadable> {
    Ok(Event::Released {
        application_id: id(&message.application_id, "applicationId")?,
        seal_id: id(&message.seal_id, "sealId")?,
        card_serial: message.card_serial,
        certificates: digests(&message.certificate_digests)?,
    })
}

pub(super) fn card_issued(message: pb::MakerCardIssued) -> Result<CardEvent, Unreadable> {
    Ok(CardEvent::Issued {
        certificate: digest(&message.certificate_digest, "certificateDigest")?,
        issued_at: at(message.issued_at.as_ref(), "issuedAt")?,
        card_serial: message.card_serial,
        maker_id: message.maker_id,
    })
}

pub(super) fn card_used(message: pb::MakerCardUsed) -> Result<CardEvent, Unreadable> {
    let last = Use { run: id(&message.run_id, "runId")?, count: message.card_uses };
    Ok(CardEvent::Used { card_serial: message.card_serial, last })
}

pub(super) fn card_suspended(message: pb::MakerCardSuspended) -> Result<CardEvent, Unreadable> {
    Ok(CardEvent::Suspended {
        certificate: digest(&message.certificate_digest, "certificateDigest")?,
        run: id(&message.run_id, "runId")?,
        card_serial: message.card_serial,
    })
}

pub(super) fn card_resumed(message: pb::MakerCardResumed) -> Result<CardEvent, Unreadable> {
    Ok(CardEvent::Resumed {
        certificate: digest(&message.certificate_digest, "certificateDigest")?,
        card_serial: message.card_serial,
    })
}

pub(super) fn card_withdrawn(message: pb::MakerCardWithdrawn) -> Result<CardEvent, Unreadable> {
    Ok(CardEvent::Withdrawn {
        certificate: digest(&message.certificate_digest, "certificateDigest")?,
        card_serial: message.card_serial,
        reason_code: message.reason_code,
    })
}
