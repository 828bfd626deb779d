//! Files with secrets: whether anybody else can read them, and the secret of a line in one.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// The most bytes of a secret in a line: a key, a PIN, a password.
const MAX: u64 = 1024;

/// Why a file with a secret can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It can't be read, or is no text.
    #[error("it can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Others than its owner can read it.
    #[error("it can be read by others than its owner: set its mode to 0600")]
    Open,
    /// A secret in a line is not so long.
    #[error("it has more than {MAX} bytes")]
    TooLong,
}

/// The text in a file, without the line break at its end.
///
/// # Errors
/// [`SecretFileError`].
pub fn secret(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let file = File::open(path)?;
    if !is_private(&file.metadata()?) {
        return Err(SecretFileError::Open);
    }
    // Room for all of it at once, so that nothing of it stays behind in a buffer that was too small.
    let mut text = Zeroizing::new(String::with_capacity(MAX as usize + 2));
    file.take(MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX {
        return Err(SecretFileError::TooLong);
    }
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(text)
}

/// Whether nobody but this process's user and root can read this file. A file of root may be readable by its group as well: so are
/// the secrets that Kubernetes mounts into a pod, and PostgreSQL takes its key by the same rule.
#[cfg(unix)]
pub fn is_private(file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    private(file.mode(), file.uid(), rustix::process::geteuid().as_raw())
}

/// Files have no mode there; the rights of their folder decide.
#[cfg(not(unix))]
pub fn is_private(_file: &Metadata) -> bool {
    true
}

#[cfg(any(unix, test))]
fn private(mode: u32, owner: u32, own: u32) -> bool {
    let others = if owner == 0 && own != 0 { 0o037 } else { 0o077 };
    mode & others == 0
}

#[cfg(test)]
mod tests {
    use super::{MAX, SecretFileError, private, secret};

    #[cfg(unix)]
    #[test]
    fn a_secret_is_the_line_of_a_file_that_nobody_else_can_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pin");
        let written = |text: &str, mode: u32| {
            std::fs::write(&path, text).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
            secret(&path)
        };
        assert_eq!(*written("135 246\r\n", 0o600).expect("a secret"), "135 246");
        assert_eq!(*written("", 0o600).expect("nothing"), "");
        assert!(matches!(written("135246", 0o644), Err(SecretFileError::Open)));
        assert!(written(&"x".repeat(MAX as usize), 0o600).is_ok());
        assert!(matches!(written(&"x".repeat(MAX as usize + 1), 0o600), Err(SecretFileError::TooLong)));
        assert!(matches!(secret(folder.path()), Err(SecretFileError::Open | SecretFileError::Unreadable(_))));
    }

    #[test]
    fn a_file_of_ones_own_is_for_oneself_alone() {
        for own in [0, 65_532] {
            assert!(private(0o100_600, own, own) && private(0o100_400, own, own));
            for open in [0o640, 0o604, 0o660, 0o410] {
                assert!(!private(0o100_000 | open, own, own), "{open:o}");
            }
        }
    }

    #[test]
    fn a_secret_mounted_for_the_group_of_a_pod_is_private_and_one_for_everybody_is_not() {
        assert!(private(0o100_440, 0, 65_532) && private(0o100_640, 0, 65_532));
        for open in [0o444, 0o644, 0o660, 0o450] {
            assert!(!private(0o100_000 | open, 0, 65_532), "{open:o}");
        }
        assert!(!private(0o100_440, 1_000, 65_532), "another user's, who may let in whom they like");
    }
}
