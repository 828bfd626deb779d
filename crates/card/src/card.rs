//! The door: a card of whichever kind, before its PIN is known.

use std::fmt;

use eseal_pki::{Certificate, PublicKey, Suite};

use crate::address::CardAddress;
use crate::device_card::DeviceCard;
use crate::driver::Drivers;
use crate::driver::wire::Listed;
use crate::error::{CardError, DriverError};
use crate::opened::Opened;
use crate::pin::Pin;
use crate::soft_card::{CardKind, SoftCard};
use crate::tries::Tries;

/// A card that is there: a soft card's file, a PKCS #11 token, or an SKF device.
#[derive(Clone)]
pub struct Card(Kept);

#[derive(Clone)]
enum Kept {
    Soft(SoftCard),
    Device(DeviceCard),
}

/// What a fresh token becomes.
#[derive(Debug, Clone)]
pub struct NewCard {
    /// Its label, of at most 32 bytes.
    pub label: String,
    /// What it is for.
    pub kind: CardKind,
    /// The administrator's PIN (PKCS #11: of the security officer), which unblocks the card.
    pub admin: Pin,
    /// The user's PIN.
    pub pin: Pin,
}

impl Card {
    /// Opens the card there. Drivers of devices are this program once more: it calls [`crate::drive_if_called`] first of all.
    ///
    /// # Errors
    /// There is none, several fit, or it can't be read.
    pub fn open(address: &CardAddress) -> Result<Self, CardError> {
        match address {
            CardAddress::File(path) => SoftCard::open(path).map(Into::into),
            CardAddress::Token(_) | CardAddress::Skf(_) => Self::open_by(address, &this_program()?),
        }
    }

    /// Opens the card there, with drivers started like this.
    ///
    /// # Errors
    /// As [`Card::open`].
    pub fn open_by(address: &CardAddress, drivers: &Drivers) -> Result<Self, CardError> {
        match address {
            CardAddress::File(path) => SoftCard::open(path).map(Into::into),
            CardAddress::Token(_) | CardAddress::Skf(_) => {
                DeviceCard::open(address, drivers).map(|card| Self(Kept::Device(card)))
            }
        }
    }

    /// The tokens or devices that fit the address, ready for use or not. A file fits itself: there is nothing to list.
    ///
    /// # Errors
    /// Their driver can't be used.
    pub fn list(address: &CardAddress, drivers: &Drivers) -> Result<Vec<Listed>, CardError> {
        DeviceCard::list(address, drivers)
    }

    /// Makes a card of the first token or device that fits the address and was never initialized. It has no keys yet: see
    /// [`Opened::generate`].
    ///
    /// # Errors
    /// None is fresh, the address is a file's (see [`SoftCard::create`]), or the device refused.
    pub fn initialize(address: &CardAddress, new: &NewCard, drivers: &Drivers) -> Result<Self, CardError> {
        DeviceCard::initialize(address, new, drivers).map(|card| Self(Kept::Device(card)))
    }

    /// What to write to open this card, for people.
    pub fn address(&self) -> String {
        match &self.0 {
            Kept::Soft(card) => card.path().display().to_string(),
            Kept::Device(card) => card.address().to_owned(),
        }
    }

    /// The serial number, for ever the same: 1 to 64 letters, digits, `.`, `_` and `-`.
    pub fn serial(&self) -> &str {
        match &self.0 {
            Kept::Soft(card) => card.serial(),
            Kept::Device(card) => card.serial(),
        }
    }

    /// What the card is for. A device says so where it was initialized here; else its certificates do: makers have a key usage
    /// of their own ([`eseal_pki::MAKER_EKU`]).
    pub fn kind(&self) -> CardKind {
        match &self.0 {
            Kept::Soft(card) => card.kind(),
            Kept::Device(card) => card.kind(),
        }
    }

