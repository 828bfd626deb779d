//! Keys that want their PIN before each signature, whose PIN has become another one since the card was unlocked.

use std::path::PathBuf;
use std::process::Command;

use eseal_card::{Card, CardAddress};
use eseal_pki::{Signer as _, Suite};

use crate::softhsm::{Tokens, module};
use crate::{PIN, pin};

/// The module of `tests/faulty/refusing.rs`, built beside the tokens.
fn refusing(tokens: &Tokens) -> PathBuf {
    let library = tokens.path("librefusing.so");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o"]).arg(&library);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faulty/refusing.rs"));
    assert!(command.status().expect("rustc").success());
    library
}

#[test]
fn a_pin_that_has_become_wrong_is_tried_once_by_all_who_sign_and_not_again_until_somebody_types_it() {
    let mut tokens = Tokens::new();
    drop(tokens.make("seal", &[]));
    let behind = module().display().to_string();
    let mut arguments = vec!["--module", &behind, "--token-label", "seal", "--login", "--pin", PIN, "--keypairgen"];
    arguments.extend(["--key-type", "EC:prime256v1", "--label", "each time", "--id", "77", "--always-auth"]);
    let made = tokens.run("pkcs11-tool", &arguments);
    assert!(made.status.success(), "{made:?}");
    let (library, log, refuses) = (refusing(&tokens), tokens.path("logins"), tokens.path("refuses"));
    let settings = [("BEHIND", module().to_owned()), ("LOGINS", log.clone()), ("REFUSES", refuses.clone())];
    tokens.drivers.environment.extend(settings.map(|(name, value)| (name.into(), value.into())));
    let logins = || std::fs::read(&log).map_or(0, |bytes| bytes.len());

    let address = format!("pkcs11:token=seal?module-path={}", library.display());
    let address: CardAddress = address.parse().expect("a URI");
    let card = Card::open_by(&address, &tokens.drivers).expect("a card");
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    let key = opened.signer(Suite::EcdsaP256Sha256).expect("a key");
    let signature = key.sign(b"document").expect("the PIN is right still");
    key.public_key().verify(b"document", &signature).expect("its own");
    let good = logins();
    assert!(good > 0, "the key wants its PIN each time");

    std::fs::write(&refuses, b"").expect("written");
    let refused = std::thread::scope(|scope| {
        let signing: Vec<_> = (0..20).map(|_| scope.spawn(|| key.sign(b"document").is_err())).collect();
        signing.into_iter().map(|thread| thread.join().expect("no panic")).filter(|refused| *refused).count()
    });
    assert_eq!((refused, logins()), (20, good + 1), "one try was spent for all of them");
    std::fs::remove_file(&refuses).expect("removed");
    assert!(key.sign(b"document").is_err(), "the PIN is forgotten");
    assert_eq!(logins(), good + 1);

    drop((key, opened, card));
    let card = Card::open_by(&address, &tokens.drivers).expect("a card");
    let key = card.unlock(&pin(PIN)).expect("typed anew").signer(Suite::EcdsaP256Sha256).expect("a key");
    key.sign(b"document").expect("signed");
}
