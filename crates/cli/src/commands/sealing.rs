//! 签章: with a card here, or with a hosted key at the service; the same gates either way.

mod act;
mod at_service;
mod attempt;
pub mod batch;
mod begun;
mod bench;
mod document;
pub mod inputs;
mod journal;
mod leftover;
mod line;
mod manner;
mod portion;
mod position;
mod repeat;
mod results;
mod resumed;
pub mod workers;
mod writing;

pub use attempt::counted;

use std::path::{Path, PathBuf};
use std::thread;

use eseal_card::{Card, CardError, Opened};
use eseal_documents::Reason;
use eseal_documents::sealing::{Prepared, UsableSeal};
use eseal_kernel::Digest;
use eseal_online::pades::Pades;
use eseal_pki::{Certificate, Signer as _, Suite};
use eseal_proto::authentication::v1 as pb;
use serde_json::json;

use self::attempt::Attempt;
use self::document::{Document, Sealing};
use self::manner::Manner;
use self::repeat::{Act, Kept, Waiting, other_act};
use self::writing::{Lister, Writing, no_lister};
use super::Env;
use super::fabrication::connected;
use crate::args::{self, Seal};
use crate::failure::{Failure, Kind, may_be_written};
use crate::lang::Lang;
use crate::{mapped, secret};

pub async fn seal(env: &Env, args: &Seal) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let mut manner = Manner::read(lang, &args.manner)?;
    let document = Document::open(env.output, &args.file)?; // before anything is recorded
    manner.must_fit(lang, document.format())?;
    earlier_seals_hold(lang, &document, &mut manner)?;
    let output = output_path(args);
    may_be_written(lang, &output)?;
    let act = Act::of(args.request_id);
    for waiting in leftover::look(lang, &output, document.bytes(), &act)? {
        env.output.say(&leftover::told(lang, &waiting));
    }
    if args.at_service {
        let sealed = at_service::seal(env, args, &manner, &server, (&output, &act)).await;
        let sealed = sealed.map_err(|failure| act.told(lang, failure))?;
        let done = Done { attempt: &sealed.attempt_id, name: &sealed.name, format: sealed.format };
        tell(env, args, &output, &done);
        return Ok(());
    }
    manner.must_be_complete(lang)?;
    let begun = Attempt::begin(&server, &args.manner.seal, 0, act).await;
    let attempt = begun.map_err(|failure| act.told(lang, failure))?;
    let mut kept = Kept::open(lang, &act, &output, attempt.id(), document.bytes())?;
    let work =
        Work { env, args: &args.manner, manner: &manner, attempt: &attempt, document: &document, output: &output };
    let name = match work.sealed(&mut kept).await {
        Ok(name) => name,
        Err(failure) => {
            if !kept.is_recorded() && !act.goes_on_after(&failure) {
                if failure.kind != Kind::Refused {
                    attempt.give_up().await; // ours, not a refusal by the service: it should not stay open
                }
                kept.throw_away();
            }
            return Err(act.told(lang, failure));
        }
    };
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
        "sealId": args.manner.seal, "attemptId": done.attempt, "name": done.name, "output": output, "format": done.format,
    });
    env.output.result(&value, format!("{} {}", env.lang().pick("签章成功:", "sealed:"), output.display()));
    env.output.say(&format!("eseal verify {}", output.display()));
}

/// Refuses a document whose earlier seals do not hold. The password of an encrypted one is asked for where nobody gave it.
fn earlier_seals_hold(lang: Lang, document: &Document, manner: &mut Manner) -> Result<(), Failure> {
    match document.earlier_seals_hold(manner.password()) {
        Err(failure) if failure.code == Reason::DocumentEncrypted.code() && manner.ask_password(lang)? => {
            document.earlier_seals_hold(manner.password())
        }
        held => held,
    }
}

/// One document in one attempt.
struct Work<'a> {
    env: &'a Env,
    args: &'a args::Manner,
    manner: &'a Manner,
    attempt: &'a Attempt<'a>,
    document: &'a Document,
    output: &'a Path,
}

