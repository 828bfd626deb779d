//! The small CA for development: four authorities in a folder.

use std::path::Path;
use std::time::Duration;

use eseal_kernel::{Clock, Uscc};
use eseal_pki::ca::CaFiles;
use eseal_pki::{Certificate, CertificateRequest, DevelopmentCa, Purpose, RevocationReason, Subject, Suite};
use serde_json::json;
use zeroize::Zeroizing;

use super::Env;
use super::card::{open, read_certificates, suite_of, unusable};
use super::fabrication::unlocked;
use crate::args::DevCa;
use crate::failure::{Failure, read_file, write_file};
use crate::lang::Lang;

const MAX_FILE: u64 = 16 << 20;
const AUTHORITIES: [(Suite, Purpose); 4] = [
    (Suite::Sm2Sm3, Purpose::Holder),
    (Suite::EcdsaP256Sha256, Purpose::Holder),
    (Suite::Sm2Sm3, Purpose::Maker),
    (Suite::EcdsaP256Sha256, Purpose::Maker),
];

pub fn dev_ca(env: &Env, command: DevCa) -> Result<(), Failure> {
    let lang = env.lang();
    match command {
        DevCa::Create { folder } => create(env, &folder),
        DevCa::Issue { folder, card, common_name, organization, name, days, pin_file } => {
            let subject = match (organization, name) {
                (Some(uscc), Some(name)) => Subject::of_organization(&common_name, code(lang, &uscc)?, &name),
                (None, None) => Subject::named(&common_name),
                (Some(_), None) | (None, Some(_)) => return Err(Failure::usage(lang, "--organization + --name")),
            };
            let card = open(lang, &card)?;
            let purpose = match card.kind() {
                eseal_card::CardKind::Maker => Purpose::Maker,
                eseal_card::CardKind::Holder => Purpose::Holder,
            };
            let unlocked = unlocked(lang, &card, pin_file.as_deref(), lang.pick("卡密码", "PIN of the card"))?;
            let mut subjects = Vec::new();
            for suite in card.suites().map_err(|error| Failure::card(lang, &error))? {
                let Some(key) = unlocked.public_key(suite) else { continue };
                let ca = load(lang, &folder, suite, purpose)?;
                let issued = ca.issue(&key, &subject, days_of(days), Clock::System.now());
                let certificate = issued.map_err(|error| unusable(lang, error))?;
                unlocked.import_certificate(suite, &certificate).map_err(|error| Failure::card(lang, &error))?;
                subjects.push(certificate.subject());
            }
            env.output.result(&json!({ "certificates": subjects }), subjects.join("\n"));
            Ok(())
        }
        DevCa::Sign { folder, csr, common_name, organization, name, days, output } => {
            let request = CertificateRequest::from_pem(&read_file(lang, &csr, MAX_FILE)?);
            let request = request.map_err(|error| unusable(lang, error))?;
            let suite = request.public_key().suite().ok_or_else(|| unusable(lang, csr.display()))?;
            let subject = Subject::of_organization(&common_name, code(lang, &organization)?, &name);
            let ca = load(lang, &folder, suite, Purpose::Holder)?;
            let issued = ca.issue_for_request(&request, &subject, days_of(days), Clock::System.now());
            let certificate = issued.map_err(|error| unusable(lang, error))?;
            write_file(lang, &output, certificate.to_pem().as_bytes(), false)?;
            env.output.result(&json!({ "written": output }), output.display().to_string());
            Ok(())
        }
        DevCa::Revoke { folder, certificate, output } => revoke(env, &folder, &certificate, &output),
    }
}

