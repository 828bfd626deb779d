//! The files of the folder. Each is written whole or not at all: a service may read it at any moment.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::DevPkiError;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    Private,
}

pub(crate) fn ca_certificate(folder: &Path) -> PathBuf {
    folder.join("ca.crt")
}

pub(crate) fn ca_key(folder: &Path) -> PathBuf {
    folder.join("ca.key")
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, DevPkiError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DevPkiError::Missing(path.to_owned())),
        Err(source) => Err(DevPkiError::File { path: path.to_owned(), what: "read", source }),
    }
}

pub(crate) fn write(path: &Path, content: &[u8], mode: Mode) -> Result<(), DevPkiError> {
    let written = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        // Temporary files are private from the beginning.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        #[cfg(unix)]
        if mode == Mode::Open {
            use std::os::unix::fs::PermissionsExt as _;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(|source| DevPkiError::File { path: path.to_owned(), what: "written", source })
}
