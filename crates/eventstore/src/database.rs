//! The one place that knows how each engine is opened.
//!
//! SQLite has one connection that writes and a pool of connections that read. PostgreSQL gets the same two doors, so
//! that nothing behind them has to know which engine it meets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use self::bounded::Bound;
pub use self::bounded::{Bounded, Reader, Transaction};
pub(crate) use self::listener::Committed;
use self::listener::Wakes;
use crate::bulk::is_unreachable;
use crate::{Lease, StoreError, StoredEvent};

mod bounded;
mod listener;
pub(crate) mod postgres;
mod sqlite;

/// How long a caller waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a statement may take where nothing else is said.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long connections may take to be closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The first and the longest pause between two looks at a database that can't be reached.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Where the database is.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// `sqlite:<path>` or `postgres://…`. A SQLite file that is not there is created, readable by its owner only.
    pub url: String,
    /// How many connections may read at the same time, at least 1.
    pub max_readers: u32,
    /// How long a statement of the readers, or of a transaction beside the writer's, may take on PostgreSQL, the wait for
    /// a connection included. A connection that does not answer within it is closed.
    pub statement_timeout: Duration,
}

impl DatabaseConfig {
    /// The database at `url`, read by at most four at a time, each statement within 20 s.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), max_readers: 4, statement_timeout: STATEMENT_TIMEOUT }
    }
}

/// The address may hold a password, so only its engine is shown.
impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = self.url.split_once(':').map_or("", |(engine, _)| engine);
        f.debug_struct("DatabaseConfig")
            .field("engine", &engine)
            .field("max_readers", &self.max_readers)
            .field("statement_timeout", &self.statement_timeout)
            .finish()
    }
}

/// A service's database. Cheap to clone.
#[derive(Clone)]
pub struct Database(Arc<Doors>);

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.backend()).finish()
    }
}

struct Doors {
    readers: Reader,
    writer: DatabaseConnection,
    wakes: Arc<Wakes>,
    postgres: Option<PgConnectOptions>,
    /// Ends with the database.
    _listener: Option<AbortOnDropHandle<()>>,
}

