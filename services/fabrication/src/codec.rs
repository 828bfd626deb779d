//! Events <-> their stored and published form: the proto3 JSON of the messages in `events.proto`.
//!
//! A kind that was ever stored is never removed from here; the golden files beside the tests hold each of them. A new
//! version of a kind gets its own arm in `decode`, which lifts it to today's event.

mod order;
mod reading;
pub mod words;

use eseal_eventstore::{DecodeError, Encoded, Recorded, Row, Stored, StreamId};
use eseal_kernel::{Digest, Id, Timestamp};
use eseal_proto::fabrication::v1 as pb;
use eseal_proto::moment;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::event::{CardEvent, Challenge, Event};
use crate::domain::gate::RefusalReason;
use crate::domain::{Fabrication, MakerCard};
use crate::projection;

pub use order::ordered_by;

const QUEUED: &str = "eseal.fabrication.v1.FabricationQueued";
const RUN_BEGUN: &str = "eseal.fabrication.v1.RunBegun";
const MAKER_CARD_PROVED: &str = "eseal.fabrication.v1.MakerCardProved";
const SEAL_CARD_ACCEPTED: &str = "eseal.fabrication.v1.SealCardAccepted";
const SEAL_SIGNED: &str = "eseal.fabrication.v1.SealSigned";
const REFUSED: &str = "eseal.fabrication.v1.FabricationRefused";
const FABRICATED: &str = "eseal.fabrication.v1.SealFabricated";
const STOPPED: &str = "eseal.fabrication.v1.FabricationStopped";
const RELEASED: &str = "eseal.fabrication.v1.CardReleased";
const CARD_ISSUED: &str = "eseal.fabrication.v1.MakerCardIssued";
const CARD_USED: &str = "eseal.fabrication.v1.MakerCardUsed";
const CARD_SUSPENDED: &str = "eseal.fabrication.v1.MakerCardSuspended";
const CARD_RESUMED: &str = "eseal.fabrication.v1.MakerCardResumed";
const CARD_WITHDRAWN: &str = "eseal.fabrication.v1.MakerCardWithdrawn";

impl Stored for Fabrication {
    const TABLES: &'static [&'static str] = projection::TABLES;
    const ONE_TRACE: bool = true;

    fn command_name(command: &Self::Command) -> &'static str {
        command.name()
    }

    fn encode(event: &Event) -> Encoded {
        encode(event)
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Event, DecodeError> {
        let event = match (kind, schema_version) {
            (QUEUED, 1) => json(payload).and_then(reading::queued),
            (RUN_BEGUN, 1) => json(payload).and_then(reading::run_begun),
            (MAKER_CARD_PROVED, 1) => json(payload).and_then(reading::maker_card_proved),
            (SEAL_CARD_ACCEPTED, 1) => json(payload).and_then(reading::seal_card_accepted),
            (SEAL_SIGNED, 1) => json(payload).and_then(reading::seal_signed),
            (REFUSED, 1) => json(payload).and_then(reading::refused),
            (FABRICATED, 1) => json(payload).and_then(reading::fabricated),
            (STOPPED, 1) => json(payload).and_then(reading::stopped),
            (RELEASED, 1) => json(payload).and_then(reading::released),
            (kind, schema_version) => return Err(DecodeError::unknown(kind, schema_version)),
        };
        event.map_err(|why| DecodeError::malformed(kind, why))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, event: &Event, state: &Self) -> Vec<Row> {
        projection::rows(recorded, event, state)
    }
}

impl Stored for MakerCard {
    const TABLES: &'static [&'static str] = projection::CARD_TABLES;

    fn command_name(command: &Self::Command) -> &'static str {
        command.name()
    }

    fn encode(event: &CardEvent) -> Encoded {
        encode_card(event)
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<CardEvent, DecodeError> {
        let event = match (kind, schema_version) {
            (CARD_ISSUED, 1) => json(payload).and_then(reading::card_issued),
            (CARD_USED, 1) => json(payload).and_then(reading::card_used),
            (CARD_SUSPENDED, 1) => json(payload).and_then(reading::card_suspended),
            (CARD_RESUMED, 1) => json(payload).and_then(reading::card_resumed),
            (CARD_WITHDRAWN, 1) => json(payload).and_then(reading::card_withdrawn),
            (kind, schema_version) => return Err(DecodeError::unknown(kind, schema_version)),
        };
        event.map_err(|why| DecodeError::malformed(kind, why))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, _event: &CardEvent, state: &Self) -> Vec<Row> {
        projection::card_rows(recorded, state)
    }
}

/// Why a payload could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not the JSON of the message.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A field is missing, or says what nobody writes there.
    #[error("{0} is missing or not what is written there")]
    Field(&'static str),
}

