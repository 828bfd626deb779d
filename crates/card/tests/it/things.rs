//! What a card holds: keys, certificates, the seal.

use eseal_card::{CardError, CardKind, MAX_SEAL, SoftCard};
use eseal_pki::{Signer, SigningKey, Suite};

use crate::{Desk, PIN, certificate, pin};

#[test]
fn serial_kind_and_public_keys_are_seen_without_a_pin() {
    let desk = Desk::with_card();
    let found = desk.another_handle();
    assert_eq!(found.serial(), desk.card.serial());
    assert_eq!(found.serial().len(), 16);
    assert_eq!(found.kind(), CardKind::Holder);
    assert_eq!(found.suites().expect("readable"), [Suite::Sm2Sm3, Suite::EcdsaP256Sha256]);
    assert!(found.public_key(Suite::Sm2Sm3).expect("readable").is_some());
    assert!(found.public_key(Suite::RsaSha256).expect("readable").is_none());
    assert!(found.certificates().expect("readable").is_empty());
    assert_eq!(found.tries_left().expect("readable"), 5);
    assert!(!found.has_seal().expect("readable"));
}

#[test]
fn two_cards_have_different_serials_and_keys() {
    let (one, two) = (Desk::with_card(), Desk::with_card());
    assert_ne!(one.card.serial(), two.card.serial());
    let key = |desk: &Desk| desk.card.public_key(Suite::Sm2Sm3).expect("readable").map(|key| key.to_spki_der());
    assert_ne!(key(&one), key(&two));
}

#[test]
fn both_keys_sign_what_their_public_halves_verify() {
    let desk = Desk::with_card();
    let unlocked = desk.card.unlock(&pin(PIN)).expect("unlocks");
    for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
        let signer = unlocked.signer(suite).expect("a key");
        assert_eq!(signer.suite(), suite);
        let signature = signer.sign(b"message").expect("signs");
        let seen = desk.another_handle().public_key(suite).expect("readable").expect("a key");
        assert_eq!(seen.verify(b"message", &signature), Ok(()));
        assert!(seen.verify(b"massage", &signature).is_err());
    }
    assert!(unlocked.signer(Suite::RsaSha256).is_none());
}

#[test]
fn the_keys_are_the_same_at_every_unlocking() {
    let desk = Desk::with_card();
    let public = |desk: &Desk| {
        let unlocked = desk.another_handle().unlock(&pin(PIN)).expect("unlocks");
        unlocked.public_key(Suite::Sm2Sm3).expect("a key").to_spki_der()
    };
    assert_eq!(public(&desk), public(&desk));
}

#[test]
fn an_imported_certificate_is_seen_by_everybody() {
    let desk = Desk::with_card();
    let unlocked = desk.card.unlock(&pin(PIN)).expect("unlocks");
    let certificate = certificate(&unlocked.public_key(Suite::Sm2Sm3).expect("a key"));
    unlocked.import_certificate(Suite::Sm2Sm3, &certificate).expect("imported");
    let seen = desk.another_handle();
    assert_eq!(
        seen.certificate(Suite::Sm2Sm3).expect("readable").map(|c| c.fingerprint()),
        Some(certificate.fingerprint())
    );
    assert_eq!(seen.certificates().expect("readable").len(), 1);
    assert!(seen.certificate(Suite::EcdsaP256Sha256).expect("readable").is_none());
}

#[test]
fn a_certificate_for_another_key_is_refused() {
    let desk = Desk::with_card();
    let unlocked = desk.card.unlock(&pin(PIN)).expect("unlocks");
    let foreign = certificate(&SigningKey::generate(Suite::Sm2Sm3).expect("a key").public_key());
    let own_other = certificate(&unlocked.public_key(Suite::EcdsaP256Sha256).expect("a key"));
    for certificate in [foreign, own_other] {
        let result = unlocked.import_certificate(Suite::Sm2Sm3, &certificate);
        assert!(matches!(result, Err(CardError::OtherKey(Suite::Sm2Sm3))), "{result:?}");
    }
    let result = unlocked
        .import_certificate(Suite::RsaSha256, &certificate(&unlocked.public_key(Suite::Sm2Sm3).expect("a key")));
    assert!(matches!(result, Err(CardError::NoKey(Suite::RsaSha256))), "{result:?}");
    assert!(desk.card.certificates().expect("readable").is_empty());
}

