//! Puts events in order again: in whatever order and however often they come, they leave in the order of their positions.

use std::collections::{BTreeMap, VecDeque};

use eseal_eventstore::StoredEvent;

/// The most events that wait to leave.
const READY_MAX: usize = 500;
/// The most events that wait for one before them.
const EARLY_MAX: usize = 1_000;

/// Events on their way, and the receipts of the messages that brought them, until they are settled.
#[derive(Debug)]
pub(crate) struct Order<R> {
    /// The next position to become ready.
    next: u64,
    ready: VecDeque<StoredEvent>,
    /// What came before its turn.
    early: BTreeMap<u64, StoredEvent>,
    /// All positions from the first that is not settled on, with the receipts of their messages: of none, one or many.
    in_hand: BTreeMap<u64, Vec<R>>,
}

impl<R> Order<R> {
    /// Nothing yet of the events after `cursor`.
    pub(crate) const fn after(cursor: u64) -> Self {
        let next = cursor.saturating_add(1);
        Self { next, ready: VecDeque::new(), early: BTreeMap::new(), in_hand: BTreeMap::new() }
    }

    /// The next position that is missing.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Whether more may come.
    pub(crate) fn has_room(&self) -> bool {
        self.ready.len() < READY_MAX && self.early.len() < EARLY_MAX
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether there is an event behind one that is missing.
    pub(crate) fn has_hole(&self) -> bool {
        !self.early.is_empty()
    }

    /// Takes an event. The receipt comes back if the event was settled before.
    pub(crate) fn take(&mut self, event: StoredEvent, receipt: Option<R>) -> Option<R> {
        let position = event.position;
        if position < self.next && !self.in_hand.contains_key(&position) {
            return receipt;
        }
        self.in_hand.entry(position).or_default().extend(receipt);
        if position >= self.next {
            self.early.entry(position).or_insert(event);
            while let Some(event) = self.early.remove(&self.next) {
                self.ready.push_back(event);
                self.next += 1;
            }
        }
        None
    }

    /// The next event.
    pub(crate) fn pop(&mut self) -> Option<StoredEvent> {
        self.ready.pop_front()
    }

    /// The event is settled. The receipts of the messages that brought it.
    pub(crate) fn settle(&mut self, position: u64) -> Vec<R> {
        self.in_hand.remove(&position).unwrap_or_default()
    }

    /// The receipts of all messages that are not settled.
    pub(crate) fn receipts(&self) -> impl Iterator<Item = &R> {
        self.in_hand.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use eseal_eventstore::{Actor, StreamId};
    use eseal_kernel::{Digest, Id, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn event(position: u64) -> StoredEvent {
        StoredEvent {
            position,
            event_id: Id::from_bytes([0; 16]),
            stream_id: StreamId::try_new("thing", "1").expect("fit"),
            stream_version: position,
            kind: "eseal.test.v1.Said".to_owned(),
            schema_version: 1,
            occurred_at: Timestamp::UNIX_EPOCH,
            actor: Actor::new("1", "service"),
            subject: "1".to_owned(),
            correlation_id: "1".to_owned(),
            causation_id: None,
            payload: Vec::new(),
            prev_hash: None,
            hash: Digest::of(b""),
            traceparent: None,
        }
    }

    fn left(order: &mut Order<u32>) -> Vec<u64> {
        std::iter::from_fn(|| order.pop()).map(|event| event.position).collect()
    }

    #[test]
    fn an_early_event_waits_for_those_before_it() {
        let mut order = Order::after(4);
        assert_eq!(order.take(event(7), Some(7)), None);
        assert_eq!(order.take(event(6), Some(6)), None);
        assert!(order.has_hole());
        assert_eq!((left(&mut order), order.next()), (vec![], 5));
        assert_eq!(order.take(event(5), None), None);
        assert_eq!((left(&mut order), order.next()), (vec![5, 6, 7], 8));
        assert!(!order.has_hole());
    }

    #[test]
    fn a_repeat_is_settled_with_the_event_or_at_once() {
        let mut order = Order::after(0);
        order.take(event(1), Some(10));
        order.take(event(1), Some(11));
        assert_eq!(left(&mut order), [1]);
        assert_eq!(order.take(event(1), Some(12)), None, "it is still in hand");
        assert_eq!(order.receipts().count(), 3);
        assert_eq!(order.settle(1), [10, 11, 12]);
        assert_eq!(order.take(event(1), Some(13)), Some(13));
        assert_eq!(left(&mut order), [0; 0]);
    }

    #[test]
    fn what_was_settled_before_the_start_comes_back() {
        let mut order = Order::after(3);
        assert_eq!(order.take(event(3), Some(1)), Some(1));
        assert_eq!(left(&mut order), [0; 0]);
    }

    proptest! {
        #[test]
        fn any_order_of_duplicates_leaves_in_order_and_once(
            mut positions in Just((1..=60_u64).chain(1..=60).collect::<Vec<_>>()).prop_shuffle(),
            settle_at_once in any::<bool>(),
        ) {
            let mut order = Order::after(0);
            let mut all = Vec::new();
            let mut receipts = 0;
            for position in positions.drain(..) {
                receipts += usize::from(order.take(event(position), Some(0)).is_some());
                while let Some(event) = order.pop() {
                    all.push(event.position);
                    if settle_at_once {
                        receipts += order.settle(event.position).len();
                    }
                }
            }
            receipts += all.iter().map(|position| order.settle(*position).len()).sum::<usize>();
            prop_assert_eq!(all, (1..=60).collect::<Vec<u64>>());
            prop_assert_eq!(receipts, 120);
            prop_assert_eq!(order.receipts().count(), 0);
        }
    }
}
