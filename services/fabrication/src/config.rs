//! Settings of this service; `config.default.toml` explains each.

use std::path::PathBuf;

use eseal_seal::Version;
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
    /// The generation of the seals that are made.
    pub seal_version: SealVersion,
}

/// A generation of seals that can be made, by the number in their header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub enum SealVersion {
    /// GB/T 38540-2020.
    V4,
    /// GM/T 0031-2025.
    V5,
}

/// A number that no generation has which can be made.
#[derive(Debug, thiserror::Error)]
#[error("seals of version {0} are not made: 4 (GB/T 38540-2020) and 5 (GM/T 0031-2025) are")]
pub struct NotMade(u8);

impl TryFrom<u8> for SealVersion {
    type Error = NotMade;

    fn try_from(number: u8) -> Result<Self, NotMade> {
        match number {
            4 => Ok(Self::V4),
            5 => Ok(Self::V5),
            other => Err(NotMade(other)),
        }
    }
}

impl From<SealVersion> for Version {
    fn from(version: SealVersion) -> Self {
        match version {
            SealVersion::V4 => Self::V4,
            SealVersion::V5 => Self::V5,
        }
    }
}
