//! PKCS #11 against SoftHSM 2, each test with tokens of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use eseal_card::{
    Card, CardAddress, CardError, CardKind, DriverError, Drivers, KeyKind, NewCard, Opened, Pin, TokenUri, Tries,
};
use eseal_kernel::Timestamp;
use eseal_pki::{
    Certificate, CertificateRequest, DevelopmentCa, Purpose, SignError, Signer as _, SigningKey, Subject, Suite,
};
use tempfile::TempDir;

use crate::{PIN, WRONG, certificate, pin};

const ADMIN: &str = "87654321";
const MODULES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];

/// A folder of tokens, and drivers that know of no other.
pub struct Tokens {
    folder: TempDir,
    pub drivers: Drivers,
    query: String,
}

impl Tokens {
    pub fn new() -> Self {
        Self::by(format!("module-path={}", module().display()))
    }

    /// Behind the module, and with the numbers, of this query of a URI.
    pub fn by(query: String) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("tokens")).expect("a folder");
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            folder.path().join("tokens").display()
        );
        std::fs::write(folder.path().join("softhsm2.conf"), configuration).expect("written");
        let mut drivers = drivers();
        drivers.environment = vec![("SOFTHSM2_CONF".into(), folder.path().join("softhsm2.conf").into())];
        Self { folder, drivers, query }
    }

    /// The same tokens by another query.
    pub fn now_by(self, query: String) -> Self {
        Self { query, ..self }
    }

    pub fn address(&self, path: &str) -> CardAddress {
        format!("pkcs11:{path}?{}", self.query).parse().expect("a URI")
    }

    pub fn make(&self, label: &str, keys: &[KeyKind]) -> Card {
        self.make_for(CardKind::Holder, label, keys)
    }

    pub fn make_for(&self, kind: CardKind, label: &str, keys: &[KeyKind]) -> Card {
        let new = NewCard { label: label.to_owned(), kind, admin: pin(ADMIN), pin: pin(PIN) };
        let card = Card::initialize(&self.address(""), &new, &self.drivers).expect("a card");
        let mut opened = card.unlock(&pin(PIN)).expect("unlocked");
        for key in keys {
            opened.generate(*key).expect("a key pair");
        }
        drop((opened, card));
        self.open(label)
    }

    /// A file beside the tokens.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn open(&self, label: &str) -> Card {
        Card::open_by(&self.address(&format!("token={label}")), &self.drivers).expect("a card")
    }

    /// Another program on the same tokens.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).env("SOFTHSM2_CONF", self.folder.path().join("softhsm2.conf"));
        command.output().unwrap_or_else(|error| panic!("{program}: {error}"))
    }

    /// Pulls all tokens out.
    pub fn pull(&self) {
        for place in self.places() {
            std::fs::remove_dir_all(place).expect("pulled");
        }
    }

    /// Where SoftHSM keeps what is on its tokens.
    fn places(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.folder.path().join("tokens")).expect("a folder");
        folder.map(|entry| entry.expect("an entry").path()).collect()
    }
}

pub fn drivers() -> Drivers {
    let mut drivers = Drivers::this_program().expect("a program");
    drivers.program = env!("CARGO_BIN_EXE_eseal-card-driver").into();
    drivers
}

pub fn module() -> &'static Path {
    MODULES.iter().map(Path::new).find(|path| path.exists()).expect("SoftHSM 2: apt-get install softhsm2")
}

pub fn certified(opened: &Opened, suite: Suite) -> Certificate {
    let now = Timestamp::from_seconds(1_800_000_000);
    let ca = DevelopmentCa::create(Suite::EcdsaP256Sha256, "Holders", Purpose::Holder, now).expect("a CA");
    let key = opened.signer(suite).expect("a key");
    let request = CertificateRequest::create(&Subject::named("章"), &key, &key.public_key()).expect("a request");
    assert_eq!(request.verify(), Ok(()), "{suite}");
    let year = Duration::from_secs(365 * 86_400);
    ca.issue(request.public_key(), &Subject::named("章"), year, now).expect("a certificate")
}

