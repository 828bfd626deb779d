//! 批量签章: many documents in one act, several at a time.
//!
//! Each act goes through the documents twice: first all are digested, and the list of their digests is authorized; then
//! they are sealed in portions. What was laid out for the first few hundred is kept from the first time to the second.
//! For the others it is laid out again and must come to the same digest.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread;

use serde_json::json;
use tokio::task::block_in_place;

use super::act::List;
use super::attempt::Attempt;
use super::bench::{Bench, Holder, Means, Ready, SUITES};
use super::inputs::{self, Input};
use super::journal::Journal;
use super::manner::Manner;
use super::repeat::Act;
use super::results::{Results, failed_line};
use super::writing::no_lister;
use super::{asks_again, digest_of, no_seal, unlock, usable, with_code};
use crate::args::SealBatch;
use crate::commands::Env;
use crate::commands::fabrication::connected;
use crate::connect::Server;
use crate::failure::{Failure, Kind};
use crate::secret;

pub async fn seal_batch(env: &Env, args: &SealBatch) -> Result<ExitCode, Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let manner = Manner::read(lang, &args.manner)?;
    manner.must_be_complete(lang)?;
    let found = inputs::collect(lang, &args.inputs, &args.output_dir)?;
    fs::create_dir_all(&args.output_dir).map_err(|error| Failure::unwritable(lang, &args.output_dir, &error))?;
    let results = args.results.clone().unwrap_or_else(|| args.output_dir.join("results.jsonl"));
    let (journal, mut left, skipped) = Journal::open(lang, results, &args.output_dir, found, args.resume)?;
    let results = Results::new(env, journal, left.len());
    let mut run = Run { env, args, manner: &manner, server: &server, results, means: None };
    let ended = run.all(&mut left).await;
    run.results.finish();
    let Results { journal, sealed, failed, .. } = run.results;
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
    results: Results<'a>,
    means: Option<Means>,
}

impl Run<'_> {
    /// Act after act; what is not done is left in `left`.
    async fn all(&mut self, left: &mut Vec<Input>) -> Result<(), Failure> {
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

    /// One act over all of `inputs`. What was not done, because it took too long, is left in there.
    async fn act(&mut self, inputs: &mut Vec<Input>) -> Result<(), Failure> {
        let count = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
        let attempt = Attempt::begin(self.server, &self.args.manner.seal, count, Act::of(None)).await?;
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
        let bench = Bench::new(self.env, self.manner, means(&self.means, self.env)?, &attempt, &self.results.journal);
        let (jobs, results) = (self.jobs(), &mut self.results);
        match block_in_place(|| results.portions(&bench, jobs, &list, ready, inputs)) {
            // The act has taken too long: the rest goes into another one.
            Err(failure) if failure.code == "ATTEMPT_NOT_OPEN" => Ok(()),
            ended => ended,
        }
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
            let unlocked = unlock(env, args.pin_file.as_deref(), Some(attempt), &card).await?;
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

    fn jobs(&self) -> NonZeroUsize {
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.args.jobs.unwrap_or_else(cores)
    }

    /// Digests all documents. Those that can't be sealed are told, and are no more among `inputs`.
    fn digest_all(&mut self, attempt: &Attempt<'_>, inputs: &mut Vec<Input>) -> Result<Vec<Ready>, Failure> {
        let bench = Bench::new(self.env, self.manner, means(&self.means, self.env)?, attempt, &self.results.journal);
        self.results.doing(self.env.lang().pick("计算摘要", "digesting"));
        let digested = block_in_place(|| bench.digest_all(self.jobs(), inputs));
        self.results.doing(self.env.lang().pick("签章", "sealing"));
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
        self.results.refuse(&failed)?;
        Ok(ready)
    }

    /// Gate d, and gate c of a hosted key.
    async fn authorize(&mut self, attempt: &Attempt<'_>, list: &List, ready: &[Ready]) -> Result<(), Failure> {
        let lang = self.env.lang();
        let used: BTreeMap<_, _> = ready.iter().map(|ready| (ready.suite.name(), ready.suite)).collect();
        loop {
            let means = means(&self.means, self.env)?;
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
                    self.results.interrupt(|| self.env.output.fail(&failure));
                    let typed = secret::read(lang, None, lang.pick("密钥密码", "PIN of the key"))?;
                    if let Some(Means { holder: Holder::Hosted { pin }, .. }) = &mut self.means {
                        *pin = typed;
                    }
                }
                answer => return answer,
            }
        }
    }
}

fn means<'a>(means: &'a Option<Means>, env: &Env) -> Result<&'a Means, Failure> {
    means.as_ref().ok_or_else(|| Failure::new(Kind::Usage, "CARD_UNUSABLE", env.lang()))
}
