//! SKF devices through the way that a vendor's library is loaded, with `eseal-skf-soft` in its place.

use std::path::PathBuf;

use eseal_card::{Card, CardAddress, CardError, CardKind, Drivers, KeyKind, SoftCard, Tries};
use eseal_pki::{CertificateRequest, Signer as _, Subject, Suite};
use tempfile::TempDir;

use crate::softhsm::drivers;
use crate::{PIN, WRONG, built, certificate, pin};

const ADMIN: &str = "87654321";

/// A desk with devices on it.
struct Devices {
    folder: TempDir,
    drivers: Drivers,
}

impl Devices {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut drivers = drivers();
        drivers.environment = vec![("ESEAL_SKF_SOFT_DIR".into(), folder.path().into())];
        Self { folder, drivers }
    }

    fn with(name: &str, suites: &[Suite]) -> Self {
        let devices = Self::new();
        devices.add(name, suites);
        devices
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.card"))
    }

    fn add(&self, name: &str, suites: &[Suite]) -> SoftCard {
        let (pin, admin) = (pin(PIN), pin(ADMIN));
        let card = SoftCard::create_with_admin(&self.path(name), CardKind::Holder, &pin, Some(&admin), suites);
        card.expect("a card")
    }

    fn open(&self) -> Result<Card, CardError> {
        Card::open_by(&address(""), &self.drivers)
    }
}

pub fn library() -> PathBuf {
    built("eseal_skf_soft")
}

fn address(device: &str) -> CardAddress {
    format!("skf:{}{device}", library().display()).parse().expect("an address")
}

#[test]
fn an_sm2_device_signs_with_the_right_z_and_keeps_certificate_and_seal() {
    let devices = Devices::with("holder", &[Suite::Sm2Sm3]);
    let card = devices.open().expect("a card");
    assert_eq!(card.suites().expect("readable"), [Suite::Sm2Sm3]);
    assert_eq!(card.serial(), SoftCard::open(&devices.path("holder")).expect("a card").serial());
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    let key = opened.signer(Suite::Sm2Sm3).expect("a key");
    let request = CertificateRequest::create(&Subject::named("章"), &key, &key.public_key()).expect("a request");
    assert_eq!(request.verify(), Ok(()));
    let signature = key.sign(b"document").expect("signed");
    assert_eq!(key.public_key().verify(b"document", &signature), Ok(()));

    let issued = certificate(&key.public_key());
    opened.import_certificate(Suite::Sm2Sm3, &issued).expect("imported");
    opened.store_seal(b"an earlier, longer one").expect("stored");
    let seal: Vec<u8> = (0..20_001_u32).map(|n| n.to_le_bytes()[0]).collect();
    opened.store_seal(&seal).expect("stored");
    assert_eq!(card.has_seal().expect("seen"), Some(true));
    drop(opened);
    let again = devices.open().expect("a card");
    let kept = again.certificate(Suite::Sm2Sm3).expect("readable").expect("a certificate");
    assert_eq!(kept.fingerprint(), issued.fingerprint());
    assert_eq!(again.unlock(&pin(PIN)).expect("unlocked").read_seal().expect("readable"), Some(seal));
}

#[test]
fn a_key_is_made_on_a_device_that_has_none_and_only_once() {
    let devices = Devices::with("fresh", &[Suite::EcdsaP256Sha256]); // which no SKF device shows
    let card = devices.open().expect("a card");
    assert_eq!(card.suites().expect("readable"), []);
    let mut opened = card.unlock(&pin(PIN)).expect("unlocked");
    opened.generate(KeyKind::Sm2).expect("made");
    let key = opened.signer(Suite::Sm2Sm3).expect("a key");
    assert!(key.public_key().verify(b"x", &key.sign(b"x").expect("signed")).is_ok());
    assert!(matches!(opened.generate(KeyKind::Sm2), Err(CardError::KeyExists)));
    assert!(matches!(opened.generate(KeyKind::P256), Err(CardError::NotOffered(_))));
}

