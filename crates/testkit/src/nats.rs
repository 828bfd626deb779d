//! A NATS server of its own for each test.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use crate::Port;
use crate::guard::Guard;

/// Names the program, where it is neither in `target/venv/bin` nor on the path.
const PROGRAM: &str = "ESEAL_NATS_SERVER";
/// Long enough for the slowest machine.
const SOON: Duration = Duration::from_secs(120);

/// How the server of a test is set up.
#[derive(Debug, Clone, Default)]
pub struct NatsOptions {
    /// No JetStream: for tests of what is told then.
    pub without_jetstream: bool,
    /// TLS by these files; users are mapped by the subjects of their certificates.
    pub tls: Option<NatsTls>,
    /// More lines of its configuration, such as an `authorization` block.
    pub config: String,
}

/// The files of a server that speaks TLS and asks for certificates.
#[derive(Debug, Clone)]
pub struct NatsTls {
    /// Who signs the clients' certificates.
    pub ca_file: PathBuf,
    /// The server's certificate.
    pub cert_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
}

/// A `nats-server` on a free port of this machine, with JetStream in a folder. It ends when this is dropped, and in any
/// case with the process of the test.
#[derive(Debug)]
pub struct TestNats {
    folder: PathBuf,
    options: NatsOptions,
    port: Port,
    running: Option<Running>,
    _temporary: Option<TempDir>,
}

#[derive(Debug)]
struct Running {
    // Before the server, so that the guard is gone before the server's number is free again.
    _guard: Guard,
    server: Child,
}

impl TestNats {
    /// A plain server with JetStream, in a temporary folder.
    ///
    /// # Panics
    /// When there is no `nats-server`, or it does not start.
    pub async fn start() -> Self {
        Self::start_with(NatsOptions::default()).await
    }

    /// A server set up like this, in a temporary folder.
    ///
    /// # Panics
    /// When there is no `nats-server`, or it does not start.
    #[allow(clippy::expect_used)] // a test without a server can't go on
    pub async fn start_with(options: NatsOptions) -> Self {
        let temporary = TempDir::new().expect("a temporary folder");
        let mut nats = Self::start_in(temporary.path(), options).await;
        nats._temporary = Some(temporary);
        nats
    }

    /// A server whose configuration, data and log lie in `folder`, which must exist.
    ///
    /// # Panics
    /// When there is no `nats-server`, or it does not start.
    pub async fn start_in(folder: &Path, options: NatsOptions) -> Self {
        let port = Port::free().expect("a free port");
        let mut nats = Self { folder: folder.to_owned(), options, port, running: None, _temporary: None };
        nats.start_again().await;
        nats
    }

    /// The address to connect to.
    pub fn url(&self) -> String {
        let scheme = if self.options.tls.is_some() { "tls" } else { "nats" };
        format!("{scheme}://localhost:{}", self.port())
    }

