//! A database of its own for each test.

use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use crate::TestPostgres;
use crate::postgres::SUPERUSER;

/// Which engine [`TestDb::any`] takes: `sqlite`, as without it, or `postgres`.
const ENGINE: &str = "ESEAL_TEST_ENGINE";

/// An empty database that is gone when this is dropped.
#[derive(Debug)]
pub struct TestDb {
    url: String,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Sqlite { _folder: TempDir },
    Postgres { server: &'static TestPostgres, name: String },
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

    /// A new database on the PostgreSQL server that the tests of this process share.
    ///
    /// # Panics
    /// When there is no such server, or it refuses.
    #[allow(clippy::expect_used)]
    pub async fn postgres() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let server = TestPostgres::shared().await;
        let name = format!("eseal_test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        server.execute(SUPERUSER, &format!("CREATE DATABASE {name}")).await.expect("a new database");
        Self { url: server.url(&name), engine: Engine::Postgres { server, name } }
    }

    /// A new database of the engine that the environment variable `ESEAL_TEST_ENGINE` names; SQLite without it. For
    /// tests of what must not depend on the engine.
    ///
    /// # Panics
    /// When it names no engine.
    pub async fn any() -> Self {
        match std::env::var(ENGINE).as_deref() {
            Err(_) | Ok("sqlite") => Self::sqlite(),
            Ok("postgres") => Self::postgres().await,
            Ok(other) => panic!("{ENGINE} is {other}, which is neither sqlite nor postgres"),
        }
    }

    /// The address to connect to; on PostgreSQL as the superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server and the name of the database on it; nothing on SQLite.
    pub fn on_postgres(&self) -> Option<(&'static TestPostgres, &str)> {
        match &self.engine {
            Engine::Sqlite { .. } => None,
            Engine::Postgres { server, name } => Some((server, name)),
        }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Engine::Postgres { server, name } = &self.engine {
            let (server, sql) = (*server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            // The runtime of the test can't be waited on from within, so another thread has one of its own.
            let dropped = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
                runtime.block_on(server.execute(SUPERUSER, &sql)).ok()
            });
            let _ = dropped.join(); // at worst it goes with the server
        }
    }
}
