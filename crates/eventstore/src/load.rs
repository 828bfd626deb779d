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

/// An event from a row of [`COLUMNS`], in their order: by place, since a million names take long to look up.
pub(crate) fn event(row: &QueryResult) -> Result<StoredEvent, StoreError> {
    let unsigned = |place: usize| {
        let stored: i64 = row.try_get_by_index(place)?;
        u64::try_from(stored).map_err(|_| StoreError::Damaged { position: 0, column: COLUMNS[place] })
    };
    let position = unsigned(0)?;
    let damaged = |place: usize| StoreError::Damaged { position, column: COLUMNS[place] };
    let id = |place, text: String| text.parse::<Id>().map_err(|_| damaged(place));
    let digest = |place, bytes: Vec<u8>| Digest::try_from(bytes.as_slice()).map_err(|_| damaged(place));
    let schema_version: i32 = row.try_get_by_index(5)?;
    let causation: Option<String> = row.try_get_by_index(10)?;
    let prev_hash: Option<Vec<u8>> = row.try_get_by_index(12)?;
    Ok(StoredEvent {
        position,
        event_id: id(1, row.try_get_by_index(1)?)?,
        stream_id: StreamId::stored(row.try_get_by_index(2)?),
        stream_version: unsigned(3)?,
        kind: row.try_get_by_index(4)?,
        schema_version: u32::try_from(schema_version).map_err(|_| damaged(5))?,
        occurred_at: Timestamp::from_micros(row.try_get_by_index(6)?),
        actor: Actor::stored(&row.try_get_by_index::<String>(7)?).ok_or_else(|| damaged(7))?,
        subject: row.try_get_by_index(8)?,
        correlation_id: row.try_get_by_index(9)?,
        causation_id: causation.map(|text| id(10, text)).transpose()?,
        payload: row.try_get_by_index(11)?,
        prev_hash: prev_hash.map(|bytes| digest(12, bytes)).transpose()?,
        hash: digest(13, row.try_get_by_index(13)?)?,
        traceparent: row.try_get_by_index(14)?,
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
