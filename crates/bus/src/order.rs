//! Puts events in order again: in whatever order and however often they come, they leave in the order of their positions.
//! And tells those of the owner from others that look like them: what does not follow its stream waits until the owner is
//! asked, and what the owner's log has at a place is what leaves from there.

use std::collections::{BTreeMap, VecDeque};

use eseal_eventstore::StoredEvent;

use crate::known::{Fit, Known};
use crate::source::Page;

/// The most events that wait to leave.
const READY_MAX: usize = 500;
/// The most events that wait for one before them, or for the owner's word.
const EARLY_MAX: usize = 1_000;

/// What came by a message before its turn.
#[derive(Debug)]
struct Early {
    event: StoredEvent,
    /// Whether only the owner can say what belongs here.
    doubtful: bool,
    /// Whether it was here when the owner was asked last.
    asked: bool,
}

/// Why the owner is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// An event is missing, which may come by itself.
    Hole,
    /// It must be told what is the owner's.
    Doubt,
}

/// What an answer of the owner came to.
#[derive(Debug)]
pub(crate) struct Findings<R> {
    /// How many events came that no message had brought.
    pub(crate) filled: u64,
    /// How many messages are of no event of the owner.
    pub(crate) foreign: u64,
    /// How many events left that are not the owner's.
    pub(crate) disowned: u64,
    /// The receipts of messages that are not to come again.
    pub(crate) refused: Vec<R>,
    /// Whether the owner has more to tell at once.
    pub(crate) more: bool,
}

/// Events on their way, and the receipts of the messages that brought them, until they are settled.
#[derive(Debug)]
pub(crate) struct Order<R> {
    /// The next position to become ready.
    next: u64,
    known: Known,
    ready: VecDeque<StoredEvent>,
    /// What came before its turn, or is doubtful.
    early: BTreeMap<u64, Early>,
    /// All positions from the first that is not settled on, with the receipts of their messages: of none, one or many.
    in_hand: BTreeMap<u64, Vec<R>>,
    /// Messages with another event than the one that left from their position.
    others: BTreeMap<u64, Vec<R>>,
    /// From where on it is to be compared what was taken.
    compare: Option<u64>,
    /// The last position that was ready when the owner was asked.
    asked_at: u64,
}

impl<R> Order<R> {
    /// Nothing yet of the events after `cursor`. What is known of those before is compared when the owner is asked.
    pub(crate) fn after(cursor: u64, known: Known) -> Self {
        Self {
            next: cursor.saturating_add(1),
            compare: known.first(),
            known,
            ready: VecDeque::new(),
            early: BTreeMap::new(),
            in_hand: BTreeMap::new(),
            others: BTreeMap::new(),
            asked_at: cursor,
        }
    }

    /// The next position that is missing.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Whether more messages may come.
    pub(crate) fn has_room(&self) -> bool {
        self.may_ask() && self.early.len() + self.others.len() < EARLY_MAX
    }

