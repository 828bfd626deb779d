//! Figures of benchmarks as ratios to a peer or limit of the same run, since machines are noisy.
//!
//! Each figure is a line for people and a row of `target/bench/ratios.tsv`: name, ours, peer or limit, its name, ratio,
//! unit.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(150);

/// Whether the command line asks for the figure `name`: it names no figure, or this one.
pub fn is_asked_for(name: &str) -> bool {
    let mut wanted = std::env::args().skip(1).filter(|word| !word.starts_with('-')).peekable();
    wanted.peek().is_none() || wanted.any(|word| name.contains(&word))
}

/// How often each goes in a second of processor time of this thread, turn by turn so that a slow moment of the machine meets
/// both; the median of each.
pub fn per_second<A, B>(ours: impl Fn() -> A, peer: impl Fn() -> B) -> (f64, f64) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        first.push(rate(&ours));
        second.push(rate(&peer));
    }
    (median(first), median(second))
}

/// Looking at the clock takes as long as a short work, so it is looked at after ever more of it.
fn rate<T>(work: &impl Fn() -> T) -> f64 {
    let begun = cpu_seconds();
    let (mut count, mut batch) = (0.0, 1_u32);
    loop {
        for _ in 0..batch {
            black_box(work());
        }
        count += f64::from(batch);
        let spent = cpu_seconds() - begun;
        if spent >= ROUND.as_secs_f64() {
            return count / spent;
        }
        if spent < ROUND.as_secs_f64() / 4.0 {
            batch = batch.saturating_mul(2);
        }
    }
}

/// Seconds of processor time that this thread had (proc(5), `schedstat`, in nanoseconds); the clock on the wall where the system
/// does not tell.
pub fn cpu_seconds() -> f64 {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split_whitespace().next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| BEGUN.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Tells a figure and appends its row; gives the ratio.
///
/// # Panics
/// The row can't be written.
#[expect(clippy::print_stdout, reason = "a benchmark tells its figures")]
pub fn record(name: &str, ours: f64, peer: f64, peer_name: &str, unit: &str) -> f64 {
    let ratio = ours / peer;
    println!("{name:<28} {ours:>12.1} {unit:<10} {peer_name}: {peer:.1}; ratio {ratio:.2}");
    let path = file();
    std::fs::create_dir_all(path.parent().unwrap_or_else(|| Path::new("."))).expect("the folder of the figures");
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("the file of the figures");
    writeln!(file, "{name}\t{ours:.1}\t{peer:.1}\t{peer_name}\t{ratio:.2}\t{unit}").expect("a row");
    ratio
}

/// Tells that a peer is not there.
#[expect(clippy::print_stdout, reason = "a benchmark tells its figures")]
pub fn skip(name: &str, peer_name: &str) {
    println!("{name:<28} skipped: {peer_name} is not here");
}

fn file() -> PathBuf {
    let folder = std::env::var_os("ESEAL_BENCH_DIR").map(PathBuf::from);
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench");
    folder.unwrap_or_else(usual).join("ratios.tsv")
}
