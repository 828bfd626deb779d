//! A key-encryption key in a file: 64 hexadecimal digits are a key of AES-256-GCM, 32 one of SM4-GCM.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use eseal_service::private_file::{SecretFileError, secret};
use zeroize::Zeroizing;

use super::KeyError;
use super::cipher::{Cipher, Key};
use super::envelope::DIRECT;

/// A key that is in memory as long as the service runs.
#[derive(Debug)]
pub struct FileKey(Key);

/// Why a key file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file can't be read or made.
    #[error("the key file can't be read or made")]
    File(#[from] io::Error),
    /// Others than its owner may read the file.
    #[error("the key file can be read by others than its owner: set its mode to 0600")]
    Readable,
    /// The file holds something else than a key.
    #[error("the key file holds neither 64 (AES-256-GCM) nor 32 (SM4-GCM) hexadecimal digits")]
    NoKey,
    /// The machine gives no random numbers.
    #[error("the machine gives no random numbers")]
    NoRandom,
}

impl FileKey {
    /// The key in this file.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let text = secret(path).map_err(|error| match error {
            SecretFileError::Unreadable(error) => KeyFileError::File(error),
            SecretFileError::Open => KeyFileError::Readable,
            SecretFileError::TooLong => KeyFileError::NoKey,
        })?;
        let digits = text.trim_ascii_end();
        let cipher = match digits.len() {
            64 => Cipher::Aes256Gcm,
            32 => Cipher::Sm4Gcm,
            _ => return Err(KeyFileError::NoKey),
        };
        let mut bytes = Zeroizing::new(vec![0; cipher.key_bytes()]);
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| KeyFileError::NoKey)?;
        Key::new(cipher, bytes).map(Self).ok_or(KeyFileError::NoKey)
    }

    /// A new key, written to a new file that only its owner can read. Fails if there is one.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn create(path: &Path) -> Result<Self, KeyFileError> {
        let key = Key::generate(Cipher::Aes256Gcm).map_err(|_| KeyFileError::NoRandom)?;
        let mut file = new_private_file(path)?;
        let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(key.bytes()))));
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?; // else the name may be lost with the power
        }
        Ok(Self(key))
    }

    pub(super) fn wrap(&self, context: &str, data_key: &Key) -> Result<Vec<u8>, KeyError> {
        self.0.seal(context.as_bytes(), data_key.bytes()).map_err(|_| KeyError::Failed)
    }

    pub(super) fn unwrap(&self, context: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let refused =
            || KeyError::Refused("it was not encrypted with this key for this place, or was changed".to_owned());
        self.0.open(context.as_bytes(), wrapped).ok_or_else(refused)
    }

    /// Opens form 1: what was encrypted with this key itself before secrets had keys of their own.
    pub(super) fn open_direct(&self, place: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.0.open(&[&[DIRECT], place.as_bytes()].concat(), sealed)
    }

    /// Makes form 1, as earlier releases did: to show that it is still read.
    #[cfg(test)]
    pub(super) fn seal_direct(&self, place: &str, plaintext: &[u8]) -> Vec<u8> {
        let sealed = self.0.seal(&[&[DIRECT], place.as_bytes()].concat(), plaintext).expect("sealed");
        [&[DIRECT], sealed.as_slice()].concat()
    }
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
    fn the_key_of_a_file_unwraps_what_it_wrapped_before_and_for_the_same_context_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let data_key = Key::generate(Cipher::Sm4Gcm).expect("random");
        let wrapped = FileKey::create(&path).expect("a key").wrap("row", &data_key).expect("wrapped");
        let again = FileKey::open(&path).expect("a key");
        assert_eq!(again.unwrap("row", &wrapped).expect("unwrapped").as_slice(), data_key.bytes());
        assert!(matches!(again.unwrap("another row", &wrapped), Err(KeyError::Refused(_))));
    }

    #[test]
    fn a_key_file_is_never_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        FileKey::create(&path).expect("a key");
        assert!(matches!(FileKey::create(&path), Err(KeyFileError::File(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        FileKey::create(&path).expect("a key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        assert!(matches!(FileKey::open(&path), Err(KeyFileError::Readable)));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        for text in ["", "abcd", &"g".repeat(64), &"a".repeat(66), &"a".repeat(127)] {
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
            assert!(matches!(FileKey::open(&path), Err(KeyFileError::NoKey)), "{text}");
        }
    }
}
