//! The data folder: files that are for this process's user alone, and a lock against a second process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use eseal_eventstore::DatabaseConfig;
use eseal_service::token::TokenIssuer;
use zeroize::Zeroizing;

use crate::StandaloneError;

/// The most bytes of a file in the folder that is read whole.
const FILE_MAX: u64 = 1 << 20;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("{} can't be {what}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read`, `written` …
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Others on this machine may read a secret.
    #[error("{path} can be read by other users of this machine: run `chmod 600 '{path}'`", path = .0.display())]
    Open(PathBuf),
    /// Larger than any such file is.
    #[error("{} is larger than 1 MiB", .0.display())]
    TooLarge(PathBuf),
}

/// The folder that holds all that the standalone keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder(PathBuf);

/// Held as long as a process works on the folder; free again however that process ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl DataFolder {
    /// The folder at `path`; made for this user alone if it is not there.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        if !path.is_dir() {
            make_folder(path).map_err(io_error(path, "created"))?;
        }
        // One name for it, wherever the process goes.
        let path = fs::canonicalize(path).map_err(io_error(path, "opened"))?;
        Ok(Self(path))
    }

    /// A path of the settings: relative ones start at the folder.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.join(path)
    }

    /// Keeps every other standalone off the folder.
    ///
    /// # Errors
    /// [`StandaloneError::InUse`] if one is on it.
    pub fn lock(&self) -> Result<FolderLock, StandaloneError> {
        let path = self.path("lock");
        let file = open_private(&path).map_err(io_error(&path, "opened"))?;
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StandaloneError::InUse(self.0.clone())),
            Err(TryLockError::Error(source)) => Err(FileError::Io { path, what: "locked", source }.into()),
        }
    }

    /// The database file of a service.
    pub fn database_file(&self, service: &str) -> PathBuf {
        self.path(format!("{service}.db"))
    }

    /// The database of a service.
    pub fn database(&self, service: &str) -> DatabaseConfig {
        // What has a meaning of its own in an address must not come from a folder's name.
        let path = self.database_file(service).display().to_string();
        let path = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        DatabaseConfig::new(format!("sqlite:{path}"))
    }

    /// The users.
    pub fn users_file(&self) -> PathBuf {
        self.path("users.toml")
    }

    /// The first administrator's password, as it was generated.
    pub fn admin_password_file(&self) -> PathBuf {
        self.path("admin-password")
    }

    /// The key that signs tokens (PKCS#8, DER); generated the first time.
    ///
    /// # Errors
    /// [`FileError`], [`StandaloneError::IssuerKey`] without random numbers.
    pub fn issuer_key(&self) -> Result<(PathBuf, Zeroizing<Vec<u8>>), StandaloneError> {
        let path = self.path("issuer.key");
        if !path.exists() {
            let unmade = |source| StandaloneError::IssuerKey { path: path.clone(), source };
            write_private(&path, &TokenIssuer::generate_key().map_err(unmade)?)?;
        }
        let key = read_private(&path)?;
        Ok((path, key))
    }

    /// Makes sure that a key file of 64 hexadecimal digits is there, which encrypts contents in the database of
    /// `service`: generated the first time. Once there is a database, a missing key is not replaced by another one:
    /// what it encrypted would be lost in silence.
    ///
    /// # Errors
    /// [`StandaloneError::KeyLost`], [`StandaloneError::EncryptionKey`], [`FileError`].
    pub fn ensure_encryption_key(&self, service: &str, path: &Path) -> Result<(), StandaloneError> {
        if !path.exists() {
            if self.database_file(service).exists() {
                return Err(StandaloneError::KeyLost(path.to_owned()));
            }
            let mut key = Zeroizing::new([0_u8; 32]);
            let unmade = |source: getrandom::Error| io_error(path, "generated")(io::Error::other(source.to_string()));
            getrandom::fill(key.as_mut_slice()).map_err(unmade)?;
            let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(key.as_slice()))));
            write_private(path, text.as_bytes())?;
        }
        let text = read_private(path)?;
        let digits = text.trim_ascii();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(StandaloneError::EncryptionKey(path.to_owned()));
        }
        Ok(())
    }
}

