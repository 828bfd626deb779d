//! One file, read whole and replaced whole, by one writer at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::CardError;
use crate::stored::{Contents, MAX_FILE, Unreadable};

/// Where a card lies. The lock lies beside it (`.lock`), since the file itself is replaced on every change.
#[derive(Clone)]
pub(crate) struct CardFile {
    path: PathBuf,
}

/// The right to change the file, against all other handles and processes, until it is dropped or the process dies.
pub(crate) struct Locked<'a> {
    file: &'a CardFile,
    _lock: File,
}

impl CardFile {
    /// The file at this path, which need not exist. Links are followed once, so that all ways to a card lead to the same lock.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is on the card now. Needs no lock: the file is only ever replaced as a whole.
    pub(crate) fn read(&self) -> Result<Contents, CardError> {
        let file = File::open(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => CardError::Absent(self.path.display().to_string()),
            _ => self.failed("read", error),
        })?;
        let mut json = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut json).map_err(|error| self.failed("read", error))?;
        if json.len() as u64 > MAX_FILE {
            return Err(self.not_a_card("it is larger than any card"));
        }
        Contents::from_json(&json).map_err(|unreadable| match unreadable {
            Unreadable::NotACard(why) => self.not_a_card(&why),
            Unreadable::NewerFormat(version) => CardError::NewerFormat { path: self.path.clone(), version },
        })
    }

    /// Waits for everybody else to be done with the file.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, CardError> {
        let beside = self.beside(".lock");
        let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(&beside)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|source| CardError::File { action: "lock", path: beside, source })?;
        Ok(Locked { file: self, _lock: lock })
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    fn failed(&self, action: &'static str, source: io::Error) -> CardError {
        CardError::File { action, path: self.path.clone(), source }
    }

    fn not_a_card(&self, why: &str) -> CardError {
        CardError::NotACard { path: self.path.clone(), why: why.to_owned() }
    }
}

impl Locked<'_> {
    /// The first contents of a card; a file that lies there already stays as it is.
    pub(crate) fn create(&self, contents: &Contents) -> Result<(), CardError> {
        if fs::symlink_metadata(&self.file.path).is_ok() {
            return Err(CardError::Exists(self.file.path.clone()));
        }
        self.replace(contents)
    }

    /// Replaces the contents. When this returns they are on disk; when the process dies inside, the old or the new
    /// contents are, whole.
    pub(crate) fn replace(&self, contents: &Contents) -> Result<(), CardError> {
        let fresh = self.file.beside(".new");
        self.write(&fresh, contents).map_err(|error| self.file.failed("write", error))
    }

    fn write(&self, fresh: &Path, contents: &Contents) -> io::Result<()> {
        let json = contents.to_json()?;
        // One that a killed process left behind; ours alone, since we hold the lock.
        match fs::remove_file(fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = private(OpenOptions::new().create_new(true).write(true)).open(fresh)?;
        file.write_all(&json)?;
        file.sync_all()?;
        fs::rename(fresh, &self.file.path)?;
        sync_directory(&self.file.path)
    }
}

/// Files that only their owner can read.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// A rename is on disk once its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}
