//! Settings of the standalone and of the services in it; `config.default.toml` explains each.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use eseal_service::config::{ConfigError, Sources};
use eseal_service::server::Limits;
use eseal_service::telemetry::TelemetryConfig;
use serde::Deserialize;

use crate::StandaloneError;
use crate::files::DataFolder;

/// Every setting of the standalone itself with its default and a comment.
pub const CONFIG_DEFAULT: &str = include_str!("../config.default.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The door.
    pub server: ServerConfig,
    /// The built-in issuer.
    pub identity: IdentityConfig,
    /// Logs, and where traces, metrics and logs go.
    pub telemetry: TelemetryConfig,
    /// The service application.
    pub application: eseal_application::Config,
    /// The service fabrication.
    pub fabrication: eseal_fabrication::Config,
    /// The service authentication.
    pub authentication: eseal_authentication::Config,
    /// The service verification.
    pub verification: eseal_verification::Config,
}

/// The door for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Loopback only; port 0 takes a free one.
    pub address: SocketAddr,
    /// What it takes at a time.
    pub limits: Limits,
}

/// The built-in issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// How long a token is good.
    #[serde(with = "humantime_serde")]
    pub token_lifetime: Duration,
    /// The most passwords checked at a time, 1 at least.
    pub parallel_checks: usize,
}

impl Config {
    /// The built-in defaults, then `file`, then these variables of the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with all that is wrong.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        sources(file)?.environment(environment).load()
    }

    /// The built-in defaults alone.
    ///
    /// # Errors
    /// [`ConfigError`] for a mistake in them.
    pub fn built_in() -> Result<Self, ConfigError> {
        Self::load(None, [])
    }

    /// Refuses what can't be served, before anything is opened.
    ///
    /// # Errors
    /// [`StandaloneError::NotLoopback`], [`StandaloneError::Setting`].
    pub fn check(&self) -> Result<(), StandaloneError> {
        let address = self.server.address;
        if !address.ip().is_loopback() {
            return Err(StandaloneError::NotLoopback(address));
        }
        let positive = [
            ("server.limits.requests", self.server.limits.requests == 0),
            ("server.limits.requests_per_connection", self.server.limits.requests_per_connection == 0),
            ("server.limits.longest", self.server.limits.longest.is_zero()),
            ("identity.token_lifetime", self.identity.token_lifetime.is_zero()),
            ("identity.parallel_checks", self.identity.parallel_checks == 0),
        ];
        match positive.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((setting, _)) => Err(StandaloneError::Setting { setting, value: "0".to_owned(), why: "1 at least" }),
            None => Ok(()),
        }
    }

    /// The same with relative paths starting at the data folder.
    #[must_use]
    pub fn in_folder(mut self, data: &DataFolder) -> Self {
        let named = std::iter::once(&mut self.fabrication.key_file).chain(self.authentication.key_files());
        let optional = [
            &mut self.application.font_file,
            &mut self.fabrication.maker_card_file,
            &mut self.fabrication.maker_pin_file,
        ];
        for path in named.into_iter().chain(optional.into_iter().flatten()) {
            *path = data.path(&*path);
        }
        self
    }

    /// Makes sure that the keys are there which encrypt contents in the databases.
    ///
    /// # Errors
    /// See [`DataFolder::ensure_encryption_key`].
    pub fn ensure_keys(&self, data: &DataFolder) -> Result<(), StandaloneError> {
        data.ensure_encryption_key("fabrication", &self.fabrication.key_file)?;
        if self.authentication.makes_key_file() {
            data.ensure_encryption_key("authentication", &self.authentication.key_file)?;
        }
        Ok(())
    }
}

/// The settings as they are in effect, as TOML: for people who look for what is set.
///
/// # Errors
/// [`ConfigError`].
pub fn in_effect(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<String, ConfigError> {
    let table: toml::Table = sources(file)?.environment(environment).load()?;
    Ok(table.to_string())
}

fn sources(file: Option<&Path>) -> Result<Sources, ConfigError> {
    let sources = Sources::new(CONFIG_DEFAULT)
        .section("application", eseal_application::CONFIG_DEFAULT)
        .section("fabrication", eseal_fabrication::CONFIG_DEFAULT)
        .section("authentication", eseal_authentication::CONFIG_DEFAULT)
        // It serves this machine alone, for which `eseal dev-ca` is made.
        .section("authentication", "accept_development_roots = true")
        .section("verification", eseal_verification::CONFIG_DEFAULT);
    file.map_or(Ok(sources.clone()), |file| sources.file(file))
}
