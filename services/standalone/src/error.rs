//! Why the standalone does not start, or ends.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use eseal_eventstore::StoreError;
use eseal_service::StartError;
use eseal_service::access::RulesError;
use eseal_service::config::ConfigError;
use eseal_service::process::ProcessError;
use eseal_service::tasks::TaskEnded;
use eseal_service::token::IssuerError;

use crate::files::FileError;
use crate::users::UsersError;

/// Why the standalone does not start, or ends.
#[derive(Debug, thiserror::Error)]
pub enum StandaloneError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A setting is of the right kind but can't be used.
    #[error("{setting} = {value} can't be used: {why}")]
    Setting {
        /// The setting, such as `server.address`.
        setting: &'static str,
        /// Its value.
        value: String,
        /// Why.
        why: &'static str,
    },
    /// A file of the data folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another standalone works on the folder.
    #[error("another eseal-standalone is running on {}: stop it first, or name another folder by --data", .0.display())]
    InUse(PathBuf),
    /// A key file is gone although what it encrypts is there.
    #[error("{} is gone, but the database that it encrypts is there: put it back from your backup", .0.display())]
    KeyLost(PathBuf),
    /// The key of the issuer was damaged.
    #[error("{} is not the key that was written: put it back from your backup, or remove it to get a new one, \
             after which everybody signs in again", .path.display())]
    IssuerKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: IssuerError,
    },
    /// An encryption key was damaged.
    #[error("{} is not a key of 64 hexadecimal digits: put it back from your backup", .0.display())]
    EncryptionKey(PathBuf),
    /// What every process has: certificates, ports.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The users.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// Without TLS the port may be reached from this machine only.
    #[error("{0} can be reached from other machines, and this release has no TLS: use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// The port can't be opened.
    #[error("{address} can't be opened")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The database of a service.
    #[error("the database of {service} can't be used")]
    Store {
        /// The service.
        service: &'static str,
        /// Why.
        source: StoreError,
    },
    /// A service did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A mistake in the proto.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A mistake in the proto.
    #[error("the reflection service can't be built: {0}")]
    Reflection(String),
    /// A background task ended early, or did not stop in time.
    #[error(transparent)]
    Task(#[from] TaskEnded),
}
