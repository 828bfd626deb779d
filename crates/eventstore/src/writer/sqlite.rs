//! The writer on SQLite: a batch that needs no look-up is one string of statements, from its `BEGIN` to its `COMMIT`.
//!
//! SQLite runs on a thread of its own connection: each statement that is sent alone costs two changes of thread, which are
//! dearer than most of the statements. Nobody else appends to the file in operation, so `head` is taken to be as the last
//! batch left it, and requests to be new. Both show where the events and the answers are written: a position, or a request,
//! that is there already fails the string, which is rolled back, and the batch is written with a look.

use std::sync::Arc;

use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, AssertSqlSafe, Executor as _, Sqlite};
use sea_orm::{DbErr, RuntimeErr, Value};
use sea_query_sqlx::SqlxValues;

use super::batch::{Failed, Recorded, decide};
use super::draft::{Draft, REQUEST_COLUMNS, columns, request_rows};
use super::known::Known;
use super::streams::Streams;
use super::words::{quoted, replacing};
use super::work::Work;
use crate::load::{COLUMNS, to_stored};
use crate::{Database, StoreError};

/// The most works of such a batch: in a larger one, the changes of thread count for little, and the texts of its statements,
/// which depend on the numbers of rows, would drive each other out of the memory for prepared ones.
const MOST: usize = 8;
/// SQLite's code for a lock that another process holds (SQLITE_BUSY), the low byte of its kinds.
const BUSY: i32 = 5;

/// Writes the batch; nothing when it needs a look.
pub(super) async fn at_once(
    database: &Database,
    works: &mut [Work],
    cache: &mut Streams,
) -> Result<Option<Recorded>, Failed> {
    let Some(head) = cache.left().filter(|_| works.len() <= MOST && works.iter().all(Work::is_simple)) else {
        return Ok(None);
    };
    let mut known = Known::default();
    known.load_streams(database.reader(), works, cache, head).await.map_err(Failed::Unreachable)?;
    let draft = decide(works, &mut known, head);
    // A refusal must not follow from what is only assumed, and events are what shows that it is right.
    let answers = works.iter().filter(|work| work.asks()).count();
    if draft.events.is_empty() || draft.requests.len() < answers || !draft.claims.is_empty() {
        return Ok(None);
    }
    let recorded = Recorded::of(known, &draft);
    let script = Script::of(draft);
    let pool = database.writer().get_sqlite_connection_pool();
    let mut connection = pool.acquire().await.map_err(|error| Failed::Unreachable(executing(error).into()))?;
    eseal_faultpoint::pass("writer.uncommitted");
    let query = sqlx::query_with(AssertSqlSafe(script.sql), SqlxValues(sea_orm::Values(script.values)));
    match query.execute(&mut *connection).await {
        Ok(_) => Ok(Some(recorded)),
        Err(error) => {
            roll_back(connection).await;
            match &error {
                sqlx::Error::Database(told) if is_busy(told.code().as_deref()) => {
                    Err(Failed::Unreachable(executing(error).into()))
                }
                // Which of the statements it was, and what that means, is found out with a look.
                sqlx::Error::Database(_) => Ok(None),
                _ => {
                    let cause = executing(error);
                    Err(Failed::InDoubt(StoreError::InDoubt(cause)))
                }
            }
        }
    }
}

/// Ends the transaction that a failed statement left open. SQLite may have done so by itself; a connection of which that is
/// not known is closed, which ends it too.
async fn roll_back(mut connection: PoolConnection<Sqlite>) {
    if connection.execute("ROLLBACK").await.is_err() {
        connection.close_on_drop();
    }
}

fn is_busy(code: Option<&str>) -> bool {
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == BUSY)
}

fn executing(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

/// Statements one after the other, and the values that they name.
struct Script {
    sql: String,
    values: Vec<Value>,
}

impl Script {
    fn of(draft: Draft) -> Self {
        let mut script = Self { sql: "BEGIN IMMEDIATE;".to_owned(), values: Vec::new() };
        let head = to_stored(draft.head());
        script.insert("events", &COLUMNS, draft.events.into_iter().map(columns).collect(), None);
        script.sql.push_str("UPDATE head SET position = ?;");
        script.values.push(head.into());
        for group in draft.rows.0 {
            let conflict = replacing(group.key, &group.columns);
            script.insert(group.table, &group.columns, group.values, Some(&conflict));
        }
        script.insert("requests", &REQUEST_COLUMNS, request_rows(draft.requests), None);
        script.sql.push_str("COMMIT");
        script
    }

    /// Rows of a table, if there are any.
    fn insert(&mut self, table: &str, columns: &[&str], rows: Vec<Vec<Value>>, on_conflict: Option<&str>) {
        if rows.is_empty() {
            return;
        }
        let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let row = format!("({})", vec!["?"; columns.len()].join(","));
        let all = vec![row.as_str(); rows.len()].join(",");
        let (table, names) = (quoted(table), names.join(","));
        let statement = format!("INSERT INTO {table} ({names}) VALUES {all} {};", on_conflict.unwrap_or_default());
        self.sql.push_str(&statement);
        self.values.extend(rows.into_iter().flatten());
    }
}
