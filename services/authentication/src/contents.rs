//! Bytes that no event holds and none can give back: certificates, revocation lists, SESeals, hosted keys. Written beside
//! the events, in the same transaction, named by their SHA-256 where they are contents, and never rebuilt. What is secret
//! or about a person (a SESeal may carry a personal seal's picture, a text what somebody did) is encrypted; erasing is
//! deleting a row.

mod evidence;

use std::sync::Arc;

use eseal_eventstore::{Database, Row};
use eseal_kernel::Digest;
use eseal_pki::Crl;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{ConnectionTrait as _, DbErr};
use zeroize::Zeroizing;

use crate::domain::ids::{HostedKeyId, PersonId, UseId};
use crate::vault::{Vault, VaultError};

pub use evidence::{Kind, seen_row};

use evidence::Stored;

/// The contents in a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Contents {
    database: Database,
    vault: Arc<Vault>,
    /// Answers of issuers that are in the database for certain.
    stored: Stored,
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

impl ContentError {
    /// Whether it may be better later.
    pub const fn is_for_now(&self) -> bool {
        matches!(self, Self::Vault(error) if error.is_for_now())
    }
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

/// The column with the name of the key-encryption key that a row needs; empty in rows of earlier releases, which need `key_file`.
pub const KEY_ID: &str = "key_id";

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

/// What people write about a requested use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseText {
    /// What it is for.
    Purpose,
    /// Why it was declined.
    Reason,
}

impl UseText {
    /// Its key in its table.
    fn name(self, id: UseId) -> String {
        let part = match self {
            Self::Purpose => "purpose",
            Self::Reason => "reason",
        };
        format!("{id}/{part}")
    }
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
        secret_place(key, self.column())
    }
}

impl Contents {
    /// The contents in `database`, encrypted with the key of `vault`.
    pub fn new(database: Database, vault: Arc<Vault>) -> Self {
        Self { database, vault, stored: Arc::default() }
    }

    /// The row of a SESeal.
    ///
    /// # Errors
    /// [`ContentError::Vault`].
    pub async fn seal_row(&self, der: &[u8]) -> Result<Row, ContentError> {
        let digest = Digest::of(der).to_string();
        let content = self.vault.seal(&seal_place(&digest), der).await?;
        let key_id = self.vault.current().to_owned();
        let values = vec![("digest", digest.into()), ("content", content.into()), (KEY_ID, key_id.into())];
        Ok(Row { table: "seal_content", key: &["digest"], values })
    }

    /// The SESeal with this SHA-256; none once it was erased.
    ///
    /// # Errors
    /// [`ContentError`].
    pub async fn seal(&self, digest: Digest) -> Result<Option<Vec<u8>>, ContentError> {
        let digest = digest.to_string();
        let Some(sealed) = self.blob("seal_content", "content", ("digest", &digest)).await? else { return Ok(None) };
        Ok(Some(self.vault.open_box(&seal_place(&digest), &sealed).await?.to_vec()))
    }

    /// The row of a text about a use. It is erased with this person.
    ///
    /// # Errors
    /// [`ContentError::Vault`].
    pub async fn use_text_row(
        &self,
        id: UseId,
        text: UseText,
        about: &PersonId,
        words: &str,
    ) -> Result<Row, ContentError> {
        let name = text.name(id);
        let values = vec![
            ("content", self.vault.seal(&use_text_place(&name), words.as_bytes()).await?.into()),
            (KEY_ID, self.vault.current().to_owned().into()),
            ("person_id", about.as_str().into()),
            ("text_id", name.into()),
        ];
        Ok(Row { table: "use_text", key: &["text_id"], values })
    }

    /// A text about a use; none if there is none, or it was erased.
    ///
    /// # Errors
    /// [`ContentError`].
    pub async fn use_text(&self, id: UseId, text: UseText) -> Result<Option<String>, ContentError> {
        let name = text.name(id);
        let Some(sealed) = self.blob("use_text", "content", ("text_id", &name)).await? else { return Ok(None) };
        let words = self.vault.open_box(&use_text_place(&name), &sealed).await?;
        Ok(Some(String::from_utf8_lossy(&words).into_owned()))
    }

    /// Erases what is about a person, for good: the files of the database forget it too. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn forget(&self, person: &PersonId) -> Result<(), ContentError> {
        let about_them = Expr::col("person_id").eq(person.as_str());
        let transaction = self.database.begin().await?;
        for table in ["use_text", "authenticator_secret", "sealing_code"] {
            transaction.execute(&Query::delete().from_table(table).and_where(about_them.clone()).take()).await?;
        }
        transaction.commit().await?;
        Ok(self.database.purge().await?)
    }

    /// The rows of a hosted key.
    ///
    /// # Errors
    /// [`ContentError::Vault`].
    pub async fn secrets_row(&self, key: HostedKeyId, secrets: &Secrets<'_>) -> Result<Row, ContentError> {
        let key = key.to_string();
        let sealed = async |secret: Secret, plaintext| self.vault.seal(&secret.place(&key), plaintext).await;
        let values = vec![
            ("sm2_key", sealed(Secret::Sm2Key, secrets.sm2_key).await?.into()),
            ("p256_key", sealed(Secret::P256Key, secrets.p256_key).await?.into()),
            ("pin_hash", sealed(Secret::PinHash, secrets.pin_hash).await?.into()),
            ("sm2_request", secrets.sm2_request.to_vec().into()),
            ("p256_request", secrets.p256_request.to_vec().into()),
            (KEY_ID, self.vault.current().to_owned().into()),
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
        let Some(sealed) = sealed else { return Ok(None) };
        Ok(Some(self.vault.open_box(&secret.place(&key), &sealed).await?))
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

    /// Has the row of a revocation list say which part it is: rows of earlier releases do not.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn remember_part(&self, digest: Digest, part: &str) -> Result<(), ContentError> {
        let update = Query::update()
            .table("crl_content")
            .value("part", part)
            .and_where(Expr::col("digest").eq(digest.to_string()))
            .take();
        let transaction = self.database.begin().await?;
        transaction.execute(&update).await?;
        Ok(transaction.commit().await?)
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

/// The row of a certificate.
pub fn certificate_row(der: &[u8]) -> Row {
    content_row("certificate", der)
}

/// The row of a revocation list.
pub fn crl_row(list: &Crl) -> Row {
    let Row { table, key, mut values } = content_row("crl_content", list.der());
    values.push(("part", part_of(list).into()));
    Row { table, key, values }
}

/// What names the part of its issuer's lists that a list is; nothing where it is whole.
pub fn part_of(list: &Crl) -> String {
    list.part().map(|part| Digest::of(part).to_string()).unwrap_or_default()
}

fn content_row(table: &'static str, der: &[u8]) -> Row {
    let values = vec![("digest", Digest::of(der).to_string().into()), ("der", der.to_vec().into())];
    Row { table, key: &["digest"], values }
}

/// The place that the box of a hosted key's secret is bound to.
pub(crate) fn secret_place(key: &str, column: &str) -> String {
    format!("hosted_key_secret/{key}/{column}")
}

/// The place that the box of a text about a use is bound to.
pub fn use_text_place(name: &str) -> String {
    format!("use_text/{name}")
}

/// The place that the box of a SESeal is bound to.
pub(crate) fn seal_place(digest: &str) -> String {
    format!("seal_content/{digest}")
}

fn by_key<const N: usize>(
    table: &'static str,
    columns: [&'static str; N],
    (key, value): (&'static str, &str),
) -> SelectStatement {
    Query::select().columns(columns).from(table).and_where(Expr::col(key).eq(value)).take()
}
