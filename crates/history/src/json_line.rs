//! Events out of the lines that `eseal events read --output` wrote.

use eseal_proto::event::v1::Event;
use serde_json::Value;

/// The most bytes of a line: the largest message of a server, as text.
pub const MAX_LINE: usize = 32 << 20;

/// A line is not an event.
#[derive(Debug, thiserror::Error)]
pub enum NotAnEvent {
    /// It is no JSON object with the fields of an event.
    #[error("not an event: {0}")]
    Json(#[from] serde_json::Error),
    /// It has no `payloadText`.
    #[error("not an event: no payloadText")]
    Payload,
}

/// The event of a line. `payloadText` holds the exact bytes of the payload; `payload` is the same for people. Where the
/// two say different things, somebody changed one of them: then the event gets the one that people see, and its hash does
/// not fit.
///
/// # Errors
/// [`NotAnEvent`].
pub fn read(line: &str) -> Result<Event, NotAnEvent> {
    let mut fields: serde_json::Map<String, Value> = serde_json::from_str(line)?;
    let shown = fields.remove("payload");
    let Some(Value::String(text)) = fields.remove("payloadText") else { return Err(NotAnEvent::Payload) };
    let event: Event = serde_json::from_value(Value::Object(fields))?;
    let same = shown.as_ref().is_none_or(|shown| match serde_json::from_str::<Value>(&text) {
        Ok(said) => said == *shown,
        Err(_) => *shown == Value::String(text.clone()),
    });
    let payload = if same { text } else { shown.unwrap_or_default().to_string() };
    Ok(Event { payload: payload.into_bytes(), ..event })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"owner":"authentication","position":"7","eventId":"e","streamVersion":"2","type":"eseal.authentication.v1.PinUnlocked","schemaVersion":1,"payload":{"sealId":"s"},"payloadText":"{\"sealId\": \"s\"}"}"#;

    #[test]
    fn the_payload_is_the_exact_text() {
        let event = read(LINE).unwrap();
        assert_eq!((event.owner.as_str(), event.position, event.stream_version), ("authentication", 7, 2));
        assert_eq!(event.payload, br#"{"sealId": "s"}"#);
    }

    #[test]
    fn what_people_see_must_be_what_was_hashed() {
        let event = read(&LINE.replacen(r#""payload":{"sealId":"s"}"#, r#""payload":{"sealId":"t"}"#, 1)).unwrap();
        assert_eq!(event.payload, br#"{"sealId":"t"}"#);
    }

    #[test]
    fn other_lines_are_refused() {
        for line in ["", "{", "[]", "7", "{}", r#"{"payloadText":7}"#, r#"{"payloadText":"{}","position":"x"}"#] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
