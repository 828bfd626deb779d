//! What becomes of the documents of a batch: recorded by the service, noted, put in their places, and told.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use eseal_proto::authentication::v1 as pb;
use indicatif::ProgressBar;

use super::begun::{Begun, Entry};
use super::bench::{Bench, Ready, Waiting};
use super::inputs::Input;
use super::journal::{Journal, digest};
use super::line::{Ending, Line};
use super::portion::{AHEAD, OpenAct, Portion, refused};
use crate::commands::Env;
use crate::failure::Failure;

/// What the service says of a document: why not, if it was refused.
type Said = Result<(), String>;

pub(super) struct Results<'a> {
    env: &'a Env,
    pub(super) journal: Journal,
    bar: ProgressBar,
    pub(super) sealed: u64,
    /// So many failed, by their codes.
    pub(super) failed: BTreeMap<String, u64>,
}

impl<'a> Results<'a> {
    pub(super) fn new(env: &'a Env, journal: Journal) -> Self {
        let bar = env.output.count(env.lang().pick("签章", "sealing"), 0);
        Self { env, journal, bar, sealed: 0, failed: BTreeMap::new() }
    }

    /// So many documents are still to come.
    pub(super) fn expect(&self, documents: usize) {
        self.bar.set_length(self.count() + documents as u64);
    }

    /// Documents that came to an end.
    pub(super) fn count(&self) -> u64 {
        self.sealed + self.failed.values().sum::<u64>()
    }

    /// What is being done, beside the bar.
    pub(super) fn doing(&self, what: &'static str) {
        self.bar.set_message(what);
    }

    /// Says something else while the bar makes room.
    pub(super) fn interrupt(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Notes and tells what could not be sealed.
    pub(super) fn refuse(&mut self, lines: &[Line]) -> Result<(), Failure> {
        self.journal.note(lines)?;
        self.tell(lines);
        Ok(())
    }

    /// Portion after portion: while the service looks at one, the next ones are sealed.
    pub(super) fn portions(
        &mut self,
        bench: &Bench<'_>,
        jobs: NonZeroUsize,
        act: &OpenAct,
        ready: Vec<Ready>,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Failure> {
        let (hand_over, sealed) = mpsc::sync_channel(AHEAD);
        let stopped = &AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(move || bench.seal_all(jobs, act, ready, stopped, &hand_over));
            let mut ended = Ok(());
            for portion in sealed {
                ended = match (ended, portion) {
                    (Ok(()), Ok(portion)) => self.record(bench, act, portion, inputs),
                    (Ok(()), Err(failure)) => Err(failure),
                    (Err(failure), portion) => {
                        portion.iter().for_each(Portion::throw_away);
                        Err(failure)
                    }
                };
                stopped.store(ended.is_err(), Ordering::Relaxed);
            }
            ended
        })
    }

