//! The tables of this service. A shipped migration is never edited; the next change is the next migration.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

/// The migrations of this service, oldest first.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Tables), Box::new(OfSeals), Box::new(SuspendedCards)]
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "fabrication_0001_tables"
    }
}

#[async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [fabrication(), run(), maker_card(), content()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// The way from a seal to the application that it was made for.
struct OfSeals;

impl MigrationName for OfSeals {
    fn name(&self) -> &'static str {
        "fabrication_0002_of_seals"
    }
}

#[async_trait]
impl MigrationTrait for OfSeals {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_index(Index::create().name("fabrication_of_seal").table("fabrication").col("seal_id").take())
            .await
    }
}

/// Since when a copy of a maker card is known.
struct SuspendedCards;

impl MigrationName for SuspendedCards {
    fn name(&self) -> &'static str {
        "fabrication_0003_suspended_cards"
    }
}

#[async_trait]
impl MigrationTrait for SuspendedCards {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new("suspended_at").big_integer().take();
        manager.alter_table(Table::alter().table("maker_card").add_column(column).take()).await
    }
}

/// Read table: fabrications as they stand. Follows from events.
fn fabrication() -> TableCreateStatement {
    Table::create()
        .table("fabrication")
        .col(ColumnDef::new("application_id").text().not_null().primary_key())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("uscc").text().not_null())
        .col(ColumnDef::new("name_zh").text().not_null())
        .col(ColumnDef::new("name_en").text().not_null())
        .col(ColumnDef::new("seal_type").text().not_null())
        .col(ColumnDef::new("custody").text().not_null())
        .col(ColumnDef::new("seal_id").text())
        .col(ColumnDef::new("last_refusal").text())
        .col(ColumnDef::new("changed_at").big_integer().not_null()) // microseconds since 1970, UTC
        .col(ColumnDef::new("version").big_integer().not_null())
        .take()
}

/// Read table: 制章日志, every run of the gates. Follows from events.
fn run() -> TableCreateStatement {
    Table::create()
        .table("run")
        .col(ColumnDef::new("run_id").text().not_null().primary_key())
        .col(ColumnDef::new("application_id").text().not_null())
        .col(ColumnDef::new("maker_id").text().not_null())
        .col(ColumnDef::new("begun_at").big_integer().not_null())
        .col(ColumnDef::new("ended_at").big_integer())
        .col(ColumnDef::new("gate").text())
        .col(ColumnDef::new("reason").text())
        .col(ColumnDef::new("made").boolean().not_null())
        .take()
}

/// Read table: maker cards. Follows from events.
fn maker_card() -> TableCreateStatement {
    Table::create()
        .table("maker_card")
        .col(ColumnDef::new("card_serial").text().not_null().primary_key())
        .col(ColumnDef::new("maker_id").text().not_null())
        .col(ColumnDef::new("certificate_digest").text().not_null())
        .col(ColumnDef::new("issued_at").big_integer().not_null())
        .col(ColumnDef::new("withdrawn_at").big_integer())
        .take()
}

/// Encrypted contents by their digest: what makers sign, made seals, maker certificates. Erasable; follows from
/// nothing.
fn content() -> TableCreateStatement {
    Table::create()
        .table("content")
        .col(ColumnDef::new("digest").text().not_null().primary_key())
        .col(ColumnDef::new("kind").text().not_null())
        .col(ColumnDef::new("sealed").blob().not_null())
        .col(ColumnDef::new("stored_at").big_integer().not_null())
        .take()
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create().name("fabrication_newest").table("fabrication").col("changed_at").col("application_id").take(),
        Index::create().name("run_newest").table("run").col("begun_at").col("run_id").take(),
        Index::create().name("run_of_application").table("run").col("application_id").take(),
    ]
}
