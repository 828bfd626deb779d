//! Documents of an act that go to the service together: sealed in one portion while it looks at the one before.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use eseal_pki::Signer as _;
use eseal_proto::authentication::v1 as pb;

use super::act::{List, fitting};
use super::begun::Begun;
use super::bench::{Bench, Draft, Holder, Ready, Signed, Slot, Waiting};
use super::no_key;
use super::workers::side_by_side;
use crate::commands::Env;
use crate::failure::{Failure, Kind};
use crate::lang::Lang;

/// Portions that are sealed before the service has looked at the one before them.
pub(super) const AHEAD: usize = 1;
/// So few are not worth a commit of their own.
const FEW: usize = 25;
/// Files that are waited for at once until they are on disk: disks answer many as fast as one.
const SYNCS: NonZeroUsize = NonZeroUsize::new(16).expect("some");

/// Documents that go to the service together, sealed and written; of those that could not be, why.
pub(super) struct Portion {
    pub(super) documents: Vec<Ready>,
    pub(super) written: Vec<Result<Waiting, Failure>>,
    /// No other one comes after it in the act.
    pub(super) is_last: bool,
}

impl Portion {
    /// Waits until what was written would outlast a power cut.
    pub(super) fn make_last(&mut self, lang: Lang) {
        let sync = |path: &Path| File::options().write(true).open(path).and_then(|file| file.sync_all());
        let make_last = |written: &Result<Waiting, Failure>| {
            let path = &written.as_ref().ok()?.path;
            sync(path).err().map(|error| Failure::unwritable(lang, path, &error))
        };
        let failed = side_by_side(SYNCS, &self.written, make_last);
        for (written, failed) in self.written.iter_mut().zip(failed) {
            if let Some(failure) = failed {
                *written = Err(failure);
            }
        }
    }

    /// Nobody may have what is not recorded.
    pub(super) fn throw_away(&self) {
        for waiting in self.written.iter().flatten() {
            let _ = fs::remove_file(&waiting.path);
        }
    }
}

