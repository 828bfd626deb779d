//! OpenSSL as a second opinion. Its commands run in a directory of their own.

use std::path::PathBuf;
use std::process::{Command, Output};

use eseal_pki::{Signer, SigningKey, Suite};

/// What OpenSSL needs to be told to compute Z as everybody else does.
pub const IDENTITY: &str = "distid:1234567812345678";

/// A directory with files for OpenSSL.
pub struct Desk(tempfile::TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a written file");
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file that OpenSSL wrote")
    }

    /// Runs `openssl` with these words and returns what it printed, or fails with what it complained about.
    pub fn openssl(&self, words: &str) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "openssl {words}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Runs `openssl` and returns whatever comes of it.
    pub fn run(&self, words: &str) -> Output {
        let words = words.split_whitespace();
        Command::new("openssl").args(words).current_dir(self.0.path()).output().expect("openssl is installed")
    }

    /// The public key of a SubjectPublicKeyInfo as a PEM file.
    pub fn put_key(&self, name: &str, spki: &[u8]) {
        self.put("spki.der", spki);
        self.openssl(&format!("pkey -pubin -inform DER -in spki.der -pubout -out {name}"));
    }
}

/// The signed part and the signature value of `SEQUENCE { signed, algorithm, BIT STRING }`, by their lengths alone.
pub fn split_signed(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    fn header(der: &[u8]) -> (usize, usize) {
        match der[1] {
            short @ 0..=0x7f => (2, short.into()),
            0x81 => (3, der[2].into()),
            0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
            other => panic!("a length of {other:#x}"),
        }
    }
    let total = |der: &[u8]| header(der).0 + header(der).1;
    let inside = &der[header(der).0..];
    let (signed, rest) = inside.split_at(total(inside));
    let bits = &rest[total(rest)..];
    (signed.to_vec(), bits[header(bits).0 + 1..].to_vec())
}

#[test]
fn openssl_verifies_our_sm2_signature_over_the_exact_bytes() {
    let desk = Desk::new();
    let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
    let message = b"exactly these bytes";
    desk.put_key("key.pem", &key.public_key().to_spki_der());
    desk.put("tbs", message);
    desk.put("sig", &key.sign(message).expect("a signature"));
    let verify =
        format!("pkeyutl -verify -pubin -inkey key.pem -rawin -digest sm3 -pkeyopt {IDENTITY} -in tbs -sigfile sig");
    assert!(desk.openssl(&verify).contains("Verified Successfully"));
    desk.put("tbs", b"exactly these bytes?");
    assert!(!desk.run(&verify).status.success());
}

#[test]
fn we_verify_an_sm2_signature_of_openssl_made_with_our_key() {
    let desk = Desk::new();
    let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
    desk.put("key.der", &key.to_pkcs8_der());
    desk.openssl("pkey -inform DER -in key.der -out key.pem");
    desk.put("tbs", b"message");
    desk.openssl(&format!("pkeyutl -sign -inkey key.pem -rawin -digest sm3 -pkeyopt {IDENTITY} -in tbs -out sig"));
    assert_eq!(key.public_key().verify(b"message", &desk.read("sig")), Ok(()));
}

#[test]
fn keys_that_openssl_made_are_read() {
    for (suite, curve) in [(Suite::Sm2Sm3, "SM2"), (Suite::EcdsaP256Sha256, "P-256")] {
        let desk = Desk::new();
        desk.openssl(&format!("genpkey -algorithm EC -pkeyopt group:{curve} -outform DER -out key.der"));
        desk.openssl("pkcs8 -topk8 -nocrypt -inform DER -in key.der -outform DER -out pkcs8.der");
        desk.openssl("pkey -inform DER -in key.der -pubout -outform DER -out spki.der");
        let key = SigningKey::from_pkcs8_der(&desk.read("pkcs8.der")).expect("the key");
        assert_eq!(key.suite(), suite);
        assert_eq!(key.public_key().to_spki_der(), desk.read("spki.der"), "{curve}");
    }
}

#[test]
fn openssl_verifies_our_p256_signature() {
    let desk = Desk::new();
    let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key");
    desk.put_key("key.pem", &key.public_key().to_spki_der());
    desk.put("tbs", b"message");
    desk.put("sig", &key.sign(b"message").expect("a signature"));
    assert!(desk.openssl("dgst -sha256 -verify key.pem -signature sig tbs").contains("Verified OK"));
}
