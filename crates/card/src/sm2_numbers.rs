//! What a PKCS #11 module calls SM2, and what it does of it itself.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use eseal_pki::{PublicKey, Suite};

use crate::address::InvalidAddress;

/// CKK_EC (PKCS #11 v3.1 §6.3).
const KEYS_ON_CURVES: u64 = 3;
/// CKK_VENDOR_DEFINED and CKM_VENDOR_DEFINED, and what lies above in the 32 bits that every platform has for them.
const VENDORS: RangeInclusive<u64> = 0x8000_0000..=0xffff_ffff;

/// PKCS #11 gives SM2 no numbers, so that every vendor has its own, in the vendor's range (bit 31 set).
///
/// Written `x-sm2=KEYTYPE,GENERATE,SIGN[,INPUT]`, the numbers in hexadecimal. INPUT is what SIGN takes, and `e` where it is not
/// there: see [`Sm2Input`]. It gives r ‖ s, 64 bytes, or `SEQUENCE { r, s }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sm2Numbers {
    /// CKK of the keys; 3 where the vendor keeps them as CKK_EC with the curve of SM2.
    pub key_type: u64,
    /// CKM that generates a key pair.
    pub generate: u64,
    /// CKM that signs.
    pub sign: u64,
    /// What that mechanism takes.
    pub input: Sm2Input,
}

/// What a vendor's mechanism for SM2 signatures takes, of a message M: they differ in how much they hash themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sm2Input {
    /// `e`: e = SM3(Z ‖ M), 32 bytes (GM/T 0003.2 §6.1); it hashes nothing.
    #[default]
    Digest,
    /// `zm`: Z ‖ M; it hashes by SM3 and knows nothing of Z.
    Prefixed,
    /// `m`: M; it makes Z, with the usual identity, and hashes.
    Message,
    /// `m-id`: the same, with the identity as the mechanism's parameter.
    MessageAndIdentity,
}

impl Sm2Numbers {
    /// Whether keys have a type of the vendor's own, which is SM2 whatever their curve is said to be.
    pub(crate) const fn has_own_type(&self) -> bool {
        self.key_type != KEYS_ON_CURVES
    }
}

impl Sm2Input {
    /// What a device that takes this is given of a message; `None` where the suite is not the key's.
    pub(crate) fn of(self, key: &PublicKey, suite: Suite, message: &[u8]) -> Option<Vec<u8>> {
        match (suite, self) {
            (Suite::Sm2Sm3, Self::Prefixed) => Some([&key.sm2_z()?[..], message].concat()),
            (Suite::Sm2Sm3, Self::Message | Self::MessageAndIdentity) => key.sm2_z().map(|_| message.to_vec()),
            _ => key.device_input(suite, message),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Digest => "e",
            Self::Prefixed => "zm",
            Self::Message => "m",
            Self::MessageAndIdentity => "m-id",
        }
    }
}

impl FromStr for Sm2Numbers {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let wrong =
            || InvalidAddress("x-sm2 wants three hexadecimal numbers: KEYTYPE,GENERATE,SIGN[,INPUT]".to_owned());
        let number = |text: &str| u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).map_err(|_| wrong());
        let parts: Vec<&str> = text.split(',').collect();
        let ([key_type, generate, sign], input) = match *parts.as_slice() {
            [key_type, generate, sign] => ([key_type, generate, sign], Sm2Input::default()),
            [key_type, generate, sign, input] => ([key_type, generate, sign], input.parse()?),
            _ => return Err(wrong()),
        };
        let (key_type, generate, sign) = (number(key_type)?, number(generate)?, number(sign)?);
        // Any other number is one that the standard gave to something else.
        if key_type != KEYS_ON_CURVES && !VENDORS.contains(&key_type) {
            return Err(InvalidAddress(format!("x-sm2: {key_type:x} is no type of SM2 keys: 3, or a vendor's own")));
        }
        match [generate, sign].into_iter().find(|mechanism| !VENDORS.contains(mechanism)) {
            Some(other) => Err(InvalidAddress(format!("x-sm2: {other:x} is no mechanism of a vendor's own"))),
            None => Ok(Self { key_type, generate, sign, input }),
        }
    }
}

impl FromStr for Sm2Input {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let known = [Self::Digest, Self::Prefixed, Self::Message, Self::MessageAndIdentity];
        let found = known.into_iter().find(|input| input.name() == text);
        found.ok_or_else(|| InvalidAddress(format!("x-sm2: SIGN takes e, zm, m or m-id, not {text:?}")))
    }
}

impl fmt::Display for Sm2Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x},{:x},{:x}", self.key_type, self.generate, self.sign)?;
        match self.input {
            Sm2Input::Digest => Ok(()),
            other => write!(f, ",{}", other.name()),
        }
    }
}
