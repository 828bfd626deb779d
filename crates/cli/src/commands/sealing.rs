//! 签章: with a card here, or with a hosted key at the service; the same gates either way.

mod act;
mod at_service;
mod attempt;
pub mod batch;
mod bench;
mod document;
mod inputs;
mod journal;
mod position;
mod workers;

use std::path::{Path, PathBuf};

use eseal_card::{CardError, SoftCard, Unlocked};
use eseal_documents::sealing::Prepared;
use eseal_kernel::Digest;
use eseal_pki::{Certificate, Signer as _, Suite};
use eseal_seal::{CertificateList, Seal as Structure};
use serde_json::json;

use self::attempt::Attempt;
use self::document::{Document, Sealing};
use super::Env;
use super::fabrication::connected;
use crate::args::Seal;
use crate::failure::{Failure, Kind, may_be_written, open_to_others};
use crate::lang::Lang;
use crate::secret;

pub async fn seal(env: &Env, args: &Seal) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let document = Document::open(env.output, &args.file)?; // before anything is recorded
    document.earlier_seals_hold()?;
    let output = output_path(args);
    may_be_written(lang, &output)?;
    if args.at_service {
        let sealed = at_service::seal(env, args, &server, &output).await?;
        let done = Done { attempt: &sealed.attempt_id, name: &sealed.name, format: sealed.format };
        tell(env, args, &output, &done);
        return Ok(());
    }
    let attempt = Attempt::begin(&server, &args.seal, 0).await?;
    let sealed = if attempt.is_hosted() {
        with_hosted_key(env, args, &attempt, &document, &output).await
    } else {
        with_card(env, args, &attempt, &document, &output).await
    };
    if sealed.as_ref().is_err_and(|failure| failure.kind == Kind::Usage) {
        attempt.give_up().await; // ours, not a refusal by the service: it should not stay open
    }
    let name = sealed?;
    let done = Done { attempt: attempt.id(), name: &name, format: document.format().to_string() };
    tell(env, args, &output, &done);
    Ok(())
}

/// What is told of a sealed document.
struct Done<'a> {
    attempt: &'a str,
    name: &'a str,
    format: String,
}

fn tell(env: &Env, args: &Seal, output: &Path, done: &Done<'_>) {
    let value = json!({
        "sealId": args.seal, "attemptId": done.attempt, "name": done.name, "output": output, "format": done.format,
    });
    env.output.result(&value, format!("{} {}", env.lang().pick("签章成功:", "sealed:"), output.display()));
    env.output.say(&format!("eseal verify {}", output.display()));
}

async fn with_card(
    env: &Env,
    args: &Seal,
    attempt: &Attempt<'_>,
    document: &Document,
    output: &Path,
) -> Result<String, Failure> {
    let lang = env.lang();
    let Some(card) = connected(lang, args.card.as_deref())? else {
        return Err(attempt.card_absent().await);
    };
    let unlocked = unlock(env, args.pin_file.as_deref(), attempt, &card).await?;
    let structure = unlocked.read_seal().map_err(|error| Failure::card(lang, &error))?;
    let structure = structure.ok_or_else(|| no_seal(lang, &card))?;
    let suite = document.suite();
    let certificate = card.certificate(suite).map_err(|error| Failure::card(lang, &error))?;
    let (Some(key), Some(certificate)) = (unlocked.signer(suite), certificate) else {
        return Err(no_key(lang, suite));
    };
    let draft = draft(env, args, attempt, document, &structure, &certificate)?;
    attempt.authorize(&card, &key, &certificate, &structure, &draft).await?;
    let signature = key.sign(draft.to_sign());
    let signature = signature.map_err(|error| Failure::new(Kind::Usage, "CARD_UNUSABLE", lang).because(error))?;
    finish(env, attempt, document, draft, &signature, output).await
}

async fn with_hosted_key(
    env: &Env,
    args: &Seal,
    attempt: &Attempt<'_>,
    document: &Document,
    output: &Path,
) -> Result<String, Failure> {
    let lang = env.lang();
    let structure = attempt.structure().await?;
    let suite = document.suite();
    let certificate = listed(&structure, suite).ok_or_else(|| no_key(lang, suite))?;
    let draft = draft(env, args, attempt, document, &structure, &certificate)?;
    loop {
        let prompt = format!(
            "{} ({} {})",
            lang.pick("密钥密码", "PIN of the key"),
            lang.pick("剩余次数", "tries left"),
            attempt.tries_left()
        );
        let pin = secret::read(lang, args.pin_file.as_deref(), &prompt)?;
        match attempt.authorize_hosted(&pin, &certificate, &draft).await {
            Err(failure) if failure.code == "PIN_INCORRECT" && asks_again(args.pin_file.as_deref()) => {
                env.output.fail(&failure)
            }
            done => break done?,
        }
    }
    let signature = attempt.sign_hosted(draft.to_sign()).await?;
    finish(env, attempt, document, draft, &signature, output).await
}

