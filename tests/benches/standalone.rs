//! The standalone as its user feels it: how soon it is ready on an existing database, and its memory when idle.

use std::time::Instant;

use eseal_e2e::company::{Company, System};
use eseal_testkit::ratio;

const READY_LIMIT_MS: f64 = 1000.0;
const MEMORY_LIMIT_MB: f64 = 64.0;

fn main() {
    if !ratio::is_asked_for("standalone_ready") && !ratio::is_asked_for("standalone_idle_memory") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut company = Company::found(&folder.path().join("company"));
    let _ = company.has_a_seal();
    let mut times = Vec::new();
    for _ in 0..5 {
        drop(company.system.take());
        let begun = Instant::now();
        company = company.start();
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    ratio::record("standalone_ready", ratio::median(times), READY_LIMIT_MS, "limit", "ms");
    let Some(System::Standalone(standalone)) = &company.system else { return };
    let pid = standalone.pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process");
    let kb =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|rest| rest.split_whitespace().next());
    let mb = kb.and_then(|kb| kb.parse::<f64>().ok()).map_or(f64::NAN, |kb| kb / 1024.0);
    ratio::record("standalone_idle_memory", mb, MEMORY_LIMIT_MB, "limit", "MB");
}
