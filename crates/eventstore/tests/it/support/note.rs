//! A second kind of aggregate, so that one writer serves two.

use eseal_eventstore::{DecodeError, Encoded, Recorded, Row, Stored, StreamId};
use eseal_kernel::{Aggregate, Claims};

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Note(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written(pub String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("never")]
pub struct Never;

impl Aggregate for Note {
    const KIND: &'static str = "note";
    type Command = String;
    type Event = Written;
    type Rejection = Never;

    fn evolve(self, event: &Written) -> Self {
        Self(event.0.clone())
    }

    fn decide(&self, text: &String, _claims: &Claims) -> Result<Vec<Written>, Never> {
        Ok(if self.0 == *text { vec![] } else { vec![Written(text.clone())] })
    }
}

impl Stored for Note {
    const TABLES: &'static [&'static str] = &["notes"];

    fn encode(event: &Written) -> Encoded {
        Encoded { kind: "eseal.test.v1.Written", schema_version: 1, payload: event.0.clone().into_bytes() }
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Written, DecodeError> {
        if (kind, schema_version) != ("eseal.test.v1.Written", 1) {
            return Err(DecodeError::unknown(kind, schema_version));
        }
        let text = String::from_utf8(payload.to_vec()).map_err(|error| DecodeError::malformed(kind, error))?;
        Ok(Written(text))
    }

    /// The text itself, so that a test can choose a subject that is not fit.
    fn subject(_stream: &StreamId, state: &Self) -> String {
        state.0.clone()
    }

    fn rows(recorded: &Recorded<'_>, event: &Written, _state: &Self) -> Vec<Row> {
        let values = vec![("id", recorded.stream.id().into()), ("text", event.0.as_str().into())];
        vec![Row { table: "notes", key: &["id"], values }]
    }
}
