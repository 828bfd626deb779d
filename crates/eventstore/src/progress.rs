//! How far a consumer has come.

use std::collections::BTreeSet;

use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query};

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
    /// What is settled or parked after a gap behind the cursor.
    pub ahead: BTreeSet<u64>,
}

impl Progress {
    /// The progress of `consumer` in the events of `owner`, as committed in the consumer's own database.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn of(database: &Database, consumer: &str, owner: &str) -> Result<Self, StoreError> {
        let of_owner = || Expr::col("consumer").eq(consumer).and(Expr::col("owner").eq(owner));
        let select = Query::select().column("position").from("cursors").and_where(of_owner()).take();
        let cursor = database.reader().query_one(&select).await?.map_or(Ok(0), |row| number(&row, "position"))?;
        let select = Query::select()
            .column("position")
            .from("inbox")
            .and_where(of_owner())
            .and_where(Expr::col("position").gt(to_stored(cursor)))
            .order_by("position", Order::Asc)
            .limit(AHEAD_MAX)
            .take();
        let rows = database.reader().query_all(&select).await?;
        let ahead = rows.iter().map(|row| number(row, "position")).collect::<Result<_, _>>()?;
        Ok(Self { cursor, ahead })
    }
}