    /// Whether an answer of the owner may come.
    pub(crate) fn may_ask(&self) -> bool {
        self.ready.len() < READY_MAX
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(crate) fn need(&self) -> Need {
        let doubtful = self.early.get(&self.next).is_some_and(|early| early.doubtful);
        if doubtful || !self.others.is_empty() || self.compare.is_some() {
            Need::Doubt
        } else if self.early.is_empty() {
            Need::Nothing
        } else {
            Need::Hole
        }
    }

    /// Takes what a message brought. The receipt comes back if the event was settled before.
    pub(crate) fn take(&mut self, event: StoredEvent, receipt: R) -> Option<R> {
        let position = event.position;
        if position >= self.next {
            self.in_hand.entry(position).or_default().push(receipt);
            let same = |early: &mut Early| early.doubtful |= early.event.event_id != event.event_id;
            let new = || Early { event: event.clone(), doubtful: false, asked: false };
            self.early.entry(position).and_modify(same).or_insert_with(new);
            self.advance();
        } else if self.known.is_taken(&event) == Some(false) {
            self.others.entry(position).or_default().push(receipt);
        } else if let Some(receipts) = self.in_hand.get_mut(&position) {
            receipts.push(receipt);
        } else {
            return Some(receipt);
        }
        None
    }

    /// The owner is asked now. After which position: the last one that was taken comes once more, so that it is seen
    /// whether it is the owner's.
    pub(crate) fn ask(&mut self) -> u64 {
        self.early.values_mut().for_each(|early| early.asked = true);
        self.asked_at = self.next - 1;
        let last = Some(self.next - 1).filter(|last| self.known.is_known(*last));
        let other = self.others.first_key_value().map(|(position, _)| *position);
        let from = [last, other, self.compare].into_iter().flatten().fold(self.next, u64::min);
        from - 1
    }

    /// What the owner answered: its events after `after`.
    pub(crate) fn answered(&mut self, after: u64, page: Page) -> Findings<R> {
        let mut findings =
            Findings { filled: 0, foreign: 0, disowned: 0, refused: Vec::new(), more: !page.events.is_empty() };
        let end = after + page.events.len() as u64;
        findings.more &= end < page.head;
        let compared = self.compare.take();
        for event in page.events {
            if !self.hear(event, &mut findings) {
                break;
            }
        }
        if self.compare.is_none() && findings.more {
            self.compare = compared.map(|from| from.max(end + 1)).filter(|from| *from < self.next);
        }
        if end >= page.head {
            self.end_at(end, &mut findings);
        }
        self.advance();
        findings
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
        self.in_hand.values().chain(self.others.values()).flatten()
    }

    /// Makes ready what follows, up to a hole or a doubt.
    fn advance(&mut self) {
        while let Some(early) = self.early.get_mut(&self.next) {
            early.doubtful |= self.known.fit(&early.event) != Fit::Follows;
            if early.doubtful {
                return;
            }
            if let Some(early) = self.early.remove(&self.next) {
                self.leave(early.event);
            }
        }
    }

    /// The event is the next one.
    fn leave(&mut self, event: StoredEvent) {
        self.known.take(&event);
        self.in_hand.entry(event.position).or_default();
        self.ready.push_back(event);
        self.next += 1;
    }

    /// What the owner has at a place counts. Whether the next one may be heard.
    fn hear(&mut self, event: StoredEvent, findings: &mut Findings<R>) -> bool {
        let position = event.position;
        if position == self.next {
            if self.known.fit(&event) == Fit::Breaks {
                // Then what was taken before it is not the owner's. It is found by comparing, and has its turn before this.
                self.compare = self.known.first();
                self.known.forget_streams();
                return false;
            }
            match self.early.remove(&position) {
                None => findings.filled += 1,
                Some(early) => findings.foreign += u64::from(early.event.event_id != event.event_id),
            }
            self.leave(event);
        } else if position < self.next {
            let others = self.others.remove(&position).unwrap_or_default();
            if self.known.is_taken(&event) == Some(false) {
                findings.disowned += 1;
                self.known.replace(&event);
                self.in_hand.entry(position).or_default().extend(others);
                self.ready.push_back(event);
            } else {
                self.known.learn(&event);
                findings.foreign += others.len() as u64;
                findings.refused.extend(others);
            }
        }
        true
    }

    /// The log ended here when the owner was asked: what was there before and lies behind it is not the owner's.
    fn end_at(&mut self, end: u64, findings: &mut Findings<R>) {
        let foreign = |(position, early): &(&u64, &Early)| **position > end && early.asked;
        let foreign: Vec<u64> = self.early.iter().filter(foreign).map(|(position, _)| *position).collect();
        for position in foreign {
            self.early.remove(&position);
            let receipts = self.in_hand.remove(&position).unwrap_or_default();
            findings.foreign += receipts.len() as u64;
            findings.refused.extend(receipts);
        }
        if end < self.asked_at {
            // Their places are free again; what else was taken since comes once more, and is known to be settled.
            findings.disowned += self.asked_at - end;
            self.next = end + 1;
            self.known.end_at(end);
            let others = self.others.split_off(&self.next);
            findings.refused.extend(others.into_values().flatten());
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use eseal_eventstore::{Actor, StreamId};
    use eseal_kernel::{Digest, Id, Timestamp};
    use proptest::prelude::*;

    use super::*;

    /// The begin of a stream of its own.
    pub(crate) fn event(position: u64) -> StoredEvent {
        let id = position.to_string();
        StoredEvent {
            position,
            event_id: Id::derived(&Digest::of(id.as_bytes())),
            stream_id: StreamId::try_new("thing", &id).expect("fit"),
            stream_version: 1,
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
        let mut order = Order::after(4, Known::default());
        assert_eq!(order.take(event(7), 7), None);
        assert_eq!(order.take(event(6), 6), None);
        assert_eq!((left(&mut order), order.next(), order.need()), (vec![], 5, Need::Hole));
        assert_eq!(order.take(event(5), 5), None);
        assert_eq!((left(&mut order), order.next(), order.need()), (vec![5, 6, 7], 8, Need::Nothing));
    }

    #[test]
    fn a_repeat_is_settled_with_the_event_or_at_once() {
        let mut order = Order::after(0, Known::default());
        order.take(event(1), 10);
        order.take(event(1), 11);
        assert_eq!(left(&mut order), [1]);
        assert_eq!(order.take(event(1), 12), None, "it is still in hand");
        assert_eq!(order.receipts().count(), 3);
        assert_eq!(order.settle(1), [10, 11, 12]);
        assert_eq!(order.take(event(1), 13), Some(13));
        assert_eq!(left(&mut order), [0; 0]);
    }

    #[test]
    fn what_was_settled_before_the_start_comes_back() {
        let mut order = Order::after(3, Known::default());
        assert_eq!(order.take(event(3), 1), Some(1));
        assert_eq!(left(&mut order), [0; 0]);
    }

    fn answer(positions: std::ops::RangeInclusive<u64>, head: u64) -> Page {
        Page { events: positions.map(event).collect(), head }
    }

    /// Looks like the event of its position.
    fn foreign(position: u64) -> StoredEvent {
        StoredEvent { event_id: Id::derived(&Digest::of(b"foreign")), ..event(position) }
    }

    #[test]
    fn an_order_that_is_full_of_early_events_may_still_ask_for_the_missing_one() {
        let mut order = Order::after(0, Known::default());
        for position in (2..).take(EARLY_MAX) {
            order.take(event(position), 0);
        }
        assert!(!order.has_room() && order.may_ask());
        let after = order.ask();
        order.answered(after, answer(1..=1, 1_001));
        assert_eq!(left(&mut order).len(), EARLY_MAX + 1);
        assert!(order.has_room());
    }

    #[test]
    fn the_last_event_is_compared_with_each_answer_and_replaced_by_the_owners() {
        let mut order = Order::after(0, Known::default());
        order.take(event(1), 1);
        order.take(foreign(2), 2);
        assert_eq!(left(&mut order), [1, 2]);
        assert_eq!(order.settle(2), [2]);
        assert_eq!(order.ask(), 1);
        let findings = order.answered(1, answer(2..=3, 3));
        assert_eq!((findings.disowned, findings.filled, findings.foreign), (1, 1, 0));
        assert_eq!((order.pop(), order.pop(), order.pop()), (Some(event(2)), Some(event(3)), None));
    }

    #[test]
    fn what_came_after_the_question_is_not_taken_for_foreign() {
        let mut order = Order::after(0, Known::default());
        order.take(event(3), 3);
        let after = order.ask();
        order.take(event(4), 4);
        let findings = order.answered(after, answer(1..=2, 2));
        assert_eq!((findings.foreign, findings.refused), (1, vec![3]));
        assert_eq!((left(&mut order), order.need()), (vec![1, 2], Need::Hole));
        let after = order.ask();
        order.answered(after, answer(2..=4, 4));
        assert_eq!((left(&mut order), order.need()), (vec![3, 4], Need::Nothing));
    }

    #[test]
    fn what_was_taken_behind_the_end_of_the_log_makes_room_for_what_comes_there() {
        let mut order = Order::after(0, Known::default());
        order.take(event(1), 1);
        order.take(foreign(2), 2);
        let after = order.ask();
        let findings = order.answered(after, Page { events: Vec::new(), head: 1 });
        assert_eq!((findings.disowned, order.next()), (1, 2));
        order.take(event(2), 3);
        assert_eq!(left(&mut order), [1, 2, 2]);
        assert_eq!(order.settle(2), [2, 3]);
    }

    #[test]
    fn after_a_start_all_that_is_known_is_compared_page_by_page() {
        let taken = (1..=9).map(|position| match position {
            4 => foreign(4),
            position => event(position),
        });
        let known = Known::of(taken.map(|event| (event.position, event.event_id)).collect());
        let mut order: Order<u32> = Order::after(9, known);
        assert_eq!((order.need(), order.ask()), (Need::Doubt, 0));
        let findings = order.answered(0, answer(1..=3, 9));
        assert!(findings.more && findings.disowned == 0);
        assert_eq!(order.ask(), 3);
        let findings = order.answered(3, answer(4..=9, 9));
        assert_eq!((findings.disowned, findings.more, order.need()), (1, false, Need::Nothing));
        assert_eq!((order.pop(), order.pop()), (Some(event(4)), None));
    }

    proptest! {
        #[test]
        fn any_order_of_duplicates_leaves_in_order_and_once(
            mut positions in Just((1..=60_u64).chain(1..=60).collect::<Vec<_>>()).prop_shuffle(),
            settle_at_once in any::<bool>(),
        ) {
            let mut order = Order::after(0, Known::default());
            let mut all = Vec::new();
            let mut receipts = 0;
            for position in positions.drain(..) {
                receipts += usize::from(order.take(event(position), 0).is_some());
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
