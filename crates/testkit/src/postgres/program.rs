//! The programs of PostgreSQL, and the user that they run as.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{SUPERUSER, Syncs};

/// Where Debian keeps them, newest release first; they are not in PATH there.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The authority's certificate: what clients are to trust.
pub(super) const CA: &str = "ca.crt";
/// The server's certificate.
pub(super) const CERTIFICATE: &str = "server.crt";
/// Its key.
pub(super) const KEY: &str = "server.key";

/// The folder with `initdb` and `postgres`.
#[derive(Debug, Clone)]
pub(super) struct Programs(PathBuf);

impl Programs {
    pub(super) fn find() -> io::Result<Self> {
        let in_path = std::env::var_os("PATH").unwrap_or_default();
        let debian = fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|release| release.path().join("bin"));
        let mut debian: Vec<PathBuf> = debian.collect();
        debian.sort();
        let mut folders = debian.into_iter().rev().chain(std::env::split_paths(&in_path));
        let found = folders.find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
        found.map(Self).ok_or_else(|| {
            io::Error::other(
                "initdb and postgres are neither in PATH nor in /usr/lib/postgresql: `make setup` installs them",
            )
        })
    }

    /// Where the program `name` is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes a new, empty cluster.
    pub(super) fn init(&self, folder: &Path, password: &Path, owner: Option<Owner>, syncs: Syncs) -> io::Result<()> {
        let mut command = self.command("initdb", folder, owner);
        command.arg("-D").arg(data(folder)).arg("-U").arg(SUPERUSER).arg("--pwfile").arg(password);
        // SCRAM hashes some thousand times for each connection, which takes an unoptimised program longer than a test.
        command.arg(if syncs == Syncs::Real { "--auth=scram-sha-256" } else { "--auth=password" });
        command.args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]);
        let output = command.output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("initdb failed in {}: {}", folder.display(), said.trim())))
    }

    /// Starts the server; it is not ready yet.
    pub(super) fn serve(&self, folder: &Path, port: u16, syncs: Syncs, owner: Option<Owner>) -> io::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).open(log(folder))?;
        let mut command = self.command("postgres", folder, owner);
        command.arg("-D").arg(data(folder));
        let mut set = |name: &str, value: &str| {
            command.arg("-c").arg(format!("{name}={value}"));
        };
        set("listen_addresses", "127.0.0.1");
        set("port", &port.to_string());
        set("unix_socket_directories", ""); // their paths have a limit that a temporary folder may pass
        set("max_connections", "400");
        set("ssl", "on");
        for (name, file) in [("ssl_cert_file", CERTIFICATE), ("ssl_key_file", KEY)] {
            set(name, &folder.join(file).display().to_string());
        }
        if syncs == Syncs::Off {
            for name in ["fsync", "synchronous_commit", "full_page_writes"] {
                set(name, "off");
            }
        }
        // In a group of its own, so that Ctrl-C reaches the tests and the guard ends the server.
        command.process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
    }

    fn command(&self, name: &str, folder: &Path, owner: Option<Owner>) -> Command {
        let mut command = Command::new(self.path(name));
        command.current_dir(folder).env("LC_ALL", "C").env_remove("PGDATA");
        if let Some(Owner { user, group }) = owner {
            command.uid(user).gid(group);
        }
        command
    }
}

/// Who the server runs as where the tests run as root, which PostgreSQL refuses: the user `postgres`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// Nobody else, unless this is root.
    pub(super) fn needed() -> io::Result<Option<Self>> {
        // A new file belongs to whoever runs this; std knows no other way to ask.
        if tempfile::tempfile()?.metadata()?.uid() != 0 {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd")?;
        let found = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            (name == "postgres").then_some(Self { user, group })
        });
        found.map(Some).ok_or_else(|| io::Error::other("PostgreSQL refuses root, and there is no user `postgres`"))
    }

    /// Makes the path the owner's.
    pub(super) fn give(self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.user), Some(self.group))
    }
}

/// Writes a file that only the server's owner can read.
pub(super) fn write_private(path: &Path, content: &[u8], owner: Option<Owner>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    owner.map_or(Ok(()), |owner| owner.give(path))
}

/// The cluster in the folder.
pub(super) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// What the server says.
pub(super) fn log(folder: &Path) -> PathBuf {
    folder.join("log")
}

/// Sends a signal; std can only kill.
pub(super) fn signal(name: &str, pid: u32) -> io::Result<()> {
    let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("no signal {name} to process {pid}"))) }
}
