//! A PostgreSQL server of one's own: real, on a free port, gone with the process that started it.

mod program;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eseal_devpki::{DevPki, DevPkiError, Pair, Request};
use eseal_kernel::Clock;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DbErr};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::time::sleep;

use self::program::{Owner, Programs};
use crate::Port;
use crate::guard::Guard;

/// The role that may do everything.
pub const SUPERUSER: &str = "postgres";
/// How long a server may take to start or to stop; a recovery after a kill is part of it.
const BOUND: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(10);

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syncs {
    /// The disk, as in production: for faults and figures.
    Real,
    /// Nothing, so that many small tests are quick. A killed server may lose what it acknowledged.
    Off,
}

/// A running server, on loopback, with TLS. It stops when this is dropped, and also when the process ends without that,
/// whatever ended it.
#[derive(Debug)]
pub struct TestPostgres {
    folder: PathBuf,
    programs: Programs,
    owner: Option<Owner>,
    syncs: Syncs,
    port: Port,
    password: String,
    server: Mutex<Option<Child>>,
    guard: Mutex<Option<Guard>>,
}

impl TestPostgres {
    /// The server that the tests of this process share, each in databases of its own: quick, without syncs. It is not
    /// to be stopped by any of them.
    ///
    /// # Panics
    /// When it does not start: a test that needs it is not skipped.
    #[allow(clippy::expect_used)]
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<TestPostgres> = OnceCell::const_new();
        SHARED.get_or_init(async || Self::start(Syncs::Off).await.expect("a PostgreSQL server for tests")).await
    }

    /// A new server in a temporary folder, which goes with it.
    ///
    /// # Errors
    /// What kept it from starting, with the end of its log.
    pub async fn start(syncs: Syncs) -> io::Result<Self> {
        // The guard removes it: a `TempDir` in a static never would.
        let folder = TempDir::with_prefix("eseal-postgres-")?.keep();
        Self::start_with(folder, syncs, true).await
    }

    /// A server that keeps its data in `folder`, which is made if it is not there; one that was there before goes on
    /// with its data. The user `postgres` must be able to reach the folder when this runs as root.
    ///
    /// # Errors
    /// What kept it from starting, with the end of its log.
    pub async fn start_in(folder: &Path, syncs: Syncs) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Self::start_with(folder.canonicalize()?, syncs, false).await
    }

    async fn start_with(folder: PathBuf, syncs: Syncs, temporary: bool) -> io::Result<Self> {
        let (programs, owner) = (Programs::find()?, Owner::needed()?);
        let prepared = {
            let (folder, programs) = (folder.clone(), programs.clone());
            tokio::task::spawn_blocking(move || prepare(&folder, &programs, owner, syncs))
                .await
                .map_err(io::Error::other)??
        };
        let guard = Some(watch_over(&folder, temporary)?);
        let server = Self {
            port: Port::free()?,
            password: prepared,
            server: Mutex::new(None),
            guard: Mutex::new(guard),
            folder,
            programs,
            owner,
            syncs,
        };
        server.run().await?;
        Ok(server)
    }

    /// The port on 127.0.0.1; a restart keeps it.
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    /// The process, or nothing while it is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.child().as_ref().map(Child::id)
    }

    /// The certificate of the authority that the server's certificate is from.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join(program::CA)
    }

    /// The address of a database for the [`SUPERUSER`], without TLS.
    pub fn url(&self, database: &str) -> String {
        self.url_as(database, SUPERUSER, &self.password)
    }

    /// The address of a database for a role, without TLS.
    pub fn url_as(&self, database: &str, role: &str, password: &str) -> String {
        format!("{}?sslmode=disable", self.bare_url(database, role, password))
    }

    /// The address of a database for a role, by TLS with a full check of the server's certificate.
    pub fn tls_url_as(&self, database: &str, role: &str, password: &str) -> String {
        let ca = self.ca_file();
        format!("{}?sslmode=verify-full&sslrootcert={}", self.bare_url(database, role, password), ca.display())
    }

    /// The same without any parameter.
    pub fn bare_url(&self, database: &str, role: &str, password: &str) -> String {
        format!("postgres://{role}:{password}@{}/{database}", self.port.address())
    }

    /// Another program of the same release, such as `pgbench`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.path(name)
    }

    /// The password of the [`SUPERUSER`].
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Runs statements as the [`SUPERUSER`], not in a transaction.
    ///
    /// # Errors
    /// [`DbErr`] of the first statement that failed.
    pub async fn execute(&self, database: &str, sql: &str) -> Result<(), DbErr> {
        let mut options = ConnectOptions::new(self.url(database));
        options.max_connections(1).sqlx_logging(false);
        let connection = Database::connect(options).await?;
        let done = connection.execute_unprepared(sql).await;
        connection.close().await?;
        done.map(drop)
    }

    /// Stops the server in order: open transactions are rolled back, what was committed is on the disk.
    ///
    /// # Errors
    /// When it does not stop within two minutes.
    pub async fn stop(&self) -> io::Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        program::signal("INT", pid)?;
        self.wait_for_end().await
    }

    /// Stops the server as a crash does: `kill -9`, without a word to anybody.
    ///
    /// # Errors
    /// When it does not end within two minutes.
    pub async fn kill(&self) -> io::Result<()> {
        if let Some(child) = self.child().as_mut() {
            child.kill()?;
        }
        self.wait_for_end().await?;
        // It names a process that is gone, and whose number may be another one's soon.
        let _ = fs::remove_file(self.pid_file());
        Ok(())
    }

    /// Starts the server again on the same port; stops it before, if it runs.
    ///
    /// # Errors
    /// What kept it from starting, with the end of its log.
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await?;
        self.run().await
    }

    /// Starts the process and waits until it takes connections.
    async fn run(&self) -> io::Result<()> {
        let deadline = Instant::now() + BOUND;
        loop {
            let child = self.programs.serve(&self.folder, self.port.number(), self.syncs, self.owner)?;
            *self.child() = Some(child);
            if self.is_ready(deadline).await? {
                return Ok(());
            }
            // After a kill the sessions of the old process may take a moment to notice; the new one waits for them.
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("PostgreSQL does not start:\n{}", self.end_of_log())));
            }
            sleep(PAUSE * 10).await;
        }
    }

    /// Whether it came up; not, when it ended instead.
    async fn is_ready(&self, deadline: Instant) -> io::Result<bool> {
        while Instant::now() < deadline {
            // The eighth line says the state; the file is the one that pg_ctl looks at.
            let file = fs::read_to_string(self.pid_file()).unwrap_or_default();
            let mut lines = file.lines();
            let pid = lines.next().and_then(|line| line.trim().parse().ok());
            if pid == self.pid() && lines.nth(6).is_some_and(|state| state.trim() == "ready") {
                return Ok(true);
            }
            if self.has_ended()? {
                return Ok(false);
            }
            sleep(PAUSE).await;
        }
        Ok(false)
    }

    async fn wait_for_end(&self) -> io::Result<()> {
        let deadline = Instant::now() + BOUND;
        while !self.has_ended()? {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("PostgreSQL does not stop:\n{}", self.end_of_log())));
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Looks whether the process is gone, and forgets it then.
    fn has_ended(&self) -> io::Result<bool> {
        let mut child = self.child();
        let ended = match child.as_mut() {
            Some(child) => child.try_wait()?.is_some(),
            None => true,
        };
        if ended {
            *child = None;
        }
        Ok(ended)
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pid_file(&self) -> PathBuf {
        program::data(&self.folder).join("postmaster.pid")
    }

    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(program::log(&self.folder)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        // The guard does what it does when the process ends, and only this process can take note of its child's end.
        let guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut guard) = guard else { return };
        guard.release();
        if let Some(mut child) = self.child().take() {
            let _ = child.wait();
        }
        drop(guard); // once all is done
    }
}

