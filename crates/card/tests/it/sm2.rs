//! PKCS #11 tokens with SM2, through the way that a vendor's module is loaded, with `eseal-pkcs11-sm2` in its place.

use std::path::Path;
use std::process::Command;

use eseal_card::{Card, CardError, CardKind, DriverError, KeptCard, Key, KeyKind};
use eseal_pki::{CertificateRequest, SignError, Signer as _, Subject, Suite};

use crate::softhsm::{Tokens, certified};
use crate::{PIN, built, certificate, pin};

/// Takes digests and gives r ‖ s.
const PLAIN: &str = "80000004,80008001,80008105";
const SM2: Suite = Suite::Sm2Sm3;

/// The query of a URI that names the module and these numbers.
pub fn vendor(numbers: &str) -> String {
    format!("{}&x-sm2={numbers}", without_numbers())
}

fn without_numbers() -> String {
    format!("module-path={}", built("eseal_pkcs11_sm2").display())
}

fn is_good(key: &Key, message: &[u8]) {
    let signature = key.sign(message).expect("signed");
    assert_eq!(key.public_key().verify(message, &signature), Ok(()));
}

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(output.status.success(), "{arguments:?}: {told}");
    told
}

#[test]
fn a_request_and_a_signature_by_a_token_are_good_for_openssl_with_the_usual_identity_and_with_no_other() {
    let tokens = Tokens::by(vendor(PLAIN));
    let opened = tokens.make("seal", &[KeyKind::Sm2]).unlock(&pin(PIN)).expect("unlocked");
    let key = opened.signer(SM2).expect("a key");
    let request = CertificateRequest::create(&Subject::named("章"), &key, &key.public_key()).expect("a request");
    assert_eq!(request.verify(), Ok(()));
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    write("request", request.der());
    write("public", &key.public_key().to_spki_der());
    write("document", b"document");
    write("signature", &key.sign(b"document").expect("signed"));
    let identity = "distid:1234567812345678";
    let told =
        openssl(folder.path(), &["req", "-inform", "DER", "-in", "request", "-noout", "-verify", "-vfyopt", identity]);
    assert!(told.contains("verify OK"), "{told}");
    let mut checked =
        vec!["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "public", "-rawin", "-digest", "sm3"];
    checked.extend(["-in", "document", "-sigfile", "signature", "-pkeyopt"]);
    let told = openssl(folder.path(), &[&checked[..], &[identity]].concat());
    assert!(told.contains("Verified Successfully"), "{told}");
    let other = Command::new("openssl").args(checked).arg("distid:another").current_dir(folder.path()).output();
    assert!(!other.expect("openssl").status.success(), "Z counts");
}

#[test]
fn sm2_is_listed_where_both_of_its_mechanisms_are_there_and_are_of_their_kind() {
    let tokens = Tokens::by(vendor(PLAIN));
    drop(tokens.make("seal", &[]));
    for (query, makes, signs) in [
        (vendor(PLAIN), true, true),
        (vendor("80000004,80001234,80008105"), false, true),
        (vendor("80000004,80008001,80001234"), false, false),
        (vendor("80000004,80008105,80008001"), false, false),
        (without_numbers(), false, false),
    ] {
        let address = format!("pkcs11:token=seal?{query}").parse().expect("a URI");
        let listed = Card::list(&address, &tokens.drivers).expect("listed").pop().expect("a token");
        assert_eq!(listed.sm2, Some(makes), "{query}");
        assert_eq!(listed.signs.iter().any(|name| name == "SM2"), signs, "{query}: {:?}", listed.signs);
        let mut opened = tokens.open("seal").unlock(&pin(PIN)).expect("unlocked");
        assert!(opened.signer(SM2).is_none());
        if !makes {
            let card = Card::open_by(&address, &tokens.drivers).expect("a card");
            opened = card.unlock(&pin(PIN)).expect("unlocked");
            let refused = opened.generate(KeyKind::Sm2);
            assert!(matches!(refused, Err(CardError::NotOffered(_))), "{query}: {refused:?}");
        }
    }
}

#[test]
fn every_form_in_which_modules_take_messages_and_give_signatures_is_understood() {
    for numbers in [
        PLAIN,
        "3,80008001,80008105",
        "80000004,80008001,80008104",
        "80000004,80008001,80008100,zm",
        "80000004,80008001,80008101,zm",
        "80000004,80008001,80008102,m",
        "80000004,80008001,80008103,m",
        "80000004,80008001,8005000c,m-id",
    ] {
        let tokens = Tokens::by(vendor(numbers));
        drop(tokens.make("seal", &[KeyKind::Sm2, KeyKind::P256]));
        let card = tokens.open("seal");
        assert_eq!(card.suites().expect("seen").len(), 2, "{numbers}");
        let opened = card.unlock(&pin(PIN)).expect(numbers);
        for suite in [SM2, Suite::EcdsaP256Sha256] {
            let key = opened.signer(suite).expect("a key");
            is_good(&key, b"document");
            is_good(&key, b"");
            is_good(&key, &[7; 300 << 10]); // larger than what a pipe holds
        }
    }
}

#[test]
fn a_form_that_is_not_the_one_which_the_uri_says_or_none_at_all_is_found_out_before_anything_is_signed() {
    for (numbers, told) in [
        ("80000004,80008001,80008102", "signs otherwise"),
        ("80000004,80008001,80008100,m", "signs otherwise"),
        ("80000004,80008001,80008102,zm", "signs otherwise"),
        ("80000004,80008001,8000ee02", "signs otherwise"),
        ("80000004,80008001,8000ee01", "65 bytes"),
    ] {
        let tokens = Tokens::by(vendor(PLAIN));
        drop(tokens.make("seal", &[KeyKind::Sm2]));
        let tokens = tokens.now_by(vendor(numbers));
        let refused = tokens.open("seal").unlock(&pin(PIN));
        let Err(CardError::Driver(DriverError::Lied(why))) = refused else { panic!("{numbers}: {refused:?}") };
        assert!(why.contains(told), "{numbers}: {why}");
    }
    for numbers in ["80000004,80008001,80008105,m", "80000004,80008001,8005000c,m", "80000004,80008001,80001234"] {
        let tokens = Tokens::by(vendor(PLAIN));
        drop(tokens.make("seal", &[KeyKind::Sm2]));
        let tokens = tokens.now_by(vendor(numbers));
        let refused = tokens.open("seal").unlock(&pin(PIN));
        assert!(
            matches!(&refused, Err(CardError::NotOffered(_) | CardError::Driver(DriverError::Refused { .. }))),
            "{numbers}: {refused:?}"
        );
    }
}

#[test]
fn a_token_whose_sm2_key_has_no_numbers_is_used_for_its_other_keys() {
    let tokens = Tokens::by(vendor("3,80008001,80008105"));
    drop(tokens.make("seal", &[KeyKind::Sm2, KeyKind::P256]));
    let tokens = tokens.now_by(without_numbers());
    let opened = tokens.open("seal").unlock(&pin(PIN)).expect("unlocked");
    is_good(&opened.signer(Suite::EcdsaP256Sha256).expect("a key"), b"document");
    assert!(opened.signer(SM2).is_none());
}

#[test]
fn certificates_and_seal_are_kept_beside_an_sm2_key_and_a_service_keeps_the_card() {
    let tokens = Tokens::by(vendor(PLAIN));
    let card = tokens.make_for(CardKind::Maker, "maker", &[KeyKind::Sm2]);
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    let certificate = certified(&opened, SM2);
    opened.import_certificate(SM2, &certificate).expect("imported");
    let seal = vec![7; 20 << 10];
    opened.store_seal(&seal).expect("stored");
    drop((opened, card));
    let opened = tokens.open("maker").unlock(&pin(PIN)).expect("unlocked");
    assert_eq!(opened.read_seal().expect("readable"), Some(seal));
    let kept = opened.card().certificate(SM2).expect("readable").expect("a certificate");
    assert_eq!(kept.fingerprint(), certificate.fingerprint());
    drop(opened);

    let address = tokens.address("token=maker");
    let wanted = (CardKind::Maker, SM2);
    let kept = KeptCard::open(&address, pin(PIN), wanted, tokens.drivers.clone()).expect("opened");
    let signature = kept.sign(b"a seal").expect("signed");
    assert_eq!(certificate.public_key().expect("a key").verify(b"a seal", &signature), Ok(()));
}

#[test]
fn a_token_that_logs_out_by_itself_is_told_as_that_and_a_service_unlocks_it_again() {
    let tokens = Tokens::by(vendor("80000004,80008001,8000ee03"));
    let card = tokens.make_for(CardKind::Maker, "maker", &[KeyKind::Sm2]); // one signature, when the key was made
    let opened = card.unlock(&pin(PIN)).expect("unlocked"); // another one
    let key = opened.signer(SM2).expect("a key");
    opened.import_certificate(SM2, &certificate(&key.public_key())).expect("imported");
    is_good(&key, b"a seal");
    let refused = key.sign(b"a seal").map_err(|error| error.to_string());
    assert_eq!(refused, Err(SignError::Device(CardError::LoggedOut.to_string()).to_string()));
    drop((opened, card));

    let (address, wanted) = (tokens.address("token=maker"), (CardKind::Maker, SM2));
    let kept = KeptCard::open(&address, pin(PIN), wanted, tokens.drivers.clone()).expect("opened");
    let public = kept.certificate().public_key().expect("a key");
    for _ in 0..6 {
        assert_eq!(public.verify(b"a seal", &kept.sign(b"a seal").expect("signed")), Ok(()));
    }
}

#[test]
fn many_sign_by_sm2_at_once_and_a_token_that_is_pulled_then_is_noticed() {
    let tokens = Tokens::by(vendor(PLAIN));
    let opened = tokens.make("seal", &[KeyKind::Sm2]).unlock(&pin(PIN)).expect("unlocked");
    let key = opened.signer(SM2).expect("a key");
    std::thread::scope(|scope| {
        for number in 0..40_u32 {
            let key = &key;
            scope.spawn(move || is_good(key, &number.to_be_bytes()));
        }
    });
    tokens.pull();
    let signed = key.sign(b"document").map_err(|error| error.to_string());
    assert_eq!(signed, Err(SignError::Device(CardError::Removed.to_string()).to_string()));
}
