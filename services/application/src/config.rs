//! Settings of this service; `config.default.toml` explains each.

use std::path::PathBuf;

use serde::Deserialize;

/// Every setting with its default and a comment.
pub const CONFIG_DEFAULT: &str = include_str!("../config.default.toml");

/// Settings of this service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How many reviewers must approve an application: 1 or more.
    pub approvals_needed: u32,
    /// The font for drawn impressions; none = the best that is installed.
    #[serde(default)]
    pub font_file: Option<PathBuf>,
}
