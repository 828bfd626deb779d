//! What can go wrong with a card.

use std::path::PathBuf;

use eseal_pki::{CertificateError, KeyError, Suite};

/// Why a card did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// There is no file: the card is not connected.
    #[error("there is no card at {0}")]
    Absent(PathBuf),
    /// A card is to be made where a file lies already; nothing is ever overwritten.
    #[error("there is a file at {0} already")]
    Exists(PathBuf),
    /// The file is no card of this system: garbage, cut short, or another system's.
    #[error("{path} is not a card of this system: {why}")]
    NotACard {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        why: String,
    },
    /// A card that a newer release wrote.
    #[error("the card at {path} has the format {version}, which this release does not know")]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format's number.
        version: u32,
    },
    /// Another card lies where this one lay when it was opened.
    #[error("the card at {0} was exchanged for another one")]
    Exchanged(PathBuf),
    /// The operating system refused to read or write.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The PIN is wrong; this many tries are left.
    #[error("the PIN is wrong; {tries_left} tries are left")]
    PinIncorrect {
        /// At least 1.
        tries_left: u8,
    },
    /// The last try was wrong, now or earlier. The card stays locked.
    #[error("the card is locked: too many wrong PINs")]
    PinLocked,
    /// The card has no key of that suite.
    #[error("the card has no {0} key")]
    NoKey(Suite),
    /// A certificate for a key that is not on this card.
    #[error("the certificate is not for the {0} key of this card")]
    OtherKey(Suite),
    /// What is to be stored is no certificate.
    #[error("what is to be stored is no certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// A key could not be made.
    #[error("the key pair could not be made: {0}")]
    Key(#[from] KeyError),
    /// No suite, or one twice.
    #[error("a card needs one or two key pairs of different suites")]
    Suites,
    /// A seal larger than a card takes.
    #[error("the seal has {actual} bytes; a card takes {max}")]
    SealTooLarge {
        /// The most that is allowed.
        max: usize,
        /// What is there.
        actual: usize,
    },
    /// The PIN is right, and what it protects cannot be read: the file was damaged or changed.
    #[error("the card is damaged: {0}")]
    Damaged(&'static str),
    /// The system has no random numbers or no memory for the PIN's key.
    #[error("the system could not {0}")]
    System(&'static str),
}
