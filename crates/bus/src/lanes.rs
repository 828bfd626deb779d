//! The events in hand, by stream: within a lane one after the other, the lanes side by side.

use std::collections::{HashMap, VecDeque};

use eseal_eventstore::{StoredEvent, StreamId};

/// What has its turn in a lane.
#[derive(Debug)]
pub(crate) enum Turn {
    /// An event that the log has just told of.
    Fresh(Box<StoredEvent>),
    /// The stream's dead letters, from the first on.
    Replay,
}

/// The lanes of all streams with something in hand. The first of each lane is under way, the others wait behind it.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    waiting: HashMap<StreamId, VecDeque<Turn>>,
    in_hand: usize,
}

impl Lanes {
    /// How many turns are under way or wait.
    pub(crate) const fn in_hand(&self) -> usize {
        self.in_hand
    }

    /// Whether nothing of this stream is in hand.
    pub(crate) fn is_free(&self, stream: &StreamId) -> bool {
        !self.waiting.contains_key(stream)
    }

    /// Puts a turn at the end of its lane. It is given back if it is the first: its turn is now.
    pub(crate) fn enter(&mut self, stream: StreamId, turn: Turn) -> Option<Turn> {
        self.in_hand += 1;
        if let Some(lane) = self.waiting.get_mut(&stream) {
            lane.push_back(turn);
            return None;
        }
        self.waiting.insert(stream, VecDeque::new());
        Some(turn)
    }

    /// The first of the lane is done with. The next one, whose turn is now.
    pub(crate) fn leave(&mut self, stream: &StreamId) -> Option<Turn> {
        self.in_hand = self.in_hand.saturating_sub(1);
        let next = self.waiting.get_mut(stream)?.pop_front();
        if next.is_none() {
            self.waiting.remove(stream);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_lane_at_a_time_and_lanes_side_by_side() {
        let [a, b] = ["a", "b"].map(|id| StreamId::try_new("thing", id).expect("fit"));
        let mut lanes = Lanes::default();
        assert!(lanes.enter(a.clone(), Turn::Replay).is_some());
        assert!(lanes.enter(a.clone(), Turn::Replay).is_none());
        assert!(lanes.enter(b.clone(), Turn::Replay).is_some());
        assert_eq!(lanes.in_hand(), 3);
        assert!(lanes.leave(&a).is_some());
        assert!(!lanes.is_free(&a));
        assert!(lanes.leave(&a).is_none());
        assert!(lanes.is_free(&a));
        assert!(lanes.leave(&b).is_none());
        assert_eq!(lanes.in_hand(), 0);
    }
}
