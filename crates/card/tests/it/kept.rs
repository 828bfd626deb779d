//! A card that a service keeps unlocked, whatever becomes of its driver: an SKF device, a PKCS #11 token, a soft card.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use eseal_card::{CardAddress, CardError, CardKind, DriverError, Drivers, KeptCard, Pin, SoftCard, Tries};
use eseal_pki::Suite;

use crate::skf::library;
use crate::softhsm::drivers;
use crate::{PIN, WRONG, certificate, pin};

const KIND: (CardKind, Suite) = (CardKind::Holder, Suite::Sm2Sm3);

/// A device, and drivers that leave their process ids behind.
struct Station {
    folder: tempfile::TempDir,
    drivers: Drivers,
}

impl Station {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let plain = drivers();
        let (pids, program) = (folder.path().join("pids"), folder.path().join("driver"));
        let text = format!("#!/bin/sh\necho $$ >> '{}'\nexec '{}' \"$@\"\n", pids.display(), plain.program.display());
        eseal_testkit::script(&program, &text).expect("written");
        let environment = vec![("ESEAL_SKF_SOFT_DIR".into(), folder.path().into())];
        let station = Self { drivers: Drivers { program, environment, ..plain }, folder };
        station.makes("maker");
        station
    }

    fn makes(&self, name: &str) -> SoftCard {
        self.makes_with(name, PIN)
    }

    fn makes_with(&self, name: &str, text: &str) -> SoftCard {
        let card = SoftCard::create(&self.path(name), KIND.0, &pin(text), &[KIND.1]).expect("a card");
        let unlocked = card.unlock(&pin(text)).expect("right");
        let key = unlocked.public_key(KIND.1).expect("a key");
        unlocked.import_certificate(KIND.1, &certificate(&key)).expect("imported");
        card
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.card"))
    }

    fn device(&self) -> CardAddress {
        format!("skf:{}", library().display()).parse().expect("an address")
    }

    fn kept(&self, tried: Pin) -> Result<KeptCard, CardError> {
        KeptCard::open(&self.device(), tried, KIND, self.drivers.clone())
    }

    /// The drivers that were started, the last one last.
    fn started(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("pids")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn signal(&self, signal: &str) {
        let last = self.started().pop().expect("a driver");
        assert!(Command::new("kill").args([signal, &last]).status().expect("kill").success());
    }
}

fn signs(card: &KeptCard) {
    let signature = card.sign(b"a seal").expect("signed");
    card.certificate().public_key().expect("a key").verify(b"a seal", &signature).expect("its own");
}

#[test]
fn a_driver_that_dies_is_started_again_and_what_was_asked_is_signed() {
    let station = Station::new();
    let card = station.kept(pin(PIN)).expect("opened");
    signs(&card);
    for died in 1..=3 {
        station.signal("-KILL");
        signs(&card);
        assert_eq!(station.started().len(), 1 + died);
    }
}

#[test]
fn many_who_sign_while_the_driver_dies_share_the_next_one() {
    let station = Station::new();
    let card = station.kept(pin(PIN)).expect("opened");
    station.signal("-KILL");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| signs(&card));
        }
    });
    assert_eq!(station.started().len(), 2);
}

#[test]
fn a_driver_that_hangs_is_ended_and_the_next_call_has_another_one() {
    let mut station = Station::new();
    station.drivers.patience = Duration::from_secs(10); // which a busy machine's driver is not silent for
    let card = station.kept(pin(PIN)).expect("opened");
    station.signal("-STOP");
    let hung = card.sign(b"a seal");
    assert!(matches!(hung, Err(CardError::Driver(DriverError::Hung(_)))), "{hung:?}");
    signs(&card);
}

