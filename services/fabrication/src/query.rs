//! Reads from the tables of this service.

use eseal_eventstore::Database;
use eseal_kernel::{Id, Timestamp};
use eseal_proto::fabrication::v1 as pb;
use eseal_proto::{moment, seal::v1 as seal_pb};
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query as Sql, SelectStatement};
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};

/// The read side. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Query {
    database: Database,
}

/// The place of a row in a list that begins with the newest one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The moment that the list is ordered by, in microseconds since 1970.
    pub at: i64,
    /// Which it is among those of the same moment.
    pub id: String,
}

/// A maker card as it is listed: its certificate by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCard {
    /// Serial of the card.
    pub card_serial: String,
    /// Internal id of its holder.
    pub maker_id: String,
    /// SHA-256 of the certificate, as text.
    pub certificate_digest: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Since when a copy of it is known.
    pub suspended_at: Option<Timestamp>,
    /// When it was withdrawn, if it was.
    pub withdrawn_at: Option<Timestamp>,
}

impl Query {
    /// Reads from `database`.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// One fabrication; nothing if no approved application of this id is known.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn fabrication(&self, application: Id) -> Result<Option<pb::Fabrication>, DbErr> {
        let select = fabrications().and_where(Expr::col("application_id").eq(application.to_string())).take();
        self.database.reader().query_one(&select).await?.as_ref().map(fabrication).transpose()
    }

    /// The application that a made seal came of; it never changes. Nothing if the seal was not made here.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn application_of(&self, seal: Id) -> Result<Option<Id>, DbErr> {
        let select = Sql::select()
            .column("application_id")
            .from("fabrication")
            .and_where(Expr::col("seal_id").eq(seal.to_string()))
            .limit(1)
            .take();
        let row = self.database.reader().query_one(&select).await?;
        let id = row.map(|row| row.try_get::<String>("", "application_id")).transpose()?;
        id.map(|id| id.parse().map_err(|_| DbErr::Type("application_id".to_owned()))).transpose()
    }

    /// A page of fabrications after `after`, newest first; of one organization, in one state.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn fabrications(
        &self,
        organization: Option<&str>,
        state: Option<pb::FabricationState>,
        after: Option<&Place>,
        limit: u64,
    ) -> Result<Vec<pb::Fabrication>, DbErr> {
        let mut select = fabrications();
        if let Some(uscc) = organization {
            select.and_where(Expr::col("uscc").eq(uscc));
        }
        if let Some(state) = state {
            select.and_where(Expr::col("state").eq(state.as_str_name()));
        }
        newest_first(&mut select, "changed_at", "application_id", after, limit);
        self.database.reader().query_all(&select).await?.iter().map(fabrication).collect()
    }

    /// A page of runs after `after`, newest first; of one organization, for one application.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn runs(
        &self,
        organization: Option<&str>,
        application: Option<Id>,
        after: Option<&Place>,
        limit: u64,
    ) -> Result<Vec<pb::Run>, DbErr> {
        let mut select = Sql::select();
        select
            .columns(["run_id", "application_id", "maker_id", "begun_at", "ended_at", "gate", "reason", "made"])
            .from("run");
        if let Some(application) = application {
            select.and_where(Expr::col("application_id").eq(application.to_string()));
        }
        if let Some(uscc) = organization {
            let own =
                Sql::select().column("application_id").from("fabrication").and_where(Expr::col("uscc").eq(uscc)).take();
            select.and_where(Expr::col("application_id").in_subquery(own));
        }
        newest_first(&mut select, "begun_at", "run_id", after, limit);
        self.database.reader().query_all(&select).await?.iter().map(run).collect()
    }

    /// A page of maker cards after the serial `after`, by serial.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn maker_cards(&self, after: Option<&str>, limit: u64) -> Result<Vec<ListedCard>, DbErr> {
        let mut select = Sql::select();
        select
            .columns(["card_serial", "maker_id", "certificate_digest", "issued_at", "suspended_at", "withdrawn_at"])
            .from("maker_card")
            .order_by("card_serial", Order::Asc)
            .limit(limit);
        if let Some(after) = after {
            select.and_where(Expr::col("card_serial").gt(after));
        }
        self.database.reader().query_all(&select).await?.iter().map(card).collect()
    }
}

fn newest_first(select: &mut SelectStatement, at: &'static str, id: &'static str, after: Option<&Place>, limit: u64) {
    if let Some(after) = after {
        let later_there = Expr::col(at).eq(after.at).and(Expr::col(id).lt(after.id.as_str()));
        select.and_where(Expr::col(at).lt(after.at).or(later_there));
    }
    select.order_by(at, Order::Desc).order_by(id, Order::Desc).limit(limit);
}

fn fabrications() -> SelectStatement {
    Sql::select()
        .columns([
            "application_id",
            "state",
            "uscc",
            "name_zh",
            "name_en",
            "seal_type",
            "custody",
            "seal_id",
            "last_refusal",
            "changed_at",
        ])
        .from("fabrication")
        .take()
}

fn fabrication(row: &QueryResult) -> Result<pb::Fabrication, DbErr> {
    let text = |column: &str| row.try_get::<String>("", column);
    let optional = |column: &str| Ok::<_, DbErr>(row.try_get::<Option<String>>("", column)?.unwrap_or_default());
    Ok(pb::Fabrication {
        application_id: text("application_id")?,
        // Words of a newer release are unspecified here.
        state: pb::FabricationState::from_str_name(&text("state")?).unwrap_or_default().into(),
        organization: Some(seal_pb::Organization {
            uscc: text("uscc")?,
            name_zh: text("name_zh")?,
            name_en: text("name_en")?,
        }),
        seal_type: seal_pb::SealType::from_str_name(&text("seal_type")?).unwrap_or_default().into(),
        custody: seal_pb::Custody::from_str_name(&text("custody")?).unwrap_or_default().into(),
        seal_id: optional("seal_id")?,
        last_refusal: optional("last_refusal")?,
        changed_at: Some(moment::from_micros(row.try_get("", "changed_at")?)),
    })
}

fn run(row: &QueryResult) -> Result<pb::Run, DbErr> {
    let text = |column: &str| row.try_get::<String>("", column);
    let optional = |column: &str| Ok::<_, DbErr>(row.try_get::<Option<String>>("", column)?.unwrap_or_default());
    Ok(pb::Run {
        application_id: text("application_id")?,
        run_id: text("run_id")?,
        maker_id: text("maker_id")?,
        begun_at: Some(moment::from_micros(row.try_get("", "begun_at")?)),
        ended_at: row.try_get::<Option<i64>>("", "ended_at")?.map(moment::from_micros),
        gate: optional("gate")?,
        reason: optional("reason")?,
        made: row.try_get("", "made")?,
    })
}

fn card(row: &QueryResult) -> Result<ListedCard, DbErr> {
    Ok(ListedCard {
        card_serial: row.try_get("", "card_serial")?,
        maker_id: row.try_get("", "maker_id")?,
        certificate_digest: row.try_get("", "certificate_digest")?,
        issued_at: Timestamp::from_micros(row.try_get("", "issued_at")?),
        suspended_at: row.try_get::<Option<i64>>("", "suspended_at")?.map(Timestamp::from_micros),
        withdrawn_at: row.try_get::<Option<i64>>("", "withdrawn_at")?.map(Timestamp::from_micros),
    })
}
