//! Custodians and requested uses.

use eseal_kernel::{Timestamp, Uscc};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::moment;
use sea_orm::sea_query::{Expr, ExprTrait as _, JoinType, Order, Query as Sql, SelectStatement};
use sea_orm::{ConnectionTrait as _, QueryResult};

use super::{Query, QueryError, column, word};
use crate::domain::document::DocumentDigest;
use crate::domain::ids::{PersonId, SealId, UseId};

/// Which uses are listed.
#[derive(Debug, Clone, Default)]
pub struct UseFilter {
    /// Only those of this seal.
    pub seal: Option<SealId>,
    /// Only those of seals of this organization.
    pub organization: Option<Uscc>,
    /// Only those that stand so.
    pub state: Option<pb::UseState>,
    /// Only those for this document.
    pub document: Option<DocumentDigest>,
}

/// What of a requested use never changes and is asked for before a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseHolding {
    /// Its seal.
    pub seal: SealId,
    /// The seal's organization.
    pub organization: Uscc,
    /// Who requested it.
    pub requester: PersonId,
}

const ASKED: [&str; 8] =
    ["use_id", "seal_id", "uscc", "requester_id", "uses", "purpose_code", "deadline", "requested_at"];

impl Query {
    /// Whether a person is a custodian of a seal: one whose right was not withdrawn.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn is_custodian(&self, seal: SealId, person: &PersonId) -> Result<bool, QueryError> {
        let select = Sql::select()
            .column("person_id")
            .from("seal_custodian")
            .and_where(Expr::col("seal_id").eq(seal.to_string()))
            .and_where(Expr::col("person_id").eq(person.as_str()))
            .and_where(Expr::col("in_force").eq(true))
            .take();
        Ok(self.database.reader().query_one(&select).await?.is_some())
    }

    /// A page of the custodians of a seal, those of the past too, after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn custodians(
        &self,
        seal: SealId,
        after: Option<&PersonId>,
        limit: u64,
    ) -> Result<Vec<pb::Custodian>, QueryError> {
        let same = column("seal_custodian_used", "seal_id")
            .equals(("seal_custodian", "seal_id"))
            .and(column("seal_custodian_used", "person_id").equals(("seal_custodian", "person_id")));
        let mut select = Sql::select();
        select
            .from("seal_custodian")
            .column(("seal_custodian", "person_id"))
            .columns(["in_force", "withdrawal_code", "terms", "changed_at", "used"])
            .join(JoinType::LeftJoin, "seal_custodian_used", same)
            .and_where(column("seal_custodian", "seal_id").eq(seal.to_string()))
            .order_by(("seal_custodian", "person_id"), Order::Asc)
            .limit(limit);
        if let Some(after) = after {
            select.and_where(column("seal_custodian", "person_id").gt(after.as_str()));
        }
        let rows = self.database.reader().query_all(&select).await?;
        rows.iter().map(custodian).collect()
    }

    /// What of a use never changes; none if it was never requested.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn use_holding(&self, id: UseId) -> Result<Option<UseHolding>, QueryError> {
        let select = Sql::select()
            .columns(["seal_id", "uscc", "requester_id"])
            .from("seal_use")
            .and_where(Expr::col("use_id").eq(id.to_string()))
            .take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        Ok(Some(UseHolding {
            seal: word(&row, "seal_id")?,
            organization: word(&row, "uscc")?,
            requester: word(&row, "requester_id")?,
        }))
    }

    /// One use, without its texts; none if it was never requested.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn seal_use(&self, id: UseId, now: Timestamp) -> Result<Option<pb::SealUse>, QueryError> {
        let select = uses().and_where(column("seal_use", "use_id").eq(id.to_string())).take();
        let row = self.database.reader().query_one(&select).await?;
        row.map(|row| shown(&row, now)).transpose()
    }

    /// A page of uses after `after`, newest first, at most `limit`, without their texts.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn seal_uses(
        &self,
        filter: &UseFilter,
        after: Option<UseId>,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<pb::SealUse>, QueryError> {
        let mut select = uses();
        filter.narrow(&mut select, now);
        if let Some(after) = after {
            select.and_where(column("seal_use", "use_id").lt(after.to_string()));
        }
        select.order_by(("seal_use", "use_id"), Order::Desc).limit(limit);
        let rows = self.database.reader().query_all(&select).await?;
        rows.iter().map(|row| shown(row, now)).collect()
    }
}

