//! What can go wrong with a card.

use std::path::PathBuf;

use eseal_pki::{CertificateError, KeyError, SignError, Suite};

use crate::fault::Fault;
use crate::soft_card::CardKind;
use crate::tries::Tries;

/// What went wrong between this program and the driver of a device, which runs in a process of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// The process can't be started.
    #[error("the driver's process can't be started: {0}")]
    NotStarted(String),
    /// The vendor's library can't be loaded or used.
    #[error("the driver's library can't be used: {0}")]
    Library(String),
    /// The vendor's library follows another edition of its standard than this program knows: what it writes would be misread.
    #[error("the driver's library is of another edition: {0}")]
    Edition(String),
    /// The process ended; how.
    #[error("the driver crashed ({0}); connect the card again")]
    Crashed(String),
    /// It did not answer in time, and was ended.
    #[error("the driver did not answer for {0} s and was ended; connect the card again")]
    Hung(u64),
    /// Its answer is none.
    #[error("the driver gave an answer that is none: {0}")]
    Garbled(String),
    /// A call failed; in the device's own words.
    #[error("{call} failed: {code}")]
    Refused {
        /// The function of the vendor's library.
        call: String,
        /// What it returned.
        code: String,
    },
    /// It says something that can't be true.
    #[error("the driver does not tell the truth: {0}")]
    Lied(String),
}

/// Why a card did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The card is not connected: there is no file, or no token or device fits the address.
    #[error("there is no card at {0}")]
    Absent(String),
    /// Several tokens, devices or key pairs fit the address.
    #[error("several fit the address, say which: {}", .0.join(" | "))]
    Several(Vec<String>),
    /// The token or device was taken away while it was used.
    #[error("the card was removed while it was used")]
    Removed,
    /// The token or device logged out by itself, or another program logged it out.
    #[error("the card logged out by itself: its PIN is needed again")]
    LoggedOut,
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
        /// At least 1, where it is a number.
        tries_left: Tries,
    },
    /// The last try was wrong, now or earlier. The card stays locked.
    #[error("the card is locked: too many wrong PINs")]
    PinLocked,
    /// The card is not of the kind that is needed.
    #[error("it is no {} card", match .0 { CardKind::Maker => "maker", CardKind::Holder => "seal" })]
    OtherKind(CardKind),
    /// Tries were used up, and a service leaves the rest to people.
    #[error(
        "tries of its PIN were used up ({0} left), and the rest is kept for people: see to the PIN and unlock it once"
    )]
    FewTries(Tries),
    /// The administrator's PIN (PKCS #11: of the security officer) is wrong.
    #[error("the administrator's PIN is wrong; {tries_left} tries are left")]
    AdminPinIncorrect {
        /// At least 1, where it is a number.
        tries_left: Tries,
    },
    /// The administrator's PIN is locked: the card can only be initialized anew, which destroys its keys.
    #[error("the administrator's PIN is locked: the card can only be initialized anew")]
    AdminPinLocked,
    /// The card has an administrator, whose PIN is asked for instead.
    #[error("the card has an administrator already: their PIN is needed")]
    AdminExists,
    /// The device wants a PIN of another length or of other characters.
    #[error("the card does not accept a PIN like this")]
    PinRefused,
    /// The token was never initialized, or its user has no PIN yet.
    #[error("the card is not initialized, or its user has no PIN yet")]
    NotInitialized,
    /// The token is in use: initializing it would destroy what is on it.
    #[error("the card is initialized already, and nothing on it is overwritten")]
    Initialized,
    /// The card can't do this: a mechanism or function that it lacks.
    #[error("the card does not offer {0}")]
    NotOffered(String),
    /// There is a key pair of the suite already; nothing is overwritten.
    #[error("the card has a key pair of that kind already")]
    KeyExists,
    /// No room is left on the card.
    #[error("the card is full")]
    Full,
    /// The card is write-protected.
    #[error("the card is write-protected")]
    ReadOnly,
    /// What its driver did, or did not do.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The card has no key of that suite.
    #[error("the card has no {0} key")]
    NoKey(Suite),
    /// The key that was asked for is not on the card.
    #[error("the card has no such key")]
    NoSuchKey,
    /// What was to be decrypted was not encrypted with the card's key for this place, or was changed.
    #[error("it was not encrypted with the card's key for this place, or was changed")]
    NotDecrypted,
    /// A certificate for a key that is not on this card.
    #[error("the certificate is not for the {0} key of this card")]
    OtherKey(Suite),
    /// A key did not sign.
    #[error(transparent)]
    Signing(SignError),
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
    /// A certificate larger than any that is kept on a card.
    #[error("the certificate has {actual} bytes; a card takes {max}")]
    CertificateTooLarge {
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

impl CardError {
    /// Whether the driver, or the device behind it, is not to be asked again: it has to be opened anew, with the PIN.
    pub(crate) const fn is_gone(&self) -> bool {
        matches!(
            self,
            Self::Driver(DriverError::Crashed(_) | DriverError::Hung(_) | DriverError::Garbled(_))
                | Self::Removed
                | Self::LoggedOut
        )
    }

    /// What a fault means for the card at an address.
    pub(crate) fn of_device(fault: Fault, address: &str) -> Self {
        match fault {
            Fault::Absent => Self::Absent(address.to_owned()),
            Fault::Several(which) => Self::Several(which),
            Fault::Removed => Self::Removed,
            Fault::LoggedOut => Self::LoggedOut,
            Fault::PinIncorrect(tries_left) => Self::PinIncorrect { tries_left },
            Fault::PinLocked => Self::PinLocked,
            Fault::AdminPinIncorrect(tries_left) => Self::AdminPinIncorrect { tries_left },
            Fault::AdminPinLocked => Self::AdminPinLocked,
            Fault::PinRefused => Self::PinRefused,
            Fault::NotInitialized => Self::NotInitialized,
            Fault::Initialized => Self::Initialized,
            Fault::NotOffered(what) => Self::NotOffered(what),
            Fault::NoKey => Self::NoSuchKey,
            Fault::NotDecrypted => Self::NotDecrypted,
            Fault::KeyExists => Self::KeyExists,
            Fault::Full => Self::Full,
            Fault::ReadOnly => Self::ReadOnly,
            Fault::Library(why) => DriverError::Library(why).into(),
            Fault::OtherEdition(which) => DriverError::Edition(which).into(),
            Fault::Refused { call, code } => DriverError::Refused { call, code }.into(),
            Fault::Lied(what) => DriverError::Lied(what).into(),
        }
    }
}

impl From<CardError> for SignError {
    fn from(error: CardError) -> Self {
        Self::Device(error.to_string())
    }
}
