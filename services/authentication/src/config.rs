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
}
