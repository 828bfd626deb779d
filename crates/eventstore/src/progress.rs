//! How far a consumer has come.

use std::collections::BTreeSet;

use eseal_kernel::Id;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait as _, QueryResult};

use crate::load::{number, to_stored};
use crate::{Database, StoreError};

/// The most positions ahead of the cursor that are told. A consumer keeps fewer events in flight than that; one that is
/// told of none of them delivers again, which changes nothing.
const AHEAD_MAX: u64 = 10_000;

/// What one consumer has settled of one owner's events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to this position is settled or parked.
    pub cursor: u64,
    /// What is settled or parked after a gap behind the cursor: positions, and the events that were taken for theirs.
    pub ahead: BTreeSet<(u64, Id)>,
}

impl Progress {
    /// The progress of `consumer` in the events of `owner`, as committed in the consumer's own database.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn of(database: &Database, consumer: &str, owner: &str) -> Result<Self, StoreError> {
        let select = Query::select().column("position").from("cursors").and_where(of(consumer, owner)).take();
        let cursor = database.reader().query_one(&select).await?.map_or(Ok(0), |row| number(&row, "position"))?;
        let after = Expr::col("position").gt(to_stored(cursor));
        let select = inbox(consumer, owner).and_where(after).order_by("position", Order::Asc).limit(AHEAD_MAX).take();
        Ok(Self { cursor, ahead: settled(database, &select).await? })
    }

    /// The last events up to the cursor that were settled or parked, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn behind(
        &self,
        database: &Database,
        consumer: &str,
        owner: &str,
        limit: u64,
    ) -> Result<BTreeSet<(u64, Id)>, StoreError> {
        let up_to = Expr::col("position").lte(to_stored(self.cursor));
        let select = inbox(consumer, owner).and_where(up_to).order_by("position", Order::Desc).limit(limit).take();
        settled(database, &select).await
    }
}

fn of(consumer: &str, owner: &str) -> Expr {
    Expr::col("consumer").eq(consumer).and(Expr::col("owner").eq(owner))
}

fn inbox(consumer: &str, owner: &str) -> SelectStatement {
    Query::select().columns(["position", "event_id"]).from("inbox").and_where(of(consumer, owner)).take()
}

async fn settled(database: &Database, select: &SelectStatement) -> Result<BTreeSet<(u64, Id)>, StoreError> {
    let settled = |row: &QueryResult| {
        let position = number(row, "position")?;
        let damaged = |_| StoreError::Damaged { position, column: "event_id" };
        Ok((position, row.try_get::<String>("", "event_id")?.parse().map_err(damaged)?))
    };
    database.reader().query_all(select).await?.iter().map(settled).collect()
}
