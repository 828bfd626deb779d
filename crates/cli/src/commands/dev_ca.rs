//! The small CA for development: four authorities in a folder, each a root or with a root above it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eseal_kernel::{Clock, Timestamp};
use eseal_online::{NamedCa, OnlineError, authorities};
use eseal_pki::ca::{Addresses, CaError, CaFiles};
use eseal_pki::{Certificate, CertificateRequest, Crl, DevelopmentCa, Purpose, RevocationReason, Suite};
use serde_json::json;
use zeroize::Zeroizing;

use super::Env;
use super::card::{open, read_certificates, subject, suite_of, unusable};
use super::dev_tsa::{interrupted, listening};
use super::fabrication::unlocked;
use crate::args::DevCa;
use crate::failure::{Failure, read_file, write_file};
use crate::lang::Lang;

const MAX_FILE: u64 = 16 << 20;
/// The file with the address that certificates name, if they name one.
const URL_FILE: &str = "url";
const AUTHORITIES: [(Suite, Purpose); 4] = [
    (Suite::Sm2Sm3, Purpose::Holder),
    (Suite::EcdsaP256Sha256, Purpose::Holder),
    (Suite::Sm2Sm3, Purpose::Maker),
    (Suite::EcdsaP256Sha256, Purpose::Maker),
];

pub async fn dev_ca(env: &Env, command: DevCa) -> Result<(), Failure> {
    let lang = env.lang();
    match command {
        DevCa::Create { folder, intermediate, url } => create(env, &folder, intermediate, url.as_deref()),
        DevCa::Serve { folder, listen } => serve(env, folder, listen).await,
        DevCa::Issue { folder, card, common_name, organization, name, days, pin_file } => {
            let subject = subject(lang, &common_name, organization.as_deref(), name.as_deref())?;
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
        DevCa::Sign { folder, csr, maker, common_name, organization, name, days, output } => {
            let request = CertificateRequest::from_pem(&read_file(lang, &csr, MAX_FILE)?);
            let request = request.map_err(|error| unusable(lang, error))?;
            let suite = request.public_key().suite().ok_or_else(|| unusable(lang, csr.display()))?;
            let subject = subject(lang, &common_name, organization.as_deref(), name.as_deref())?;
            let ca = load(lang, &folder, suite, if maker { Purpose::Maker } else { Purpose::Holder })?;
            let issued = ca.issue_for_request(&request, &subject, days_of(days), Clock::System.now());
            let certificate = issued.map_err(|error| unusable(lang, error))?;
            write_file(lang, &output, certificate.to_pem().as_bytes(), false)?;
            env.output.result(&json!({ "written": output }), output.display().to_string());
            Ok(())
        }
        DevCa::Revoke { folder, certificate, output, changes } => {
            revoke(env, &folder, &certificate, &output, changes.as_deref())
        }
    }
}

fn create(env: &Env, folder: &Path, intermediate: bool, url: Option<&str>) -> Result<(), Failure> {
    let (lang, now) = (env.lang(), Clock::System.now());
    std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(lang, folder, &error))?;
    let mut texts = [("roots", String::new(), String::new()), ("makers", String::new(), String::new())];
    for (suite, purpose) in AUTHORITIES {
        let stem = stem(suite, purpose);
        if folder.join(format!("{stem}.key.pem")).exists() {
            let why = lang.pick("目录中已有CA", "there is a CA in this folder already");
            return Err(Failure::usage(lang, format_args!("{}: {why}", folder.display())));
        }
        let (root, under) =
            found(suite, purpose, &stem, intermediate, url, now).map_err(|error| unusable(lang, error))?;
        let (_, roots, chain) = match purpose {
            Purpose::Holder => &mut texts[0],
            Purpose::Maker => &mut texts[1],
        };
        roots.push_str(&root.certificate().to_pem());
        match &under {
            Some(ca) => {
                store(lang, folder, &root_stem(&stem), &root)?;
                store(lang, folder, &stem, ca)?;
                chain.push_str(&ca.certificate().to_pem());
            }
            None => store(lang, folder, &stem, &root)?,
        }
    }
    for (name, roots, chain) in texts {
        write_file(lang, &folder.join(format!("{name}.pem")), roots.as_bytes(), false)?;
        if intermediate {
            write_file(lang, &folder.join(format!("{name}.chain.pem")), chain.as_bytes(), false)?;
        }
    }
    if let Some(url) = url {
        write_file(lang, &folder.join(URL_FILE), url.as_bytes(), false)?;
    }
    env.output.result(&json!({ "folder": folder }), folder.display().to_string());
    say_what_it_is_for(env);
    Ok(())
}

