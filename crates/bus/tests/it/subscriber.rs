//! The worked example for other systems, run for real: `examples/subscriber/subscriber.py`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use eseal_bus::{StartAt, setup_durable};
use eseal_testkit::{TestCertificate, wait_until};
use tempfile::TempDir;

use crate::rights::Guarded;
use crate::support::{Pair, Running, SOON};

/// The example with its table, and the certificate of the integrator.
struct Example {
    folder: TempDir,
    server: String,
    certificate: TestCertificate,
    process: Option<Child>,
}

impl Example {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(root().join("target/venv/bin/python3"));
        command.arg(root().join("examples/subscriber/subscriber.py")).arg(name);
        command.arg("--database").arg(self.folder.path().join("applied.db"));
        command
    }

    fn run(&mut self, more: &[&str]) {
        let TestCertificate { ca_file, cert_file, key_file } = &self.certificate;
        let mut command = self.command("run");
        command.args(["--server", &self.server, "--owner", "speaker"]).args(more);
        command.arg("--ca").arg(ca_file).arg("--cert").arg(cert_file).arg("--key").arg(key_file);
        self.process = Some(command.stdin(Stdio::null()).spawn().expect("python with nats-py: `make setup`"));
    }

    /// Ends it without a chance to finish anything.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it ran until now");
            process.wait().expect("it has ended");
        }
    }

    /// What it tells of its tables. Not on this thread, which has the relay to run.
    async fn report(&self) -> serde_json::Value {
        let mut command = self.command("report");
        let told = tokio::task::spawn_blocking(move || command.output().expect("python")).await.expect("no panic");
        serde_json::from_slice(&told.stdout).unwrap_or_default()
    }

    async fn until(&self, name: &str, count: u64) {
        let reached = async || (self.report().await[name].as_u64() >= Some(count)).then_some(());
        wait_until(&format!("{count} {name}"), SOON * 2, reached).await;
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[tokio::test]
async fn a_subscriber_in_another_language_applies_each_event_once() {
    let guarded = Guarded::start().await;
    let setup = guarded.set_up().await;
    setup_durable(&setup, "integrator", "speaker", StartAt::Beginning).await.expect("a durable");
    let pair = Pair::local().await;
    let relay = Running::relay(&guarded.nats("speaker").await, &pair.speaker);
    let say = async |from: usize, to: usize| {
        let texts = (from..to).map(|i| (format!("s{}", i % 9), format!("\"text {i}\"")));
        pair.speaker.say_all(texts).await;
    };
    say(0, 400).await;
    let certificate = guarded.certificates.issue("integrator.eseal");
    let folder = TempDir::new().expect("a folder");
    let mut example = Example { folder, server: guarded.server.url(), certificate, process: None };
    // Killed in the middle, again and again.
    for count in [40, 120, 200] {
        example.run(&[]);
        example.until("applied", count).await;
        example.kill();
    }
    say(400, 450).await;
    example.run(&[]);
    example.until("applied", 450).await;
    let once = serde_json::json!({ "eseal.test.v1.Said": 450 });
    let told = example.report().await;
    assert_eq!((told["applied"].as_u64(), &told["effects"]), (Some(450), &once), "{told}");
    assert_eq!((told["first"].as_u64(), told["last"].as_u64()), (Some(1), Some(450)));
    example.kill();
    // A replay from the middle brings what it knows already, and changes nothing.
    let repeats = told["repeats"].as_u64().expect("a number");
    setup_durable(&setup, "integrator", "speaker", StartAt::Position(201)).await.expect("a durable");
    example.run(&[]);
    example.until("repeats", repeats + 250).await;
    let told = example.report().await;
    assert_eq!((told["applied"].as_u64(), &told["effects"]), (Some(450), &once), "{told}");
    relay.stop().await;
}

#[tokio::test]
async fn a_subscriber_refuses_what_is_no_event_and_may_look_at_one_seal_only() {
    let guarded = Guarded::start().await;
    let setup = guarded.set_up().await;
    setup_durable(&setup, "integrator", "speaker", StartAt::Beginning).await.expect("a durable");
    let pair = Pair::local().await;
    let (client, _told) = guarded.client("speaker").await;
    let context = async_nats::jetstream::new(client);
    context.publish("eseal.speaker.v1.said", "{}".into()).await.expect("sent").await.expect("stored");
    let relay = Running::relay(&guarded.nats("speaker").await, &pair.speaker);
    pair.speaker.say_all((0..60).map(|i| (format!("s{}", i % 3), format!("\"text {i}\"")))).await;
    let certificate = guarded.certificates.issue("integrator.eseal");
    let folder = TempDir::new().expect("a folder");
    let mut example = Example { folder, server: guarded.server.url(), certificate, process: None };
    example.run(&["--subject", "s1"]);
    example.until("applied", 20).await;
    assert_eq!(example.report().await["effects"], serde_json::json!({ "eseal.test.v1.Said": 20 }));
    relay.stop().await;
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
