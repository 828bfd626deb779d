//! Digests sealed with hosted keys, service to service, each with its events committed, beside the signatures alone that as many
//! threads make with the same kind of key in the same run: `cargo bench -p eseal-authentication --bench hosted`.
//!
//! An act of one document begins, compares the PIN (Argon2id, which is slow on purpose), signs and is recorded. An act of many
//! compares the PIN once, so that what is left is what a digest costs: a signature, its check, its facts, their commit.

#![allow(dead_code, unused_imports, reason = "the rooms of the service's tests have more than a benchmark needs")]

#[path = "../tests/it/batch.rs"]
mod batch;
#[path = "../tests/it/bureau.rs"]
mod bureau;
#[path = "../tests/it/card.rs"]
mod card;
#[path = "../tests/it/hosted.rs"]
mod hosted;
#[path = "../tests/it/signing.rs"]
mod signing;
#[path = "../tests/it/workshop.rs"]
mod workshop;

use std::sync::Arc;
use std::time::{Duration, Instant};

use eseal_pki::{Signer as _, SigningKey, Suite};
use eseal_proto::authentication::v1 as pb;
use eseal_seal::SesSignature;
use eseal_testkit::ratio;

use batch::Many;
use bureau::{Bureau, Sealing, request_id};
use hosted::{Hosted, PIN, authorization};
use signing::{begin, complete, document};

const CALLERS: [usize; 3] = [1, 8, 32];
/// Turn by turn, so that a slow moment of the machine meets both sides.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

/// Documents of an act, more than a caller seals in a round.
const MOST: u32 = 4_000;

/// Digests that were sealed, and where their time went, summed over the callers.
#[derive(Default)]
struct Digests {
    count: u32,
    sign: Duration,
    record: Duration,
}

/// Where the time of the acts of one document went, summed over the callers.
#[derive(Default, Clone, Copy)]
struct Spent {
    acts: u32,
    begin: Duration,
    authorize: Duration,
    sign: Duration,
    complete: Duration,
}

fn main() {
    let wanted: Vec<usize> =
        CALLERS.into_iter().filter(|callers| ratio::is_asked_for(&format!("hosted_{callers}_callers"))).collect();
    let Some(most) = wanted.iter().copied().max() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let bureau = Arc::new(Bureau::open().await);
        let mut seals = Vec::new();
        for _ in 0..most {
            seals.push(Arc::new(hosted::hosted(&bureau).await));
        }
        for callers in wanted {
            measure(&bureau, &seals[..callers]).await;
        }
    });
}

#[expect(clippy::print_stdout, reason = "a benchmark tells its figures")]
async fn measure(bureau: &Arc<Bureau>, seals: &[Arc<Hosted>]) {
    let callers = seals.len();
    let (mut ours, mut signatures, mut digests) = (Vec::new(), Vec::new(), Digests::default());
    for _ in 0..ROUNDS {
        let mut acts = Vec::new();
        for seal in seals {
            let many = Many::of(MOST);
            let attempt = batch::hosted_given(bureau, seal, &many, PIN).await.expect("authorized");
            acts.push((Arc::clone(bureau), Arc::clone(seal), many, attempt));
        }
        let begun = Instant::now();
        let tasks = acts.into_iter().map(|(bureau, seal, many, attempt)| {
            tokio::spawn(async move { seal_digests(&bureau, &seal, &many, &attempt).await })
        });
        let tasks: Vec<_> = tasks.collect();
        let mut sealed = 0;
        for task in tasks {
            let round = task.await.expect("no panic");
            sealed += round.count;
            digests.add(&round);
        }
        ours.push(f64::from(sealed) / begun.elapsed().as_secs_f64());
        let threads = callers.min(std::thread::available_parallelism().map_or(1, usize::from));
        signatures.push(tokio::task::spawn_blocking(move || raw(threads)).await.expect("no panic"));
    }
    let peer = ratio::median(signatures);
    ratio::record(&format!("hosted_{callers}_callers"), ratio::median(ours), peer, "signatures alone", "digests/s");
    let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(digests.count.max(1));
    println!(
        "  of a digest: signed and committed {:.2} ms, checked and committed {:.2} ms",
        each(digests.sign),
        each(digests.record)
    );
    let mut spent = Spent::default();
    let tasks: Vec<_> = seals.iter().map(|seal| tokio::spawn(acts(Arc::clone(bureau), Arc::clone(seal)))).collect();
    for task in tasks {
        spent.add(task.await.expect("no panic"));
    }
    let of = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(spent.acts.max(1));
    println!(
        "  of an act of one document, {:.1}/s: begun {:.1} ms, PIN and gates {:.1} ms, signed {:.1} ms, recorded {:.1} ms",
        f64::from(spent.acts) / ROUND.as_secs_f64(),
        of(spent.begin),
        of(spent.authorize),
        of(spent.sign),
        of(spent.complete),
    );
}

