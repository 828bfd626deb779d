//! The files of a package while it is verified: each is digested once per algorithm, however many signatures
//! protect it.

use std::collections::HashMap;
use std::io::{Read, Seek};

use eseal_pki::DigestAlg;

use super::package::{Fault, Package};
use crate::{DocumentError, OnProgress, Progress};

/// A package with the digests that were computed so far.
pub struct Files<'a, R> {
    /// The package.
    pub package: Package<R>,
    digests: HashMap<(usize, DigestAlg), Digested>,
    progress: Progress,
    on_progress: OnProgress<'a>,
}

/// The digest of an entry, or why it could not be read.
type Digested = Result<Vec<u8>, String>;

impl<'a, R: Read + Seek> Files<'a, R> {
    /// Files that report every digested piece to `on_progress`.
    pub fn new(package: Package<R>, on_progress: OnProgress<'a>) -> Self {
        let total = package.entries().iter().map(|entry| entry.size).sum();
        Self { package, digests: HashMap::new(), progress: Progress { done: 0, total }, on_progress }
    }

    /// The digest of an entry; the inner error says what is damaged about it.
    pub fn digest(&mut self, index: usize, algorithm: DigestAlg) -> Result<&Digested, DocumentError> {
        if !self.digests.contains_key(&(index, algorithm)) {
            let digested = self.compute(index, algorithm)?;
            self.digests.insert((index, algorithm), digested);
        }
        Ok(&self.digests[&(index, algorithm)])
    }

    fn compute(&mut self, index: usize, algorithm: DigestAlg) -> Result<Digested, DocumentError> {
        let mut hasher = algorithm.hasher();
        let Self { package, progress, on_progress, .. } = self;
        let streamed = package.stream(index, &mut |piece| {
            hasher.update(piece);
            // A second algorithm goes over the same bytes again.
            progress.done = progress.total.min(progress.done.saturating_add(piece.len() as u64));
            on_progress(*progress);
        });
        match streamed {
            Ok(()) => Ok(Ok(hasher.finish())),
            Err(Fault::Damaged(what)) => Ok(Err(what)),
            Err(Fault::Fatal(error)) => Err(error),
        }
    }

    /// Says that all is done, whatever was left out; gives back the package.
    pub fn finish(mut self) -> Package<R> {
        self.progress.done = self.progress.total;
        (self.on_progress)(self.progress);
        self.package
    }
}
