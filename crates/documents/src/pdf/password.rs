//! From a password to the key of an encrypted document (ISO 32000-1 §7.6.3, ISO 32000-2 §7.6.4.3).

use eseal_pki::digest_alg::DigestAlg;

use super::cipher::{self, BLOCK, rc4};
use super::object::{Dictionary, Value};
use super::xref::malformed;
use crate::DocumentError;

/// Algorithm 2: what a password shorter than 32 bytes is filled up with.
const PADDING: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08, 0x2e, 0x2e, 0x00,
    0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];

/// Bytes of a password that count in revisions 5 and 6.
const MAX_MODERN: usize = 127;

/// A key, and whether it was found with the owner's password.
pub(super) struct Opened {
    pub key: Vec<u8>,
    pub as_owner: bool,
}

/// What revisions 2 to 4 need to make a key.
pub(super) struct Legacy<'e> {
    pub encrypt: &'e Dictionary,
    /// The first element of the trailer's `/ID`.
    pub id: &'e [u8],
    pub revision: i64,
    /// Bytes of the key.
    pub bytes: usize,
    pub metadata: bool,
}

fn entry<'a>(encrypt: &'a Dictionary, key: &str, least: usize) -> Result<&'a [u8], DocumentError> {
    let value = encrypt.get(key).and_then(Value::as_string).filter(|value| value.len() >= least);
    value.ok_or_else(|| malformed(format!("its encryption dictionary has no {key}")))
}

impl Legacy<'_> {
    /// The key, with `password` as the user's (algorithm 6) or else as the owner's (algorithm 7).
    ///
    /// # Errors
    /// [`DocumentError::Encrypted`] where it is neither.
    pub(super) fn open(&self, password: &str) -> Result<Opened, DocumentError> {
        // PDFDocEncoding, of which Latin-1 is a near likeness; other characters no password can have.
        let password: Vec<u8> = password.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect();
        if let Some(key) = self.user(&padded(&password))? {
            return Ok(Opened { key, as_owner: false });
        }
        let user = self.user_password(&padded(&password))?;
        let key = self.user(&padded(&user))?.ok_or(DocumentError::Encrypted)?;
        Ok(Opened { key, as_owner: true })
    }

    /// Algorithm 2, and 4 or 5 to see whether the password is the right one.
    fn user(&self, padded: &[u8; 32]) -> Result<Option<Vec<u8>>, DocumentError> {
        let mut input = padded.to_vec();
        input.extend_from_slice(&entry(self.encrypt, "O", 32)?[..32]);
        let permissions = self.encrypt.get("P").and_then(Value::as_integer).unwrap_or(0);
        input.extend_from_slice(&(permissions as u32).to_le_bytes());
        input.extend_from_slice(self.id);
        if self.revision >= 4 && !self.metadata {
            input.extend_from_slice(&[0xff; 4]);
        }
        let key = self.hashed(&input);
        let stored = entry(self.encrypt, "U", 16)?;
        let expected = if self.revision == 2 {
            rc4(&key, &PADDING)
        } else {
            let hashed = DigestAlg::Md5.digest(&[&PADDING, self.id].concat());
            (0..20).fold(hashed, |hashed, round| rc4(&round_key(&key, round), &hashed))
        };
        Ok(expected.get(..16).is_some_and(|start| stored.starts_with(start)).then_some(key))
    }

    /// Algorithm 7: the user's password, padded, from the owner's.
    fn user_password(&self, owner: &[u8; 32]) -> Result<Vec<u8>, DocumentError> {
        let key = self.hashed(owner);
        let stored = entry(self.encrypt, "O", 32)?[..32].to_vec();
        let rounds = if self.revision == 2 { 1 } else { 20 };
        Ok((0..rounds).rev().fold(stored, |stored, round| rc4(&round_key(&key, round), &stored)))
    }

    fn hashed(&self, input: &[u8]) -> Vec<u8> {
        let mut key = DigestAlg::Md5.digest(input);
        if self.revision >= 3 {
            for _ in 0..50 {
                key = DigestAlg::Md5.digest(&key[..self.bytes.min(key.len())]);
            }
        }
        key.truncate(self.bytes);
        key
    }
}

fn round_key(key: &[u8], round: u8) -> Vec<u8> {
    key.iter().map(|byte| byte ^ round).collect()
}

