//! Of which seals facts tell when their certificates end. Of those that are there already the service finds it out at its start.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(super) struct Dated;

impl MigrationName for Dated {
    fn name(&self) -> &'static str {
        "authentication_0011_dated"
    }
}

#[async_trait]
impl MigrationTrait for Dated {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new("certificates_dated").boolean().not_null().default(false).take();
        manager.alter_table(Table::alter().table("seal").add_column(column).take()).await?;
        let index = Index::create().name("seal_by_dated").table("seal").col("certificates_dated").col("seal_id").take();
        manager.create_index(index).await
    }
}
