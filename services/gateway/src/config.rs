//! Settings of the gateway; `config.default.toml` explains each.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use eseal_service::config::{ConfigError, Sources};
use eseal_service::process::ProcessError;
use eseal_service::process::settings::check_limits;
use eseal_service::server::Limits;
use eseal_service::telemetry::TelemetryConfig;
use eseal_service::tls::TlsConfig;
use serde::Deserialize;

/// Every setting with its default and a comment.
pub const CONFIG_DEFAULT: &str = include_str!("../config.default.toml");

/// Settings of the gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where people connect.
    pub server: ServerConfig,
    /// What the services know it by.
    pub tls: TlsConfig,
    /// Where the services are, by name.
    pub peers: HashMap<String, String>,
    /// What it tells of itself.
    pub telemetry: TelemetryConfig,
}

/// Where people connect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// gRPC with TLS; port 0 takes a free one.
    pub address: SocketAddr,
    /// `GET /healthz` and `GET /readyz` over plain HTTP.
    pub probe_address: SocketAddr,
    /// What it takes at a time.
    pub limits: Limits,
    /// The certificate that clients see.
    pub tls: DoorTls,
}

/// The certificate that clients see.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoorTls {
    /// The certificate, and those between it and its CA, as PEM.
    pub cert_file: PathBuf,
    /// Its private key, as PEM.
    pub key_file: PathBuf,
}

/// The built-in defaults, then `file`, then these variables of the environment.
///
/// # Errors
/// [`ConfigError`] for a file that can't be read.
pub fn sources(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Sources, ConfigError> {
    let sources = Sources::new(CONFIG_DEFAULT);
    let sources = file.map_or(Ok(sources.clone()), |file| sources.file(file))?;
    Ok(sources.environment(environment))
}

impl Config {
    /// Refuses what can't be served, before anything is opened.
    ///
    /// # Errors
    /// [`ProcessError::Setting`].
    pub fn check(&self) -> Result<(), ProcessError> {
        check_limits(&self.server.limits)?;
        match self.peers.is_empty() {
            true => Err(ProcessError::setting("peers", "it names no service: there is nothing to pass requests on to")),
            false => Ok(()),
        }
    }

    /// The certificate that clients see, as servers take it.
    pub fn door_tls(&self) -> TlsConfig {
        let DoorTls { cert_file, key_file } = self.server.tls.clone();
        // Nobody shows it a certificate, so whose it would trust does not matter.
        TlsConfig { cert_file, key_file, ca_file: self.tls.ca_file.clone() }
    }
}