/// Digests of an act, one after the other, until the round is over: signed, and the signature recorded, each with a commit.
async fn seal_digests(bureau: &Bureau, seal: &Hosted, many: &Many, attempt: &str) -> Digests {
    let (mut digests, begun) = (Digests::default(), Instant::now());
    while begun.elapsed() < ROUND && digests.count < MOST {
        let (index, clock) = (digests.count, Instant::now());
        let asked = batch::to_sign(bureau, seal, many, index, &seal.sm2);
        let message = asked.to_be_signed.clone();
        let given = batch::sign_some(bureau, seal, attempt, vec![asked]).await.expect("signed");
        digests.sign += clock.elapsed();
        let signature = SesSignature::assemble(&message, &seal.sm2, &given[0].signature).expect("a structure");
        let (sealed, clock) = (pb::BatchSealed { document: Some(many.listed(index)), signature }, Instant::now());
        batch::complete_some(bureau, &seal.seal_id, attempt, vec![sealed], false).await.expect("recorded");
        digests.record += clock.elapsed();
        digests.count += 1;
    }
    digests
}

impl Digests {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sign += other.sign;
        self.record += other.record;
    }
}

impl Spent {
    fn add(&mut self, other: Self) {
        self.acts += other.acts;
        self.begin += other.begin;
        self.authorize += other.authorize;
        self.sign += other.sign;
        self.complete += other.complete;
    }
}

/// Acts of one document, one after the other, until the round is over.
async fn acts(bureau: Arc<Bureau>, seal: Arc<Hosted>) -> Spent {
    let (mut zhou, mut spent, begun) = (bureau.zhou(), Spent::default(), Instant::now());
    while begun.elapsed() < ROUND {
        act(&bureau, &mut zhou, &seal, &mut spent).await;
    }
    spent
}

async fn act(bureau: &Bureau, zhou: &mut Sealing, seal: &Hosted, spent: &mut Spent) {
    let mut clock = Instant::now();
    let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed();
    let attempt_id = begin(zhou, &seal.seal_id).await.expect("begun").attempt_id;
    spent.begin += lap();
    let request = authorization(seal, &attempt_id, &seal.sm2, PIN);
    zhou.authorize_hosted_sealing(request).await.expect("authorized");
    spent.authorize += lap();
    let to_be_signed = card::ofd_to_sign(&seal.seal, document(), bureau.now());
    let request = pb::SignHostedRequest {
        request_id: request_id(),
        seal_id: seal.seal_id.clone(),
        attempt_id: attempt_id.clone(),
        to_be_signed: to_be_signed.clone(),
    };
    let value = zhou.sign_hosted(request).await.expect("signed").into_inner().signature;
    spent.sign += lap();
    let signature = SesSignature::assemble(&to_be_signed, &seal.sm2, &value).expect("a structure");
    complete(zhou, &seal.seal_id, &attempt_id, signature).await.expect("recorded");
    spent.complete += lap();
    spent.acts += 1;
}

/// Signatures of as many threads, from PKCS #8 each time, as the service makes them.
fn raw(threads: usize) -> f64 {
    let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key").to_pkcs8_der();
    let message = document().bytes().to_vec();
    let begun = Instant::now();
    let count: u64 = std::thread::scope(|scope| {
        let work = || {
            let mut count = 0;
            while begun.elapsed() < ROUND {
                let key = SigningKey::from_pkcs8_der(&key).expect("a key");
                std::hint::black_box(key.sign(&message).expect("signed"));
                count += 1;
            }
            count
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    count as f64 / begun.elapsed().as_secs_f64()
}