impl UseFilter {
    fn narrow(&self, select: &mut SelectStatement, now: Timestamp) {
        if let Some(seal) = self.seal {
            select.and_where(column("seal_use", "seal_id").eq(seal.to_string()));
        }
        if let Some(organization) = &self.organization {
            select.and_where(column("seal_use", "uscc").eq(organization.as_str()));
        }
        if let Some(document) = self.document {
            let of_it = Sql::select()
                .column("use_id")
                .from("seal_use_document")
                .and_where(Expr::col("document").eq(document.to_string()))
                .take();
            select.and_where(column("seal_use", "use_id").in_subquery(of_it));
        }
        let open = || column("seal_use", "deadline").gte(now.micros()).and(Expr::col("is_spent").eq(false));
        let stored = |state: pb::UseState| Expr::col("state").eq(state.as_str_name());
        let undecided = || stored(pb::UseState::Requested).or(stored(pb::UseState::Approved));
        match self.state {
            None | Some(pb::UseState::Unspecified) => {}
            Some(state @ (pb::UseState::Requested | pb::UseState::Approved)) => {
                select.and_where(stored(state)).and_where(open());
            }
            Some(state @ (pb::UseState::Declined | pb::UseState::Withdrawn)) => {
                select.and_where(stored(state));
            }
            Some(pb::UseState::Spent) => {
                select.and_where(undecided()).and_where(Expr::col("is_spent").eq(true));
            }
            Some(pb::UseState::Expired) => {
                let over = column("seal_use", "deadline").lt(now.micros());
                select.and_where(undecided()).and_where(Expr::col("is_spent").eq(false)).and_where(over);
            }
        }
    }
}

fn uses() -> SelectStatement {
    let mut select = Sql::select();
    select.from("seal_use").columns(ASKED.map(|name| ("seal_use", name)));
    let same = column("seal_use_standing", "use_id").equals(("seal_use", "use_id"));
    select.columns(["state", "decided_by", "reason_code", "changed_at"]);
    select.join(JoinType::InnerJoin, "seal_use_standing", same);
    let same = column("seal_use_spent", "use_id").equals(("seal_use", "use_id"));
    select.columns(["documents", "is_spent"]).join(JoinType::InnerJoin, "seal_use_spent", same);
    select
}

fn custodian(row: &QueryResult) -> Result<pb::Custodian, QueryError> {
    let terms = serde_json::from_str(&row.try_get::<String>("", "terms")?);
    Ok(pb::Custodian {
        custodian_id: row.try_get("", "person_id")?,
        in_force: row.try_get("", "in_force")?,
        withdrawal_code: row.try_get("", "withdrawal_code")?,
        terms: Some(terms.map_err(|_| QueryError::Damaged("terms"))?),
        used: count(row.try_get::<Option<i64>>("", "used")?.unwrap_or_default(), "used")?,
        changed_at: Some(moment::from_micros(row.try_get("", "changed_at")?)),
    })
}

fn shown(row: &QueryResult, now: Timestamp) -> Result<pb::SealUse, QueryError> {
    let text = |column| row.try_get::<String>("", column);
    let documents = serde_json::from_str(&text("documents")?);
    let deadline: i64 = row.try_get("", "deadline")?;
    let stored = pb::UseState::from_str_name(&text("state")?).ok_or(QueryError::Damaged("state"))?;
    let state = match stored {
        pb::UseState::Requested | pb::UseState::Approved if row.try_get("", "is_spent")? => pb::UseState::Spent,
        pb::UseState::Requested | pb::UseState::Approved if deadline < now.micros() => pb::UseState::Expired,
        stored => stored,
    };
    Ok(pb::SealUse {
        use_id: text("use_id")?,
        seal_id: text("seal_id")?,
        state: state.into(),
        requester_id: text("requester_id")?,
        documents: documents.map_err(|_| QueryError::Damaged("documents"))?,
        uses: count(row.try_get("", "uses")?, "uses")?,
        purpose_code: text("purpose_code")?,
        purpose: String::new(),
        deadline: Some(moment::from_micros(deadline)),
        requested_at: Some(moment::from_micros(row.try_get("", "requested_at")?)),
        decided_by: text("decided_by")?,
        reason_code: text("reason_code")?,
        reason: String::new(),
        changed_at: Some(moment::from_micros(row.try_get("", "changed_at")?)),
    })
}

fn count(stored: i64, column: &'static str) -> Result<u32, QueryError> {
    u32::try_from(stored).map_err(|_| QueryError::Damaged(column))
}