    /// Gate e for a portion. Those of its documents that are done are no more among `inputs`.
    fn record(
        &mut self,
        bench: &Bench<'_>,
        act: &OpenAct,
        mut portion: Portion,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Failure> {
        portion.make_last(self.env.lang());
        let completions = portion.documents.iter().zip(&portion.written).map(|(ready, written)| {
            let signature = written.as_ref().map(|waiting| waiting.signature.clone()).unwrap_or_default();
            (ready.listed.clone(), signature)
        });
        let request = bench.attempt.completion(&act.list, completions.collect(), portion.is_last);
        let kept = act.begun.keep_completion(&request)?; // from here on it comes to the same, whoever is killed
        act.begun.forget_signings(portion.documents.last().map_or(0, |ready| ready.listed.index));
        eseal_faultpoint::pass("batch.kept");
        let said = bench.complete(request);
        eseal_faultpoint::pass("batch.recorded");
        if said.as_ref().is_err_and(is_over) {
            portion.throw_away();
        }
        let done = self.settle(bench.attempt.id(), portion, said?)?;
        let _ = fs::remove_file(kept); // it goes with the act at last
        inputs.retain(|input| !done.contains(&input.output));
        Ok(())
    }

    /// Puts what is recorded to its place; gives the places of those that are done.
    fn settle(&mut self, attempt_id: &str, portion: Portion, said: Vec<Said>) -> Result<HashSet<PathBuf>, Failure> {
        let ended = portion.documents.iter().zip(portion.written).zip(said);
        let lines: Vec<_> = ended.map(|((ready, written), end)| self.line(attempt_id, ready, written, end)).collect();
        let lines = self.end(lines)?;
        Ok(lines.into_iter().map(|line| line.output).collect())
    }

    /// The same for what a run that was killed had sent to gate e, now that the answer is here.
    pub(super) fn settle_again(
        &mut self,
        (begun, output_dir): (&Begun, &Path),
        request: &pb::CompleteBatchRequest,
        said: Vec<Said>,
    ) -> Result<(), Failure> {
        let mut lines = Vec::new();
        for (sealed, end) in request.documents.iter().zip(said) {
            let index = sealed.document.as_ref().map_or(u32::MAX, |document| document.index);
            let Some(entry) = begun.entry(index) else { continue };
            // What could not be sealed is tried once more; what is noted was put in its place.
            if !sealed.signature.is_empty() && !self.journal.is_ended(begun.attempt_id(), index) {
                lines.push(self.line_again(begun, output_dir, (index, entry), end));
            }
        }
        self.end(lines).map(drop)
    }

    fn line_again(&self, begun: &Begun, output_dir: &Path, (index, entry): (u32, &Entry), end: Said) -> Line {
        let lang = self.env.lang();
        let waiting = self.journal.waiting(begun.attempt_id(), index);
        let input = Input { file: entry.file.clone(), output: output_dir.join(&entry.output) };
        let (attempt_id, index) = (begun.attempt_id().to_owned(), Some(index));
        let failure = match end {
            Ok(()) => match digest(&waiting) {
                Ok(output_digest) => {
                    return Line {
                        attempt_id,
                        index,
                        document_digest: entry.document_digest.clone(),
                        input_digest: entry.input_digest.clone(),
                        output_digest,
                        ..Line::sealed(input)
                    };
                }
                Err(error) => Failure::unreadable(lang, &waiting, &error),
            },
            Err(reason) => {
                let _ = fs::remove_file(&waiting);
                refused(self.env, &reason)
            }
        };
        Line { attempt_id, index, ..failed_line(&input, &failure) }
    }

    /// Notes these, puts what is sealed to its place, and tells.
    fn end(&mut self, lines: Vec<Line>) -> Result<Vec<Line>, Failure> {
        self.journal.note(&lines)?; // from here on they are sealed, wherever they lie
        eseal_faultpoint::pass("batch.noted");
        let lines = self.place(lines)?;
        self.tell(&lines);
        Ok(lines)
    }

    fn line(&self, attempt_id: &str, ready: &Ready, written: Result<Waiting, Failure>, end: Said) -> Line {
        let failure = match (written, end) {
            (Ok(waiting), Ok(())) => {
                return Line {
                    attempt_id: attempt_id.to_owned(),
                    index: Some(ready.listed.index),
                    document_digest: ready.listed.digest.to_string(),
                    input_digest: ready.input_digest.clone(),
                    output_digest: waiting.output_digest,
                    ..Line::sealed(ready.input.clone())
                };
            }
            (Err(failure), _) => failure,
            (Ok(_), Err(reason)) => refused(self.env, &reason),
        };
        let _ = fs::remove_file(self.journal.waiting(attempt_id, ready.listed.index));
        let (attempt_id, index) = (attempt_id.to_owned(), Some(ready.listed.index));
        Line { attempt_id, index, ..failed_line(&ready.input, &failure) }
    }

    /// Moves what waits to its place. What can't be there any more is told as failed, and stays where it is.
    fn place(&mut self, lines: Vec<Line>) -> Result<Vec<Line>, Failure> {
        let mut failed = Vec::new();
        let mut place = |line: Line| {
            if line.result == Ending::Failed {
                return line;
            }
            let waiting = self.journal.waiting(&line.attempt_id, line.index.unwrap_or_default());
            let Err(failure) = self.journal.place(waiting.clone(), &line.output) else { return line };
            self.journal.leave(waiting);
            let line = line.unplaced(&failure);
            failed.push(line.clone());
            line
        };
        let lines: Vec<Line> = lines.into_iter().map(&mut place).collect();
        self.journal.settle(lines.iter().map(|line| line.output.as_path()));
        self.journal.note(&failed)?;
        Ok(lines)
    }

    fn tell(&mut self, lines: &[Line]) {
        let (output, lang) = (self.env.output, self.env.lang());
        for line in lines {
            let words = match line.result {
                Ending::Sealed => {
                    self.sealed += 1;
                    format!("{} {}", lang.pick("签章成功:", "sealed:"), line.output.display())
                }
                Ending::Failed => {
                    *self.failed.entry(line.code.clone()).or_default() += 1;
                    format!(
                        "{} {}: {} [{}]",
                        lang.pick("失败:", "failed:"),
                        line.file.display(),
                        line.message,
                        line.code
                    )
                }
            };
            let value = serde_json::to_value(line).unwrap_or_default();
            self.bar.suspend(|| output.stream(&value, &words));
            self.bar.inc(1);
        }
    }
}

pub(super) fn failed_line(input: &Input, failure: &Failure) -> Line {
    Line::sealed(input.clone()).unplaced(failure)
}

/// Whether it says that the act has ended at the service: a gate refused, or its time is over. Whatever it has not recorded by
/// now it never will.
pub(super) fn is_over(failure: &Failure) -> bool {
    failure.code == "ATTEMPT_NOT_OPEN" || failure.facts.iter().any(|(name, _)| name == "gate")
}
