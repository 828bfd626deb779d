//! `make faults`: everything that can happen to the system happens, and what clients were told is held against what is
//! there. The last line counts; the exit code says whether anything was lost or doubled.

use std::fmt::Write as _;
use std::io::{self, Write as _, stderr, stdout};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use eseal_e2e::faults::{Pace, REPLICAS, SCENARIOS, Scenario, Site, disk_full, play};

/// Breaks the system in every way that is known and shows that nothing is lost. 故障注入:逐一制造故障并核对无丢失、无重复。
#[derive(Debug, Parser)]
#[command(name = "eseal-faults", version)]
struct Cli {
    /// Decides everything that is left to chance; the same seed makes the same choices. 随机种子。
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// No scenario is begun after so many seconds. 超过该秒数后不再开始新的场景。
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    seconds: u64,
    /// Only the scenarios of these names. 仅运行指定的场景。
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Outages a tenth as long, and one round of each fault, as in `make test`. 缩短停机时间,每种故障一轮。
    #[arg(long)]
    short: bool,
    /// Programs of another release, for `versions`: it runs its second replicas from this folder. 另一版本程序所在目录。
    #[arg(long, value_name = "DIR")]
    beside: Option<PathBuf>,
    /// Where everything is kept if something goes wrong; a new folder in the temporary one unless it is named.
    /// 数据目录;出错时保留。
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Tells what can happen, and ends. 列出全部场景。
    #[arg(long)]
    list: bool,
}

const DISK_FULL: (&str, &str) = ("disk-full", "the disk of the standalone's SQLite is full, twice, and freed again");

/// What a run has come to.
#[derive(Debug, Default)]
struct Totals {
    injected: u64,
    acknowledged: usize,
    lost: usize,
    doubled: usize,
    failed: Vec<&'static str>,
    skipped: Vec<&'static str>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = if cli.list { list().map(|()| true) } else { run(&cli) };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(stderr(), "eseal-faults: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> io::Result<()> {
    let mut out = stdout();
    for (name, about) in SCENARIOS.iter().chain([&REPLICAS]).map(|one| (one.name, one.about)).chain([DISK_FULL]) {
        writeln!(out, "{name:<20} {about}")?;
    }
    Ok(())
}

fn run(cli: &Cli) -> io::Result<bool> {
    let known = || SCENARIOS.iter().chain([&REPLICAS]);
    let is_known = |name: &String| known().any(|one| one.name == name) || name == DISK_FULL.0;
    if let Some(stranger) = cli.only.iter().find(|name| !is_known(name)) {
        return Err(io::Error::other(format!("there is no scenario {stranger}: --list tells them")));
    }
    let wanted = |name: &str| cli.only.is_empty() || cli.only.iter().any(|only| only == name);
    let chosen: Vec<&Scenario> = known().filter(|one| wanted(one.name)).collect();
    let folder = folder(cli)?;
    let begun = Instant::now();
    say(&format!("seed {}, everything is in {}", cli.seed, folder.display()));
    let mut totals = Totals::default();
    if !chosen.is_empty() {
        distributed(cli, &folder, &chosen, begun, &mut totals);
    }
    if wanted(DISK_FULL.0) {
        standalone(cli, &folder, begun, &mut totals);
    }
    let good = totals.failed.is_empty() && totals.lost == 0 && totals.doubled == 0;
    if good && cli.folder.is_none() {
        std::fs::remove_dir_all(&folder)?;
    }
    tell(&totals, begun.elapsed());
    Ok(good)
}

/// PostgreSQL runs as a user of its own, who must be able to reach its folder.
fn folder(cli: &Cli) -> io::Result<PathBuf> {
    let folder = match &cli.folder {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("eseal-faults-{}", std::process::id())),
    };
    std::fs::create_dir_all(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711))?;
    folder.canonicalize()
}