#[test]
fn a_driver_that_crashes_all_the_time_is_started_once_for_a_call_and_not_at_all_for_the_next() {
    let station = Station::new();
    let card = station.kept(pin(PIN)).expect("opened");
    std::fs::write(&station.drivers.program, "#!/bin/sh\necho x >> \"$ESEAL_SKF_SOFT_DIR/pids\"\nkill -ABRT $$\n")
        .expect("written");
    let first = std::fs::read_to_string(station.folder.path().join("pids")).expect("readable");
    assert!(Command::new("kill").args(["-KILL", first.trim()]).status().expect("kill").success());
    for _ in 0..5 {
        assert!(matches!(card.sign(b"a seal"), Err(CardError::Driver(_))));
    }
    assert_eq!(station.started().len(), 2, "the others are told without a driver of their own");
}

#[test]
fn a_wrong_pin_after_a_crash_is_tried_once_and_never_again() {
    let station = Station::new();
    let card = station.kept(pin(PIN)).expect("opened");
    let behind = SoftCard::open(&station.path("maker")).expect("a card");
    behind.unlock(&pin(PIN)).and_then(|unlocked| unlocked.change_pin(&pin("161803"))).expect("changed");
    station.signal("-KILL");
    let first = card.sign(b"a seal");
    assert!(matches!(first, Err(CardError::PinIncorrect { tries_left: Tries::Exactly(4) })), "{first:?}");
    for _ in 0..4 {
        assert!(matches!(card.sign(b"a seal"), Err(CardError::Driver(DriverError::NotStarted(_)))));
    }
    assert_eq!(behind.tries_left().expect("seen"), 4);
}

#[test]
fn tries_that_people_used_up_are_left_to_them() {
    let station = Station::new();
    let behind = SoftCard::open(&station.path("maker")).expect("a card");
    for _ in 0..3 {
        assert!(behind.unlock(&pin(WRONG)).is_err());
    }
    let refused = station.kept(pin(PIN));
    assert!(matches!(refused, Err(CardError::FewTries(Tries::Exactly(2)))), "{refused:?}");
    assert_eq!(behind.tries_left().expect("seen"), 2);
}

#[test]
fn tries_that_people_used_up_meanwhile_are_left_to_them_and_it_signs_once_they_brought_them_back() {
    let station = Station::new();
    let card = station.kept(pin(PIN)).expect("opened");
    let behind = SoftCard::open(&station.path("maker")).expect("a card");
    for _ in 0..3 {
        assert!(behind.unlock(&pin(WRONG)).is_err());
    }
    station.signal("-KILL");
    let refused = card.sign(b"a seal");
    assert!(matches!(refused, Err(CardError::FewTries(Tries::Exactly(2)))), "{refused:?}");
    assert_eq!(behind.tries_left().expect("seen"), 2);
    behind.unlock(&pin(PIN)).expect("right");
    let begun = Instant::now();
    while card.sign(b"a seal").is_err() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it is let alone for a moment only");
        std::thread::park_timeout(Duration::from_millis(100));
    }
    signs(&card);
}

#[test]
fn another_card_in_its_place_does_not_sign_for_it_and_its_pin_is_not_tried() {
    for its_pin in [PIN, "161803"] {
        let station = Station::new();
        let card = station.kept(pin(PIN)).expect("opened");
        station.signal("-KILL");
        std::fs::remove_file(station.path("maker")).expect("removed");
        let other = station.makes_with("maker", its_pin);
        let refused = card.sign(b"a seal");
        assert!(matches!(refused, Err(CardError::Exchanged(_))), "{refused:?}");
        assert_eq!(other.tries_left().expect("seen"), 5);
    }
}

#[test]
fn a_card_of_another_kind_is_refused_before_its_pin_is_tried() {
    let station = Station::new();
    let path = station.path("maker");
    let wanted = (CardKind::Maker, Suite::Sm2Sm3);
    let refused = KeptCard::open(&CardAddress::File(path.clone()), pin(WRONG), wanted, drivers());
    assert!(matches!(refused, Err(CardError::OtherKind(CardKind::Maker))), "{refused:?}");
    assert_eq!(SoftCard::open(Path::new(&path)).expect("a card").tries_left().expect("seen"), 5);
    signs(&KeptCard::open(&CardAddress::File(path), pin(PIN), KIND, drivers()).expect("opened"));
}
