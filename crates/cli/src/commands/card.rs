//! Soft cards.

use std::path::{Path, PathBuf};

use eseal_card::{CardKind as StoredKind, SoftCard};
use eseal_pki::{Certificate, CertificateRequest, Subject, Suite};
use serde_json::json;

use super::Env;
use super::fabrication::unlocked;
use crate::args::{Card, CardKind};
use crate::failure::{Failure, Kind, read_file, write_file};
use crate::lang::Lang;
use crate::output::fields;
use crate::secret;

const MAX_CERTIFICATE: u64 = 1 << 20;

pub fn card(env: &Env, command: Card) -> Result<(), Failure> {
    let lang = env.lang();
    let pin_of = lang.pick("卡密码", "PIN of the card");
    match command {
        Card::Create { file, kind, pin_file } => create(env, &file, kind, pin_file.as_deref()),
        Card::Show { file } => show(env, &open(lang, &file)?),
        Card::Csr { file, output, common_name, pin_file } => {
            let card = open(lang, &file)?;
            let unlocked = unlocked(lang, &card, pin_file.as_deref(), pin_of)?;
            let subject = Subject::named(&common_name);
            let mut written = Vec::new();
            for suite in card.suites().map_err(|error| Failure::card(lang, &error))? {
                let (Some(key), Some(public)) = (unlocked.signer(suite), unlocked.public_key(suite)) else { continue };
                let request = CertificateRequest::create(&subject, &key, &public).map_err(|e| unusable(lang, e))?;
                written.push(write_request(lang, &output, suite, &request)?);
            }
            let words = written.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n");
            env.output.result(&json!({ "written": written }), words);
            Ok(())
        }
        Card::Import { file, certificates, pin_file } => {
            let unlocked = unlocked(lang, &open(lang, &file)?, pin_file.as_deref(), pin_of)?;
            for path in certificates {
                for certificate in read_certificates(lang, &path)? {
                    let suite = suite_of(&certificate).ok_or_else(|| unusable(lang, path.display()))?;
                    unlocked.import_certificate(suite, &certificate).map_err(|error| Failure::card(lang, &error))?;
                }
            }
            show(env, unlocked.card())
        }
        Card::ChangePin { file, pin_file, new_pin_file } => {
            let unlocked = unlocked(lang, &open(lang, &file)?, pin_file.as_deref(), pin_of)?;
            let pin = secret::pin(lang, new_pin_file.as_deref(), lang.pick("新密码", "New PIN"))?;
            unlocked.change_pin(&pin).map_err(|error| Failure::card(lang, &error))?;
            env.output.result(&json!({ "changed": true }), lang.pick("密码已修改", "PIN changed"));
            Ok(())
        }
    }
}

fn create(env: &Env, file: &Path, kind: CardKind, pin_file: Option<&Path>) -> Result<(), Failure> {
    let lang = env.lang();
    let pin = secret::pin(lang, pin_file, lang.pick("设置卡密码(6–16位)", "Choose a PIN (6 to 16 characters)"))?;
    // Seals are SM2 structures, so a maker signs with SM2 alone; a holder seals both kinds of document.
    let (kind, suites): (_, &[Suite]) = match kind {
        CardKind::Maker => (StoredKind::Maker, &[Suite::Sm2Sm3]),
        CardKind::Holder => (StoredKind::Holder, &[Suite::Sm2Sm3, Suite::EcdsaP256Sha256]),
    };
    let card = SoftCard::create(file, kind, &pin, suites).map_err(|error| Failure::card(lang, &error))?;
    show(env, &card)
}

fn show(env: &Env, card: &SoftCard) -> Result<(), Failure> {
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
        "triesLeft": tries_left, "hasSeal": has_seal,
    });
    let words = fields(&[
        ("serial", card.serial().to_owned()),
        ("kind", kind.to_owned()),
        ("keys", keys.join(", ")),
        ("certificates", subjects.join("\n              ")),
        ("tries left", tries_left.to_string()),
        ("seal", lang.pick(if has_seal { "有" } else { "无" }, if has_seal { "yes" } else { "none" }).to_owned()),
    ]);
    env.output.result(&value, words);
    Ok(())
}

/// Opens the card in a file.
pub fn open(lang: Lang, file: &Path) -> Result<SoftCard, Failure> {
    SoftCard::open(file).map_err(|error| Failure::card(lang, &error))
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
