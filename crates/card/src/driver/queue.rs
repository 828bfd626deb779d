//! A bounded queue from one reader to several who work side by side: one is woken for one thing.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Things that wait. Whoever puts one more than fits into it waits.
pub(super) struct Queue<T> {
    most: usize,
    inside: Mutex<Inside<T>>,
    filled: Condvar,
    emptied: Condvar,
}

struct Inside<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(most: usize) -> Self {
        let inside = Mutex::new(Inside { waiting: VecDeque::new(), is_closed: false });
        Self { most, inside, filled: Condvar::new(), emptied: Condvar::new() }
    }

    /// Puts a thing at the end.
    pub(super) fn push(&self, thing: T) {
        let is_full = |inside: &mut Inside<T>| inside.waiting.len() >= self.most && !inside.is_closed;
        let mut inside = self.emptied.wait_while(self.inside(), is_full).unwrap_or_else(PoisonError::into_inner);
        inside.waiting.push_back(thing);
        drop(inside);
        self.filled.notify_one();
    }

    /// Takes the first; waits for one. `None` once the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        let is_empty = |inside: &mut Inside<T>| inside.waiting.is_empty() && !inside.is_closed;
        let mut inside = self.filled.wait_while(self.inside(), is_empty).unwrap_or_else(PoisonError::into_inner);
        let first = inside.waiting.pop_front();
        drop(inside);
        self.emptied.notify_one();
        first
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.inside().is_closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }

    fn inside(&self) -> MutexGuard<'_, Inside<T>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_once_in_order_and_more_than_fits_waits() {
        let queue = Queue::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..1000).for_each(|number| queue.push(number));
                queue.close();
            });
            let taken: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
            assert!(taken.iter().copied().eq(0..1000));
        });
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn several_share_what_is_there() {
        let queue = Queue::new(4);
        let taken = std::thread::scope(|scope| {
            let takers: Vec<_> =
                (0..4).map(|_| scope.spawn(|| std::iter::from_fn(|| queue.pop()).sum::<u64>())).collect();
            (1..=100).for_each(|number| queue.push(number));
            queue.close();
            takers.into_iter().map(|taker| taker.join().expect("no panic")).sum::<u64>()
        });
        assert_eq!(taken, 5050);
    }
}
