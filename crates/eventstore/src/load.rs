//! Events from rows, and states from events.

use eseal_kernel::{Digest, Id, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::{Actor, Database, StoreError, Stored, StoredEvent, StreamId};

/// The most events that are held in memory at once while a stream or the log is read.
pub(crate) const PAGE: u64 = 1_000;

/// The columns of an event, in the order of the table.
pub(crate) const COLUMNS: [&str; 15] = [
    "position",
    "event_id",
    "stream_id",
    "stream_version",
    "type",
    "schema_version",
    "occurred_at",
    "actor",
    "subject",
    "correlation_id",
    "causation_id",
    "payload",
    "prev_hash",
    "hash",
    "traceparent",
];

/// The aggregate `id` and the version of its stream; the default and 0 where there are no events.
///
/// # Errors
/// [`StoreError`] when the id could name no stream, an event can't be read, or the database fails.
pub async fn state_of<A: Stored>(database: &Database, id: &str) -> Result<(A, u64), StoreError> {
    let stream = StreamId::try_new(A::KIND, id)?;
    let mut state = A::default();
    let mut version = 0;
    loop {
        let page = stream_page(database.reader(), &stream, version).await?;
        for event in &page {
            state = state.evolve(&event.fact::<A>()?);
            version = event.stream_version;
        }
        if (page.len() as u64) < PAGE {
            return Ok((state, version));
        }
    }
}

/// The next events of a stream after `version`.
pub(crate) async fn stream_page(
    connection: &impl ConnectionTrait,
    stream: &StreamId,
    version: u64,
) -> Result<Vec<StoredEvent>, StoreError> {
    let select = select()
        .and_where(Expr::col("stream_id").eq(stream.as_str()))
        .and_where(Expr::col("stream_version").gt(to_stored(version)))
        .order_by("stream_version", Order::Asc)
        .limit(PAGE)
        .take();
    events(connection, &select).await
}

/// The next events of the log after `position`, at most `limit`.
pub(crate) async fn log_page(
    connection: &impl ConnectionTrait,
    position: u64,
    limit: u64,
) -> Result<Vec<StoredEvent>, StoreError> {
    let select = select()
        .and_where(Expr::col("position").gt(to_stored(position)))
        .order_by("position", Order::Asc)
        .limit(limit)
        .take();
    events(connection, &select).await
}

/// All columns of all events; the caller adds which, in what order, and how many.
pub(crate) fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from("events").take()
}

/// The events that a select gives.
pub(crate) async fn events(
    connection: &impl ConnectionTrait,
    select: &SelectStatement,
) -> Result<Vec<StoredEvent>, StoreError> {
    connection.query_all(select).await?.iter().map(event).collect()
}

fn event(row: &QueryResult) -> Result<StoredEvent, StoreError> {
    let position = number(row, "position")?;
    let damaged = |column| StoreError::Damaged { position, column };
    let id = |column, text: String| text.parse::<Id>().map_err(|_| damaged(column));
    let digest = |column, bytes: Vec<u8>| Digest::try_from(bytes.as_slice()).map_err(|_| damaged(column));
    let causation: Option<String> = row.try_get("", "causation_id")?;
    let prev_hash: Option<Vec<u8>> = row.try_get("", "prev_hash")?;
    let schema_version: i32 = row.try_get("", "schema_version")?;
    Ok(StoredEvent {
        position,
        event_id: id("event_id", row.try_get("", "event_id")?)?,
        stream_id: StreamId::stored(row.try_get("", "stream_id")?),
        stream_version: number(row, "stream_version")?,
        kind: row.try_get("", "type")?,
        schema_version: u32::try_from(schema_version).map_err(|_| damaged("schema_version"))?,
        occurred_at: Timestamp::from_micros(row.try_get("", "occurred_at")?),
        actor: Actor::stored(&row.try_get::<String>("", "actor")?).ok_or_else(|| damaged("actor"))?,
        subject: row.try_get("", "subject")?,
        correlation_id: row.try_get("", "correlation_id")?,
        causation_id: causation.map(|text| id("causation_id", text)).transpose()?,
        payload: row.try_get("", "payload")?,
        prev_hash: prev_hash.map(|bytes| digest("prev_hash", bytes)).transpose()?,
        hash: digest("hash", row.try_get("", "hash")?)?,
        traceparent: row.try_get("", "traceparent")?,
    })
}

/// A position or version as the databases keep it: they have no unsigned integers.
pub(crate) fn to_stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A position or version as it was kept.
pub(crate) fn number(row: &QueryResult, column: &'static str) -> Result<u64, StoreError> {
    let stored: i64 = row.try_get("", column)?;
    u64::try_from(stored).map_err(|_| StoreError::Damaged { position: 0, column })
}