/// Gate c: each try is told to the service, which counts by itself.
async fn unlock(
    env: &Env,
    pin_file: Option<&Path>,
    attempt: &Attempt<'_>,
    card: &SoftCard,
) -> Result<Unlocked, Failure> {
    let lang = env.lang();
    loop {
        let left = card.tries_left().map_err(|error| Failure::card(lang, &error))?;
        let prompt = format!(
            "{} ({} {left})",
            lang.pick("电子印章卡密码", "PIN of the seal card"),
            lang.pick("剩余次数", "tries left")
        );
        let pin = secret::pin(lang, pin_file, &prompt)?;
        match card.unlock(&pin) {
            Ok(unlocked) => {
                attempt.pin(true).await?;
                return Ok(unlocked);
            }
            Err(CardError::PinIncorrect { .. }) => {
                let failure = attempt.wrong_pin().await;
                if failure.code != "PIN_INCORRECT" || !asks_again(pin_file) {
                    return Err(failure);
                }
                env.output.fail(&failure);
            }
            Err(CardError::PinLocked) => {
                let told = attempt.wrong_pin().await;
                let locked =
                    if told.code == "PIN_LOCKED" { told } else { Failure::new(Kind::Refused, "PIN_LOCKED", lang) };
                return Err(locked.advise(lang.pick(
                    "卡本身也已永久锁定:请换发新卡并重新制章",
                    "the card itself is locked for good: have the seal made again on a new card",
                )));
            }
            Err(error) => return Err(Failure::card(lang, &error)),
        }
    }
}

fn asks_again(pin_file: Option<&Path>) -> bool {
    pin_file.is_none() && secret::can_ask()
}

fn draft(
    env: &Env,
    args: &Seal,
    attempt: &Attempt<'_>,
    document: &Document,
    structure: &[u8],
    certificate: &Certificate,
) -> Result<Prepared, Failure> {
    let lang = env.lang();
    must_be(lang, structure, &args.seal)?;
    let (placement, extras) = (&position::placement(lang, &args.position)?, position::extras(&args.special));
    let of = Sealing { structure, placement, time: attempt.sealing_time(), reason: args.reason.as_deref(), extras };
    document.prepare(of, certificate)
}

/// Refuses another electronic seal than the one that was asked for.
fn must_be(lang: Lang, structure: &[u8], seal_id: &str) -> Result<(), Failure> {
    let unreadable = |error| Failure::new(Kind::Usage, "CARD_UNUSABLE", lang).because(error);
    let seal = Structure::from_der(structure).map_err(|error| unreadable(error.to_string()))?;
    if seal.info().es_id == seal_id { Ok(()) } else { Err(unreadable(format!("{} ≠ {seal_id}", seal.info().es_id))) }
}

/// Writes the sealed document, has the service check the signature, and only then puts it where it was asked for.
async fn finish(
    env: &Env,
    attempt: &Attempt<'_>,
    document: &Document,
    draft: Prepared,
    signature: &[u8],
    output: &Path,
) -> Result<String, Failure> {
    let unwritable = |error: std::io::Error| Failure::unwritable(env.lang(), output, &error);
    let folder = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
    let sealed = document.finish(draft, signature, file.as_file_mut())?;
    file.as_file().sync_all().map_err(unwritable)?;
    attempt.complete(&sealed.signature).await?;
    open_to_others(file.as_file()).map_err(unwritable)?;
    if let Err(failed) = file.persist(output) {
        // It is sealed and recorded: what can't go where it was asked for is kept where it is.
        let kept = failed.file.keep().map(|(_, path)| path.display().to_string()).unwrap_or_default();
        return Err(unwritable(failed.error).advise(kept));
    }
    Ok(sealed.name)
}

/// The certificate of a suite in a seal's list.
fn listed(structure: &[u8], suite: Suite) -> Option<Certificate> {
    let seal = Structure::from_der(structure).ok()?;
    let CertificateList::Certificates(listed) = &seal.info().certificates else { return None };
    let mut certificates = listed.iter().filter_map(|der| Certificate::from_der(der).ok());
    certificates.find(|certificate| super::card::suite_of(certificate) == Some(suite))
}

fn output_path(args: &Seal) -> PathBuf {
    if let Some(output) = &args.output {
        return output.clone();
    }
    let ending = args.file.extension().and_then(|e| e.to_str()).unwrap_or("sealed");
    args.file.with_extension(format!("sealed.{ending}"))
}

/// The digest as the service knows it.
fn digest_of(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

fn no_seal(lang: Lang, card: &SoftCard) -> Failure {
    let why = lang.pick("卡中没有电子印章", "the card carries no seal");
    Failure::new(Kind::Usage, "CARD_UNUSABLE", lang).because(format_args!("{}: {why}", card.path().display()))
}

fn no_key(lang: Lang, suite: Suite) -> Failure {
    let why = lang.pick("没有此类文档所需的密钥", "there is no key for this kind of document");
    Failure::new(Kind::Usage, "CERTIFICATE_UNUSABLE", lang).because(format_args!("{why}: {suite}"))
}
