//! The store's own tables, and how a service adds its read tables to them.

use sea_orm::sea_query::{Alias, Order, Query};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTraitSelf, SchemaManager};

use crate::{Database, StoreError};

/// What gives the migrations of a service: `migration::migrations`.
///
/// Names are unique in the database, so a service gives each a name of its own, such as `application_0001_tables`, and
/// not the one that sea-orm derives from the file's name.
pub type Migrations = fn() -> Vec<Box<dyn MigrationTrait>>;

/// The migrations of the store itself; they come before those of the service.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Tables), Box::new(Contracts)]
}

/// Applies what is missing: the store's tables, then the service's. What a newer release applied besides stays as it is,
/// so that an older one can be rolled out again.
///
/// # Errors
/// [`StoreError::Database`] when a migration fails, and [`StoreError::NewerDatabase`].
pub async fn migrate(database: &Database, service: Migrations) -> Result<(), StoreError> {
    let mut all = All { service, of_newer_releases: Vec::new() };
    let known = all.names();
    refuse_if_closed(database, &known).await?;
    all.of_newer_releases = applied(database).await?.into_iter().filter(|name| !known.contains(name)).collect();
    Ok(all.up(database.writer(), None).await?)
}

/// Refuses a database that lacks a migration. One that has more of them belongs to a newer release, which keeps
/// this one working (expand, deploy, contract), and is accepted until that release closes it by [`contract`].
///
/// # Errors
/// [`StoreError::PendingMigrations`] and [`StoreError::NewerDatabase`] with their names, or [`StoreError::Database`].
pub async fn refuse_if_pending(database: &Database, service: Migrations) -> Result<(), StoreError> {
    let known = All { service, of_newer_releases: Vec::new() }.names();
    refuse_if_closed(database, &known).await?;
    let applied = applied(database).await?;
    let pending: Vec<String> = known.into_iter().filter(|name| !applied.contains(name)).collect();
    if pending.is_empty() { Ok(()) } else { Err(StoreError::PendingMigrations(pending)) }
}

/// Closes the database to every program that does not know the migration `name`. A migration that takes away what older
/// programs need (the contract of expand, deploy, contract) calls it, with its own name, in its `up`.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn contract(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    let insert = Query::insert().into_table("contracts").columns(["migration"]).values_panic([name.into()]).take();
    manager.get_connection().execute(&insert).await.map(drop)
}

async fn refuse_if_closed(database: &Database, known: &[String]) -> Result<(), StoreError> {
    if !has_table(database, "contracts").await? {
        return Ok(());
    }
    let select = Query::select().column("migration").from("contracts").order_by("migration", Order::Asc).take();
    let rows = database.reader().query_all(&select).await?;
    let contracts: Vec<String> = rows.iter().map(|row| row.try_get("", "migration")).collect::<Result<_, _>>()?;
    let unknown: Vec<String> = contracts.into_iter().filter(|name| !known.contains(name)).collect();
    if unknown.is_empty() { Ok(()) } else { Err(StoreError::NewerDatabase(unknown)) }
}

async fn applied(database: &Database) -> Result<Vec<String>, DbErr> {
    let table = sea_orm_migration::seaql_migrations::Entity;
    if !has_table(database, "seaql_migrations").await? {
        return Ok(Vec::new());
    }
    let select = Query::select().column(Alias::new("version")).from(table).take();
    database.reader().query_all(&select).await?.iter().map(|row| row.try_get("", "version")).collect()
}

async fn has_table(database: &Database, table: &'static str) -> Result<bool, DbErr> {
    let reader = database.reader();
    let schema = SchemaManager::new(reader.inner());
    reader.bound().hold("look for a table", schema.has_table(table)).await
}

/// The store's migrations and a service's.
struct All {
    service: Migrations,
    /// What was applied and is not known here; sea-orm refuses to go on without them.
    of_newer_releases: Vec<String>,
}

impl All {
    fn names(&self) -> Vec<String> {
        self.migrations().iter().map(|migration| migration.name().to_owned()).collect()
    }
}

impl MigratorTraitSelf for All {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let newer =
            self.of_newer_releases.iter().map(|name| -> Box<dyn MigrationTrait> { Box::new(Newer(name.clone())) });
        migrations().into_iter().chain((self.service)()).chain(newer).collect()
    }
}

/// A migration of a newer release, which was applied.
struct Newer(String);

impl MigrationName for Newer {
    fn name(&self) -> &str {
        &self.0
    }
}

#[async_trait]
impl MigrationTrait for Newer {
    async fn up(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(format!("{} is of a newer release", self.0))) // it was applied, so this is never asked
    }
}

/// The first shape of the store. A shipped migration is never edited; the next change is the next migration.
struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "eventstore_0001_tables"
    }
}

#[async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        let tables = include_str!("migration/tables.sql");
        // The words in which the engines differ. SQLite checks types only in strict tables, and compares texts byte by
        // byte; PostgreSQL would by the language of the database, which makes every look-up in an index dearer.
        let (words, triggers) = if sqlite {
            let words = [("{bigint}", "INTEGER"), ("{bytes}", "BLOB"), ("{text}", "TEXT"), ("{strict}", "STRICT")];
            (words, include_str!("migration/triggers.sqlite.sql"))
        } else {
            let text = ("{text}", r#"TEXT COLLATE "C""#);
            let words = [("{bigint}", "BIGINT"), ("{bytes}", "BYTEA"), text, ("{strict}", "")];
            (words, include_str!("migration/triggers.postgres.sql"))
        };
        let tables = words.iter().fold(tables.to_owned(), |tables, (word, engine)| tables.replace(word, engine));
        let connection = manager.get_connection();
        connection.execute_unprepared(&tables).await?;
        connection.execute_unprepared(triggers).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// Which migrations a program must know to work on this database.
struct Contracts;

impl MigrationName for Contracts {
    fn name(&self) -> &'static str {
        "eventstore_0002_contracts"
    }
}

#[async_trait]
impl MigrationTrait for Contracts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "CREATE TABLE contracts (migration TEXT NOT NULL PRIMARY KEY)";
        manager.get_connection().execute_unprepared(sql).await.map(drop)
    }
}