#[test]
fn a_token_is_initialized_and_its_keys_sign_what_others_verify() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[KeyKind::P256, KeyKind::Rsa2048]);
    assert_eq!(card.kind(), CardKind::Holder);
    assert_eq!(card.suites().expect("readable").len(), 2);
    assert_eq!(card.has_seal().expect("readable"), None, "not to be seen without the PIN");
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    for suite in [Suite::EcdsaP256Sha256, Suite::RsaSha256, Suite::RsaSha384, Suite::RsaSha512] {
        let key = opened.signer(suite).expect("a key");
        assert_eq!(key.suite(), suite);
        let signature = key.sign(b"document").expect("signed");
        let algorithm = suite_algorithm(suite);
        assert_eq!(key.public_key().verify_with(algorithm, b"document", &signature), Ok(()), "{suite:?}");
    }
    assert_eq!(card.has_seal().expect("readable"), Some(false));
}

fn suite_algorithm(suite: Suite) -> eseal_pki::SignatureAlgorithm {
    use eseal_pki::SignatureAlgorithm as Algorithm;
    match suite {
        Suite::RsaSha256 => Algorithm::RsaPkcs1(eseal_pki::DigestAlg::Sha256),
        Suite::RsaSha384 => Algorithm::RsaPkcs1(eseal_pki::DigestAlg::Sha384),
        Suite::RsaSha512 => Algorithm::RsaPkcs1(eseal_pki::DigestAlg::Sha512),
        _ => Algorithm::Ecdsa(eseal_pki::DigestAlg::Sha256),
    }
}

#[test]
fn certificates_and_seal_are_kept_replaced_and_seen_by_the_next_handle() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[KeyKind::P256, KeyKind::Rsa2048]);
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    let seal = vec![7; 300 << 10]; // larger than what a pipe holds
    for suite in [Suite::EcdsaP256Sha256, Suite::RsaSha256] {
        opened.import_certificate(suite, &certified(&opened, suite)).expect("the first");
        let last = certified(&opened, suite);
        opened.import_certificate(suite, &last).expect("its successor");
        assert_eq!(card.certificate(suite).expect("readable").map(|c| c.fingerprint()), Some(last.fingerprint()));
    }
    opened.store_seal(b"an earlier one").expect("stored");
    opened.store_seal(&seal).expect("stored");
    let other = certified(&opened, Suite::RsaSha256);
    let refused = opened.import_certificate(Suite::EcdsaP256Sha256, &other);
    assert!(matches!(refused, Err(CardError::OtherKey(Suite::EcdsaP256Sha256))), "{refused:?}");

    let another = tokens.open("seal");
    assert_eq!(another.certificates().expect("readable").len(), 2);
    let another = another.unlock(&pin(PIN)).expect("unlocked");
    assert_eq!(another.read_seal().expect("readable"), Some(seal));
}

