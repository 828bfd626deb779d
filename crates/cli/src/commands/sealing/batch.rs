//! 批量签章: many documents in one act, several at a time.
//!
//! Each act goes through the documents twice: first all are digested, and the list of their digests is authorized; then
//! they are sealed in portions. What was laid out for the first few hundred is kept from the first time to the second.
//! For the others it is laid out again and must come to the same digest.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use eseal_kernel::Digest;
use eseal_pki::{Signer as _, Suite};
use indicatif::ProgressBar;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::act::{List, Listed, fitting};
use super::attempt::Attempt;
use super::bench::{Bench, Draft, Holder, Means, SUITES, Signed, Slot, Waiting};
use super::inputs::{self, Input};
use super::journal::{Ending, Journal, Line};
use super::manner::Manner;
use super::workers::side_by_side;
use super::writing::no_lister;
use super::{asks_again, digest_of, no_key, no_seal, unlock, usable, with_code};
use crate::args::SealBatch;
use crate::commands::Env;
use crate::commands::fabrication::connected;
use crate::connect::Server;
use crate::failure::{Failure, Kind};
use crate::secret;

/// Documents whose layout is kept between digesting and sealing: each takes as much memory as the picture and what is
/// written of the document anew.
const KEPT: usize = 400;
pub async fn seal_batch(env: &Env, args: &SealBatch) -> Result<ExitCode, Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let manner = Manner::read(lang, &args.manner)?;
    manner.must_be_complete(lang)?;
    let found = inputs::collect(lang, &args.inputs, &args.output_dir)?;
    fs::create_dir_all(&args.output_dir).map_err(|error| Failure::unwritable(lang, &args.output_dir, &error))?;
    let results = args.results.clone().unwrap_or_else(|| args.output_dir.join("results.jsonl"));
    let (journal, mut left, skipped) = Journal::open(lang, results, &args.output_dir, found, args.resume)?;
    let bar = env.output.count(lang.pick("签章", "sealing"), left.len() as u64);
    let mut run = Run { env, args, manner: &manner, server: &server, journal, bar, means: None, sealed: 0, failed: 0 };
    let ended = run.all(&mut left).await;
    run.bar.finish_and_clear();
    let Run { journal, sealed, failed, .. } = run;
    let words = match lang.pick("zh", "en") {
        "zh" => format!("已签章 {sealed},失败 {failed},此前已签章 {skipped};结果 {}", journal.path().display()),
        _ => format!(
            "sealed {sealed}, failed {failed}, sealed before {skipped}; results in {}",
            journal.path().display()
        ),
    };
    let value = json!({ "sealed": sealed, "failed": failed, "skipped": skipped, "left": left.len(), "results": journal.path() });
    env.output.stream(&value, &words);
    match ended {
        Err(failure) if !left.is_empty() => {
            Err(failure.advise(lang.pick("用 --resume 继续", "go on with the rest: --resume")))
        }
        Err(failure) => Err(failure),
        Ok(()) if failed > 0 => Ok(ExitCode::from(1)),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

struct Run<'a> {
    env: &'a Env,
    args: &'a SealBatch,
    manner: &'a Manner,
    server: &'a Server,
    journal: Journal,
    bar: ProgressBar,
    means: Option<Means>,
    sealed: u64,
    failed: u64,
}

/// A document that is digested.
pub(super) struct Ready {
    pub(super) input: Input,
    pub(super) listed: Listed,
    suite: Suite,
    structure_size: usize,
    /// What is laid out of it, if it was kept.
    draft: Slot<Draft>,
}

/// Documents that go to the service together, sealed on disk; of those that could not be, why.
struct Portion {
    documents: Vec<Ready>,
    written: Vec<Result<Waiting, Failure>>,
    /// No other one comes after it in the act.
    is_last: bool,
}

/// What the service says of a document: why not, if it was refused.
type Said = Result<(), String>;
/// What it says of a portion.
type Recorded = Result<Vec<Said>, Failure>;

