//! Settings of this service; `config.default.toml` explains each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// Every setting with its default and a comment.
pub const CONFIG_DEFAULT: &str = include_str!("../config.default.toml");

/// Settings of this service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The largest document that is taken, in bytes.
    pub max_document_bytes: u64,
    /// How many documents are verified at a time.
    pub documents_at_a_time: usize,
    /// A PEM file with roots of time stamping authorities; empty: none is trusted.
    pub time_stamp_trust_file: PathBuf,
    /// What a document may ask for, where that is not the usual.
    pub document_limits: BTreeMap<String, u64>,
}
