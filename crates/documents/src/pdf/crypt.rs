//! The standard security handler (ISO 32000-1 §7.6, ISO 32000-2 §7.6.4): what strings and streams say, and how new ones are
//! written.

use eseal_pki::digest_alg::DigestAlg;

use super::cipher::{self, BLOCK, rc4};
use super::object::{Dictionary, Id, Value};
use super::password::{self, Legacy, Opened};
use crate::DocumentError;

/// Bits of `/P` (ISO 32000-1 table 22): changing the document, adding annotations and filling forms, filling forms only.
const MAY_CHANGE: i64 = 1 << 3;
const MAY_ANNOTATE: i64 = 1 << 5;
const MAY_FILL: i64 = 1 << 8;

/// How strings or streams are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Identity,
    Rc4,
    Aes128,
    Aes256,
}

/// Decrypts and encrypts the strings and streams of one document.
pub(crate) struct Crypt {
    key: Vec<u8>,
    /// Opened with the owner's password, who may do everything.
    as_owner: bool,
    /// `/P`.
    permissions: i64,
    strings: Method,
    streams: Method,
    metadata: bool,
}

impl Crypt {
    /// Opens the handler that `encrypt` describes with a password, the user's or the owner's; the empty one is what any viewer
    /// tries without asking. `id` is the first element of the trailer's `/ID`.
    ///
    /// # Errors
    /// [`DocumentError::Encrypted`] where another password is needed; [`DocumentError::Unsupported`] for other handlers.
    pub(crate) fn open(encrypt: &Dictionary, id: &[u8], password: &str) -> Result<Self, DocumentError> {
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
        let opened = match revision {
            2..=4 => {
                let bytes = match version {
                    1 => 5,
                    4 => 16,
                    _ => usize::try_from(number("Length", 40) / 8).unwrap_or(5).clamp(5, 16),
                };
                Legacy { encrypt, id, revision, bytes, metadata }.open(password)
            }
            5 | 6 => password::modern(encrypt, revision, password),
            _ => return Err(unsupported(&format!("encryption of revision {revision}"))),
        };
        let Opened { key, as_owner } = match opened {
            // Only its attachments are encrypted (`/EFF`, table 20): the document itself is open to everybody.
            Err(DocumentError::Encrypted) if (strings, streams) == (Method::Identity, Method::Identity) => {
                Opened { key: Vec::new(), as_owner: false }
            }
            opened => opened?,
        };
        Ok(Self { key, as_owner, permissions: number("P", 0), strings, streams, metadata })
    }

    /// Whether its owner lets whoever opened it sign: in a field that is there already, or also in a new one.
    pub(crate) fn permits_signing(&self, in_new_field: bool) -> bool {
        let any_of = |bits: i64| self.permissions & bits != 0;
        let new = any_of(MAY_CHANGE) && any_of(MAY_ANNOTATE);
        self.as_owner || new || !in_new_field && any_of(MAY_FILL | MAY_ANNOTATE)
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

    /// `value` with its strings encrypted, for the object `id`.
    pub(crate) fn protect(&self, id: Id, value: &Value) -> Value {
        match value {
            Value::String(bytes) => Value::String(self.encrypt(self.strings, id, bytes)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.protect(id, item)).collect()),
            Value::Dictionary(entries) => Value::Dictionary(self.protect_entries(id, entries)),
            other => other.clone(),
        }
    }

    /// The same for the entries of a dictionary.
    pub(crate) fn protect_entries(&self, id: Id, entries: &Dictionary) -> Dictionary {
        let protected = entries.iter().map(|(key, entry)| (key.to_vec(), self.protect(id, entry)));
        Dictionary::from_entries(protected.collect())
    }

    /// The data of a stream that is no cross-reference stream, encrypted.
    pub(crate) fn protect_stream(&self, id: Id, data: &[u8]) -> Vec<u8> {
        self.encrypt(self.streams, id, data)
    }

    fn decrypt(&self, method: Method, id: Id, data: &[u8]) -> Vec<u8> {
        let plain = match method {
            Method::Identity => None,
            Method::Rc4 => Some(rc4(&self.object_key(id, b""), data)),
            Method::Aes128 => cipher::decrypt(&self.object_key(id, b"sAlT"), data).map(cipher::unpad),
            Method::Aes256 => cipher::decrypt(&self.key, data).map(cipher::unpad),
        };
        plain.unwrap_or_else(|| data.to_vec())
    }

    fn encrypt(&self, method: Method, id: Id, data: &[u8]) -> Vec<u8> {
        let with = |key: &[u8]| {
            let vector = self.vector(id, data);
            let encrypted = cipher::encrypt(key, vector, cipher::pad(data))?;
            Some([&vector[..], &encrypted].concat())
        };
        let encrypted = match method {
            Method::Identity => None,
            Method::Rc4 => Some(rc4(&self.object_key(id, b""), data)),
            Method::Aes128 => with(&self.object_key(id, b"sAlT")),
            Method::Aes256 => with(&self.key),
        };
        encrypted.unwrap_or_else(|| data.to_vec())
    }

    /// The initialization vector for `data`. It must be one that nobody can foresee, which a digest under the document's key
    /// is, without random numbers: this crate has none. Only the same data in the same object get the same vector again.
    fn vector(&self, id: Id, data: &[u8]) -> [u8; BLOCK] {
        let mut hasher = DigestAlg::Sha256.hasher();
        hasher.update(&self.key);
        hasher.update(&id.number.to_le_bytes());
        hasher.update(&id.generation.to_le_bytes());
        hasher.update(data);
        let digest = hasher.finish();
        std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(matches!(Crypt::open(&encrypt, b"id", ""), Err(DocumentError::Encrypted)));
    }
}
