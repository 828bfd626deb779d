//! 批量验证: many documents, here, several at a time. The seals and certificates that they share are checked once.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;

use eseal_documents::status::{Context, assess};
use eseal_documents::{Trust, Verifier, judge};
use eseal_kernel::{Clock, Digest};
use eseal_pki::Evidence;
use eseal_report::model::Verdict;
use eseal_report::{Origin, Report};
use indicatif::ProgressBar;
use serde_json::json;
use zeroize::Zeroizing;

use super::Env;
use super::sealing::inputs;
use super::sealing::workers::side_by_side;
use super::verify::{pem, store};
use super::verify_report;
use super::verify_revocation::lists;
use super::verify_view::in_short;
use crate::args::VerifyBatch;
use crate::failure::Failure;
use crate::lang::Lang;
use crate::{mapped, secret};

/// Verdicts that are kept until those before them are told.
const PORTION: usize = 256;

pub fn verify_batch(env: &Env, args: &VerifyBatch) -> Result<ExitCode, Failure> {
    let files = inputs::documents(env.lang(), &args.inputs)?;
    let bench = Bench::set_up(env, args, files.len())?;
    let jobs = args.jobs.unwrap_or_else(|| available_parallelism().unwrap_or(NonZeroUsize::MIN));
    let mut counts = Counts::default();
    for portion in files.chunks(PORTION) {
        let told = side_by_side(jobs, portion, |file| bench.report(file));
        portion.iter().zip(told).for_each(|(file, told)| bench.tell(&mut counts, file, told));
    }
    bench.bar.finish_and_clear();
    env.output.stream(&counts.value(), &counts.words(env.lang()));
    Ok(counts.code())
}

/// What every document is verified with.
struct Bench<'a> {
    env: &'a Env,
    /// The largest document that is looked at.
    max_bytes: u64,
    verifier: Verifier,
    trust: Trust,
    /// Now is when the run began, for all of them.
    context: Context,
    password: Zeroizing<String>,
    bar: ProgressBar,
}

impl<'a> Bench<'a> {
    fn set_up(env: &'a Env, args: &VerifyBatch, documents: usize) -> Result<Self, Failure> {
        let lang = env.lang();
        let roots = |path: &Option<PathBuf>| store(lang, pem(lang, path.as_deref())?.as_deref());
        let trust = Trust { holder_roots: roots(&args.trust)?, maker_roots: roots(&args.maker_trust)? };
        let evidence = Evidence { crls: lists(lang, &args.crl)?, ..Evidence::default() };
        let context = Context { tsa_roots: roots(&args.tsa_trust)?, evidence, ..Context::at(Clock::System.now()) };
        let password = args.password_file.as_deref().map(|file| secret::of_file(lang, file)).transpose()?;
        let bar = env.output.count(lang.pick("验证", "verifying"), documents as u64);
        let limits = verify_report::limits(lang, &args.limit)?;
        let (max_bytes, verifier) = (limits.max_bytes, Verifier::new(limits));
        Ok(Self { env, max_bytes, verifier, trust, context, password: password.unwrap_or_default(), bar })
    }

    fn report(&self, path: &Path) -> Result<Report, Failure> {
        let lang = self.env.lang();
        let unreadable = |error: std::io::Error| Failure::unreadable(lang, path, &error);
        let file = mapped::open(path, self.max_bytes).map_err(unreadable)?;
        let source = mapped::file(&file).map_err(unreadable)?;
        let found = self.verifier.verify_with(&source, &self.password, &mut |_| ());
        self.bar.inc(1);
        let found = found.map_err(|error| Failure::document(lang, &error))?;
        let judgement = judge(&found, &self.trust);
        let statuses = assess(&found, &judgement, &self.trust, &self.context);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let digest = Digest::of(source.as_ref().as_ref());
        let origin = Origin { name, digest, verified_at: Clock::System.now(), language: lang.into() };
        Ok(Report::of(&found, &judgement, &statuses, &origin))
    }

    fn tell(&self, counts: &mut Counts, path: &Path, told: Result<Report, Failure>) {
        let output = self.env.output;
        match told {
            Ok(report) => {
                counts.count(report.verdict);
                let value = json!({ "file": path, "report": report });
                self.bar.suspend(|| output.stream(&value, &in_short(&report, path)));
            }
            Err(failure) => {
                counts.unreadable += 1;
                let value = json!({ "file": path, "error": { "code": failure.code, "text": failure.text } });
                let word = self.env.lang().pick("读不出", "unreadable");
                let words = format!("{word}  {}\n    {} [{}]", path.display(), failure.text, failure.code);
                self.bar.suspend(|| output.stream(&value, &words));
            }
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    valid: u64,
    invalid: u64,
    indeterminate: u64,
    unsealed: u64,
    unreadable: u64,
}

impl Counts {
    const fn count(&mut self, verdict: Verdict) {
        let one = match verdict {
            Verdict::Valid => &mut self.valid,
            Verdict::Invalid => &mut self.invalid,
            Verdict::Indeterminate => &mut self.indeterminate,
            Verdict::Unsealed => &mut self.unsealed,
        };
        *one += 1;
    }

    fn value(&self) -> serde_json::Value {
        let Self { valid, invalid, indeterminate, unsealed, unreadable } = self;
        json!({ "valid": valid, "invalid": invalid, "indeterminate": indeterminate, "unsealed": unsealed, "unreadable": unreadable })
    }

    fn words(&self, lang: Lang) -> String {
        let Self { valid, invalid, indeterminate, unsealed, unreadable } = self;
        match lang.pick("zh", "en") {
            "zh" => {
                format!("有效 {valid},无效 {invalid},无法确定 {indeterminate},未签章 {unsealed},读不出 {unreadable}")
            }
            _ => format!(
                "valid {valid}, invalid {invalid}, indeterminate {indeterminate}, unsealed {unsealed}, unreadable {unreadable}"
            ),
        }
    }

    fn code(&self) -> ExitCode {
        match (self.unreadable, self.invalid + self.indeterminate + self.unsealed) {
            (0, 0) => ExitCode::SUCCESS,
            (0, _) => ExitCode::from(1),
            (_, _) => ExitCode::from(2),
        }
    }
}
