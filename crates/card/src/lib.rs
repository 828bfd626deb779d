//! The door to a private key: soft cards, PKCS #11 tokens and SKF devices.
//!
//! ```text
//! Card::open(address)   FILE | pkcs11:… | skf:LIBRARY[#DEVICE]; serial, kind, certificates, tries left: no PIN needed
//!   .unlock(&pin)       exactly one try
//!     Opened            signs, makes keys, takes certificates and the seal in
//! ```
//!
//! [`Hsm`] is a token that keeps keys for a service: an AES key that wraps others, and any number of key pairs; [`KeptCard`] a card
//! that a service keeps unlocked.
//!
//! Tokens and devices are reached through libraries of their vendors. Those run in a process of their own: a program that opens
//! cards calls [`drive_if_called`] first of all, and [`Card::open`] starts it once more. See `docs/guides/cards.md`.
//!
//! A soft card (软卡) is one encrypted file that behaves like a USB key: it has a serial number and a kind ([`CardKind`]),
//! generates its key pairs itself and never gives a private key out, holds a certificate for each and, once made, the
//! electronic seal; a PIN opens it, and five wrong PINs in a row lock it. Its administrator, if it has one, unblocks it.
//!
//! ```text
//! SoftCard::open(path)  serial, kind, certificates, tries left: no PIN needed
//!   .unlock(&pin)       one try is taken off on disk before the PIN is tried
//!     Unlocked          signs, takes certificates and the seal in, changes the PIN
//! ```
//!
//! What the file protects and what it cannot: private keys and the seal are encrypted under a random key, which is
//! encrypted under a key that Argon2id derives from the PIN; all of it is bound to the serial number. The counter stops
//! whoever tries PINs through this crate. Whoever copies the file can try PINs on the copy, as many as Argon2id lets him;
//! no file can prevent that, a hardware token can.
//!
//! Calls block for file access and, on [`SoftCard::unlock`] and the like, for about a tenth of a second of Argon2id.

mod address;
mod administrator;
mod card;
mod device_card;
mod driver;
mod error;
mod fault;
mod file;
mod hsm;
mod kept;
mod looks;
mod opened;
mod pin;
mod pkcs11;
mod skf;
mod sm2_numbers;
mod soft_card;
mod stored;
mod tries;
mod unlocked;
mod uri;
mod vault;

pub use address::{CardAddress, InvalidAddress, SkfAddress};
pub use card::{Card, NewCard};
pub use driver::Drivers;
pub use driver::child::if_called as drive_if_called;
pub use driver::wire::{KeyKind, Listed, Offers};
pub use error::{CardError, DriverError};
pub use hsm::{Hsm, HsmKey};
pub use kept::KeptCard;
pub use opened::{Key, Opened};
pub use pin::{InvalidPin, Pin};
pub use sm2_numbers::{Sm2Input, Sm2Numbers};
pub use soft_card::{CardKind, SoftCard};
pub use tries::Tries;
pub use unlocked::{CardKey, Unlocked};
pub use uri::TokenUri;

/// Wrong PINs in a row that lock a card.
pub const TRIES: u8 = 5;
/// Bytes of the longest seal that a card takes.
pub const MAX_SEAL: usize = 8 << 20;
/// Bytes of the longest certificate on a card.
pub const MAX_CERTIFICATE: usize = 64 << 10;
