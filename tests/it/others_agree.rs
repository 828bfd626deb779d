//! What other people's programs say of the documents that the stories seal.

use std::path::{Path, PathBuf};
use std::process::Command;

use eseal_e2e::company::Company;
use eseal_pki::Certificate;
use eseal_seal::SesSignature;

use crate::fixture;

#[test]
fn openssl_verifies_the_seal_and_the_seal_signature_over_their_exact_bytes() {
    let (_folder, company) = sealed();
    let path = company.path("sealed.ofd");
    let value = entry(&path, "Doc_0/Signs/Sign_0/SignedValue.dat");
    let signature = SesSignature::from_der(&value).expect("a SES_Signature");
    let signer = signature.certificate().expect("a certificate");
    assert!(openssl_verifies(&company, signer, signature.to_sign_der(), signature.signature()));
    let seal = signature.seal();
    let maker = seal.maker_certificate().expect("a certificate");
    assert!(openssl_verifies(&company, maker, seal.signed_bytes(), seal.signature()));

    let mut other = signature.to_sign_der().to_vec();
    other[40] ^= 1;
    assert!(!openssl_verifies(&company, signer, &other, signature.signature()), "openssl accepts anything");
}

#[test]
fn sofd_accepts_the_signature_value_of_the_sealed_ofd() {
    let (_folder, company) = sealed();
    let bytes = std::fs::read(company.path("sealed.ofd")).expect("a file");
    let mut package = sofd_package::Package::from_bytes(&bytes).expect("a package");
    let list = sofd_sign::read_sign_list(&mut package, "Doc_0/Signs/Signatures.xml").expect("a list");
    assert_eq!(list.len(), 1);
    let mut signature = sofd_sign::read_signature(&mut package, &list[0].base_loc).expect("a signature");
    signature.read_check_value(&mut package).expect("a value");
    let status = sofd_sign::verify_signature(&mut package, &signature).expect("a status");
    assert_eq!(status, sofd_sign::VerifyStatus::Valid);
}

#[test]
fn pdfsig_and_pyhanko_find_the_sealed_pdf_valid_and_wholly_covered() {
    let (_folder, company) = sealed();
    let pdf = company.path("sealed.pdf");
    let told = output(Command::new("pdfsig").arg("-nocert").arg(&pdf));
    assert!(told.contains("Signature is Valid") && told.contains("Total document signed"), "{told}");

    let roots = std::fs::read_to_string(company.path("ca/roots.pem")).expect("a file");
    let p256 = Certificate::many_from_pem(roots.as_bytes())
        .expect("certificates")
        .into_iter()
        .find(|root| root.public_key().ok().and_then(|key| key.suite()) == Some(eseal_pki::Suite::EcdsaP256Sha256));
    std::fs::write(company.path("root.pem"), p256.expect("a P-256 root").to_pem()).expect("a file");
    let mut pyhanko = Command::new(pyhanko());
    pyhanko.args(["sign", "validate", "--no-revocation-check", "--pretty-print", "--trust-replace", "--trust"]);
    let told = output(pyhanko.arg(company.path("root.pem")).arg(&pdf));
    for words in ["cryptographically sound", "certificate is trusted", "covers the entire file", "is judged VALID"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(output(Command::new("qpdf").arg("--check").arg(&pdf)).contains("No syntax or stream encoding errors"));
}

/// A company with `sealed.ofd` and `sealed.pdf`.
fn sealed() -> (tempfile::TempDir, Company) {
    let (folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    for ending in ["ofd", "pdf"] {
        fixture::contract(&company, ending);
        let (input, output) = (format!("contract.{ending}"), format!("sealed.{ending}"));
        let _ = company.seals(&seal, "seal.card", "pin", &input, &output, "45,112").good();
    }
    (folder, company)
}

fn entry(path: &Path, name: &str) -> Vec<u8> {
    let bytes = std::fs::read(path).expect("a file");
    let mut package = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip");
    let mut entry = package.by_name(name).expect("an entry");
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut entry, &mut content).expect("its content");
    content
}

fn openssl_verifies(company: &Company, signer: &Certificate, signed: &[u8], signature: &[u8]) -> bool {
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(company.path(name), bytes).expect("a file");
        company.path(name)
    };
    let key = signer.public_key().expect("a key").to_spki_der();
    let mut openssl = Command::new("openssl");
    openssl.args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-digest", "sm3"]);
    openssl.args(["-pkeyopt", "distid:1234567812345678", "-inkey"]).arg(file("key", &key));
    openssl.arg("-in").arg(file("signed", signed)).arg("-sigfile").arg(file("signature", signature));
    openssl.output().expect("openssl runs").status.success()
}

/// pyHanko as `make setup` installs it, or as it is on the path.
fn pyhanko() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin/pyhanko");
    if installed.exists() { installed } else { PathBuf::from("pyhanko") }
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: run `make setup`"));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