/// A new root, and the authority under it that is to certify, if one is wanted.
fn found(
    suite: Suite,
    purpose: Purpose,
    stem: &str,
    intermediate: bool,
    url: Option<&str>,
    now: Timestamp,
) -> Result<(DevelopmentCa, Option<DevelopmentCa>), CaError> {
    let named = |name: &str| url.map_or_else(Addresses::default, |url| authorities::addresses(url, name));
    if !intermediate {
        let root = DevelopmentCa::create(suite, &format!("eseal DEVELOPMENT {stem}"), purpose, now)?;
        return Ok((root, None));
    }
    let root = DevelopmentCa::create_root(suite, &format!("eseal DEVELOPMENT {stem} root"), purpose, 1, now)?;
    let root = root.at(named(&root_stem(stem)));
    let under = DevelopmentCa::create_under(&root, suite, &format!("eseal DEVELOPMENT {stem}"), now)?;
    Ok((root, Some(under)))
}

async fn serve(env: &Env, folder: PathBuf, listen: SocketAddr) -> Result<(), Failure> {
    let lang = env.lang();
    let failed = |error: OnlineError| Failure::usage(lang, error);
    let all = move || {
        let stems = AUTHORITIES.map(|(suite, purpose)| stem(suite, purpose));
        let stems = stems.iter().flat_map(|stem| [stem.clone(), root_stem(stem)]);
        let there = stems.filter(|stem| folder.join(format!("{stem}.key.pem")).exists());
        let named = |name: String| read(lang, &folder, &name).map(|ca| NamedCa { name, ca }).map_err(|why| why.text);
        there.map(named).collect::<Result<Vec<_>, String>>()
    };
    if all().map_err(|why| Failure::usage(lang, why))?.is_empty() {
        return Err(Failure::usage(lang, lang.pick("目录中没有CA", "there is no CA in this folder")));
    }
    let listener = listening(env, listen).await?;
    say_what_it_is_for(env);
    authorities::serve(all, listener, Clock::System, interrupted()).await.map_err(failed)
}

fn revoke(env: &Env, folder: &Path, certificate: &Path, output: &Path, changes: Option<&Path>) -> Result<(), Failure> {
    let (lang, now) = (env.lang(), Clock::System.now());
    let revoked = read_certificates(lang, certificate)?;
    for certificate in revoked {
        let (mut ca, stem) = issuer(lang, folder, &certificate)?;
        let before = read_file(lang, &folder.join(format!("{stem}.crl.pem")), MAX_FILE)?;
        let before = Crl::from_pem(&before).map_err(|error| unusable(lang, error))?.this_update();
        ca.revoke(&certificate.serial_hex(), RevocationReason::Unspecified, now);
        store(lang, folder, &stem, &ca)?;
        let crl = ca.crl(now).map_err(|error| unusable(lang, error))?;
        write_file(lang, output, crl.to_pem().as_bytes(), false)?;
        if let Some(path) = changes {
            let changes = ca.changes(before, now).map_err(|error| unusable(lang, error))?;
            write_file(lang, path, changes.to_pem().as_bytes(), false)?;
        }
    }
    env.output.result(&json!({ "written": output }), output.display().to_string());
    Ok(())
}

fn say_what_it_is_for(env: &Env) {
    let zh = "仅供开发与测试使用:其证书不具任何证明力,正式系统拒绝信任";
    let en = "for development and tests only: its certificates prove nothing, and production refuses to trust it";
    env.output.say(env.lang().pick(zh, en));
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

/// The authority that certifies keys of a suite, naming the addresses that the folder has.
fn load(lang: Lang, folder: &Path, suite: Suite, purpose: Purpose) -> Result<DevelopmentCa, Failure> {
    // RSA keys are certified by the authority of the other international keys.
    let stem = stem(if suite.is_rsa() { Suite::EcdsaP256Sha256 } else { suite }, purpose);
    let ca = read(lang, folder, &stem)?;
    let url = folder.join(URL_FILE);
    if !url.exists() {
        return Ok(ca);
    }
    let url = String::from_utf8(read_file(lang, &url, MAX_FILE)?).map_err(|_| unusable(lang, url.display()))?;
    Ok(ca.at(authorities::addresses(url.trim(), &stem)))
}

fn read(lang: Lang, folder: &Path, stem: &str) -> Result<DevelopmentCa, Failure> {
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

fn root_stem(stem: &str) -> String {
    format!("{stem}-root")
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

fn days_of(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 3600)
}
