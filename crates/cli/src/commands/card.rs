//! Cards: soft cards, PKCS #11 tokens, SKF devices.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use eseal_card::{
    Card, CardAddress, CardError, CardKind as StoredKind, DriverError, Drivers, NewCard, Opened, Pin, SoftCard, Tries,
};
use eseal_kernel::Uscc;
use eseal_pki::{Certificate, CertificateRequest, Subject, Suite};
use serde_json::json;

use super::Env;
use super::fabrication::unlocked;
use crate::args::{Card as Command, CardKind, NewKey};
use crate::failure::{Failure, Kind, read_file, write_file};
use crate::lang::Lang;
use crate::output::fields;
use crate::secret;

const MAX_CERTIFICATE: u64 = 1 << 20;
/// Bytes of a token's label (PKCS #11 v2.40 §3.2).
const MAX_LABEL: usize = 32;

pub fn card(env: &Env, command: Command) -> Result<(), Failure> {
    let lang = env.lang();
    let pin_of = lang.pick("卡密码", "PIN of the card");
    match command {
        Command::Create { file, kind, pin_file, admin_pin_file } => {
            create(env, &file, kind, pin_file.as_deref(), admin_pin_file.as_deref())
        }
        Command::List { card } => list(env, &card),
        Command::Init { card, kind, label, keys, admin_pin_file, pin_file } => {
            let pins = (admin_pin_file.as_deref(), pin_file.as_deref());
            initialize(env, &card, (kind, label, keys), pins)
        }
        Command::Generate { card, key, pin_file } => {
            let mut opened = unlocked(lang, &open(lang, &card)?, pin_file.as_deref(), pin_of)?;
            opened.generate(key.into()).map_err(|error| Failure::card(lang, &error))?;
            show(env, opened.card())
        }
        Command::Show { card } => show(env, &open(lang, &card)?),
        Command::Csr { card, output, common_name, organization, name, pin_file } => {
            let subject = subject(lang, &common_name, organization.as_deref(), name.as_deref())?;
            let opened = unlocked(lang, &open(lang, &card)?, pin_file.as_deref(), pin_of)?;
            request(env, &opened, &subject, &output)
        }
        Command::Import { card, certificates, pin_file } => {
            let opened = unlocked(lang, &open(lang, &card)?, pin_file.as_deref(), pin_of)?;
            for path in certificates {
                import(lang, &opened, &path)?;
            }
            show(env, opened.card())
        }
        Command::ChangePin { card, pin_file, new_pin_file } => {
            let card = open(lang, &card)?;
            let old = asked(lang, &card, pin_file.as_deref(), pin_of)?;
            let new = secret::pin(lang, new_pin_file.as_deref(), new_pin(lang))?;
            card.change_pin(&old, &new).map_err(|error| Failure::card(lang, &error))?;
            env.output.result(&json!({ "changed": true }), lang.pick("密码已修改", "PIN changed"));
            Ok(())
        }
        Command::Unblock { card, admin_pin_file, new_pin_file } => {
            let card = open(lang, &card)?;
            let admin = admin_asked(lang, &card, admin_pin_file.as_deref())?;
            let new = secret::pin(lang, new_pin_file.as_deref(), new_pin(lang))?;
            card.unblock(&admin, &new).map_err(|error| Failure::card(lang, &error))?;
            env.output.result(&json!({ "unblocked": true }), lang.pick("卡已解锁", "the card is unblocked"));
            Ok(())
        }
        Command::Administrator { card, pin_file, admin_pin_file, new_admin_pin_file } => {
            let card = open(lang, &card)?;
            let files = (pin_file.as_deref(), admin_pin_file.as_deref());
            administrator(env, &card, files, new_admin_pin_file.as_deref())
        }
    }
}

