//! The writer on PostgreSQL: two round trips for a batch, and nothing is locked while it thinks.
//!
//! 1. One statement looks up `head` and what the orders name, as of one moment ([`look_up`]). Streams that are not in
//!    memory take one more. Where all that is to be looked up is whether requests were answered before, it is left
//!    out: `head` is taken to be as the last batch left it, and the flush fails on a request that is there already. A batch
//!    with a refused request is looked up after all.
//! 2. One statement writes all tables, and is a transaction of its own ([`flush`]). It begins with `head`, and goes on only if
//!    that row is still the very one that was looked up: everything that a batch reads is written under `head`.
//!
//! If another replica was faster, nothing was written, and the batch begins again behind a lock on `head`, as do the next
//! ones: two busy replicas take turns. Every wait has a bound, for a connection that is cut without a word never answers.

mod connection;
mod flush;
mod look_up;

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, DbErr};
use sqlx::postgres::PgConnectOptions;
use tokio::time::timeout;

use self::connection::Connection;
use self::flush::Flush;
use self::look_up::Seen;
use super::batch::{Failed, Recorded, decide};
use super::known::Known;
use super::streams::Streams;
use super::work::Work;
use crate::StoreError;
use crate::bulk::{is_broken, is_rollback, is_unreachable};
use crate::database::postgres::{database, silent};

/// How many batches after one that was overtaken lock `head` before they look.
const WARY: u32 = 16;
/// How long a batch may take; a rebuild, which holds `head`, must fit in.
const BOUND: Duration = Duration::from_secs(60);
/// After so long a connection may have died unnoticed: a look-up finds that out, and a flush would be left in doubt.
const RESTED: Duration = Duration::from_millis(50);
const ROLLBACK: Duration = Duration::from_secs(5);

/// The writer's own session.
pub(super) struct Session {
    options: PgConnectOptions,
    /// Only a connection whose last answer was read to its end is kept.
    connection: Option<Connection>,
    wary: u32,
    /// `head` as the last batch left it, and when.
    left: Option<(Head, Instant)>,
}

/// The row of `head`.
#[derive(Clone)]
struct Head {
    position: u64,
    /// The transaction that wrote it: another one, another row.
    row: String,
}

impl Session {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options: connection::options(options), connection: None, wary: 0, left: None }
    }

    /// Writes the batch in one transaction.
    pub(super) async fn write(&mut self, works: &mut [Work], cache: &mut Streams) -> Result<Recorded, Failed> {
        loop {
            let (connection, is_fresh) = match self.connection.take() {
                Some(connection) => (connection, false),
                None => (Connection::open(&self.options).await.map_err(unreachable)?, true),
            };
            let assumed = self.assumed(works);
            let is_assumed = assumed.is_some();
            let mut attempt =
                Attempt { connection: &connection, is_locked: self.wary > 0, is_open: false, is_committing: false };
            let result = timeout(BOUND, attempt.run(works, cache, assumed)).await;
            let failed = match result {
                Ok(Ok(Some((recorded, head)))) => {
                    self.wary = self.wary.saturating_sub(1);
                    self.connection = Some(connection);
                    self.left = Some((head, Instant::now()));
                    return Ok(recorded);
                }
                // Now with a look: another replica was faster, or there is a repeated request.
                Ok(Ok(None)) if is_assumed => {
                    self.connection = attempt.is_ended().await.then_some(connection);
                    continue;
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

    /// `head`, where it need not be looked up.
    fn assumed(&mut self, works: &[Work]) -> Option<Head> {
        let (head, at) = self.left.take()?;
        (self.wary == 0 && at.elapsed() < RESTED && works.iter().all(Work::is_simple)).then_some(head)
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
    /// What was recorded, and how it left `head`; nothing when another replica was faster, or what was assumed is wrong.
    async fn run(
        &mut self,
        works: &mut [Work],
        cache: &mut Streams,
        assumed: Option<Head>,
    ) -> Result<Option<(Recorded, Head)>, StoreError> {
        let is_assumed = assumed.is_some();
        if self.is_locked {
            self.begin().await?;
            self.connection.execute_unprepared("SELECT 1 FROM head FOR UPDATE").await?;
        }
        let (mut known, seen) = match assumed {
            Some(head) => (Known::default(), Seen::assumed(head)),
            None => look_up::look_up(self.connection, works).await?,
        };
        known.load_streams(self.connection, works, cache, seen.head.position).await?;
        let draft = decide(works, &mut known, seen.head.position);
        // Whether a request was answered before shows only where its answer is written: not where it was refused.
        if is_assumed && works.iter().filter(|work| work.asks()).count() > draft.requests.len() {
            return Ok(None);
        }
        let head = draft.head();
        let held = look_up::holders(self.connection, &draft, &known).await?;
        let recorded = Recorded::of(known, &draft);
        let flush = Flush::of(draft, &held, &seen)?;
        let Some(flush) = flush else {
            self.end().await?;
            // What was assumed is verified by writing only: a refusal must not follow from a state of the past.
            return Ok((!is_assumed).then_some((recorded, seen.head)));
        };
        let is_whole = flush.later.is_empty();
        if !is_whole && !self.is_open {
            self.begin().await?;
        }
        eseal_faultpoint::pass("writer.uncommitted");
        self.is_committing = !self.is_open;
        let moved = match self.connection.query_one_raw(flush.first).await {
            Err(error) if is_assumed && flush::is_repeated_request(&error) => return Ok(None),
            moved => row_of(moved)?,
        };
        let Some(row) = moved else { return Ok(None) };
        for statement in flush.later {
            self.connection.execute_raw(statement).await?;
        }
        if self.is_open {
            self.is_committing = true;
            self.connection.execute_unprepared("COMMIT").await?;
            self.is_open = false;
        }
        Ok(Some((recorded, Head { position: head, row })))
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

/// The new row of `head`, if the flush found it as it was looked up.
fn row_of(answer: Result<Option<sea_orm::QueryResult>, DbErr>) -> Result<Option<String>, StoreError> {
    let answer = answer.map_err(flush::error)?.ok_or(StoreError::Damaged { position: 0, column: "head.position" })?;
    Ok(answer.try_get_by_index(0)?)
}
