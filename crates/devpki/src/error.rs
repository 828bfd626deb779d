//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DevPkiError {
    /// There is a CA in this folder already; another one would make its certificates worthless.
    #[error("there is a CA in {} already", .0.display())]
    Exists(PathBuf),
    /// There is no CA in this folder.
    #[error("there is no file {}: `eseal dev-pki create` makes a CA", .0.display())]
    Missing(PathBuf),
    /// A name that can't be part of a DNS name.
    #[error("{0:?} is no name: expected lower-case letters, digits and hyphens, 50 at most")]
    Name(String),
    /// A file can't be read or written.
    #[error("{} can't be {what}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// No random numbers, or a key that can't be used.
    #[error("the certificate could not be made")]
    Cryptography(#[from] rcgen::Error),
}
