//! What becomes of the documents of a batch: recorded by the service, noted, put in their places, and told.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use indicatif::ProgressBar;

use super::act::List;
use super::bench::{Bench, Ready, Waiting};
use super::inputs::Input;
use super::journal::{Ending, Journal, Line};
use super::portion::{AHEAD, Portion, refused};
use crate::commands::Env;
use crate::failure::Failure;

/// What the service says of a document: why not, if it was refused.
type Said = Result<(), String>;

pub(super) struct Results<'a> {
    env: &'a Env,
    pub(super) journal: Journal,
    bar: ProgressBar,
    pub(super) sealed: u64,
    pub(super) failed: u64,
}

impl<'a> Results<'a> {
    pub(super) fn new(env: &'a Env, journal: Journal, documents: usize) -> Self {
        let bar = env.output.count(env.lang().pick("签章", "sealing"), documents as u64);
        Self { env, journal, bar, sealed: 0, failed: 0 }
    }

    /// Documents that came to an end.
    pub(super) const fn count(&self) -> u64 {
        self.sealed + self.failed
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
        list: &List,
        ready: Vec<Ready>,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Failure> {
        let (hand_over, sealed) = mpsc::sync_channel(AHEAD);
        let stopped = &AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(move || bench.seal_all(jobs, list, ready, stopped, &hand_over));
            let mut ended = Ok(());
            for portion in sealed {
                ended = match (ended, portion) {
                    (Ok(()), Ok(portion)) => self.record(bench, list, portion, inputs),
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
        list: &List,
        mut portion: Portion,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Failure> {
        portion.make_last(self.env.lang());
        let completions = portion.documents.iter().zip(&portion.written).map(|(ready, written)| {
            let signature = written.as_ref().map(|waiting| waiting.signature.clone()).unwrap_or_default();
            (ready.listed.clone(), signature)
        });
        let said = bench.complete(list, completions.collect(), portion.is_last);
        if said.as_ref().is_err_and(|failure| failure.code == "ATTEMPT_NOT_OPEN") {
            portion.throw_away();
        }
        let done = self.settle(bench.attempt.id(), portion, said?)?;
        inputs.retain(|input| !done.contains(&input.output));
        Ok(())
    }

    /// Puts what is recorded to its place; gives the places of those that are done.
    fn settle(&mut self, attempt_id: &str, portion: Portion, said: Vec<Said>) -> Result<Vec<PathBuf>, Failure> {
        let ended = portion.documents.iter().zip(portion.written).zip(said);
        let lines: Vec<_> = ended.map(|((ready, written), end)| self.line(attempt_id, ready, written, end)).collect();
        self.journal.note(&lines)?; // from here on they are sealed, wherever they lie
        let lines = self.place(lines)?;
        self.tell(&lines);
        Ok(lines.into_iter().map(|line| line.output).collect())
    }

    fn line(&self, attempt_id: &str, ready: &Ready, written: Result<Waiting, Failure>, end: Said) -> Line {
        let failure = match (written, end) {
            (Ok(waiting), Ok(())) => {
                return Line {
                    file: ready.input.file.clone(),
                    output: ready.input.output.clone(),
                    result: Ending::Sealed,
                    attempt_id: attempt_id.to_owned(),
                    index: Some(ready.listed.index),
                    document_digest: ready.listed.digest.to_string(),
                    output_digest: waiting.output_digest,
                    code: String::new(),
                    message: String::new(),
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
            let folder = line.output.parent().map_or(Ok(()), fs::create_dir_all);
            let placed = folder
                .map_err(|error| Failure::unwritable(self.env.lang(), &line.output, &error))
                .and_then(|()| self.journal.place(waiting, &line.output));
            let Err(failure) = placed else { return line };
            let line = failed_line(&Input { file: line.file, output: line.output }, &failure);
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
                    self.failed += 1;
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
    Line {
        file: input.file.clone(),
        output: input.output.clone(),
        result: Ending::Failed,
        attempt_id: String::new(),
        index: None,
        document_digest: String::new(),
        output_digest: String::new(),
        code: failure.code.clone(),
        message: failure.text.clone(),
    }
}
