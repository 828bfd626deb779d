//! A token that keeps keys for a service, against SoftHSM 2.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use eseal_card::{CardError, DriverError, Drivers, Hsm, KeyKind};
use eseal_pki::{Signer as _, Suite};
use zeroize::Zeroizing;

use crate::softhsm::{Tokens, module};
use crate::{PIN, WRONG, sm2};

const KEK: &str = "eseal-kek";

/// A token with an AES key, and drivers that leave their process ids behind.
struct Rack {
    tokens: Tokens,
    drivers: Drivers,
    pids: PathBuf,
}

impl Rack {
    fn new(key: &[&str]) -> Self {
        Self::of(Tokens::new(), key)
    }

    fn of(tokens: Tokens, key: &[&str]) -> Self {
        drop(tokens.make("hsm", &[]));
        let module = module().display().to_string();
        let mut arguments = vec!["--module", &module, "--token-label", "hsm", "--login", "--pin", PIN];
        arguments.extend(["--keygen", "--key-type", "AES:32", "--label", KEK, "--id", "01"]);
        arguments.extend(key);
        let made = tokens.run("pkcs11-tool", &arguments);
        assert!(made.status.success(), "{made:?}");
        let pids = tokens.path("pids");
        let program = tokens.path("driver");
        let text =
            format!("#!/bin/sh\necho $$ >> '{}'\nexec '{}' \"$@\"\n", pids.display(), tokens.drivers.program.display());
        eseal_testkit::script(&program, &text).expect("written");
        let drivers = Drivers { program, ..tokens.drivers.clone() };
        Self { tokens, drivers, pids }
    }

    fn hsm(&self, pin: &str) -> Hsm {
        let address = self.tokens.address(&format!("token=hsm;object={KEK}"));
        Hsm::new(&address, Zeroizing::new(pin.to_owned()), self.drivers.clone()).expect("a token")
    }

    /// The drivers that were started, the last one last.
    fn started(&self) -> Vec<String> {
        std::fs::read_to_string(&self.pids).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn signal(&self, signal: &str) {
        let last = self.started().pop().expect("a driver");
        assert!(Command::new("kill").args([signal, &last]).status().expect("kill").success());
    }
}

#[test]
fn what_the_token_encrypted_it_decrypts_for_the_same_place_only_and_the_key_never_leaves_it() {
    let rack = Rack::new(&["--sensitive"]);
    let hsm = rack.hsm(PIN);
    let offers = hsm.offers().expect("opened");
    assert!(offers.secret && offers.p256 && !offers.sm2, "{offers:?}");
    let sealed = hsm.encrypt(b"row 1", b"a data key").expect("encrypted");
    assert_ne!(hsm.encrypt(b"row 1", b"a data key").expect("encrypted"), sealed);
    assert_eq!(hsm.decrypt(b"row 1", &sealed).expect("decrypted").as_slice(), b"a data key");
    for length in [700, 1024, 100_000] {
        let long = vec![7; length]; // more than one call of a driver holds
        let sealed = hsm.encrypt(b"row 1", &long).expect("encrypted");
        assert!(*hsm.decrypt(b"row 1", &sealed).expect("decrypted") == long, "{length}");
    }
    for (bound, length) in [(b"row 2", sealed.len()), (b"row 1", sealed.len() - 1), (b"row 1", 13), (b"row 1", 0)] {
        let refused = hsm.decrypt(bound, &sealed[..length]);
        assert!(matches!(refused, Err(CardError::NotDecrypted)), "{length}: {refused:?}");
    }
    for i in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[i] ^= 1;
        assert!(matches!(hsm.decrypt(b"row 1", &changed), Err(CardError::NotDecrypted)), "{i}");
    }
}

#[test]
fn a_key_that_the_token_would_give_out_wraps_nothing() {
    let rack = Rack::new(&["--extractable"]);
    let refused = rack.hsm(PIN).encrypt(b"row", b"a data key");
    assert!(matches!(&refused, Err(CardError::NotOffered(what)) if what.contains("extractable")), "{refused:?}");
}

