//! How PostgreSQL is opened: by address, with or without TLS, by one connection that writes and several that read.

use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::{DatabaseConnection, DbErr, RuntimeErr};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::time::timeout;

use super::DatabaseConfig;
use crate::StoreError;

/// How long a new connection may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that comes back to a pool may take to answer; one that was cut without a word never does.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

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
    connect(options).await.map_err(database)?.close().await.map_err(database)?;
    let writer = pool(config, 1, options.clone().application_name("eseal-owner")).await?;
    let readers = pool(config, config.max_readers.max(1), options.clone().application_name("eseal-reader")).await?;
    Ok((readers, writer))
}

async fn pool(config: &DatabaseConfig, size: u32, postgres: PgConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let mut options = super::options(config, size);
    options.map_sqlx_postgres_opts(move |_| postgres.clone());
    // A server that was started anew leaves dead connections behind, which would each cost somebody an error.
    options.test_before_acquire_if_idle_for(Duration::from_secs(1));
    options.map_sqlx_postgres_pool_opts(closing_what_is_cut);
    sea_orm::Database::connect(options).await
}

/// The pool asks a connection that comes back whether it still answers, and would wait for that for ever.
fn closing_what_is_cut(pool: PgPoolOptions) -> PgPoolOptions {
    pool.after_release(|connection, _| {
        Box::pin(async move {
            match timeout(RETURN_TIMEOUT, connection.ping()).await {
                Ok(answered) => answered.map(|()| true),
                Err(_) => Err(silent("return")),
            }
        })
    })
}

/// The error of a server that says nothing.
pub(crate) fn silent(what: &str) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("the database did not answer: {what}")))
}

/// A driver's error as the rest of the store knows it.
pub(crate) fn database(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(std::sync::Arc::new(error)))
}
