//! The form in which a secret is stored: its data key, wrapped, in front of what that encrypts.
//!
//! ```text
//! form 2: 02 ‖ cipher ‖ length ‖ id of the key-encryption key ‖ length (2) ‖ wrapped data key ‖ nonce (12) ‖ ciphertext ‖ tag
//! form 1: 01 ‖ nonce (12) ‖ ciphertext ‖ tag                     under the key of `key_file` itself; read, not written any more
//! ```

use zeroize::Zeroizing;

use super::VaultError;
use super::cipher::{Cipher, Key};

/// Encrypted under the key of `key_file` itself.
pub(super) const DIRECT: u8 = 1;
/// Encrypted under a key of its own.
const ENVELOPE: u8 = 2;
/// Bytes of the longest name of a key-encryption key.
pub(super) const MAX_KEY_ID: usize = 64;
/// Bytes of the longest wrapped data key: a KMS puts its own things around it.
pub(super) const MAX_WRAPPED: usize = 2048;

/// What is stored, taken apart.
pub(super) enum Stored<'a> {
    /// Form 1.
    Direct(&'a [u8]),
    /// Form 2.
    Envelope(Envelope<'a>),
}

/// Form 2, taken apart.
pub(super) struct Envelope<'a> {
    pub(super) cipher: Cipher,
    /// The name of the key-encryption key.
    pub(super) key: &'a str,
    pub(super) wrapped: &'a [u8],
    sealed: &'a [u8],
    head: &'a [u8],
}

impl<'a> Stored<'a> {
    /// `None` for what was never stored by this service.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (form, rest) = bytes.split_first()?;
        match *form {
            DIRECT => Some(Self::Direct(rest)),
            ENVELOPE => {
                let (&[cipher, length], rest) = rest.split_first_chunk::<2>()?;
                let (key, rest) = rest.split_at_checked(usize::from(length))?;
                let head = bytes.get(..3 + key.len())?;
                let (length, rest) = rest.split_first_chunk::<2>()?;
                let (wrapped, sealed) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                let key = std::str::from_utf8(key).ok()?;
                Some(Self::Envelope(Envelope { cipher: Cipher::of_number(cipher)?, key, wrapped, sealed, head }))
            }
            _ => None,
        }
    }
}

impl Envelope<'_> {
    /// What the data key opens. It is bound to its form, cipher, key-encryption key and place.
    pub(super) fn open(&self, place: &str, data_key: &Key) -> Option<Zeroizing<Vec<u8>>> {
        data_key.open(&[self.head, place.as_bytes()].concat(), self.sealed)
    }
}

/// What a data key is wrapped for: the same must be said when it is unwrapped. A KMS may show it to who audits.
pub(super) fn context(cipher: Cipher, key: &str, place: &str) -> String {
    format!("eseal-data-key-v1 {} {key} {place}", cipher.name())
}

/// Puts an envelope together.
///
/// # Errors
/// [`VaultError::Failed`].
pub(super) fn seal(
    data_key: &Key,
    key: &str,
    wrapped: &[u8],
    place: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let length = u8::try_from(key.len()).map_err(|_| VaultError::Failed)?;
    let wrapped_length = u16::try_from(wrapped.len()).map_err(|_| VaultError::Failed)?;
    let mut bytes = vec![ENVELOPE, data_key.cipher().number(), length];
    bytes.extend(key.as_bytes());
    let sealed = data_key.seal(&[bytes.as_slice(), place.as_bytes()].concat(), plaintext)?;
    bytes.extend(wrapped_length.to_be_bytes());
    bytes.extend(wrapped);
    bytes.extend(sealed);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_names_its_key_and_opens_at_its_own_place_with_its_own_data_key_only() {
        let (data_key, other) = (key(), key());
        let sealed = seal(&data_key, "hsm-2027", b"wrapped", "row 1", b"secret").expect("sealed");
        let envelope = parsed(&sealed).expect("an envelope");
        assert_eq!((envelope.key, envelope.wrapped), ("hsm-2027", b"wrapped".as_slice()));
        assert_eq!(envelope.open("row 1", &data_key).expect("opened").as_slice(), b"secret");
        assert!(envelope.open("row 2", &data_key).is_none());
        assert!(envelope.open("row 1", &other).is_none());
    }

    #[test]
    fn a_changed_or_shortened_envelope_opens_nothing() {
        let data_key = key();
        let sealed = seal(&data_key, "k", b"wrapped", "row", b"secret").expect("sealed");
        let wrapped = 6..6 + b"wrapped".len(); // who unwraps notices that
        for i in (0..sealed.len()).filter(|i| !wrapped.contains(i)) {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(parsed(&changed).and_then(|envelope| envelope.open("row", &data_key)).is_none(), "{i}");
        }
        for i in 0..sealed.len() {
            assert!(parsed(&sealed[..i]).and_then(|envelope| envelope.open("row", &data_key)).is_none(), "{i}");
        }
    }

    #[test]
    fn who_swaps_the_name_of_the_key_swaps_what_is_opened() {
        let data_key = key();
        let sealed = seal(&data_key, "aa", b"wrapped", "row", b"secret").expect("sealed");
        let mut swapped = sealed.clone();
        swapped[3..5].copy_from_slice(b"bb");
        let envelope = parsed(&swapped).expect("an envelope");
        assert_eq!(envelope.key, "bb");
        assert!(envelope.open("row", &data_key).is_none());
    }

    fn parsed(bytes: &[u8]) -> Option<Envelope<'_>> {
        match Stored::parse(bytes)? {
            Stored::Envelope(envelope) => Some(envelope),
            Stored::Direct(_) => None,
        }
    }

    fn key() -> Key {
        Key::generate(Cipher::Aes256Gcm).expect("random")
    }
}
