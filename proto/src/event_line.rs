//! The form of an event in files: one JSON object a line.

use serde_json::{Value, json};

use crate::event::v1::Event;

/// The event as one JSON object. `payload` is what it holds, for those who read or query it; `payloadText` is the stored
/// bytes as they are, for those who compute its hash.
pub fn event_line(event: &Event) -> Value {
    let mut line = json!(event);
    let text = String::from_utf8_lossy(&event.payload);
    line["payload"] = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.as_ref().to_owned()));
    line["payloadText"] = json!(text);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_bytes_are_in_the_line_as_they_are() {
        let event = Event { payload: br#"{ "b":1,"a":2 }"#.to_vec(), ..Event::default() };
        let line = event_line(&event);
        assert_eq!(line["payloadText"], r#"{ "b":1,"a":2 }"#);
        assert_eq!(line["payload"]["a"], 2);
    }
}
