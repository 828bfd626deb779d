//! Files that are no cards, and what a card's file gives away.

use std::path::Path;

use eseal_card::{CardError, SoftCard};
use eseal_pki::{Signer, Suite};
use proptest::prelude::*;

use crate::{Desk, PIN, pin};

#[test]
fn a_missing_file_is_an_absent_card() {
    assert!(matches!(SoftCard::open(Path::new("/nowhere/at.card")), Err(CardError::Absent(_))));
}

#[test]
fn garbage_and_the_files_of_other_systems_are_no_cards() {
    let desk = Desk::with_card();
    let whole = std::fs::read(desk.path()).expect("readable");
    let cut = &whole[..whole.len() / 2];
    let foreign = br#"{"format":"other-card","version":1,"keys":[]}"#;
    let files: [&[u8]; 8] = [b"", b"\0\0\0\0", b"{}", b"[1,2,3]", b"null", b"\x30\x82\x01\x00", foreign, cut];
    for file in files {
        let result = opened(&desk, file);
        assert!(matches!(result, Err(CardError::NotACard { .. })), "{result:?}");
    }
    let deep = "[".repeat(1_000_000);
    assert!(matches!(opened(&desk, deep.as_bytes()), Err(CardError::NotACard { .. })));
    let large = vec![b' '; 17 << 20];
    assert!(matches!(opened(&desk, &large), Err(CardError::NotACard { .. })));
}

#[test]
fn a_card_of_a_newer_release_is_said_to_be_one() {
    let desk = Desk::with_card();
    let newer = br#"{"format":"eseal-soft-card","version":4,"anything":true}"#;
    assert!(matches!(opened(&desk, newer), Err(CardError::NewerFormat { version: 4, .. })));
}

#[test]
fn a_file_cannot_give_itself_more_tries_or_a_costly_pin() {
    let desk = Desk::with_card();
    let text = std::fs::read_to_string(desk.path()).expect("text");
    let changes = [
        ("\"tries_left\": 5", "\"tries_left\": 6"),
        ("\"memory_kib\": 32768", "\"memory_kib\": 4194304"),
        ("\"passes\": 3", "\"passes\": 4000000"),
        ("\"lanes\": 1", "\"lanes\": 0"),
        ("argon2id-v19", "plain"),
        ("aes-256-gcm", "none"),
        ("\"kind\": \"holder\"", "\"kind\": \"admin\""),
        ("\"suite\": \"SM2\"", "\"suite\": \"P-256\""),
    ];
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        let result = opened(&desk, text.replacen(from, to, 1).as_bytes());
        assert!(matches!(result, Err(CardError::NotACard { .. })), "{to}: {result:?}");
    }
}

#[test]
fn a_holders_card_does_not_become_a_makers_card() {
    let desk = Desk::with_card();
    let text = std::fs::read_to_string(desk.path()).expect("text");
    let card = opened(&desk, text.replacen("\"kind\": \"holder\"", "\"kind\": \"maker\"", 1).as_bytes());
    let result = card.expect("well-formed").unlock(&pin(PIN));
    assert!(matches!(result, Err(CardError::PinIncorrect { .. })), "the PIN's box is bound to the kind: {result:?}");
}

#[test]
fn every_file_of_a_card_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::with_card();
    desk.card.unlock(&pin(PIN)).expect("unlocks").store_seal(b"seal").expect("stored");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(desk.directory.path()).expect("a directory") {
        let entry = entry.expect("an entry");
        assert_eq!(entry.metadata().expect("metadata").permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().expect("a name"));
    }
    names.sort();
    assert_eq!(names, ["holder.card", "holder.card.lock"], "and nothing else stays behind");
}

#[test]
fn the_file_holds_neither_pin_nor_private_key_nor_seal_in_the_clear() {
    let desk = Desk::with_card();
    let unlocked = desk.card.unlock(&pin(PIN)).expect("unlocks");
    unlocked.store_seal(b"the picture of a personal seal").expect("stored");
    let text = std::fs::read_to_string(desk.path()).expect("text");
    assert!(!text.contains(PIN));
    let decoded: Vec<u8> = base64_strings(&text).concat();
    // Every PKCS #8 of such a key names its kind, id-ecPublicKey. The two public keys name it as well, once each.
    let kind = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    assert_eq!(decoded.windows(kind.len()).filter(|window| *window == kind).count(), 2);
    assert!(!decoded.windows(7).any(|window| window == b"picture"));
}

#[test]
fn debug_shows_no_secret() {
    let desk = Desk::with_card();
    let unlocked = desk.card.unlock(&pin(PIN)).expect("unlocks");
    let key = unlocked.signer(Suite::Sm2Sm3).expect("a key");
    assert_eq!(format!("{key:?}"), "CardKey(SM2)");
    assert_eq!(format!("{:?}", pin(PIN)), "Pin(…)");
    let shown = format!("{unlocked:?} {:?}", desk.card);
    let expected = format!("SoftCard {{ serial: {:?}, kind: Holder, .. }}", desk.card.serial());
    assert_eq!(shown, format!("Unlocked {{ card: {expected}, .. }} {expected}"));
    assert!(key.sign(b"m").is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_no_card(bytes: Vec<u8>) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("card");
        std::fs::write(&path, bytes).expect("written");
        prop_assert!(SoftCard::open(&path).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// A file that was changed anywhere opens as the same card, is refused, or no longer takes its PIN; it never panics
    /// and never gives out other keys.
    #[test]
    fn a_changed_byte_never_gives_other_keys(at: proptest::sample::Index, to: u8) {
        let desk = Desk::with_card();
        let mut file = std::fs::read(desk.path()).expect("readable");
        let at = at.index(file.len());
        file[at] = to;
        let keys: Vec<_> = desk.card.suites().expect("readable").into_iter().map(|s| desk.card.public_key(s)).collect();
        std::fs::write(desk.path(), file).expect("written");
        if let Ok(unlocked) = SoftCard::open(&desk.path()).and_then(|card| card.unlock(&pin(PIN))) {
            for key in keys {
                let key = key.expect("readable").expect("a key");
                let suite = key.suite().expect("a suite");
                prop_assert_eq!(unlocked.public_key(suite).map(|k| k.to_spki_der()), Some(key.to_spki_der()));
            }
        }
    }
}

fn opened(desk: &Desk, file: &[u8]) -> Result<SoftCard, CardError> {
    std::fs::write(desk.path(), file).expect("written");
    SoftCard::open(&desk.path())
}

/// The decoded contents of every JSON string that is Base64.
fn base64_strings(json: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    json.split('"').filter_map(|text| base64::prelude::BASE64_STANDARD.decode(text).ok()).collect()
}
