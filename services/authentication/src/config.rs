//! Settings of this service; `config.default.toml` explains each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::codes::WebhookConfig;
use crate::vault::{Cipher, KEY_FILE, KeyConfig};

/// Every setting with its default and a comment.
pub const CONFIG_DEFAULT: &str = include_str!("../config.default.toml");

/// Settings of this service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file with the key-encryption key called `key_file`; empty: there is none.
    pub key_file: PathBuf,
    /// The name of the key that new secrets are encrypted under.
    pub current_key: String,
    /// Further key-encryption keys by their names.
    #[serde(default)]
    pub keys: BTreeMap<String, KeyConfig>,
    /// What encrypts new secrets.
    pub data_cipher: Cipher,
    /// How many unwrapped data keys are kept in memory.
    pub data_keys_kept: usize,
    /// How long each of them is kept.
    #[serde(with = "humantime_serde")]
    pub data_keys_kept_for: Duration,
    /// The name of the token among `keys` in which SM2 pairs of new hosted keys are made; empty: they are encrypted in the database.
    pub sm2_pairs_in: String,
    /// The same for P-256 pairs.
    pub p256_pairs_in: String,
    /// Who sends codes of second factors on; none: nobody does.
    #[serde(default)]
    pub code_webhook: Option<WebhookConfig>,
    /// How often seals are looked through for those that have expired.
    #[serde(with = "humantime_serde")]
    pub expiry_check: Duration,
    /// The largest document that is sealed here, in bytes.
    pub max_document_bytes: u64,
    /// How many documents are sealed here at a time.
    pub documents_at_a_time: usize,
    /// Addresses of time stamping authorities, in the order in which they are asked; empty: none.
    pub time_stamp_authorities: Vec<String>,
    /// A PEM file with roots that an authority must lead to; empty: whoever stamps at these addresses is believed.
    pub time_stamp_trust_file: PathBuf,
    /// Files with revocation lists about authorities.
    pub time_stamp_crl_files: Vec<PathBuf>,
    /// How long each authority may take.
    #[serde(with = "humantime_serde")]
    pub time_stamp_timeout: Duration,
    /// Whether the addresses that certificates name are asked about revocation.
    pub ask_revocation: bool,
    /// How long a use of a seal waits for all of them together.
    #[serde(with = "humantime_serde")]
    pub revocation_timeout: Duration,
    /// Whether a certificate that nobody says anything about is refused.
    pub revocation_required: bool,
    /// Whether addresses within private networks are asked too.
    pub private_addresses: bool,
    /// How long what uses were judged by is kept; zero: for ever.
    #[serde(with = "humantime_serde")]
    pub evidence_kept_for: Duration,
    /// Whether authorities for development may be trusted.
    pub accept_development_roots: bool,
}

impl Config {
    /// Whether `key_file` is the current key, so that it is made where there is none.
    pub fn makes_key_file(&self) -> bool {
        self.current_key == KEY_FILE && !self.key_file.as_os_str().is_empty()
    }

    /// The files that the settings of key-encryption keys name, for who puts relative ones into a folder. Empty ones are left out.
    pub fn key_files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let named = self.keys.values_mut().flat_map(KeyConfig::files);
        let webhook = self.code_webhook.iter_mut().flat_map(WebhookConfig::files);
        std::iter::once(&mut self.key_file).chain(named).chain(webhook).filter(|path| !path.as_os_str().is_empty())
    }
}