impl Bench<'_> {
    /// Seals portion after portion and hands them over, until all are or nobody takes them any more.
    pub(super) fn seal_all(
        &self,
        jobs: NonZeroUsize,
        act: &OpenAct,
        mut ready: Vec<Ready>,
        stopped: &AtomicBool,
        hand_over: &SyncSender<Result<Portion, Failure>>,
    ) {
        while !ready.is_empty() && !stopped.load(Ordering::Relaxed) {
            let sizes = ready.iter().map(|ready| (ready.structure_size, ready.listed.places.len()));
            let rest = ready.split_off(fitting(sizes).min(at_most(ready.len())));
            let documents = std::mem::replace(&mut ready, rest);
            let is_last = ready.is_empty() && act.is_whole;
            let portion = self.seal(jobs, act, documents, is_last);
            let failed = portion.is_err();
            if hand_over.send(portion).is_err() || failed {
                return;
            }
        }
    }

    fn seal(
        &self,
        jobs: NonZeroUsize,
        act: &OpenAct,
        documents: Vec<Ready>,
        is_last: bool,
    ) -> Result<Portion, Failure> {
        let draft = |ready: &Ready| ready.draft.take().map_or_else(|| self.prepare_again(ready), Ok);
        let written = match &self.means.holder {
            Holder::Card { keys, .. } => side_by_side(jobs, &documents, |ready| {
                let draft = draft(ready)?;
                let key = keys.get(ready.suite.name()).ok_or_else(|| no_key(self.env.lang(), ready.suite))?;
                let signature = key.sign(draft.1.to_sign()).map_err(|error| failed(self.env).because(error))?;
                self.write(draft, &signature, ready)
            }),
            // All of its signatures come at once.
            Holder::Hosted { .. } => {
                let drafts = side_by_side(jobs, &documents, draft);
                let both: Vec<_> = documents.iter().zip(&drafts).collect();
                let signatures = self.hosted_signatures(act, &both)?;
                let signed = drafts.into_iter().zip(signatures).map(|(draft, signature)| Ok((draft?, signature?)));
                let signed: Vec<_> = documents.iter().zip(signed.map(|signed| Slot::new(Some(signed)))).collect();
                side_by_side(jobs, &signed, |(ready, signed): &(&Ready, Slot<Result<Signed, Failure>>)| {
                    let (draft, signature) = signed.take().unwrap_or_else(|| Err(failed(self.env)))?;
                    self.write(draft, &signature, ready)
                })
            }
        };
        Ok(Portion { documents, written, is_last })
    }

    /// What an earlier run was given is not asked for again: a hosted key signs for each document once.
    fn hosted_signatures(
        &self,
        act: &OpenAct,
        both: &[(&Ready, &Result<Draft, Failure>)],
    ) -> Result<Vec<Result<Vec<u8>, Failure>>, Failure> {
        let (mut given, mut asked) = (BTreeMap::new(), Vec::new());
        for (ready, draft) in both {
            let Ok((_, prepared)) = draft else { continue };
            let Some(certificate) = self.means.certificates.get(ready.suite.name()) else { continue };
            match act.signed_before(ready.listed.index, prepared.to_sign()) {
                Some(signature) => drop(given.insert(ready.listed.index, Ok(signature))),
                None => asked.push((ready.listed.clone(), prepared.to_sign().to_vec(), certificate.fingerprint())),
            }
        }
        if !asked.is_empty() {
            let indexes: Vec<_> = asked.iter().map(|(listed, ..)| listed.index).collect();
            given.extend(indexes.into_iter().zip(self.signed(self.attempt.signing(&act.list, asked), act)?));
        }
        let of = |(ready, _): &(&Ready, _)| match given.remove(&ready.listed.index) {
            Some(Ok(signature)) => Ok(signature),
            Some(Err(reason)) => Err(refused(self.env, &reason)),
            None => Err(failed(self.env)),
        };
        Ok(both.iter().map(of).collect())
    }

    fn signed(
        &self,
        request: pb::SignHostedBatchRequest,
        act: &OpenAct,
    ) -> Result<Vec<Result<Vec<u8>, String>>, Failure> {
        act.begun.keep_signing(&request)?;
        if eseal_faultpoint::fails("batch.unanswered") {
            return Err(Failure::new(Kind::Unreachable, "SERVER_UNREACHABLE", self.env.lang()));
        }
        let given = self.sign_hosted(request)?;
        eseal_faultpoint::pass("batch.signed");
        Ok(given)
    }
}

/// An act whose documents are being sealed.
pub(super) struct OpenAct {
    pub(super) list: List,
    /// As it is kept.
    pub(super) begun: Begun,
    /// What the hosted key signed for an earlier run, by the place in the list: what, and its signature.
    pub(super) given: BTreeMap<u32, (Vec<u8>, Vec<u8>)>,
    /// Whether it is over after these documents.
    pub(super) is_whole: bool,
}

impl OpenAct {
    fn signed_before(&self, index: u32, to_sign: &[u8]) -> Option<Vec<u8>> {
        let (signed, signature) = self.given.get(&index)?;
        (signed == to_sign).then(|| signature.clone())
    }
}

/// How many of so many go into the next portion at most: towards the end fewer and fewer, since nothing is sealed any more
/// while the service looks at the last ones.
fn at_most(left: usize) -> usize {
    left.div_ceil(2).max(FEW).min(left)
}

fn failed(env: &Env) -> Failure {
    Failure::new(Kind::Refused, "SIGNING_FAILED", env.lang())
}

/// A document that the service refused.
pub(super) fn refused(env: &Env, reason: &str) -> Failure {
    let known = ["DOCUMENT_NOT_LISTED", "DOCUMENT_ALREADY_SEALED"].into_iter().find(|code| *code == reason);
    Failure::new(Kind::Refused, known.unwrap_or("SIGNING_FAILED"), env.lang())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_get_smaller_towards_the_end_until_they_are_not_worth_it() {
        let mut left = 200;
        let sizes = std::iter::from_fn(|| {
            let size = at_most(left);
            left -= size;
            (size > 0).then_some(size)
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [100, 50, 25, 25]);
        assert_eq!([0, 1, FEW, FEW + 1, 51].map(at_most), [0, 1, 25, 25, 26]);
    }
}
