//! Ciphers of what is stored, and the random key that each stored secret has for itself.

use std::fmt;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, AesGcm, KeyInit, Nonce};
use serde::Deserialize;
use sm4::Sm4;
use zeroize::Zeroizing;

use super::{VaultError, random};

/// SM4 in the mode of GB/T 36624 and RFC 8998: a nonce of 12 bytes, a tag of 16.
type Sm4Gcm = AesGcm<Sm4, U12>;

pub(super) const NONCE: usize = 12;
const TAG: usize = 16;

/// What encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cipher {
    /// AES-256-GCM (NIST SP 800-38D).
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// SM4-GCM (GB/T 32907, RFC 8998).
    #[serde(rename = "sm4-gcm")]
    Sm4Gcm,
}

/// A key that encrypts. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct Key {
    cipher: Cipher,
    bytes: Zeroizing<Vec<u8>>,
}

impl Cipher {
    /// Bytes of a key.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::Aes256Gcm => 32,
            Self::Sm4Gcm => 16,
        }
    }

    /// Its number in what is stored.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::Sm4Gcm => 2,
        }
    }

    pub(super) const fn of_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Aes256Gcm),
            2 => Some(Self::Sm4Gcm),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Sm4Gcm => "sm4-gcm",
        }
    }
}

impl Key {
    /// A random key.
    ///
    /// # Errors
    /// [`VaultError::Failed`].
    pub fn generate(cipher: Cipher) -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new(vec![0; cipher.key_bytes()]);
        random(&mut bytes)?;
        Ok(Self { cipher, bytes })
    }

    /// These bytes as a key of a cipher; none if it has keys of another length.
    pub fn new(cipher: Cipher, bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (bytes.len() == cipher.key_bytes()).then_some(Self { cipher, bytes })
    }

    /// What it encrypts with.
    pub const fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// The key itself, for who wraps it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Encrypts; `bound` must be the same when it is decrypted. The nonce, the ciphertext, its tag.
    ///
    /// # Errors
    /// [`VaultError::Failed`].
    pub fn seal(&self, bound: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let payload = Payload { msg: plaintext, aad: bound };
        let (at, key) = (Nonce::from(nonce), &self.bytes);
        let sealed = match self.cipher {
            Cipher::Aes256Gcm => Aes256Gcm::new_from_slice(key).ok().map(|gcm| gcm.encrypt(&at, payload)),
            Cipher::Sm4Gcm => Sm4Gcm::new_from_slice(key).ok().map(|gcm| gcm.encrypt(&at, payload)),
        };
        let sealed = sealed.and_then(Result::ok).ok_or(VaultError::Failed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts; none where the key, `bound` or the bytes are not those of then.
    pub fn open(&self, bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE>()?;
        if ciphertext.len() < TAG {
            return None;
        }
        let payload = Payload { msg: ciphertext, aad: bound };
        let (at, key) = (Nonce::from(*nonce), &self.bytes);
        let opened = match self.cipher {
            Cipher::Aes256Gcm => Aes256Gcm::new_from_slice(key).ok()?.decrypt(&at, payload),
            Cipher::Sm4Gcm => Sm4Gcm::new_from_slice(key).ok()?.decrypt(&at, payload),
        };
        opened.ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.cipher.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8998 A.1.
    #[test]
    fn sm4_gcm_gives_what_the_standard_prints() {
        let key = Key::new(Cipher::Sm4Gcm, bytes("0123456789ABCDEFFEDCBA9876543210")).expect("a key");
        let aad = bytes("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
        let plaintext = bytes(concat!(
            "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD",
            "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA"
        ));
        let sealed = bytes(concat!(
            "00001234567800000000ABCD",
            "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735",
            "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D",
            "83DE3541E4C2B58177E065A9BF7B62EC"
        ));
        assert_eq!(key.open(&aad, &sealed), Some(plaintext));
    }

    #[test]
    fn each_cipher_opens_what_it_sealed_and_nothing_that_was_changed() {
        for cipher in [Cipher::Aes256Gcm, Cipher::Sm4Gcm] {
            let key = Key::generate(cipher).expect("random");
            let sealed = key.seal(b"here", b"secret").expect("sealed");
            assert_eq!(key.open(b"here", &sealed).expect("opened").as_slice(), b"secret");
            assert!(key.open(b"there", &sealed).is_none());
            assert!(Key::generate(cipher).expect("random").open(b"here", &sealed).is_none());
            for i in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[i] ^= 1;
                assert!(key.open(b"here", &changed).is_none(), "{cipher:?} {i}");
                assert!(key.open(b"here", &sealed[..i]).is_none(), "{cipher:?} {i}");
            }
        }
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let key = Key::generate(Cipher::Aes256Gcm).expect("random");
        assert_ne!(key.seal(b"", b"secret").expect("sealed"), key.seal(b"", b"secret").expect("sealed"));
    }

    #[test]
    fn a_key_of_another_length_is_none_and_debug_shows_none_of_it() {
        assert!(Key::new(Cipher::Sm4Gcm, Zeroizing::new(vec![7; 32])).is_none());
        assert!(Key::new(Cipher::Aes256Gcm, Zeroizing::new(vec![7; 16])).is_none());
        let key = Key::new(Cipher::Sm4Gcm, Zeroizing::new(vec![0xab; 16])).expect("a key");
        let shown = format!("{key:?}");
        assert!(!shown.contains("ab") && !shown.contains("171"), "{shown}");
    }

    fn bytes(digits: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(hex::decode(digits).expect("hexadecimal"))
    }
}
