//! The tables of this service. A shipped migration is never edited; the next change is the next migration.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

/// The migrations of this service, oldest first.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Tables), Box::new(ExistingSeals), Box::new(Cancellations)]
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "application_0001_tables"
    }
}

#[async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [application(), application_content(), person(), text(), material()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// What became of existing seals, and the way from a seal to the application that it came of.
struct ExistingSeals;

impl MigrationName for ExistingSeals {
    fn name(&self) -> &'static str {
        "application_0002_existing_seals"
    }
}

#[async_trait]
impl MigrationTrait for ExistingSeals {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new("carried_out").text().take();
        manager.alter_table(Table::alter().table("application").add_column(column).take()).await?;
        manager
            .create_index(Index::create().name("application_of_seal").table("application").col("seal_id").take())
            .await
    }
}

/// Why an approved application shall not be made.
struct Cancellations;

impl MigrationName for Cancellations {
    fn name(&self) -> &'static str {
        "application_0003_cancellations"
    }
}

#[async_trait]
impl MigrationTrait for Cancellations {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new("cancellation").text().take();
        manager.alter_table(Table::alter().table("application").add_column(column).take()).await
    }
}

/// Read table: applications as they stand. Follows from events.
fn application() -> TableCreateStatement {
    Table::create()
        .table("application")
        .col(ColumnDef::new("application_id").text().not_null().primary_key())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("uscc").text().not_null())
        .col(ColumnDef::new("applicant_id").text().not_null())
        .col(ColumnDef::new("approvals_needed").big_integer().not_null())
        .col(ColumnDef::new("approved_by").text().not_null()) // a JSON array of ids
        .col(ColumnDef::new("particulars").text().not_null()) // proto3 JSON, as in the events
        .col(ColumnDef::new("return_code").text())
        .col(ColumnDef::new("return_digest").text())
        .col(ColumnDef::new("fabrication_refusal").text())
        .col(ColumnDef::new("seal_id").text())
        .col(ColumnDef::new("seal_state").text())
        .col(ColumnDef::new("submitted_at").big_integer().not_null()) // microseconds since 1970, UTC
        .col(ColumnDef::new("changed_at").big_integer().not_null())
        .col(ColumnDef::new("version").big_integer().not_null())
        .take()
}

/// Read table: which application names which content, in any of its revisions. Follows from events.
fn application_content() -> TableCreateStatement {
    Table::create()
        .table("application_content")
        .col(ColumnDef::new("digest").text().not_null())
        .col(ColumnDef::new("application_id").text().not_null())
        .col(ColumnDef::new("uscc").text().not_null())
        .primary_key(Index::create().col("digest").col("application_id"))
        .take()
}

/// Contact data of the persons named in an application. Erasable; follows from nothing.
fn person() -> TableCreateStatement {
    Table::create()
        .table("person")
        .col(ColumnDef::new("application_id").text().not_null())
        .col(ColumnDef::new("person_id").text().not_null())
        .col(ColumnDef::new("name").text().not_null())
        .col(ColumnDef::new("phone").text().not_null())
        .col(ColumnDef::new("email").text().not_null())
        .col(ColumnDef::new("document_number").text().not_null())
        .primary_key(Index::create().col("application_id").col("person_id"))
        .take()
}

/// Texts of an application by their digest: the seal's name, reasons of returns. Erasable; follows from nothing.
fn text() -> TableCreateStatement {
    Table::create()
        .table("text")
        .col(ColumnDef::new("application_id").text().not_null())
        .col(ColumnDef::new("digest").text().not_null())
        .col(ColumnDef::new("person_id").text().not_null()) // whom it is about; empty = nobody
        .col(ColumnDef::new("content").text().not_null())
        .primary_key(Index::create().col("application_id").col("digest"))
        .take()
}

/// Files by their digest, each as often as somebody stored it. Erasable; follows from nothing.
fn material() -> TableCreateStatement {
    Table::create()
        .table("material")
        .col(ColumnDef::new("digest").text().not_null())
        .col(ColumnDef::new("stored_by").text().not_null())
        .col(ColumnDef::new("person_id").text().not_null()) // whom it is about; empty = nobody
        .col(ColumnDef::new("media_type").text().not_null())
        .col(ColumnDef::new("content").blob().not_null())
        .col(ColumnDef::new("stored_at").big_integer().not_null())
        .primary_key(Index::create().col("digest").col("stored_by").col("person_id"))
        .take()
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create()
            .name("application_newest")
            .table("application")
            .col("submitted_at")
            .col("application_id")
            .take(),
        Index::create()
            .name("application_newest_of_organization")
            .table("application")
            .col("uscc")
            .col("submitted_at")
            .col("application_id")
            .take(),
        Index::create().name("person_by_id").table("person").col("person_id").take(),
        Index::create().name("text_by_person").table("text").col("person_id").take(),
        Index::create().name("text_by_digest").table("text").col("digest").take(),
        Index::create().name("material_by_person").table("material").col("person_id").take(),
    ]
}
