//! Whether events are what they were: hashes, chains and positions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use eseal_kernel::Digest;

use crate::{StoredEvent, StreamId};

/// The first event that does not fit what came before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The event is not the one that was hashed: a field was changed.
    #[error("the event at position {position} does not have the hash that was recorded with it")]
    Changed {
        /// Where the event lies.
        position: u64,
    },
    /// The event does not follow the one before it in its stream: one was exchanged, and its hash with it.
    #[error("the event at position {position} does not follow the event before it in {stream}")]
    Unlinked {
        /// Where the event lies.
        position: u64,
        /// Its stream.
        stream: StreamId,
    },
    /// An event of the stream is missing.
    #[error("{stream} has version {actual} at position {position} where version {expected} follows")]
    MissingInStream {
        /// Where the event lies.
        position: u64,
        /// Its stream.
        stream: StreamId,
        /// The version that should come.
        expected: u64,
        /// The version that comes.
        actual: u64,
    },
    /// A position is missing: an event was deleted.
    #[error("position {actual} where position {expected} follows")]
    MissingPosition {
        /// The position that should come.
        expected: u64,
        /// The position that comes.
        actual: u64,
    },
}

/// Checks events in their order: each has the hash of its own envelope and of the one before it in its stream, and each
/// stream is whole from its first event on. Streams may be mixed. How many there were.
///
/// # Errors
/// The first event that does not fit.
pub fn verify_chain<'a>(events: impl IntoIterator<Item = &'a StoredEvent>) -> Result<u64, ChainError> {
    let mut streams = HashMap::new();
    let mut count = 0;
    for event in events {
        verify_next(&mut streams, event)?;
        count += 1;
    }
    Ok(count)
}

/// As [`verify_chain`], for all events of a service from position 1 on: none is missing between them.
///
/// # Errors
/// The first event that does not fit.
pub fn verify_log<'a>(events: impl IntoIterator<Item = &'a StoredEvent>) -> Result<u64, ChainError> {
    let mut streams = HashMap::new();
    let mut last = 0;
    for event in events {
        if event.position != last + 1 {
            return Err(ChainError::MissingPosition { expected: last + 1, actual: event.position });
        }
        verify_next(&mut streams, event)?;
        last = event.position;
    }
    Ok(last)
}

/// The last version and hash of each stream so far.
type Streams<'a> = HashMap<&'a StreamId, (u64, Digest)>;

fn verify_next<'a>(streams: &mut Streams<'a>, event: &'a StoredEvent) -> Result<(), ChainError> {
    let position = event.position;
    if !event.verify_hash() {
        return Err(ChainError::Changed { position });
    }
    let entry = streams.entry(&event.stream_id);
    let before = match &entry {
        Entry::Occupied(last) => Some(*last.get()),
        Entry::Vacant(_) => None,
    };
    let expected = before.map_or(1, |(version, _)| version + 1);
    let stream = event.stream_id.clone();
    if event.stream_version != expected {
        return Err(ChainError::MissingInStream { position, stream, expected, actual: event.stream_version });
    }
    if event.prev_hash != before.map(|(_, hash)| hash) {
        return Err(ChainError::Unlinked { position, stream });
    }
    entry.insert_entry((expected, event.hash));
    Ok(())
}
