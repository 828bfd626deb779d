//! Events <-> their stored and published form: the proto3 JSON of the messages in `events.proto`.
//!
//! A kind that was ever stored is never removed from here; the golden files beside the tests hold each of them. A new
//! version of a kind gets its own arm in `decode`, which lifts it to today's event.

mod batch;
mod hosted_key;
mod rights;
mod seal;
mod sealing;
mod trust;
pub mod words;
pub mod words_rights;

use eseal_eventstore::{DecodeError, Encoded, Recorded, Row, Stored, StreamId};
use eseal_kernel::{Digest, Timestamp};
use eseal_proto::moment;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::crl::{Crl, Imported};
use crate::domain::hosted_key::{HostedKey, HostedKeyEvent};
use crate::domain::trust_anchor::{AnchorEvent, TrustAnchor};
use crate::domain::{Event, Seal};
use crate::projection;

impl Stored for Seal {
    const TABLES: &'static [&'static str] = projection::SEAL_TABLES;

    fn command_name(command: &Self::Command) -> &'static str {
        command.action.name()
    }

    fn encode(event: &Event) -> Encoded {
        seal::encode(event)
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Event, DecodeError> {
        decoded(kind, schema_version, seal::decode(kind, schema_version, payload))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, event: &Event, state: &Self) -> Vec<Row> {
        projection::seal_rows(recorded, event, state)
    }
}

impl Stored for HostedKey {
    const TABLES: &'static [&'static str] = projection::HOSTED_KEY_TABLES;

    fn command_name(command: &Self::Command) -> &'static str {
        command.action.name()
    }

    fn encode(event: &HostedKeyEvent) -> Encoded {
        hosted_key::encode(event)
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<HostedKeyEvent, DecodeError> {
        decoded(kind, schema_version, hosted_key::decode(kind, schema_version, payload))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, event: &HostedKeyEvent, state: &Self) -> Vec<Row> {
        projection::hosted_key_rows(recorded, event, state)
    }
}

impl Stored for TrustAnchor {
    const TABLES: &'static [&'static str] = projection::ANCHOR_TABLES;

    fn command_name(command: &Self::Command) -> &'static str {
        command.action.name()
    }

    fn encode(event: &AnchorEvent) -> Encoded {
        trust::encode_anchor(event)
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<AnchorEvent, DecodeError> {
        decoded(kind, schema_version, trust::decode_anchor(kind, schema_version, payload))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, event: &AnchorEvent, _state: &Self) -> Vec<Row> {
        projection::anchor_rows(recorded, event)
    }
}

impl Stored for Crl {
    const TABLES: &'static [&'static str] = projection::CRL_TABLES;

    fn command_name(_command: &Self::Command) -> &'static str {
        "ImportList"
    }

    fn encode(event: &Imported) -> Encoded {
        trust::encode_crl(event)
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Imported, DecodeError> {
        decoded(kind, schema_version, trust::decode_crl(kind, schema_version, payload))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, event: &Imported, _state: &Self) -> Vec<Row> {
        projection::crl_rows(recorded, event)
    }
}

/// Why a payload could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no JSON of its kind.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A field is missing, or is not what the owner of the event writes there.
    #[error("{0} is missing or not what is written there")]
    Field(&'static str),
}

/// What a payload says; none for a kind and version that were never written.
type Read<E> = Option<Result<E, Unreadable>>;

fn decoded<E>(kind: &str, schema_version: u32, read: Read<E>) -> Result<E, DecodeError> {
    let event = read.ok_or_else(|| DecodeError::unknown(kind, schema_version))?;
    event.map_err(|why| DecodeError::malformed(kind, why))
}

/// The stored form of a message. Its JSON can't fail for a message that this folder fills; if it did, the payload would
/// be empty, and the store refuses that.
fn stored(kind: &'static str, message: &impl Serialize) -> Encoded {
    Encoded { kind, schema_version: 1, payload: serde_json::to_vec(message).unwrap_or_default() }
}

/// A message out of its stored form. What a newer release added is passed over.
pub fn json<M: DeserializeOwned>(payload: &[u8]) -> Result<M, Unreadable> {
    Ok(serde_json::from_slice(payload)?)
}

/// A word that has a text form: an id, a digest, a code.
pub fn parsed<T: std::str::FromStr>(text: &str, field: &'static str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable::Field(field))
}

/// Several digests.
pub fn digests(texts: &[String], field: &'static str) -> Result<Vec<Digest>, Unreadable> {
    texts.iter().map(|text| parsed(text, field)).collect()
}

/// A moment.
pub fn at(wire: Option<&eseal_proto::Timestamp>, field: &'static str) -> Result<Timestamp, Unreadable> {
    let micros = wire.and_then(moment::micros).ok_or(Unreadable::Field(field))?;
    Ok(Timestamp::from_micros(micros))
}

/// A moment, on the wire.
pub fn at_to_wire(at: Timestamp) -> Option<eseal_proto::Timestamp> {
    Some(moment::from_micros(at.micros()))
}

fn texts(digests: &[Digest]) -> Vec<String> {
    digests.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests;