impl Work<'_> {
    async fn sealed(&self, kept: &mut Kept) -> Result<String, Failure> {
        match kept.waiting()? {
            // Nothing is missing but the service's word, or that it came.
            Some(waiting) => self.hand_over(kept, waiting).await,
            None if self.attempt.is_hosted() => self.with_hosted_key(kept).await,
            None => self.with_card(kept).await,
        }
    }

    async fn with_card(&self, kept: &mut Kept) -> Result<String, Failure> {
        let (env, lang, attempt) = (self.env, self.env.lang(), self.attempt);
        let Some(card) = connected(lang, self.args.card.as_ref())? else {
            return Err(attempt.card_absent().await);
        };
        let sent_before = kept.authorization()?;
        // The service was told of a right PIN before it was shown anything.
        let told = sent_before.is_none().then_some(attempt);
        let unlocked = unlock(env, self.args.pin_file.as_deref(), told, &card).await?;
        let structure = unlocked.read_seal().map_err(|error| Failure::card(lang, &error))?;
        let structure = structure.ok_or_else(|| no_seal(lang, &card))?;
        let seal = usable(lang, &structure, &self.args.seal)?;
        let suite = on_card(lang, &card, self.manner.suite(self.document.format()))?;
        let certificate = card.certificate(suite).map_err(|error| Failure::card(lang, &error))?;
        let (Some(key), Some(certificate)) = (unlocked.signer(suite), certificate) else {
            return Err(no_key(lang, suite));
        };
        let pades = self.manner.pades(lang, self.document.format(), &certificate).await?;
        let draft = self.draft(&seal, &certificate, pades.as_ref(), kept)?;
        let request = match sent_before {
            Some(request) if request.document_digest != hex::encode(draft.digest()) => return Err(other_act(lang)),
            Some(request) => request,
            None => {
                let request = attempt.authorization(&card, &key, &certificate, &structure, &draft, self.original()?)?;
                kept.keep_authorization(&request)?;
                request
            }
        };
        attempt.authorize(request).await?;
        eseal_faultpoint::pass("seal.authorized");
        let signature = key.sign(draft.to_sign());
        let signature = signature.map_err(|error| Failure::new(Kind::Usage, "CARD_UNUSABLE", lang).because(error))?;
        // Lists are of OFDs, whose key is the SM2 one too.
        let lister = Some(Lister { key: &key, certificate: &certificate });
        self.finish(kept, draft, &signature, pades.as_ref(), lister).await
    }

    async fn with_hosted_key(&self, kept: &mut Kept) -> Result<String, Failure> {
        let (lang, attempt) = (self.env.lang(), self.attempt);
        if self.manner.list_files {
            return Err(no_lister(lang));
        }
        let seal = usable(lang, &attempt.structure().await?, &self.args.seal)?;
        let suite = self.manner.suite(self.document.format());
        let certificate = seal.signer(suite).ok_or_else(|| no_key(lang, suite))?;
        let pades = self.manner.pades(lang, self.document.format(), &certificate).await?;
        let draft = self.draft(&seal, &certificate, pades.as_ref(), kept)?;
        let signature = match attempt.signed_before(draft.to_sign()).await? {
            Some(signature) => signature,
            None => {
                self.authorized(&certificate, &draft).await?;
                eseal_faultpoint::pass("seal.authorized");
                attempt.sign_hosted(draft.to_sign()).await?
            }
        };
        self.finish(kept, draft, &signature, pades.as_ref(), None).await
    }

    /// Gates c and d with a hosted key.
    async fn authorized(&self, certificate: &Certificate, draft: &Prepared) -> Result<(), Failure> {
        let (env, lang, attempt) = (self.env, self.env.lang(), self.attempt);
        let original = self.original()?;
        loop {
            let prompt = format!(
                "{} ({} {})",
                lang.pick("密钥密码", "PIN of the key"),
                lang.pick("剩余次数", "tries left"),
                attempt.tries_left()
            );
            let pin = secret::read(lang, self.args.pin_file.as_deref(), &prompt)?;
            let authorize =
                async |code: &str| attempt.authorize_hosted(&pin, code, certificate, draft, original.clone()).await;
            match with_code(lang, self.args.code_file.as_deref(), authorize).await {
                Err(failure) if failure.code == "PIN_INCORRECT" && asks_again(self.args.pin_file.as_deref()) => {
                    env.output.fail(&failure);
                }
                done => return done,
            }
        }
    }

    fn original(&self) -> Result<Option<pb::OriginalDocument>, Failure> {
        self.attempt.original_needed().then(|| self.document.original()).transpose()
    }

    fn draft(
        &self,
        seal: &UsableSeal,
        certificate: &Certificate,
        pades: Option<&Pades>,
        kept: &mut Kept,
    ) -> Result<Prepared, Failure> {
        let (manner, time) = (self.manner, self.attempt.sealing_time());
        let time_stamp_room = kept.time_stamp_room(pades.map_or(0, Pades::room))?;
        let of = Sealing { seal, manner, time, time_stamp_room };
        self.document.prepare(of, certificate)
    }

    /// Writes the sealed document, and keeps it until it is handed over.
    async fn finish(
        &self,
        kept: &mut Kept,
        draft: Prepared,
        signature: &[u8],
        pades: Option<&Pades>,
        lister: Option<Lister<'_>>,
    ) -> Result<String, Failure> {
        let (lang, output) = (self.env.lang(), self.output);
        let unwritable = |error: std::io::Error| Failure::unwritable(lang, output, &error);
        let folder = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let file = leftover::part(folder).map_err(unwritable)?;
        let writing = Writing { lang, manner: self.manner, pades, lister, time: self.attempt.sealing_time() };
        let written = || mapped::file(file.as_file());
        let sealed = writing.write(self.document, draft, signature, file.as_file(), written, folder).await?;
        let digest = mapped::file(file.as_file()).map_err(unwritable)?;
        let digest = digest_of(digest.as_ref().as_ref());
        let waiting = Waiting { name: sealed.name, signature: sealed.signature };
        kept.keep_sealed(file, digest, &waiting)?;
        eseal_faultpoint::pass("seal.signed");
        self.hand_over(kept, waiting).await
    }

    /// Has the service check the signature, and puts the document where it was asked for.
    async fn hand_over(&self, kept: &mut Kept, waiting: Waiting) -> Result<String, Failure> {
        self.attempt.complete(&waiting.signature).await?;
        eseal_faultpoint::pass("seal.completed");
        kept.place(self.output)?;
        Ok(waiting.name)
    }
}