#[test]
fn pkcs11_tool_and_p11tool_read_what_we_wrote() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[KeyKind::P256]);
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    let certificate = certified(&opened, Suite::EcdsaP256Sha256);
    opened.import_certificate(Suite::EcdsaP256Sha256, &certificate).expect("imported");
    let seal: Vec<u8> = (0..20_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    opened.store_seal(&seal).expect("stored");

    let module = module().to_str().expect("a path");
    let out = tokens.folder.path().join("out");
    let file = out.to_str().expect("a path");
    let common = ["--module", module, "--token-label", "seal"];
    let read = |more: &[&str]| {
        let told = tokens.run("pkcs11-tool", &[&common[..], &["--read-object", "--output-file", file], more].concat());
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        std::fs::read(&out).expect("written")
    };
    assert_eq!(
        read(&["--login", "--pin", PIN, "--type", "data", "--application-label", "eseal", "--label", "eseal seal"]),
        seal
    );
    assert_eq!(read(&["--type", "cert", "--label", "eseal P-256"]), certificate.der());
    let told = tokens.run("pkcs11-tool", &[&common[..], &["--list-objects", "--login", "--pin", PIN]].concat());
    let listed = String::from_utf8_lossy(&told.stdout);
    assert!(listed.contains("sensitive, always sensitive, never extractable, local"), "{listed}");

    let provider = format!("--provider={module}");
    let with_pin = format!("--set-pin={PIN}");
    let told =
        tokens.run("p11tool", &[&provider, "--export", "--outder", "pkcs11:token=seal;object=eseal%20P-256;type=cert"]);
    assert_eq!(told.stdout, certificate.der(), "{}", String::from_utf8_lossy(&told.stderr));
    let told = tokens.run(
        "p11tool",
        &[&provider, "--login", &with_pin, "--export", "--outder", "pkcs11:token=seal;object=eseal%20seal;type=data"],
    );
    assert_eq!(told.stdout, seal, "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn a_key_that_pkcs11_tool_made_signs_here() {
    let tokens = Tokens::new();
    drop(tokens.make("seal", &[]));
    let module = module().to_str().expect("a path");
    for (kind, label) in [("EC:prime256v1", "ours"), ("EC:prime256v1", "second"), ("EC:secp384r1", "third")] {
        let told = tokens.run(
            "pkcs11-tool",
            &[
                "--module",
                module,
                "--token-label",
                "seal",
                "--login",
                "--pin",
                PIN,
                "--keypairgen",
                "--key-type",
                kind,
                "--label",
                label,
                "--id",
                if label == "ours" { "01" } else { "02" },
            ],
        );
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    }
    let all = Card::open_by(&tokens.address("token=seal"), &tokens.drivers);
    let Err(CardError::Several(which)) = all else { panic!("two keys of a kind: {all:?}") };
    assert!(which.iter().all(|uri| uri.parse::<TokenUri>().is_ok_and(|uri| uri.id.is_some())), "{which:?}");

    let card = Card::open_by(&tokens.address("token=seal;object=ours"), &tokens.drivers).expect("a card");
    assert_eq!(card.suites().expect("readable"), [Suite::EcdsaP256Sha256]);
    let key = card.unlock(&pin(PIN)).expect("unlocked").signer(Suite::EcdsaP256Sha256).expect("a key");
    let signature = key.sign(b"document").expect("signed");
    assert_eq!(key.public_key().verify(b"document", &signature), Ok(()));
}

#[test]
fn sm2_is_refused_by_type_on_a_token_that_has_none() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[KeyKind::P256]);
    let refused = card.unlock(&pin(PIN)).expect("unlocked").generate(KeyKind::Sm2);
    assert!(matches!(refused, Err(CardError::NotOffered(_))), "{refused:?}");

    // Even where a URI claims that it has.
    let text = format!("{}&x-sm2=3,80000001,80000002", tokens.address("token=seal"));
    let card = Card::open_by(&text.parse().expect("a URI"), &tokens.drivers).expect("a card");
    let refused = card.unlock(&pin(PIN)).expect("unlocked").generate(KeyKind::Sm2);
    assert!(matches!(refused, Err(CardError::NotOffered(_))), "{refused:?}");
    let again = card.unlock(&pin(PIN)).expect("unlocked").generate(KeyKind::P256);
    assert!(matches!(again, Err(CardError::KeyExists)), "{again:?}");
}

#[test]
fn a_hundred_sign_at_once_on_one_login() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[KeyKind::P256]);
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    let key = Arc::new(opened.signer(Suite::EcdsaP256Sha256).expect("a key"));
    let good = std::thread::scope(|scope| {
        let signing: Vec<_> = (0..100_u32)
            .map(|number| {
                let key = Arc::clone(&key);
                scope.spawn(move || {
                    let message = number.to_be_bytes();
                    let signature = key.sign(&message).expect("signed");
                    key.public_key().verify(&message, &signature).is_ok()
                })
            })
            .collect();
        signing.into_iter().map(|thread| thread.join().expect("no panic")).filter(|good| *good).count()
    });
    assert_eq!(good, 100, "each got the signature of its own message");
}

