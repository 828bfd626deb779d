//! What can go wrong with a device, as its driver tells it.

use serde::{Deserialize, Serialize};

use crate::tries::Tries;

/// What a driver's process answers instead of doing what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// Nothing there fits the address.
    Absent,
    /// Several things fit it; how each can be named.
    Several(Vec<String>),
    /// It was there, and is not any more.
    Removed,
    /// Its PIN was right once, and is wanted again.
    LoggedOut,
    PinIncorrect(Tries),
    PinLocked,
    AdminPinIncorrect(Tries),
    AdminPinLocked,
    /// The device wants another length or other characters.
    PinRefused,
    /// The device was never given a PIN, or was never initialized.
    NotInitialized,
    /// It is initialized already: doing it again would destroy what is on it.
    Initialized,
    /// Neither its mechanisms nor its functions can do this.
    NotOffered(String),
    NoKey,
    /// What was to be decrypted was not encrypted with this key for this place, or was changed.
    NotDecrypted,
    KeyExists,
    Full,
    ReadOnly,
    /// The vendor's library can't be loaded or used.
    Library(String),
    /// The vendor's library is of another edition of its standard; which one.
    OtherEdition(String),
    /// A call that failed, and how the device says so.
    Refused {
        call: String,
        code: String,
    },
    /// Something that can't be true.
    Lied(String),
}