/// Gate c: each try is told to the service, which counts by itself; not where an attempt has passed that gate before.
async fn unlock(
    env: &Env,
    pin_file: Option<&Path>,
    attempt: Option<&Attempt<'_>>,
    card: &Card,
) -> Result<Opened, Failure> {
    let lang = env.lang();
    // While the PIN is typed and checked; without a thread it is collected when it is needed.
    let _ = thread::Builder::new().spawn(eseal_pki::collect_randomness);
    let wrong_pin = async || match attempt {
        Some(attempt) => attempt.wrong_pin().await,
        None => Failure::new(Kind::Refused, "PIN_INCORRECT", lang),
    };
    loop {
        let left = card.tries_left().map_err(|error| Failure::card(lang, &error))?;
        // A card that is locked already is told to the service like one that has just become so.
        let unlocked = if left.is_locked() {
            Err(CardError::PinLocked)
        } else {
            let prompt = lang.pick("电子印章卡密码", "PIN of the seal card");
            card.unlock(&super::card::asked(lang, card, pin_file, prompt)?)
        };
        match unlocked {
            Ok(unlocked) => {
                if let Some(attempt) = attempt {
                    attempt.pin(true).await?;
                }
                return Ok(unlocked);
            }
            Err(CardError::PinIncorrect { .. }) => {
                let failure = wrong_pin().await;
                if failure.code != "PIN_INCORRECT" || !asks_again(pin_file) {
                    return Err(failure);
                }
                env.output.fail(&failure);
            }
            Err(CardError::PinLocked) => {
                let told = wrong_pin().await;
                let locked =
                    if told.code == "PIN_LOCKED" { told } else { Failure::new(Kind::Refused, "PIN_LOCKED", lang) };
                return Err(locked.advise(lang.pick(
                    "卡本身也已锁定:用管理员密码解锁(eseal card unblock),或换发新卡并重新制章",
                    "the card itself is locked: eseal card unblock, or have the seal made again on a new card",
                )));
            }
            Err(error) => return Err(Failure::card(lang, &error)),
        }
    }
}

/// The suite that takes the place of this one on the card: RSA seals PDF where there is no P-256.
fn on_card(lang: Lang, card: &Card, suite: Suite) -> Result<Suite, Failure> {
    let suites = card.suites().map_err(|error| Failure::card(lang, &error))?;
    let is_there = |wanted| suites.contains(&wanted);
    let by_rsa = suite == Suite::EcdsaP256Sha256 && !is_there(suite) && is_there(Suite::RsaSha256);
    Ok(if by_rsa { Suite::RsaSha256 } else { suite })
}

/// Does this with the code that was given, and asks for one where the seal's policy turns out to want it: no try was spent then.
async fn with_code<T>(
    lang: Lang,
    file: Option<&Path>,
    authorize: impl AsyncFn(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let given = file.map(|file| secret::of_file(lang, file)).transpose()?;
    match authorize(given.as_ref().map_or("", |code| code.as_str())).await {
        Err(failure) if failure.code == "SECOND_FACTOR_REQUIRED" && given.is_none() && secret::can_ask() => {
            let typed = secret::read(lang, None, lang.pick("验证码", "Code"))?;
            authorize(&typed).await
        }
        done => done,
    }
}

fn asks_again(pin_file: Option<&Path>) -> bool {
    pin_file.is_none() && secret::can_ask()
}

/// The electronic seal, ready for use. Another one than was asked for is refused.
fn usable(lang: Lang, structure: &[u8], seal_id: &str) -> Result<UsableSeal, Failure> {
    let seal = UsableSeal::from_der(structure).map_err(|error| Failure::document(lang, &error))?;
    let es_id = &seal.seal().info().es_id;
    if es_id != seal_id {
        return Err(Failure::new(Kind::Usage, "CARD_UNUSABLE", lang).because(format_args!("{es_id} ≠ {seal_id}")));
    }
    Ok(seal)
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

fn no_seal(lang: Lang, card: &Card) -> Failure {
    let why = lang.pick("卡中没有电子印章", "the card carries no seal");
    Failure::new(Kind::Usage, "CARD_UNUSABLE", lang).because(format_args!("{}: {why}", card.address()))
}

fn no_key(lang: Lang, suite: Suite) -> Failure {
    let why = lang.pick("没有此类文档所需的密钥", "there is no key for this kind of document");
    Failure::new(Kind::Usage, "CERTIFICATE_UNUSABLE", lang).because(format_args!("{why}: {suite}"))
}
