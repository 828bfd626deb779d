//! What can be erased and must not be read by others: made seals, what makers sign, maker certificates. No event holds
//! any of it; the rows are written beside the events, in the same transaction, and never rebuilt.
//!
//! Each content is encrypted with AES-256-GCM under the key of a file, and bound to its kind and digest.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use eseal_eventstore::{Database, Row};
use eseal_kernel::{Digest, Timestamp};
use eseal_service::private_file::{SecretFileError, secret};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ConnectionTrait as _, DbErr};
use zeroize::Zeroizing;

/// What a content is. Who asks for one kind gets no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A maker's certificate.
    Certificate,
    /// A SES_SealInfo: what a maker signs.
    SealInfo,
    /// A SESeal.
    Seal,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::SealInfo => "seal_info",
            Self::Seal => "seal",
        }
    }
}

/// The contents of this service. Cheap to clone.
#[derive(Clone)]
pub struct Contents {
    database: Database,
    key: Arc<RandomizedNonceKey>,
}

/// Why a content could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// What is stored was not encrypted under this key, or was changed.
    #[error("the content {0} can't be decrypted: is this the key file that it was stored with?")]
    Undecryptable(String),
    /// Encryption failed.
    #[error("a content can't be encrypted")]
    Unencryptable,
}

/// Why a key file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Its file.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// It does not hold a key.
    #[error("it does not hold 64 hexadecimal digits")]
    Malformed,
    /// It holds another key than what is stored was encrypted with.
    #[error("it does not fit what is stored")]
    Other(#[from] ContentError),
}

/// Keys never get into a log.
impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contents")
    }
}

impl Contents {
    /// The contents in `database`, under the key in the file: 64 hexadecimal digits. Another key than the one of what
    /// is stored is found out now, not when the first seal is asked for.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub async fn open(database: Database, key_file: &Path) -> Result<Self, KeyFileError> {
        let text = secret(key_file)?;
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.as_str(), &mut key[..]).map_err(|_| KeyFileError::Malformed)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key[..]).map_err(|_| KeyFileError::Malformed)?;
        let contents = Self { database, key: Arc::new(key) };
        contents.check_key().await?;
        Ok(contents)
    }

    /// Decrypts some content, if there is one.
    async fn check_key(&self) -> Result<(), ContentError> {
        let select = Query::select().columns(["kind", "digest", "sealed"]).from("content").limit(1).take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(()) };
        let (kind, digest): (String, String) = (row.try_get("", "kind")?, row.try_get("", "digest")?);
        self.decrypted(&kind, &digest, row.try_get("", "sealed")?).map(drop)
    }

    /// The row that keeps `content`, encrypted.
    ///
    /// # Errors
    /// [`ContentError::Unencryptable`].
    pub fn row(&self, kind: Kind, content: &[u8], now: Timestamp) -> Result<Row, ContentError> {
        let digest = Digest::of(content).to_string();
        let mut sealed = content.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(place(kind.name(), &digest)), &mut sealed)
            .map_err(|_| ContentError::Unencryptable)?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok(Row {
            table: "content",
            key: &["digest"],
            values: vec![
                ("digest", digest.into()),
                ("kind", kind.name().into()),
                ("sealed", sealed.into()),
                ("stored_at", now.micros().into()),
            ],
        })
    }

    /// The content of this kind with this digest; nothing if it was never stored, or is erased.
    ///
    /// # Errors
    /// [`ContentError`].
    pub async fn get(&self, kind: Kind, digest: Digest) -> Result<Option<Vec<u8>>, ContentError> {
        let (kind, digest) = (kind.name(), digest.to_string());
        let select = Query::select()
            .column("sealed")
            .from("content")
            .and_where(Expr::col("digest").eq(digest.as_str()))
            .and_where(Expr::col("kind").eq(kind))
            .take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        self.decrypted(kind, &digest, row.try_get("", "sealed")?).map(Some)
    }

    fn decrypted(&self, kind: &str, digest: &str, mut sealed: Vec<u8>) -> Result<Vec<u8>, ContentError> {
        let undecryptable = || ContentError::Undecryptable(digest.to_owned());
        let text = sealed.len().checked_sub(NONCE_LEN).ok_or_else(undecryptable)?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed[text..]).map_err(|_| undecryptable())?;
        sealed.truncate(text);
        let content = self.key.open_in_place(nonce, Aad::from(place(kind, digest)), &mut sealed);
        Ok(content.map_err(|_| undecryptable())?.to_vec())
    }
}

/// What the ciphertext is bound to: put into another row it does not open.
fn place(kind: &str, digest: &str) -> String {
    format!("{kind}/{digest}")
}
