//! The standard security handler (ISO 32000-1 §7.6, ISO 32000-2 §7.6.4) with the empty user password: what any viewer
//! opens without asking. Reading only.

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use eseal_pki::digest_alg::DigestAlg;

use super::object::{Dictionary, Id, Value};
use super::xref::malformed;
use crate::DocumentError;

/// Algorithm 2: what a password shorter than 32 bytes is filled up with.
const PADDING: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08, 0x2e, 0x2e, 0x00,
    0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];

const BLOCK: usize = 16;

/// How strings or streams are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Identity,
    Rc4,
    Aes128,
    Aes256,
}

/// Decrypts the strings and streams of one document.
pub(crate) struct Crypt {
    key: Vec<u8>,
    strings: Method,
    streams: Method,
    metadata: bool,
}

impl Crypt {
    /// Opens the handler that `encrypt` describes; `id` is the first element of the trailer's `/ID`.
    ///
    /// # Errors
    /// [`DocumentError::Encrypted`] where a password is needed; [`DocumentError::Unsupported`] for other handlers.
    pub(crate) fn open(encrypt: &Dictionary, id: &[u8]) -> Result<Self, DocumentError> {
        let number = |key: &str, default| encrypt.get(key).and_then(Value::as_integer).unwrap_or(default);
        let (version, revision) = (number("V", 0), number("R", 0));
        if !encrypt.get("Filter").is_some_and(|filter| filter.is_name("Standard")) {
            return Err(unsupported("a security handler other than the standard one"));
        }
        let (strings, streams) = match version {
            1 | 2 => (Method::Rc4, Method::Rc4),
            4 | 5 => (filter_method(encrypt, "StrF")?, filter_method(encrypt, "StmF")?),
            _ => return Err(unsupported(&format!("encryption of version {version}"))),
        };
        let metadata = encrypt.get("EncryptMetadata") != Some(&Value::Boolean(false));
        let key = match revision {
            2..=4 => {
                let bytes = match version {
                    1 => 5,
                    4 => 16,
                    _ => usize::try_from(number("Length", 40) / 8).unwrap_or(5).clamp(5, 16),
                };
                legacy_key(encrypt, id, revision, bytes, metadata)?
            }
            5 | 6 => modern_key(encrypt, revision)?,
            _ => return Err(unsupported(&format!("encryption of revision {revision}"))),
        };
        Ok(Self { key, strings, streams, metadata })
    }

    /// `value` with its strings decrypted, for an object that lies in no object stream.
    pub(crate) fn value(&self, id: Id, value: Value) -> Value {
        match value {
            Value::String(bytes) => Value::String(self.decrypt(self.strings, id, &bytes)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(id, item)).collect()),
            Value::Dictionary(entries) => {
                let decrypted = entries.into_iter().map(|(key, entry)| (key, self.value(id, entry)));
                Value::Dictionary(Dictionary::from_entries(decrypted.collect()))
            }
            other => other,
        }
    }

    /// The data of a stream; `own_filter` is the name that its `/Crypt` filter gives, where it has one.
    pub(crate) fn stream(&self, id: Id, dictionary: &Dictionary, own_filter: Option<&[u8]>, data: &[u8]) -> Vec<u8> {
        let clear = dictionary.is_type("XRef")
            || own_filter == Some(b"Identity")
            || (!self.metadata && dictionary.is_type("Metadata"));
        self.decrypt(if clear { Method::Identity } else { self.streams }, id, data)
    }

    fn decrypt(&self, method: Method, id: Id, data: &[u8]) -> Vec<u8> {
        match method {
            Method::Identity => data.to_vec(),
            Method::Rc4 => rc4(&self.object_key(id, b""), data),
            Method::Aes128 => match <[u8; 16]>::try_from(self.object_key(id, b"sAlT")) {
                Ok(key) => unpad(cbc_decrypt(&Aes128::new(&Array::from(key)), data)),
                Err(_) => data.to_vec(),
            },
            Method::Aes256 => match <[u8; 32]>::try_from(self.key.as_slice()) {
                Ok(key) => unpad(cbc_decrypt(&Aes256::new(&Array::from(key)), data)),
                Err(_) => data.to_vec(),
            },
        }
    }

    /// Algorithm 1.
    fn object_key(&self, id: Id, salt: &[u8]) -> Vec<u8> {
        let mut input = self.key.clone();
        input.extend_from_slice(&id.number.to_le_bytes()[..3]);
        input.extend_from_slice(&id.generation.to_le_bytes());
        input.extend_from_slice(salt);
        let mut key = DigestAlg::Md5.digest(&input);
        key.truncate((self.key.len() + 5).min(16));
        key
    }
}

