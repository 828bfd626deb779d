//! Another system follows the whole distributed platform by the example in `examples/subscriber`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eseal_e2e::platform::{Platform, PlatformOptions, root};
use serde_json::Value;

use crate::fixture;

struct Subscriber(Child);

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn another_system_gets_every_event_of_the_platform_and_again_when_it_asks_for_it() {
    let (_folder, mut company) = fixture::distributed(PlatformOptions::default());
    let _ = company.has_a_seal();
    let platform = company.platform();
    for service in ["application", "fabrication", "authentication"] {
        let told = platform.operate(service, &["subscription", "integrator"]).expect("a subscription");
        assert!(told.contains(&format!("integrator__from_{service}")), "{told}");
        let events = platform.sql(service, "SELECT count(*) FROM events").expect("counted");
        let events: u64 = events.trim().parse().expect("a number");
        let table = platform.folder.join(format!("{service}-applied.db"));
        let _subscriber = subscribed(platform, service, &table);
        let told = reported(&table, "applied", events);
        assert_eq!((told["first"].as_u64(), told["last"].as_u64()), (Some(1), Some(events)), "{service}: {told}");
    }
    let table = platform.folder.join("application-applied.db");
    let before = reported(&table, "applied", 1);
    platform.operate("application", &["subscription", "integrator", "--from", "position:2"]).expect("a replay");
    let _subscriber = subscribed(platform, "application", &table);
    let after = reported(&table, "repeats", before["applied"].as_u64().expect("a number") - 1);
    assert_eq!((&after["applied"], &after["effects"]), (&before["applied"], &before["effects"]));
    let refused = platform.operate("application", &["subscription", "integrator", "--from", "yesterday"]);
    assert_eq!(refused.expect_err("no place to start").0, 2);
}

fn python() -> Command {
    let mut command = Command::new(root().join("target/venv/bin/python3"));
    command.arg(root().join("examples/subscriber/subscriber.py"));
    command
}

fn subscribed(platform: &Platform, owner: &str, table: &Path) -> Subscriber {
    let certificate = platform.certificate("integrator");
    let mut command = python();
    command.args(["run", "--owner", owner, "--server", &platform.nats.url(), "--database"]).arg(table);
    for (option, file) in [("--ca", "ca.crt"), ("--cert", "tls.crt"), ("--key", "tls.key")] {
        command.arg(option).arg(certificate.join(file));
    }
    Subscriber(command.stdin(Stdio::null()).spawn().expect("python with nats-py: `make setup`"))
}

/// What the subscriber tells once it has so many.
fn reported(table: &Path, name: &str, count: u64) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let output = python().args(["report", "--database"]).arg(table).output().expect("python");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if told[name].as_u64() >= Some(count) {
            return told;
        }
        assert!(Instant::now() < deadline, "waited in vain for {count} {name}: {told}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}
