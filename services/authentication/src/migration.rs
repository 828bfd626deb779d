//! The tables of this service. A shipped migration is never edited; the next change is the next migration.

mod codes;
mod dated;
mod evidence;
mod hosted;
mod parts;
mod rights;

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;

use hosted::KeyIds;

/// The migrations of this service, oldest first.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(Tables),
        Box::new(Batches),
        Box::new(Policies),
        Box::new(Succession),
        Box::new(Evidence),
        Box::new(KeyIds),
        Box::new(rights::Rights),
        Box::new(codes::Codes),
        Box::new(evidence::EvidenceKept),
        Box::new(dated::Dated),
        Box::new(parts::Parts),
    ]
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "authentication_0001_tables"
    }
}

#[async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let read = [seal(), seal_pin(), sealing_attempt(), sealing_places(), hosted_key(), trust_anchor(), crl()];
        let contents = [hosted_key_secret(), certificate(), crl_content(), seal_content()];
        for table in read.into_iter().chain(contents) {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

struct Batches;

impl MigrationName for Batches {
    fn name(&self) -> &'static str {
        "authentication_0002_batches"
    }
}

#[async_trait]
impl MigrationTrait for Batches {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [sealing_batch(), sealing_document()] {
            manager.create_table(table).await?;
        }
        Ok(())
    }
}

struct Policies;

impl MigrationName for Policies {
    fn name(&self) -> &'static str {
        "authentication_0003_policies"
    }
}

#[async_trait]
impl MigrationTrait for Policies {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(seal_policy()).await
    }
}

struct Evidence;

impl MigrationName for Evidence {
    fn name(&self) -> &'static str {
        "authentication_0007_evidence"
    }
}

#[async_trait]
impl MigrationTrait for Evidence {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [sealing_evidence(), evidence_content()] {
            manager.create_table(table).await?;
        }
        Ok(())
    }
}

/// What was looked at when a use of a seal was decided: SHA-256 of lists and of what issuers answered. Follows from nothing.
fn sealing_evidence() -> TableCreateStatement {
    Table::create()
        .table("sealing_evidence")
        .col(ColumnDef::new("attempt_id").text().not_null())
        .col(ColumnDef::new("seal_id").text().not_null())
        .col(ColumnDef::new("digest").text().not_null())
        .primary_key(Index::create().col("attempt_id").col("seal_id").col("digest"))
        .take()
}

/// What issuers answered, by its SHA-256: OCSP responses and lists that were fetched. Follows from nothing.
fn evidence_content() -> TableCreateStatement {
    Table::create()
        .table("evidence_content")
        .col(ColumnDef::new("digest").text().not_null().primary_key())
        .col(ColumnDef::new("der").blob().not_null())
        .take()
}

/// Read table: what uses of a seal need beyond its gates.
fn seal_policy() -> TableCreateStatement {
    Table::create()
        .table("seal_policy")
        .col(ColumnDef::new("seal_id").text().not_null().primary_key())
        .col(ColumnDef::new("policy").text().not_null()) // JSON of SealPolicy
        .take()
}

/// The line of seals, and when something is to be told next of what ends soon.
struct Succession;

impl MigrationName for Succession {
    fn name(&self) -> &'static str {
        "authentication_0004_succession"
    }
}

/// Seals that are registered already are warned of as if they had been registered by this release, but for their
/// certificates, of which their facts say nothing: the first moment that lies after the registration.
const FIRST_WARNINGS: &str = "UPDATE seal SET warn_at = CASE \
    WHEN valid_to - 2592000000000 > registered_at THEN valid_to - 2592000000000 \
    WHEN valid_to - 604800000000 > registered_at THEN valid_to - 604800000000 \
    WHEN valid_to - 86400000000 > registered_at THEN valid_to - 86400000000 END \
    WHERE state IN ('SEAL_STATE_REGISTERED', 'SEAL_STATE_ACTIVE', 'SEAL_STATE_SUSPENDED') AND NOT expiry_announced";

/// Seals that were replaced already show their successor once the read tables are rebuilt; their facts have it.
#[async_trait]
impl MigrationTrait for Succession {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let added = [
            ColumnDef::new("predecessor_seal_id").text().not_null().default("").take(),
            ColumnDef::new("successor_seal_id").text().not_null().default("").take(),
            ColumnDef::new("warn_at").big_integer().take(),
        ];
        for column in added {
            manager.alter_table(Table::alter().table("seal").add_column(column).take()).await?;
        }
        manager.create_index(Index::create().name("seal_by_warning").table("seal").col("warn_at").take()).await?;
        manager.get_connection().execute_unprepared(FIRST_WARNINGS).await.map(drop)
    }
}

