//! An event as a message: a CloudEvent 1.0 in binary mode, whose attributes are its envelope.

use std::borrow::Cow;
use std::fmt::Write as _;

use async_nats::HeaderMap;
use eseal_eventstore::{EventParts, ReceivedError, StoredEvent};

use super::names::subject;

/// The place in the owner's order.
pub(crate) const POSITION: &str = "Eseal-Position";
const SPEC_VERSION: &str = "ce-specversion";
const ID: &str = "ce-id";
const SOURCE: &str = "ce-source";
const TYPE: &str = "ce-type";
const SUBJECT: &str = "ce-subject";
const TIME: &str = "ce-time";
const SEQUENCE: &str = "ce-sequence";
const CONTENT_TYPE: &str = "ce-datacontenttype";
const SCHEMA: &str = "ce-dataschema";
// Extension attributes of ours: with those above they are the whole envelope, so that its hash can be checked.
const SCHEMA_VERSION: &str = "ce-schemaversion";
const STREAM: &str = "ce-stream";
const ACTOR: &str = "ce-actor";
const CORRELATION: &str = "ce-correlationid";
const CAUSATION: &str = "ce-causationid";
const PREV_HASH: &str = "ce-prevhash";
const HASH: &str = "ce-hash";
const TRACEPARENT: &str = "traceparent";

/// Why a message on our subjects is not an event of their owner. It came from a producer that does not belong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A header is missing, or is no text that a producer of ours writes.
    #[error("the header {0} is missing or malformed")]
    Header(&'static str),
    /// It says that it is somebody else's event.
    #[error("it is from {0:?}")]
    Source(String),
    /// It is on the subject of another kind of event.
    #[error("it is on the subject {0:?}")]
    Subject(String),
    /// Its fields make no event.
    #[error(transparent)]
    Event(#[from] ReceivedError),
}

/// What `ce-source` says of the events of `owner`.
pub(crate) fn source(owner: &str) -> String {
    format!("//eseal/{owner}")
}

/// The subject and the headers of an event; its payload goes as it is.
pub(crate) fn encode(owner: &str, event: &StoredEvent) -> (String, HeaderMap) {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| headers.insert(name, &*escaped(value));
    put(SPEC_VERSION, "1.0");
    put(ID, &event.event_id.to_string());
    put(SOURCE, &source(owner));
    put(TYPE, &event.kind);
    put(SUBJECT, &event.subject);
    put(TIME, &event.occurred_at.to_string());
    put(SEQUENCE, &event.stream_version.to_string());
    put(CONTENT_TYPE, "application/json");
    put(SCHEMA, &format!("urn:eseal:event:{}:{}", event.kind, event.schema_version));
    put(SCHEMA_VERSION, &event.schema_version.to_string());
    put(STREAM, event.stream_id.as_str());
    put(ACTOR, &event.actor.to_string());
    put(CORRELATION, &event.correlation_id);
    put(HASH, &event.hash.to_string());
    put(POSITION, &event.position.to_string());
    if let Some(causation) = event.causation_id {
        put(CAUSATION, &causation.to_string());
    }
    if let Some(prev_hash) = event.prev_hash {
        put(PREV_HASH, &prev_hash.to_string());
    }
    if let Some(traceparent) = &event.traceparent {
        put(TRACEPARENT, traceparent);
    }
    (subject(owner, &event.kind), headers)
}

/// The event of `owner` that a message carries, with its hash checked.
///
/// # Errors
/// [`Malformed`] when it is not such an event.
pub(crate) fn decode(
    owner: &str,
    on_subject: &str,
    headers: Option<&HeaderMap>,
    payload: &[u8],
) -> Result<StoredEvent, Malformed> {
    let empty = HeaderMap::new();
    let headers = headers.unwrap_or(&empty);
    let optional = |name: &'static str| match headers.get(name) {
        Some(value) => unescaped(value.as_str()).ok_or(Malformed::Header(name)),
        None => Ok(Cow::Borrowed("")),
    };
    let required = |name: &'static str| match optional(name)? {
        text if text.is_empty() => Err(Malformed::Header(name)),
        text => Ok(text),
    };
    if required(SPEC_VERSION)? != "1.0" {
        return Err(Malformed::Header(SPEC_VERSION));
    }
    let from = required(SOURCE)?;
    if from != source(owner) {
        return Err(Malformed::Source(from.into_owned()));
    }
    let event = StoredEvent::try_from(EventParts {
        position: number(&required(POSITION)?, POSITION)?,
        event_id: &required(ID)?,
        stream_id: &required(STREAM)?,
        stream_version: number(&required(SEQUENCE)?, SEQUENCE)?,
        kind: &required(TYPE)?,
        schema_version: number(&required(SCHEMA_VERSION)?, SCHEMA_VERSION)?,
        occurred_at: &required(TIME)?,
        actor: &required(ACTOR)?,
        subject: &required(SUBJECT)?,
        correlation_id: &required(CORRELATION)?,
        causation_id: &optional(CAUSATION)?,
        payload: payload.to_vec(),
        prev_hash: &optional(PREV_HASH)?,
        hash: &required(HASH)?,
        traceparent: &optional(TRACEPARENT).unwrap_or_default(),
    })?;
    if on_subject != subject(owner, &event.kind) {
        return Err(Malformed::Subject(on_subject.to_owned()));
    }
    Ok(event)
}

