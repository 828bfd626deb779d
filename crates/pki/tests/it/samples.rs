//! Signatures of real PDF and certificates of real seals, from a folder beside the project. Without it these tests say so and pass.

use std::path::PathBuf;

use eseal_pki::chain::{self, ChainError, TrustStore};
use eseal_pki::{Certificate, Hasher, SignedData, Suite};

use crate::openssl::Desk;

#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn samples() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples");
    let folder = std::env::var_os("ESEAL_SAMPLES").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no folder {}", folder.display());
    None
}

/// The numbers of `/ByteRange [a b c d]` and the signature in the gap, found by looking for the text: enough for files in which
/// neither is compressed.
fn signatures(pdf: &[u8]) -> Vec<([usize; 4], Vec<u8>)> {
    let mut found = Vec::new();
    let name = b"/ByteRange";
    for start in 0..pdf.len().saturating_sub(name.len()) {
        if !pdf[start..].starts_with(name) {
            continue;
        }
        let text: String = pdf[start + name.len()..].iter().take(120).map(|byte| char::from(*byte)).collect();
        let numbers = text.trim_start().trim_start_matches('[').split(']').next().unwrap_or_default();
        let numbers: Vec<usize> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let Ok(range) = <[usize; 4]>::try_from(numbers) else { continue };
        let Some(gap) = pdf.get(range[0] + range[1]..range[2]) else { continue };
        let digits: Vec<u8> = gap.iter().copied().filter(u8::is_ascii_hexdigit).collect();
        if range[2] + range[3] <= pdf.len() && !digits.is_empty() {
            found.push((range, hex::decode(&digits[..digits.len() / 2 * 2]).expect("digits")));
        }
    }
    found
}

/// Labels by file name: see the README of the samples.
fn labels(folder: &std::path::Path) -> Vec<(String, String)> {
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).expect("a manifest");
    let columns = manifest.lines().skip(1).filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?.to_owned(), columns.next()?.to_owned()))
    });
    columns.collect()
}

#[test]
fn signatures_of_real_pdf_files_hold_where_the_files_are_good() {
    let Some(folder) = samples().map(|folder| folder.join("pdf")).filter(|folder| folder.is_dir()) else { return };
    let (mut checked, mut wrong) = (0, Vec::new());
    for (name, label) in labels(&folder) {
        let pdf = std::fs::read(folder.join(&name)).expect("a sample");
        for ([a, b, c, d], cms) in signatures(&pdf) {
            let outcome = SignedData::from_der(&cms).and_then(|cms| {
                let signer = cms.signers().first().expect("a signer");
                signer.verify(|mut hasher: Hasher| {
                    hasher.update(&pdf[a..a + b]);
                    hasher.update(&pdf[c..c + d]);
                    hasher.finish()
                })
            });
            checked += 1;
            if outcome.is_err() {
                wrong.push(format!("{label} {name}: {}", outcome.expect_err("an error")));
            }
        }
    }
    println!("{checked} signatures, {} do not hold:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 50);
    assert!(!wrong.iter().any(|line| line.starts_with("good") || line.starts_with("modified")), "{wrong:#?}");
}

#[test]
fn certificates_of_ofdrw_are_read() {
    let Some(folder) = samples().map(|folder| folder.join("seal")).filter(|folder| folder.is_dir()) else { return };
    let desk = Desk::new();
    for name in ["USER.p12", "SealBuilder.p12"] {
        let path = folder.join(name);
        let pem = desk.openssl(&format!("pkcs12 -in {} -passin pass:777777 -nokeys -legacy", path.display()));
        let certificate = Certificate::from_pem(pem.as_bytes()).expect("a certificate");
        assert_eq!(certificate.subject_organization().as_deref(), Some("OFD R&W"), "{name}");
        assert_eq!(certificate.public_key().expect("a key").suite(), Some(Suite::Sm2Sm3));
        assert!(certificate.allows_signing() && !certificate.is_ca());
    }
}

#[test]
fn certificates_in_real_pdf_signatures_form_chains_where_they_are_complete() {
    let Some(folder) = samples().map(|folder| folder.join("pdf")).filter(|folder| folder.is_dir()) else { return };
    let (mut complete, mut broken) = (0, Vec::new());
    for (name, _) in labels(&folder) {
        let pdf = std::fs::read(folder.join(&name)).expect("a sample");
        for (_, cms) in signatures(&pdf) {
            let Ok(cms) = SignedData::from_der(&cms) else { continue };
            let pool = cms.certificates();
            let roots: Vec<_> = pool.iter().filter(|one| one.is_self_issued()).cloned().collect();
            let Some(leaf) = cms.signers().first().and_then(|signer| signer.certificate()) else { continue };
            match chain::build(leaf, pool, &TrustStore::new(roots)) {
                Ok(_) => complete += 1,
                // The root did not come along, has a kind of key that is not supported (Ed448), or is somebody who is no CA.
                Err(ChainError::NoPath { .. } | ChainError::UnsupportedAlgorithm { .. } | ChainError::NotCa { .. }) => {
                }
                Err(other) => broken.push(format!("{name}: {other}")),
            }
        }
    }
    assert!(complete > 20, "{complete}");
    assert_eq!(broken, [""; 0]);
}