impl Run<'_> {
    /// Act after act; what is not done is left in `left`.
    async fn all(&mut self, left: &mut Vec<Input>) -> Result<(), Failure> {
        while !left.is_empty() {
            let before = self.sealed + self.failed;
            let rest = left.split_off(inputs::size_of_act(left));
            let ended = self.act(left).await;
            left.extend(rest);
            ended?;
            if self.sealed + self.failed == before {
                return Err(Failure::new(Kind::Refused, "SIGNING_FAILED", self.env.lang()));
            }
        }
        Ok(())
    }

    /// One act over all of `inputs`. What was not done, because it took too long, is left in there.
    async fn act(&mut self, inputs: &mut Vec<Input>) -> Result<(), Failure> {
        let count = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
        let attempt = Attempt::begin(self.server, &self.args.manner.seal, count).await?;
        match &self.means {
            None => self.means = Some(self.take_means(&attempt, inputs).await?),
            Some(Means { holder: Holder::Card { .. }, .. }) => drop(attempt.pin(true).await?),
            Some(Means { holder: Holder::Hosted { .. }, .. }) => {}
        }
        let ready = self.digest_all(&attempt, inputs)?;
        if ready.is_empty() {
            return Ok(());
        }
        let documents: Vec<_> = ready.iter().map(|ready| ready.listed.clone()).collect();
        let list = List::of(&documents).ok_or_else(|| Failure::usage(self.env.lang(), documents.len()))?;
        self.authorize(&attempt, &list, &ready).await?;
        match self.portions(&attempt, &list, ready, inputs) {
            // The act has taken too long: the rest goes into another one.
            Err(failure) if failure.code == "ATTEMPT_NOT_OPEN" => Ok(()),
            ended => ended,
        }
    }

    /// Portion after portion: while the service looks at one, the next one is sealed.
    fn portions(
        &mut self,
        attempt: &Attempt<'_>,
        list: &List,
        mut ready: Vec<Ready>,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Failure> {
        let mut sealed: Option<Portion> = None;
        while sealed.is_some() || !ready.is_empty() {
            let sizes = ready.iter().map(|ready| (ready.structure_size, ready.listed.places.len()));
            let rest = ready.split_off(fitting(sizes).min(ready.len()));
            let next = std::mem::replace(&mut ready, rest);
            let (said, next) = self.at_once(attempt, list, sealed.as_ref(), next, ready.is_empty());
            let settled = sealed.take().zip(said).map(|(portion, said)| self.settle(attempt.id(), portion, said));
            if let (Some(Err(_)), Some(Ok(next))) = (&settled, &next) {
                self.throw_away(attempt.id(), next);
            }
            if let Some(done) = settled.transpose()? {
                inputs.retain(|input| !done.contains(&input.output));
            }
            sealed = next.transpose()?;
        }
        Ok(())
    }

    /// The card and its PIN, or the PIN of the hosted key.
    async fn take_means(&self, attempt: &Attempt<'_>, inputs: &[Input]) -> Result<Means, Failure> {
        let (env, args, lang) = (self.env, &self.args.manner, self.env.lang());
        let (mut certificates, mut keys) = (BTreeMap::new(), BTreeMap::new());
        let (structure, seal, holder) = if attempt.is_hosted() {
            if self.manner.list_files {
                return Err(no_lister(lang));
            }
            let structure = attempt.structure().await?;
            let seal = usable(lang, &structure, &args.seal)?;
            certificates.extend(SUITES.iter().filter_map(|suite| Some((suite.name(), seal.signer(*suite)?))));
            let pin = secret::read(lang, args.pin_file.as_deref(), lang.pick("密钥密码", "PIN of the key"))?;
            (structure, seal, Holder::Hosted { pin })
        } else {
            let Some(card) = connected(lang, args.card.as_ref())? else { return Err(attempt.card_absent().await) };
            let unlocked = unlock(env, args.pin_file.as_deref(), attempt, &card).await?;
            let unusable = |error| Failure::card(lang, &error);
            let structure = unlocked.read_seal().map_err(unusable)?.ok_or_else(|| no_seal(lang, &card))?;
            for suite in SUITES {
                let on_card = super::on_card(lang, &card, suite)?;
                let certificate = card.certificate(on_card).map_err(unusable)?;
                if let (Some(key), Some(certificate)) = (unlocked.signer(on_card), certificate) {
                    certificates.insert(suite.name(), certificate);
                    keys.insert(suite.name(), key);
                }
            }
            let seal = usable(lang, &structure, &args.seal)?;
            (structure, seal, Holder::Card { card, keys })
        };
        let mut pades = BTreeMap::new();
        for format in inputs::formats(inputs) {
            let Some(signer) = certificates.get(self.manner.suite(format).name()) else { continue };
            pades.extend(self.manner.pades(lang, format, signer).await?.map(|pades| (format, pades)));
        }
        Ok(Means { seal_digest: digest_of(&structure), seal, certificates, holder, pades })
    }

    fn means(&self) -> Result<&Means, Failure> {
        self.means.as_ref().ok_or_else(|| Failure::new(Kind::Usage, "CARD_UNUSABLE", self.env.lang()))
    }

    fn bench(&self, attempt: &Attempt<'_>) -> Result<Bench<'_>, Failure> {
        let (env, manner, means, time) = (self.env, self.manner, self.means()?, attempt.sealing_time());
        Ok(Bench { env, manner, means, time, runtime: Handle::current() })
    }

    fn jobs(&self) -> NonZeroUsize {
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.args.jobs.unwrap_or_else(cores)
    }

    /// Digests all documents. Those that can't be sealed are told, and are no more among `inputs`.
    fn digest_all(&mut self, attempt: &Attempt<'_>, inputs: &mut Vec<Input>) -> Result<Vec<Ready>, Failure> {
        let (bench, kept, jobs) = (self.bench(attempt)?, AtomicUsize::new(0), self.jobs());
        let told = attempt.original_needed();
        self.bar.set_message(self.env.lang().pick("计算摘要", "digesting"));
        let digest = |input: &Input| {
            let (document, prepared) = bench.prepare(input, true)?;
            let digest = Digest::try_from(prepared.digest());
            let digest = digest.map_err(|error| Failure::usage(bench.env.lang(), error))?;
            let (places, structure_size) = (prepared.places().to_vec(), prepared.to_sign().len() + bench.around());
            let original = told.then(|| document.original());
            let (listed, suite) = (Listed { index: 0, digest, places, original }, self.manner.suite(document.format()));
            let draft = Some((document, prepared)).filter(|_| kept.fetch_add(1, Ordering::Relaxed) < KEPT);
            Ok(Ready { input: input.clone(), listed, suite, structure_size, draft: Slot::new(draft) })
        };
        let digested = block_in_place(|| side_by_side(jobs, inputs, digest));
        self.bar.set_message(self.env.lang().pick("签章", "sealing"));
        let (mut ready, mut failed) = (Vec::new(), Vec::new());
        for (input, digested) in inputs.drain(..).zip(digested) {
            match digested {
                Ok(document) => ready.push(document),
                Err(failure) => failed.push(failed_line(&input, &failure)),
            }
        }
        for (index, ready) in (0..).zip(&mut ready) {
            ready.listed.index = index;
        }
        inputs.extend(ready.iter().map(|ready| ready.input.clone()));
        self.journal.note(&failed)?;
        self.tell(&failed);
        Ok(ready)
    }

    /// Gate d, and gate c of a hosted key.
    async fn authorize(&mut self, attempt: &Attempt<'_>, list: &List, ready: &[Ready]) -> Result<(), Failure> {
        let lang = self.env.lang();
        let used: BTreeMap<_, _> = ready.iter().map(|ready| (ready.suite.name(), ready.suite)).collect();
        loop {
            let means = self.means()?;
            let certificates = used.keys().filter_map(|suite| means.certificates.get(suite)).cloned();
            let pin = match &means.holder {
                Holder::Card { card, keys } => {
                    let keys: Vec<_> =
                        used.keys().filter_map(|suite| keys.get(suite)).cloned().zip(certificates).collect();
                    return attempt.authorize_batch(card, &keys, means.seal_digest.clone(), list).await;
                }
                Holder::Hosted { pin } => pin,
            };
            let certificates: Vec<_> = certificates.collect();
            let authorize = async |code: &str| attempt.authorize_hosted_batch(pin, code, &certificates, list).await;
            let answer = with_code(lang, self.args.manner.code_file.as_deref(), authorize).await;
            let asks_again = asks_again(self.args.manner.pin_file.as_deref());
            match answer {
                Err(failure) if failure.code == "PIN_INCORRECT" && asks_again => {
                    self.bar.suspend(|| self.env.output.fail(&failure));
                    let typed = secret::read(lang, None, lang.pick("密钥密码", "PIN of the key"))?;
                    if let Some(Means { holder: Holder::Hosted { pin }, .. }) = &mut self.means {
                        *pin = typed;
                    }
                }
                answer => return answer,
            }
        }
    }

    /// Has one portion recorded, and meanwhile seals the next one; nothing of what there is not.
    fn at_once(
        &self,
        attempt: &Attempt<'_>,
        list: &List,
        sealed: Option<&Portion>,
        next: Vec<Ready>,
        is_last: bool,
    ) -> (Option<Recorded>, Option<Result<Portion, Failure>>) {
        let runtime = Handle::current();
        let record = |portion| runtime.block_on(record(attempt, list, portion));
        block_in_place(|| {
            thread::scope(|scope| {
                let recording = sealed.map(|portion| scope.spawn(move || record(portion)));
                let next = (!next.is_empty()).then(|| self.seal(attempt, list, next, is_last));
                (recording.map(|said| said.join().unwrap_or_else(|cause| resume_unwind(cause))), next)
            })
        })
    }

    /// Seals a portion: each document is on disk then, where it waits for the service's word.
    fn seal(
        &self,
        attempt: &Attempt<'_>,
        list: &List,
        documents: Vec<Ready>,
        is_last: bool,
    ) -> Result<Portion, Failure> {
        let (bench, jobs) = (self.bench(attempt)?, self.jobs());
        let draft = |ready: &Ready| ready.draft.take().map_or_else(|| bench.prepare_again(ready), Ok);
        let drafts = side_by_side(jobs, &documents, draft);
        let signatures = self.signatures(attempt, list, &documents, &drafts)?;
        let signed = drafts.into_iter().zip(signatures).map(|(draft, signature)| Ok((draft?, signature?)));
        let signed: Vec<_> = documents.iter().zip(signed.map(|signed| Slot::new(Some(signed)))).collect();
        let write = |(ready, signed): &(&Ready, Slot<Result<Signed, Failure>>)| {
            let failed = || Err(Failure::new(Kind::Refused, "SIGNING_FAILED", bench.env.lang()));
            let (draft, signature) = signed.take().unwrap_or_else(failed)?;
            bench.write(draft, &signature, &self.journal.waiting(attempt.id(), ready.listed.index))
        };
        let written = side_by_side(jobs, &signed, write);
        drop(signed);
        Ok(Portion { documents, written, is_last })
    }

    /// Nobody may have what is not recorded.
    fn throw_away(&self, attempt_id: &str, portion: &Portion) {
        for ready in &portion.documents {
            let _ = fs::remove_file(self.journal.waiting(attempt_id, ready.listed.index));
        }
    }

    /// Puts what is recorded to its place; gives the places of those that are done.
    fn settle(&mut self, attempt_id: &str, portion: Portion, said: Recorded) -> Result<Vec<PathBuf>, Failure> {
        if said.as_ref().is_err_and(|failure| failure.code == "ATTEMPT_NOT_OPEN") {
            self.throw_away(attempt_id, &portion);
        }
        let ended = portion.documents.iter().zip(portion.written).zip(said?);
        let lines: Vec<_> = ended.map(|((ready, written), end)| self.line(attempt_id, ready, written, end)).collect();
        self.journal.note(&lines)?; // from here on they are sealed, wherever they lie
        let lines = self.place(attempt_id, lines)?;
        self.tell(&lines);
        Ok(lines.into_iter().map(|line| line.output).collect())
    }

    /// A signature for each, of the card or of the hosted key.
    fn signatures(
        &self,
        attempt: &Attempt<'_>,
        list: &List,
        portion: &[Ready],
        drafts: &[Result<Draft, Failure>],
    ) -> Result<Vec<Result<Vec<u8>, Failure>>, Failure> {
        let (means, lang) = (self.means()?, self.env.lang());
        let failed = || Failure::new(Kind::Refused, "SIGNING_FAILED", lang);
        if let Holder::Card { keys, .. } = &means.holder {
            let both: Vec<_> = portion.iter().zip(drafts).collect();
            let sign = |(ready, draft): &(&Ready, &Result<Draft, Failure>)| {
                let (_, prepared) = draft.as_ref().map_err(|_| failed())?;
                let key = keys.get(ready.suite.name()).ok_or_else(|| no_key(lang, ready.suite))?;
                key.sign(prepared.to_sign()).map_err(|error| failed().because(error))
            };
            return Ok(side_by_side(self.jobs(), &both, sign));
        }
        let asked = portion.iter().zip(drafts).filter_map(|(ready, draft)| {
            let (_, prepared) = draft.as_ref().ok()?;
            let certificate = means.certificates.get(ready.suite.name())?.fingerprint();
            Some((ready.listed.clone(), prepared.to_sign().to_vec(), certificate))
        });
        let asked: Vec<_> = asked.collect();
        let indexes: Vec<_> = asked.iter().map(|(listed, ..)| listed.index).collect();
        let given = Handle::current().block_on(attempt.sign_hosted_batch(list, asked))?;
        let mut given: BTreeMap<_, _> = indexes.into_iter().zip(given).collect();
        let of = |ready: &Ready| match given.remove(&ready.listed.index) {
            Some(Ok(signature)) => Ok(signature),
            Some(Err(reason)) => Err(refused(self.env, &reason)),
            None => Err(failed()),
        };
        Ok(portion.iter().map(of).collect())
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
    fn place(&mut self, attempt_id: &str, lines: Vec<Line>) -> Result<Vec<Line>, Failure> {
        let mut failed = Vec::new();
        let mut place = |line: Line| {
            if line.result == Ending::Failed {
                return line;
            }
            let waiting = self.journal.waiting(attempt_id, line.index.unwrap_or_default());
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

/// Gate e for a portion.
async fn record(attempt: &Attempt<'_>, list: &List, portion: &Portion) -> Recorded {
    let completions = portion.documents.iter().zip(&portion.written).map(|(ready, written)| {
        let signature = written.as_ref().map(|waiting| waiting.signature.clone()).unwrap_or_default();
        (ready.listed.clone(), signature)
    });
    attempt.complete_batch(list, completions.collect(), portion.is_last).await
}

fn failed_line(input: &Input, failure: &Failure) -> Line {
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

/// A document that the service refused.
fn refused(env: &Env, reason: &str) -> Failure {
    let known = ["DOCUMENT_NOT_LISTED", "DOCUMENT_ALREADY_SEALED"].into_iter().find(|code| *code == reason);
    Failure::new(Kind::Refused, known.unwrap_or("SIGNING_FAILED"), env.lang())
}