/// Reads a file that is a secret.
///
/// # Errors
/// [`FileError::Open`] if others may read it too.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = io_error(path, "read");
    let file = File::open(path).map_err(&failed)?;
    let metadata = file.metadata().map_err(&failed)?;
    if is_open_to_others(&metadata) {
        return Err(FileError::Open(path.to_owned()));
    }
    if metadata.len() > FILE_MAX {
        return Err(FileError::TooLarge(path.to_owned()));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default()));
    file.take(FILE_MAX).read_to_end(&mut content).map_err(&failed)?;
    Ok(content)
}

/// Writes a file for this user alone: whole or not at all, whatever happens meanwhile.
///
/// # Errors
/// [`FileError::Io`].
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?; // 0600
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all() // the new name is on the disk as well
    };
    write().map_err(io_error(path, "written"))
}

/// Opens a file for this user alone; made empty if it is not there.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path)
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false // the folder's own rights decide there
}

pub(crate) fn io_error(path: &Path, what: &'static str) -> impl Fn(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { path: path.clone(), what, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn folder() -> (tempfile::TempDir, DataFolder) {
        let place = tempfile::tempdir().expect("a folder");
        let data = DataFolder::open(&place.path().join("data")).expect("a data folder");
        (place, data)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn folder_and_files_are_for_this_user_alone() {
        let (_place, data) = folder();
        let (issuer, _) = data.issuer_key().expect("a key");
        let key = data.path("x.key");
        data.ensure_encryption_key("x", &key).expect("a key");
        assert_eq!((mode(&data.path(".")), mode(&issuer), mode(&key)), (0o700, 0o600, 0o600));
    }

    #[test]
    fn keys_are_made_once() {
        let (_place, data) = folder();
        assert_eq!(data.issuer_key().expect("a key").1, data.issuer_key().expect("a key").1);
        let key = data.path("x.key");
        data.ensure_encryption_key("x", &key).expect("a key");
        let first = fs::read(&key).expect("read");
        data.ensure_encryption_key("x", &key).expect("a key");
        assert_eq!(fs::read(&key).expect("read"), first);
    }

    #[test]
    fn a_lost_key_is_not_replaced_once_there_is_a_database() {
        let (_place, data) = folder();
        fs::write(data.database_file("x"), b"").expect("written");
        let refused = data.ensure_encryption_key("x", &data.path("x.key"));
        assert!(matches!(refused, Err(StandaloneError::KeyLost(_))), "{refused:?}");
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let (_place, data) = folder();
        let key = data.path("x.key");
        for content in ["", "abc", "g".repeat(64).as_str(), "a".repeat(65).as_str()] {
            write_private(&key, content.as_bytes()).expect("written");
            let refused = data.ensure_encryption_key("x", &key);
            assert!(matches!(refused, Err(StandaloneError::EncryptionKey(_))), "{content}: {refused:?}");
        }
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused_with_the_remedy() {
        let (_place, data) = folder();
        let path = data.path("secret");
        fs::write(&path, b"x").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        let refused = read_private(&path).expect_err("refused").to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn a_folder_has_one_process_at_a_time() {
        let (_place, data) = folder();
        let lock = data.lock().expect("free");
        assert!(matches!(data.lock(), Err(StandaloneError::InUse(_))));
        drop(lock);
        assert!(data.lock().is_ok());
    }

    #[test]
    fn the_name_of_the_folder_means_nothing_in_the_address_of_a_database() {
        let place = tempfile::tempdir().expect("a folder");
        let data = DataFolder::open(&place.path().join("a?mode=memory#%41")).expect("a data folder");
        let url = data.database("x").url;
        assert!(url.ends_with("a%3Fmode=memory%23%2541/x.db"), "{url}");
    }
}
