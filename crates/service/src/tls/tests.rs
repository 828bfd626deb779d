use std::path::Path;

use eseal_devpki::{DevPki, Pair, Request};
use tempfile::TempDir;

use super::*;

/// The files of a service `a`, and the CA that they are from.
struct Bench {
    folder: TempDir,
    pki: DevPki,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pki = DevPki::create(folder.path(), &["a"], Clock::System).expect("a CA");
        Self { folder, pki, clock: Clock::fixed(Clock::System.now()) }
    }

    fn config(&self) -> TlsConfig {
        let own = self.folder.path().join("a");
        TlsConfig { cert_file: own.join("tls.crt"), key_file: own.join("tls.key"), ca_file: own.join("ca.crt") }
    }

    fn load(&self) -> Result<Tls, TlsError> {
        Tls::load(&self.config(), self.clock.clone())
    }

    fn issue(&self) -> Pair {
        self.pki.issue("a", &Request::default()).expect("a certificate")
    }
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    std::fs::write(path, content).expect("written");
}

#[test]
fn a_file_that_is_missing_or_holds_something_else_is_named() {
    let bench = Bench::new();
    let TlsConfig { cert_file, key_file, ca_file } = bench.config();
    for file in [cert_file, key_file, ca_file] {
        let before = std::fs::read(&file).expect("read");
        for (content, what) in [("", "can't be used"), ("-----BEGIN NOTHING-----\n", "can't be used")] {
            write(&file, content);
            let text = bench.load().expect_err("refused").to_string();
            assert!(text.contains(file.to_str().expect("text")) && text.contains(what), "{text}");
        }
        std::fs::remove_file(&file).expect("removed");
        let error = bench.load().expect_err("refused");
        assert!(matches!(&error, TlsError::Unreadable { path, .. } if *path == file), "{error}");
        write(&file, before);
    }
    bench.load().expect("all is well again");
}

#[test]
fn a_key_of_another_certificate_is_refused_with_both_files() {
    let bench = Bench::new();
    write(&bench.config().key_file, bench.issue().key.as_bytes());
    let error = bench.load().expect_err("refused");
    assert!(matches!(error, TlsError::Mismatch { .. }), "{error}");
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    let bench = Bench::new();
    let now = bench.clock.now();
    for (then, good) in [
        (now.plus(eseal_devpki::LIFETIME - Duration::from_secs(60)), true),
        (now.plus(eseal_devpki::LIFETIME + Duration::from_secs(60)), false),
        (now.minus(Duration::from_secs(2 * 3_600)), false),
    ] {
        bench.clock.set(then);
        match bench.load() {
            Ok(_) => assert!(good, "{then}"),
            Err(error) => assert!(!good && matches!(error, TlsError::OutOfTime { .. }), "{then}: {error}"),
        }
    }
}

#[test]
fn what_is_wrong_with_a_key_is_told_without_any_of_it() {
    let bench = Bench::new();
    let key = std::fs::read_to_string(bench.config().key_file).expect("read");
    let line = key.lines().nth(1).expect("a line of the key").to_owned();
    write(&bench.config().key_file, key.replace("-----END", "!!!\n-----END"));
    let error = bench.load().expect_err("refused");
    assert!(!chain(&error).contains(&line) && !format!("{error:?}").contains(&line), "{error:?}");
}

#[test]
fn new_files_are_taken_up_and_broken_ones_change_nothing() {
    let bench = Bench::new();
    let tls = bench.load().expect("loaded");
    assert!(!tls.reload().expect("nothing new"));
    let (before, renewed) = (tls.server(Clients::Certified), bench.issue());
    // The certificate alone: whoever writes two files is in the middle of it.
    write(&bench.config().cert_file, &renewed.certificate);
    assert!(matches!(tls.reload(), Err(TlsError::Mismatch { .. })));
    assert!(Arc::ptr_eq(&before, &tls.server(Clients::Certified)));
    write(&bench.config().key_file, renewed.key.as_bytes());
    assert!(tls.reload().expect("both are there"));
    assert!(!Arc::ptr_eq(&before, &tls.server(Clients::Certified)));
}

#[test]
fn the_end_of_a_certificate_is_told_a_fifth_of_its_life_ahead_and_two_weeks_at_most() {
    let day = Duration::from_secs(86_400);
    for (life, ahead) in [(365 * day, 14 * day), (day, Duration::from_secs(86_400 / 5 + 3_600 / 5))] {
        let bench = Bench::new();
        let request = Request { lifetime: life, ..Request::default() };
        bench.pki.store(bench.folder.path(), "a", &request).expect("stored");
        let current = bench.load().expect("loaded").0.current.load_full();
        let told = current.not_after.seconds() - current.warns_from().seconds();
        assert_eq!(told, i64::try_from(ahead.as_secs()).expect("seconds"));
    }
}
