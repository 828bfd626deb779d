//! What the two processes say to each other: frames of a length and JSON.

use std::io::{self, Read};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eseal_pki::Suite;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize as _, Zeroizing};

use crate::fault::Fault;
use crate::soft_card::CardKind;
use crate::tries::Tries;

/// Bytes of the longest frame: the largest seal in Base64, and room.
const MAX_FRAME: usize = 12 << 20;
/// The length in front.
const HEAD: usize = 4;

/// What is asked at the door, one after the other. The first one opens a device, or is answered without one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    Open {
        address: String,
    },
    List {
        address: String,
    },
    Initialize(Box<Initialize>),
    Show,
    Tries,
    AdminTries,
    Unlock {
        pin: Secret,
    },
    Generate {
        key: KeyKind,
    },
    Import {
        key: Algorithm,
        certificate: Bytes,
    },
    StoreSeal {
        seal: Bytes,
    },
    ReadSeal,
    ChangePin {
        old: Secret,
        new: Secret,
    },
    Unblock {
        admin: Secret,
        new: Secret,
    },
    /// Logs in to keep keys for a service: many of them, each by its CKA_ID.
    OpenStore {
        pin: Secret,
    },
    GenerateFor {
        id: Bytes,
        key: KeyKind,
    },
}

/// What is done side by side, by whoever has nothing else to do.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Signs what [`crate::Sm2Input`] or [`eseal_pki::PublicKey::device_input`] made; gives the device's own form.
    Sign { key: Algorithm, input: Bytes },
    /// The same with the key pair of this id.
    SignFor { id: Bytes, key: Algorithm, input: Bytes },
    /// Encrypts with the AES key of the address (AES-GCM, a tag of 16 bytes).
    Encrypt { nonce: Bytes, bound: Bytes, input: SecretBytes },
    /// Decrypts with it.
    Decrypt { nonce: Bytes, bound: Bytes, input: Bytes },
}

/// What a fresh token is to become.
#[derive(Serialize, Deserialize)]
pub(crate) struct Initialize {
    pub(crate) address: String,
    pub(crate) label: String,
    pub(crate) kind: CardKind,
    pub(crate) admin: Secret,
    pub(crate) pin: Secret,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Done,
    Shown(Box<Shown>),
    Listed(Vec<Listed>),
    Tries(Tries),
    /// The suites whose private keys are there.
    Unlocked(Vec<Algorithm>),
    Signed(Bytes),
    Seal(Option<Bytes>),
    Store(Offers),
    /// SubjectPublicKeyInfo.
    Public(Bytes),
    Encrypted(Bytes),
    Decrypted(SecretBytes),
    Failed(Fault),
}

/// What a token can do for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// SM2 key pairs can be made on it.
    pub sm2: bool,
    /// P-256 key pairs can be made on it.
    pub p256: bool,
    /// The AES key of the address is there, and can encrypt (AES-GCM).
    pub secret: bool,
}

/// A card as its driver shows it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) serial: String,
    /// What it was initialized as, where that is written on it.
    pub(crate) kind: Option<CardKind>,
    pub(crate) keys: Vec<ShownKey>,
    /// `None` where that can't be seen without the PIN.
    pub(crate) has_seal: Option<bool>,
}

/// A key pair on it.
#[derive(Serialize, Deserialize)]
pub(crate) struct ShownKey {
    pub(crate) algorithm: Algorithm,
    /// SubjectPublicKeyInfo.
    pub(crate) public: Bytes,
    pub(crate) certificate: Option<Bytes>,
}

/// A token or device that could be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// What to write to open it.
    pub address: String,
    /// Its label.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    /// Who made it, and what it is called.
    pub model: String,
    /// Whether it is ready for use.
    pub initialized: bool,
    /// Whether SM2 keys can be made on it, where that can be told without opening it.
    pub sm2: Option<bool>,
    /// The tries that its PIN has left.
    pub tries_left: Tries,
    /// What the library says of itself: who made it, what it is, which version.
    pub library: String,
    /// What its keys can sign with, as far as the library tells: `RSA`, `ECDSA`, `SM2`.
    pub signs: Vec<String>,
}

