//! Figures of benchmarks as ratios to a peer or limit of the same run, since machines are noisy.
//!
//! Each figure is a line for people and a row of `target/bench/ratios.tsv`: name, ours, peer or limit, its name, ratio,
//! unit.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(150);

/// Whether the command line asks for the figure `name`: it names no figure, or this one.
pub fn is_asked_for(name: &str) -> bool {
    let mut wanted = std::env::args().skip(1).filter(|word| !word.starts_with('-')).peekable();
    wanted.peek().is_none() || wanted.any(|word| name.contains(&word))
}

/// How often each goes in a second, turn by turn so that a slow moment of the machine meets both; the median of each.
pub fn per_second<A, B>(ours: impl Fn() -> A, peer: impl Fn() -> B) -> (f64, f64) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        first.push(rate(&ours));
        second.push(rate(&peer));
    }
    (median(first), median(second))
}

fn rate<T>(work: impl Fn() -> T) -> f64 {
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < ROUND {
        black_box(work());
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
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
