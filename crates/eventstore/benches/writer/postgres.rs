//! A PostgreSQL of the benchmarks' own, with syncs to a real disk.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use eseal_testkit::TestPostgres;
use eseal_testkit::postgres::{SUPERUSER, Syncs};
use tempfile::TempDir;

use crate::plain::Plain;
use crate::said;

pub struct Server {
    postgres: TestPostgres,
    // After the server, which writes into it.
    folder: TempDir,
    databases: AtomicU64,
}

impl Server {
    pub async fn start() -> Result<Self, String> {
        // Not in /tmp, which may be memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(said)?;
        let postgres = TestPostgres::start_in(folder.path(), Syncs::Real).await.map_err(said)?;
        Ok(Self { postgres, folder, databases: AtomicU64::new(0) })
    }

    /// The address of a new database.
    pub async fn new_database(&self) -> Result<String, String> {
        let name = format!("bench_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(SUPERUSER, &format!("CREATE DATABASE {name}")).await?;
        Ok(self.postgres.url(&name))
    }

    pub async fn execute(&self, database: &str, sql: &str) -> Result<(), String> {
        self.postgres.execute(database, sql).await.map_err(said)
    }

    /// How many rows a second so many clients insert.
    pub async fn pgbench(&self, plain: &Plain, clients: u64) -> Result<f64, String> {
        self.execute(SUPERUSER, plain.setup).await?;
        let script = self.folder.path().join("script.sql");
        std::fs::write(&script, plain.script.replace('\n', " ")).map_err(said)?;
        let mut command = Command::new(self.postgres.program("pgbench"));
        let (port, clients) = (self.postgres.port().to_string(), clients.to_string());
        command.args(["-n", "-M", "prepared", "-j", "2", "-T", "8", "-h", "127.0.0.1", "-U", SUPERUSER]);
        command.args(["-p", &port, "-c", &clients, "-f"]).arg(script).arg(SUPERUSER);
        // Without TLS, as ours.
        command.env("PGPASSWORD", self.postgres.password()).env("PGSSLMODE", "disable");
        let output = tokio::task::spawn_blocking(move || command.output()).await.map_err(said)?.map_err(said)?;
        let told = String::from_utf8_lossy(&output.stdout);
        let tps = told.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
        let failed = || format!("pgbench: {told}{}", String::from_utf8_lossy(&output.stderr));
        tps.map(|tps| tps * plain.rows).ok_or_else(failed)
    }
}
