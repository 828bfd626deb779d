//! The tables of hosted keys, as they changed.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(super) struct KeyIds;

impl MigrationName for KeyIds {
    fn name(&self) -> &'static str {
        "authentication_0006_key_ids"
    }
}

/// The name of the key-encryption key that a row needs; empty: the key file's, from when there was no other.
#[async_trait]
impl MigrationTrait for KeyIds {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, index) in [("hosted_key_secret", "secret_by_key"), ("seal_content", "seal_content_by_key")] {
            let column = ColumnDef::new("key_id").text().not_null().default("").take();
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
            manager.create_index(Index::create().name(index).table(table).col("key_id").take()).await?;
        }
        Ok(())
    }
}
