//! Settings of this service; `config.default.toml` explains each.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Every setting with its default and a comment.
pub const CONFIG_DEFAULT: &str = include_str!("../config.default.toml");

/// Settings of this service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file with the key-encryption key.
    pub key_file: PathBuf,
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
    /// How long each of them may take.
    #[serde(with = "humantime_serde")]
    pub revocation_timeout: Duration,
    /// Whether a certificate that nobody says anything about is refused.
    pub revocation_required: bool,
    /// Whether addresses within private networks are asked too.
    pub private_addresses: bool,
    /// Whether authorities for development may be trusted.
    pub accept_development_roots: bool,
}