fn unsupported(what: &str) -> DocumentError {
    DocumentError::Unsupported { what: what.to_owned() }
}

fn filter_method(encrypt: &Dictionary, key: &str) -> Result<Method, DocumentError> {
    let name = encrypt.get(key).and_then(Value::as_name).unwrap_or(b"Identity");
    if name == b"Identity" {
        return Ok(Method::Identity);
    }
    let filters = encrypt.get("CF").and_then(Value::as_dictionary);
    let filter = filters.and_then(|filters| filters.get_bytes(name)).and_then(Value::as_dictionary);
    match filter.and_then(|filter| filter.get("CFM")).and_then(Value::as_name) {
        Some(b"V2") => Ok(Method::Rc4),
        Some(b"AESV2") => Ok(Method::Aes128),
        Some(b"AESV3") => Ok(Method::Aes256),
        Some(b"None") => Ok(Method::Identity),
        _ => Err(unsupported("an unknown encryption method")),
    }
}

fn entry<'a>(encrypt: &'a Dictionary, key: &str, least: usize) -> Result<&'a [u8], DocumentError> {
    let value = encrypt.get(key).and_then(Value::as_string).filter(|value| value.len() >= least);
    value.ok_or_else(|| malformed(format!("its encryption dictionary has no {key}")))
}

/// Algorithm 2, and 4 or 5 to see whether the empty password is the right one.
fn legacy_key(
    encrypt: &Dictionary,
    id: &[u8],
    revision: i64,
    bytes: usize,
    metadata: bool,
) -> Result<Vec<u8>, DocumentError> {
    let mut input = PADDING.to_vec();
    input.extend_from_slice(&entry(encrypt, "O", 32)?[..32]);
    let permissions = encrypt.get("P").and_then(Value::as_integer).unwrap_or(0);
    input.extend_from_slice(&(permissions as u32).to_le_bytes());
    input.extend_from_slice(id);
    if revision >= 4 && !metadata {
        input.extend_from_slice(&[0xff; 4]);
    }
    let mut key = DigestAlg::Md5.digest(&input);
    if revision >= 3 {
        for _ in 0..50 {
            key = DigestAlg::Md5.digest(&key[..bytes.min(key.len())]);
        }
    }
    key.truncate(bytes);

    let expected = if revision == 2 {
        rc4(&key, &PADDING)
    } else {
        let mut hashed = DigestAlg::Md5.digest(&[&PADDING, id].concat());
        for round in 0..20_u8 {
            let round_key: Vec<u8> = key.iter().map(|byte| byte ^ round).collect();
            hashed = rc4(&round_key, &hashed);
        }
        hashed
    };
    if entry(encrypt, "U", 16)?.starts_with(&expected[..16]) { Ok(key) } else { Err(DocumentError::Encrypted) }
}

/// ISO 32000-2 algorithm 2.A for the user password.
fn modern_key(encrypt: &Dictionary, revision: i64) -> Result<Vec<u8>, DocumentError> {
    let user = entry(encrypt, "U", 48)?;
    let hash = |salt: &[u8]| if revision == 5 { DigestAlg::Sha256.digest(salt) } else { hardened_hash(salt) };
    if hash(&user[32..40]) != user[..32] {
        return Err(DocumentError::Encrypted);
    }
    let wrapped = entry(encrypt, "UE", 32)?;
    let Ok(key) = <[u8; 32]>::try_from(hash(&user[40..48])) else { return Err(DocumentError::Encrypted) };
    let mut input = vec![0; BLOCK]; // the initialization vector is zero
    input.extend_from_slice(&wrapped[..32]);
    Ok(cbc_decrypt(&Aes256::new(&Array::from(key)), &input))
}