impl Database {
    /// Opens the database; it does not create or change tables. On PostgreSQL, TLS is asked for by the address:
    /// `sslmode`, `sslrootcert`, `sslcert`, `sslkey`.
    ///
    /// # Errors
    /// [`StoreError::Address`] for an unusable URL, [`StoreError::File`] when the file can't be made, and
    /// [`StoreError::Database`] when the database can't be reached.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let wakes = Arc::new(Wakes::default());
        // Not by `DbBackend::is_prefix_of`, which panics on what is no URL.
        Ok(Self(Arc::new(match config.url.split_once(':') {
            Some(("sqlite", _)) => {
                let (readers, writer) = sqlite::open(config).await?;
                let readers = Reader::new(readers, Bound::NONE);
                Doors { readers, writer, wakes, postgres: None, _listener: None }
            }
            Some(("postgres" | "postgresql", _)) => {
                let options = postgres::options(&config.url)?;
                let (readers, writer) = postgres::open(config, &options).await?;
                let readers = Reader::new(readers, Bound::of(config.statement_timeout));
                let listener = tokio::spawn(listener::run(options.clone(), wakes.clone()));
                let _listener = Some(AbortOnDropHandle::new(listener));
                Doors { readers, writer, wakes, postgres: Some(options), _listener }
            }
            _ => return Err(StoreError::Address("it begins neither with sqlite: nor with postgres://")),
        })))
    }

    /// As [`Database::connect`], but waits for a server that can't be reached yet, for this long at most. What does not
    /// get better by waiting, such as a wrong password, fails at once.
    ///
    /// # Errors
    /// Those of [`Database::connect`]; the last one when the time is over.
    pub async fn connect_within(config: &DatabaseConfig, bound: Duration) -> Result<Self, StoreError> {
        let deadline = Instant::now() + bound;
        let mut pause = PAUSES.0;
        loop {
            let error = match Self::connect(config).await {
                Err(StoreError::Database(error)) if is_unreachable(&error) => error,
                other => return other,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(error.into());
            }
            tracing::warn!(%error, seconds_left = left.as_secs(), "the database can't be reached yet, waiting");
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Takes the lease `name` in this database, if nobody else holds it: for work that one replica does at a time. On
    /// SQLite, which has one process only, it is always granted.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the database can't be reached.
    pub async fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        match &self.0.postgres {
            None => Ok(Some(Lease::unshared())),
            Some(options) => Ok(Lease::take(options.clone(), name).await?),
        }
    }

    /// The pool of connections that read; on SQLite they can't write.
    pub fn reader(&self) -> &Reader {
        &self.0.readers
    }

    /// The engine.
    pub fn backend(&self) -> DbBackend {
        self.0.writer.get_database_backend()
    }

    /// Begins a transaction that writes, in the queue with the writer's own. For what is no fact, such as an uploaded
    /// content; facts go through [`crate::Writer`], which waits while this is open, so keep it short. Never commit it after an error: PostgreSQL answers `Ok` to that
    /// although it rolled back.
    ///
    /// # Errors
    /// [`DbErr`] when the database can't be reached, or another process holds it for longer than 5 s.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        self.begin_within(self.0.readers.bound()).await
    }

    /// As [`Database::begin`], for the commands of operators: what they do may take as long as it takes.
    pub(crate) async fn begin_unbounded(&self) -> Result<Transaction, DbErr> {
        self.begin_within(Bound::NONE).await
    }

    async fn begin_within(&self, bound: Bound) -> Result<Transaction, DbErr> {
        // On SQLite a transaction that reads before it writes can't wait for the lock any more, so it takes it first.
        let immediate = Some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
        let begun = bound.hold("begin", self.0.writer.begin_with_options(options)).await?;
        Ok(Transaction::new(begun, bound))
    }

    /// Makes SQLite forget what was deleted: `secure_delete` overwrites it in the file, and this empties the log
    /// beside it. To be called after personal data was erased. Nothing on PostgreSQL.
    ///
    /// # Errors
    /// [`DbErr`] when the database can't be reached.
    pub async fn purge(&self) -> Result<(), DbErr> {
        if self.backend() == DbBackend::Sqlite {
            self.0.writer.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Ok(())
    }

    /// Whether the database answers: for health.
    ///
    /// # Errors
    /// [`DbErr`] when it doesn't.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.0.readers.execute_unprepared("SELECT 1").await.map(|_| ())
    }

    /// The pools of connections, as they are now: for metrics.
    pub fn pools(&self) -> [Pool; 2] {
        [("readers", self.0.readers.inner()), ("writer", &self.0.writer)].map(|(name, connection)| {
            let (open, idle) = match self.backend() {
                DbBackend::Postgres => {
                    let pool = connection.get_postgres_connection_pool();
                    (pool.size(), pool.num_idle())
                }
                _ => {
                    let pool = connection.get_sqlite_connection_pool();
                    (pool.size(), pool.num_idle())
                }
            };
            Pool { name, open, idle: u32::try_from(idle).unwrap_or(u32::MAX) }
        })
    }

    /// Closes all connections, after the statements that run; what does not take leave within some seconds is left behind.
    ///
    /// # Errors
    /// [`DbErr`] when a connection could not be closed in order.
    pub async fn close(&self) -> Result<(), DbErr> {
        let bound = if self.0.postgres.is_some() { Bound::of(CLOSE_TIMEOUT) } else { Bound::NONE };
        bound.hold("close", self.0.readers.inner().close_by_ref()).await?;
        bound.hold("close", self.0.writer.close_by_ref()).await
    }

    /// How connections beside the pools are opened; nothing on SQLite.
    pub(crate) fn postgres(&self) -> Option<&PgConnectOptions> {
        self.0.postgres.as_ref()
    }

    /// The connection that migrations run on.
    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.0.writer
    }

    /// Tells the tails of this process, and by the database those of others, that everything up to `position` is
    /// committed; `fresh` are the last events of it, or none.
    pub(crate) fn announce(&self, position: u64, fresh: Arc<[StoredEvent]>) {
        self.0.wakes.announce(position, fresh);
    }

    /// Wakes with each commit that this process learns of.
    pub(crate) fn announcements(&self) -> watch::Receiver<Committed> {
        self.0.wakes.subscribe()
    }
}

/// A pool of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// `readers` or `writer`.
    pub name: &'static str,
    /// How many connections are open.
    pub open: u32,
    /// How many of them do nothing.
    pub idle: u32,
}

/// What both engines have in common.
fn options(config: &DatabaseConfig, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(&config.url);
    // Statements carry personal data in their values; they are neither logged nor put into spans.
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    // A connection of a file does not die while it is idle, and a ping before every use would cost as much as the use.
    options.test_before_acquire_if_idle_for(Duration::from_secs(30));
    options
}
