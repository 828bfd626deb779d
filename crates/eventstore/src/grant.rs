//! What a service may do to its own database on PostgreSQL.
//!
//! Two roles: one owns the tables and migrates, and the service runs as another one, which can add to `events` and read
//! them, and nothing else. So a service that was taken over can't rewrite what happened, whatever SQL it runs. The
//! owner can; the chain of hashes and the audit log are there to find that.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};

use crate::{Database, StoreError, Transaction};

/// The longest name of PostgreSQL.
const ROLE_MAX: usize = 63;

/// Gives `role` what a service needs, and takes from it what it does not: all tables that are there now, so it is to be
/// called after each `migrate`. To be run as the tables' owner. Nothing on SQLite.
///
/// # Errors
/// [`StoreError::Role`] for an impossible name; [`StoreError::Database`] when there is no such role, or whoever asks
/// does not own the tables.
pub async fn grant(database: &Database, role: &str) -> Result<(), StoreError> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if role.is_empty() || role.len() > ROLE_MAX || !role.bytes().all(word) {
        return Err(StoreError::Role(role.to_owned()));
    }
    if database.backend() != DbBackend::Postgres {
        return Ok(());
    }
    let tx = database.begin_unbounded().await?;
    match give(&tx, role).await {
        Ok(()) => Ok(tx.commit().await?),
        Err(error) => {
            if let Err(error) = tx.rollback().await {
                tracing::warn!(%error, "rollback failed");
            }
            Err(error.into())
        }
    }
}

async fn give(tx: &Transaction, role: &str) -> Result<(), DbErr> {
    let schema = Statement::from_string(DbBackend::Postgres, "SELECT quote_ident(current_schema()) AS name");
    let schema = tx.query_one_raw(schema).await?.ok_or_else(|| DbErr::Custom("no schema".to_owned()))?;
    let schema: String = schema.try_get("", "name")?;
    let sql = include_str!("migration/grants.postgres.sql").replace("{schema}", &schema).replace("{role}", role);
    tx.execute_unprepared(&sql).await.map(drop)
}
