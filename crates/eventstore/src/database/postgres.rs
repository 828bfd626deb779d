//! How PostgreSQL is opened: by address, with or without TLS, by one connection that writes and several that read.

use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::{DatabaseConnection, DbErr, RuntimeErr};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::time::{sleep, timeout};

use super::{DatabaseConfig, PAUSES};
use crate::StoreError;

/// How long a new connection may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may take to answer before it is used and when it comes back; one that was cut without a word
/// never does. It is asked when it was idle for so long: a server that was started anew leaves dead connections behind,
/// which would each cost somebody an error.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_secs(1);

/// The parameters of an address that mean something here. Another one is a mistake, and the driver would log its value,
/// which may be a password.
const PARAMETERS: [&str; 13] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "port",
    "user",
    "password",
];

/// What every session is told. A client that vanished without a word must not hold the lock on `head`, or a lease, until
/// the system gives up its connection after hours: the server asks after some seconds whether it is still there.
const SESSION: [(&str, &str); 5] = [
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "15000"),
    ("idle_in_transaction_session_timeout", "30000"),
];

/// What an address says.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let names = parameters.split('&').map(|pair| pair.split('=').next().unwrap_or(pair));
    if names.filter(|name| !name.is_empty()).any(|name| !PARAMETERS.contains(&name)) {
        return Err(StoreError::Address("it has a parameter that is not known"));
    }
    // The error of the parser may hold what it could not parse.
    let options = PgConnectOptions::from_str(url).map_err(|_| StoreError::Address("it is no PostgreSQL address"))?;
    // Statements carry personal data in their values.
    Ok(options.options(SESSION).disable_statement_logging())
}

/// One connection beside the pools.
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let connecting = PgConnection::connect_with(options);
    timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|_| Err(silent("connect")))
}

/// The readers and the writer.
pub(super) async fn open(
    config: &DatabaseConfig,
    options: &PgConnectOptions,
) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    // A pool would try again for a while, and then say no more than that it took too long.
    drop(connect(options).await.map_err(database)?);
    let writer = pool(config, 1, options.clone().application_name("eseal-owner")).await?;
    let readers = pool(config, config.max_readers.max(1), options.clone().application_name("eseal-reader")).await?;
    Ok((readers, writer))
}

async fn pool(config: &DatabaseConfig, size: u32, postgres: PgConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let mut options = super::options(config, size);
    let own = postgres.clone();
    options.map_sqlx_postgres_opts(move |_| postgres.clone());
    options.map_sqlx_postgres_pool_opts(move |pool| tended(pool, &own));
    sea_orm::Database::connect(options).await
}

/// How a pool looks after its connections, which the driver does not do for those that were cut without a word.
///
/// It asks a connection before its use and when it comes back, and would wait for the answer for ever. It closes a bad one,
/// and by TLS waits for the other side to take leave, for ever again: with a place in the pool, until there is none left
/// ("connection pool timed out"). So the look is bounded here, and a bad connection is not closed but dropped: a new one takes
/// its place. For the same reason none is closed because of its age.
fn tended(pool: PgPoolOptions, options: &PgConnectOptions) -> PgPoolOptions {
    let (before, after) = (options.clone(), options.clone());
    let pool = pool.idle_timeout(None).max_lifetime(None).test_before_acquire(false);
    let pool = pool.before_acquire(move |connection, meta| {
        let options = before.clone();
        Box::pin(async move {
            if meta.idle_for >= IDLE {
                revive(connection, &options).await;
            }
            Ok(true)
        })
    });
    pool.after_release(move |connection, _| {
        let options = after.clone();
        Box::pin(async move {
            revive(connection, &options).await;
            Ok(true)
        })
    })
}

/// Puts a new connection in the place of one that does not answer, as soon as the server takes one.
async fn revive(connection: &mut PgConnection, options: &PgConnectOptions) {
    if matches!(timeout(PING_TIMEOUT, connection.ping()).await, Ok(Ok(()))) {
        return;
    }
    let mut pause = PAUSES.0;
    loop {
        match connect(options).await {
            Ok(new) => {
                *connection = new;
                return;
            }
            Err(error) => tracing::debug!(%error, "a lost connection is not replaced yet"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// The error of a server that says nothing.
pub(crate) fn silent(what: &str) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("the database did not answer: {what}")))
}

/// A driver's error as the rest of the store knows it.
pub(crate) fn database(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(std::sync::Arc::new(error)))
}
