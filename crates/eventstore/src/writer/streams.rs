//! The states that the writer keeps in memory from batch to batch.

use std::collections::HashMap;

use super::recording::Folded;
use crate::StreamId;

/// States by stream, and how sure they are.
///
/// Every append moves `head`. As long as it stands where this writer left it, nobody else appended, and every state
/// kept is the present one. Once somebody did, each state is compared with its stream's version before it is used.
pub(crate) struct Streams {
    kept: HashMap<StreamId, Entry>,
    room: usize,
    /// Where this writer left `head`; nothing when it does not know how its last transaction ended.
    left: Option<u64>,
    /// How often `head` was found moved by others.
    moved: u64,
    /// Counts the uses, so that what was not used for long can go.
    clock: u64,
}

struct Entry {
    folded: Folded,
    /// The state was the present one when `moved` was this.
    sure_at: u64,
    used_at: u64,
}

/// A state out of memory.
pub(crate) enum Kept {
    /// It is the present one.
    Sure(Folded),
    /// It is, if the stream still has its version.
    Doubtful(Folded),
}

impl Streams {
    /// Room for so many states.
    pub(crate) fn new(room: usize) -> Self {
        Self { kept: HashMap::new(), room, left: None, moved: 0, clock: 0 }
    }

    /// Where this writer left `head`, if it knows.
    pub(crate) const fn left(&self) -> Option<u64> {
        self.left
    }

    /// A new batch found `head` here.
    pub(crate) const fn see(&mut self, head: u64) {
        if !matches!(self.left, Some(left) if left == head) {
            self.moved += 1;
        }
        // Until the batch is committed, it is not known where it leaves `head`.
        self.left = None;
    }

    /// Takes the state out. It comes back with [`Streams::leave`] if the batch is committed; otherwise it is gone, and
    /// with it whatever the batch did to it.
    pub(crate) fn take(&mut self, stream: &StreamId) -> Option<Kept> {
        let entry = self.kept.remove(stream)?;
        Some(if entry.sure_at == self.moved { Kept::Sure(entry.folded) } else { Kept::Doubtful(entry.folded) })
    }

    /// The batch was committed and left `head` and these streams so.
    pub(crate) fn leave(&mut self, head: u64, streams: impl Iterator<Item = (StreamId, Folded)>) {
        self.left = Some(head);
        self.clock += 1;
        let (sure_at, used_at) = (self.moved, self.clock);
        self.kept.extend(streams.map(|(stream, folded)| (stream, Entry { folded, sure_at, used_at })));
        if self.kept.len() > self.room {
            self.forget_half();
        }
    }

    /// Makes room at once for many batches to come: the older half goes.
    fn forget_half(&mut self) {
        let mut uses: Vec<u64> = self.kept.values().map(|entry| entry.used_at).collect();
        let middle = uses.len() / 2;
        let (_, oldest_that_stays, _) = uses.select_nth_unstable(middle);
        let oldest_that_stays = *oldest_that_stays;
        self.kept.retain(|_, entry| entry.used_at > oldest_that_stays);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(id: u64) -> StreamId {
        StreamId::stored(format!("thing-{id}"))
    }

    fn folded(version: u64) -> Folded {
        Folded { version, hash: None, correlation_id: None, traceparent: None, state: Box::new(()) }
    }

    #[test]
    fn a_state_is_sure_as_long_as_nobody_else_moved_the_head() {
        let mut streams = Streams::new(10);
        streams.see(0);
        streams.leave(3, [(stream(1), folded(1)), (stream(2), folded(2))].into_iter());
        streams.see(3);
        assert!(matches!(streams.take(&stream(1)), Some(Kept::Sure(_))));
        streams.leave(4, [(stream(1), folded(2))].into_iter());
        streams.see(9);
        assert!(matches!(streams.take(&stream(1)), Some(Kept::Doubtful(Folded { version: 2, .. }))));
        streams.leave(10, [(stream(1), folded(3))].into_iter());
        streams.see(10);
        assert!(matches!(streams.take(&stream(1)), Some(Kept::Sure(_))));
        assert!(matches!(streams.take(&stream(2)), Some(Kept::Doubtful(_))));
    }

    #[test]
    fn what_a_failed_batch_touched_is_forgotten_and_the_rest_is_doubtful() {
        let mut streams = Streams::new(10);
        streams.see(0);
        streams.leave(2, [(stream(1), folded(1)), (stream(2), folded(1))].into_iter());
        streams.see(2);
        assert!(streams.take(&stream(1)).is_some());
        streams.see(2); // no commit in between
        assert!(streams.take(&stream(1)).is_none());
        assert!(matches!(streams.take(&stream(2)), Some(Kept::Doubtful(_))));
    }

    #[test]
    fn memory_is_bounded_and_the_latest_stay() {
        let mut streams = Streams::new(8);
        for id in 0..100 {
            streams.see(id);
            streams.leave(id + 1, [(stream(id), folded(1))].into_iter());
            assert!(streams.kept.len() <= 9);
        }
        assert!(streams.take(&stream(99)).is_some());
        assert!(streams.take(&stream(0)).is_none());
    }
}
