//! Who and what an event names: its stream, its actor, and what surrounded the command.

use std::fmt;

use eseal_kernel::text::InvalidText;
use eseal_kernel::{Id, Timestamp};

use crate::StoreError;

/// The most bytes in any name that a line of the envelope holds.
pub(crate) const NAME_MAX: usize = 256;

/// Refuses what an envelope can't hold in a line of its own: nothing at all, too much, or control characters.
pub(crate) fn fit(field: &'static str, text: &str) -> Result<(), StoreError> {
    let why = if text.is_empty() {
        InvalidText::Empty
    } else if text.len() > NAME_MAX {
        InvalidText::TooLong { max: NAME_MAX, actual: text.len() }
    } else if text.chars().any(char::is_control) {
        InvalidText::Control
    } else {
        return Ok(());
    };
    Err(StoreError::Unfit { field, why })
}

/// The name of a stream: `<kind>-<id>`. A kind has no `-`, so the first one ends it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(String);

impl StreamId {
    /// The stream of the aggregate `id` of this kind.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] when the id is empty, too long or has control characters, or when the kind is not made
    /// of lower-case letters, digits and `_`.
    pub fn try_new(kind: &'static str, id: &str) -> Result<Self, StoreError> {
        Self::try_named(kind, id)
    }

    /// As [`StreamId::try_new`], for a kind that came from elsewhere.
    pub(crate) fn try_named(kind: &str, id: &str) -> Result<Self, StoreError> {
        fit("the aggregate's id", id)?;
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if kind.is_empty() || !kind.bytes().all(word) {
            return Err(StoreError::Unfit { field: "the aggregate's kind", why: InvalidText::Control });
        }
        let stream = format!("{kind}-{id}");
        fit("the stream's name", &stream)?;
        Ok(Self(stream))
    }

    /// A name that came from the store.
    pub(crate) const fn stored(name: String) -> Self {
        Self(name)
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind of the aggregate.
    pub fn kind(&self) -> &str {
        self.0.split_once('-').map_or(self.0.as_str(), |(kind, _)| kind)
    }

    /// The id of the aggregate.
    pub fn id(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, id)| id)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who did it: an internal id, never a name, and the role in which it was done. Stored as `<role>:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor {
    /// The internal id of the person or service.
    pub id: String,
    /// The role, such as `reviewer`; it has no `:`.
    pub role: String,
}

impl Actor {
    /// The actor `id` in the role `role`.
    pub fn new(id: impl Into<String>, role: impl Into<String>) -> Self {
        Self { id: id.into(), role: role.into() }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        let (role, id) = text.split_once(':')?;
        Some(Self::new(id, role))
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.role, self.id)
    }
}

/// What surrounds a command and is recorded with each of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// When it happens.
    pub now: Timestamp,
    /// Who does it.
    pub actor: Actor,
    /// What it belongs to, such as the application that started it all. Without it: what the stream's first event
    /// says, or else the aggregate's own id.
    pub correlation_id: Option<String>,
    /// The event that it follows from.
    pub causation_id: Option<Id>,
    /// The W3C trace context; kept, but outside the hash.
    pub traceparent: Option<String>,
}

impl Metadata {
    /// What `actor` does now, of its own accord.
    pub const fn new(now: Timestamp, actor: Actor) -> Self {
        Self { now, actor, correlation_id: None, causation_id: None, traceparent: None }
    }

    /// Refuses what could not be a line of an envelope.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        fit("the actor's id", &self.actor.id)?;
        fit("the actor's role", &self.actor.role)?;
        if self.actor.role.contains(':') {
            return Err(StoreError::Unfit { field: "the actor's role", why: InvalidText::Control });
        }
        if let Some(correlation) = &self.correlation_id {
            fit("the correlation id", correlation)?;
        }
        if let Some(traceparent) = &self.traceparent {
            fit("the trace context", traceparent)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_its_kind_and_its_id() {
        let stream = StreamId::try_new("maker_card", "8A-03").expect("fit");
        assert_eq!((stream.as_str(), stream.kind(), stream.id()), ("maker_card-8A-03", "maker_card", "8A-03"));
    }

    #[test]
    fn names_that_do_not_fit_in_a_line_are_refused() {
        for (kind, id) in [("card", ""), ("card", "a\nb"), ("maker-card", "1"), ("", "1"), ("card", &"x".repeat(300))] {
            assert!(matches!(StreamId::try_new(kind, id), Err(StoreError::Unfit { .. })), "{kind}-{id}");
        }
    }

    #[test]
    fn an_actor_is_read_back_as_it_was_written() {
        let actor = Actor::new("0192:a", "reviewer");
        assert_eq!(Actor::stored(&actor.to_string()), Some(actor));
    }

    #[test]
    fn control_characters_are_refused_wherever_an_envelope_has_a_line() {
        let good = Metadata::new(Timestamp::UNIX_EPOCH, Actor::new("7", "applicant"));
        assert!(good.check().is_ok());
        let mut bad = vec![good.clone(); 4];
        bad[0].actor.id = "7\n8".to_owned();
        bad[1].actor.role = "a:b".to_owned();
        bad[2].correlation_id = Some("\u{85}".to_owned());
        bad[3].traceparent = Some("00-\r".to_owned());
        for metadata in bad {
            assert!(matches!(metadata.check(), Err(StoreError::Unfit { .. })), "{metadata:?}");
        }
    }
}
