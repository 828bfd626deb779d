//! From the settings to a vault.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::cache::Cache;
use super::envelope::MAX_KEY_ID;
use super::file::{FileKey, KeyFileError};
use super::kms::{Kms, KmsConfig};
use super::token::{Token, TokenConfig};
use super::{KeyEncryptionKey, Vault};
use crate::config::Config;

/// The name of the key in the file of the setting `key_file`.
pub const KEY_FILE: &str = "key_file";

/// Where a key-encryption key is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "provider", rename_all = "kebab-case")]
pub enum KeyConfig {
    /// In a file.
    File(FileConfig),
    /// In a key management system.
    Kms(KmsConfig),
    /// In an HSM behind a PKCS #11 module.
    Pkcs11(TokenConfig),
}

/// A key in a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// 64 hexadecimal digits (AES-256-GCM) or 32 (SM4-GCM), readable by its owner only.
    pub file: PathBuf,
}

/// A setting of a key-encryption key that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {why}")]
pub struct UnusableKey {
    /// The setting.
    pub setting: String,
    /// Why, for people.
    pub why: String,
}

impl KeyConfig {
    /// The files that it names.
    pub fn files(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Self::File(FileConfig { file }) => vec![file],
            Self::Pkcs11(TokenConfig { pin_file, .. }) => vec![pin_file],
            Self::Kms(KmsConfig { token_file, ca_file, cert_file, cert_key_file, .. }) => {
                [token_file, ca_file, cert_file, cert_key_file].into_iter().flatten().collect()
            }
        }
    }
}

impl Vault {
    /// The vault of these settings. `may_create`: nothing is encrypted yet, so that a missing `key_file` may be made.
    ///
    /// # Errors
    /// [`UnusableKey`].
    pub fn open(config: &Config, may_create: bool) -> Result<Self, UnusableKey> {
        let mut keys = BTreeMap::new();
        for (name, key) in &config.keys {
            let setting = || format!("keys.{name}");
            let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
            if name == KEY_FILE || !(1..=MAX_KEY_ID).contains(&name.len()) || !name.bytes().all(is_name) {
                let why =
                    format!("a name has 1 to {MAX_KEY_ID} small letters, digits, '_' and '-', and is not {KEY_FILE}");
                return Err(unusable(setting(), why));
            }
            let opened = match key {
                KeyConfig::File(FileConfig { file }) => {
                    FileKey::open(file).map(KeyEncryptionKey::File).map_err(|error| in_file(file, &error))
                }
                KeyConfig::Kms(kms) => Kms::try_new(kms).map(KeyEncryptionKey::Kms),
                KeyConfig::Pkcs11(token) => Token::try_new(token).map(KeyEncryptionKey::Token),
            };
            keys.insert(name.clone(), opened.map_err(|why| unusable(setting(), why))?);
        }
        if !config.key_file.as_os_str().is_empty() {
            let may_create = may_create && config.current_key == KEY_FILE;
            if let Some(key) = key_file(&config.key_file, may_create)? {
                keys.insert(KEY_FILE.to_owned(), KeyEncryptionKey::File(key));
            }
        }
        if !keys.contains_key(&config.current_key) {
            let why = match config.current_key.as_str() {
                KEY_FILE if !config.key_file.as_os_str().is_empty() => {
                    "it is missing, and the database holds what was encrypted"
                }
                KEY_FILE => "key_file is empty",
                _ => "there is no such key among [keys]",
            };
            return Err(unusable(format!("current_key = {:?}", config.current_key), why.to_owned()));
        }
        let cache = Cache::new(config.data_keys_kept, config.data_keys_kept_for);
        Ok(Self { current: config.current_key.clone(), keys, cipher: config.data_cipher, cache })
    }
}

/// The key of `key_file`; none where the file is missing and may not be made.
fn key_file(path: &Path, may_create: bool) -> Result<Option<FileKey>, UnusableKey> {
    let opened = match FileKey::open(path) {
        Err(KeyFileError::File(error)) if error.kind() == io::ErrorKind::NotFound => {
            if !may_create {
                return Ok(None);
            }
            FileKey::create(path)
        }
        opened => opened,
    };
    opened.map(Some).map_err(|error| unusable("key_file".to_owned(), in_file(path, &error)))
}

fn in_file(path: &Path, error: &KeyFileError) -> String {
    match error {
        KeyFileError::File(cause) => format!("{}: {error}: {cause}", path.display()),
        error => format!("{}: {error}", path.display()),
    }
}

fn unusable(setting: String, why: String) -> UnusableKey {
    UnusableKey { setting, why }
}
