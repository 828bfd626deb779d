//! Where a card is: one way to write it, for every kind of card.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::sm2_numbers::Sm2Input;
use crate::uri::{MAX_URI, TokenUri};

/// A card's place: `FILE`, `pkcs11:…` (RFC 7512) or `skf:LIBRARY[#DEVICE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardAddress {
    /// A soft card's file. One whose name begins with `pkcs11:` or `skf:` is written `./pkcs11:…`.
    File(PathBuf),
    /// A token behind a PKCS #11 module.
    Token(Box<TokenUri>),
    /// A device behind a vendor's SKF library.
    Skf(SkfAddress),
}

/// A device that speaks GM/T 0016.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkfAddress {
    /// The vendor's library.
    pub library: PathBuf,
    /// The device's name, as the library lists it; needed where there are several.
    pub device: Option<String>,
}

/// Why a text is no place of a card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the place of a card: {0}")]
pub struct InvalidAddress(pub(crate) String);

impl CardAddress {
    /// What its device takes to sign by SM2. SKF devices take digests (GM/T 0016 §7.6.9).
    pub(crate) fn sm2_input(&self) -> Sm2Input {
        match self {
            Self::Token(uri) => uri.sm2.map(|numbers| numbers.input).unwrap_or_default(),
            Self::File(_) | Self::Skf(_) => Sm2Input::Digest,
        }
    }
}

impl FromStr for CardAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if text.is_empty() || text.len() > MAX_URI {
            return Err(InvalidAddress(format!("it has no or more than {MAX_URI} characters")));
        }
        if text.starts_with("pkcs11:") {
            return TokenUri::from_str(text).map(|uri| Self::Token(Box::new(uri)));
        }
        let Some(skf) = text.strip_prefix("skf:") else { return Ok(Self::File(text.into())) };
        let (library, device) = match skf.split_once('#') {
            Some((library, device)) => (library, Some(device.to_owned())),
            None => (skf, None),
        };
        if library.is_empty() || device.as_ref().is_some_and(String::is_empty) {
            return Err(InvalidAddress("skf: wants a library, and a device behind #".to_owned()));
        }
        Ok(Self::Skf(SkfAddress { library: library.into(), device }))
    }
}

impl fmt::Display for CardAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Token(uri) => uri.fmt(f),
            Self::Skf(SkfAddress { library, device: None }) => write!(f, "skf:{}", library.display()),
            Self::Skf(SkfAddress { library, device: Some(device) }) => {
                write!(f, "skf:{}#{device}", library.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_place_is_read_and_written_the_same() {
        for text in ["holder.card", "./pkcs11:x", "/a b/c", "skf:/usr/lib/libskf.so", "skf:libskf.so#ePass 1"] {
            let address: CardAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
        let token: CardAddress = "pkcs11:token=a?module-path=/m.so".parse().expect("a URI");
        assert!(matches!(token, CardAddress::Token(_)));
    }

    #[test]
    fn half_a_place_is_refused() {
        for text in ["", "skf:", "skf:#device", "skf:lib#", "pkcs11:token"] {
            assert!(text.parse::<CardAddress>().is_err(), "{text}");
        }
        assert!("a".repeat(MAX_URI + 1).parse::<CardAddress>().is_err());
    }
}