/// ISO 32000-2 algorithm 2.B with an empty password.
fn hardened_hash(salt: &[u8]) -> Vec<u8> {
    let mut key = DigestAlg::Sha256.digest(salt);
    for rounds in 1_u32.. {
        let encrypted = cbc_encrypt_repeated(&key);
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

/// AES-128-CBC without padding over 64 copies of `key`, with its first half as key and its second as vector.
fn cbc_encrypt_repeated(key: &[u8]) -> Vec<u8> {
    let half = |range| <[u8; BLOCK]>::try_from(key.get(range).unwrap_or_default()).unwrap_or_default();
    let cipher = Aes128::new(&Array::from(half(0..16)));
    let mut vector = half(16..32);
    let mut output = key.repeat(64);
    for chunk in output.chunks_exact_mut(BLOCK) {
        let mut block = Array::from(std::array::from_fn::<u8, BLOCK, _>(|at| chunk[at] ^ vector[at]));
        cipher.encrypt_block(&mut block);
        chunk.copy_from_slice(&block);
        vector.copy_from_slice(&block);
    }
    output
}

/// CBC whose initialization vector is the first block. A last block that is cut short is left out.
fn cbc_decrypt<C>(cipher: &C, data: &[u8]) -> Vec<u8>
where
    C: BlockCipherDecrypt + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>,
{
    let mut output = Vec::with_capacity(data.len());
    let mut blocks = data.chunks_exact(BLOCK);
    let mut vector = blocks.next().unwrap_or(&[0; BLOCK]);
    for chunk in blocks {
        let mut block = Array::from(std::array::from_fn::<u8, BLOCK, _>(|at| chunk[at]));
        cipher.decrypt_block(&mut block);
        output.extend(block.iter().zip(vector).map(|(byte, before)| byte ^ before));
        vector = chunk;
    }
    output
}

fn unpad(mut data: Vec<u8>) -> Vec<u8> {
    if let Some(&count) = data.last()
        && (1..=BLOCK).contains(&usize::from(count))
    {
        data.truncate(data.len() - usize::from(count));
    }
    data
}

fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut state: [u8; 256] = std::array::from_fn(|at| at as u8);
    let mut j = 0_u8;
    for i in 0..256 {
        let byte = key.get(i % key.len().max(1)).copied().unwrap_or_default();
        j = j.wrapping_add(state[i]).wrapping_add(byte);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    data.iter()
        .map(|byte| {
            i = i.wrapping_add(1);
            j = j.wrapping_add(state[usize::from(i)]);
            state.swap(usize::from(i), usize::from(j));
            byte ^ state[usize::from(state[usize::from(i)].wrapping_add(state[usize::from(j)]))]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc4_gives_the_published_values() {
        // RFC 6229 uses keystreams; these are the well-known ones of the original posting.
        assert_eq!(hex::encode(rc4(b"Key", b"Plaintext")), "bbf316e8d940af0ad3");
        assert_eq!(hex::encode(rc4(b"Wiki", b"pedia")), "1021bf0420");
    }

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
            let key: [u8; 32] = modern_key(&encrypt, 6).expect("opened").try_into().expect("32 bytes");
            let mut block = Array::from(<[u8; 16]>::try_from(hex::decode(permissions).expect("hex")).expect("a block"));
            Aes256::new(&Array::from(key)).decrypt_block(&mut block);
            assert_eq!(&block[9..12], b"adb"); // ISO 32000-2 algorithm 10
        }
    }

    #[test]
    fn a_document_that_needs_a_password_is_said_to_be_encrypted() {
        let encrypt = Dictionary::from([
            ("Filter", Value::name("Standard")),
            ("V", Value::Integer(2)),
            ("R", Value::Integer(3)),
            ("Length", Value::Integer(128)),
            ("P", Value::Integer(-4)),
            ("O", Value::String(vec![1; 32])),
            ("U", Value::String(vec![2; 32])),
        ]);
        assert!(matches!(Crypt::open(&encrypt, b"id"), Err(DocumentError::Encrypted)));
    }
}
