//! The table of this service. A shipped migration is never edited; the next change is the next migration.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

/// The migrations of this service, oldest first.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Tables)]
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "verification_0001_tables"
    }
}

#[async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(failure()).await?;
        let newest =
            Index::create().name("failure_newest").table("failure").col("recorded_at").col("failure_id").take();
        manager.create_index(newest).await
    }
}

/// Read table: failed verifications. Follows from events.
fn failure() -> TableCreateStatement {
    Table::create()
        .table("failure")
        .col(ColumnDef::new("failure_id").text().not_null().primary_key())
        .col(ColumnDef::new("document_digest").text().not_null())
        .col(ColumnDef::new("items").text().not_null()) // a JSON array of eseal.verification.v1.FailedItem
        .col(ColumnDef::new("recorded_at").big_integer().not_null()) // microseconds since 1970, UTC
        .take()
}
