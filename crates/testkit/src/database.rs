//! A database of its own for each test.

use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DbErr};
use tempfile::TempDir;

/// Names the PostgreSQL server that tests may make databases on, as `postgres://user:password@host:port`.
const POSTGRES: &str = "ESEAL_TEST_POSTGRES";

/// An empty database that is gone when this is dropped.
#[derive(Debug)]
pub struct TestDb {
    url: String,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Sqlite { _folder: TempDir },
    Postgres { server: String, name: String },
}

impl TestDb {
    /// A new SQLite file in a temporary folder.
    ///
    /// # Panics
    /// When there is no room for it.
    #[allow(clippy::expect_used)] // a test without a database can't go on
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self { url, engine: Engine::Sqlite { _folder: folder } }
    }

    /// A new database on the PostgreSQL server that the environment variable `ESEAL_TEST_POSTGRES` names, or nothing,
    /// with a printed note, where it is not set.
    ///
    /// # Panics
    /// When the server that is named does not answer: a test that was asked for is not skipped in silence.
    #[allow(clippy::expect_used, clippy::print_stderr)] // it speaks to whoever runs the tests
    pub async fn postgres() -> Option<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Ok(server) = std::env::var(POSTGRES) else {
            eprintln!("skipped: {POSTGRES} names no PostgreSQL server");
            return None;
        };
        let name = format!("eseal_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        administer(&server, format!("CREATE DATABASE {name}")).await.expect("a new database on the PostgreSQL server");
        Some(Self { url: format!("{server}/{name}"), engine: Engine::Postgres { server, name } })
    }

    /// The address to connect to.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Engine::Postgres { server, name } = &self.engine {
            let (server, sql) = (server.clone(), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            // The runtime of the test can't be waited on from within, so another thread has one of its own.
            let dropped = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
                runtime.block_on(administer(&server, sql)).ok()
            });
            let _ = dropped.join(); // at worst a database is left on a server for tests
        }
    }
}

async fn administer(server: &str, sql: String) -> Result<(), DbErr> {
    let mut options = ConnectOptions::new(format!("{server}/postgres"));
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    let done = connection.execute_unprepared(&sql).await;
    connection.close().await?;
    done.map(drop)
}