/// Gives a soft card an administrator, or the one that it has another PIN.
fn administrator(
    env: &Env,
    card: &Card,
    (pin_file, admin_file): (Option<&Path>, Option<&Path>),
    new_file: Option<&Path>,
) -> Result<(), Failure> {
    let lang = env.lang();
    let failed = |error: CardError| Failure::card(lang, &error);
    let of_devices = || CardError::NotOffered("this: the vendor's tool changes its administrator's PIN".to_owned());
    let soft = card.as_soft().ok_or_else(of_devices).map_err(failed)?;
    let new = lang.pick("新管理员密码", "New PIN of the administrator");
    match soft.admin_tries_left().map_err(failed)? {
        None => {
            let pin = asked(lang, card, pin_file, lang.pick("卡密码", "PIN of the card"))?;
            soft.give_administrator(&pin, &secret::pin(lang, new_file, new)?).map_err(failed)?;
        }
        Some(_) if pin_file.is_some() => return Err(failed(CardError::AdminExists)),
        Some(_) => {
            let old = admin_asked(lang, card, admin_file)?;
            soft.change_admin_pin(&old, &secret::pin(lang, new_file, new)?).map_err(failed)?;
        }
    }
    env.output
        .result(&json!({ "administrator": true }), lang.pick("已设置管理员密码", "the administrator's PIN is set"));
    Ok(())
}

fn list(env: &Env, address: &CardAddress) -> Result<(), Failure> {
    let lang = env.lang();
    let drivers = drivers(lang)?;
    let listed = Card::list(address, &drivers).map_err(|error| Failure::card(lang, &error))?;
    let value: Vec<_> = listed
        .iter()
        .map(|card| {
            json!({
                "address": card.address, "label": card.label, "serial": card.serial, "model": card.model,
                "initialized": card.initialized, "sm2": card.sm2, "triesLeft": card.tries_left.number(),
            })
        })
        .collect();
    let words = listed.iter().map(|card| {
        let fresh = if card.initialized { "" } else { lang.pick("  未初始化", "  not initialized") };
        format!("{}\n  {}  {}  {}{fresh}", card.address, card.label, card.serial, card.model)
    });
    env.output.result(&json!({ "cards": value }), words.collect::<Vec<_>>().join("\n"));
    Ok(())
}

fn initialize(
    env: &Env,
    address: &CardAddress,
    (kind, label, keys): (CardKind, String, Vec<NewKey>),
    (admin_file, pin_file): (Option<&Path>, Option<&Path>),
) -> Result<(), Failure> {
    let lang = env.lang();
    if matches!(address, CardAddress::File(_)) {
        return Err(Failure::usage(lang, "eseal card create FILE"));
    }
    if label.is_empty() || label.len() > MAX_LABEL {
        return Err(Failure::usage(lang, format_args!("--label: 1–{MAX_LABEL} bytes")));
    }
    let failed = |error: CardError| Failure::card(lang, &error);
    let admin = secret::pin(lang, admin_file, admin_pin(lang))?;
    let pin = secret::pin(lang, pin_file, choose(lang))?;
    let new = NewCard { label, kind: stored(kind), admin, pin };
    let card = Card::initialize(address, &new, &drivers(lang)?).map_err(failed)?;
    let mut opened = card.unlock(&new.pin).map_err(failed)?;
    for key in keys {
        opened.generate(key.into()).map_err(failed)?;
    }
    show(env, &card)
}

/// Puts those of a file's certificates onto the card whose keys it has: CAs give their own along.
fn import(lang: Lang, opened: &Opened, path: &Path) -> Result<(), Failure> {
    let certificates = read_certificates(lang, path)?;
    let is_own = |one: &Certificate, suite| matches!((opened.public_key(suite), one.public_key()), (Some(own), Ok(certified)) if own == certified);
    let mut own = Vec::new();
    for certificate in &certificates {
        let suite = suite_of(certificate).ok_or_else(|| unusable(lang, path.display()))?;
        if is_own(certificate, suite) {
            own.push((suite, certificate));
        }
    }
    // One that is of no key of the card is the card's to refuse, with its reason.
    if let ([], [alone, ..]) = (own.as_slice(), certificates.as_slice()) {
        own.extend(suite_of(alone).map(|suite| (suite, alone)));
    }
    for (suite, certificate) in own {
        opened.import_certificate(suite, certificate).map_err(|error| Failure::card(lang, &error))?;
    }
    Ok(())
}

