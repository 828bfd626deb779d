//! Reads from the tables of this service.

mod batches;
mod codes;
mod rights;
mod shown;

use eseal_eventstore::Database;
use eseal_kernel::{Digest, Timestamp, Uscc};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::seal::v1 as seal_pb;
use sea_orm::sea_query::{Expr, ExprTrait as _, JoinType, Order, Query as Sql, SelectStatement};
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};

pub use batches::BatchTerms;
pub use rights::{UseFilter, UseHolding};

use crate::domain::attempt::Authorization;
use crate::domain::ids::{ApplicationId, AttemptId, HostedKeyId, PersonId, SealId};
use crate::domain::trust_anchor::{AnchorId, Purpose};

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
    /// A read table does not hold what the projection writes there: rebuild it.
    #[error("the column {0} does not hold what the projection writes there")]
    Damaged(&'static str),
}

/// What of a seal never changes and is asked for before a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The application that it came from: all its facts belong to that.
    pub application: ApplicationId,
    /// Its organization.
    pub organization: Uscc,
    /// SHA-256 of its SESeal.
    pub seal_digest: Digest,
    /// Its hosted key; none for a card.
    pub hosted_key: Option<HostedKeyId>,
}

/// A hosted key, as its facts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// Its organization.
    pub uscc: Uscc,
    /// Who has the PIN.
    pub custodian: PersonId,
    /// SHA-256 of its certificates, the SM2 one first; none until it is certified.
    pub certificates: Vec<Digest>,
}

/// Which seals are listed.
#[derive(Debug, Clone, Default)]
pub struct SealFilter {
    /// Only those in this state.
    pub state: Option<seal_pb::SealState>,
    /// Only those of this organization.
    pub organization: Option<Uscc>,
}

/// The place of a seal in the list, which begins with the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When it was registered, in microseconds since 1970.
    pub registered_at: i64,
    /// Which it is among those of the same moment.
    pub seal: SealId,
}

/// Which attempts are listed.
#[derive(Debug, Clone, Default)]
pub struct AttemptFilter {
    /// Only those with this seal.
    pub seal: Option<SealId>,
    /// Only those with seals of this organization.
    pub organization: Option<Uscc>,
    /// Only those with seals of this custodian, and their own tries with others.
    pub custodian: Option<PersonId>,
}

impl AttemptFilter {
    fn narrow(&self, select: &mut SelectStatement) {
        if let Some(seal) = self.seal {
            select.and_where(column("sealing_attempt", "seal_id").eq(seal.to_string()));
        }
        if let Some(organization) = &self.organization {
            select.and_where(Expr::col("uscc").eq(organization.as_str()));
        }
        if let Some(custodian) = &self.custodian {
            let seals = Sql::select()
                .column("seal_id")
                .from("seal_custodian")
                .and_where(Expr::col("person_id").eq(custodian.as_str()))
                .and_where(Expr::col("in_force").eq(true))
                .take();
            let own_seal = column("sealing_attempt", "seal_id").in_subquery(seals);
            select.and_where(own_seal.or(Expr::col("custodian_id").eq(custodian.as_str())));
        }
    }
}

