//! Drivers that crash, hang, talk and lie: whatever a vendor's library does, the program goes on and says what happened.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use eseal_card::{Card, CardAddress, CardError, DriverError, Drivers, Opened, Tries};
use eseal_pki::{SigningKey, Suite};

use crate::softhsm::drivers;
use crate::{PIN, certificate, pin};

/// The library of `tests/faulty`, built once.
fn library() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let library = folder.path().join("libfaulty.so");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut command = Command::new(rustc);
        command.args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o"]).arg(&library);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faulty/library.rs"));
        assert!(command.status().expect("rustc").success());
        (folder, library)
    });
    &built.1
}

fn with(fault: &str) -> (CardAddress, Drivers) {
    let mut drivers = drivers();
    if fault.starts_with("hang") {
        drivers.patience = Duration::from_secs(10); // which a busy machine's driver is not silent for
    }
    drivers.environment = vec![("FAULT".into(), fault.into())];
    (format!("skf:{}", library().display()).parse().expect("an address"), drivers)
}

fn opened(fault: &str) -> Result<Card, CardError> {
    let (address, drivers) = with(fault);
    Card::open_by(&address, &drivers)
}

fn unlocked(fault: &str) -> Result<Opened, CardError> {
    opened(fault)?.unlock(&pin(PIN))
}

#[test]
fn a_driver_that_crashes_is_an_error_of_the_card() {
    for fault in ["abort-in-enum", "segv-in-connect", "exit-in-connect"] {
        let opened = opened(fault);
        assert!(matches!(opened, Err(CardError::Driver(DriverError::Crashed(_)))), "{fault}: {opened:?}");
    }
    for (fault, how) in [("abort-in-sign", "SIGABRT"), ("segv-in-pin", "SIGSEGV")] {
        match unlocked(fault) {
            Err(CardError::Driver(DriverError::Crashed(told))) => assert!(told.contains(how), "{told}"),
            other => panic!("{fault}: {other:?}"),
        }
    }
}

