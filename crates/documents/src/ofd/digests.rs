//! The digests of a package's files: each file is decompressed once, however many signatures protect it and whatever
//! algorithms they name, and several files at a time.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use eseal_pki::{DigestAlg, Hasher};

use super::package::{Fault, Package, Zip, stream};
use crate::{DocumentError, OnProgress, Progress};

/// Starting a thread costs as much as digesting some tens of kilobytes, so each gets at least this much to do.
const BYTES_PER_THREAD: u64 = 256 << 10;

/// Threads need memory of their own, and no machine has files in memory faster than these digest them.
const MAX_THREADS: usize = 16;

/// Which digests of which entries are asked for.
#[derive(Debug, Default)]
pub struct Wanted {
    algorithms: HashMap<usize, Vec<DigestAlg>>,
}

/// Digests by entry and algorithm; the error says what is damaged about the entry.
#[derive(Debug, Default)]
pub struct Digests {
    found: HashMap<(usize, DigestAlg), Result<Vec<u8>, String>>,
}

impl Wanted {
    /// Asks for a digest; asking again changes nothing.
    pub fn add(&mut self, index: usize, algorithm: DigestAlg) {
        let algorithms = self.algorithms.entry(index).or_default();
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }

    /// Computes them all, on as many threads as the machine has and the amount is worth; each needs some tens of
    /// kilobytes, however large the files are. Says on the way how many bytes are done.
    ///
    /// # Errors
    /// Only what makes the document unusable as a whole; what is damaged about a file is in its digests.
    pub fn compute(self, package: &Package, on_progress: OnProgress<'_>) -> Result<Digests, DocumentError> {
        let size = |index: usize| package.entries().get(index).map_or(0, |entry| entry.size);
        let job = |(index, algorithms)| Job { index, size: size(index), algorithms, kept: package.kept(index) };
        let mut jobs: Vec<Job> = self.algorithms.into_iter().map(job).collect();
        // The largest first: at the end it would leave the other threads without work.
        jobs.sort_unstable_by_key(|job| (Reverse(job.size), job.index));
        let work = Work { jobs: &jobs, next: AtomicUsize::new(0), done: AtomicU64::new(0), found: Mutex::default() };
        let total = jobs.iter().map(|job| job.size).sum();
        thread::scope(|scope| {
            for _ in 1..threads(total).min(jobs.len()) {
                let (work, mut zip) = (&work, package.zip());
                // Where no thread can be started, the others do its share.
                let _ = thread::Builder::new().spawn_scoped(scope, move || work.run(&mut zip, &mut |_| {}));
            }
            work.run(&mut package.zip(), &mut |done| on_progress(Progress { done: done.min(total), total }));
        });
        on_progress(Progress { done: total, total });
        let mut digests = Digests::default();
        for (job, outcome) in work.found.into_inner().unwrap_or_else(PoisonError::into_inner) {
            digests.add(job, outcome)?;
        }
        Ok(digests)
    }
}

impl Digests {
    /// A digest that was asked for. `None` for another.
    pub fn get(&self, index: usize, algorithm: DigestAlg) -> Option<Result<&[u8], &str>> {
        let found = self.found.get(&(index, algorithm))?;
        Some(found.as_ref().map(Vec::as_slice).map_err(String::as_str))
    }

    fn add(&mut self, job: &Job, outcome: Result<Vec<Vec<u8>>, Fault>) -> Result<(), DocumentError> {
        let keys = job.algorithms.iter().map(|algorithm| (job.index, *algorithm));
        match outcome {
            Ok(values) => self.found.extend(keys.zip(values.into_iter().map(Ok))),
            Err(Fault::Damaged(what)) => self.found.extend(keys.map(|key| (key, Err(what.clone())))),
            Err(Fault::Fatal(error)) => return Err(error),
        }
        Ok(())
    }
}

/// One entry with the digests that it needs.
struct Job {
    index: usize,
    size: u64,
    algorithms: Vec<DigestAlg>,
    /// Its content, if it was read already.
    kept: Option<Arc<[u8]>>,
}

/// What all threads share.
struct Work<'a> {
    jobs: &'a [Job],
    /// The next job that nobody has taken.
    next: AtomicUsize,
    /// Bytes that are digested.
    done: AtomicU64,
    found: Mutex<Vec<Found<'a>>>,
}

type Found<'a> = (&'a Job, Result<Vec<Vec<u8>>, Fault>);

impl Work<'_> {
    /// Takes jobs until there are none.
    fn run(&self, zip: &mut Zip, on_done: &mut dyn FnMut(u64)) {
        let mut found = Vec::new();
        while let Some(job) = self.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = job.digest(zip, &mut |piece| {
                let before = self.done.fetch_add(piece as u64, Ordering::Relaxed);
                on_done(before + piece as u64);
            });
            found.push((job, outcome));
        }
        self.found.lock().unwrap_or_else(PoisonError::into_inner).append(&mut found);
    }
}

impl Job {
    /// The digests of the entry in the order of its algorithms.
    fn digest(&self, zip: &mut Zip, on_piece: &mut dyn FnMut(usize)) -> Result<Vec<Vec<u8>>, Fault> {
        let mut hashers: Vec<Hasher> = self.algorithms.iter().map(|algorithm| algorithm.hasher()).collect();
        let mut take = |piece: &[u8]| {
            hashers.iter_mut().for_each(|hasher| hasher.update(piece));
            on_piece(piece.len());
        };
        match &self.kept {
            Some(content) => take(content),
            None => stream(zip, self.index, &mut take)?,
        }
        Ok(hashers.into_iter().map(Hasher::finish).collect())
    }
}

fn threads(bytes: u64) -> usize {
    match usize::try_from(bytes / BYTES_PER_THREAD).unwrap_or(usize::MAX) {
        // How many processors there are is read from several files: not for a small document.
        0 | 1 => 1,
        worth => worth.min(thread::available_parallelism().map_or(1, NonZero::get)).min(MAX_THREADS),
    }
}
