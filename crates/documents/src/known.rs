//! Certificates and seals that were met before.
//!
//! Many documents carry the same ones. Each is kept as it was read, with what was found about its bytes alone: the key in it, who
//! signed it, whether the maker's signature holds. Who finds a certificate here has one of exactly the same bytes, so nothing
//! that is found here can be about anything else; neither trust nor time is ever remembered.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use eseal_kernel::Digest;
use eseal_pki::Certificate;
use eseal_seal::{Seal, SealError};

/// The most that is kept of one kind: entries, and bytes of their DER.
#[derive(Debug, Clone, Copy)]
struct Room {
    entries: usize,
    bytes: usize,
}

// With what is made ready of an SM2 key, which is 25 KB.
const CERTIFICATES: Room = Room { entries: 1_024, bytes: 4 << 20 };
const SEALS: Room = Room { entries: 1_024, bytes: 32 << 20 };

/// What was met before, in bounded memory. Can be shared by threads.
#[derive(Default)]
pub struct Known {
    certificates: Mutex<Shelf<Certificate>>,
    seals: Mutex<Shelf<Seal>>,
}

impl Known {
    /// The certificate of the same bytes that was met first.
    pub fn certificate(&self, met: &Certificate) -> Certificate {
        let mut shelf = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.first(met.fingerprint(), met, met.der().len(), CERTIFICATES)
    }

    /// The same for several, in their order.
    pub fn certificates(&self, met: &[Certificate]) -> Vec<Certificate> {
        met.iter().map(|certificate| self.certificate(certificate)).collect()
    }

    /// The seal of the same bytes that was met first.
    pub fn seal(&self, met: &Seal) -> Seal {
        let key = Digest::of(met.der());
        let mut shelf = self.seals.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.first(key, met, met.der().len(), SEALS)
    }

    /// The seal of these bytes, which are read where they were not met before.
    ///
    /// # Errors
    /// As [`Seal::from_der`].
    pub fn seal_from(&self, der: &[u8]) -> Result<Seal, SealError> {
        let key = Digest::of(der);
        if let Some(known) = self.seals.lock().unwrap_or_else(PoisonError::into_inner).find(key, SEALS) {
            return Ok(known);
        }
        let met = Seal::from_der(der)?;
        let mut shelf = self.seals.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(shelf.first(key, &met, der.len(), SEALS))
    }
}

/// Not what was met, which is other people's.
impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

/// Values by the SHA-256 of their bytes, in two generations: when the newer one is full, the older one is forgotten. What is in
/// use moves to the newer one.
struct Shelf<T> {
    newer: HashMap<Digest, (T, usize)>,
    older: HashMap<Digest, (T, usize)>,
    /// Bytes in the newer generation.
    bytes: usize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { newer: HashMap::new(), older: HashMap::new(), bytes: 0 }
    }
}

impl<T: Clone> Shelf<T> {
    fn find(&mut self, key: Digest, room: Room) -> Option<T> {
        if let Some((known, _)) = self.newer.get(&key) {
            return Some(known.clone());
        }
        let (known, length) = self.older.remove(&key)?;
        self.put(key, known.clone(), length, room);
        Some(known)
    }

    fn first(&mut self, key: Digest, met: &T, length: usize, room: Room) -> T {
        self.find(key, room).unwrap_or_else(|| {
            self.put(key, met.clone(), length, room);
            met.clone()
        })
    }

    fn put(&mut self, key: Digest, value: T, length: usize, room: Room) {
        if self.newer.len() >= room.entries / 2 || self.bytes + length > room.bytes / 2 {
            self.older = std::mem::take(&mut self.newer);
            self.bytes = 0;
        }
        self.bytes += length;
        self.newer.insert(key, (value, length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Room = Room { entries: 4, bytes: 1_000 };

    fn key(number: u64) -> Digest {
        Digest::of(&number.to_be_bytes())
    }

    /// Puts numbered values on the shelf; whether each was there already.
    fn were_there(shelf: &mut Shelf<u64>, numbers: impl IntoIterator<Item = u64>, length: usize) -> Vec<bool> {
        let fresh = 1_000; // a value of its own for what was met just now
        numbers.into_iter().map(|number| shelf.first(key(number), &fresh, length, FOUR) != fresh).collect()
    }

    #[test]
    fn the_first_of_the_same_bytes_is_found_again() {
        let mut shelf = Shelf::default();
        assert_eq!(shelf.first(key(1), &7, 10, FOUR), 7);
        assert_eq!(shelf.first(key(1), &8, 10, FOUR), 7);
        assert_eq!(shelf.first(key(2), &8, 10, FOUR), 8);
    }

    #[test]
    fn no_more_than_its_room_is_kept_and_what_is_in_use_stays() {
        let mut shelf = Shelf::default();
        shelf.first(key(0), &7, 10, FOUR);
        for number in 1..100 {
            shelf.first(key(number), &number, 10, FOUR);
            assert_eq!(shelf.first(key(0), &8, 10, FOUR), 7, "in use");
            assert!(shelf.newer.len() + shelf.older.len() <= FOUR.entries, "after {number}");
        }
        assert_eq!(were_there(&mut shelf, [99, 1], 10), [true, false]);
    }

    #[test]
    fn large_ones_push_others_out() {
        let mut shelf = Shelf::default();
        shelf.first(key(0), &7, 300, FOUR);
        assert_eq!(were_there(&mut shelf, [1, 2, 3, 0], 300), [false; 4]);
        let kept: usize = shelf.newer.values().chain(shelf.older.values()).map(|(_, length)| length).sum();
        assert!(kept <= FOUR.bytes, "{kept}");
    }
}