    /// The suites of its key pairs.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn suites(&self) -> Result<Vec<Suite>, CardError> {
        match &self.0 {
            Kept::Soft(card) => card.suites(),
            Kept::Device(card) => Ok(card.suites()),
        }
    }

    /// The public half of a key pair.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn public_key(&self, suite: Suite) -> Result<Option<PublicKey>, CardError> {
        match &self.0 {
            Kept::Soft(card) => card.public_key(suite),
            Kept::Device(card) => Ok(card.public_key(suite)),
        }
    }

    /// The certificate of a key pair.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn certificate(&self, suite: Suite) -> Result<Option<Certificate>, CardError> {
        match &self.0 {
            Kept::Soft(card) => card.certificate(suite),
            Kept::Device(card) => Ok(card.certificate(suite)),
        }
    }

    /// All certificates, in the order of [`Card::suites`].
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn certificates(&self) -> Result<Vec<Certificate>, CardError> {
        match &self.0 {
            Kept::Soft(card) => card.certificates(),
            Kept::Device(card) => Ok(card.certificates()),
        }
    }

    /// Whether a seal is on the card; `None` where that can't be seen without the PIN.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn has_seal(&self) -> Result<Option<bool>, CardError> {
        match &self.0 {
            Kept::Soft(card) => card.has_seal().map(Some),
            Kept::Device(card) => Ok(card.has_seal()),
        }
    }

    /// How many PINs may still be tried. Show it before asking for one.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn tries_left(&self) -> Result<Tries, CardError> {
        match &self.0 {
            Kept::Soft(card) => card.tries_left().map(Tries::Exactly),
            Kept::Device(card) => card.tries_left(),
        }
    }

    /// Counts one more use for a seal and gives the count: see [`SoftCard::count_use`]. None for a device, whose keys can't be
    /// copied.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged, or cannot be changed.
    pub fn count_use(&self) -> Result<Option<u64>, CardError> {
        match &self.0 {
            Kept::Soft(card) => card.count_use().map(Some),
            Kept::Device(_) => Ok(None),
        }
    }

    /// Tries a PIN: one try, never more. Never call it twice for one input of a person. Blocks.
    ///
    /// Each private key of a device then signs something random, and the signature must verify with the public key that the
    /// device shows.
    ///
    /// # Errors
    /// [`CardError::PinIncorrect`] with the tries left; [`CardError::PinLocked`] when that was the last one, or when none
    /// was left; a card that was taken away, exchanged or damaged; a driver that does not tell the truth.
    pub fn unlock(&self, pin: &Pin) -> Result<Opened, CardError> {
        match &self.0 {
            Kept::Soft(card) => Ok(Opened::soft(self.clone(), card.unlock(pin)?)),
            Kept::Device(card) => Ok(Opened::device(self.clone(), card.unlock(pin)?)),
        }
    }

    /// Replaces the PIN; trying the old one is a try.
    ///
    /// # Errors
    /// As [`Card::unlock`], and a new PIN that the card does not accept.
    pub fn change_pin(&self, old: &Pin, new: &Pin) -> Result<(), CardError> {
        match &self.0 {
            Kept::Soft(card) => card.unlock(old)?.change_pin(new),
            Kept::Device(card) => card.change_pin(old, new),
        }
    }

    /// How often the administrator's PIN may still be tried. Show it before asking for that.
    ///
    /// # Errors
    /// [`CardError::NotOffered`] for a soft card without an administrator; the card was taken away, exchanged or damaged.
    pub fn admin_tries_left(&self) -> Result<Tries, CardError> {
        match &self.0 {
            Kept::Soft(card) => {
                let none = || CardError::NotOffered("an administrator's PIN".to_owned());
                card.admin_tries_left()?.map(Tries::Exactly).ok_or_else(none)
            }
            Kept::Device(card) => card.admin_tries_left(),
        }
    }

    /// The soft card behind the door, for what only soft cards have.
    pub const fn as_soft(&self) -> Option<&SoftCard> {
        match &self.0 {
            Kept::Soft(card) => Some(card),
            Kept::Device(_) => None,
        }
    }

    /// Gives a locked card a new PIN, by the administrator's. Trying that one is a try of its own count.
    ///
    /// # Errors
    /// [`CardError::AdminPinIncorrect`], [`CardError::AdminPinLocked`]; [`CardError::NotOffered`] for a card without an
    /// administrator.
    pub fn unblock(&self, admin: &Pin, new: &Pin) -> Result<(), CardError> {
        match &self.0 {
            Kept::Soft(card) => card.unblock(admin, new),
            Kept::Device(card) => card.unblock(admin, new),
        }
    }
}

impl From<SoftCard> for Card {
    fn from(card: SoftCard) -> Self {
        Self(Kept::Soft(card))
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Card").field("serial", &self.serial()).field("kind", &self.kind()).finish_non_exhaustive()
    }
}

fn this_program() -> Result<Drivers, CardError> {
    Drivers::this_program().map_err(|error| DriverError::NotStarted(error.to_string()).into())
}
