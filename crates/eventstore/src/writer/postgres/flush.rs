//! What a batch writes, in one statement.
//!
//! A statement with a part for each table, whose rows come as one array for each column: its text depends on which tables
//! are written and not on how many rows, so the server plans it once.

use std::collections::{BTreeMap, HashMap};

use eseal_kernel::ClaimKey;
use sea_orm::sea_query::ArrayType;
use sea_orm::{DbBackend, DbErr, RuntimeErr, Statement, Value, sqlx};

use super::look_up::Seen;
use crate::StoreError;
use crate::bulk::{is_duplicate, texts};
use crate::load::{COLUMNS, to_stored};
use crate::writer::draft::{Draft, REQUEST_COLUMNS};
use crate::writer::inbox::{self, CURSOR_COLUMNS, INBOX_COLUMNS, LETTER_COLUMNS};
use crate::writer::words::{quoted, replacing};

/// Only if `head` is as it was looked up.
const IF_MOVED: &str = "WHERE EXISTS (SELECT FROM moved)";

/// The statements of a batch.
pub(super) struct Flush {
    /// Moves `head` and writes all tables; its answer is the new row, or nothing if `head` was moved by another.
    pub(super) first: Statement,
    /// Further rows of tables that the first one writes: one statement can write a row once only.
    pub(super) later: Vec<Statement>,
}

impl Flush {
    /// What a draft asks for; nothing when there is nothing to write.
    pub(super) fn of(
        draft: Draft,
        held: &HashMap<ClaimKey, Option<String>>,
        seen: &Seen,
    ) -> Result<Option<Self>, StoreError> {
        if draft.is_empty() {
            return Ok(None);
        }
        let mut first = Parts::default();
        let (position, row) = (first.bind(to_stored(draft.head())), first.bind(seen.head.row.as_str()));
        first.parts.push(format!(
            "moved AS (UPDATE head SET position = {position}::bigint WHERE id = 1 AND xmin = {row}::text::xid RETURNING pg_current_xact_id()::xid::text AS row)"
        ));
        first.insert(
            "events",
            &COLUMNS,
            draft.events.into_iter().map(crate::writer::draft::columns).collect(),
            None,
        )?;
        let mut later = Vec::new();
        let mut written = vec!["events", "head", "claims", "requests", "inbox", "cursors", "dead_letters"];
        for group in draft.rows.0 {
            let conflict = Some(replacing(group.key, &group.columns));
            if written.contains(&group.table) {
                let mut parts = Parts { is_alone: true, ..Parts::default() };
                parts.insert(group.table, &group.columns, group.values, conflict)?;
                later.push(parts.alone());
            } else {
                written.push(group.table);
                first.insert(group.table, &group.columns, group.values, conflict)?;
            }
        }
        let claims = draft.claims.changes(held)?;
        first.claims(claims)?;
        first.insert("requests", &REQUEST_COLUMNS, crate::writer::draft::request_rows(draft.requests), None)?;
        first.inbox(draft.inbox.outcome(), seen)?;
        Ok(Some(Self { first: first.statement(), later }))
    }
}

/// The parts of a statement, and the values that they name.
#[derive(Default)]
struct Parts {
    parts: Vec<String>,
    values: Vec<Value>,
    is_alone: bool,
}

impl Parts {
    /// The name of one more value.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Rows of a table, if there are any.
    fn insert(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: Vec<Vec<Value>>,
        on_conflict: Option<String>,
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut arrays = vec![Vec::with_capacity(rows.len()); columns.len()];
        for row in rows {
            arrays.iter_mut().zip(row).for_each(|(array, value)| array.push(value));
        }
        let mut sources = Vec::with_capacity(columns.len());
        for array in arrays {
            let (name, kind) = kind_of(array.first())?;
            let bound = self.bind(Value::Array(kind, Some(Box::new(array))));
            sources.push(format!("{bound}::{name}[]"));
        }
        let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let insert = format!(
            "INSERT INTO {} ({}) SELECT * FROM unnest({}) {} {}",
            quoted(table),
            names.join(", "),
            sources.join(", "),
            if self.is_alone { "" } else { IF_MOVED },
            on_conflict.unwrap_or_default(),
        );
        self.parts.push(if self.is_alone { insert } else { format!("p{} AS ({insert})", self.parts.len()) });
        Ok(())
    }

