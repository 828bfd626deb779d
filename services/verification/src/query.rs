//! Reads from the table of this service.

use eseal_eventstore::Database;
use eseal_kernel::Id;
use eseal_proto::moment;
use eseal_proto::verification::v1 as pb;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query as Sql};
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};

/// The read side. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Query {
    database: Database,
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// The read table does not hold what the projection writes there: rebuild it.
    #[error("the items of the failure {0} are not what the projection writes there")]
    Damaged(String),
}

/// The place of a failure in the list, which begins with the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: i64,
    /// Which it is among those of the same moment.
    pub failure: Id,
}

impl Query {
    /// Reads from `database`.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// A page of failures after `after`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn failures(&self, after: Option<Place>, limit: u64) -> Result<Vec<pb::Failure>, QueryError> {
        let mut select = Sql::select();
        select.columns(["failure_id", "document_digest", "items", "recorded_at"]).from("failure");
        if let Some(after) = after {
            let same_moment = Expr::col("recorded_at").eq(after.recorded_at);
            let later_there = same_moment.and(Expr::col("failure_id").lt(after.failure.to_string()));
            select.and_where(Expr::col("recorded_at").lt(after.recorded_at).or(later_there));
        }
        select.order_by("recorded_at", Order::Desc).order_by("failure_id", Order::Desc).limit(limit);
        self.database.reader().query_all(&select).await?.iter().map(failure).collect()
    }
}

fn failure(row: &QueryResult) -> Result<pb::Failure, QueryError> {
    let failure_id: String = row.try_get("", "failure_id")?;
    let items: String = row.try_get("", "items")?;
    let items = serde_json::from_str(&items).map_err(|_| QueryError::Damaged(failure_id.clone()))?;
    Ok(pb::Failure {
        document_digest: row.try_get("", "document_digest")?,
        at: Some(moment::from_micros(row.try_get("", "recorded_at")?)),
        verdict: pb::Verdict::Invalid.into(),
        items,
        failure_id,
    })
}