#[test]
fn many_pairs_lie_side_by_side_and_each_signs_by_its_id() {
    let rack = Rack::new(&["--sensitive"]);
    let hsm = rack.hsm(PIN);
    let keys: Vec<_> = (0..6).map(|i| hsm.generate(&[i; 17], KeyKind::P256).expect("a pair")).collect();
    std::thread::scope(|scope| {
        for key in &keys {
            scope.spawn(move || {
                for _ in 0..5 {
                    let signature = key.sign(b"document").expect("signed");
                    key.public_key().verify(b"document", &signature).expect("its own");
                }
            });
        }
    });
    let again = hsm.generate(&[0; 17], KeyKind::P256).map(drop);
    assert!(matches!(again, Err(CardError::KeyExists)), "{again:?}");
    let sm2 = hsm.generate(&[9; 17], KeyKind::Sm2).map(drop);
    assert!(matches!(sm2, Err(CardError::NotOffered(_))), "{sm2:?}");
    let none = hsm.key(&[8; 17], keys[0].public_key().clone(), Suite::EcdsaP256Sha256).sign(b"document");
    assert!(none.is_err());
    // Another program finds them, and none of them leaves the token.
    let module = module().display().to_string();
    let arguments = ["--module", &module, "--token-label", "hsm", "--login", "--pin", PIN, "-O", "--type", "privkey"];
    let listed = String::from_utf8(rack.tokens.run("pkcs11-tool", &arguments).stdout).expect("text");
    assert_eq!(listed.matches("eseal hosted").count(), 6, "{listed}");
    assert_eq!(listed.matches("never extractable").count(), 6, "{listed}");
}

#[test]
fn sm2_pairs_lie_beside_others_sign_by_their_ids_and_after_the_driver_died() {
    let rack = Rack::of(Tokens::by(sm2::vendor("80000004,80008001,80008105")), &["--sensitive"]);
    let hsm = rack.hsm(PIN);
    assert!(hsm.offers().expect("opened").sm2);
    let kinds = [KeyKind::Sm2, KeyKind::P256, KeyKind::Sm2];
    let keys: Vec<_> = (0..3).zip(kinds).map(|(i, kind)| hsm.generate(&[i; 17], kind).expect("a pair")).collect();
    let again = hsm.generate(&[0; 17], KeyKind::Sm2).map(drop);
    assert!(matches!(again, Err(CardError::KeyExists)), "{again:?}");
    let all_sign = || {
        std::thread::scope(|scope| {
            for key in &keys {
                scope.spawn(move || {
                    for _ in 0..5 {
                        let signature = key.sign(b"document").expect("signed");
                        key.public_key().verify(b"document", &signature).expect("its own");
                    }
                });
            }
        });
    };
    all_sign();
    rack.signal("-KILL");
    all_sign();
    assert_eq!(rack.started().len(), 2);
}

#[test]
fn a_token_whose_numbers_for_sm2_are_another_mechanisms_does_not_offer_it() {
    for numbers in ["80000004,80008105,80008001", "80000004,80008001,80001234", "80000004,80001234,80008105"] {
        let rack = Rack::of(Tokens::by(sm2::vendor(numbers)), &["--sensitive"]);
        let hsm = rack.hsm(PIN);
        assert!(!hsm.offers().expect("opened").sm2, "{numbers}");
        let refused = hsm.generate(&[1; 17], KeyKind::Sm2).map(drop);
        assert!(matches!(refused, Err(CardError::NotOffered(_))), "{numbers}: {refused:?}");
    }
}

#[test]
fn a_driver_that_dies_is_started_again_and_what_was_asked_is_done() {
    let rack = Rack::new(&["--sensitive"]);
    let hsm = rack.hsm(PIN);
    let key = hsm.generate(&[1; 17], KeyKind::P256).expect("a pair");
    let sealed = hsm.encrypt(b"row", b"a data key").expect("encrypted");
    rack.signal("-KILL");
    assert_eq!(hsm.decrypt(b"row", &sealed).expect("decrypted").as_slice(), b"a data key");
    rack.signal("-KILL");
    let signature = key.sign(b"document").expect("signed");
    key.public_key().verify(b"document", &signature).expect("its own");
    assert_eq!(rack.started().len(), 3);
}

#[test]
fn a_driver_that_hangs_is_ended_and_the_next_call_has_another_one() {
    let mut rack = Rack::new(&["--sensitive"]);
    rack.drivers.patience = Duration::from_secs(10); // which a busy machine's driver is not silent for
    let hsm = rack.hsm(PIN);
    let sealed = hsm.encrypt(b"row", b"a data key").expect("encrypted");
    rack.signal("-STOP");
    let hung = hsm.decrypt(b"row", &sealed);
    assert!(matches!(hung, Err(CardError::Driver(DriverError::Hung(_)))), "{hung:?}");
    assert_eq!(hsm.decrypt(b"row", &sealed).expect("decrypted").as_slice(), b"a data key");
}

#[test]
fn a_wrong_pin_is_tried_once_and_never_again() {
    let rack = Rack::new(&["--sensitive"]);
    let hsm = rack.hsm(WRONG);
    let first = hsm.offers();
    assert!(matches!(first, Err(CardError::PinIncorrect { .. })), "{first:?}");
    for _ in 0..3 {
        let later = hsm.encrypt(b"row", b"a data key");
        assert!(
            matches!(&later, Err(CardError::Driver(DriverError::NotStarted(why))) if why.contains("PIN")),
            "{later:?}"
        );
    }
    assert_eq!(rack.started().len(), 1);
}
