//! Reads from the tables of this service.

mod shown;

use eseal_eventstore::Database;
use eseal_kernel::{Digest, Id, Uscc};
use eseal_proto::application::v1 as pb;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query as Sql, SelectStatement};
use sea_orm::{ConnectionTrait as _, DbErr};

use crate::domain::PersonId;
use crate::domain::existing::KnownSeal;

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
    #[error("the column {column} of the application {application} does not hold what the projection writes there")]
    Damaged {
        /// The application.
        application: String,
        /// The column.
        column: &'static str,
    },
}

/// Whose application it is. Neither ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parties {
    /// The organization that it is for.
    pub organization: Uscc,
    /// Who filed it.
    pub applicant: PersonId,
}

/// Which applications are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<pb::ApplicationState>,
    /// Only those of this organization.
    pub organization: Option<Uscc>,
}

/// The place of an application in the list, which begins with the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When it was submitted, in microseconds since 1970.
    pub submitted_at: i64,
    /// Which it is among those of the same moment.
    pub application: Id,
}

/// Who wants to read a file.
#[derive(Debug, Clone)]
pub enum Reader {
    /// A service: it has the digest from an event.
    Service,
    /// A person: they read what they stored themselves, and what an application names that they may see.
    Person {
        /// Their internal id.
        id: String,
        /// The organization that they are bound to; none = they may see every application.
        bound_to: Option<Uscc>,
    },
}

/// A file or a text.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// What it is.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Who it is about, one entry for each time that it was stored; empty = nobody.
    pub about: Vec<String>,
}