fn create(env: &Env, folder: &Path) -> Result<(), Failure> {
    let (lang, now) = (env.lang(), Clock::System.now());
    std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(lang, folder, &error))?;
    let (mut roots, mut makers) = (String::new(), String::new());
    for (suite, purpose) in AUTHORITIES {
        let stem = stem(suite, purpose);
        if folder.join(format!("{stem}.key.pem")).exists() {
            let why = lang.pick("目录中已有CA", "there is a CA in this folder already");
            return Err(Failure::usage(lang, format_args!("{}: {why}", folder.display())));
        }
        let ca = DevelopmentCa::create(suite, &format!("eseal development {stem}"), purpose, now);
        let ca = ca.map_err(|error| unusable(lang, error))?;
        store(lang, folder, &stem, &ca)?;
        match purpose {
            Purpose::Holder => roots.push_str(&ca.certificate().to_pem()),
            Purpose::Maker => makers.push_str(&ca.certificate().to_pem()),
        }
    }
    write_file(lang, &folder.join("roots.pem"), roots.as_bytes(), false)?;
    write_file(lang, &folder.join("makers.pem"), makers.as_bytes(), false)?;
    env.output.result(&json!({ "folder": folder }), folder.display().to_string());
    env.output.say(lang.pick("仅供开发与测试使用", "for development and tests only"));
    Ok(())
}

fn revoke(env: &Env, folder: &Path, certificate: &Path, output: &Path) -> Result<(), Failure> {
    let (lang, now) = (env.lang(), Clock::System.now());
    let revoked = read_certificates(lang, certificate)?;
    for certificate in revoked {
        let (mut ca, stem) = issuer(lang, folder, &certificate)?;
        ca.revoke(&certificate.serial_hex(), RevocationReason::Unspecified, now);
        store(lang, folder, &stem, &ca)?;
        let crl = ca.crl(now).map_err(|error| unusable(lang, error))?;
        write_file(lang, output, crl.to_pem().as_bytes(), false)?;
    }
    env.output.result(&json!({ "written": output }), output.display().to_string());
    Ok(())
}

/// The authority that issued a certificate.
fn issuer(lang: Lang, folder: &Path, certificate: &Certificate) -> Result<(DevelopmentCa, String), Failure> {
    let suite = suite_of(certificate).ok_or_else(|| unusable(lang, certificate.subject()))?;
    for (_, purpose) in AUTHORITIES.into_iter().filter(|(of, _)| *of == suite) {
        let ca = load(lang, folder, suite, purpose)?;
        if certificate.verify_issued_by(ca.certificate()).is_ok() {
            return Ok((ca, stem(suite, purpose)));
        }
    }
    Err(unusable(lang, lang.pick("不是这些CA签发的证书", "the certificate was not issued by these CAs")))
}

fn load(lang: Lang, folder: &Path, suite: Suite, purpose: Purpose) -> Result<DevelopmentCa, Failure> {
    // RSA keys are certified by the authority of the other international keys.
    let stem = stem(if suite.is_rsa() { Suite::EcdsaP256Sha256 } else { suite }, purpose);
    let text = |ending: &str| {
        let path = folder.join(format!("{stem}.{ending}.pem"));
        let bytes = read_file(lang, &path, MAX_FILE)?;
        String::from_utf8(bytes).map_err(|_| unusable(lang, path.display()))
    };
    let files = CaFiles { key: Zeroizing::new(text("key")?), certificate: text("cert")?, crl: text("crl")? };
    DevelopmentCa::from_files(&files).map_err(|error| unusable(lang, error))
}

fn store(lang: Lang, folder: &Path, stem: &str, ca: &DevelopmentCa) -> Result<(), Failure> {
    let files = ca.to_files(Clock::System.now()).map_err(|error| unusable(lang, error))?;
    write_file(lang, &folder.join(format!("{stem}.key.pem")), files.key.as_bytes(), true)?;
    write_file(lang, &folder.join(format!("{stem}.cert.pem")), files.certificate.as_bytes(), false)?;
    write_file(lang, &folder.join(format!("{stem}.crl.pem")), files.crl.as_bytes(), false)
}

fn stem(suite: Suite, purpose: Purpose) -> String {
    let purpose = match purpose {
        Purpose::Holder => "holder",
        Purpose::Maker => "maker",
    };
    let suite = match suite {
        Suite::Sm2Sm3 => "sm2",
        Suite::EcdsaP256Sha256 => "p256",
        Suite::EcdsaP384Sha384 => "p384",
        Suite::RsaSha256 | Suite::RsaSha384 | Suite::RsaSha512 => "rsa",
    };
    format!("{purpose}-{suite}")
}

fn code(lang: Lang, text: &str) -> Result<Uscc, Failure> {
    text.parse().map_err(|error| Failure::usage(lang, format_args!("--organization: {error}")))
}

fn days_of(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 3600)
}