#[test]
fn wrong_pins_count_down_lock_and_are_unblocked_by_the_administrator() {
    let devices = Devices::with("holder", &[Suite::Sm2Sm3]);
    let card = devices.open().expect("a card");
    for left in (1..5).rev() {
        assert_eq!(card.tries_left().expect("told"), Tries::Exactly(left + 1));
        assert_eq!(card.tries_left().expect("told"), Tries::Exactly(left + 1), "looking costs nothing");
        let wrong = card.unlock(&pin(WRONG));
        assert!(
            matches!(wrong, Err(CardError::PinIncorrect { tries_left: Tries::Exactly(now) }) if now == left),
            "{wrong:?}"
        );
    }
    assert!(matches!(card.unlock(&pin(WRONG)), Err(CardError::PinLocked)));
    assert!(matches!(card.unlock(&pin(PIN)), Err(CardError::PinLocked)), "the right one comes too late");
    let wrong = card.unblock(&pin(WRONG), &pin("161803"));
    assert!(matches!(wrong, Err(CardError::AdminPinIncorrect { tries_left: Tries::Exactly(4) })), "{wrong:?}");
    card.unblock(&pin(ADMIN), &pin("161803")).expect("unblocked");
    assert_eq!(card.tries_left().expect("told"), Tries::Exactly(5));
    assert!(card.unlock(&pin("161803")).is_ok());
}

#[test]
fn the_right_pin_gives_all_tries_back_and_is_changed_by_one_try() {
    let devices = Devices::with("holder", &[Suite::Sm2Sm3]);
    let card = devices.open().expect("a card");
    assert!(card.change_pin(&pin(WRONG), &pin("161803")).is_err());
    assert_eq!(card.tries_left().expect("told"), Tries::Exactly(4));
    card.change_pin(&pin(PIN), &pin("161803")).expect("changed");
    assert_eq!(card.tries_left().expect("told"), Tries::Exactly(5));
    assert!(card.unlock(&pin(PIN)).is_err());
}

#[test]
fn an_administrator_whose_pin_is_locked_unblocks_nothing() {
    let devices = Devices::with("holder", &[Suite::Sm2Sm3]);
    let card = devices.open().expect("a card");
    for _ in 0..5 {
        assert!(card.unblock(&pin(WRONG), &pin("161803")).is_err());
    }
    assert!(matches!(card.unblock(&pin(ADMIN), &pin("161803")), Err(CardError::AdminPinLocked)));
    assert!(card.unlock(&pin(PIN)).is_ok(), "its user's PIN is another count");
}

#[test]
fn two_who_type_a_wrong_pin_at_the_same_time_use_up_two_tries() {
    let devices = Devices::with("holder", &[Suite::Sm2Sm3]);
    let cards = [devices.open().expect("a card"), devices.open().expect("a card")];
    std::thread::scope(|scope| {
        for card in &cards {
            scope.spawn(|| assert!(matches!(card.unlock(&pin(WRONG)), Err(CardError::PinIncorrect { .. }))));
        }
    });
    assert_eq!(cards[0].tries_left().expect("told"), Tries::Exactly(3));
}

#[test]
fn several_devices_are_listed_and_told_apart() {
    let devices = Devices::with("one", &[Suite::Sm2Sm3]);
    devices.add("two", &[Suite::Sm2Sm3]);
    let several = devices.open();
    assert!(matches!(&several, Err(CardError::Several(which)) if which.len() == 2), "{several:?}");
    let listed = Card::list(&address(""), &devices.drivers).expect("listed");
    assert_eq!(listed.iter().map(|device| device.label.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    for device in &listed {
        assert_eq!(device.tries_left, Tries::Exactly(5));
        let card = Card::open_by(&device.address.parse().expect("an address"), &devices.drivers).expect("a card");
        assert_eq!(card.serial(), device.serial);
    }
    let none = Card::open_by(&address("#three"), &devices.drivers);
    assert!(matches!(none, Err(CardError::Absent(_))), "{none:?}");
}

#[test]
fn a_device_that_is_pulled_out_while_it_is_used_is_noticed() {
    let devices = Devices::with("holder", &[Suite::Sm2Sm3]);
    let card = devices.open().expect("a card");
    let opened = card.unlock(&pin(PIN)).expect("unlocked");
    std::fs::remove_file(devices.path("holder")).expect("pulled");
    assert!(matches!(opened.store_seal(b"seal"), Err(CardError::Removed)));
    assert!(matches!(card.tries_left(), Err(CardError::Removed)));
    assert!(opened.signer(Suite::Sm2Sm3).expect("a key").sign(b"x").is_err());
    assert!(matches!(devices.open(), Err(CardError::Absent(_))));
}