/// Whom a certificate is for: an organization, or somebody without one.
pub fn subject(
    lang: Lang,
    common_name: &str,
    organization: Option<&str>,
    name: Option<&str>,
) -> Result<Subject, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(lang, format_args!("--organization + --name: {why}"));
    match (organization, name) {
        (Some(code), Some(name)) => {
            let code = Uscc::from_str(code).map_err(|error| wrong(&error))?;
            Ok(Subject::of_organization(common_name, code, name))
        }
        (None, None) => Ok(Subject::named(common_name)),
        (Some(_), None) | (None, Some(_)) => Err(wrong(&"")),
    }
}

fn request(env: &Env, opened: &Opened, subject: &Subject, output: &Path) -> Result<(), Failure> {
    let lang = env.lang();
    let mut written = Vec::new();
    for suite in opened.card().suites().map_err(|error| Failure::card(lang, &error))? {
        let Some(key) = opened.signer(suite) else { continue };
        let request = CertificateRequest::create(subject, &key, &key.public_key()).map_err(|e| unusable(lang, e))?;
        written.push(write_request(lang, output, suite, &request)?);
    }
    let words = written.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n");
    env.output.result(&json!({ "written": written }), words);
    Ok(())
}

fn drivers(lang: Lang) -> Result<Drivers, Failure> {
    let started = |error: std::io::Error| CardError::Driver(DriverError::NotStarted(error.to_string()));
    Drivers::this_program().map_err(|error| Failure::card(lang, &started(error)))
}

const fn stored(kind: CardKind) -> StoredKind {
    match kind {
        CardKind::Maker => StoredKind::Maker,
        CardKind::Holder => StoredKind::Holder,
    }
}

fn choose(lang: Lang) -> &'static str {
    lang.pick("设置卡密码(6–16位)", "Choose a PIN (6 to 16 characters)")
}

fn new_pin(lang: Lang) -> &'static str {
    lang.pick("新密码", "New PIN")
}

fn admin_pin(lang: Lang) -> &'static str {
    lang.pick("管理员密码", "PIN of the administrator")
}

fn create(
    env: &Env,
    file: &Path,
    kind: CardKind,
    pin_file: Option<&Path>,
    admin_pin_file: Option<&Path>,
) -> Result<(), Failure> {
    let lang = env.lang();
    let pin = secret::pin(lang, pin_file, choose(lang))?;
    let admin = admin_pin_file.map(|file| secret::pin(lang, Some(file), admin_pin(lang))).transpose()?;
    // Seals are SM2 structures, so a maker signs with SM2 alone; a holder seals both kinds of document.
    let suites: &[Suite] = match kind {
        CardKind::Maker => &[Suite::Sm2Sm3],
        CardKind::Holder => &[Suite::Sm2Sm3, Suite::EcdsaP256Sha256],
    };
    let created = SoftCard::create_with_admin(file, stored(kind), &pin, admin.as_ref(), suites);
    show(env, &created.map_err(|error| Failure::card(lang, &error))?.into())
}

fn show(env: &Env, card: &Card) -> Result<(), Failure> {
    let lang = env.lang();
    let failed = |error| Failure::card(lang, &error);
    let (suites, certificates) = (card.suites().map_err(failed)?, card.certificates().map_err(failed)?);
    let (tries_left, has_seal) = (card.tries_left().map_err(failed)?, card.has_seal().map_err(failed)?);
    let kind = match card.kind() {
        StoredKind::Maker => "maker",
        StoredKind::Holder => "holder",
    };
    let keys: Vec<String> = suites.iter().map(ToString::to_string).collect();
    let subjects: Vec<String> = certificates.iter().map(Certificate::subject).collect();
    let value = json!({
        "serial": card.serial(), "kind": kind, "keys": keys, "certificates": subjects,
        "triesLeft": tries_left.number(), "hasSeal": has_seal,
    });
    let seal = match has_seal {
        Some(true) => lang.pick("有", "yes"),
        Some(false) => lang.pick("无", "none"),
        None => lang.pick("需密码才可查看", "seen with the PIN only"),
    };
    let words = fields(&[
        ("serial", card.serial().to_owned()),
        ("kind", kind.to_owned()),
        ("keys", keys.join(", ")),
        ("certificates", subjects.join("\n              ")),
        ("tries left", told(lang, tries_left)),
        ("seal", seal.to_owned()),
    ]);
    env.output.result(&value, words);
    Ok(())
}

