//! PINs of hosted keys: hashed with Argon2id, wiped from memory, never logged.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::vault::random;

const SHORTEST: usize = 6;
const LONGEST: usize = 64;
const SALT: usize = 16;
const HASH: usize = 32;
/// The form of a stored hash: this byte, the salt, the hash. Another cost is another form.
const FORM: u8 = 1;
/// 32 MiB and three passes: a tenth of a second on a small machine, and above what OWASP asks for.
const MEMORY_KIB: u32 = 32 << 10;
const PASSES: u32 = 3;

/// A PIN as it was typed. Wiped when dropped; never shown.
pub struct Pin(Zeroizing<String>);

/// Why a text is no PIN. Says nothing about the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PIN has 6 to 64 bytes and no control characters")]
pub struct InvalidPin;

/// Why a PIN could not be hashed or compared. Says nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// The machine gives no memory or no random numbers, or is stopping.
    #[error("the PIN could not be hashed")]
    Failed,
    /// The stored hash is of another form.
    #[error("the stored hash of the PIN is damaged")]
    Damaged,
}

impl Pin {
    /// Takes the text over; it is wiped whether or not it is a PIN.
    ///
    /// # Errors
    /// The length or a character is not allowed.
    pub fn try_new(text: String) -> Result<Self, InvalidPin> {
        let text = Zeroizing::new(text);
        let fits = (SHORTEST..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text)) } else { Err(InvalidPin) }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// Hashes PINs, no more at a time than the machine has cores: each takes memory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pins(Arc<Semaphore>);

impl Default for Pins {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(cores)))
    }
}

impl Pins {
    /// What to store of a new PIN.
    ///
    /// # Errors
    /// [`PinError::Failed`].
    pub async fn hash(&self, pin: Pin) -> Result<Zeroizing<Vec<u8>>, PinError> {
        self.on_a_core(move || {
            let mut salt = [0; SALT];
            random(&mut salt).map_err(|_| PinError::Failed)?;
            let hash = argon2id(&pin, &salt)?;
            Ok(Zeroizing::new([&[FORM], salt.as_slice(), hash.as_slice()].concat()))
        })
        .await
    }

    /// Whether this is the PIN that `stored` was made of.
    ///
    /// # Errors
    /// [`PinError`].
    pub async fn is_right(&self, pin: Pin, stored: Zeroizing<Vec<u8>>) -> Result<bool, PinError> {
        self.on_a_core(move || {
            let parts = stored.strip_prefix(&[FORM]).and_then(|rest| rest.split_first_chunk::<SALT>());
            let (salt, expected) = parts.filter(|(_, hash)| hash.len() == HASH).ok_or(PinError::Damaged)?;
            let hash = argon2id(&pin, salt)?;
            // Every byte is looked at, so that the time tells nothing.
            Ok(hash.iter().zip(expected).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0)
        })
        .await
    }

    async fn on_a_core<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PinError> + Send + 'static,
    ) -> Result<T, PinError> {
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(|_| PinError::Failed)?;
        let work = move || {
            let done = work();
            drop(permit); // held until the work is done, whoever waits for it
            done
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(PinError::Failed))
    }
}

fn argon2id(pin: &Pin, salt: &[u8; SALT]) -> Result<Zeroizing<[u8; HASH]>, PinError> {
    let failed = |_| PinError::Failed;
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(HASH)).map_err(failed)?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| PinError::Failed)?;
    memory.resize(params.block_count(), Block::default());
    let mut hash = Zeroizing::new([0; HASH]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hashed = argon2.hash_password_into_with_memory(pin.0.as_bytes(), salt, &mut *hash, &mut memory);
    // The last block gives the hash away. `black_box` keeps the compiler from leaving this out.
    memory.fill(Block::default());
    black_box(&memory);
    hashed.map_err(failed)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_same_pin_is_right() {
        let pins = Pins::default();
        let stored = pins.hash(pin("123456")).await.expect("hashed");
        assert_eq!(pins.is_right(pin("123456"), stored.clone()).await, Ok(true));
        assert_eq!(pins.is_right(pin("123457"), stored).await, Ok(false));
    }

    #[tokio::test]
    async fn two_hashes_of_one_pin_differ() {
        let pins = Pins::default();
        assert_ne!(pins.hash(pin("123456")).await, pins.hash(pin("123456")).await);
    }

    #[tokio::test]
    async fn a_hash_of_another_form_is_damaged() {
        let pins = Pins::default();
        for stored in [vec![], vec![2; 49], vec![1; 48], vec![1; 50]] {
            let compared = pins.is_right(pin("123456"), Zeroizing::new(stored)).await;
            assert_eq!(compared, Err(PinError::Damaged));
        }
    }

    #[test]
    fn six_to_sixty_four_bytes_are_a_pin() {
        for text in ["123456", "密码密码", &"a".repeat(64)] {
            assert!(Pin::try_new(text.to_owned()).is_ok(), "{text}");
        }
        for text in ["", "12345", "12345\n", &"a".repeat(65)] {
            assert_eq!(Pin::try_new(text.to_owned()).err(), Some(InvalidPin), "{text}");
        }
    }

    #[test]
    fn debug_does_not_show_it() {
        assert!(!format!("{:?}", pin("271828")).contains("271828"));
    }

    fn pin(text: &str) -> Pin {
        Pin::try_new(text.to_owned()).expect("a PIN")
    }
}
