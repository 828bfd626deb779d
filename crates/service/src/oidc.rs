//! People of an outside issuer: any OpenID provider, by discovery (OpenID Connect Discovery 1.0) and its published keys
//! (RFC 7517).
//!
//! The keys are fetched in the background before they are due; a token never waits for them, unless its key is unknown:
//! then they are fetched once more, at most every few seconds, whoever asks. A key is trusted for as long as it is published.
//! While the issuer can't be reached the last keys stay in use, up to a bound; without any, tokens are answered
//! `UNAVAILABLE`, since nothing can be said of them, and the process works for those who need none.

mod config;
mod fetch;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use eseal_kernel::Clock;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::status::chain;
use crate::token::{KeySet, TokenError, TokenVerifier, TrustedKey};

pub use config::{OidcConfig, OidcError, Pace, Signed};
pub use fetch::FetchError;
use fetch::Provider;

/// So many requests wait for keys that are being fetched; one more is told to try again.
const WAITING: usize = 256;

/// The keys of an outside issuer. Cheap to clone; copies share what was fetched.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

struct Inner {
    provider: Provider,
    config: OidcConfig,
    known: ArcSwapOption<Known>,
    /// Whoever holds it fetches; the others find the result.
    fetching: Mutex<LastTry>,
    waiting: Semaphore,
}

/// What was fetched last.
struct Known {
    keys: KeySet,
    /// Not trusted beyond.
    until: Instant,
}

#[derive(Default)]
struct LastTry {
    at: Option<Instant>,
}

impl Oidc {
    /// The issuer of these settings. Nothing is fetched yet: [`Oidc::keep_fresh`] does.
    ///
    /// # Errors
    /// [`OidcError`] for settings that can't be used.
    pub fn try_new(config: &OidcConfig) -> Result<Self, OidcError> {
        crate::tls::install_provider();
        let provider = Provider::try_new(config)?;
        Ok(Self(Arc::new(Inner {
            provider,
            config: config.clone(),
            known: ArcSwapOption::empty(),
            fetching: Mutex::default(),
            waiting: Semaphore::new(WAITING),
        })))
    }

    /// The verifier of its tokens.
    pub fn verifier(&self, clock: Clock) -> TokenVerifier {
        let config = &self.0.config;
        TokenVerifier::published(self.clone(), config.pinned(), config.expected(), clock)
    }

    /// Whether tokens can be verified at the moment.
    pub fn has_keys(&self) -> bool {
        self.usable().is_some()
    }

    /// Fetches the keys again and again until `stop`, before they are due: a task of the process.
    ///
    /// # Errors
    /// Never; the type is what tasks have.
    pub async fn keep_fresh(self, stop: CancellationToken) -> Result<(), std::convert::Infallible> {
        let pace = self.0.config.pace;
        let mut failures: u32 = 0;
        loop {
            let fetched = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                fetched = async { self.fetch(&mut *self.0.fetching.lock().await).await } => fetched,
            };
            let pause = match fetched {
                Ok(fresh_for) => {
                    failures = 0;
                    fresh_for
                }
                Err(_told) => {
                    failures += 1;
                    (pace.cooldown * 2_u32.pow(failures.min(8) - 1)).min(pace.shortest)
                }
            };
            let _ = tokio::time::timeout(pause, stop.cancelled()).await;
        }
    }

    /// The key of this id, published now or, if it is unknown, after one more look.
    pub(crate) async fn key(&self, kid: &str) -> Result<TrustedKey, TokenError> {
        if let Some(key) = self.usable().and_then(|known| known.keys.get(kid)) {
            return Ok(key);
        }
        // With the provider being slow, a flood of unknown keys must not fill the process with those who wait.
        let _waiting = self.0.waiting.try_acquire().map_err(|_| TokenError::KeysUnavailable)?;
        let mut last = self.0.fetching.lock().await;
        if self.usable().is_none_or(|known| known.keys.get(kid).is_none()) {
            let cooldown = self.0.config.pace.cooldown;
            if last.at.is_none_or(|at| at.elapsed() >= cooldown) {
                let _told = self.fetch(&mut last).await;
            }
        }
        let known = self.usable().ok_or(TokenError::KeysUnavailable)?;
        known.keys.get(kid).ok_or(TokenError::UnknownKey)
    }

    fn usable(&self) -> Option<Arc<Known>> {
        self.0.known.load_full().filter(|known| Instant::now() < known.until)
    }

    /// Fetches the keys; for how long they are fresh.
    async fn fetch(&self, last: &mut LastTry) -> Result<Duration, FetchError> {
        let Inner { provider, config, known, .. } = &*self.0;
        last.at = Some(Instant::now());
        let issuer = &config.issuer;
        match provider.keys(&config.pinned()).await {
            Ok(fetched) => {
                for (place, why) in &fetched.left_out {
                    tracing::debug!(issuer, place, %why, "a published key is left out");
                }
                if fetched.keys.len() == 0 {
                    tracing::error!(issuer, "the issuer publishes no key that the pinned algorithms fit");
                }
                let until = Instant::now() + config.keep_keys;
                known.store(Some(Arc::new(Known { keys: fetched.keys, until })));
                // Whatever the issuer says: before they are too old for us.
                Ok(config.pace.due_after(fetched.max_age).min(config.keep_keys * 4 / 5))
            }
            Err(error) => {
                let kept = self.has_keys();
                tracing::error!(issuer, kept, error = chain(&error), "the keys of the issuer can't be fetched");
                Err(error)
            }
        }
    }
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.0.config.issuer).finish_non_exhaustive()
    }
}
