//! Names of things: UUIDv7, so that they sort by the time they were made.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;

/// A UUID (version 7, RFC 9562 §5.7) that names an aggregate, an event or a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(uuid::Uuid);

/// Why a text is not an [`Id`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected the 36 characters of a UUID")]
pub struct InvalidId;

impl Id {
    /// A new id that carries the moment `now` and random bits.
    pub fn random(now: Timestamp) -> Self {
        let micros = u64::try_from(now.micros()).unwrap_or(0);
        let seconds = micros / 1_000_000;
        let nanos = u32::try_from(micros % 1_000_000 * 1_000).unwrap_or(0);
        Self(uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
    }

    /// The 16 bytes of the id.
    pub fn bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// An id from 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
    }

    /// The id that follows from `digest` alone: a repeat of the same cause gets the same id. It takes the
    /// first 16 bytes and marks them as version 8 (RFC 9562 §5.8).
    pub fn derived(digest: &crate::Digest) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.bytes()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() != 36 {
            return Err(InvalidId); // one spelling only: an id is also a key
        }
        uuid::Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let earlier = Id::random(Timestamp::from_seconds(1_000));
        let later = Id::random(Timestamp::from_seconds(1_001));
        assert!(earlier < later);
        assert!(earlier.to_string() < later.to_string());
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = Id::random(Timestamp::from_seconds(1_000));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().replace('-', "").parse::<Id>(), Err(InvalidId));
        assert_eq!(format!("{{{id}}}").parse::<Id>(), Err(InvalidId));
    }

    #[test]
    fn the_same_cause_gives_the_same_id() {
        let cause = crate::Digest::of(b"approved 7");
        assert_eq!(Id::derived(&cause), Id::derived(&cause));
        assert_ne!(Id::derived(&cause), Id::derived(&crate::Digest::of(b"approved 8")));
    }
}
