//! Which part of its issuer's lists a revocation list is. Of those that are there already the service finds it out when it reads them.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(super) struct Parts;

impl MigrationName for Parts {
    fn name(&self) -> &'static str {
        "authentication_0012_parts"
    }
}

#[async_trait]
impl MigrationTrait for Parts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new("part").text().take(); // empty: it is whole; none: its bytes tell
        manager.alter_table(Table::alter().table("crl_content").add_column(column).take()).await
    }
}
