//! Acts over many documents.

use eseal_kernel::Digest;
use eseal_proto::authentication::v1 as pb;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query as Sql};

use super::{AttemptFilter, Query, QueryError, shown, word};
use crate::domain::ids::{AttemptId, SealId};

/// What of an act never changes once gate d let it through, and is asked for before a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchTerms {
    /// Stands for all documents and their places.
    pub root: Digest,
    /// How many there are.
    pub documents: u32,
    /// SHA-256 of the certificates whose keys shall sign.
    pub certificates: Vec<Digest>,
}

const DOCUMENT: [&str; 6] = ["number", "document_digest", "signature_digest", "places", "ended_at", "reason"];

impl Query {
    /// What gate d let through for an act; none if it did not.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn batch(&self, seal: SealId, attempt: AttemptId) -> Result<Option<BatchTerms>, QueryError> {
        let select = Sql::select()
            .columns(["root", "documents", "certificate_digests"])
            .from("sealing_batch")
            .and_where(Expr::col("attempt_id").eq(attempt.to_string()))
            .and_where(Expr::col("seal_id").eq(seal.to_string()))
            .take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        let documents = u32::try_from(row.try_get::<i64>("", "documents")?);
        Ok(Some(BatchTerms {
            root: word(&row, "root")?,
            documents: documents.map_err(|_| QueryError::Damaged("documents"))?,
            certificates: shown::digests(&row, "certificate_digests")?,
        }))
    }

    /// Whether the filter lets this attempt be seen.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn is_seen(&self, filter: &AttemptFilter, seal: SealId, attempt: AttemptId) -> Result<bool, QueryError> {
        let mut select = Sql::select();
        select
            .column("attempt_id")
            .from("sealing_attempt")
            .and_where(Expr::col("attempt_id").eq(attempt.to_string()))
            .and_where(Expr::col("seal_id").eq(seal.to_string()));
        filter.narrow(&mut select);
        Ok(self.database.reader().query_one(&select).await?.is_some())
    }

    /// A page of the documents of an act that came to an end, after the place `after` in its list, at most `limit`.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn batch_documents(
        &self,
        seal: SealId,
        attempt: AttemptId,
        after: Option<u32>,
        limit: u64,
    ) -> Result<Vec<pb::BatchDocument>, QueryError> {
        let mut select = Sql::select();
        select
            .columns(DOCUMENT)
            .from("sealing_document")
            .and_where(Expr::col("attempt_id").eq(attempt.to_string()))
            .and_where(Expr::col("seal_id").eq(seal.to_string()));
        if let Some(after) = after {
            select.and_where(Expr::col("number").gt(i64::from(after)));
        }
        select.order_by("number", Order::Asc).limit(limit);
        let rows = self.database.reader().query_all(&select).await?;
        rows.iter().map(shown::batch_document).collect()
    }
}
