//! The writer on PostgreSQL: two round trips for a batch, and nothing is locked while it thinks.
//!
//! 1. One statement looks up `head` and what the orders name, as of one moment ([`look_up`]). Streams that are not in
//!    memory take one more.
//! 2. One statement writes all tables, and is a transaction of its own ([`flush`]). It begins with `head`, and goes on only if
//!    that row is still the very one that was looked up: everything that a batch reads is written under `head`.
//!
//! If another replica was faster, nothing was written, and the batch begins again behind a lock on `head`, as do the next
//! ones: two busy replicas take turns. Every wait has a bound, for a connection that is cut without a word never answers.

mod connection;
mod flush;
mod look_up;

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DbErr};
use sqlx::postgres::PgConnectOptions;
use tokio::time::timeout;

use self::connection::Connection;
use self::flush::Flush;
use super::batch::{Failed, Recorded, decide};
use super::streams::Streams;
use super::work::Work;
use crate::StoreError;
use crate::bulk::{is_broken, is_rollback, is_unreachable};
use crate::database::postgres::{database, silent};

/// How many batches after one that was overtaken lock `head` before they look.
const WARY: u32 = 16;
/// How long a batch may take; a rebuild, which holds `head`, must fit in.
const BOUND: Duration = Duration::from_secs(60);
const ROLLBACK: Duration = Duration::from_secs(5);

/// The writer's own session.
pub(super) struct Session {
    options: PgConnectOptions,
    /// Only a connection whose last answer was read to its end is kept.
    connection: Option<Connection>,
    wary: u32,
}

impl Session {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options: connection::options(options), connection: None, wary: 0 }
    }

    /// Writes the batch in one transaction.
    pub(super) async fn write(&mut self, works: &mut [Work], cache: &mut Streams) -> Result<Recorded, Failed> {
        loop {
            let (connection, is_fresh) = match self.connection.take() {
                Some(connection) => (connection, false),
                None => (Connection::open(&self.options).await.map_err(unreachable)?, true),
            };
            let mut attempt =
                Attempt { connection: &connection, is_locked: self.wary > 0, is_open: false, is_committing: false };
            let result = timeout(BOUND, attempt.run(works, cache)).await;
            let failed = match result {
                Ok(Ok(Some(recorded))) => {
                    self.wary = self.wary.saturating_sub(1);
                    self.connection = Some(connection);
                    return Ok(recorded);
                }
                Ok(Ok(None)) => {
                    self.wary = WARY;
                    self.connection = attempt.is_ended().await.then_some(connection);
                    continue;
                }
                Ok(Err(error)) => attempt.failed(error),
                Err(_) => attempt.failed(database(silent("write")).into()),
            };
            let broken =
                matches!(failed.error(), StoreError::Database(cause) | StoreError::InDoubt(cause) if is_broken(cause));
            if !broken && attempt.is_ended().await {
                self.connection = Some(connection);
            }
            if !is_fresh && matches!(failed, Failed::Unreachable(_)) {
                self.connection = None;
                continue; // the server was started anew since the last batch; nothing was written yet
            }
            return Err(failed);
        }
    }
}

fn unreachable(error: sqlx::Error) -> Failed {
    Failed::Unreachable(database(error).into())
}

/// One try to write a batch.
struct Attempt<'a> {
    connection: &'a Connection,
    /// Whether `head` is locked before anything is looked up.
    is_locked: bool,
    /// Whether a transaction is open that must be ended.
    is_open: bool,
    /// Whether what is asked for now may commit.
    is_committing: bool,
}

impl Attempt<'_> {
    /// What was recorded; nothing when another replica was faster.
    async fn run(&mut self, works: &mut [Work], cache: &mut Streams) -> Result<Option<Recorded>, StoreError> {
        if self.is_locked {
            self.begin().await?;
            self.connection.execute_unprepared("SELECT 1 FROM head FOR UPDATE").await?;
        }
        let (mut known, seen) = look_up::look_up(self.connection, works).await?;
        known.load_streams(self.connection, works, cache, seen.position).await?;
        let draft = decide(works, &mut known, seen.position);
        let (head, events) = (draft.head(), draft.count());
        let held = look_up::holders(self.connection, &draft, &known).await?;
        let flush = Flush::of(draft, &held, &seen)?;
        let recorded = Recorded { known, head, events };
        let Some(flush) = flush else {
            self.end().await?;
            return Ok(Some(recorded));
        };
        let is_whole = flush.later.is_empty();
        if !is_whole && !self.is_open {
            self.begin().await?;
        }
        eseal_faultpoint::pass("writer.uncommitted");
        self.is_committing = !self.is_open;
        if !moves(self.connection.query_one_raw(flush.first).await)? {
            return Ok(None);
        }
        for statement in flush.later {
            self.connection.execute_raw(statement).await?;
        }
        if self.is_open {
            self.is_committing = true;
            self.connection.execute_unprepared("COMMIT").await?;
            self.is_open = false;
        }
        Ok(Some(recorded))
    }

    async fn begin(&mut self) -> Result<(), DbErr> {
        self.is_open = true;
        self.connection.execute_unprepared("BEGIN").await.map(drop)
    }

    async fn end(&mut self) -> Result<(), DbErr> {
        if std::mem::take(&mut self.is_open) {
            self.connection.execute_unprepared("ROLLBACK").await?;
        }
        Ok(())
    }

    /// Ends the transaction, if one is open; whether the connection can be used again.
    async fn is_ended(&mut self) -> bool {
        matches!(timeout(ROLLBACK, self.end()).await, Ok(Ok(())))
    }

    /// What an error means for the batch.
    fn failed(&self, error: StoreError) -> Failed {
        let StoreError::Database(cause) = &error else { return Failed::RolledBack(error) };
        if self.is_committing && !is_rollback(cause) {
            return Failed::InDoubt(StoreError::InDoubt(cause.clone()));
        }
        if is_unreachable(cause) { Failed::Unreachable(error) } else { Failed::RolledBack(error) }
    }
}

/// Whether the flush found `head` as it was looked up.
fn moves(row: Result<Option<sea_orm::QueryResult>, DbErr>) -> Result<bool, StoreError> {
    let row = row.map_err(flush::error)?.ok_or(StoreError::Damaged { position: 0, column: "head.position" })?;
    Ok(row.try_get_by_index::<i64>(0)? > 0)
}
