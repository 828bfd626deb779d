//! A key-encryption key in an HSM behind a PKCS #11 module, and the token as a home of hosted key pairs. Its driver runs in a
//! process of its own, which may crash or hang without hurting this one (ADR 34).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use eseal_card::{CardAddress, CardError, Drivers, Hsm};
use eseal_service::private_file::secret;
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::KeyError;
use super::cipher::Key;

/// Calls that wait for a token at a time, each on a thread; the token works on fewer.
const CALLS: usize = 32;

/// Where a token is, and how it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The token as a URI (RFC 7512); `object` or `id` names the AES key, `module-path` the module.
    pub token: String,
    /// The file with the user's PIN.
    pub pin_file: PathBuf,
    /// How long its driver may be silent while something is asked of it.
    #[serde(default = "timeout", with = "humantime_serde")]
    pub timeout: Duration,
    /// The program that loads the module; without it this one, started once more.
    #[serde(default)]
    pub driver: Option<PathBuf>,
    /// Variables for the module, such as the path of its own settings.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

const fn timeout() -> Duration {
    Duration::from_secs(10)
}

/// A token that is opened when it is first needed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Token {
    hsm: Hsm,
    calls: Arc<Semaphore>,
}

/// Why a token did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token, or its driver.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
}

impl Token {
    /// The token of these settings. It is not opened yet.
    ///
    /// # Errors
    /// Why the settings can't be used, for people.
    pub fn try_new(config: &TokenConfig) -> Result<Self, String> {
        let address: CardAddress = config.token.parse().map_err(|error| format!("token: {error}"))?;
        let mut drivers = Drivers::this_program().map_err(|error| error.to_string())?;
        if let Some(driver) = &config.driver {
            drivers.program.clone_from(driver);
        }
        if config.timeout.is_zero() {
            return Err("timeout: it must be longer than nothing".to_owned());
        }
        drivers.patience = config.timeout;
        drivers.environment = config.environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let hsm = Hsm::new(&address, pin(&config.pin_file)?, drivers).map_err(|error| error.to_string())?;
        Ok(Self { hsm, calls: Arc::new(Semaphore::new(CALLS)) })
    }

    /// Has `work` done on the token, on a thread that may wait.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn run<T, E>(&self, work: impl FnOnce(&Hsm) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<TokenError> + Send + 'static,
    {
        let permit = Arc::clone(&self.calls).acquire_owned().await.map_err(|_| TokenError::Stopping)?;
        let hsm = self.hsm.clone();
        let work = move || {
            let done = work(&hsm);
            drop(permit); // held until the work is done, whoever waits for it
            done
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(TokenError::Stopping.into()))
    }

    /// The token itself, for who is on a thread that may wait.
    pub const fn hsm(&self) -> &Hsm {
        &self.hsm
    }

    pub(super) async fn wrap(&self, context: &str, data_key: &Key) -> Result<Vec<u8>, KeyError> {
        let (context, bytes) = (context.to_owned(), Zeroizing::new(data_key.bytes().to_vec()));
        let wrapped = self.run(move |hsm| Ok(hsm.encrypt(context.as_bytes(), &bytes)?)).await;
        wrapped.map_err(key_error)
    }

    pub(super) async fn unwrap(&self, context: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (context, wrapped) = (context.to_owned(), wrapped.to_vec());
        let unwrapped = self.run(move |hsm| Ok(hsm.decrypt(context.as_bytes(), &wrapped)?)).await;
        unwrapped.map_err(key_error)
    }
}

impl TokenError {
    /// Whether it may be better later: what the token says of itself is no outage.
    pub const fn is_for_now(&self) -> bool {
        !matches!(
            self,
            Self::Card(
                CardError::NotDecrypted | CardError::NotOffered(_) | CardError::NoSuchKey | CardError::KeyExists
            )
        )
    }
}

fn key_error(error: TokenError) -> KeyError {
    if error.is_for_now() { KeyError::Unavailable(error.to_string()) } else { KeyError::Refused(error.to_string()) }
}

fn pin(path: &Path) -> Result<Zeroizing<String>, String> {
    let text = secret(path).map_err(|error| format!("pin_file: {}: {error}", path.display()))?;
    if text.is_empty() { Err(format!("pin_file: {} is empty", path.display())) } else { Ok(text) }
}