fn number<T: std::str::FromStr>(text: &str, header: &'static str) -> Result<T, Malformed> {
    text.parse().map_err(|_| Malformed::Header(header))
}

/// A value as CloudEvents has it in headers: what is not visible ASCII goes as `%` and its bytes.
fn escaped(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'%';
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if plain(byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}"); // writing to a String can't fail
        }
    }
    Cow::Owned(escaped)
}

fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let (code, after) = after.split_at_checked(2)?;
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            bytes.push(digit(code[0])? * 16 + digit(code[1])?);
            rest = after;
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use eseal_eventstore::{Actor, StreamId};
    use eseal_kernel::{Digest, Id, Timestamp};

    use super::*;

    fn event() -> StoredEvent {
        let now = Timestamp::from_seconds(1_800_000_000);
        let mut event = StoredEvent {
            position: 7,
            event_id: Id::random(now),
            stream_id: StreamId::try_new("application", "申请 100%").expect("fit"),
            stream_version: 3,
            kind: "eseal.application.v1.StepApproved".to_owned(),
            schema_version: 2,
            occurred_at: now,
            actor: Actor::new("7", "reviewer"),
            subject: " 印章 \"7\" ".to_owned(),
            correlation_id: "c".to_owned(),
            causation_id: Some(Id::random(now)),
            payload: br#"{"step":2}"#.to_vec(),
            prev_hash: Some(Digest::of(b"before")),
            hash: Digest::of(b""),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        };
        event.hash = event.computed_hash();
        event
    }

    fn arrived(event: &StoredEvent, change: impl Fn(&mut HeaderMap)) -> Result<StoredEvent, Malformed> {
        let (subject, mut headers) = encode("application", event);
        change(&mut headers);
        decode("application", &subject, Some(&headers), &event.payload)
    }

    #[test]
    fn an_event_arrives_as_it_was_sent() {
        let mut event = event();
        assert_eq!(arrived(&event, |_| ()), Ok(event.clone()));
        event.causation_id = None;
        event.prev_hash = None;
        event.traceparent = None;
        event.hash = event.computed_hash();
        assert_eq!(arrived(&event, |_| ()), Ok(event));
    }

    #[test]
    fn headers_are_visible_ascii() {
        let (_, headers) = encode("application", &event());
        for (name, values) in headers.iter() {
            for value in values {
                assert!(value.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {}", value.as_str());
            }
        }
    }

    #[test]
    fn a_message_without_a_header_is_malformed() {
        let required = [SPEC_VERSION, ID, SOURCE, TYPE, SUBJECT, TIME, SEQUENCE, SCHEMA_VERSION, STREAM, ACTOR, HASH];
        for name in required.into_iter().chain([CORRELATION, POSITION]) {
            assert_eq!(arrived(&event(), |headers| headers.insert(name, "")), Err(Malformed::Header(name)));
        }
        assert_eq!(decode("application", "x", None, b"{}"), Err(Malformed::Header(SPEC_VERSION)));
    }

    #[test]
    fn a_changed_header_or_payload_is_noticed() {
        let changes: [(&'static str, &str); 5] =
            [(POSITION, "8"), (ACTOR, "reviewer:8"), (SEQUENCE, "4"), (CAUSATION, ""), (SUBJECT, "another")];
        for (name, value) in changes {
            let changed = arrived(&event(), |headers| headers.insert(name, value));
            assert_eq!(changed, Err(Malformed::Event(ReceivedError::Changed)), "{name}");
        }
        let (subject, headers) = encode("application", &event());
        let changed = decode("application", &subject, Some(&headers), br#"{"step":3}"#);
        assert_eq!(changed, Err(Malformed::Event(ReceivedError::Changed)));
    }

    #[test]
    fn an_event_of_another_owner_or_on_another_subject_is_malformed() {
        let event = event();
        let (on, headers) = encode("fabrication", &event);
        let foreign = decode("application", &on, Some(&headers), &event.payload);
        assert_eq!(foreign, Err(Malformed::Source("//eseal/fabrication".to_owned())));
        let (_, headers) = encode("application", &event);
        let elsewhere = decode("application", "eseal.application.v1.approved", Some(&headers), &event.payload);
        assert_eq!(elsewhere, Err(Malformed::Subject("eseal.application.v1.approved".to_owned())));
    }

    #[test]
    fn broken_escapes_are_malformed() {
        for text in ["%", "%4", "%zz", "%FF"] {
            let broken = arrived(&event(), |headers| headers.insert(SUBJECT, text));
            assert_eq!(broken, Err(Malformed::Header(SUBJECT)), "{text}");
        }
    }
}