/// A kind of key pair. A card has one of each at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Algorithm {
    Sm2,
    P256,
    P384,
    Rsa,
}

/// A key pair that can be made on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// SM2.
    Sm2,
    /// ECDSA on P-256.
    P256,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
}

impl KeyKind {
    /// What the key signs with.
    pub const fn suite(self) -> Suite {
        match self {
            Self::Sm2 => Suite::Sm2Sm3,
            Self::P256 => Suite::EcdsaP256Sha256,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => Suite::RsaSha256,
        }
    }

    /// Bits of an RSA modulus.
    pub(crate) const fn rsa_bits(self) -> Option<u16> {
        match self {
            Self::Rsa2048 => Some(2048),
            Self::Rsa3072 => Some(3072),
            Self::Rsa4096 => Some(4096),
            Self::Sm2 | Self::P256 => None,
        }
    }
}

impl From<Suite> for Algorithm {
    fn from(suite: Suite) -> Self {
        match suite {
            Suite::Sm2Sm3 => Self::Sm2,
            Suite::EcdsaP256Sha256 => Self::P256,
            Suite::EcdsaP384Sha384 => Self::P384,
            Suite::RsaSha256 | Suite::RsaSha384 | Suite::RsaSha512 => Self::Rsa,
        }
    }
}

/// Bytes as Base64.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Bytes that nobody else may know, as Base64; wiped when dropped, as the frame is that they travel in.
pub(crate) struct SecretBytes(pub(crate) Zeroizing<Vec<u8>>);

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(BASE64_STANDARD.encode(&*self.0)))
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?; // a slice of the frame: Base64 needs no escapes
        let bytes = BASE64_STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

/// A PIN on its way; wiped when dropped, as the frame is that it travels in.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The bytes of a frame.
pub(crate) fn frame(body: &impl Serialize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Grown early, so that a PIN does not stay behind in a buffer that was too small.
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    bytes.extend([0; HEAD]);
    serde_json::to_writer(&mut *bytes, body)?;
    let length = bytes.len() - HEAD;
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a frame is too long"));
    }
    let length = u32::try_from(length).map_err(io::Error::other)?;
    if let Some(head) = bytes.first_chunk_mut::<HEAD>() {
        *head = length.to_be_bytes();
    }
    Ok(bytes)
}

/// The next frame; `None` at the end. Reads no byte behind it: what is read is wiped.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut head = [0; HEAD];
    let begun = loop {
        match from.read(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    match head.get_mut(begun..) {
        Some(rest) if begun > 0 => from.read_exact(rest)?,
        _ => return Ok(None),
    }
    let length = u32::from_be_bytes(head) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    let mut body = Zeroizing::new(vec![0; length]);
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let bytes = frame(&Work::Sign { key: Algorithm::Rsa, input: Bytes(vec![1, 2, 255]) }).expect("written");
        let mut two = [bytes.as_slice(), bytes.as_slice()].concat();
        two.truncate(bytes.len() + 1);
        let mut rest = two.as_slice();
        let work = receive::<Work>(&mut rest).expect("read").expect("a frame");
        assert!(matches!(work, Work::Sign { key: Algorithm::Rsa, input } if input.0 == [1, 2, 255]));
        assert_eq!(rest.len(), 1, "nothing behind it is read");
        assert!(receive::<Work>(&mut &bytes[..0]).expect("the end").is_none());
    }

    #[test]
    fn a_frame_that_is_cut_too_long_or_no_json_is_an_error() {
        let mut bytes = frame(&Answer::Done).expect("written");
        for cut in 1..bytes.len() {
            assert!(receive::<Answer>(&mut &bytes[..cut]).is_err(), "{cut}");
        }
        let mut long = bytes.clone();
        long[0] = 0x7f;
        assert!(receive::<Answer>(&mut long.as_slice()).is_err());
        let last = bytes.len() - 1;
        bytes[last] = b'!';
        assert!(receive::<Answer>(&mut bytes.as_slice()).is_err());
    }
}
