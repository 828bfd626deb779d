//! How SQLite is opened: one file, one connection that writes, several that read.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::Connection as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use super::{DatabaseConfig, options};
use crate::StoreError;

/// How long a statement waits for another process that holds the file's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The readers and the writer.
pub(super) async fn open(config: &DatabaseConfig) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
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
    // A disk that is full makes SQLite roll back by itself, and sqlx takes the connection for one within a transaction ever
    // after: its commits would say Ok and write nothing. Such a connection is closed, and the next one is a new one.
    writing.map_sqlx_sqlite_pool_opts(|pool| {
        pool.after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
    });
    let writer = sea_orm::Database::connect(writing).await?;
    let mut reading = options(config, config.max_readers.max(1));
    reading.map_sqlx_sqlite_opts(|sqlite| sqlite.busy_timeout(BUSY_TIMEOUT).pragma("query_only", "ON"));
    let readers = sea_orm::Database::connect(reading).await?;
    Ok((readers, writer))
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
