//! What a consumer knows of an owner's log, by which it can tell an event that is not from there.
//!
//! An event is bound to the one before it in its stream by that one's hash. This is no signature: whoever may publish and
//! has read the log can make one that fits. It tells another installation's events, and those of an older copy, when they
//! come; and any other as soon as the owner's own event for the same place is seen.

use std::collections::{BTreeSet, HashMap};

use eseal_eventstore::{StoredEvent, StreamId};
use eseal_kernel::{Digest, Id};

/// How many positions back it is known which event was taken.
pub(crate) const BEHIND_MAX: u64 = 1_000;
/// So many streams are known at least, once there were that many, and twice as many at most. The owner is asked again
/// about one that was forgotten.
const STREAMS: usize = 10_000;

/// How an event goes with what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It follows the last event of its stream, or begins a stream.
    Follows,
    /// Nothing is known of its stream.
    Unknown,
    /// It does not follow the last event of its stream.
    Breaks,
}

/// What was taken of a log.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The last positions, each with what was taken for its event.
    taken: BTreeSet<(u64, Id)>,
    /// The version and the hash of the last event of each stream, of those of late, and of those before them.
    late: HashMap<StreamId, (u64, Digest)>,
    earlier: HashMap<StreamId, (u64, Digest)>,
}

impl Known {
    /// What an earlier run has taken; it knows of no stream.
    pub(crate) fn of(taken: BTreeSet<(u64, Id)>) -> Self {
        Self { taken, ..Self::default() }
    }

    /// Whether an event follows its stream.
    pub(crate) fn fit(&self, event: &StoredEvent) -> Fit {
        let last = self.late.get(&event.stream_id).or_else(|| self.earlier.get(&event.stream_id));
        let follows = match last {
            Some((version, hash)) => event.stream_version == version + 1 && event.prev_hash == Some(*hash),
            None if event.stream_version == 1 => event.prev_hash.is_none(),
            None => return Fit::Unknown,
        };
        if follows { Fit::Follows } else { Fit::Breaks }
    }

    /// Whether this is what was taken at its position; nothing if that is not known any more.
    pub(crate) fn is_taken(&self, event: &StoredEvent) -> Option<bool> {
        let (position, id) = (event.position, event.event_id);
        self.is_known(position).then(|| self.taken.contains(&(position, id)))
    }

    pub(crate) fn is_known(&self, position: u64) -> bool {
        self.taken.range((position, Id::from_bytes([0; 16]))..=(position, Id::from_bytes([0xFF; 16]))).next().is_some()
    }

    /// The first position that is known.
    pub(crate) fn first(&self) -> Option<u64> {
        self.taken.first().map(|(position, _)| *position)
    }

    /// The event is taken as that of its position.
    pub(crate) fn take(&mut self, event: &StoredEvent) {
        self.taken.insert((event.position, event.event_id));
        while self.first().is_some_and(|first| first + BEHIND_MAX <= event.position) {
            self.taken.pop_first();
        }
        self.last_of_its_stream(event);
    }

    /// The owner's event, which was taken before; so it is known that its stream came so far.
    pub(crate) fn learn(&mut self, event: &StoredEvent) {
        let known = self.late.get(&event.stream_id).or_else(|| self.earlier.get(&event.stream_id));
        if known.is_none_or(|(version, _)| *version < event.stream_version) {
            self.last_of_its_stream(event);
        }
    }

    /// The owner's event, where another one was taken: who knows which streams that one has spoilt.
    pub(crate) fn replace(&mut self, event: &StoredEvent) {
        self.taken.insert((event.position, event.event_id));
        self.forget_streams();
    }

    fn last_of_its_stream(&mut self, event: &StoredEvent) {
        if self.late.len() >= STREAMS {
            self.earlier = std::mem::take(&mut self.late);
        }
        self.late.insert(event.stream_id.clone(), (event.stream_version, event.hash));
    }

    /// Something that was taken is not in the log: no stream is known any more.
    pub(crate) fn forget_streams(&mut self) {
        self.late.clear();
        self.earlier.clear();
    }

    /// Nothing is taken after this position.
    pub(crate) fn end_at(&mut self, position: u64) {
        self.taken.retain(|(taken, _)| *taken <= position);
        self.forget_streams();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::tests::event;

    fn chained(stream: &str, version: u64, position: u64, before: Option<&StoredEvent>) -> StoredEvent {
        let stream_id = StreamId::try_new("thing", stream).expect("fit");
        let mut event = StoredEvent { stream_id, stream_version: version, ..event(position) };
        event.prev_hash = before.map(|before| before.hash);
        event.hash = event.computed_hash();
        event
    }

    #[test]
    fn an_event_fits_behind_the_one_with_its_hash_and_nowhere_else() {
        let first = chained("a", 1, 1, None);
        let mut known = Known::default();
        assert_eq!(known.fit(&first), Fit::Follows);
        let second = chained("a", 2, 2, Some(&first));
        assert_eq!(known.fit(&second), Fit::Unknown);
        known.take(&first);
        assert_eq!(known.fit(&second), Fit::Follows);
        for breaks in [
            chained("a", 1, 2, None),
            chained("a", 2, 2, None),
            chained("a", 2, 2, Some(&second)),
            chained("a", 3, 2, Some(&first)),
            chained("b", 1, 2, Some(&first)),
        ] {
            assert_eq!(known.fit(&breaks), Fit::Breaks, "{breaks:?}");
        }
        known.forget_streams();
        assert_eq!(known.fit(&second), Fit::Unknown);
    }

    #[test]
    fn no_more_is_known_than_there_is_room_for() {
        let mut known = Known::default();
        let first = chained("first", 1, 1, None);
        known.take(&first);
        for position in 2..=2 * STREAMS as u64 {
            known.take(&chained(&position.to_string(), 1, position, None));
        }
        assert_eq!(known.fit(&chained("first", 2, 9, Some(&first))), Fit::Follows);
        for position in 1..=2 * STREAMS as u64 {
            known.take(&chained(&format!("b{position}"), 1, position, None));
        }
        assert_eq!(known.fit(&chained("first", 2, 9, Some(&first))), Fit::Unknown);
        assert!(known.taken.len() <= usize::try_from(BEHIND_MAX).expect("small") * 2);
        assert!(known.late.len() + known.earlier.len() <= 2 * STREAMS);
    }
}
