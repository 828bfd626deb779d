//! Work that one replica does at a time.
//!
//! A lease is a session's advisory lock on a connection of its own, so that it ends when its holder does, in whatever way.
//! A connection that is cut without a word is the hard case: the holder asks the server twice a second and takes itself for
//! lost after [`ANSWER`] without an answer; the server, which asks its client by TCP, gives the lock away later than that. So
//! the one has stopped before the other begins. Whoever must not do anything twice at all fences what it does besides.

use std::time::Duration;

use eseal_kernel::Digest;
use sea_orm::DbErr;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::database::postgres::{connect, database, silent};

/// How often the holder asks whether it still is one.
const CHECK: Duration = Duration::from_millis(500);
/// How long the answer may take. Less than the server needs to give up a silent client (`database/postgres.rs`).
const ANSWER: Duration = Duration::from_secs(3);

/// A lease that is held until it is dropped or lost. See [`crate::Database::lease`].
#[derive(Debug)]
#[must_use = "a lease that is dropped is given back"]
pub struct Lease {
    lost: CancellationToken,
    _release: Option<DropGuard>,
}

impl Lease {
    /// One that nobody else can ask for.
    pub(crate) fn unshared() -> Self {
        Self { lost: CancellationToken::new(), _release: None }
    }

    /// Takes the lease, unless somebody holds it.
    pub(crate) async fn take(options: PgConnectOptions, name: &str) -> Result<Option<Self>, DbErr> {
        let options = options.application_name("eseal-lease").options([("idle_session_timeout", "0")]);
        let mut connection = connect(&options).await.map_err(database)?;
        let taking = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(key(name)).fetch_one(&mut connection);
        let taken: Result<bool, _> = timeout(ANSWER, taking).await.unwrap_or_else(|_| Err(silent("lease")));
        let taken = taken.map_err(database)?;
        if !taken {
            let _ = connection.close().await; // it holds nothing
            return Ok(None);
        }
        let (lost, release) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn(hold(connection, name.to_owned(), release.clone(), lost.clone().drop_guard()));
        Ok(Some(Self { lost, _release: Some(release.drop_guard()) }))
    }

    /// Whether it was held a moment ago.
    pub fn is_held(&self) -> bool {
        !self.lost.is_cancelled()
    }

    /// Ends when the lease is lost: its work must stop then, another replica may begin it.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + use<> {
        self.lost.clone().cancelled_owned()
    }
}

/// Keeps the connection until it fails or is not needed any more. The guard tells the loss, also if this task is
/// dropped with its runtime.
async fn hold(mut connection: PgConnection, name: String, release: CancellationToken, lost: DropGuard) {
    loop {
        tokio::select! {
            () = release.cancelled() => {
                drop(lost);
                // In order, so that the server gives the lock to the next one at once.
                let _ = timeout(ANSWER, connection.close()).await;
                return;
            }
            () = sleep(CHECK) => {}
        }
        if !matches!(timeout(ANSWER, connection.ping()).await, Ok(Ok(()))) {
            drop(lost);
            tracing::warn!(lease = name, "the lease is lost with its connection");
            return;
        }
    }
}

/// The lock's number. Locks are of one database, so the name need not tell which.
fn key(name: &str) -> i64 {
    let digest = Digest::of(format!("eseal-lease-v1 {name}").as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *digest.bytes();
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}
