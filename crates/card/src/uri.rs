//! PKCS #11 URIs (RFC 7512).

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::str::FromStr;

use crate::address::InvalidAddress;
use crate::sm2_numbers::Sm2Numbers;

/// The most characters of a card's address.
pub(crate) const MAX_URI: usize = 4096;

/// A token by what it says of itself, the module that it is reached through, and which of its keys is meant.
///
/// All that is given must fit. Secrets are no part of it: `pin-value` and `pin-source` are refused, since addresses are seen in
/// lists of processes and in logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenUri {
    /// The token's label.
    pub token: Option<String>,
    /// Its manufacturer.
    pub manufacturer: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// The number of the slot.
    pub slot_id: Option<u64>,
    /// The CKA_LABEL of the key pair.
    pub object: Option<String>,
    /// The CKA_ID of the key pair.
    pub id: Option<Vec<u8>>,
    /// The module's file.
    pub module_path: Option<PathBuf>,
    /// The numbers that this module's vendor gave to SM2.
    pub sm2: Option<Sm2Numbers>,
}

impl FromStr for TokenUri {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let wrong = |why: &str| InvalidAddress(why.to_owned());
        if text.len() > MAX_URI {
            return Err(wrong("the URI is too long"));
        }
        let rest = text.strip_prefix("pkcs11:").ok_or_else(|| wrong("it does not begin with pkcs11:"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        let mut seen = Vec::new();
        for (part, separator) in [(path, ';'), (query, '&')] {
            for attribute in part.split(separator).filter(|attribute| !attribute.is_empty()) {
                let (name, value) = attribute.split_once('=').ok_or_else(|| wrong("an attribute has no value"))?;
                if seen.contains(&name) {
                    return Err(InvalidAddress(format!("{name} is there twice"))); // RFC 7512 §2.3
                }
                seen.push(name);
                let value = decoded(value).ok_or_else(|| InvalidAddress(format!("{name} is not well encoded")))?;
                if separator == ';' { uri.path(name, value)? } else { uri.query(name, value)? }
            }
        }
        Ok(uri)
    }
}

impl TokenUri {
    fn path(&mut self, name: &str, value: Vec<u8>) -> Result<(), InvalidAddress> {
        let unknown = || InvalidAddress(format!("{name} is not understood"));
        if name == "id" {
            self.id = Some(value);
            return Ok(());
        }
        let text = String::from_utf8(value).map_err(|_| InvalidAddress(format!("{name} is not UTF-8")))?;
        match name {
            "token" => self.token = Some(text),
            "manufacturer" => self.manufacturer = Some(text),
            "serial" => self.serial = Some(text),
            "model" => self.model = Some(text),
            "object" => self.object = Some(text),
            "slot-id" => self.slot_id = Some(text.parse().map_err(|_| unknown())?),
            // Key pairs and certificates are looked for anyway.
            "type" if matches!(text.as_str(), "private" | "public" | "cert") => {}
            // What is not understood can't be matched: to leave it out could mean another token (RFC 7512 §2.3).
            _ => return Err(unknown()),
        }
        Ok(())
    }

    fn query(&mut self, name: &str, value: Vec<u8>) -> Result<(), InvalidAddress> {
        let text = String::from_utf8(value).map_err(|_| InvalidAddress(format!("{name} is not UTF-8")))?;
        match name {
            "module-path" => self.module_path = Some(text.into()),
            "x-sm2" => self.sm2 = Some(text.parse()?),
            "pin-value" | "pin-source" => {
                return Err(InvalidAddress("a PIN is no part of an address: give it in a file of its own".to_owned()));
            }
            _ if name.starts_with("x-") => {} // another program's (RFC 7512 §2.4)
            _ => return Err(InvalidAddress(format!("{name} is not understood"))),
        }
        Ok(())
    }
}

impl fmt::Display for TokenUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot_id.map(|id| id.to_string());
        let texts = [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("serial", &self.serial),
            ("model", &self.model),
            ("slot-id", &slot),
            ("object", &self.object),
        ];
        let mut path: Vec<String> = Vec::new();
        for (name, value) in texts {
            path.extend(value.as_ref().map(|value| format!("{name}={}", encoded(value.as_bytes(), false))));
        }
        path.extend(self.id.as_ref().map(|id| format!("id={}", encoded(id, true))));
        write!(f, "pkcs11:{}", path.join(";"))?;
        let module = self.module_path.as_ref().map(|path| path.to_string_lossy());
        let mut query: Vec<String> = Vec::new();
        query.extend(module.map(|path| format!("module-path={}", encoded(path.as_bytes(), false))));
        query.extend(self.sm2.map(|sm2| format!("x-sm2={sm2}")));
        if query.is_empty() { Ok(()) } else { write!(f, "?{}", query.join("&")) }
    }
}

