//! What is known of a piece of evidence without reading it, and since when no attempt names it.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(super) struct EvidenceKept;

impl MigrationName for EvidenceKept {
    fn name(&self) -> &'static str {
        "authentication_0010_evidence_kept"
    }
}

#[async_trait]
impl MigrationTrait for EvidenceKept {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let added = [
            ColumnDef::new("kind").text().not_null().default("").take(), // empty: its bytes tell
            ColumnDef::new("unused_since").big_integer().take(),
        ];
        for column in added {
            manager.alter_table(Table::alter().table("evidence_content").add_column(column).take()).await?;
        }
        let by_digest = Index::create().name("evidence_by_digest").table("sealing_evidence").col("digest").take();
        manager.create_index(by_digest).await
    }
}
