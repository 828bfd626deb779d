//! What can be erased and must not be read by others: made seals, what makers sign, maker certificates. No event holds
//! any of it; the rows are written beside the events, in the same transaction, and never rebuilt.
//!
//! Each content is encrypted with AES-256-GCM under the key of a file, and bound to its digest.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use eseal_eventstore::{Database, Row};
use eseal_kernel::{Digest, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ConnectionTrait as _, DbErr};
use zeroize::Zeroizing;

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
    Undecryptable(Digest),
    /// Encryption failed.
    #[error("a content can't be encrypted")]
    Unencryptable,
}

/// Why a key file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It can't be read.
    #[error("can't be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It does not hold a key.
    #[error("must hold 64 hexadecimal digits")]
    Malformed,
}

/// Keys never get into a log.
impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contents")
    }
}

impl Contents {
    /// The contents in `database`, under the key in the file: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn open(database: Database, key_file: &Path) -> Result<Self, KeyFileError> {
        let text = Zeroizing::new(std::fs::read_to_string(key_file)?);
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut key[..]).map_err(|_| KeyFileError::Malformed)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key[..]).map_err(|_| KeyFileError::Malformed)?;
        Ok(Self { database, key: Arc::new(key) })
    }

    /// The row that keeps `content`, encrypted.
    ///
    /// # Errors
    /// [`ContentError::Unencryptable`].
    pub fn row(&self, content: &[u8], now: Timestamp) -> Result<Row, ContentError> {
        let digest = Digest::of(content);
        let mut sealed = content.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(digest.bytes()), &mut sealed)
            .map_err(|_| ContentError::Unencryptable)?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok(Row {
            table: "content",
            key: &["digest"],
            values: vec![
                ("digest", digest.to_string().into()),
                ("sealed", sealed.into()),
                ("stored_at", now.micros().into()),
            ],
        })
    }

    /// The content with this digest; nothing if it was never stored, or is erased.
    ///
    /// # Errors
    /// [`ContentError`].
    pub async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>, ContentError> {
        let select = Query::select()
            .column("sealed")
            .from("content")
            .and_where(Expr::col("digest").eq(digest.to_string()))
            .take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        let mut sealed: Vec<u8> = row.try_get("", "sealed")?;
        let undecryptable = || ContentError::Undecryptable(digest);
        let text = sealed.len().checked_sub(NONCE_LEN).ok_or_else(undecryptable)?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed[text..]).map_err(|_| undecryptable())?;
        sealed.truncate(text);
        let content = self
            .key
            .open_in_place(nonce, Aad::from(digest.bytes()), &mut sealed)
            .map_err(|_| undecryptable())?
            .to_vec();
        Ok(Some(content))
    }
}
