//! Tables of custodians and of requested uses.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(super) struct Rights;

impl MigrationName for Rights {
    fn name(&self) -> &'static str {
        "authentication_0008_rights"
    }
}

#[async_trait]
impl MigrationTrait for Rights {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [custodian(), custodian_used(), asked(), standing(), document(), spent(), use_text()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        for (table, column) in [("sealing_attempt", "detail"), ("sealing_places", "admitted")] {
            let column = ColumnDef::new(column).text().not_null().default("").take();
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        // Those whom applications named. A rebuild would bring the same.
        let first = "INSERT INTO seal_custodian (seal_id, person_id, in_force, withdrawal_code, terms, changed_at) \
                     SELECT seal_id, custodian_id, TRUE, '', '{}', registered_at FROM seal";
        manager.get_connection().execute_unprepared(first).await?;
        Ok(())
    }
}

/// Read table: who may use a seal, or once did.
fn custodian() -> TableCreateStatement {
    Table::create()
        .table("seal_custodian")
        .col(ColumnDef::new("seal_id").text().not_null())
        .col(ColumnDef::new("person_id").text().not_null())
        .col(ColumnDef::new("in_force").boolean().not_null())
        .col(ColumnDef::new("withdrawal_code").text().not_null())
        .col(ColumnDef::new("terms").text().not_null()) // JSON of CustodianTerms
        .col(ColumnDef::new("changed_at").big_integer().not_null())
        .primary_key(Index::create().col("seal_id").col("person_id"))
        .take()
}

/// Read table: for how many documents a right was used, where it has a limit.
fn custodian_used() -> TableCreateStatement {
    Table::create()
        .table("seal_custodian_used")
        .col(ColumnDef::new("seal_id").text().not_null())
        .col(ColumnDef::new("person_id").text().not_null())
        .col(ColumnDef::new("used").big_integer().not_null())
        .primary_key(Index::create().col("seal_id").col("person_id"))
        .take()
}

/// Read table: what was asked for in requests for uses; never changes. Their ids sort by the time that they were made.
fn asked() -> TableCreateStatement {
    Table::create()
        .table("seal_use")
        .col(ColumnDef::new("use_id").text().not_null().primary_key())
        .col(ColumnDef::new("seal_id").text().not_null())
        .col(ColumnDef::new("uscc").text().not_null())
        .col(ColumnDef::new("requester_id").text().not_null())
        .col(ColumnDef::new("uses").big_integer().not_null())
        .col(ColumnDef::new("purpose_code").text().not_null())
        .col(ColumnDef::new("deadline").big_integer().not_null())
        .col(ColumnDef::new("requested_at").big_integer().not_null())
        .take()
}

/// Read table: what was decided about them.
fn standing() -> TableCreateStatement {
    Table::create()
        .table("seal_use_standing")
        .col(ColumnDef::new("use_id").text().not_null().primary_key())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("decided_by").text().not_null()) // empty = nobody
        .col(ColumnDef::new("reason_code").text().not_null())
        .col(ColumnDef::new("changed_at").big_integer().not_null())
        .take()
}

/// Read table: for which documents they are.
fn document() -> TableCreateStatement {
    Table::create()
        .table("seal_use_document")
        .col(ColumnDef::new("use_id").text().not_null())
        .col(ColumnDef::new("document").text().not_null())
        .primary_key(Index::create().col("use_id").col("document"))
        .take()
}

/// Read table: how often each of the documents was sealed.
fn spent() -> TableCreateStatement {
    Table::create()
        .table("seal_use_spent")
        .col(ColumnDef::new("use_id").text().not_null().primary_key())
        .col(ColumnDef::new("documents").text().not_null()) // a JSON array of UseDocument
        .col(ColumnDef::new("is_spent").boolean().not_null())
        .take()
}

/// What people wrote about uses, encrypted under the key file. Erasable; follows from nothing.
fn use_text() -> TableCreateStatement {
    Table::create()
        .table("use_text")
        .col(ColumnDef::new("text_id").text().not_null().primary_key()) // "<use_id>/purpose" or "<use_id>/reason"
        .col(ColumnDef::new("person_id").text().not_null()) // with whom it is erased
        .col(ColumnDef::new("content").blob().not_null())
        .col(ColumnDef::new("key_id").text().not_null()) // the key-encryption key that it needs
        .take()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create();
        index.name(name).table(table);
        for column in columns {
            index.col(*column);
        }
        index.take()
    };
    vec![
        index("custodian_by_person", "seal_custodian", &["person_id", "seal_id"]),
        index("use_newest_of_seal", "seal_use", &["seal_id", "use_id"]),
        index("use_newest_of_organization", "seal_use", &["uscc", "use_id"]),
        index("use_by_document", "seal_use_document", &["document", "use_id"]),
        index("use_text_by_person", "use_text", &["person_id"]),
        index("use_text_by_key", "use_text", &["key_id"]),
    ]
}