impl Query {
    /// Reads from `database`.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Whose application it is; nothing if nobody filed it.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn parties(&self, application: Id) -> Result<Option<Parties>, QueryError> {
        let select = Sql::select()
            .columns(["uscc", "applicant_id"])
            .from("application")
            .and_where(Expr::col("application_id").eq(application.to_string()))
            .take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        let damaged = |column| QueryError::Damaged { application: application.to_string(), column };
        Ok(Some(Parties {
            organization: row.try_get::<String>("", "uscc")?.parse().map_err(|_| damaged("uscc"))?,
            applicant: row.try_get::<String>("", "applicant_id")?.parse().map_err(|_| damaged("applicant_id"))?,
        }))
    }

    /// What the registry told of a seal; nothing if it told nothing yet.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn known_seal(&self, seal: Id) -> Result<Option<KnownSeal>, QueryError> {
        let select = Sql::select()
            .columns(["application_id", "uscc", "particulars", "seal_state"])
            .from("application")
            .and_where(Expr::col("seal_id").eq(seal.to_string()))
            .limit(1)
            .take();
        let row = self.database.reader().query_one(&select).await?;
        row.as_ref().map(shown::known_seal).transpose().map(Option::flatten)
    }

    /// One application with its contacts; nothing if nobody filed it.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn application(&self, application: Id) -> Result<Option<pb::Application>, QueryError> {
        let select = applications().and_where(Expr::col("application_id").eq(application.to_string())).take();
        let Some(mut shown) = self.shown(&select).await?.pop() else { return Ok(None) };
        shown.contacts = self.contacts(application).await?;
        Ok(Some(shown))
    }

    /// A page of applications after `after`, newest first, at most `limit`. Without contacts.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn applications(
        &self,
        filter: &Filter,
        after: Option<Place>,
        limit: u64,
    ) -> Result<Vec<pb::Application>, QueryError> {
        let mut select = applications();
        if let Some(state) = filter.state {
            select.and_where(Expr::col("state").eq(state.as_str_name()));
        }
        if let Some(organization) = &filter.organization {
            select.and_where(Expr::col("uscc").eq(organization.as_str()));
        }
        if let Some(after) = after {
            let same_moment = Expr::col("submitted_at").eq(after.submitted_at);
            let later_there = same_moment.and(Expr::col("application_id").lt(after.application.to_string()));
            select.and_where(Expr::col("submitted_at").lt(after.submitted_at).or(later_there));
        }
        select.order_by("submitted_at", Order::Desc).order_by("application_id", Order::Desc).limit(limit);
        self.shown(&select).await
    }

    /// The contact data that an application names, by person; those of erased persons are gone.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn contacts(&self, application: Id) -> Result<Vec<pb::Contact>, QueryError> {
        let select = Sql::select()
            .columns(["person_id", "name", "phone", "email", "document_number"])
            .from("person")
            .and_where(Expr::col("application_id").eq(application.to_string()))
            .and_where(Expr::col("name").ne("")) // blank: named no more
            .order_by("person_id", Order::Asc)
            .take();
        let rows = self.database.reader().query_all(&select).await?;
        rows.iter().map(|row| shown::contact(row).map_err(QueryError::from)).collect()
    }

    /// The file or text with this digest, if `reader` may read it.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn content(&self, digest: Digest, reader: &Reader) -> Result<Option<Content>, QueryError> {
        let digest = digest.to_string();
        let scope = self.scope(&digest, reader).await?;
        let files = stored(&digest, &scope).columns(["media_type", "content"]).take();
        let files = self.database.reader().query_all(&files).await?;
        match (files.first(), scope) {
            (Some(first), _) => Ok(Some(Content {
                media_type: first.try_get("", "media_type")?,
                bytes: first.try_get("", "content")?,
                about: files.iter().map(|row| row.try_get("", "person_id")).collect::<Result<_, _>>()?,
            })),
            (None, Scope::All) => self.text(&digest).await,
            (None, Scope::StoredBy(_)) => Ok(None),
        }
    }

    /// Whether `reader` could read a file with this digest.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn is_stored(&self, digest: Digest, reader: &Reader) -> Result<bool, QueryError> {
        let digest = digest.to_string();
        let select = stored(&digest, &self.scope(&digest, reader).await?).limit(1).take();
        Ok(self.database.reader().query_one(&select).await?.is_some())
    }

    /// Which of the files with this digest `reader` may read.
    async fn scope<'a>(&self, digest: &str, reader: &'a Reader) -> Result<Scope<'a>, QueryError> {
        match reader {
            Reader::Service => Ok(Scope::All),
            Reader::Person { bound_to, .. } if self.is_named(digest, bound_to.as_ref()).await? => Ok(Scope::All),
            Reader::Person { id, .. } => Ok(Scope::StoredBy(id)),
        }
    }

    /// Whether an application names this digest: any application, or one of the organization.
    async fn is_named(&self, digest: &str, by: Option<&Uscc>) -> Result<bool, QueryError> {
        let mut select = Sql::select();
        select.column("application_id").from("application_content").and_where(Expr::col("digest").eq(digest)).limit(1);
        if let Some(organization) = by {
            select.and_where(Expr::col("uscc").eq(organization.as_str()));
        }
        Ok(self.database.reader().query_one(&select).await?.is_some())
    }

    /// The text of this digest, as far as an application names it: a seal's name.
    async fn text(&self, digest: &str) -> Result<Option<Content>, QueryError> {
        let select = Sql::select()
            .columns(["content", "person_id"])
            .from("text")
            .and_where(Expr::col("digest").eq(digest))
            .limit(1)
            .take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        let bytes = row.try_get::<String>("", "content")?.into_bytes();
        let about = vec![row.try_get("", "person_id")?];
        Ok(Some(Content { media_type: "text/plain; charset=utf-8".to_owned(), bytes, about }))
    }

    /// The applications of a select, with the texts that they name.
    async fn shown(&self, select: &SelectStatement) -> Result<Vec<pb::Application>, QueryError> {
        let rows = self.database.reader().query_all(select).await?;
        let ids: Vec<String> = rows.iter().map(|row| row.try_get("", "application_id")).collect::<Result<_, _>>()?;
        let texts = Sql::select()
            .columns(["application_id", "digest", "content"])
            .from("text")
            .and_where(Expr::col("application_id").is_in(ids))
            .take();
        let texts = shown::Texts::of(&self.database.reader().query_all(&texts).await?)?;
        rows.iter().map(|row| shown::application(row, &texts)).collect()
    }
}

fn applications() -> SelectStatement {
    Sql::select().columns(shown::COLUMNS).from("application").take()
}

/// Which of the files with one digest are meant.
enum Scope<'a> {
    All,
    StoredBy(&'a str),
}

/// The files with this digest: as many as persons stored it.
fn stored(digest: &str, scope: &Scope<'_>) -> SelectStatement {
    let mut select = Sql::select();
    select.column("person_id").from("material").and_where(Expr::col("digest").eq(digest));
    match scope {
        Scope::All => {}
        Scope::StoredBy(id) => {
            select.and_where(Expr::col("stored_by").eq(*id));
        }
    }
    select.order_by("person_id", Order::Asc).take()
}