fn padded(password: &[u8]) -> [u8; 32] {
    std::array::from_fn(|at| match password.get(at) {
        Some(byte) => *byte,
        None => PADDING[at - password.len().min(32)],
    })
}

/// ISO 32000-2 algorithm 2.A.
pub(super) fn modern(encrypt: &Dictionary, revision: i64, password: &str) -> Result<Opened, DocumentError> {
    let password = password.as_bytes();
    let password = password.get(..MAX_MODERN).unwrap_or(password);
    let hash = |salt: &[u8], user: &[u8]| match revision {
        5 => DigestAlg::Sha256.digest(&[password, salt, user].concat()),
        _ => hardened_hash(password, salt, user),
    };
    let user = entry(encrypt, "U", 48)?;
    let unwrap = |wrapped: &str, salt: &[u8], user: &[u8]| {
        let mut input = vec![0; BLOCK]; // the initialization vector is zero
        input.extend_from_slice(&entry(encrypt, wrapped, 32)?[..32]);
        cipher::decrypt(&hash(salt, user), &input).ok_or(DocumentError::Encrypted)
    };
    if hash(&user[32..40], &[]) == user[..32] {
        return Ok(Opened { key: unwrap("UE", &user[40..48], &[])?, as_owner: false });
    }
    let owner = entry(encrypt, "O", 48)?;
    if hash(&owner[32..40], &user[..48]) == owner[..32] {
        return Ok(Opened { key: unwrap("OE", &owner[40..48], &user[..48])?, as_owner: true });
    }
    Err(DocumentError::Encrypted)
}

/// ISO 32000-2 algorithm 2.B; `user` is empty but for the owner's password.
fn hardened_hash(password: &[u8], salt: &[u8], user: &[u8]) -> Vec<u8> {
    let mut key = DigestAlg::Sha256.digest(&[password, salt, user].concat());
    for rounds in 1_u32.. {
        let repeated = [password, &key, user].concat().repeat(64);
        let half = |range| <[u8; BLOCK]>::try_from(key.get(range).unwrap_or_default()).unwrap_or_default();
        let encrypted = cipher::encrypt(&half(0..16), half(16..32), repeated).unwrap_or_default();
        let remainder = encrypted.iter().take(BLOCK).map(|byte| u32::from(*byte)).sum::<u32>() % 3;
        key = match remainder {
            0 => DigestAlg::Sha256,
            1 => DigestAlg::Sha384,
            _ => DigestAlg::Sha512,
        }
        .digest(&encrypted);
        let last = encrypted.last().copied().map_or(0, u32::from);
        if rounds >= 64 && last + 32 <= rounds {
            break;
        }
    }
    key.truncate(32);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by qpdf, chosen because their rounds end where counting them wrongly by one would go on.
    #[test]
    fn the_hardened_hash_opens_documents_of_another_program() {
        let written = [
            (
                "e746ff6b1335e6d4134b0b391fe48b3f",
                "192a97c1b2f08ddd880779e2eb6f0a843b19a2d90f3081a47be63de39d09da41507cff6cf2b290f60bb0f3ecab0510d1",
                "51da0e218b3d78f2b30154f31150ce5852645d5e5dd5bf484f8ac48df4f254a0",
            ),
            (
                "50bb2d187cfe92bb5a60d0653b4fe117",
                "42ed00913a1911a04f558f4ee8e9bfd6a8475d06cb42a47936a2b41d98de7d4751defaa797308dbb93c9cc8bcc9b4b7d",
                "9e39cc9d6026fc6b44ad7956adf7805cd701199b608f1af95b83e5b3b1c98d05",
            ),
        ];
        for (permissions, user, wrapped) in written {
            let string = |text: &str| Value::String(hex::decode(text).expect("hexadecimal"));
            let encrypt = Dictionary::from([("U", string(user)), ("UE", string(wrapped))]);
            let opened = modern(&encrypt, 6, "").expect("opened");
            let block = [vec![0; BLOCK], hex::decode(permissions).expect("hex")].concat();
            let block = cipher::decrypt(&opened.key, &block).expect("a key");
            assert_eq!(&block[9..12], b"adb"); // ISO 32000-2 algorithm 10
        }
    }
}