#[test]
fn a_seal_is_read_back_as_it_was_stored() {
    let desk = Desk::with_card();
    let unlocked = desk.card.unlock(&pin(PIN)).expect("unlocks");
    assert_eq!(unlocked.read_seal().expect("readable"), None);
    for seal in [vec![1; 20_000], vec![], vec![2; MAX_SEAL]] {
        unlocked.store_seal(&seal).expect("stored");
        assert!(desk.another_handle().has_seal().expect("readable"));
        assert!(unlocked.read_seal().expect("readable").is_some_and(|read| read == seal));
    }
    let result = unlocked.store_seal(&vec![0; MAX_SEAL + 1]);
    assert!(matches!(result, Err(CardError::SealTooLarge { .. })), "{result:?}");
}

#[test]
fn two_unlocked_handles_do_not_undo_each_others_changes() {
    let desk = Desk::with_card();
    let one = desk.card.unlock(&pin(PIN)).expect("unlocks");
    let two = desk.another_handle().unlock(&pin(PIN)).expect("unlocks");
    one.store_seal(b"seal").expect("stored");
    let certificate = certificate(&two.public_key(Suite::Sm2Sm3).expect("a key"));
    two.import_certificate(Suite::Sm2Sm3, &certificate).expect("imported");
    assert_eq!(two.read_seal().expect("readable").as_deref(), Some(&b"seal"[..]));
    assert!(one.card().certificate(Suite::Sm2Sm3).expect("readable").is_some());
}

#[test]
fn a_card_exchanged_for_another_one_is_noticed() {
    let (desk, other) = (Desk::with_card(), Desk::with_card());
    let unlocked = desk.card.unlock(&pin(PIN)).expect("unlocks");
    std::fs::copy(other.path(), desk.path()).expect("copied");
    assert!(matches!(desk.card.unlock(&pin(PIN)), Err(CardError::Exchanged(_))));
    assert!(matches!(unlocked.store_seal(b"seal"), Err(CardError::Exchanged(_))));
    assert!(matches!(unlocked.read_seal(), Err(CardError::Exchanged(_))));
    assert_eq!(other.card.tries_left().expect("readable"), 5, "and its tries are left alone");
}

#[test]
fn a_card_that_was_taken_away_is_absent_and_leaves_nothing_behind() {
    let desk = Desk::with_card();
    let unlocked = desk.card.unlock(&pin(PIN)).expect("unlocks");
    for entry in std::fs::read_dir(desk.directory.path()).expect("a directory") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    assert!(matches!(desk.card.unlock(&pin(PIN)), Err(CardError::Absent(_))));
    assert!(matches!(desk.card.tries_left(), Err(CardError::Absent(_))));
    assert!(matches!(unlocked.store_seal(b"seal"), Err(CardError::Absent(_))));
    assert_eq!(std::fs::read_dir(desk.directory.path()).expect("a directory").count(), 0);
}

#[test]
fn a_card_is_never_made_over_an_existing_file() {
    let desk = Desk::with_card();
    let before = std::fs::read(desk.path()).expect("readable");
    let result = SoftCard::create(&desk.path(), CardKind::Maker, &pin(PIN), &[Suite::Sm2Sm3]);
    assert!(matches!(result, Err(CardError::Exists(_))), "{result:?}");
    assert_eq!(std::fs::read(desk.path()).expect("readable"), before);
}

#[test]
fn a_card_has_one_key_pair_of_each_of_its_suites() {
    let desk = Desk::with_card();
    let path = desk.directory.path().join("another.card");
    for suites in [&[][..], &[Suite::Sm2Sm3, Suite::Sm2Sm3]] {
        let result = SoftCard::create(&path, CardKind::Maker, &pin(PIN), suites);
        assert!(matches!(result, Err(CardError::Suites)), "{result:?}");
    }
    let result = SoftCard::create(&path, CardKind::Maker, &pin(PIN), &[Suite::RsaSha256]);
    assert!(matches!(result, Err(CardError::Key(_))), "{result:?}");
    assert!(!path.exists());
}