/// Who stops the server in `folder` when this process is gone. `$1` the folder, `$2` the signal, `$3` whether the folder
/// goes too. The process is the one that has the folder in its command line: numbers are used again.
fn watch_over(folder: &Path, temporary: bool) -> io::Result<Guard> {
    const STOP: &str = r#"
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$1/data"; then
    kill -s "$2" "$pid"
    rounds=0
    while [ -s "/proc/$pid/cmdline" ] && [ "$rounds" -lt 200 ]; do
        sleep 0.05
        rounds=$((rounds + 1))
    done
fi
[ "$3" = remove ] && rm -rf -- "$1"
"#;
    // A server whose data goes need not write it; one whose data stays leaves in order.
    let (signal, then) = if temporary { ("QUIT", "remove") } else { ("INT", "keep") };
    Guard::begin(STOP, [folder.as_os_str(), signal.as_ref(), then.as_ref()])
}

/// Makes what a server needs before its first start; its password.
fn prepare(folder: &Path, programs: &Programs, owner: Option<Owner>, syncs: Syncs) -> io::Result<String> {
    if let Some(owner) = owner {
        owner.give(folder)?;
    }
    let file = folder.join("password");
    if !program::data(folder).join("PG_VERSION").exists() {
        program::write_private(&file, format!("{}\n", new_password()?).as_bytes(), owner)?;
        programs.init(folder, &file, owner, syncs)?;
    }
    write_certificate(folder, owner).map_err(io::Error::other)?;
    Ok(fs::read_to_string(file)?.trim().to_owned())
}

/// What TLS of the server needs, unless it is there: an authority of its own in each folder.
fn write_certificate(folder: &Path, owner: Option<Owner>) -> Result<(), DevPkiError> {
    let key_file = folder.join(program::KEY);
    if key_file.exists() {
        return Ok(());
    }
    let written = |path: PathBuf, result: io::Result<()>| {
        result.map_err(|source| DevPkiError::File { path, what: "written", source })
    };
    let pki = DevPki::try_new(Clock::System)?;
    let Pair { certificate, key } = pki.issue("postgres", &Request::default())?;
    for (name, content) in [(program::CA, pki.ca_certificate()), (program::CERTIFICATE, &certificate)] {
        let path = folder.join(name);
        written(path.clone(), fs::write(path, content))?;
    }
    written(key_file.clone(), program::write_private(&key_file, key.as_bytes(), owner))
}

/// Random, and fit for an address without escapes.
fn new_password() -> io::Result<String> {
    use std::io::Read as _;
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