/// The tries that are left, for people.
pub fn told(lang: Lang, tries: Tries) -> String {
    match tries {
        Tries::Exactly(number) => number.to_string(),
        Tries::Fewer => lang.pick("卡不告知次数,已有错误输入", "not told by the card; some were used up").to_owned(),
        Tries::Untold => lang.pick("卡不告知次数", "not told by the card").to_owned(),
    }
}

/// The PIN that somebody gives for a card, with the tries that it has left.
pub fn asked(lang: Lang, card: &Card, pin_file: Option<&Path>, prompt: &str) -> Result<Pin, Failure> {
    let left = card.tries_left().map_err(|error| Failure::card(lang, &error))?;
    if left.is_locked() {
        return Err(Failure::card(lang, &CardError::PinLocked));
    }
    let prompt = format!("{prompt} ({}: {})", lang.pick("剩余次数", "tries left"), told(lang, left));
    secret::pin(lang, pin_file, &prompt)
}

/// The PIN that the administrator of a card gives, with the tries that it has left.
fn admin_asked(lang: Lang, card: &Card, file: Option<&Path>) -> Result<Pin, Failure> {
    let left = card.admin_tries_left().map_err(|error| Failure::card(lang, &error))?;
    if left.is_locked() {
        return Err(Failure::card(lang, &CardError::AdminPinLocked));
    }
    let prompt = format!("{} ({}: {})", admin_pin(lang), lang.pick("剩余次数", "tries left"), told(lang, left));
    secret::pin(lang, file, &prompt)
}

/// Opens the card there.
pub fn open(lang: Lang, address: &CardAddress) -> Result<Card, Failure> {
    Card::open(address).map_err(|error| Failure::card(lang, &error))
}

/// The certificates in a PEM file.
pub fn read_certificates(lang: Lang, path: &Path) -> Result<Vec<Certificate>, Failure> {
    let bytes = read_file(lang, path, MAX_CERTIFICATE)?;
    let refused = |why: String| unusable(lang, format_args!("{}: {why}", path.display()));
    let certificates = Certificate::many_from_pem(&bytes).map_err(|error| refused(error.to_string()))?;
    if certificates.is_empty() { Err(refused("no CERTIFICATE".to_owned())) } else { Ok(certificates) }
}

/// The suite of a certificate's key.
pub fn suite_of(certificate: &Certificate) -> Option<Suite> {
    certificate.public_key().ok()?.suite()
}

/// Writes a certificate request to PREFIX.sm2.csr or PREFIX.p256.csr.
pub fn write_request(
    lang: Lang,
    prefix: &Path,
    suite: Suite,
    request: &CertificateRequest,
) -> Result<PathBuf, Failure> {
    let ending = match suite {
        Suite::Sm2Sm3 => "sm2.csr",
        Suite::EcdsaP256Sha256 => "p256.csr",
        Suite::EcdsaP384Sha384 => "p384.csr",
        Suite::RsaSha256 | Suite::RsaSha384 | Suite::RsaSha512 => "rsa.csr",
    };
    let mut path = prefix.as_os_str().to_owned();
    path.push(format!(".{ending}"));
    let path = PathBuf::from(path);
    write_file(lang, &path, request.to_pem().as_bytes(), false)?;
    Ok(path)
}

/// A certificate or request that can't be used.
pub fn unusable(lang: Lang, why: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Usage, "CERTIFICATE_UNUSABLE", lang).because(why)
}
