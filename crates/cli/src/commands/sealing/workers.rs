//! Work on many things, several at a time.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does the work on each thing, `jobs` at a time, and gives the results in the order of the things.
pub fn side_by_side<T: Sync, R: Send>(jobs: NonZeroUsize, things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(at) else { return done };
            done.push((at, work(thing)));
        }
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.get().min(things.len())).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|cause| resume_unwind(cause)))
            .collect::<Vec<_>>()
    });
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_things_however_many_work() {
        let things: Vec<_> = (0..1_000_u32).collect();
        for jobs in [1, 2, 7, 2_000] {
            let jobs = NonZeroUsize::new(jobs).expect("some");
            assert_eq!(
                side_by_side(jobs, &things, |thing| thing * 2),
                things.iter().map(|t| t * 2).collect::<Vec<_>>()
            );
        }
        assert_eq!(side_by_side(NonZeroUsize::MIN, &[] as &[u32], |thing| *thing), [0_u32; 0]);
    }
}
