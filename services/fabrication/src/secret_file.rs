//! Secrets come from files that nobody else on the machine can read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use eseal_service::private_file::is_private;
use zeroize::Zeroizing;

/// The most bytes of such a file.
const MAX: u64 = 1024;

/// Why a file with a secret can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Others than its owner can read it.
    #[error("it can be read by others than its owner: set its mode to 0600")]
    Open,
}

/// The text in a file, without the line break at its end.
///
/// # Errors
/// [`SecretFileError`].
pub fn read(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let file = File::open(path)?;
    if !is_private(&file.metadata()?) {
        return Err(SecretFileError::Open);
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX).read_to_string(&mut text)?;
    let secret = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(secret);
    Ok(text)
}
