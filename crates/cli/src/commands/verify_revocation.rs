//! What is known about the revocation of a document's certificates beside the document itself: lists that are given, and what
//! issuers answer. Nobody is asked unless the user says so.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use eseal_documents::{DocumentReport, SealReport, Trust};
use eseal_kernel::{Clock, Digest};
use eseal_online::{Addresses, RevocationClient};
use eseal_pki::chain::{self, TrustStore};
use eseal_pki::{Certificate, Crl, Evidence};

use super::Env;
use super::card::unusable;
use crate::failure::{Failure, Kind, read_file};
use crate::lang::Lang;

/// The most bytes of a file with a list.
const MAX_LIST: u64 = 16 << 20;
/// How long one answer may take, and all of them.
const PATIENCE: Duration = Duration::from_secs(10);
const ALL: Duration = Duration::from_secs(60);
/// The most certificates that are asked about, and the most failures that are told.
const MAX_ASKED: usize = 200;
const MAX_TOLD: usize = 10;

/// The lists in these files.
pub fn lists(lang: Lang, files: &[PathBuf]) -> Result<Vec<Crl>, Failure> {
    let read = |path: &PathBuf| {
        let bytes = read_file(lang, path, MAX_LIST)?;
        let list = if bytes.starts_with(b"-----") { Crl::from_pem(&bytes) } else { Crl::from_der(&bytes) };
        list.map_err(|error| unusable(lang, format_args!("{}: {error}", path.display())))
    };
    files.iter().map(read).collect()
}

/// Asks about every certificate that leads to a given root: of signers, makers and time stamping authorities. What nobody
/// answers stays unknown, and is told.
pub async fn asked(
    env: &Env,
    found: &DocumentReport,
    trust: &Trust,
    tsa_roots: Option<&TrustStore>,
) -> Result<Evidence, Failure> {
    let lang = env.lang();
    let client = RevocationClient::try_new(PATIENCE, Addresses::Public);
    let client = client.map_err(|error| Failure::new(Kind::Usage, "CERTIFICATE_UNUSABLE", lang).because(error))?;
    let pairs = pairs(found, trust, tsa_roots);
    let bar = env.output.count(lang.pick("查询吊销", "asking about revocation"), pairs.len() as u64);
    let (mut evidence, mut failed) = (Evidence::default(), Vec::new());
    let clock = Clock::System;
    let until = clock.now().plus(ALL);
    for pair in &pairs {
        if clock.now() > until {
            failed.push(lang.pick("查询时间已到", "the time for asking is over").to_owned());
            break;
        }
        let gathered = client.gather(pair).await;
        evidence.extend(gathered.evidence);
        failed.extend(gathered.failed.iter().map(ToString::to_string));
        bar.inc(1);
    }
    bar.finish_and_clear();
    for why in failed.iter().take(MAX_TOLD) {
        env.output.say(&format!("{} {why}", lang.pick("无吊销信息:", "not known to be revoked or not:")));
    }
    Ok(evidence)
}

/// Each certificate below a trusted one, with its issuer; once each.
fn pairs(found: &DocumentReport, trust: &Trust, tsa_roots: Option<&TrustStore>) -> Vec<[Certificate; 2]> {
    let mut chains = Vec::new();
    for seal in &found.seals {
        chains.extend(signer(seal, found, trust.holder_roots.as_ref()));
        chains.extend(maker(seal, found, trust.maker_roots.as_ref()));
    }
    let stamps = found.seals.iter().flat_map(|seal| &seal.time_stamps).chain(&found.time_stamps);
    for token in stamps.filter_map(|stamp| stamp.token.as_ref()) {
        let verified = token.verify(&found.evidence.certificates).ok();
        chains.extend(verified.zip(tsa_roots).and_then(|(stamp, roots)| stamp.chain(roots).ok()));
    }
    let mut seen: HashSet<Digest> = HashSet::new();
    let mut pairs = Vec::new();
    for chain in &chains {
        for pair in chain.certificates().windows(2) {
            let [certificate, issuer] = pair else { continue };
            if pairs.len() < MAX_ASKED && seen.insert(certificate.fingerprint()) {
                pairs.push([certificate.clone(), issuer.clone()]);
            }
        }
    }
    pairs
}

fn signer(seal: &SealReport, found: &DocumentReport, roots: Option<&TrustStore>) -> Option<chain::Chain> {
    above(seal.signer.as_ref()?, seal, found, roots?)
}

fn maker(seal: &SealReport, found: &DocumentReport, roots: Option<&TrustStore>) -> Option<chain::Chain> {
    above(seal.seal.as_ref()?.maker_certificate()?, seal, found, roots?)
}

fn above(leaf: &Certificate, seal: &SealReport, found: &DocumentReport, roots: &TrustStore) -> Option<chain::Chain> {
    let mut known = found.evidence.clone();
    known.extend(Evidence { certificates: seal.certificates.clone(), ..Evidence::default() });
    chain::build(leaf, &known.issuers_of(leaf), roots).ok()
}