    /// The port that it listens on; the same after every restart.
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    /// The number of its process; none while it is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.server.id())
    }

    /// What it wrote into its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("nats.log")).unwrap_or_default()
    }

    /// Ends it without a chance to write anything (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(Running { _guard, mut server }) = self.running.take() {
            let _ = server.kill();
            drop(_guard);
            let _ = server.wait();
        }
    }

    /// Asks it to end, and waits for it.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) {
        let Some(running) = &mut self.running else { return };
        signal("TERM", running.server.id());
        let deadline = Instant::now() + SOON;
        while running.server.try_wait().is_ok_and(|ended| ended.is_none()) {
            assert!(Instant::now() < deadline, "nats-server does not stop: {}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
        self.running = None;
    }

    /// Starts it on its port and its data, after it was stopped or killed.
    ///
    /// # Panics
    /// When it does not start.
    #[allow(clippy::expect_used)] // a test without a server can't go on
    pub async fn start_again(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let config = self.folder.join("nats.conf");
        fs::write(&config, self.config()).expect("the configuration");
        let server = Command::new(program())
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server: `make setup` installs it, or ESEAL_NATS_SERVER names it");
        self.running = Some(Running { _guard: Guard::over(server.id()), server });
        self.await_ready().await;
    }

    /// Stops it and starts it again, with its data.
    ///
    /// # Panics
    /// When it does not stop or start.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Keeps its data as they are now, for [`TestNats::restart_without_tail`]. It stands still for that moment.
    ///
    /// # Panics
    /// When the data can't be copied.
    #[allow(clippy::expect_used)]
    pub fn remember(&self) {
        let kept = self.folder.join("kept");
        let _ = fs::remove_dir_all(&kept);
        let pid = self.pid();
        pid.into_iter().for_each(|pid| signal("STOP", pid));
        copy(&self.folder.join("data"), &kept).expect("a copy of its data");
        pid.into_iter().for_each(|pid| signal("CONT", pid));
    }

    /// Kills it, puts its data back to where they were at [`TestNats::remember`], and starts it again: as a server that
    /// had not synced its last writes when the power went.
    ///
    /// # Panics
    /// When nothing was remembered, or it does not start.
    #[allow(clippy::expect_used)]
    pub async fn restart_without_tail(&mut self) {
        self.kill();
        self.lose_tail();
        self.start_again().await;
    }

    /// Puts the data of the stopped server back to where they were at [`TestNats::remember`].
    ///
    /// # Panics
    /// When it runs, or nothing was remembered.
    #[allow(clippy::expect_used)]
    pub fn lose_tail(&mut self) {
        assert!(self.running.is_none(), "it runs");
        let data = self.folder.join("data");
        let _ = fs::remove_dir_all(&data);
        copy(&self.folder.join("kept"), &data).expect("the remembered data");
    }

    fn config(&self) -> String {
        let Self { folder, options, port, .. } = self;
        let (address, log) = (port.address(), folder.join("nats.log"));
        let mut text = format!("listen: \"{address}\"\nlog_file: {log:?}\nmax_payload: 2MB\n");
        if !options.without_jetstream {
            let _ = writeln!(text, "jetstream {{ store_dir: {:?} }}", folder.join("data"));
        }
        if let Some(NatsTls { ca_file, cert_file, key_file }) = &options.tls {
            let _ = writeln!(
                text,
                "tls {{\n  ca_file: {ca_file:?}\n  cert_file: {cert_file:?}\n  key_file: {key_file:?}\n  \
                 verify_and_map: true\n  timeout: 5\n}}"
            );
        }
        text + &options.config
    }

    async fn await_ready(&mut self) {
        let deadline = Instant::now() + SOON;
        loop {
            let ended = self.running.as_mut().and_then(|running| running.server.try_wait().ok().flatten());
            assert!(ended.is_none(), "nats-server ended ({ended:?}): {}", self.log());
            if is_ready(self.port.address()) {
                return;
            }
            assert!(Instant::now() < deadline, "nats-server is not ready: {}", self.log());
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for TestNats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where `nats-server` is.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os(PROGRAM) {
        return named.into();
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/nats-server");
    if installed.exists() { installed } else { "nats-server".into() }
}

/// Whether it greets: a server does so once JetStream has recovered.
fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut connection) = TcpStream::connect(address) else { return false };
    let _ = connection.set_read_timeout(Some(Duration::from_secs(2)));
    let mut greeting = [0; 5];
    let greeted = connection.read_exact(&mut greeting).is_ok() && &greeting == b"INFO ";
    let _ = connection.flush();
    greeted
}

/// Sends a signal by `kill`: the standard library has SIGKILL only.
fn signal(name: &str, pid: u32) {
    let _ = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if entry.is_dir() {
            copy(&entry, &target)?;
        } else {
            fs::copy(&entry, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_restarted_server_has_its_port_and_another_process() {
        let mut nats = TestNats::start().await;
        let (port, pid) = (nats.port(), nats.pid());
        nats.kill();
        assert!(!is_ready(nats.port.address()));
        nats.start_again().await;
        assert_eq!(nats.port(), port);
        assert_ne!(nats.pid(), pid);
    }
}
