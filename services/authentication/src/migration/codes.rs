//! The tables of second factors.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(super) struct Codes;

impl MigrationName for Codes {
    fn name(&self) -> &'static str {
        "authentication_0009_codes"
    }
}

#[async_trait]
impl MigrationTrait for Codes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [authenticator(), authenticator_secret(), sealing_code()] {
            manager.create_table(table).await?;
        }
        let index =
            Index::create().name("authenticator_secret_by_key").table("authenticator_secret").col("key_id").take();
        manager.create_index(index).await
    }
}

/// Read table: who has an authenticator for a hosted key.
fn authenticator() -> TableCreateStatement {
    Table::create()
        .table("authenticator")
        .col(ColumnDef::new("hosted_key_id").text().not_null())
        .col(ColumnDef::new("person_id").text().not_null())
        .col(ColumnDef::new("authenticator_id").text().not_null()) // empty = out of use
        .col(ColumnDef::new("changed_at").big_integer().not_null())
        .primary_key(Index::create().col("hosted_key_id").col("person_id"))
        .take()
}

/// Secrets of authenticators, encrypted; of those that are not confirmed as well. Follows from nothing.
fn authenticator_secret() -> TableCreateStatement {
    Table::create()
        .table("authenticator_secret")
        .col(ColumnDef::new("secret_id").text().not_null().primary_key()) // hosted key/person/authenticator
        .col(ColumnDef::new("owner").text().not_null()) // hosted key/person
        .col(ColumnDef::new("person_id").text().not_null())
        .col(ColumnDef::new("secret").blob().not_null())
        .col(ColumnDef::new("last_step").big_integer().not_null()) // RFC 6238: neither it nor one before it is taken again
        .col(ColumnDef::new("made_at").big_integer().not_null())
        .col(ColumnDef::new("key_id").text().not_null())
        .take()
}

/// Codes that were sent, hashed like PINs. Follows from nothing.
fn sealing_code() -> TableCreateStatement {
    Table::create()
        .table("sealing_code")
        .col(ColumnDef::new("seal_id").text().not_null())
        .col(ColumnDef::new("person_id").text().not_null())
        .col(ColumnDef::new("hash").blob().not_null())
        .col(ColumnDef::new("made_at").big_integer().not_null())
        .col(ColumnDef::new("tries_left").integer().not_null())
        .primary_key(Index::create().col("seal_id").col("person_id"))
        .take()
}