/// Takes percent-encoding away (RFC 3986 §2.1); `None` where a `%` is not followed by two digits.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match byte {
            b'%' => bytes.push(u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?),
            other => bytes.push(other),
        }
    }
    Some(bytes)
}

/// Encodes what may not stand for itself; everything, for an id (RFC 7512 §2.3 recommends it).
fn encoded(bytes: &[u8], all: bool) -> String {
    let mut text = String::new();
    for byte in bytes {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/:@,+".contains(byte);
        // Writing into a String can't fail.
        let _ = if plain && !all { write!(text, "{}", char::from(*byte)) } else { write!(text, "%{byte:02X}") };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attributes_of_rfc_7512_are_understood() {
        let text = "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;serial=;object=my-key;type=private;id=%69%00?module-path=/mnt/libmodule.so.1&x-other=1";
        let uri: TokenUri = text.parse().expect("a URI");
        assert_eq!(uri.token.as_deref(), Some("The Software PKCS#11 Softtoken"));
        assert_eq!(uri.manufacturer.as_deref(), Some("Snake Oil, Inc."));
        assert_eq!(uri.serial.as_deref(), Some(""));
        assert_eq!(uri.id.as_deref(), Some(&[0x69, 0][..]));
        assert_eq!(uri.module_path, Some("/mnt/libmodule.so.1".into()));
    }

    #[test]
    fn a_uri_is_written_as_it_is_read() {
        let text =
            "pkcs11:token=%E7%AB%A0;slot-id=7;object=a%3Bb%3Fc;id=%01%FF?module-path=/a/b.so&x-sm2=3,80000301,80000302";
        let uri: TokenUri = text.parse().expect("a URI");
        assert_eq!(uri.to_string(), text);
        assert_eq!(uri.to_string().parse(), Ok(uri));
        for (input, written) in [("", ""), (",e", ""), (",zm", ",zm"), (",m", ",m"), (",m-id", ",m-id")] {
            let uri: TokenUri = format!("pkcs11:?x-sm2=0x80000004,80000001,80000002{input}").parse().expect(input);
            assert_eq!(uri.to_string(), format!("pkcs11:?x-sm2=80000004,80000001,80000002{written}"));
        }
    }

    #[test]
    fn what_could_mean_another_token_or_holds_a_pin_is_refused() {
        for text in [
            "pkcs11:token=a;token=b",
            "pkcs11:colour=red",
            "pkcs11:token=a%2",
            "pkcs11:token=%GG",
            "pkcs11:token=%FF",
            "pkcs11:slot-id=x",
            "pkcs11:token",
            "pkcs11:type=secret-key",
            "pkcs11:?module-name=a",
            "pkcs11:?pin-value=123456",
            "pkcs11:?pin-source=file:/pin",
            "pkcs11:?x-sm2=3,80000001",
            "pkcs11:?x-sm2=3,80000001,80000002,m,m",
            "pkcs11:?x-sm2=3,80000001,80000002,",
            "pkcs11:?x-sm2=3,80000001,80000002,M",
            "pkcs11:?x-sm2=3,80000001,sign",
            // CKK_RSA, CKM_EC_KEY_PAIR_GEN and CKM_ECDSA are not SM2's; nothing is beyond 32 bits.
            "pkcs11:?x-sm2=0,80000001,80000002",
            "pkcs11:?x-sm2=3,1040,80000002",
            "pkcs11:?x-sm2=3,80000001,1041",
            "pkcs11:?x-sm2=3,80000001,180000002",
        ] {
            assert!(text.parse::<TokenUri>().is_err(), "{text}");
        }
    }
}