#[test]
fn a_driver_that_hangs_is_ended_in_time() {
    for fault in ["hang-in-enum", "hang-in-pin", "hang-in-sign"] {
        let begun = Instant::now();
        let unlocked = unlocked(fault);
        assert!(matches!(unlocked, Err(CardError::Driver(DriverError::Hung(_)))), "{fault}: {unlocked:?}");
        assert!(begun.elapsed() < Duration::from_secs(120), "{fault}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_driver_whose_library_hangs_ends_when_the_program_that_started_it_is_gone() {
    let (address, drivers) = with("hang-in-enum");
    let (mut program, driver) = UnixStream::pair().expect("two ends");
    let mut command = Command::new(&drivers.program);
    command.arg("drive-card").envs(drivers.environment).stdin(OwnedFd::from(driver));
    let mut driver = command.spawn().expect("a driver");
    drop(command); // and with it its copy of the driver's end
    let question = format!(r#"{{"open":{{"address":"{address}"}}}}"#);
    let length = u32::try_from(question.len()).expect("short").to_be_bytes();
    program.write_all(&[&length, question.as_bytes()].concat()).expect("asked");
    program.set_read_timeout(Some(Duration::from_secs(1))).expect("a bound");
    let answer = program.read(&mut [0]).map_err(|error| error.kind());
    assert!(matches!(answer, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "it hangs: {answer:?}");
    assert_eq!(driver.try_wait().expect("a child"), None);
    drop(program);
    let begun = Instant::now();
    while driver.try_wait().expect("a child").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is still there");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn many_who_wait_for_a_driver_that_hangs_or_crashes_are_all_told() {
    for fault in ["hang-in-pin", "abort-in-pin"] {
        let card = opened(fault).expect("opens");
        let told: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..20).map(|_| scope.spawn(|| card.unlock(&pin(PIN)).map(drop))).collect();
            asking.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(told.iter().all(|told| matches!(told, Err(CardError::Driver(_)))), "{fault}: {told:?}");
    }
}

#[test]
fn what_a_library_prints_is_no_answer() {
    for fault in ["print-in-enum", "print-in-connect"] {
        assert_eq!(opened(fault).expect("opens").serial(), "F00D", "{fault}");
    }
}

#[test]
fn a_library_of_another_edition_of_the_standard_is_told_as_that_and_not_read() {
    for (fault, told) in [("edition-2", "DEVINFO 2.0"), ("edition-0", "DEVINFO 0.3")] {
        let (address, drivers) = with(fault);
        let refused = [Card::open_by(&address, &drivers).map(drop), Card::list(&address, &drivers).map(drop)];
        for refused in refused {
            match refused {
                Err(CardError::Driver(DriverError::Edition(which))) => assert!(which.contains(told), "{which}"),
                other => panic!("{fault}: {other:?}"),
            }
        }
    }
    for fault in ["none", "edition-1"] {
        assert_eq!(opened(fault).expect("opens").serial(), "F00D", "{fault}");
    }
}

#[test]
fn a_driver_that_lies_is_found_out() {
    for fault in ["endless-list", "null-handle", "no-serial", "huge-certificate"] {
        let opened = opened(fault);
        assert!(matches!(opened, Err(CardError::Driver(DriverError::Lied(_)))), "{fault}: {opened:?}");
    }
    assert!(opened("list-without-end").is_ok(), "read no further than it was told");
    // The key that it shows is another one than it signs with.
    let unlocked = unlocked("none");
    assert!(matches!(unlocked, Err(CardError::Driver(DriverError::Lied(_)))), "{unlocked:?}");
    for fault in ["no-point", "long-number"] {
        assert!(opened(fault).is_err() || opened(fault).expect("opens").suites().expect("seen").is_empty(), "{fault}");
    }
}

#[test]
fn a_certificate_for_another_key_is_found_out_before_a_pin_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = SigningKey::generate(Suite::Sm2Sm3).expect("a key").public_key();
    let path = folder.path().join("certificate.der");
    std::fs::write(&path, certificate(&other).der()).expect("written");
    let (address, mut drivers) = with("none");
    drivers.environment.push(("CERTIFICATE".into(), path.clone().into()));
    let opened = Card::open_by(&address, &drivers);
    assert!(matches!(opened, Err(CardError::OtherKey(Suite::Sm2Sm3))), "{opened:?}");
    std::fs::write(&path, b"no certificate").expect("written");
    let opened = Card::open_by(&address, &drivers);
    assert!(matches!(opened, Err(CardError::Certificate(_))), "{opened:?}");
}

#[test]
fn tries_are_shown_before_and_told_after_and_none_is_spent_on_a_locked_card() {
    assert_eq!(opened("none").expect("opens").tries_left().expect("told"), Tries::Exactly(7));
    let wrong = unlocked("wrong-pin");
    assert!(matches!(wrong, Err(CardError::PinIncorrect { tries_left: Tries::Exactly(6) })), "{wrong:?}");
    let locked = unlocked("locked");
    assert!(matches!(locked, Err(CardError::PinLocked)), "the library aborts when it is asked: {locked:?}");
}

#[test]
fn a_device_that_is_pulled_while_it_signs_is_noticed_whatever_its_library_calls_it() {
    let pulled = unlocked("pulled-in-sign");
    assert!(matches!(pulled, Err(CardError::Removed)), "{pulled:?}");
}

#[test]
fn a_driver_that_is_no_driver_is_an_error() {
    let (address, mut drivers) = with("none");
    for (program, what) in [("/nonexistent/driver", "not there"), ("/bin/true", "ends at once"), ("/bin/cat", "echoes")]
    {
        drivers.program = program.into();
        let opened = Card::open_by(&address, &drivers);
        assert!(matches!(opened, Err(CardError::Driver(_))), "{what}: {opened:?}");
    }
}
