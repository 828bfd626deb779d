//! The settings of a service's process; `config.default.toml` of this crate explains those that all services share.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eseal_bus::NatsConfig;
use eseal_eventstore::{Database, DatabaseConfig, StoreError};
use serde::Deserialize;

use super::ProcessError;
use crate::access::Allow;
use crate::config::{ConfigError, Sources};
use crate::oidc::OidcConfig;
use crate::server::Limits;
use crate::telemetry::TelemetryConfig;
use crate::tls::TlsConfig;

/// The settings that all services share, with their defaults and comments.
pub const CONFIG_DEFAULT: &str = include_str!("../../config.default.toml");
/// The most bytes of a file with a secret.
const SECRET_MAX: u64 = 64 << 10;
/// With less, a busy database would be taken for a dead one, and nothing left after the look at a connection that was cut.
const SHORTEST_STATEMENT: Duration = Duration::from_secs(5);

/// All settings of a process; `C` are the service's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings<C> {
    /// Where it is reached.
    pub server: ServerSettings,
    /// Who may call.
    pub grpc: GrpcSettings,
    /// Where its facts are.
    pub database: DatabaseSettings,
    /// How its database is migrated; only `migrate` needs it.
    pub migration: Option<MigrationSettings>,
    /// How it tells and hears of facts.
    pub bus: BusSettings,
    /// Where the other services are, by name.
    pub peers: HashMap<String, String>,
    /// Who vouches for people.
    pub people: OidcConfig,
    /// What it tells of itself.
    pub telemetry: TelemetryConfig,
    /// What is special about this service.
    pub service: C,
}

/// Where it is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// gRPC with mTLS; port 0 takes a free one.
    pub address: SocketAddr,
    /// `GET /healthz` and `GET /readyz` over plain HTTP.
    pub probe_address: SocketAddr,
    /// What it takes at a time.
    pub limits: Limits,
    /// Its certificate, and whose certificates it accepts; it calls others with the same.
    pub tls: TlsConfig,
}

/// Who may call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrpcSettings {
    /// For each gRPC service the names of the client certificates that may call it.
    pub allow: Allow,
}

/// Where its facts are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// The file with the database's address.
    pub url_file: PathBuf,
    /// How many connections may read at the same time.
    pub max_readers: u32,
    /// How long a statement may take before its connection counts as dead.
    #[serde(with = "humantime_serde")]
    pub statement_timeout: Duration,
    /// How long a database that can't be reached is waited for at the start.
    #[serde(with = "humantime_serde")]
    pub wait: Duration,
}

/// How its database is migrated.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationSettings {
    /// The file with the database's address for its owner.
    pub url_file: PathBuf,
    /// The role that `serve` uses: it gets its rights, and no more.
    #[serde(default)]
    pub service_role: Option<String>,
    /// The certificate and key with which the stream is made; without them `migrate` leaves the bus alone.
    #[serde(default)]
    pub bus: Option<BusIdentity>,
    /// Copies of the stream in a cluster of NATS servers: 1 or 3.
    #[serde(default = "one")]
    pub stream_replicas: usize,
}

const fn one() -> usize {
    1
}

/// A certificate for the bus.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusIdentity {
    /// PEM.
    pub cert_file: PathBuf,
    /// PEM.
    pub key_file: PathBuf,
}

/// How it tells and hears of facts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusSettings {
    /// The NATS servers, such as `tls://nats:4222`.
    pub servers: Vec<String>,
    /// Whose certificate the servers have; without it that of `server.tls`.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Our certificate; without it that of `server.tls`.
    #[serde(default)]
    pub cert_file: Option<PathBuf>,
    /// Its key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
}

