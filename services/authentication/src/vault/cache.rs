//! Data keys that were unwrapped a moment ago, so that a seal in use does not ask the HSM or KMS each time. In memory only,
//! no more of them and no longer than is set, wiped when they leave.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eseal_kernel::Digest;
use tokio::time::Instant;

use super::cipher::Key;

/// Unwrapped data keys by the SHA-256 of what was unwrapped.
#[derive(Debug)]
pub(super) struct Cache {
    most: usize,
    longest: Duration,
    keys: Mutex<HashMap<Digest, Kept>>,
}

#[derive(Debug)]
struct Kept {
    key: Key,
    until: Instant,
}

impl Cache {
    /// For `most` keys, each for `longest`; none or no time keeps nothing.
    pub(super) fn new(most: usize, longest: Duration) -> Self {
        Self { most: if longest.is_zero() { 0 } else { most }, longest, keys: Mutex::default() }
    }

    /// How long a key is kept; nothing where none is.
    pub(super) fn longest(&self) -> Option<Duration> {
        (self.most > 0).then_some(self.longest)
    }

    pub(super) fn get(&self, wrapped: &[u8]) -> Option<Key> {
        if self.most == 0 {
            return None;
        }
        let now = Instant::now();
        self.keys().get(&Digest::of(wrapped)).filter(|kept| kept.until > now).map(|kept| kept.key.clone())
    }

    pub(super) fn put(&self, wrapped: &[u8], key: &Key) {
        if self.most == 0 {
            return;
        }
        let until = Instant::now() + self.longest;
        let mut keys = self.keys();
        if keys.len() >= self.most {
            // The one that would go first anyway.
            let first = keys.iter().min_by_key(|(_, kept)| kept.until).map(|(digest, _)| *digest);
            first.map(|digest| keys.remove(&digest));
        }
        keys.insert(Digest::of(wrapped), Kept { key: key.clone(), until });
    }

    /// Wipes those whose time is over.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        self.keys().retain(|_, kept| kept.until > now);
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<Digest, Kept>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cipher::Cipher;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_kept_for_its_time_and_then_wiped() {
        let cache = Cache::new(2, Duration::from_secs(60));
        let key = key();
        cache.put(b"wrapped", &key);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(cache.get(b"wrapped").expect("kept").bytes(), key.bytes());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(cache.get(b"wrapped").is_none());
        assert_eq!(cache.keys().len(), 1, "nobody swept yet");
        cache.sweep();
        assert_eq!(cache.keys().len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_bound_are_kept_and_the_oldest_goes() {
        let cache = Cache::new(2, Duration::from_secs(60));
        for wrapped in [b"1", b"2", b"3"] {
            cache.put(wrapped, &key());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(cache.get(b"1").is_none() && cache.get(b"2").is_some() && cache.get(b"3").is_some());
    }

    #[tokio::test]
    async fn nothing_is_kept_where_nothing_shall_be() {
        for cache in [Cache::new(0, Duration::from_secs(60)), Cache::new(9, Duration::ZERO)] {
            cache.put(b"wrapped", &key());
            assert!(cache.get(b"wrapped").is_none() && cache.longest().is_none());
        }
    }

    fn key() -> Key {
        Key::generate(Cipher::Aes256Gcm).expect("random")
    }
}
