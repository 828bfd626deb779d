//! What the fuzz targets start from, besides real files: written into the folder that `ESEAL_FUZZ_SEEDS` names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use eseal_documents::Outcome;
use eseal_kernel::Digest;
use eseal_pki::cms::SignedAttributes;
use eseal_pki::tsp::DevelopmentTsa;
use eseal_pki::{
    CertificateRequest, ChallengeStatement, DevelopmentCa, DigestAlg, OcspRequest, Purpose, RevocationReason, Signer,
    SigningKey, Subject, Suite,
};
use eseal_seal::Seal;

use crate::support::hostile::entries;
use crate::support::ofd_contract::contract;
use crate::support::parties::{self, World, now};
use crate::support::pdf_builder::shapes;
use crate::support::pdf_harm::gap;
use crate::support::pdf_parties::{PdfWorld, verify};
use crate::support::samples::{names, sample};

/// A file for one target.
struct Seed {
    target: &'static str,
    name: String,
    bytes: Vec<u8>,
}

fn pdf_seeds(seeds: &mut Vec<Seed>) {
    let party = PdfWorld::new().party("甲方");
    for (index, shape) in shapes().iter().enumerate() {
        let bytes = party.seal(&shape.build());
        assert_eq!(verify(&bytes).seals[0].content, Outcome::Passed, "{}", shape.name);
        let [start, end] = gap(&bytes);
        let value = hex::decode(&bytes[start + 1..end - 1]).expect("a value");
        seeds.push(Seed { target: "cms", name: format!("sealed-{index}"), bytes: value });
        seeds.push(Seed { target: "pdf", name: format!("sealed-{index}"), bytes });
    }
}

fn ofd_seeds(seeds: &mut Vec<Seed>) {
    let party = World::new().party("甲方");
    let bytes = party.seal(&contract());
    assert_eq!(parties::verify(&bytes).seals[0].content, Outcome::Passed);
    // The number of a file among those with XML, and its content: what the target `xml` takes.
    for (number, (name, text)) in (0_u8..).zip(entries(&bytes).into_iter().filter(|(name, _)| name.ends_with(".xml"))) {
        let bytes = [&[number], text.as_slice()].concat();
        seeds.push(Seed { target: "xml", name: name.replace('/', "-"), bytes });
    }
    let digest = DigestAlg::Sm3.digest(b"content");
    let (key, certificate) = (&party.identity.key, &party.identity.certificate);
    let attributes = SignedAttributes::try_new(certificate, &digest, Suite::Sm2Sm3).expect("attributes");
    let value = attributes.finish(&key.sign(attributes.to_be_signed()).expect("a signature"), &[]);
    let statement = ChallengeStatement {
        audience: "eseal.authentication".to_owned(),
        purpose: "seal".to_owned(),
        attempt_id: "0198c0de-0000-7000-8000-000000000001".to_owned(),
        seal_id: Some("32050000000001".to_owned()),
        document_digest: Some(Digest::of(b"content")),
        nonce: vec![7; 32],
        expires_at: now(),
    };
    for (target, name, bytes) in [
        ("ofd", "sealed", bytes),
        ("asn1", "seal", party.seal.clone()),
        ("asn1", "info", Seal::from_der(&party.seal).expect("a seal").info_der().to_vec()),
        ("asn1", "statement", statement.encode().expect("a statement")),
        ("asn1", "certificate", certificate.der().to_vec()),
        ("cms", "gm", value),
    ] {
        seeds.push(Seed { target, name: name.to_owned(), bytes });
    }
}

/// What authorities issue: certificates, revocation lists whole and of changes, answers about certificates, time stamps.
fn authority_seeds(seeds: &mut Vec<Seed>) {
    for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
        let mut ca = DevelopmentCa::create(suite, "CA", Purpose::Holder, now()).expect("an authority");
        let key = SigningKey::generate(suite).expect("a key");
        let lasting = Duration::from_secs(86_400);
        let leaf = ca.issue(&key.public_key(), &Subject::named("Li"), lasting, now()).expect("a certificate");
        ca.revoke(&leaf.serial_hex(), RevocationReason::KeyCompromise, now());
        let request = CertificateRequest::create(&Subject::named("Li"), &key, &key.public_key()).expect("a request");
        let question = OcspRequest::about(&leaf, ca.certificate(), DigestAlg::Sha256).expect("a question").to_der();
        let answer = ca.respond(&question, now()).expect("an answer");
        let changes = ca.changes(now(), now()).expect("the changes");
        let token =
            DevelopmentTsa::create(suite, now()).expect("an authority").stamp(b"content", now()).expect("a token");
        for (target, name, bytes) in [
            ("asn1", "leaf", leaf.der()),
            ("asn1", "authority", ca.certificate().der()),
            ("asn1", "request", request.der()),
            ("asn1", "list", ca.crl(now()).expect("a list").der()),
            ("asn1", "changes", changes.der()),
            ("asn1", "ocsp", &answer),
            ("cms", "token", token.der()),
        ] {
            seeds.push(Seed { target, name: format!("{name}-{}", suite.name()), bytes: bytes.to_vec() });
        }
    }
}

fn sample_seeds(seeds: &mut Vec<Seed>) {
    for (folder, ending, target) in
        [("pdf", ".pdf", "pdf"), ("ofd", ".ofd", "ofd"), ("seal", ".esl", "asn1"), ("seal", ".dat", "asn1")]
    {
        for name in names(folder).into_iter().filter(|name| name.ends_with(ending)) {
            let Some(bytes) = sample(&format!("{folder}/{name}")) else { continue };
            if bytes.len() < 200_000 {
                seeds.push(Seed { target, name: name.replace(' ', "-"), bytes });
            }
        }
    }
}

#[test]
fn the_seeds_of_the_fuzz_targets_are_good_documents() {
    let mut seeds = Vec::new();
    pdf_seeds(&mut seeds);
    ofd_seeds(&mut seeds);
    authority_seeds(&mut seeds);
    sample_seeds(&mut seeds);
    for target in ["asn1", "cms", "ofd", "xml", "pdf"] {
        assert!(seeds.iter().any(|seed| seed.target == target), "no seed for {target}");
    }
    if let Some(folder) = std::env::var_os("ESEAL_FUZZ_SEEDS").map(PathBuf::from) {
        seeds.iter().for_each(|seed| write(&folder, seed));
    }
}

fn write(folder: &Path, Seed { target, name, bytes }: &Seed) {
    let folder = folder.join(target);
    std::fs::create_dir_all(&folder).expect("the folder");
    std::fs::write(folder.join(name), bytes).expect("written");
}
