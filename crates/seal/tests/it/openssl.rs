//! The openssl command as a second opinion. It cuts the bytes out of the structures by itself: only the places of the
//! fields in the standard are told to it.

use std::path::Path;
use std::process::{Command, Output};

use crate::samples;
use crate::world::{seal, seal_der, signature, signature_der};

#[test]
fn openssl_verifies_the_makers_signature_of_our_seal_over_its_exact_bytes() {
    if !is_there() {
        return;
    }
    assert!(verifies(&seal_der(), Layout::V4));
}

#[test]
fn openssl_verifies_our_seal_signature_over_its_exact_bytes() {
    if !is_there() {
        return;
    }
    let der = signature_der();
    assert!(verifies(&der, Layout::V4));
    assert!(verifies(signature(&der).seal().der(), Layout::V4), "and the maker's of the seal inside");
}

#[test]
fn openssl_refuses_what_we_refuse() {
    if !is_there() {
        return;
    }
    let mut der = seal_der();
    der[60] ^= 1; // inside the seal's texts
    assert!(seal(&der).verify_value().is_err());
    assert!(!verifies(&der, Layout::V4));
}

#[test]
fn openssl_and_we_agree_on_every_sample() {
    let Some(found) = samples::found().filter(|_| is_there()) else { return };
    for found in found {
        let signature = signature(&found.signed_value);
        let package = &found.package;
        let layout = |is_v1| if is_v1 { Layout::V1Signature } else { Layout::V4 };
        let is_v1 = signature.version() == eseal_seal::Version::V1;
        assert_eq!(verifies(&found.signed_value, layout(is_v1)), signature.verify_value().is_ok(), "{package}");
        if !is_v1 {
            let seal = signature.seal();
            assert_eq!(verifies(seal.der(), Layout::V4), seal.verify_value().is_ok(), "{package}");
        }
    }
}

/// Which of the outermost fields are what.
#[derive(Clone, Copy)]
enum Layout {
    /// Signed bytes, certificate, algorithm, value: seals and signatures of V4 and V5.
    V4,
    /// Signed bytes with the certificate last but one inside, value.
    V1Signature,
}

/// Whether openssl finds the signature good.
fn verifies(der: &[u8], layout: Layout) -> bool {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name);
    std::fs::write(file("der"), der).expect("written");
    let fields = fields(&file("der"));
    let of_depth = |depth| fields.iter().filter(move |(_, d)| *d == depth).map(|(offset, _)| *offset);
    let top: Vec<usize> = of_depth(1).collect();
    let certificate = match layout {
        Layout::V4 => top[1],
        Layout::V1Signature => {
            let inside: Vec<usize> = of_depth(2).collect();
            inside[inside.len() - 2]
        }
    };
    let value = match layout {
        Layout::V4 => top[3],
        Layout::V1Signature => top[1],
    };
    cut(&file("der"), top[0], &file("signed"));
    cut(&file("der"), certificate, &file("certificate"));
    cut(&file("der"), value, &file("value"));
    let key = openssl(&["x509", "-inform", "DER", "-pubkey", "-noout", "-in", &text(&file("certificate"))]);
    std::fs::write(file("key"), key.stdout).expect("written");
    let verify = ["pkeyutl", "-verify", "-pubin", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"];
    let files = ["-inkey", &text(&file("key")), "-in", &text(&file("signed")), "-sigfile", &text(&file("value"))];
    openssl(&[&verify[..], &files[..]].concat()).status.success()
}

/// Offset and depth of every field.
fn fields(der: &Path) -> Vec<(usize, usize)> {
    let listing = openssl(&["asn1parse", "-inform", "DER", "-in", &text(der)]).stdout;
    let line = |line: &str| {
        let (offset, rest) = line.split_once(":d=")?;
        let depth = rest.split_whitespace().next()?;
        Some((offset.trim().parse().ok()?, depth.parse().ok()?))
    };
    String::from_utf8_lossy(&listing).lines().filter_map(line).collect()
}

/// The field at an offset: whole where it has fields itself, its content otherwise.
fn cut(der: &Path, offset: usize, to: &Path) {
    let offset = offset.to_string();
    let output =
        openssl(&["asn1parse", "-inform", "DER", "-noout", "-in", &text(der), "-strparse", &offset, "-out", &text(to)]);
    assert!(to.exists(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

fn openssl(arguments: &[&str]) -> Output {
    Command::new("openssl").args(arguments).output().expect("openssl runs")
}

fn is_there() -> bool {
    let is_there = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        println!("skipped: no openssl");
    }
    is_there
}
