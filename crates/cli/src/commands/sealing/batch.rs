//! 批量签章: many documents in one act, several at a time.
//!
//! Each act goes through the documents twice: first all are digested, and the list of their digests is authorized; then
//! they are sealed in portions. What was laid out for the first few hundred is kept from the first time to the second.
//! For the others it is laid out again and must come to the same digest.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use serde_json::json;
use tokio::task::block_in_place;

use super::act::List;
use super::attempt::Attempt;
use super::begun::{Asking, Begun};
use super::bench::{Bench, Holder, Means, Ready, Rooms, SUITES};
use super::inputs::{self, Input};
use super::journal::Journal;
use super::line::Line;
use super::manner::Manner;
use super::portion::OpenAct;
use super::repeat::Act;
use super::results::{Results, failed_line, is_over};
use super::resumed::other_act;
use super::writing::no_lister;
use super::{asks_again, digest_of, no_seal, unlock, usable, with_code};
use crate::args::SealBatch;
use crate::commands::Env;
use crate::commands::fabrication::connected;
use crate::connect::Server;
use crate::failure::{Failure, Kind};
use crate::lang::Lang;
use crate::secret;

pub async fn seal_batch(env: &Env, args: &SealBatch) -> Result<ExitCode, Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let manner = Manner::read(lang, &args.manner)?;
    manner.must_be_complete(lang)?;
    let found = inputs::collect(lang, &args.inputs, &args.output_dir)?;
    fs::create_dir_all(&args.output_dir).map_err(|error| Failure::unwritable(lang, &args.output_dir, &error))?;
    let results = args.results.clone().unwrap_or_else(|| args.output_dir.join("results.jsonl"));
    let journal = Journal::open(lang, results, &args.output_dir, args.resume)?;
    let results = Results::new(env, journal);
    let mut run = Run { env, args, manner: &manner, server: &server, results, means: None, skipped: 0 };
    let mut left = found;
    let ended = run.all(&mut left).await;
    run.results.finish();
    let swept = run.results.journal.sweep();
    let (Results { journal, sealed, failed, .. }, skipped) = (run.results, run.skipped);
    let count = failed.values().sum::<u64>();
    let value = json!({
        "sealed": sealed, "failed": count, "failures": failed, "skipped": skipped, "left": left.len(), "results": journal.path(),
    });
    env.output.stream(&value, &summary(lang, (sealed, skipped, left.len()), &failed, journal.path()));
    match ended {
        Err(failure) if !left.is_empty() => Err(go_on(lang, failure, left.len())),
        Err(failure) => Err(failure),
        Ok(()) => {
            swept?;
            Ok(if count > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
        }
    }
}

/// What became of all of them, for people: those that failed by their codes.
fn summary(
    lang: Lang,
    (sealed, skipped, left): (u64, usize, usize),
    failed: &BTreeMap<String, u64>,
    results: &Path,
) -> String {
    let (count, results) = (failed.values().sum::<u64>(), results.display());
    let by_code: Vec<_> = failed.iter().map(|(code, count)| format!("{code} {count}")).collect();
    let by_code = if by_code.is_empty() { String::new() } else { format!(" ({})", by_code.join(", ")) };
    match lang.pick("zh", "en") {
        "zh" => format!("已签章 {sealed},失败 {count}{by_code},此前已签章 {skipped},未处理 {left};结果 {results}"),
        _ => format!(
            "sealed {sealed}, failed {count}{by_code}, sealed before {skipped}, left {left}; results in {results}"
        ),
    }
}

/// What to do about a run that ended early, beside what is to be done about its cause.
fn go_on(lang: Lang, failure: Failure, left: usize) -> Failure {
    let rest = match lang.pick("zh", "en") {
        "zh" => format!("其余 {left} 个文档:同一命令加 --resume 继续,已签章的不会再签"),
        _ => format!("for the {left} documents that are left, the same command with --resume: nothing is sealed twice"),
    };
    let advice = failure.advice.clone().map_or(rest.clone(), |advice| format!("{advice}; {rest}"));
    failure.advise(advice)
}

pub(super) struct Run<'a> {
    pub(super) env: &'a Env,
    pub(super) args: &'a SealBatch,
    pub(super) manner: &'a Manner,
    pub(super) server: &'a Server,
    pub(super) results: Results<'a>,
    pub(super) means: Option<Means>,
    /// Documents that were sealed by an earlier run.
    skipped: usize,
}