impl Query {
    /// Reads from `database`.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// What of a seal never changes; none if it is not registered.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn holding(&self, seal: SealId) -> Result<Option<Holding>, QueryError> {
        let select =
            Sql::select().columns(HOLDING).from("seal").and_where(Expr::col("seal_id").eq(seal.to_string())).take();
        let row = self.database.reader().query_one(&select).await?;
        row.map(|row| holding(&row)).transpose()
    }

    /// The seal whose SESeal has this SHA-256.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn seal_of_digest(&self, digest: Digest) -> Result<Option<SealId>, QueryError> {
        let select = Sql::select()
            .column("seal_id")
            .from("seal")
            .and_where(Expr::col("seal_digest").eq(digest.to_string()))
            .limit(1)
            .take();
        let row = self.database.reader().query_one(&select).await?;
        row.map(|row| word(&row, "seal_id")).transpose()
    }

    /// One seal; none if it is not registered.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn seal(&self, seal: SealId, now: Timestamp) -> Result<Option<pb::RegisteredSeal>, QueryError> {
        let select = seals().and_where(Expr::col(("seal", "seal_id")).eq(seal.to_string())).take();
        let row = self.database.reader().query_one(&select).await?;
        row.map(|row| shown::seal(&row, now)).transpose()
    }

    /// A page of seals after `after`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn seals(
        &self,
        filter: &SealFilter,
        after: Option<Place>,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<pb::RegisteredSeal>, QueryError> {
        let mut select = seals();
        if let Some(state) = filter.state {
            select.and_where(Expr::col("state").eq(state.as_str_name()));
        }
        if let Some(organization) = &filter.organization {
            select.and_where(Expr::col("uscc").eq(organization.as_str()));
        }
        if let Some(after) = after {
            let same_moment = Expr::col("registered_at").eq(after.registered_at);
            let later_there = same_moment.and(Expr::col(("seal", "seal_id")).lt(after.seal.to_string()));
            select.and_where(Expr::col("registered_at").lt(after.registered_at).or(later_there));
        }
        select.order_by("registered_at", Order::Desc).order_by(("seal", "seal_id"), Order::Desc).limit(limit);
        let rows = self.database.reader().query_all(&select).await?;
        rows.iter().map(|row| shown::seal(row, now)).collect()
    }

    /// Seals whose validity has ended and no fact says so, at most `limit`, those that ended first.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn expired(&self, now: Timestamp, limit: u64) -> Result<Vec<(SealId, Holding)>, QueryError> {
        let open = [seal_pb::SealState::Registered, seal_pb::SealState::Active, seal_pb::SealState::Suspended];
        let select = Sql::select()
            .column("seal_id")
            .columns(HOLDING)
            .from("seal")
            .and_where(Expr::col("expiry_announced").eq(false))
            .and_where(Expr::col("valid_to").lt(now.micros()))
            .and_where(Expr::col("state").is_in(open.map(|state| state.as_str_name())))
            .order_by("valid_to", Order::Asc)
            .limit(limit)
            .take();
        let rows = self.database.reader().query_all(&select).await?;
        rows.iter().map(|row| Ok((word(row, "seal_id")?, holding(row)?))).collect()
    }

    /// Seals of which something ends soon that was not told, at most `limit`, those that are due longest.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn ending(&self, now: Timestamp, limit: u64) -> Result<Vec<(SealId, Holding)>, QueryError> {
        let select = Sql::select()
            .column("seal_id")
            .columns(HOLDING)
            .from("seal")
            .and_where(Expr::col("warn_at").lte(now.micros()))
            .order_by("warn_at", Order::Asc)
            .limit(limit)
            .take();
        let rows = self.database.reader().query_all(&select).await?;
        rows.iter().map(|row| Ok((word(row, "seal_id")?, holding(row)?))).collect()
    }

    /// Seals in use behind `after`, at most `limit`, in the order of their ids, whose row does not say that facts tell when their
    /// certificates end; each with its certificates.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn undated(
        &self,
        after: Option<SealId>,
        limit: u64,
    ) -> Result<Vec<(SealId, Holding, Vec<Digest>)>, QueryError> {
        let open = [seal_pb::SealState::Registered, seal_pb::SealState::Active, seal_pb::SealState::Suspended];
        let mut select = Sql::select();
        select.columns(["seal_id", "certificate_digests"]).columns(HOLDING).from("seal");
        select.and_where(Expr::col("certificates_dated").eq(false));
        select.and_where(Expr::col("state").is_in(open.map(|state| state.as_str_name())));
        if let Some(after) = after {
            select.and_where(Expr::col("seal_id").gt(after.to_string()));
        }
        select.order_by("seal_id", Order::Asc).limit(limit);
        let rows = self.database.reader().query_all(&select).await?;
        let undated =
            |row: &QueryResult| Ok((word(row, "seal_id")?, holding(row)?, shown::digests(row, "certificate_digests")?));
        rows.iter().map(undated).collect()
    }

    /// Has the row of a seal say that facts tell when its certificates end, as a rebuild would: rows of earlier releases do not.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn is_dated(&self, seal: SealId) -> Result<(), QueryError> {
        let update = Sql::update()
            .table("seal")
            .value("certificates_dated", true)
            .and_where(Expr::col("seal_id").eq(seal.to_string()))
            .take();
        let transaction = self.database.begin().await?;
        transaction.execute(&update).await?;
        Ok(transaction.commit().await?)
    }

    /// What gate d let through in an attempt, if it did.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn authorization(&self, seal: SealId, attempt: AttemptId) -> Result<Option<Authorization>, QueryError> {
        let select = Sql::select()
            .columns(["document_digest", "certificate_digest"])
            .from("sealing_attempt")
            .and_where(Expr::col("attempt_id").eq(attempt.to_string()))
            .and_where(Expr::col("seal_id").eq(seal.to_string()))
            .and_where(Expr::col("document_digest").ne(""))
            .take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        let (document_digest, certificate) = (word(&row, "document_digest")?, word(&row, "certificate_digest")?);
        Ok(Some(Authorization { document_digest, certificate, signed: None, list: None, spent: None }))
    }

    /// A page of attempts after `after`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn attempts(
        &self,
        filter: &AttemptFilter,
        after: Option<AttemptId>,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<pb::Attempt>, QueryError> {
        let mut select = attempts();
        filter.narrow(&mut select);
        if let Some(after) = after {
            select.and_where(column("sealing_attempt", "attempt_id").lt(after.to_string()));
        }
        select.order_by(("sealing_attempt", "attempt_id"), Order::Desc).limit(limit);
        let rows = self.database.reader().query_all(&select).await?;
        rows.iter().map(|row| shown::attempt(row, now)).collect()
    }

    /// One hosted key; none if it was never created.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn hosted_key(&self, key: HostedKeyId) -> Result<Option<KeyEntry>, QueryError> {
        let select = Sql::select()
            .columns(["uscc", "custodian_id", "certificate_digests"])
            .from("hosted_key")
            .and_where(Expr::col("hosted_key_id").eq(key.to_string()))
            .take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        Ok(Some(KeyEntry {
            uscc: word(&row, "uscc")?,
            custodian: word(&row, "custodian_id")?,
            certificates: shown::digests(&row, "certificate_digests")?,
        }))
    }

    /// The trusted CA certificates by their SHA-256, with the moment since when each is trusted.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn anchors(&self, purpose: Option<Purpose>) -> Result<Vec<(AnchorId, Timestamp)>, QueryError> {
        let mut select = Sql::select()
            .columns(["purpose", "fingerprint", "changed_at"])
            .from("trust_anchor")
            .and_where(Expr::col("trusted").eq(true))
            .order_by("purpose", Order::Asc)
            .order_by("position", Order::Asc)
            .take();
        if let Some(purpose) = purpose {
            select.and_where(Expr::col("purpose").eq(purpose.name()));
        }
        let rows = self.database.reader().query_all(&select).await?;
        rows.iter().map(shown::anchor).collect()
    }
}

