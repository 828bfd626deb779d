//! Gate d with a card, over the RPC with its event committed, beside the signature checks that it can't do without: the
//! card's proof, and the chain of its certificate: `cargo bench -p eseal-authentication --bench gate_d`.
//!
//! By the processor time of all threads of this process but those of the clients, which have a runtime of their own.

#[path = "../tests/it/bureau.rs"]
#[allow(dead_code, unused_imports)]
mod bureau;
#[path = "../tests/it/card.rs"]
#[allow(dead_code)]
mod card;
#[path = "../tests/it/signing.rs"]
#[allow(dead_code)]
mod signing;
#[path = "../tests/it/workshop.rs"]
#[allow(dead_code)]
mod workshop;

use std::fs;
use std::time::Duration;

use eseal_authentication::Config;
use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::{Certificate, Suite};
use eseal_proto::authentication::v1 as pb;
use eseal_testkit::ratio;
use tokio::runtime::{Builder, Handle};

use bureau::{Bureau, Sealing};
use signing::{at_gate_d, authorize, document, showing};

/// Attempts of a round: a seal has a hundred open ones at most.
const EACH: usize = 96;
/// One after the other, and as many at a time as share a commit where a service is busy.
const CALLERS: [usize; 2] = [1, 16];
/// Turn by turn, so that a slow moment of the machine meets both sides.
const ROUNDS: usize = 9;
/// What gate d may take above the checks, in microseconds.
const MOST: f64 = 1_000.0;
/// The clients' threads.
const CLIENT: &str = "client";

fn main() {
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let clients = Builder::new_multi_thread().worker_threads(1).thread_name(CLIENT).enable_all().build();
    let clients = clients.expect("a runtime");
    for (name, suite) in [("gate_d_sm2", Suite::Sm2Sm3), ("gate_d_p256", Suite::EcdsaP256Sha256)] {
        for callers in CALLERS {
            let name = format!("{name}_{callers}_callers");
            if ratio::is_asked_for(&name) {
                runtime.block_on(measure(&name, suite, callers, clients.handle()));
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark tells its figures")]
async fn measure(name: &str, suite: Suite, callers: usize, clients: &Handle) {
    // It looks for expired seals as rarely as in operation.
    let mut bureau = Bureau::closed().await;
    bureau.settings = Box::new(|config| Config { expiry_check: Duration::from_secs(60), ..config });
    bureau.opens().await;
    let zhou = {
        let _theirs = clients.enter();
        bureau.zhou()
    };
    let (mut gate, mut checks, mut calls, mut theirs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // Each round has a seal of its own; what it is opened for is no part of the figure.
        let card = bureau.active().await;
        let mut shown = Vec::new();
        for _ in 0..EACH {
            let begun = at_gate_d(&bureau, &card).await;
            shown.push(showing(&card, &begun, suite));
        }
        checks.push(microseconds(async || shown.iter().for_each(|shown| check(&bureau, shown))).await);
        let unusable: Vec<_> = shown
            .iter()
            .cloned()
            .map(|shown| pb::AuthorizeSealingRequest { seal_id: String::new(), ..shown })
            .collect();
        calls.push(microseconds(async || all(clients, &zhou, unusable, callers, false).await).await);
        let before = seconds_of(|name| name == CLIENT);
        gate.push(microseconds(async || all(clients, &zhou, shown, callers, true).await).await);
        theirs.push((seconds_of(|name| name == CLIENT) - before) * 1e6 / EACH as f64);
    }
    let [gate, checks, call, theirs] = [gate, checks, calls, theirs].map(ratio::median);
    ratio::record(name, gate, checks, "its signature checks", "us");
    ratio::record(&format!("{name}_above"), gate - checks, MOST, "the most above its checks", "us");
    println!("  of that, a call that is refused as it is read: {call:.0} us; the client takes {theirs:.0} us besides");
}

/// Sends all, each of the callers one after the other.
async fn all(clients: &Handle, zhou: &Sealing, shown: Vec<pb::AuthorizeSealingRequest>, callers: usize, good: bool) {
    let shares = shown.chunks(shown.len().div_ceil(callers)).map(<[_]>::to_vec);
    let tasks = shares.map(|share| {
        let mut zhou = zhou.clone();
        clients.spawn(async move {
            for shown in share {
                assert_eq!(authorize(&mut zhou, shown).await.is_ok(), good);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
}

/// The proof and the signature over the certificate, both from the bytes as they come.
fn check(bureau: &Bureau, shown: &pb::AuthorizeSealingRequest) {
    let proof = shown.proof.as_ref().expect("a proof");
    let certificate = Certificate::from_der(&proof.certificate).expect("a certificate");
    let key = certificate.public_key().expect("a key");
    let said = ChallengeStatement::verified(&proof.statement, &proof.signature, &key).expect("the card's");
    assert_eq!(said.document_digest, Some(document()));
    certificate.verify_issued_by(bureau.authorities.holders.certificate()).expect("certified");
}

async fn microseconds(work: impl AsyncFnOnce()) -> f64 {
    let begun = cpu_seconds();
    work().await;
    (cpu_seconds() - begun) * 1e6 / EACH as f64
}

/// Seconds of processor time that all threads of this process but the clients' had (proc(5), `schedstat`). Those that end take theirs along,
/// so work is not counted twice, and a thread that ends in a round makes that round look too quick: the median passes over it.
fn cpu_seconds() -> f64 {
    seconds_of(|name| name != CLIENT)
}

fn seconds_of(is_asked_for: impl Fn(&str) -> bool) -> f64 {
    let threads = fs::read_dir("/proc/self/task").expect("threads");
    let of = |path: std::path::PathBuf| {
        if !is_asked_for(fs::read_to_string(path.join("comm")).ok()?.trim_end()) {
            return None;
        }
        let told = fs::read_to_string(path.join("schedstat")).ok()?;
        told.split_whitespace().next()?.parse::<f64>().ok()
    };
    threads.flatten().filter_map(|thread| of(thread.path())).sum::<f64>() / 1e9
}
