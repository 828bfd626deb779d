//! What a consumer could not settle, and the stream behind it: for operators, and for the bus that replays it.
//!
//! Letters are put by [`crate::Writer::park`], and go when a replay settles their delivery.

use std::collections::HashSet;

use eseal_kernel::{Id, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, Order, Query, SelectStatement, UpdateStatement};
use sea_orm::{ConnectionTrait as _, QueryResult};

use crate::load::{number, to_stored};
use crate::{Database, StoreError, StreamId};

/// An event that was parked for one consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Who could not settle it.
    pub consumer: String,
    /// Whose event it is.
    pub owner: String,
    /// Its id.
    pub event_id: Id,
    /// Its stream; later events of this stream are parked behind it.
    pub stream_id: StreamId,
    /// Its position in the owner's order.
    pub position: u64,
    /// Why, for people.
    pub reason: String,
    /// How often it was tried; 0 when it only lies behind another one.
    pub tries: u32,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// Whether an operator asked for another try that was not made yet.
    pub replay: bool,
}

/// How many letters one consumer has of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterCount {
    /// Who could not settle them.
    pub consumer: String,
    /// Whose events they are.
    pub owner: String,
    /// How many there are.
    pub letters: u64,
}

/// The dead letters in a service's database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    database: Database,
}

impl DeadLetters {
    /// The dead letters in this database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// How many letters there are, for each consumer and owner that has any.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn counts(&self) -> Result<Vec<DeadLetterCount>, StoreError> {
        let select = Query::select()
            .columns(["consumer", "owner"])
            .expr_as(Func::count(Expr::col("event_id")), "letters")
            .from("dead_letters")
            .group_by_columns(["consumer", "owner"])
            .order_by("consumer", Order::Asc)
            .order_by("owner", Order::Asc)
            .take();
        let rows = self.database.reader().query_all(&select).await?;
        let count = |row: &QueryResult| {
            let (consumer, owner) = (row.try_get("", "consumer")?, row.try_get("", "owner")?);
            Ok(DeadLetterCount { consumer, owner, letters: number(row, "letters")? })
        };
        rows.iter().map(count).collect()
    }

    /// The letters of `consumer` after position `after` of `owner`, in order, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails or a row is damaged.
    pub async fn list(
        &self,
        consumer: &str,
        owner: &str,
        after: u64,
        limit: u64,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.letters(select(consumer, owner, after, limit)).await
    }

    /// The letters of one stream after position `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails or a row is damaged.
    pub async fn of_stream(
        &self,
        consumer: &str,
        owner: &str,
        stream: &StreamId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let select = select(consumer, owner, after, limit).and_where(Expr::col("stream_id").eq(stream.as_str())).take();
        self.letters(select).await
    }

    /// Asks for another try of all letters of `consumer`; wherever it runs, it takes them up within a second. How
    /// many there are. Those that fail again are parked again.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn replay(&self, consumer: &str) -> Result<u64, StoreError> {
        let update = Query::update()
            .table("dead_letters")
            .value("replay", 1)
            .and_where(Expr::col("consumer").eq(consumer))
            .take();
        self.update(&update).await
    }

    /// The other way round: no letter of this stream is tried again until an operator asks anew. How many there are.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn give_up(&self, consumer: &str, owner: &str, stream: &StreamId) -> Result<u64, StoreError> {
        let update = Query::update()
            .table("dead_letters")
            .value("replay", 0)
            .and_where(Expr::col("consumer").eq(consumer))
            .and_where(Expr::col("owner").eq(owner))
            .and_where(Expr::col("stream_id").eq(stream.as_str()))
            .take();
        self.update(&update).await
    }

    /// The streams of `owner` that have letters for `consumer`.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn streams(&self, consumer: &str, owner: &str) -> Result<HashSet<StreamId>, StoreError> {
        self.streams_of(&streams(consumer, owner)).await
    }

    /// Those of [`DeadLetters::streams`] with a letter that an operator asked to try again; at most 100.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn streams_to_replay(&self, consumer: &str, owner: &str) -> Result<HashSet<StreamId>, StoreError> {
        self.streams_of(&streams(consumer, owner).and_where(Expr::col("replay").eq(1)).limit(100).take()).await
    }

    async fn streams_of(&self, select: &SelectStatement) -> Result<HashSet<StreamId>, StoreError> {
        let rows = self.database.reader().query_all(select).await?;
        rows.iter().map(|row| Ok(StreamId::stored(row.try_get("", "stream_id")?))).collect()
    }

    async fn update(&self, update: &UpdateStatement) -> Result<u64, StoreError> {
        let tx = self.database.begin().await?;
        let updated = tx.execute(update).await?.rows_affected(); // an error here rolls back when `tx` is dropped
        tx.commit().await?;
        Ok(updated)
    }

    async fn letters(&self, select: SelectStatement) -> Result<Vec<DeadLetter>, StoreError> {
        self.database.reader().query_all(&select).await?.iter().map(letter).collect()
    }
}

fn streams(consumer: &str, owner: &str) -> SelectStatement {
    Query::select()
        .distinct()
        .column("stream_id")
        .from("dead_letters")
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("owner").eq(owner))
        .take()
}

fn select(consumer: &str, owner: &str, after: u64, limit: u64) -> SelectStatement {
    let columns = ["consumer", "owner", "event_id", "stream_id", "position", "reason", "tries", "parked_at", "replay"];
    Query::select()
        .columns(columns)
        .from("dead_letters")
        .and_where(Expr::col("consumer").eq(consumer))
        .and_where(Expr::col("owner").eq(owner))
        .and_where(Expr::col("position").gt(to_stored(after)))
        .order_by("position", Order::Asc)
        .limit(limit)
        .take()
}

fn letter(row: &QueryResult) -> Result<DeadLetter, StoreError> {
    let position = number(row, "position")?;
    let event_id: String = row.try_get("", "event_id")?;
    Ok(DeadLetter {
        consumer: row.try_get("", "consumer")?,
        owner: row.try_get("", "owner")?,
        event_id: event_id.parse().map_err(|_| StoreError::Damaged { position, column: "event_id" })?,
        stream_id: StreamId::stored(row.try_get("", "stream_id")?),
        position,
        reason: row.try_get("", "reason")?,
        tries: u32::try_from(row.try_get::<i32>("", "tries")?).unwrap_or(0),
        parked_at: Timestamp::from_micros(row.try_get("", "parked_at")?),
        replay: row.try_get::<i32>("", "replay")? != 0,
    })
}
