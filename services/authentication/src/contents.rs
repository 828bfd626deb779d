//! Bytes that no event holds and none can give back: certificates, revocation lists, SESeals, hosted keys. Written beside
//! the events, in the same transaction, named by their SHA-256 where they are contents, and never rebuilt. What is secret
//! or about a person (a SESeal may carry a personal seal's picture) is encrypted; erasing is deleting a row.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use eseal_eventstore::{Database, Row};
use eseal_kernel::Digest;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};
use zeroize::Zeroizing;

use crate::domain::ids::{AttemptId, HostedKeyId, SealId};
use crate::vault::{Vault, VaultError};

/// The contents in a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Contents {
    database: Database,
    vault: Arc<Vault>,
    /// Answers of issuers that are in the database for certain.
    stored: Arc<Mutex<HashSet<Digest>>>,
}

/// The most of them that are remembered.
const MOST_STORED: usize = 4096;

/// A revocation list or an OCSP response, DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A list that was imported.
    Imported(Vec<u8>),
    /// What an issuer answered.
    Answered(Vec<u8>),
}

/// Why a content can't be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// It can't be encrypted or decrypted.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What is stored of a hosted key beside its facts.
#[derive(Debug)]
pub struct Secrets<'a> {
    /// PKCS #8 of the SM2 key.
    pub sm2_key: &'a [u8],
    /// PKCS #8 of the P-256 key.
    pub p256_key: &'a [u8],
    /// The PIN's hash.
    pub pin_hash: &'a [u8],
    /// PKCS #10 of the SM2 key; public.
    pub sm2_request: &'a [u8],
    /// PKCS #10 of the P-256 key; public.
    pub p256_request: &'a [u8],
}

/// What of a hosted key is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// The SM2 key, PKCS #8.
    Sm2Key,
    /// The P-256 key, PKCS #8.
    P256Key,
    /// The PIN's hash.
    PinHash,
}

impl Secret {
    const fn column(self) -> &'static str {
        match self {
            Self::Sm2Key => "sm2_key",
            Self::P256Key => "p256_key",
            Self::PinHash => "pin_hash",
        }
    }

    /// The place that its box is bound to.
    fn place(self, key: &str) -> String {
        format!("hosted_key_secret/{key}/{}", self.column())
    }
}

impl Contents {
    /// The contents in `database`, encrypted with the key of `vault`.
    pub fn new(database: Database, vault: Vault) -> Self {
        Self { database, vault: Arc::new(vault), stored: Arc::default() }
    }

    /// The row of a SESeal.
    ///
    /// # Errors
    /// [`ContentError::Vault`].
    pub fn seal_row(&self, der: &[u8]) -> Result<Row, ContentError> {
        let digest = Digest::of(der);
        let content = self.vault.seal(&seal_place(&digest.to_string()), der)?;
        let values = vec![("digest", digest.to_string().into()), ("content", content.into())];
        Ok(Row { table: "seal_content", key: &["digest"], values })
    }

    /// The SESeal with this SHA-256; none once it was erased.
    ///
    /// # Errors
    /// [`ContentError`].
    pub async fn seal(&self, digest: Digest) -> Result<Option<Vec<u8>>, ContentError> {
        let digest = digest.to_string();
        let Some(sealed) = self.blob("seal_content", "content", ("digest", &digest)).await? else { return Ok(None) };
        Ok(Some(self.vault.open_box(&seal_place(&digest), &sealed)?.to_vec()))
    }

    /// The rows of a hosted key.
    ///
    /// # Errors
    /// [`ContentError::Vault`].
    pub fn secrets_row(&self, key: HostedKeyId, secrets: &Secrets<'_>) -> Result<Row, ContentError> {
        let key = key.to_string();
        let sealed = |secret: Secret, plaintext| self.vault.seal(&secret.place(&key), plaintext);
        let values = vec![
            ("sm2_key", sealed(Secret::Sm2Key, secrets.sm2_key)?.into()),
            ("p256_key", sealed(Secret::P256Key, secrets.p256_key)?.into()),
            ("pin_hash", sealed(Secret::PinHash, secrets.pin_hash)?.into()),
            ("sm2_request", secrets.sm2_request.to_vec().into()),
            ("p256_request", secrets.p256_request.to_vec().into()),
            ("hosted_key_id", key.into()),
        ];
        Ok(Row { table: "hosted_key_secret", key: &["hosted_key_id"], values })
    }

    /// A secret of a hosted key, decrypted; none if there is no such key.
    ///
    /// # Errors
    /// [`ContentError`].
    pub async fn secret(&self, key: HostedKeyId, secret: Secret) -> Result<Option<Zeroizing<Vec<u8>>>, ContentError> {
        let key = key.to_string();
        let sealed = self.blob("hosted_key_secret", secret.column(), ("hosted_key_id", &key)).await?;
        Ok(sealed.map(|sealed| self.vault.open_box(&secret.place(&key), &sealed)).transpose()?)
    }

