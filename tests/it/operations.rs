//! Operating the services as processes of their own: settings, migrations, probes, stops, exit codes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use eseal_e2e::platform::{PlatformOptions, SERVICES, root};
use eseal_e2e::programs::program;
use serde_json::Value;

use crate::fixture;

/// A service's program with the settings that are shipped and these on top, on no platform.
fn alone(service: &str, words: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program(&format!("eseal-{service}")));
    command.arg("--config").arg(root().join(format!("deploy/config/{service}.toml"))).args(words);
    command.env("ESEAL_LANG", "en").env("ESEAL_PEOPLE__ISSUER", "https://issuer.test").stdin(Stdio::null());
    for (name, value) in settings {
        command.env(format!("ESEAL_{name}"), value);
    }
    command.output().expect("it runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_unknown_setting_is_named_with_its_source_and_the_exit_code_is_2() {
    let output = alone("application", &["check-config"], &[("SERVER__ADRESS", "127.0.0.1:0")]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("adress") && told.contains("the variable ESEAL_SERVER__ADRESS"), "{told}");
}

#[test]
fn a_setting_of_the_wrong_kind_is_named_and_the_exit_code_is_2() {
    let output = alone("fabrication", &["serve"], &[("DATABASE__MAX_READERS", "many")]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("database.max_readers"), "{told}");
}

#[test]
fn a_secret_that_is_not_there_is_named_by_its_path_and_the_exit_code_is_2() {
    let output = alone("verification", &["check-config"], &[("DATABASE__URL_FILE", "/nowhere/url")]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("/nowhere/url"), "{told}");
}

#[test]
fn a_database_that_cannot_be_reached_is_waited_for_and_then_the_exit_code_is_3_and_no_password_is_told() {
    let (_folder, platform) = fixture::platform();
    let url = platform.folder.join("wrong-url");
    // Nobody listens on port 1.
    std::fs::write(&url, "postgres://application_service:geheim@127.0.0.1:1/eseal").expect("a file");
    let settings = [("ESEAL_DATABASE__WAIT", "2s"), ("ESEAL_DATABASE__URL_FILE", url.to_str().expect("text"))];
    let begun = Instant::now();
    let (code, told) = platform.operate_with("application", &["serve"], &settings).expect_err("it can't start");
    assert_eq!(code, 3, "{told}");
    assert!(begun.elapsed() >= Duration::from_secs(2), "it did not wait: {told}");
    assert!(told.contains("wait") && !told.contains("geheim"), "{told}");
}

#[test]
fn a_service_refuses_to_start_before_its_migrations_are_applied_and_the_exit_code_is_4() {
    let (_folder, platform) = fixture::platform();
    let empty = platform.folder.join("empty-url");
    platform.block_on(platform.postgres.execute("postgres", "CREATE DATABASE empty")).expect("a database");
    std::fs::write(&empty, platform.postgres.url("empty")).expect("a file");
    let settings = [("ESEAL_DATABASE__URL_FILE", empty.to_str().expect("text"))];
    let (code, told) = platform.operate_with("authentication", &["serve"], &settings).expect_err("it can't start");
    assert_eq!(code, 4, "{told}");
    assert!(told.contains("run `migrate` first"), "{told}");
}

#[test]
fn a_migration_that_is_repeated_changes_nothing() {
    let (_folder, platform) = fixture::platform();
    for service in SERVICES {
        platform.migrate(service);
    }
}

#[test]
fn what_serves_cannot_change_an_event_or_a_table() {
    let (_folder, platform) = fixture::platform();
    for statement in [
        "UPDATE events SET actor = 'admin:x'",
        "DELETE FROM events",
        "TRUNCATE events",
        "DROP TRIGGER events_are_never_changed ON events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "CREATE TABLE more (id INTEGER)",
    ] {
        let refused = platform.sql("application", statement);
        assert!(refused.is_err(), "{statement} was let through");
    }
}

#[test]
fn a_service_whose_bus_is_away_stays_ready_and_says_that_it_is_degraded() {
    let (_folder, mut platform) = fixture::platform();
    let probes = SERVICES.map(|service| platform.probes(service));
    for probe in &probes {
        assert_eq!(get(probe, "/healthz").0, 200);
        until("it is ready", || get(probe, "/readyz").0 == 200);
    }
    platform.without_nats(|_| {
        for probe in &probes {
            let degraded = (200, "ready, degraded: the bus does not answer\n".to_owned());
            until("it is degraded", || {
                let told = get(probe, "/readyz");
                assert_eq!(told.0, 200, "{}", told.1);
                told == degraded
            });
            assert_eq!(get(probe, "/healthz").0, 200);
        }
    });
    for probe in &probes {
        until("nothing is degraded", || get(probe, "/readyz") == (200, "ready\n".to_owned()));
    }
}

#[test]
fn readiness_says_what_is_missing_while_the_database_is_away_and_liveness_stays() {
    let (_folder, platform) = fixture::platform();
    let probes = SERVICES.map(|service| platform.probes(service));
    platform.block_on(platform.postgres.stop()).expect("stopped");
    for probe in &probes {
        until("it is not ready", || get(probe, "/readyz") == (503, "the database does not answer\n".to_owned()));
        assert_eq!(get(probe, "/healthz").0, 200);
    }
    platform.block_on(platform.postgres.restart()).expect("started");
    for probe in &probes {
        until("it is ready again", || get(probe, "/readyz") == (200, "ready\n".to_owned()));
    }
}

#[test]
fn asked_to_stop_every_process_ends_well_within_its_bound() {
    let (_folder, mut platform) = fixture::platform();
    for process in platform.running() {
        let begun = Instant::now();
        assert!(platform.terminate(&process), "{process} did not end well");
        assert!(begun.elapsed() < Duration::from_secs(16), "{process} took {:?}", begun.elapsed());
    }
}

#[test]
fn a_rebuild_of_every_service_leaves_its_read_tables_byte_for_byte_as_they_were() {
    let (_folder, mut company) = fixture::distributed(PlatformOptions::default());
    let _ = company.has_a_seal();
    let platform = company.platform();
    for service in SERVICES {
        let before = platform.derived_rows(service);
        // Nothing has failed to verify in this story.
        let rows = before.lines().filter(|line| !line.starts_with('#')).count();
        assert!(rows > 0 || service == "verification", "nothing to rebuild in {service}: {before}");
        let output = platform.operate(service, &["rebuild"]).expect("rebuilt");
        assert!(output.starts_with(service), "{output}");
        assert_eq!(platform.derived_rows(service), before, "{service}");
    }
}

#[test]
fn exported_events_are_those_that_an_auditor_reads() {
    let (_folder, mut company) = fixture::distributed(PlatformOptions::default());
    let _ = company.has_a_seal();
    let _ = company.as_(&["qian", "events", "read", "fabrication", "--output", "@read.jsonl"]).good();
    let exported = company.path("exported.jsonl");
    let words = ["export-events", "--output", exported.to_str().expect("text")];
    company.platform().operate("fabrication", &words).expect("exported");
    let events = |path: &Path| -> Vec<Value> {
        let text = std::fs::read_to_string(path).expect("a file");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let read = events(&company.path("read.jsonl"));
    assert!(read.len() > 5, "only {} events", read.len());
    assert_eq!(events(&exported), read);
}

/// The status and the text at an address of plain HTTP.
fn get(base: &str, path: &str) -> (u16, String) {
    let host = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn until(what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !look() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