#[test]
fn a_key_that_wants_its_pin_before_each_signature_signs_side_by_side_and_after_its_pin_was_changed() {
    let tokens = Tokens::new();
    drop(tokens.make("seal", &[KeyKind::Rsa2048]));
    let module = module().display().to_string();
    let mut arguments = vec!["--module", &module, "--token-label", "seal", "--login", "--pin", PIN];
    arguments.extend([
        "--keypairgen",
        "--key-type",
        "EC:prime256v1",
        "--label",
        "each time",
        "--id",
        "77",
        "--always-auth",
    ]);
    let made = tokens.run("pkcs11-tool", &arguments);
    assert!(made.status.success(), "{made:?}");
    let opened = tokens.open("seal").unlock(&pin(PIN)).expect("unlocked");
    let key = opened.signer(Suite::EcdsaP256Sha256).expect("a key");
    let other = opened.signer(Suite::RsaSha256).expect("a key that does not want it");
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for key in [&key, &other] {
                    let signature = key.sign(b"document").expect("signed");
                    key.public_key().verify(b"document", &signature).expect("its own");
                }
            });
        }
    });
    opened.card().change_pin(&pin(PIN), &pin("161803")).expect("changed");
    key.sign(b"document").expect("signed with the new one");
}

#[test]
fn several_tokens_are_told_apart_and_used_at_once() {
    let tokens = Tokens::new();
    let cards = ["one", "two"].map(|label| tokens.make(label, &[KeyKind::P256]));
    assert_ne!(cards[0].serial(), cards[1].serial());
    let listed = Card::list(&tokens.address(""), &tokens.drivers).expect("listed");
    let mut labels: Vec<_> =
        listed.iter().filter(|token| token.initialized).map(|token| token.label.as_str()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["one", "two"]);
    for token in listed.iter().filter(|token| token.initialized) {
        let card = Card::open_by(&token.address.parse().expect("an address"), &tokens.drivers).expect("a card");
        assert_eq!(card.serial(), token.serial);
    }
    let any = Card::open_by(&tokens.address(""), &tokens.drivers);
    assert!(matches!(&any, Err(CardError::Several(which)) if which.len() == 2), "{any:?}");
    let none = Card::open_by(&tokens.address("token=three"), &tokens.drivers);
    assert!(matches!(none, Err(CardError::Absent(_))), "{none:?}");

    let opened = cards.each_ref().map(|card| card.unlock(&pin(PIN)).expect("unlocked"));
    let keys = opened.each_ref().map(|opened| opened.signer(Suite::EcdsaP256Sha256).expect("a key"));
    for (key, other) in [(&keys[0], &keys[1]), (&keys[1], &keys[0])] {
        let signature = key.sign(b"document").expect("signed");
        assert_eq!(key.public_key().verify(b"document", &signature), Ok(()));
        assert!(other.public_key().verify(b"document", &signature).is_err());
    }
}

#[test]
fn nothing_is_initialized_twice() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[]);
    let new = NewCard { label: "x".to_owned(), kind: CardKind::Maker, admin: pin(ADMIN), pin: pin(PIN) };
    let address = tokens.address(&format!("serial={}", card.serial()));
    let again = Card::initialize(&address, &new, &tokens.drivers);
    assert!(matches!(again, Err(CardError::Initialized)), "{again:?}");
}

#[test]
fn pins_are_changed_and_unblocked_and_a_wrong_one_is_told_as_such() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[KeyKind::P256]);
    assert_eq!(card.tries_left().expect("readable"), Tries::Untold);
    let wrong = card.unlock(&pin(WRONG));
    assert!(matches!(wrong, Err(CardError::PinIncorrect { .. })), "{wrong:?}");
    assert!(matches!(card.change_pin(&pin(WRONG), &pin("161803")), Err(CardError::PinIncorrect { .. })));
    card.change_pin(&pin(PIN), &pin("161803")).expect("changed");
    assert!(matches!(card.unlock(&pin(PIN)), Err(CardError::PinIncorrect { .. })), "the old one");
    assert!(matches!(card.unblock(&pin(WRONG), &pin("141421")), Err(CardError::AdminPinIncorrect { .. })));
    card.unblock(&pin(ADMIN), &pin("141421")).expect("unblocked");
    assert!(card.unlock(&pin("161803")).is_err());
    let opened = card.unlock(&pin("141421")).expect("unlocked");
    assert!(opened.signer(Suite::EcdsaP256Sha256).is_some());
}