fn encode(event: &Event) -> Encoded {
    match event {
        Event::Queued(order) => stored(
            QUEUED,
            &pb::FabricationQueued {
                application_id: order.application_id.to_string(),
                applicant_id: order.applicant_id.clone(),
                particulars: Some(order::to_wire(order)),
            },
        ),
        Event::RunBegun { application_id, run_id, seal_id, maker_id, maker_card_serial, challenge } => stored(
            RUN_BEGUN,
            &pb::RunBegun {
                application_id: application_id.to_string(),
                run_id: run_id.to_string(),
                seal_id: seal_id.to_string(),
                maker_id: maker_id.clone(),
                maker_card_serial: maker_card_serial.clone().unwrap_or_default(),
                nonce: challenge.nonce.clone(),
                challenge_expires_at: Some(moment::from_micros(challenge.expires_at.micros())),
            },
        ),
        Event::MakerCardProved { application_id, run_id, certificate, challenge } => stored(
            MAKER_CARD_PROVED,
            &pb::MakerCardProved {
                application_id: application_id.to_string(),
                run_id: run_id.to_string(),
                certificate_digest: certificate.to_string(),
                nonce: challenge.nonce.clone(),
                challenge_expires_at: Some(moment::from_micros(challenge.expires_at.micros())),
            },
        ),
        Event::SealCardAccepted {
            application_id,
            run_id,
            card_serial,
            certificates,
            seal_info,
            beside_predecessor,
        } => stored(
            SEAL_CARD_ACCEPTED,
            &pb::SealCardAccepted {
                application_id: application_id.to_string(),
                run_id: run_id.to_string(),
                card_serial: card_serial.clone(),
                certificate_digests: texts(certificates),
                seal_info_digest: seal_info.to_string(),
                shared_with_predecessor: *beside_predecessor,
            },
        ),
        Event::SealSigned { application_id, run_id, seal } => stored(
            SEAL_SIGNED,
            &pb::SealSigned {
                application_id: application_id.to_string(),
                run_id: run_id.to_string(),
                seal_digest: seal.to_string(),
            },
        ),
        Event::Refused { application_id, run_id, refusal } => stored(
            REFUSED,
            &pb::FabricationRefused {
                application_id: application_id.to_string(),
                run_id: run_id.to_string(),
                gate: refusal.gate.letter().to_owned(),
                reason: refusal.reason.code().to_owned(),
            },
        ),
        Event::Fabricated { run_id, seal_id, seal, card_serial, certificates, order } => stored(
            FABRICATED,
            &pb::SealFabricated {
                application_id: order.application_id.to_string(),
                run_id: run_id.to_string(),
                seal_id: seal_id.to_string(),
                seal_digest: seal.to_string(),
                card_serial: card_serial.clone(),
                certificate_digests: texts(certificates),
                applicant_id: order.applicant_id.clone(),
                particulars: Some(order::to_wire(order)),
            },
        ),
        Event::Stopped { application_id } => {
            stored(STOPPED, &pb::FabricationStopped { application_id: application_id.to_string() })
        }
        Event::Released { application_id, seal_id, card_serial, certificates } => stored(
            RELEASED,
            &pb::CardReleased {
                application_id: application_id.to_string(),
                seal_id: seal_id.to_string(),
                card_serial: card_serial.clone(),
                certificate_digests: texts(certificates),
            },
        ),
    }
}

fn encode_card(event: &CardEvent) -> Encoded {
    match event {
        CardEvent::Issued { card_serial, maker_id, certificate, issued_at } => stored(
            CARD_ISSUED,
            &pb::MakerCardIssued {
                card_serial: card_serial.clone(),
                maker_id: maker_id.clone(),
                certificate_digest: certificate.to_string(),
                issued_at: Some(moment::from_micros(issued_at.micros())),
            },
        ),
        CardEvent::Used { card_serial, last } => stored(
            CARD_USED,
            &pb::MakerCardUsed {
                card_serial: card_serial.clone(),
                run_id: last.run.to_string(),
                card_uses: last.count,
            },
        ),
        CardEvent::Suspended { card_serial, certificate, run } => stored(
            CARD_SUSPENDED,
            &pb::MakerCardSuspended {
                card_serial: card_serial.clone(),
                reason_code: RefusalReason::MakerCardCopied.code().to_owned(),
                certificate_digest: certificate.to_string(),
                run_id: run.to_string(),
            },
        ),
        CardEvent::Resumed { card_serial, certificate } => stored(
            CARD_RESUMED,
            &pb::MakerCardResumed { card_serial: card_serial.clone(), certificate_digest: certificate.to_string() },
        ),
        CardEvent::Withdrawn { card_serial, certificate, reason_code } => stored(
            CARD_WITHDRAWN,
            &pb::MakerCardWithdrawn {
                card_serial: card_serial.clone(),
                reason_code: reason_code.clone(),
                certificate_digest: certificate.to_string(),
            },
        ),
    }
}

/// The stored form of a message. Its JSON can't fail for a message that this file fills; if it did, the payload would
/// be empty, and the store refuses that.
fn stored(kind: &'static str, message: &impl Serialize) -> Encoded {
    Encoded { kind, schema_version: 1, payload: serde_json::to_vec(message).unwrap_or_default() }
}

/// The message of another service's event, or of ours.
pub fn json<M: DeserializeOwned>(payload: &[u8]) -> Result<M, Unreadable> {
    Ok(serde_json::from_slice(payload)?)
}

/// An id in a message.
pub fn id(text: &str, field: &'static str) -> Result<Id, Unreadable> {
    text.parse().map_err(|_| Unreadable::Field(field))
}

fn digest(text: &str, field: &'static str) -> Result<Digest, Unreadable> {
    text.parse().map_err(|_| Unreadable::Field(field))
}

fn digests(texts: &[String]) -> Result<Vec<Digest>, Unreadable> {
    texts.iter().map(|text| digest(text, "certificateDigests")).collect()
}

fn texts(digests: &[Digest]) -> Vec<String> {
    digests.iter().map(ToString::to_string).collect()
}

fn at(stored: Option<&eseal_proto::Timestamp>, field: &'static str) -> Result<Timestamp, Unreadable> {
    let micros = stored.and_then(moment::micros).ok_or(Unreadable::Field(field))?;
    Ok(Timestamp::from_micros(micros))
}

fn challenge(nonce: String, expires_at: Option<&eseal_proto::Timestamp>) -> Result<Challenge, Unreadable> {
    Ok(Challenge { nonce, expires_at: at(expires_at, "challengeExpiresAt")? })
}

#[cfg(test)]
mod tests;