/// Read table: acts over many documents, beside their attempts.
fn sealing_batch() -> TableCreateStatement {
    Table::create()
        .table("sealing_batch")
        .col(ColumnDef::new("seal_id").text().not_null())
        .col(ColumnDef::new("attempt_id").text().not_null())
        .col(ColumnDef::new("root").text().not_null())
        .col(ColumnDef::new("documents").big_integer().not_null())
        .col(ColumnDef::new("documents_sealed").big_integer().not_null())
        .col(ColumnDef::new("certificate_digests").text().not_null()) // a JSON array
        .col(ColumnDef::new("complete_before").big_integer().not_null())
        .primary_key(Index::create().col("attempt_id").col("seal_id"))
        .take()
}

/// Read table: what became of each document of an act.
fn sealing_document() -> TableCreateStatement {
    Table::create()
        .table("sealing_document")
        .col(ColumnDef::new("seal_id").text().not_null())
        .col(ColumnDef::new("attempt_id").text().not_null())
        .col(ColumnDef::new("number").big_integer().not_null()) // its place in the list, from 0
        .col(ColumnDef::new("document_digest").text().not_null())
        .col(ColumnDef::new("signature_digest").text().not_null()) // empty = refused
        .col(ColumnDef::new("places").text().not_null()) // a JSON array of eseal.seal.v1.Place
        .col(ColumnDef::new("ended_at").big_integer().not_null())
        .col(ColumnDef::new("reason").text().not_null())
        .primary_key(Index::create().col("attempt_id").col("seal_id").col("number"))
        .take()
}

/// Read table: the registry. Moments are microseconds since 1970, UTC.
fn seal() -> TableCreateStatement {
    Table::create()
        .table("seal")
        .col(ColumnDef::new("seal_id").text().not_null().primary_key())
        .col(ColumnDef::new("application_id").text().not_null())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("expiry_announced").boolean().not_null())
        .col(ColumnDef::new("uscc").text().not_null())
        .col(ColumnDef::new("name_zh").text().not_null())
        .col(ColumnDef::new("name_en").text().not_null())
        .col(ColumnDef::new("seal_type").text().not_null())
        .col(ColumnDef::new("custody").text().not_null())
        .col(ColumnDef::new("card_serial").text().not_null())
        .col(ColumnDef::new("hosted_key_id").text().not_null())
        .col(ColumnDef::new("custodian_id").text().not_null())
        .col(ColumnDef::new("seal_digest").text().not_null())
        .col(ColumnDef::new("certificate_digests").text().not_null()) // a JSON array
        .col(ColumnDef::new("valid_from").big_integer().not_null())
        .col(ColumnDef::new("valid_to").big_integer().not_null())
        .col(ColumnDef::new("registered_at").big_integer().not_null())
        .col(ColumnDef::new("changed_at").big_integer().not_null())
        .col(ColumnDef::new("version").big_integer().not_null())
        .take()
}

/// Read table: PIN tries, which change with every use.
fn seal_pin() -> TableCreateStatement {
    Table::create()
        .table("seal_pin")
        .col(ColumnDef::new("seal_id").text().not_null().primary_key())
        .col(ColumnDef::new("tries_left").integer().not_null())
        .take()
}

/// Read table: 签章日志. Attempt ids sort by the time that they began.
fn sealing_attempt() -> TableCreateStatement {
    Table::create()
        .table("sealing_attempt")
        .col(ColumnDef::new("seal_id").text().not_null())
        .col(ColumnDef::new("attempt_id").text().not_null())
        .col(ColumnDef::new("uscc").text().not_null()) // empty = not registered here
        .col(ColumnDef::new("seal_custodian_id").text().not_null())
        .col(ColumnDef::new("custodian_id").text().not_null()) // who tried
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("begun_at").big_integer().not_null())
        .col(ColumnDef::new("ended_at").big_integer())
        .col(ColumnDef::new("gate").text().not_null())
        .col(ColumnDef::new("reason").text().not_null())
        .col(ColumnDef::new("document_digest").text().not_null()) // empty before gate d, as is the next
        .col(ColumnDef::new("certificate_digest").text().not_null())
        .primary_key(Index::create().col("attempt_id").col("seal_id"))
        .take()
}