    /// The certificate requests of a hosted key, the SM2 one first; none if there is no such key.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn requests(&self, key: HostedKeyId) -> Result<Vec<Vec<u8>>, ContentError> {
        let select = by_key("hosted_key_secret", ["sm2_request", "p256_request"], ("hosted_key_id", &key.to_string()));
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(vec![]) };
        Ok(vec![row.try_get("", "sm2_request")?, row.try_get("", "p256_request")?])
    }

    /// The certificate with this SHA-256; none if none was stored, or it was erased.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn certificate(&self, digest: Digest) -> Result<Option<Vec<u8>>, ContentError> {
        self.blob("certificate", "der", ("digest", &digest.to_string())).await
    }

    /// The revocation list with this SHA-256.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn crl(&self, digest: Digest) -> Result<Option<Vec<u8>>, ContentError> {
        self.blob("crl_content", "der", ("digest", &digest.to_string())).await
    }

    /// The row of what an issuer answered; none where it is stored already.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn evidence_row(&self, der: &[u8]) -> Result<Option<Row>, ContentError> {
        let digest = Digest::of(der);
        let is_stored =
            |stored: &Mutex<HashSet<Digest>>| stored.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest);
        if is_stored(&self.stored) {
            return Ok(None);
        }
        let select = by_key("evidence_content", ["digest"], ("digest", &digest.to_string()));
        if self.database.reader().query_one(&select).await?.is_none() {
            return Ok(Some(content_row("evidence_content", der)));
        }
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        if stored.len() >= MOST_STORED {
            stored.clear();
        }
        stored.insert(digest);
        Ok(None)
    }

    /// What was looked at when a use of a seal was decided, by its SHA-256, and the lists and answers themselves.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn evidence(&self, seal: SealId, attempt: AttemptId) -> Result<Vec<(Digest, Evidence)>, ContentError> {
        let select = Query::select()
            .column("digest")
            .from("sealing_evidence")
            .and_where(Expr::col("attempt_id").eq(attempt.to_string()))
            .and_where(Expr::col("seal_id").eq(seal.to_string()))
            .order_by("digest", sea_orm::sea_query::Order::Asc)
            .take();
        let mut found = Vec::new();
        for row in self.database.reader().query_all(&select).await? {
            let digest: String = row.try_get("", "digest")?;
            let list = self.blob("crl_content", "der", ("digest", &digest)).await?.map(Evidence::Imported);
            let evidence = match list {
                Some(list) => Some(list),
                None => self.blob("evidence_content", "der", ("digest", &digest)).await?.map(Evidence::Answered),
            };
            let named = digest.parse().map_err(|_| DbErr::Type("sealing_evidence.digest".to_owned()))?;
            found.extend(evidence.map(|evidence| (named, evidence)));
        }
        Ok(found)
    }

    /// Whether something is stored that the key file opens: a new key file would be of no use then.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn is_anything_encrypted(database: &Database) -> Result<bool, DbErr> {
        for (table, key) in [("hosted_key_secret", "hosted_key_id"), ("seal_content", "digest")] {
            let select = Query::select().column(key).from(table).limit(1).take();
            if database.reader().query_one(&select).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens one of each kind of boxes: finds out at the start that the key file is another one.
    ///
    /// # Errors
    /// [`ContentError`].
    pub async fn check_key(&self) -> Result<(), ContentError> {
        if let Some(row) = self.any("hosted_key_secret", ["hosted_key_id", "pin_hash"]).await? {
            let key: String = row.try_get("", "hosted_key_id")?;
            self.vault.open_box(&Secret::PinHash.place(&key), &row.try_get::<Vec<u8>>("", "pin_hash")?)?;
        }
        if let Some(row) = self.any("seal_content", ["digest", "content"]).await? {
            let digest: String = row.try_get("", "digest")?;
            self.vault.open_box(&seal_place(&digest), &row.try_get::<Vec<u8>>("", "content")?)?;
        }
        Ok(())
    }

    async fn any(&self, table: &'static str, columns: [&'static str; 2]) -> Result<Option<QueryResult>, DbErr> {
        let select = Query::select().columns(columns).from(table).limit(1).take();
        self.database.reader().query_one(&select).await
    }

    async fn blob(
        &self,
        table: &'static str,
        column: &'static str,
        key: (&'static str, &str),
    ) -> Result<Option<Vec<u8>>, ContentError> {
        let row = self.database.reader().query_one(&by_key(table, [column], key)).await?;
        Ok(row.map(|row| row.try_get("", column)).transpose()?)
    }
}

/// The row that keeps what was looked at when a use of a seal was decided: a revocation list or an OCSP response, by its SHA-256.
pub fn seen_row((seal, attempt): (SealId, AttemptId), digest: Digest) -> Row {
    let values = vec![
        ("attempt_id", attempt.to_string().into()),
        ("seal_id", seal.to_string().into()),
        ("digest", digest.to_string().into()),
    ];
    Row { table: "sealing_evidence", key: &["attempt_id", "seal_id", "digest"], values }
}

/// The row of a certificate.
pub fn certificate_row(der: &[u8]) -> Row {
    content_row("certificate", der)
}

/// The row of a revocation list.
pub fn crl_row(der: &[u8]) -> Row {
    content_row("crl_content", der)
}

fn content_row(table: &'static str, der: &[u8]) -> Row {
    let values = vec![("digest", Digest::of(der).to_string().into()), ("der", der.to_vec().into())];
    Row { table, key: &["digest"], values }
}

fn seal_place(digest: &str) -> String {
    format!("seal_content/{digest}")
}

fn by_key<const N: usize>(
    table: &'static str,
    columns: [&'static str; N],
    (key, value): (&'static str, &str),
) -> SelectStatement {
    Query::select().columns(columns).from(table).and_where(Expr::col(key).eq(value)).take()
}
