//! Encryption at rest, by envelopes: each secret is encrypted under a random key of its own, and that data key is wrapped by a
//! key-encryption key which is not in the database: in a file, in an HSM, or in a KMS.
//!
//! A secret is bound to the place where it is stored, and to the key-encryption key that it names: put into another row, or
//! under another name, it does not open.
//!
//! - [`cipher`]: AES-256-GCM and SM4-GCM, and data keys
//! - [`envelope`]: the form of what is stored
//! - [`file`], [`kms`], [`token`]: where key-encryption keys are
//! - [`cache`]: data keys that were unwrapped a moment ago
//! - [`settings`]: from the settings to a vault

mod cache;
mod cipher;
mod envelope;
mod file;
mod kms;
mod settings;
mod token;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use cache::Cache;
use cipher::Key;
use envelope::Stored;
use file::FileKey;
use kms::Kms;

pub use cipher::Cipher;
pub use kms::KmsConfig;
pub use settings::{FileConfig, KEY_FILE, KeyConfig};
pub use token::{Token, TokenConfig, TokenError};

/// Expired data keys are looked for this often at least, and this often at most.
const SWEEPS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(1));

/// The key-encryption keys: one that new secrets are encrypted under, and those of before.
pub struct Vault {
    current: String,
    keys: BTreeMap<String, KeyEncryptionKey>,
    cipher: Cipher,
    cache: Cache,
}

/// A key that wraps data keys, wherever it is.
enum KeyEncryptionKey {
    File(FileKey),
    Kms(Kms),
    Token(Token),
}

/// Why something is not encrypted, or not decrypted.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The machine gives no random numbers, or no memory.
    #[error("encryption failed")]
    Failed,
    /// The box was not made with this key for this place, or was changed.
    #[error("what is stored at {0} was not encrypted with this key, or was changed")]
    Closed(String),
    /// A key-encryption key that is not among the settings.
    #[error("what is stored at {place} needs the key {key:?}, which is not configured")]
    NotConfigured {
        /// Its name.
        key: String,
        /// What needs it.
        place: String,
    },
    /// The HSM or KMS does not take it.
    #[error("the key {key:?} does not open what is stored at {place}: {why}")]
    Refused {
        /// The name of the key.
        key: String,
        /// What it should have opened.
        place: String,
        /// What it said.
        why: String,
    },
    /// The HSM or KMS can't be reached, or is not ready: later it may be.
    #[error("the key {key:?} can't be used just now: {why}")]
    Unavailable {
        /// The name of the key.
        key: String,
        /// Why.
        why: String,
    },
}

/// Why a key-encryption key did not wrap or unwrap.
#[derive(Debug)]
enum KeyError {
    Failed,
    Refused(String),
    Unavailable(String),
}

impl KeyEncryptionKey {
    async fn wrap(&self, context: &str, data_key: &Key) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::File(key) => key.wrap(context, data_key),
            Self::Kms(kms) => kms.wrap(context, data_key).await,
            Self::Token(token) => token.wrap(context, data_key).await,
        }
    }

    async fn unwrap(&self, context: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match self {
            Self::File(key) => key.unwrap(context, wrapped),
            Self::Kms(kms) => kms.unwrap(context, wrapped).await,
            Self::Token(token) => token.unwrap(context, wrapped).await,
        }
    }

    /// Whether unwrapping asks somebody else, so that what was unwrapped is worth remembering.
    const fn is_elsewhere(&self) -> bool {
        match self {
            Self::File(_) => false,
            Self::Kms(_) | Self::Token(_) => true,
        }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("current", &self.current).field("keys", &self.keys()).finish_non_exhaustive()
    }
}

impl Vault {
    /// The name of the key that new secrets are encrypted under.
    pub fn current(&self) -> &str {
        &self.current
    }

    /// The names of all keys.
    pub fn keys(&self) -> Vec<&str> {
        self.keys.keys().map(String::as_str).collect()
    }

    /// Encrypts for this place, under the current key.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn seal(&self, place: &str, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = self.key(&self.current, place)?;
        let data_key = Key::generate(self.cipher)?;
        let context = envelope::context(self.cipher, &self.current, place);
        let wrapped = key.wrap(&context, &data_key).await.map_err(|error| failed(error, &self.current, place))?;
        if key.is_elsewhere() {
            self.cache.put(&wrapped, &data_key);
        }
        envelope::seal(&data_key, &self.current, &wrapped, place, plaintext)
    }

    /// Decrypts what was encrypted for this place.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open_box(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let closed = || VaultError::Closed(place.to_owned());
        match Stored::parse(sealed).ok_or_else(closed)? {
            Stored::Direct(sealed) => match self.key(KEY_FILE, place)? {
                KeyEncryptionKey::File(key) => key.open_direct(place, sealed).ok_or_else(closed),
                KeyEncryptionKey::Kms(_) | KeyEncryptionKey::Token(_) => Err(closed()),
            },
            Stored::Envelope(stored) => {
                let key = self.key(stored.key, place)?;
                let context = envelope::context(stored.cipher, stored.key, place);
                let data_key = match self.cache.get(stored.wrapped) {
                    Some(data_key) => data_key,
                    None => {
                        let bytes = key.unwrap(&context, stored.wrapped).await;
                        let bytes = bytes.map_err(|error| failed(error, stored.key, place))?;
                        let data_key = Key::new(stored.cipher, bytes).ok_or_else(closed)?;
                        if key.is_elsewhere() {
                            self.cache.put(stored.wrapped, &data_key);
                        }
                        data_key
                    }
                };
                stored.open(place, &data_key).ok_or_else(closed)
            }
        }
    }

    /// The token of this name, which may keep key pairs as well; none where the name is of something else.
    pub fn token(&self, name: &str) -> Option<&Token> {
        match self.keys.get(name)? {
            KeyEncryptionKey::Token(token) => Some(token),
            KeyEncryptionKey::File(_) | KeyEncryptionKey::Kms(_) => None,
        }
    }

    /// How often [`Vault::sweep`] is to be called; never where nothing is remembered.
    pub fn sweeps_every(&self) -> Option<Duration> {
        self.cache.longest().map(|longest| longest.clamp(SWEEPS.1, SWEEPS.0))
    }

    /// Wipes data keys that were remembered for long enough.
    pub fn sweep(&self) {
        self.cache.sweep();
    }

    fn key(&self, key: &str, place: &str) -> Result<&KeyEncryptionKey, VaultError> {
        let missing = || VaultError::NotConfigured { key: key.to_owned(), place: place.to_owned() };
        self.keys.get(key).ok_or_else(missing)
    }
}

