//! What can be erased: persons' contact data, texts and files. No event holds any of it, and none can give it back, so
//! these tables are written beside the events, in the same transaction, and never rebuilt.
//!
//! Whatever is about a person carries that person's id, whoever entered it and in whichever application.

use std::fmt;

use eseal_eventstore::{Database, Row};
use eseal_kernel::{Digest, Id, Text, Timestamp};
use eseal_proto::application::v1 as pb;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, OnConflict, Query};
use sea_orm::{ConnectionTrait as _, DbErr};

use crate::domain::PersonId;

/// The tables that hold what is about a person, by the column `person_id`.
const ABOUT_PERSONS: [&str; 3] = ["person", "text", "material"];

/// Contact data of a person, as an application names them.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: Text<200>,
    /// Their telephone.
    pub phone: Option<Text<50>>,
    /// Their mail address.
    pub email: Option<Text<254>>,
    /// The number of an identity document.
    pub document_number: Option<Text<50>>,
}

/// Nothing of a person's data gets into a log by this way.
impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").field("person", &self.person).finish_non_exhaustive()
    }
}

/// Contact data of a person in an application. Blank, they take the place of those of a person who is named no more.
pub fn contact_row(application: Id, contact: &pb::Contact) -> Row {
    Row {
        table: "person",
        key: &["application_id", "person_id"],
        values: vec![
            ("application_id", application.to_string().into()),
            ("person_id", contact.person_id.as_str().into()),
            ("name", contact.name.as_str().into()),
            ("phone", contact.phone.as_str().into()),
            ("email", contact.email.as_str().into()),
            ("document_number", contact.document_number.as_str().into()),
        ],
    }
}

impl From<&Contact> for pb::Contact {
    fn from(contact: &Contact) -> Self {
        Self {
            person_id: contact.person.to_string(),
            name: contact.name.to_string(),
            phone: contact.phone.as_ref().map(ToString::to_string).unwrap_or_default(),
            email: contact.email.as_ref().map(ToString::to_string).unwrap_or_default(),
            document_number: contact.document_number.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// A text of an application. `about` is the person whom it is about: it is erased with that person.
pub fn text_row(application: Id, content: &str, about: Option<&PersonId>) -> Row {
    Row {
        table: "text",
        key: &["application_id", "digest"],
        values: vec![
            ("application_id", application.to_string().into()),
            ("digest", Digest::of(content.as_bytes()).to_string().into()),
            ("person_id", about.map_or("", PersonId::as_str).into()),
            ("content", content.into()),
        ],
    }
}

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct Material {
    /// Its bytes.
    pub content: Vec<u8>,
    /// What they are, such as `image/png`.
    pub media_type: &'static str,
    /// The internal id of who stored it.
    pub stored_by: String,
    /// The person whom it is about: it is erased with that person.
    pub about: Option<PersonId>,
    /// When it was stored.
    pub stored_at: Timestamp,
}

/// Nothing of a file gets into a log by this way.
impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material").field("media_type", &self.media_type).finish_non_exhaustive()
    }
}

impl Material {
    /// Its name.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.content)
    }

    /// Its row.
    pub fn row(self) -> Row {
        Row {
            table: "material",
            key: &["digest", "stored_by", "person_id"],
            values: vec![
                ("digest", self.digest().to_string().into()),
                ("stored_by", self.stored_by.into()),
                ("person_id", self.about.as_ref().map_or("", PersonId::as_str).into()),
                ("media_type", self.media_type.into()),
                ("content", self.content.into()),
                ("stored_at", self.stored_at.micros().into()),
            ],
        }
    }

    /// Stores it. What is there already stays as it is; but once it is said whom a file is about, the same person's
    /// copy that is about nobody goes.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn store(self, database: &Database) -> Result<(), DbErr> {
        let untold = self.about.as_ref().map(|_| {
            let same = Expr::col("digest").eq(self.digest().to_string());
            let untold =
                same.and(Expr::col("stored_by").eq(self.stored_by.as_str())).and(Expr::col("person_id").eq(""));
            Query::delete().from_table("material").and_where(untold).take()
        });
        let Row { table, key, values } = self.row();
        let (columns, values): (Vec<_>, Vec<_>) =
            values.into_iter().map(|(name, value)| (name, Expr::val(value))).unzip();
        let mut insert = Query::insert().into_table(table).columns(columns).take();
        insert.values(values).map_err(|error| DbErr::Custom(error.to_string()))?;
        insert.on_conflict(OnConflict::columns(key.iter().copied()).do_nothing().to_owned());
        let transaction = database.begin().await?;
        if let Some(untold) = untold {
            transaction.execute(&untold).await?;
        }
        transaction.execute(&insert).await?;
        transaction.commit().await
    }
}

/// Erases whatever is about a person, for good: the files of the database forget it too. Repeating it changes nothing.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn forget(database: &Database, person: &PersonId) -> Result<(), DbErr> {
    let transaction = database.begin().await?;
    for table in ABOUT_PERSONS {
        let about_them = Expr::col("person_id").eq(person.as_str());
        transaction.execute(&Query::delete().from_table(table).and_where(about_them).take()).await?;
    }
    transaction.commit().await?;
    database.purge().await
}

/// How many rows are about a person.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn known(database: &Database, person: &PersonId) -> Result<u32, DbErr> {
    let mut known = 0_u32;
    for table in ABOUT_PERSONS {
        let select = Query::select()
            .expr_as(Func::count(Expr::col("person_id")), "known")
            .from(table)
            .and_where(Expr::col("person_id").eq(person.as_str()))
            .take();
        let row = database.reader().query_one(&select).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "known"))?;
        known = known.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }
    Ok(known)
}
