//! The store's own tables, and how a service adds its read tables to them.

use sea_orm::sea_query::{Alias, Query};
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
    vec![Box::new(Tables)]
}

/// Applies what is missing: the store's tables, then the service's.
///
/// # Errors
/// [`StoreError::Database`] when a migration fails, or the database has one that this program does not know.
pub async fn migrate(database: &Database, service: Migrations) -> Result<(), StoreError> {
    Ok(All(service).up(database.writer(), None).await?)
}

/// Refuses a database that lacks a migration. One that has more of them belongs to a newer release, which keeps
/// this one working (expand, deploy, contract), and is accepted.
///
/// # Errors
/// [`StoreError::PendingMigrations`] with their names, or [`StoreError::Database`].
pub async fn refuse_if_pending(database: &Database, service: Migrations) -> Result<(), StoreError> {
    let applied = applied(database).await?;
    let migrations = All(service).migrations();
    let names = migrations.iter().map(|migration| migration.name().to_owned());
    let pending: Vec<String> = names.filter(|name| !applied.contains(name)).collect();
    if pending.is_empty() { Ok(()) } else { Err(StoreError::PendingMigrations(pending)) }
}

async fn applied(database: &Database) -> Result<Vec<String>, DbErr> {
    let table = sea_orm_migration::seaql_migrations::Entity;
    if !SchemaManager::new(database.reader()).has_table("seaql_migrations").await? {
        return Ok(Vec::new());
    }
    let select = Query::select().column(Alias::new("version")).from(table).take();
    database.reader().query_all(&select).await?.iter().map(|row| row.try_get("", "version")).collect()
}

/// The store's migrations and a service's.
struct All(Migrations);

impl MigratorTraitSelf for All {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        migrations().into_iter().chain((self.0)()).collect()
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
        // The two words in which the engines differ. SQLite checks types only in strict tables.
        let (tables, triggers) = if sqlite {
            let tables = tables.replace("{bigint}", "INTEGER").replace("{bytes}", "BLOB").replace("{strict}", "STRICT");
            (tables, include_str!("migration/triggers.sqlite.sql"))
        } else {
            let tables = tables.replace("{bigint}", "BIGINT").replace("{bytes}", "BYTEA").replace("{strict}", "");
            (tables, include_str!("migration/triggers.postgres.sql"))
        };
        let connection = manager.get_connection();
        connection.execute_unprepared(&tables).await?;
        connection.execute_unprepared(triggers).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
