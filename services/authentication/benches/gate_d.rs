//! Gate d with a card, over the RPC with its event committed, beside the signature checks that it can't do without: the
//! card's proof, and the chain of its certificate: `cargo bench -p eseal-authentication --bench gate_d`.
//!
//! By the processor time of all threads of this process. The client's part of the call is in it too, so what the service
//! takes is less.

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

use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::{Certificate, Suite};
use eseal_proto::authentication::v1 as pb;
use eseal_testkit::ratio;

use bureau::Bureau;
use signing::{at_gate_d, authorize, document, showing};

/// Attempts of a round: a seal has a hundred open ones at most.
const EACH: usize = 50;
/// Turn by turn, so that a slow moment of the machine meets both sides.
const ROUNDS: usize = 9;
/// What gate d may take above the checks, in microseconds.
const MOST: f64 = 1_000.0;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for (name, suite) in [("gate_d_sm2", Suite::Sm2Sm3), ("gate_d_p256", Suite::EcdsaP256Sha256)] {
        if ratio::is_asked_for(name) {
            runtime.block_on(measure(name, suite));
        }
    }
}

async fn measure(name: &str, suite: Suite) {
    let bureau = Bureau::open().await;
    let (mut gate, mut checks) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // Each round has a seal of its own; what it is opened for is no part of the figure.
        let card = bureau.active().await;
        let mut shown = Vec::new();
        for _ in 0..EACH {
            let begun = at_gate_d(&bureau, &card).await;
            shown.push(showing(&card, &begun, suite));
        }
        checks.push(microseconds(|| shown.iter().for_each(|shown| check(&bureau, shown))));
        let begun = cpu_seconds();
        for shown in shown {
            authorize(&mut bureau.zhou(), shown).await.expect("authorized");
        }
        gate.push((cpu_seconds() - begun) * 1e6 / EACH as f64);
    }
    let (gate, checks) = (ratio::median(gate), ratio::median(checks));
    ratio::record(name, gate, checks, "its signature checks", "us");
    ratio::record(&format!("{name}_above_its_checks"), gate - checks, MOST, "the most that it may take", "us");
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

fn microseconds(work: impl FnOnce()) -> f64 {
    let begun = cpu_seconds();
    work();
    (cpu_seconds() - begun) * 1e6 / EACH as f64
}

/// Seconds of processor time that all threads of this process had (proc(5), `schedstat`). Those that end take theirs along,
/// so work is not counted twice, and a thread that ends in a round makes that round look too quick: the median passes over it.
fn cpu_seconds() -> f64 {
    let threads = fs::read_dir("/proc/self/task").expect("threads");
    let of = |path: std::path::PathBuf| {
        let told = fs::read_to_string(path.join("schedstat")).ok()?;
        told.split_whitespace().next()?.parse::<f64>().ok()
    };
    threads.flatten().filter_map(|thread| of(thread.path())).sum::<f64>() / 1e9
}