#[test]
fn who_unlocks_a_card_that_is_unlocked_has_to_know_the_pin_all_the_same() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[KeyKind::P256]);
    let first = card.unlock(&pin(PIN)).expect("unlocked");
    let second = card.unlock(&pin(WRONG));
    assert!(matches!(second, Err(CardError::PinIncorrect { .. })), "{second:?}");
    let third = card.unlock(&pin(PIN)).expect("unlocked");
    drop(first);
    assert!(third.signer(Suite::EcdsaP256Sha256).expect("a key").sign(b"document").is_ok(), "a login of its own");
}

#[test]
fn a_token_that_is_pulled_while_it_is_used_is_noticed() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[KeyKind::P256]);
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    let key = opened.signer(Suite::EcdsaP256Sha256).expect("a key");
    key.sign(b"document").expect("signed");
    tokens.pull();
    let read = opened.read_seal();
    assert!(matches!(read, Err(CardError::Removed)), "{read:?}");
    let tries = card.tries_left();
    assert!(matches!(tries, Err(CardError::Removed)), "{tries:?}");
    let signed = key.sign(b"document");
    let removed = SignError::Device(CardError::Removed.to_string());
    assert_eq!(signed, Err(removed));
    assert!(matches!(card.unlock(&pin(PIN)), Err(CardError::Absent(_) | CardError::Removed)));
}

#[test]
fn a_certificate_for_another_key_beside_a_key_on_a_token_is_found_out_before_a_pin_is_asked_for() {
    let tokens = Tokens::new();
    drop(tokens.make("seal", &[]));
    let other = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key").public_key();
    let file = tokens.path("certificate.der");
    std::fs::write(&file, certificate(&other).der()).expect("written");
    let (module, file) = (module().display().to_string(), file.display().to_string());
    let common = ["--module", &module, "--token-label", "seal", "--login", "--pin", PIN, "--id", "07"];
    for more in [&["--keypairgen", "--key-type", "EC:prime256v1"][..], &["--write-object", &file, "--type", "cert"]] {
        let told = tokens.run("pkcs11-tool", &[&common, more].concat());
        assert!(told.status.success(), "{told:?}");
    }
    let opened = Card::open_by(&tokens.address("token=seal"), &tokens.drivers);
    assert!(matches!(opened, Err(CardError::OtherKey(Suite::EcdsaP256Sha256))), "{opened:?}");
}

#[test]
fn two_who_type_a_wrong_pin_for_one_token_are_both_told_and_the_right_one_opens_it_after() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[KeyKind::P256]);
    let another = tokens.open("seal");
    let told: Vec<_> = std::thread::scope(|scope| {
        let typing = [&card, &another, &card, &another].map(|card| scope.spawn(|| card.unlock(&pin(WRONG)).map(drop)));
        typing.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(told.iter().all(|told| matches!(told, Err(CardError::PinIncorrect { .. }))), "{told:?}");
    assert!(card.unlock(&pin(PIN)).is_ok());
}

#[test]
fn a_module_that_is_not_there_or_is_none_is_an_error() {
    for module in ["/nonexistent/module.so", "/etc/passwd", "/lib/x86_64-linux-gnu/libm.so.6"] {
        let address = format!("pkcs11:token=a?module-path={module}").parse().expect("a URI");
        let opened = Card::open_by(&address, &drivers());
        assert!(matches!(opened, Err(CardError::Driver(DriverError::Library(_)))), "{module}: {opened:?}");
    }
}

#[test]
fn a_pin_is_in_no_argument_and_no_debug_output() {
    let tokens = Tokens::new();
    let card = tokens.make("seal", &[]);
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    let new = NewCard { label: "x".to_owned(), kind: CardKind::Maker, admin: pin(ADMIN), pin: pin(PIN) };
    for shown in [format!("{card:?}"), format!("{opened:?}"), format!("{new:?}"), format!("{:?}", Pin::clone(&new.pin))]
    {
        assert!(!shown.contains(PIN) && !shown.contains(ADMIN), "{shown}");
    }
}