    fn delete(&mut self, table: &str, condition: &str) {
        let part = format!("p{} AS (DELETE FROM {table} {IF_MOVED} AND {condition})", self.parts.len());
        self.parts.push(part);
    }

    fn claims(&mut self, changes: BTreeMap<ClaimKey, Option<String>>) -> Result<(), StoreError> {
        let gone = changes.iter().filter(|(_, holder)| holder.is_none()).map(|(key, _)| key.as_str().to_owned());
        let gone: Vec<String> = gone.collect();
        if !gone.is_empty() {
            let keys = self.bind(texts(gone));
            self.delete("claims", &format!("key = ANY ({keys}::text[])"));
        }
        let taken = changes.into_iter().filter_map(|(key, holder)| Some(vec![key.as_str().into(), holder?.into()]));
        let columns = ["key", "stream_id"];
        self.insert("claims", &columns, taken.collect(), Some(replacing(&["key"], &columns)))
    }

    fn inbox(&mut self, outcome: inbox::Outcome, seen: &Seen) -> Result<(), StoreError> {
        let key = ["event_id", "consumer"];
        let cursors = outcome.cursors(&seen.progress);
        self.insert("inbox", &INBOX_COLUMNS, outcome.inbox, Some(replacing(&key, &INBOX_COLUMNS)))?;
        self.insert("dead_letters", &LETTER_COLUMNS, outcome.letters, Some(replacing(&key, &LETTER_COLUMNS)))?;
        if !outcome.resolved.is_empty() {
            let (events, consumers): (Vec<_>, Vec<_>) = outcome.resolved.into_iter().unzip();
            let (events, consumers) = (self.bind(texts(events)), self.bind(texts(consumers)));
            let these =
                format!("(event_id, consumer) IN (SELECT * FROM unnest({events}::text[], {consumers}::text[]))");
            self.delete("dead_letters", &these);
        }
        self.insert("cursors", &CURSOR_COLUMNS, cursors, Some(replacing(&["consumer", "owner"], &CURSOR_COLUMNS)))
    }

    fn statement(self) -> Statement {
        let sql = format!("WITH {} SELECT max(row) FROM moved", self.parts.join(", "));
        Statement::from_sql_and_values(DbBackend::Postgres, sql, self.values)
    }

    fn alone(self) -> Statement {
        Statement::from_sql_and_values(DbBackend::Postgres, self.parts.join(" "), self.values)
    }
}

/// What arrays of such values are called.
fn kind_of(value: Option<&Value>) -> Result<(&'static str, ArrayType), StoreError> {
    Ok(match value {
        Some(Value::Bool(_)) => ("boolean", ArrayType::Bool),
        Some(Value::SmallInt(_)) => ("smallint", ArrayType::SmallInt),
        Some(Value::Int(_)) => ("integer", ArrayType::Int),
        Some(Value::BigInt(_)) => ("bigint", ArrayType::BigInt),
        Some(Value::Double(_)) => ("double precision", ArrayType::Double),
        Some(Value::String(_)) => ("text", ArrayType::String),
        Some(Value::Bytes(_)) => ("bytea", ArrayType::Bytes),
        other => {
            let kind = other.map(Value::array_type);
            return Err(DbErr::Type(format!("a row holds a value of {kind:?}, which is not written")).into());
        }
    })
}

/// An error of the flush: an event that is there already was written by another writer.
pub(super) fn error(error: DbErr) -> StoreError {
    if is_duplicate_in("events", &error) { StoreError::Concurrent } else { error.into() }
}

/// Whether the flush met a request that was answered before.
pub(super) fn is_repeated_request(error: &DbErr) -> bool {
    is_duplicate_in("requests", error)
}

fn is_duplicate_in(table: &str, error: &DbErr) -> bool {
    let DbErr::Query(RuntimeErr::SqlxError(cause)) = error else { return false };
    matches!(&**cause, sqlx::Error::Database(cause) if cause.table() == Some(table)) && is_duplicate(error)
}
