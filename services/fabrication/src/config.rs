//! Settings of this service; `config.default.toml` explains each.

use std::path::PathBuf;

use serde::Deserialize;

/// Every setting with its default and a comment.
pub const CONFIG_DEFAULT: &str = include_str!("../config.default.toml");

/// Settings of this service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The key under which contents are encrypted.
    pub key_file: PathBuf,
    /// The service's own maker card; none = seals with hosted keys are refused at gate a until there is one.
    #[serde(default)]
    pub maker_card_file: Option<PathBuf>,
    /// The same for a card that is no file: a PKCS #11 URI or `skf:LIBRARY[#DEVICE]`.
    #[serde(default)]
    pub maker_card: Option<String>,
    /// The PIN of that card.
    #[serde(default)]
    pub maker_pin_file: Option<PathBuf>,
}
