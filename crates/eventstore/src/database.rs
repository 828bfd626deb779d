//! The one place that knows how each engine is opened.
//!
//! SQLite has one connection that writes and a pool of connections that read. PostgreSQL gets the same two doors, so
//! that nothing behind them has to know which engine it meets.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
};
use tokio::sync::watch;

use crate::StoreError;

/// How long a statement on SQLite waits for another process that holds the file's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the database is.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// `sqlite:<path>` or `postgres://…`. A SQLite file that is not there is created, readable by its owner only.
    pub url: String,
    /// How many connections may read at the same time, at least 1.
    pub max_readers: u32,
}

impl DatabaseConfig {
    /// The database at `url`, read by at most four at a time.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), max_readers: 4 }
    }
}

/// The address may hold a password, so only its engine is shown.
impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = self.url.split_once(':').map_or("", |(engine, _)| engine);
        f.debug_struct("DatabaseConfig").field("engine", &engine).field("max_readers", &self.max_readers).finish()
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
    readers: DatabaseConnection,
    writer: DatabaseConnection,
    /// The last position that was committed in this process; it wakes the tails of [`crate::Log`].
    committed: watch::Sender<u64>,
}

impl Database {
    /// Opens the database; it does not create or change tables.
    ///
    /// # Errors
    /// [`StoreError::Address`] for an unusable URL, [`StoreError::File`] when the file can't be made, and
    /// [`StoreError::Database`] when the database can't be reached.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self, StoreError> {
        // Not by `DbBackend::is_prefix_of`, which panics on what is no URL.
        let (readers, writer) = match config.url.split_once(':') {
            Some(("sqlite", _)) => open_sqlite(config).await?,
            Some(("postgres" | "postgresql", _)) => open_postgres(config).await?,
            _ => return Err(StoreError::Address("it begins neither with sqlite: nor with postgres://")),
        };
        Ok(Self(Arc::new(Doors { readers, writer, committed: watch::Sender::new(0) })))
    }

    /// The pool of connections that read; on SQLite they can't write.
    pub fn reader(&self) -> &DatabaseConnection {
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
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        // On SQLite a transaction that reads before it writes can't wait for the lock any more, so it takes it first.
        let immediate = Some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
        self.0.writer.begin_with_options(options).await
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

    /// Closes all connections, after the statements that run.
    ///
    /// # Errors
    /// [`DbErr`] when a connection could not be closed in order.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.0.readers.close_by_ref().await?;
        self.0.writer.close_by_ref().await
    }

    /// The connection that migrations run on.
    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.0.writer
    }

    /// Tells the tails in this process that everything up to `position` is committed.
    pub(crate) fn announce(&self, position: u64) {
        self.0.committed.send_replace(position);
    }

    /// Wakes with each [`Database::announce`].
    pub(crate) fn announcements(&self) -> watch::Receiver<u64> {
        self.0.committed.subscribe()
    }
}

async fn open_sqlite(config: &DatabaseConfig) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    let unusable = |_| StoreError::Address("it is no SQLite address");
    let file = SqliteConnectOptions::from_str(&config.url).map_err(unusable)?.get_filename().to_owned();
    if file.as_os_str().is_empty() || config.url.contains(":memory:") || config.url.contains("mode=memory") {
        return Err(StoreError::Address("SQLite in memory has one database per connection; name a file"));
    }
    create_for_owner(&file).map_err(|error| StoreError::File(format!("{}: {error}", file.display())))?;

    let mut writing = options(config, 1);
    writing.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full) // a commit is on the disk before anyone is told of it
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .pragma("secure_delete", "ON") // or erased persons stay in the file
    });
    let writer = sea_orm::Database::connect(writing).await?;
    let mut reading = options(config, config.max_readers.max(1));
    reading.map_sqlx_sqlite_opts(|sqlite| sqlite.busy_timeout(BUSY_TIMEOUT).pragma("query_only", "ON"));
    let readers = sea_orm::Database::connect(reading).await?;
    Ok((readers, writer))
}

async fn open_postgres(config: &DatabaseConfig) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    let mut writing = options(config, 1);
    // The writer looks up by key only. On a fresh table without statistics the planner would read all of it instead.
    writing.map_sqlx_postgres_opts(|postgres| postgres.options([("enable_seqscan", "off")]));
    let writer = sea_orm::Database::connect(writing).await?;
    let readers = sea_orm::Database::connect(options(config, config.max_readers.max(1))).await?;
    Ok((readers, writer))
}

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

/// Makes the file before SQLite does, which would let everyone read it. Its log files take over its rights.
fn create_for_owner(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