const HOLDING: [&str; 4] = ["application_id", "uscc", "seal_digest", "hosted_key_id"];

fn holding(row: &QueryResult) -> Result<Holding, QueryError> {
    let on_card = row.try_get::<String>("", "hosted_key_id")?.is_empty();
    Ok(Holding {
        application: word(row, "application_id")?,
        organization: word(row, "uscc")?,
        seal_digest: word(row, "seal_digest")?,
        hosted_key: if on_card { None } else { Some(word(row, "hosted_key_id")?) },
    })
}

fn seals() -> SelectStatement {
    let mut select = Sql::select();
    select.from("seal").columns(shown::SEAL_COLUMNS.map(|name| ("seal", name))).column(("seal_pin", "tries_left"));
    select.join(JoinType::LeftJoin, "seal_pin", column("seal_pin", "seal_id").equals(("seal", "seal_id")));
    let same = column("seal_policy", "seal_id").equals(("seal", "seal_id"));
    select.column(("seal_policy", "policy")).join(JoinType::LeftJoin, "seal_policy", same);
    select
}

fn attempts() -> SelectStatement {
    let same = column("sealing_places", "attempt_id")
        .equals(("sealing_attempt", "attempt_id"))
        .and(column("sealing_places", "seal_id").equals(("sealing_attempt", "seal_id")));
    let mut select = Sql::select();
    select.from("sealing_attempt").columns(shown::ATTEMPT_COLUMNS.map(|name| ("sealing_attempt", name)));
    select.columns([("sealing_places", "places"), ("sealing_places", "admitted")]);
    select.join(JoinType::LeftJoin, "sealing_places", same);
    let same = column("sealing_batch", "attempt_id")
        .equals(("sealing_attempt", "attempt_id"))
        .and(column("sealing_batch", "seal_id").equals(("sealing_attempt", "seal_id")));
    select.columns(shown::BATCH_COLUMNS.map(|name| ("sealing_batch", name)));
    select.join(JoinType::LeftJoin, "sealing_batch", same);
    select
}

fn column(table: &'static str, name: &'static str) -> Expr {
    Expr::col((table, name))
}

/// A word that has a text form.
fn word<T: std::str::FromStr>(row: &QueryResult, column: &'static str) -> Result<T, QueryError> {
    row.try_get::<String>("", column)?.parse().map_err(|_| QueryError::Damaged(column))
}
