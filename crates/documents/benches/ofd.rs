//! OFD documents sealed and verified, beside what ofdrw needs for the same and beside `openssl speed sm3` of the same run:
//! `cargo bench -p eseal-documents --bench ofd`, or with the name of one figure behind `--`.
//!
//! ofdrw does not install here. Its figures are of this kind of machine, warm, in milliseconds: 36 KB seal 36 and verify
//! 19 of processor time; 20.8 MB seal 960 and verify 247. "Seal" is all from the bytes of the document to the bytes of the
//! sealed one, the key's signature included; "verify" all from the bytes to the report.

#[path = "../tests/support/ofd_contract.rs"]
#[allow(dead_code)]
mod ofd_contract;
#[path = "../tests/support/parties.rs"]
#[allow(dead_code)]
mod parties;

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use eseal_documents::ofd::{self, SealingOptions, SealingRequest, UsableSeal};
use eseal_documents::{Limits, Outcome, Source};
use eseal_pki::Signer as _;
use eseal_testkit::ratio;

use ofd_contract::{entries_of, zip_of};
use parties::{PLACE, Party, World, now, source};

const PEER: &str = "ofdrw, recorded";
/// Long enough that the system's clock of processor time, which goes in hundredths of a second, tells one per cent.
const ROUND: Duration = Duration::from_secs(2);

fn main() {
    let world = World::new();
    let party = world.party("甲方");
    let small = document(36_000, 2);
    let large = document(20_800_000, 24);
    figures("ofd_small", &party, &small, 0.036, 0.019, 0.019);
    figures("ofd_large", &party, &large, 0.960, 0.247, 0.247);
}

/// Sealing and verifying one document, where ofdrw needs so many seconds of processor time, and to verify so many by the
/// clock on the wall.
fn figures(name: &str, party: &Party, document: &[u8], seal: f64, verify: f64, verify_wall: f64) {
    let sealed = source(&party.seal(document));
    let document = source(document);
    let cost = |figure: &str, peer: f64, work: &dyn Fn()| {
        let figure = format!("{name}_{figure}");
        if ratio::is_asked_for(&figure) {
            let spent = spent(work);
            ratio::record(&figure, 1.0 / spent.cpu, 1.0 / peer, PEER, "1/s of CPU");
            return Some((figure, spent));
        }
        None
    };
    cost("seal", seal, &|| drop(black_box(sealed_by(party, &document))));
    let verified = cost("verify", verify, &|| verified(&sealed));
    if let Some((figure, spent)) = verified {
        ratio::record(&format!("{figure}_wall"), 1.0 / spent.wall, 1.0 / verify_wall, PEER, "1/s");
        let bytes = (*sealed).as_ref().len() as f64;
        let rate = bytes / spent.cpu / 1e6;
        let Some(openssl) = openssl() else { return ratio::skip(&figure, "openssl speed sm3") };
        ratio::record(&figure, rate, openssl, "openssl speed sm3", "MB/s");
    }
}

fn sealed_by(party: &Party, document: &Source) -> Vec<u8> {
    let stamps = [PLACE.into()];
    let options = SealingOptions::default();
    let seal = &UsableSeal::from_der(&party.seal).expect("a usable seal");
    let request = SealingRequest { seal, stamps: &stamps, time: now(), options };
    let prepared = ofd::prepare(Source::clone(document), &request, &Limits::default(), &mut |_| {}).expect("prepared");
    let signature = party.identity.key.sign(prepared.to_sign()).expect("a signature");
    let mut out = Vec::with_capacity((**document).as_ref().len() + (64 << 10));
    prepared.finish(&mut out, &party.identity.certificate, &signature, &mut |_| {}).expect("sealed");
    out
}

fn verified(sealed: &Source) {
    let report = ofd::verify(black_box(sealed), &Limits::default(), &mut |_| {}).expect("a report");
    assert_eq!((report.seals[0].content, report.seals[0].impression), (Outcome::Passed, Outcome::Passed));
}

/// Seconds that one time of something takes.
struct Spent {
    cpu: f64,
    wall: f64,
}

fn spent(work: &dyn Fn()) -> Spent {
    work(); // warm
    let (begun, before) = (Instant::now(), cpu());
    let mut times = 0.0;
    while begun.elapsed() < ROUND {
        work();
        times += 1.0;
    }
    Spent { cpu: (cpu() - before) / times, wall: begun.elapsed().as_secs_f64() / times }
}

/// Seconds of processor time of all threads of this process: fields 14 and 15 of proc_pid_stat(5), in hundredths.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a system with /proc");
    let behind_name = stat.rsplit_once(") ").expect("a name in parentheses").1;
    let fields = behind_name.split(' ').skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / 100.0
}

/// Megabytes that OpenSSL digests in a second on one core, in blocks of 16 KB. By the name alone, older ones know no SM3.
fn openssl() -> Option<f64> {
    let output =
        Command::new("openssl").args(["speed", "-seconds", "1", "-bytes", "16384", "-evp", "sm3"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let figure = text.lines().rev().find(|line| line.starts_with("sm3"))?.split_whitespace().next_back()?;
    figure.strip_suffix('k')?.parse::<f64>().ok().map(|thousands| thousands / 1e3)
}

/// A contract of about so many bytes, with pictures that do not compress.
fn document(bytes: usize, pictures: usize) -> Vec<u8> {
    let mut entries = entries_of(2);
    let each = bytes.saturating_sub(6_000) / pictures;
    let mut state = 1_u64;
    for picture in 0..pictures {
        let noise = (0..each).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
        entries.push((format!("Doc_0/Res/image_{picture}.png"), noise.collect()));
    }
    zip_of(&entries)
}
