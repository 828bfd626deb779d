//! The text that an event's hash is taken over: `docs/event-envelope.md`, a contract with auditors.
//!
//! Pure, so that the store that writes events and the client that checks them can't disagree.

use std::fmt::{self, Display, Write as _};

use crate::Digest;

/// The first line of every envelope: the format and its version.
const FORMAT: &str = "eseal-event-v1";

/// What an event's hash covers. The fields are written as they show themselves, so they may be typed or plain text; none
/// of them may have a control character, or a line would not be one field.
#[derive(Clone, Copy)]
pub struct Envelope<'a> {
    /// Unique for ever.
    pub event_id: &'a dyn Display,
    /// The stream that it belongs to.
    pub stream_id: &'a dyn Display,
    /// The place in its stream.
    pub stream_version: u64,
    /// The place in the order of all events of the service.
    pub position: u64,
    /// The name of its kind.
    pub kind: &'a dyn Display,
    /// The version of the kind's schema.
    pub schema_version: u32,
    /// When it happened: RFC 3339 in UTC with six digits of fraction.
    pub occurred_at: &'a dyn Display,
    /// Who did it: `<role>:<id>`.
    pub actor: &'a dyn Display,
    /// The seal or application that it is about.
    pub subject: &'a dyn Display,
    /// What it belongs to.
    pub correlation_id: &'a dyn Display,
    /// The event that it follows from; nothing is an empty line.
    pub causation_id: Option<&'a dyn Display>,
    /// The exact bytes of the payload.
    pub payload: &'a [u8],
    /// The hash of the stream's previous event; nothing is an empty line.
    pub prev_hash: Option<&'a dyn Display>,
}

impl Envelope<'_> {
    /// The fourteen lines, each ended by a line feed.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(640);
        // Writing to a String can't fail.
        let _ = self.write(&mut text);
        text
    }

    /// SHA-256 of the text.
    pub fn hash(&self) -> Digest {
        Digest::of(self.text().as_bytes())
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "{FORMAT}")?;
        writeln!(text, "{}", self.event_id)?;
        writeln!(text, "{}", self.stream_id)?;
        writeln!(text, "{}", self.stream_version)?;
        writeln!(text, "{}", self.position)?;
        writeln!(text, "{}", self.kind)?;
        writeln!(text, "{}", self.schema_version)?;
        writeln!(text, "{}", self.occurred_at)?;
        writeln!(text, "{}", self.actor)?;
        writeln!(text, "{}", self.subject)?;
        writeln!(text, "{}", self.correlation_id)?;
        writeln!(text, "{}", Or(self.causation_id))?;
        writeln!(text, "{}", Digest::of(self.payload))?;
        writeln!(text, "{}", Or(self.prev_hash))
    }
}

/// The value, or nothing at all.
struct Or<'a>(Option<&'a dyn Display>);

impl Display for Or<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |value| value.fmt(f))
    }
}

impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page that others implement from.
    const DOC: &str = include_str!("../../../docs/event-envelope.md");

    fn blocks(language: &str) -> Vec<&'static str> {
        let block = |rest: &'static str| rest.split("```").next().unwrap_or_default();
        DOC.split(&format!("```{language}\n") as &str).skip(1).map(block).collect()
    }

    #[test]
    fn a_documented_envelope_is_built_from_its_own_lines_and_has_the_documented_hash() {
        let (payloads, envelopes, hashes) = (blocks("payload"), blocks("envelope"), blocks("hash"));
        assert_eq!((payloads.len(), envelopes.len(), hashes.len()), (2, 2, 2));
        for ((payload, expected), hash) in payloads.iter().zip(&envelopes).zip(&hashes) {
            let lines: Vec<_> = expected.lines().collect();
            let present = |line: usize| Some(&lines[line] as &dyn Display).filter(|_| !lines[line].is_empty());
            let envelope = Envelope {
                event_id: &lines[1],
                stream_id: &lines[2],
                stream_version: lines[3].parse().unwrap(),
                position: lines[4].parse().unwrap(),
                kind: &lines[5],
                schema_version: lines[6].parse().unwrap(),
                occurred_at: &lines[7],
                actor: &lines[8],
                subject: &lines[9],
                correlation_id: &lines[10],
                causation_id: present(11),
                payload: payload.trim_end().as_bytes(),
                prev_hash: present(13),
            };
            assert_eq!(envelope.text(), *expected);
            assert_eq!(envelope.hash().to_string(), hash.trim_end());
        }
    }
}
