//! Encryption: a key from a PIN (Argon2id), and sealed boxes (AES-256-GCM).

use std::hint::black_box;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use crate::error::CardError;
use crate::pin::Pin;

const KEY: usize = 32;
const NONCE: usize = 12;
const SALT: usize = 16;

/// Argon2id with 32 MiB and three passes: a tenth of a second on a small machine, and above what OWASP asks for.
const COST: Cost = Cost { memory_kib: 32 << 10, passes: 3, lanes: 1 };
/// What a file may ask for: a foreign one must not take the machine's memory or minutes of its time.
const MAX_COST: Cost = Cost { memory_kib: 256 << 10, passes: 16, lanes: 8 };

/// What deriving a key costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

/// Ciphertext with its nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) nonce: Vec<u8>,
    pub(crate) ciphertext: Vec<u8>,
}

/// A data key under a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PinBox {
    pub(crate) salt: Vec<u8>,
    pub(crate) cost: Cost,
    pub(crate) data_key: Sealed,
}

/// The random key that everything secret on a card is encrypted with.
#[derive(Clone)]
pub(crate) struct DataKey(Zeroizing<[u8; KEY]>);

impl DataKey {
    pub(crate) fn generate() -> Result<Self, CardError> {
        let mut key = Zeroizing::new([0; KEY]);
        random(&mut *key)?;
        Ok(Self(key))
    }

    /// Encrypts; `bound` must be the same when it is decrypted.
    pub(crate) fn seal(&self, plaintext: &[u8], bound: &[u8]) -> Result<Sealed, CardError> {
        seal(&self.0, plaintext, bound)
    }

    /// Decrypts; `None` where the key, `bound` or the ciphertext is not the one it was.
    pub(crate) fn open(&self, sealed: &Sealed, bound: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.0, sealed, bound)
    }
}

impl PinBox {
    /// Puts a data key under a PIN.
    pub(crate) fn new(pin: &Pin, data_key: &DataKey, bound: &[u8]) -> Result<Self, CardError> {
        let mut salt = vec![0; SALT];
        random(&mut salt)?;
        let pin_key = derive(pin, &salt, COST)?;
        Ok(Self { salt, cost: COST, data_key: seal(&pin_key, &*data_key.0, bound)? })
    }

    /// The data key, or `None` where the PIN is wrong.
    pub(crate) fn open(&self, pin: &Pin, bound: &[u8]) -> Result<Option<DataKey>, CardError> {
        let pin_key = derive(pin, &self.salt, self.cost)?;
        let Some(plaintext) = open(&pin_key, &self.data_key, bound) else { return Ok(None) };
        let mut key = Zeroizing::new([0; KEY]);
        if plaintext.len() != KEY {
            return Err(CardError::Damaged("the key under the PIN has another length"));
        }
        key.copy_from_slice(&plaintext);
        Ok(Some(DataKey(key)))
    }

    /// Whether a file may ask for this.
    pub(crate) fn is_acceptable(&self) -> bool {
        let Cost { memory_kib, passes, lanes } = self.cost;
        memory_kib <= MAX_COST.memory_kib
            && passes <= MAX_COST.passes
            && lanes <= MAX_COST.lanes
            && params(self.cost).is_ok()
            && self.salt.len() == SALT
    }
}

fn params(cost: Cost) -> argon2::Result<Params> {
    Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY))
}

fn derive(pin: &Pin, salt: &[u8], cost: Cost) -> Result<Zeroizing<[u8; KEY]>, CardError> {
    let failed = |_| CardError::System("derive a key from the PIN");
    let params = params(cost).map_err(failed)?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| CardError::System("get memory for the PIN's key"))?;
    memory.resize(params.block_count(), Block::default());
    let mut key = Zeroizing::new([0; KEY]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let derived = argon2.hash_password_into_with_memory(pin.as_bytes(), salt, &mut *key, &mut memory);
    // The last block gives the key away. `black_box` keeps the compiler from leaving this out.
    memory.fill(Block::default());
    black_box(&memory);
    derived.map_err(failed)?;
    Ok(key)
}

fn seal(key: &[u8; KEY], plaintext: &[u8], bound: &[u8]) -> Result<Sealed, CardError> {
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    let ciphertext = Aes256Gcm::new(key.into())
        .encrypt(&Nonce::from(nonce), Payload { msg: plaintext, aad: bound })
        .map_err(|_| CardError::System("encrypt"))?;
    Ok(Sealed { nonce: nonce.to_vec(), ciphertext })
}

fn open(key: &[u8; KEY], sealed: &Sealed, bound: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let nonce: [u8; NONCE] = sealed.nonce.as_slice().try_into().ok()?;
    let payload = Payload { msg: sealed.ciphertext.as_slice(), aad: bound };
    Aes256Gcm::new(key.into()).decrypt(&Nonce::from(nonce), payload).ok().map(Zeroizing::new)
}

pub(crate) fn random(bytes: &mut [u8]) -> Result<(), CardError> {
    getrandom::fill(bytes).map_err(|_| CardError::System("give random numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(text: &str) -> Pin {
        Pin::try_new(text.to_owned()).expect("a PIN")
    }

    #[test]
    fn only_the_same_pin_and_binding_open_the_box() {
        let key = DataKey::generate().expect("random");
        let sealed = PinBox::new(&pin("123456"), &key, b"card 1").expect("sealed");
        let opened = |text, bound: &[u8]| sealed.open(&pin(text), bound).expect("derives");
        assert_eq!(opened("123456", b"card 1").map(|k| *k.0), Some(*key.0));
        assert!(opened("123457", b"card 1").is_none());
        assert!(opened("123456", b"card 2").is_none());
    }

    #[test]
    fn a_changed_byte_opens_nothing() {
        let key = DataKey::generate().expect("random");
        let sealed = key.seal(b"secret", b"").expect("sealed");
        assert_eq!(key.open(&sealed, b"").as_deref().map(Vec::as_slice), Some(&b"secret"[..]));
        for i in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext[i] ^= 1;
            assert!(key.open(&changed, b"").is_none(), "{i}");
        }
        assert!(key.open(&Sealed { nonce: vec![0; 11], ..sealed }, b"").is_none());
    }

    #[test]
    fn a_file_cannot_ask_for_gigabytes() {
        let key = DataKey::generate().expect("random");
        let mut sealed = PinBox::new(&pin("123456"), &key, b"").expect("sealed");
        assert!(sealed.is_acceptable());
        sealed.cost.memory_kib = 4 << 20;
        assert!(!sealed.is_acceptable());
        sealed.cost = Cost { lanes: 0, ..COST };
        assert!(!sealed.is_acceptable());
    }
}