impl Run<'_> {
    /// What an earlier run began, and then act after act; what is not done is left in `left`.
    async fn all(&mut self, left: &mut Vec<Input>) -> Result<(), Failure> {
        self.settle_what_was_recorded().await?;
        self.sort(left)?;
        self.results.expect(left.len());
        self.go_on_with_what_was_begun(left).await?;
        while !left.is_empty() {
            let before = self.results.count();
            let rest = left.split_off(inputs::size_of_act(left));
            let ended = self.act(left).await;
            left.extend(rest);
            ended?;
            if self.results.count() == before {
                return Err(Failure::new(Kind::Refused, "SIGNING_FAILED", self.env.lang()));
            }
        }
        Ok(())
    }

    /// Passes over what is sealed.
    fn sort(&mut self, left: &mut Vec<Input>) -> Result<(), Failure> {
        self.results.doing(self.env.lang().pick("核对已签章的文档", "looking at what is sealed"));
        let (jobs, journal) = (self.jobs(), &mut self.results.journal);
        let sorted = block_in_place(|| journal.sort(jobs, std::mem::take(left)));
        *left = sorted.left;
        self.skipped = sorted.sealed.saturating_sub(usize::try_from(self.results.sealed).unwrap_or(usize::MAX));
        self.results.refuse(&sorted.failed)?;
        let swept = self.results.journal.sweep()?;
        if swept > 0 {
            self.env.output.say(self.env.lang().pick(
                "已清除中断时未完成的文件;若由旧版本留下,其中已被服务器记录的文档会再签一次,日志中两次都有",
                "what was left half done was thrown away; if an earlier version left it, the log may have some documents twice",
            ));
        }
        Ok(())
    }

    /// One act over all of `inputs`. What was not done, because it took too long, is left in there.
    async fn act(&mut self, inputs: &mut Vec<Input>) -> Result<(), Failure> {
        let (lang, count) = (self.env.lang(), u32::try_from(inputs.len()).unwrap_or(u32::MAX));
        let attempt = Attempt::begin(self.server, &self.args.manner.seal, count, Act::of(None)).await?;
        match &self.means {
            None => self.means = Some(self.take_means(&attempt, inputs, true).await?),
            Some(Means { holder: Holder::Card { .. }, .. }) => drop(attempt.pin(true).await?),
            Some(Means { holder: Holder::Hosted { .. }, .. }) => {}
        }
        let rooms = self.means()?.rooms();
        let (mut ready, failed) = self.digest_all(&attempt, rooms.clone(), std::mem::take(inputs))?;
        for (index, ready) in (0..).zip(&mut ready) {
            ready.listed.index = index;
        }
        inputs.extend(ready.iter().map(|ready| ready.input.clone()));
        self.results.refuse(&failed)?;
        if ready.is_empty() {
            return Ok(());
        }
        let documents: Vec<_> = ready.iter().map(|ready| ready.listed.clone()).collect();
        let list = List::of(&documents).ok_or_else(|| Failure::usage(lang, documents.len()))?;
        let of = (lang, self.results.journal.folder(), self.args.output_dir.as_path());
        let mut begun = Begun::of(of, &attempt, &self.means()?.seal_digest, &rooms, &ready);
        self.authorize(&attempt, &list, &mut begun, &ready).await?;
        let act = OpenAct { list, begun, given: BTreeMap::new(), is_whole: true };
        self.portions(&attempt, &act, ready, inputs)
    }

    /// Seals what was authorized. What is kept of the act goes once it is over.
    pub(super) fn portions(
        &mut self,
        attempt: &Attempt<'_>,
        act: &OpenAct,
        ready: Vec<Ready>,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Failure> {
        let of = (&self.results.journal, act.begun.rooms());
        let bench = Bench::new(self.env, self.manner, means(&self.means, self.env)?, attempt, of);
        let (jobs, results) = (self.jobs(), &mut self.results);
        let ended = block_in_place(|| results.portions(&bench, jobs, act, ready, inputs));
        if ended.as_ref().map_or_else(is_over, |()| act.is_whole) {
            act.begun.forget();
        }
        match ended {
            // The act has taken too long: the rest goes into another one.
            Err(failure) if failure.code == "ATTEMPT_NOT_OPEN" => Ok(()),
            ended => ended,
        }
    }

    /// The card and its PIN, or the PIN of the hosted key. A new attempt, one that has not passed gate c, is told whether the PIN is
    /// right.
    pub(super) async fn take_means(
        &self,
        attempt: &Attempt<'_>,
        inputs: &[Input],
        is_new: bool,
    ) -> Result<Means, Failure> {
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
            let Some(card) = connected(lang, args.card.as_ref())? else {
                let absent = || Failure::new(Kind::Refused, "SEAL_CARD_ABSENT", lang);
                return Err(if is_new { attempt.card_absent().await } else { absent() });
            };
            let unlocked = unlock(env, args.pin_file.as_deref(), is_new.then_some(attempt), &card).await?;
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

    pub(super) fn means(&self) -> Result<&Means, Failure> {
        means(&self.means, self.env)
    }

    fn jobs(&self) -> NonZeroUsize {
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.args.jobs.unwrap_or_else(cores)
    }

    /// Digests all documents; and what is to be told of those that can't be sealed.
    pub(super) fn digest_all(
        &self,
        attempt: &Attempt<'_>,
        rooms: Rooms,
        inputs: Vec<Input>,
    ) -> Result<(Vec<Ready>, Vec<Line>), Failure> {
        let bench = Bench::new(self.env, self.manner, self.means()?, attempt, (&self.results.journal, rooms));
        self.results.doing(self.env.lang().pick("计算摘要", "digesting"));
        let digested = block_in_place(|| bench.digest_all(self.jobs(), &inputs));
        self.results.doing(self.env.lang().pick("签章", "sealing"));
        let (mut ready, mut failed) = (Vec::new(), Vec::new());
        for (input, digested) in inputs.into_iter().zip(digested) {
            match digested {
                Ok(document) => ready.push(document),
                Err(failure) => failed.push(failed_line(&input, &failure)),
            }
        }
        Ok((ready, failed))
    }

    /// Gate d, and gate c of a hosted key. What it is shown is kept before.
    async fn authorize(
        &mut self,
        attempt: &Attempt<'_>,
        list: &List,
        begun: &mut Begun,
        ready: &[Ready],
    ) -> Result<(), Failure> {
        let used: BTreeMap<_, _> = ready.iter().map(|ready| (ready.suite.name(), ready.suite)).collect();
        loop {
            let means = self.means()?;
            let certificates = used.keys().filter_map(|suite| means.certificates.get(suite)).cloned();
            let asking = match &means.holder {
                Holder::Card { card, keys } => {
                    let keys: Vec<_> =
                        used.keys().filter_map(|suite| keys.get(suite)).cloned().zip(certificates).collect();
                    Asking::Card(attempt.batch_authorization(card, &keys, means.seal_digest.clone(), list)?)
                }
                Holder::Hosted { .. } => {
                    let certificates: Vec<_> = certificates.collect();
                    Asking::Hosted(attempt.hosted_batch_authorization(&certificates, list))
                }
            };
            begun.keep(&asking)?;
            eseal_faultpoint::pass("batch.begun");
            match self.ask(attempt, asking).await {
                Err(failure) if failure.code == "PIN_INCORRECT" && asks_again(self.args.manner.pin_file.as_deref()) => {
                    let lang = self.env.lang();
                    self.results.interrupt(|| self.env.output.fail(&failure));
                    let typed = secret::read(lang, None, lang.pick("密钥密码", "PIN of the key"))?;
                    if let Some(Means { holder: Holder::Hosted { pin }, .. }) = &mut self.means {
                        *pin = typed;
                    }
                }
                Err(failure) => {
                    // Where nobody knows whether it was let through, the act goes on by a repeat.
                    if failure.kind != Kind::Unreachable && failure.code != "PIN_CHECK_RUNNING" {
                        begun.forget();
                    }
                    return Err(failure);
                }
                Ok(()) => {
                    eseal_faultpoint::pass("batch.authorized");
                    return Ok(());
                }
            }
        }
    }

    /// Asks gate d, with what is secret.
    pub(super) async fn ask(&self, attempt: &Attempt<'_>, asking: Asking) -> Result<(), Failure> {
        match (asking, &self.means()?.holder) {
            (Asking::Card(request), _) => attempt.authorize_batch(request).await,
            (Asking::Hosted(request), Holder::Hosted { pin }) => {
                let authorize = async |code: &str| attempt.authorize_hosted_batch(request.clone(), pin, code).await;
                with_code(self.env.lang(), self.args.manner.code_file.as_deref(), authorize).await
            }
            (Asking::Hosted(_), Holder::Card { .. }) => Err(other_act(self.env.lang())),
        }
    }
}

fn means<'a>(means: &'a Option<Means>, env: &Env) -> Result<&'a Means, Failure> {
    means.as_ref().ok_or_else(|| Failure::new(Kind::Usage, "CARD_UNUSABLE", env.lang()))
}