impl VaultError {
    /// Whether it may be better later: the HSM or KMS was not there.
    pub const fn is_for_now(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

fn failed(error: KeyError, key: &str, place: &str) -> VaultError {
    let (key, place) = (key.to_owned(), place.to_owned());
    match error {
        KeyError::Failed => VaultError::Failed,
        KeyError::Refused(why) => VaultError::Refused { key, place, why },
        KeyError::Unavailable(why) => VaultError::Unavailable { key, why },
    }
}

/// Random bytes of the operating system.
///
/// # Errors
/// [`VaultError::Failed`] when it gives none.
pub fn random(bytes: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(bytes).map_err(|_| VaultError::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_box_opens_at_its_own_place_with_its_own_key_only() {
        let (vault, other) = (vault("a", ["a"]), vault("a", ["a"]));
        let sealed = vault.seal("row 1", b"secret").await.expect("sealed");
        assert_eq!(vault.open_box("row 1", &sealed).await.expect("opened").as_slice(), b"secret");
        assert!(matches!(vault.open_box("row 2", &sealed).await, Err(VaultError::Refused { .. })));
        assert!(matches!(other.open_box("row 1", &sealed).await, Err(VaultError::Refused { .. })));
    }

    #[tokio::test]
    async fn a_changed_or_shortened_box_does_not_open() {
        let vault = vault("a", ["a"]);
        let sealed = vault.seal("row", b"secret").await.expect("sealed");
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(vault.open_box("row", &changed).await.is_err(), "{i}");
            assert!(vault.open_box("row", &sealed[..i]).await.is_err(), "{i}");
        }
    }

    #[tokio::test]
    async fn earlier_keys_open_what_they_sealed_and_new_secrets_are_under_the_current_one() {
        let mut vault = vault("old", ["old", "new"]);
        let before = vault.seal("row", b"secret").await.expect("sealed");
        vault.current = "new".to_owned();
        let after = vault.seal("row", b"secret").await.expect("sealed");
        assert!(find(&before, b"old") && find(&after, b"new"));
        assert_eq!(vault.open_box("row", &before).await.expect("opened").as_slice(), b"secret");
        vault.keys.remove("old");
        assert_eq!(vault.open_box("row", &after).await.expect("opened").as_slice(), b"secret");
        let missing = vault.open_box("row", &before).await;
        assert!(matches!(missing, Err(VaultError::NotConfigured { key, .. }) if key == "old"));
    }

    #[tokio::test]
    async fn what_an_earlier_release_encrypted_under_the_key_file_itself_still_opens() {
        let vault = vault(KEY_FILE, [KEY_FILE]);
        let Some(KeyEncryptionKey::File(key)) = vault.keys.get(KEY_FILE) else { panic!("a key file") };
        let sealed = key.seal_direct("row", b"secret");
        assert_eq!(vault.open_box("row", &sealed).await.expect("opened").as_slice(), b"secret");
        assert!(matches!(vault.open_box("another row", &sealed).await, Err(VaultError::Closed(_))));
    }

    #[tokio::test]
    async fn both_ciphers_open_whatever_new_secrets_are_encrypted_with() {
        let mut vault = vault("a", ["a"]);
        let aes = vault.seal("row", b"secret").await.expect("sealed");
        vault.cipher = Cipher::Sm4Gcm;
        let sm4 = vault.seal("row", b"secret").await.expect("sealed");
        for sealed in [aes, sm4] {
            assert_eq!(vault.open_box("row", &sealed).await.expect("opened").as_slice(), b"secret");
        }
    }

    fn vault<const N: usize>(current: &str, keys: [&str; N]) -> Vault {
        let folder = tempfile::tempdir().expect("a folder");
        let key = |name: &str| FileKey::create(&folder.path().join(name)).expect("a key");
        let keys = keys.map(|name| (name.to_owned(), KeyEncryptionKey::File(key(name))));
        let cache = Cache::new(0, Duration::ZERO);
        Vault { current: current.to_owned(), keys: keys.into(), cipher: Cipher::Aes256Gcm, cache }
    }

    fn find(bytes: &[u8], wanted: &[u8]) -> bool {
        bytes.windows(wanted.len()).any(|window| window == wanted)
    }
}
