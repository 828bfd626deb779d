//! Encryption at rest: AES-256-GCM under a key that lies in a file of its own, apart from the database.
//!
//! A box is bound to the place where it is stored: put into another row it does not open.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use eseal_service::private_file::is_private;
use zeroize::Zeroizing;

const KEY: usize = 32;
const NONCE: usize = 12;
/// The form of a box: this byte, the nonce, the ciphertext with its tag. It is encrypted along, as part of the binding.
const FORM: u8 = 1;
/// A key file has 64 hexadecimal digits and perhaps a line break.
const MAX_FILE: u64 = 128;

/// The key-encryption key.
pub struct Vault(Zeroizing<[u8; KEY]>);

/// Why something is not encrypted, or not decrypted.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file can't be read or made.
    #[error("the key file can't be read or made")]
    File(#[from] io::Error),
    /// Others than its owner may read the file.
    #[error("the key file can be read by others than its owner: set its mode to 0600")]
    Readable,
    /// The file holds something else than a key.
    #[error("the key file does not hold 64 hexadecimal digits")]
    NoKey,
    /// The machine gives no random numbers, or no memory.
    #[error("encryption failed")]
    Failed,
    /// The box was not made with this key for this place, or was changed.
    #[error("what is stored at {0} was not encrypted with this key, or was changed")]
    Closed(String),
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Vault {
    /// The key in this file.
    ///
    /// # Errors
    /// [`VaultError`] of the file.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        let file = File::open(path)?;
        if !is_private(&file.metadata()?) {
            return Err(VaultError::Readable);
        }
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_FILE).read_to_string(&mut text)?;
        let mut key = Zeroizing::new([0; KEY]);
        hex::decode_to_slice(text.trim_ascii_end(), &mut *key).map_err(|_| VaultError::NoKey)?;
        Ok(Self(key))
    }

    /// A new key, written to a new file that only its owner can read. Fails if there is one.
    ///
    /// # Errors
    /// [`VaultError`] of the file.
    pub fn create(path: &Path) -> Result<Self, VaultError> {
        let mut key = Zeroizing::new([0; KEY]);
        random(&mut *key)?;
        let mut file = new_private_file(path)?;
        let text = Zeroizing::new(format!("{}\n", hex::encode(*key)));
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?; // else the name may be lost with the power
        }
        Ok(Self(key))
    }

    /// Encrypts for this place.
    ///
    /// # Errors
    /// [`VaultError::Failed`].
    pub fn seal(&self, place: &str, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let bound = bound(place);
        let payload = Payload { msg: plaintext, aad: &bound };
        let ciphertext = self.cipher().encrypt(&Nonce::from(nonce), payload).map_err(|_| VaultError::Failed)?;
        Ok([&[FORM], nonce.as_slice(), &ciphertext].concat())
    }

    /// Decrypts what was encrypted for this place.
    ///
    /// # Errors
    /// [`VaultError::Closed`].
    pub fn open_box(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let opened = || {
            let (nonce, ciphertext) = sealed.strip_prefix(&[FORM])?.split_first_chunk::<NONCE>()?;
            let payload = Payload { msg: ciphertext, aad: &bound(place) };
            self.cipher().decrypt(&Nonce::from(*nonce), payload).ok().map(Zeroizing::new)
        };
        opened().ok_or_else(|| VaultError::Closed(place.to_owned()))
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }
}

/// Random bytes of the operating system.
///
/// # Errors
/// [`VaultError::Failed`] when it gives none.
pub fn random(bytes: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(bytes).map_err(|_| VaultError::Failed)
}

fn bound(place: &str) -> Vec<u8> {
    [&[FORM], place.as_bytes()].concat()
}

fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_box_opens_at_its_own_place_with_its_own_key_only() {
        let (vault, other) = (vault(), vault());
        let sealed = vault.seal("row 1", b"secret").expect("sealed");
        assert_eq!(vault.open_box("row 1", &sealed).expect("opened").as_slice(), b"secret");
        assert!(matches!(vault.open_box("row 2", &sealed), Err(VaultError::Closed(_))));
        assert!(matches!(other.open_box("row 1", &sealed), Err(VaultError::Closed(_))));
    }

    #[test]
    fn a_changed_or_shortened_box_does_not_open() {
        let vault = vault();
        let sealed = vault.seal("row", b"secret").expect("sealed");
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(vault.open_box("row", &changed).is_err(), "{i}");
            assert!(vault.open_box("row", &sealed[..i]).is_err(), "{i}");
        }
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let vault = vault();
        assert_ne!(vault.seal("row", b"secret").expect("sealed"), vault.seal("row", b"secret").expect("sealed"));
    }

    #[test]
    fn the_key_of_a_file_opens_what_it_encrypted_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let sealed = Vault::create(&path).expect("a key").seal("row", b"secret").expect("sealed");
        assert_eq!(Vault::open(&path).expect("a key").open_box("row", &sealed).expect("opened").as_slice(), b"secret");
    }

    #[test]
    fn a_key_file_is_never_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        Vault::create(&path).expect("a key");
        assert!(matches!(Vault::create(&path), Err(VaultError::File(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        Vault::create(&path).expect("a key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        assert!(matches!(Vault::open(&path), Err(VaultError::Readable)));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        for text in ["", "abcd", &"g".repeat(64), &"a".repeat(66)] {
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
            assert!(matches!(Vault::open(&path), Err(VaultError::NoKey)), "{text}");
        }
    }

    fn vault() -> Vault {
        let mut key = Zeroizing::new([0; KEY]);
        random(&mut *key).expect("random numbers");
        Vault(key)
    }
}