/// Read table: where the impressions of an attempt stand.
fn sealing_places() -> TableCreateStatement {
    Table::create()
        .table("sealing_places")
        .col(ColumnDef::new("seal_id").text().not_null())
        .col(ColumnDef::new("attempt_id").text().not_null())
        .col(ColumnDef::new("places").text().not_null()) // a JSON array of eseal.seal.v1.Place
        .primary_key(Index::create().col("attempt_id").col("seal_id"))
        .take()
}

/// Read table: hosted keys, without the keys.
fn hosted_key() -> TableCreateStatement {
    Table::create()
        .table("hosted_key")
        .col(ColumnDef::new("hosted_key_id").text().not_null().primary_key())
        .col(ColumnDef::new("uscc").text().not_null())
        .col(ColumnDef::new("custodian_id").text().not_null())
        .col(ColumnDef::new("certificate_digests").text().not_null()) // a JSON array, the SM2 one first
        .col(ColumnDef::new("changed_at").big_integer().not_null())
        .take()
}

/// Read table: CA certificates by purpose. The newest position tells whether trust has changed.
fn trust_anchor() -> TableCreateStatement {
    Table::create()
        .table("trust_anchor")
        .col(ColumnDef::new("purpose").text().not_null())
        .col(ColumnDef::new("fingerprint").text().not_null())
        .col(ColumnDef::new("trusted").boolean().not_null())
        .col(ColumnDef::new("changed_at").big_integer().not_null())
        .col(ColumnDef::new("position").big_integer().not_null())
        .primary_key(Index::create().col("purpose").col("fingerprint"))
        .take()
}

/// Read table: revocation lists. The newest of an issuer counts.
fn crl() -> TableCreateStatement {
    Table::create()
        .table("crl")
        .col(ColumnDef::new("digest").text().not_null().primary_key())
        .col(ColumnDef::new("issuer").text().not_null())
        .col(ColumnDef::new("this_update").big_integer().not_null())
        .col(ColumnDef::new("position").big_integer().not_null())
        .take()
}

/// Private keys and PINs' hashes, encrypted under the key file. Follows from nothing.
fn hosted_key_secret() -> TableCreateStatement {
    Table::create()
        .table("hosted_key_secret")
        .col(ColumnDef::new("hosted_key_id").text().not_null().primary_key())
        .col(ColumnDef::new("sm2_key").blob().not_null())
        .col(ColumnDef::new("p256_key").blob().not_null())
        .col(ColumnDef::new("pin_hash").blob().not_null())
        .col(ColumnDef::new("sm2_request").blob().not_null()) // PKCS #10, DER, as it is
        .col(ColumnDef::new("p256_request").blob().not_null())
        .take()
}

/// Certificates by their SHA-256: of trust anchors and hosted keys. Erasable; follows from nothing.
fn certificate() -> TableCreateStatement {
    Table::create()
        .table("certificate")
        .col(ColumnDef::new("digest").text().not_null().primary_key())
        .col(ColumnDef::new("der").blob().not_null())
        .take()
}

/// Revocation lists by their SHA-256. Follows from nothing.
fn crl_content() -> TableCreateStatement {
    Table::create()
        .table("crl_content")
        .col(ColumnDef::new("digest").text().not_null().primary_key())
        .col(ColumnDef::new("der").blob().not_null())
        .take()
}

/// SESeals by their SHA-256, encrypted under the key file. Erasable; follows from nothing.
fn seal_content() -> TableCreateStatement {
    Table::create()
        .table("seal_content")
        .col(ColumnDef::new("digest").text().not_null().primary_key())
        .col(ColumnDef::new("content").blob().not_null())
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
        index("seal_newest", "seal", &["registered_at", "seal_id"]),
        index("seal_newest_of_organization", "seal", &["uscc", "registered_at", "seal_id"]),
        index("seal_by_digest", "seal", &["seal_digest"]),
        index("seal_by_end", "seal", &["expiry_announced", "valid_to"]),
        index("attempt_newest_of_organization", "sealing_attempt", &["uscc", "attempt_id"]),
        index("attempt_newest_of_custodian", "sealing_attempt", &["seal_custodian_id", "attempt_id"]),
        index("attempt_newest_of_seal", "sealing_attempt", &["seal_id", "attempt_id"]),
        index("crl_newest", "crl", &["issuer", "this_update"]),
    ]
}
