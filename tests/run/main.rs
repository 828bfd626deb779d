//! `make run` and `make stop`: the distributed system on this machine, with a company in it that is ready to apply for a
//! seal. For development and for a first look, never for real seals.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _, stderr};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use eseal_e2e::company::{Company, PASSWORD, System};
use eseal_e2e::platform::PlatformOptions;

/// How long everything may take to start or to stop.
const BOUND: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(100);

/// The distributed system of eseal on this machine, for development. 在本机运行整个分布式系统(仅供开发和试用)。
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// What to do. 要执行的操作。
    #[command(subcommand)]
    command: Asked,
    /// Where everything is kept; it goes on where it was. 数据目录。
    #[arg(long, value_name = "DIR", default_value = "target/run", global = true)]
    folder: PathBuf,
    /// Where people connect; 0 takes a free port. 网关端口。
    #[arg(long, value_name = "PORT", default_value_t = 7443, global = true)]
    port: u16,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Asked {
    /// Start it in the background and tell how to use it. 在后台启动并显示用法。
    Up,
    /// Stop it. What it holds stays in the folder. 停止;数据保留。
    Down,
    /// Run it in the foreground until Ctrl-C. 在前台运行。
    Serve,
}

fn main() -> ExitCode {
    let Cli { command, folder, port } = Cli::parse();
    let done = fs::create_dir_all(&folder).and_then(|()| folder.canonicalize()).and_then(|folder| match command {
        Asked::Up => up(&folder, port),
        Asked::Down => down(&folder),
        Asked::Serve => serve(&folder, port),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(stderr(), "eseal-run: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts a process like this one in the background, which holds all the others, and waits until it tells that all is
/// ready.
fn up(folder: &Path, port: u16) -> io::Result<()> {
    if let Some(pid) = running(folder) {
        return Err(io::Error::other(format!("it runs already (process {pid}): `make stop` ends it")));
    }
    let (told, log) = (folder.join("told"), folder.join("run.log"));
    let _ = fs::remove_file(&told);
    let file = fs::File::create(&log)?;
    let mut holder = Command::new(std::env::current_exe()?);
    holder.arg("serve").arg("--folder").arg(folder).args(["--port", &port.to_string()]);
    // A group of its own: Ctrl-C at the terminal is not for it.
    holder.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
    let mut holder = holder.spawn()?;
    let begun = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(&told) {
            write!(io::stdout(), "{text}")?;
            return Ok(());
        }
        if let Some(ended) = holder.try_wait()? {
            let why = fs::read_to_string(&log).unwrap_or_default();
            return Err(io::Error::other(format!("it did not start ({ended}):\n{why}")));
        }
        if begun.elapsed() > BOUND {
            let _ = holder.kill();
            return Err(io::Error::other(format!("it did not become ready: see {}", log.display())));
        }
        if stderr().is_terminal() {
            write!(stderr(), "\rstarting PostgreSQL, NATS, services, gateway … {} s", begun.elapsed().as_secs())?;
        }
        std::thread::park_timeout(PAUSE);
    }
}

fn down(folder: &Path) -> io::Result<()> {
    let Some(pid) = running(folder) else {
        return writeln!(io::stdout(), "it does not run");
    };
    let _ = Command::new("kill").arg(pid.to_string()).status()?;
    let begun = Instant::now();
    while running(folder).is_some() {
        if begun.elapsed() > BOUND {
            return Err(io::Error::other(format!("process {pid} does not end")));
        }
        std::thread::park_timeout(PAUSE);
    }
    writeln!(io::stdout(), "stopped; its data are in {}", folder.display())
}

/// Holds everything until it is told to stop.
fn serve(folder: &Path, port: u16) -> io::Result<()> {
    fs::write(folder.join("pid"), std::process::id().to_string())?;
    let postgres = postgres_folder(folder)?;
    let options = PlatformOptions {
        gateway_port: port,
        real_syncs: true,
        postgres_folder: Some(postgres),
        ..PlatformOptions::default()
    };
    let mut company = Company::found_distributed(&folder.join("company"), options);
    let text = how_to_use(&company);
    fs::write(folder.join("told.new"), &text)?;
    fs::rename(folder.join("told.new"), folder.join("told"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(asked_to_stop())?;
    if let Some(System::Platform(platform)) = &mut company.system {
        for process in platform.running() {
            platform.terminate(&process);
        }
    }
    drop(company);
    fs::remove_file(folder.join("pid"))
}

async fn asked_to_stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

/// The process that holds everything, if it lives.
fn running(folder: &Path) -> Option<u32> {
    let pid: u32 = fs::read_to_string(folder.join("pid")).ok()?.trim().parse().ok()?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    name.starts_with("eseal-run").then_some(pid)
}

/// PostgreSQL refuses to run as root and its user may not reach our folder (a home folder, say): then its data lie
/// under `/var/tmp`.
fn postgres_folder(folder: &Path) -> io::Result<PathBuf> {
    let for_others = |path: &Path| fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o001 != 0);
    if folder.ancestors().all(for_others) {
        return Ok(folder.join("postgres"));
    }
    let named = folder.join("postgres.path");
    if let Ok(path) = fs::read_to_string(&named) {
        return Ok(PathBuf::from(path));
    }
    let made = format!("/var/tmp/eseal-run-{}", std::process::id());
    fs::write(named, &made)?;
    Ok(PathBuf::from(made))
}

fn how_to_use(company: &Company) -> String {
    let Some(System::Platform(platform)) = &company.system else { return String::new() };
    let mut text = "\nEverything runs, for development only. 系统已启动(仅供开发和试用)。\n\n".to_owned();
    for process in platform.running() {
        let served = platform.served(&process);
        text += &format!("  {process:<16} {:<24} log {}\n", served.addresses[0], served.log().display());
    }
    text += &format!("  {:<16} 127.0.0.1:{}\n", "PostgreSQL", platform.postgres.port());
    text += &format!("  {:<16} 127.0.0.1:{}\n\n", "NATS", platform.nats.port());
    let (ca, sessions) = (platform.ca(), company.path("sessions"));
    text += &format!("  export ESEAL_SERVER={}\n  export ESEAL_CA={}\n", platform.url(), ca.display());
    text += &format!("  export ESEAL_CONFIG_DIR={}   # everybody has signed in here\n", sessions.display());
    text += "\n  eseal --as wang list applications      # 经办人 applicant\n  \
             eseal --as li list applications        # 审批人 reviewer\n  \
             eseal --as qian events read            # 审计 auditor\n";
    let cards = company.folder.display();
    text += &format!("\nCards, PINs and the development CA are in {cards}; everybody's password is {PASSWORD:?}.\n");
    text + "`make stop` ends it; the next `make run` goes on with its data.\n"
}