fn distributed(cli: &Cli, folder: &Path, chosen: &[&Scenario], begun: Instant, totals: &mut Totals) {
    let pace = if cli.short { Pace::Short } else { Pace::Full };
    say("starting PostgreSQL, NATS, the services and the gateway");
    let mut site = Site::found(&folder.join("distributed"), cli.seed, pace);
    site.beside.clone_from(&cli.beside);
    for (i, scenario) in chosen.iter().enumerate() {
        if begun.elapsed() > Duration::from_secs(cli.seconds) {
            totals.skipped.push(scenario.name);
            continue;
        }
        say(&format!("[{}/{}] {}: {}", i + 1, chosen.len(), scenario.name, scenario.about));
        // Each has choices of its own, so that one alone makes the same as in a whole run.
        site.rng = fastrand::Rng::with_seed(cli.seed ^ seed_of(scenario.name));
        let (before, at) = (site.injected, Instant::now());
        let played = play(&mut site, scenario);
        let injected = site.injected - before;
        match played {
            Ok(audited) => {
                totals.lost += audited.findings.lost();
                totals.doubled += audited.findings.doubled();
                let mut line = format!("  {injected} faults in {} s, ", at.elapsed().as_secs());
                let _ = write!(
                    line,
                    "{} commands acknowledged so far ({} of them sent again, {} never answered), {} tries in vain, {} \
                     facts, {} messages: ",
                    audited.acknowledged,
                    audited.repeated,
                    audited.open,
                    audited.failed_tries,
                    audited.events,
                    audited.messages
                );
                totals.acknowledged = audited.acknowledged;
                if audited.findings.is_empty() {
                    say(&(line + "all of it fits"));
                } else {
                    say(&format!("{line}IT DOES NOT FIT\n{}", audited.findings));
                    totals.failed.push(scenario.name);
                    // What does not fit now would not fit after the next one either.
                    totals.skipped.extend(chosen[i + 1..].iter().map(|one| one.name));
                    break;
                }
            }
            Err(why) => {
                say(&format!("  FAILED after {} s: {why}\n{}", at.elapsed().as_secs(), site.last_words()));
                totals.failed.push(scenario.name);
            }
        }
    }
    totals.injected += site.injected;
}

fn standalone(cli: &Cli, folder: &Path, begun: Instant, totals: &mut Totals) {
    if begun.elapsed() > Duration::from_secs(cli.seconds) {
        return totals.skipped.push(DISK_FULL.0);
    }
    say(&format!("{}: {}", DISK_FULL.0, DISK_FULL.1));
    match disk_full(&folder.join("standalone"), cli.seed) {
        Ok((acknowledged, findings)) => {
            totals.injected += 2;
            totals.acknowledged += acknowledged;
            totals.lost += findings.lost();
            totals.doubled += findings.doubled();
            if findings.is_empty() {
                say(&format!("  2 faults, {acknowledged} commands acknowledged: all of it fits"));
            } else {
                say(&format!("  {acknowledged} commands acknowledged: IT DOES NOT FIT\n{findings}"));
                totals.failed.push(DISK_FULL.0);
            }
        }
        Err(why) => {
            say(&format!("  FAILED: {why}"));
            totals.failed.push(DISK_FULL.0);
        }
    }
}

/// A number of its own for each name: FNV-1a, because the standard library's hashes differ from run to run or release to
/// release.
fn seed_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn tell(totals: &Totals, took: Duration) {
    let Totals { injected, acknowledged, lost, doubled, failed, skipped } = totals;
    if !failed.is_empty() {
        say(&format!("failed: {}", failed.join(", ")));
    }
    if !skipped.is_empty() {
        say(&format!("not run: {}", skipped.join(", ")));
    }
    say(&format!("took {} s", took.as_secs()));
    say(&format!("faults injected {injected}, commands acknowledged {acknowledged}, lost {lost}, doubled {doubled}"));
}

fn say(line: &str) {
    // With nobody to read it there is nobody to tell.
    let _ = writeln!(stdout(), "{line}");
}