/// The built-in defaults, then `file`, then these variables of the environment.
///
/// # Errors
/// [`ConfigError`] for a file that can't be read.
pub fn sources(
    of_service: &str,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Sources, ConfigError> {
    let sources = Sources::new(CONFIG_DEFAULT).section("service", of_service);
    let sources = file.map_or(Ok(sources.clone()), |file| sources.file(file))?;
    Ok(sources.environment(environment))
}

/// Refuses limits under which nothing could be served.
///
/// # Errors
/// [`ProcessError::Setting`].
pub fn check_limits(limits: &Limits) -> Result<(), ProcessError> {
    let positive = [
        ("server.limits.requests", limits.requests == 0),
        ("server.limits.requests_per_connection", limits.requests_per_connection == 0),
        ("server.limits.longest", limits.longest.is_zero()),
        ("server.limits.connections", limits.connections == 0),
        ("server.limits.handshakes", limits.handshakes == 0),
        ("server.limits.handshake", limits.handshake.is_zero()),
    ];
    match positive.into_iter().find(|(_, is_zero)| *is_zero) {
        Some((setting, _)) => Err(ProcessError::setting(setting, "1 at least")),
        None => Ok(()),
    }
}

impl<C> Settings<C> {
    /// Refuses what can't be served, before anything is opened.
    ///
    /// # Errors
    /// [`ProcessError::Setting`].
    pub fn check(&self, name: &str) -> Result<(), ProcessError> {
        check_limits(&self.server.limits)?;
        let positive =
            [("database.max_readers", self.database.max_readers == 0), ("bus.servers", self.bus.servers.is_empty())];
        if let Some((setting, _)) = positive.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(ProcessError::setting(setting, "1 at least"));
        }
        if self.database.statement_timeout < SHORTEST_STATEMENT {
            return Err(ProcessError::setting("database.statement_timeout", "5s at least"));
        }
        if self.peers.contains_key(name) {
            return Err(ProcessError::setting("peers", format!("{name} is this service itself")));
        }
        Ok(())
    }

    /// The bus as this service meets it.
    pub fn nats(&self) -> NatsConfig {
        let (bus, tls) = (&self.bus, &self.server.tls);
        let secured = bus.servers.iter().any(|server| server.starts_with("tls://"));
        let or_own = |file: &Option<PathBuf>, own: &Path| file.clone().or_else(|| secured.then(|| own.to_owned()));
        NatsConfig {
            servers: bus.servers.clone(),
            ca_file: or_own(&bus.ca_file, &tls.ca_file),
            cert_file: or_own(&bus.cert_file, &tls.cert_file),
            key_file: or_own(&bus.key_file, &tls.key_file),
        }
    }
}

impl DatabaseSettings {
    /// The database, waited for as long as the settings say.
    ///
    /// # Errors
    /// [`ProcessError::Secret`], [`ProcessError::Store`].
    pub async fn open(&self) -> Result<Database, ProcessError> {
        let config = DatabaseConfig {
            max_readers: self.max_readers,
            statement_timeout: self.statement_timeout,
            ..DatabaseConfig::new(secret(&self.url_file)?)
        };
        open(&config, self.wait).await
    }
}

/// The database, waited for as long as this.
///
/// # Errors
/// [`ProcessError::Store`].
pub(super) async fn open(config: &DatabaseConfig, wait: Duration) -> Result<Database, ProcessError> {
    Database::connect_within(config, wait).await.map_err(|error: StoreError| ProcessError::Store(error))
}

/// The content of a file with a secret, without the end of its line.
///
/// # Errors
/// [`ProcessError::Secret`], which never tells the content.
pub(super) fn secret(path: &Path) -> Result<String, ProcessError> {
    let unusable = |why: String| ProcessError::Secret { path: path.to_owned(), why };
    let file = std::fs::File::open(path).map_err(|error| unusable(error.to_string()))?;
    let mut text = String::new();
    let read = std::io::Read::read_to_string(&mut std::io::Read::take(file, SECRET_MAX + 1), &mut text);
    read.map_err(|error| unusable(error.to_string()))?;
    let trimmed = text.trim();
    if trimmed.is_empty() || text.len() as u64 > SECRET_MAX {
        return Err(unusable("it is empty, or larger than 64 KiB".to_owned()));
    }
    Ok(trimmed.to_owned())
}

/// The files that the settings name, which must be there before anything else makes sense.
pub(super) fn named_files<C>(settings: &Settings<C>) -> BTreeMap<&'static str, PathBuf> {
    let tls = &settings.server.tls;
    let mut files = BTreeMap::from([
        ("server.tls.cert_file", tls.cert_file.clone()),
        ("server.tls.key_file", tls.key_file.clone()),
        ("server.tls.ca_file", tls.ca_file.clone()),
        ("database.url_file", settings.database.url_file.clone()),
    ]);
    let optional = [
        ("bus.ca_file", &settings.bus.ca_file),
        ("bus.cert_file", &settings.bus.cert_file),
        ("bus.key_file", &settings.bus.key_file),
    ];
    files.extend(optional.into_iter().filter_map(|(setting, file)| Some((setting, file.clone()?))));
    files
}
