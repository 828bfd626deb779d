//! Why a command of a service's process failed, for people and for scripts.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use eseal_bus::BusError;
use eseal_eventstore::StoreError;

use crate::access::RulesError;
use crate::client::AddressError;
use crate::config::ConfigError;
use crate::context::StartError;
use crate::oidc::OidcError;
use crate::status::chain;
use crate::tasks::TaskEnded;
use crate::telemetry::TelemetryError;
use crate::tls::TlsError;
use crate::{Language, texts};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A setting is of the right kind but can't be used.
    #[error("{setting} can't be used: {why}")]
    Setting {
        /// The setting, such as `bus.servers`.
        setting: &'static str,
        /// Why.
        why: String,
    },
    /// A file that the settings name.
    #[error("the file {} can't be used: {why}", .path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why; never its content.
        why: String,
    },
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address of another service.
    #[error(transparent)]
    Peer(#[from] AddressError),
    /// Logs, traces and metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The issuer of people's tokens.
    #[error(transparent)]
    People(#[from] OidcError),
    /// The database.
    #[error("the database can't be used")]
    Store(#[source] StoreError),
    /// The bus.
    #[error("the bus can't be used")]
    Bus(#[from] BusError),
    /// The service could not be wired.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A mistake in the proto.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Reflection: a mistake in the proto.
    #[error("the compiled proto can't be read: {0}")]
    Reflection(String),
    /// A port can't be opened.
    #[error("{address} can't be listened on")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A background task.
    #[error(transparent)]
    Task(#[from] TaskEnded),
    /// Something still needs an earlier key-encryption key.
    #[error(
        "not all is under the current key: {rows} rows still need an earlier one; what is in the way is told above"
    )]
    NotRewrapped {
        /// How much.
        rows: u64,
    },
    /// Reading or writing.
    #[error("reading or writing failed")]
    Io(#[from] io::Error),
}

impl ProcessError {
    /// A setting is of the right kind but can't be used.
    pub fn setting(setting: &'static str, why: impl ToString) -> Self {
        Self::Setting { setting, why: why.to_string() }
    }

    /// The error with its causes, in one line or a few.
    pub fn explain(&self, language: Language) -> String {
        match language {
            Language::En => chain(self),
            Language::ZhCn => self.in_chinese(),
        }
    }

    /// Causes from the operating system and from libraries stay as they are.
    fn in_chinese(&self) -> String {
        match self {
            Self::Config(error) => texts::config(error),
            Self::Setting { setting, why } => format!("配置项 {setting} 无法使用:{why}"),
            Self::Secret { path, why } => format!("文件 {} 无法使用:{why}", path.display()),
            Self::Tls(error) => format!("证书无法使用:{}", chain(error)),
            Self::Peer(error) => format!("对端服务地址无法使用:{error}"),
            Self::Telemetry(error) => format!("遥测无法启动:{}", chain(error)),
            Self::People(error) => format!("登录颁发方配置无法使用:{}", chain(error)),
            Self::Store(StoreError::PendingMigrations(names)) => {
                format!("数据库有未执行的迁移,请先运行 migrate:{}", names.join("、"))
            }
            Self::Store(error) => format!("数据库无法使用:{}", chain(error)),
            Self::Bus(error) => format!("消息总线无法使用:{}", chain(error)),
            Self::Start(error) => texts::start(error),
            Self::Rules(error) => format!("程序内部错误:{error}"),
            Self::Reflection(why) => format!("程序内部错误:{why}"),
            Self::Bind { address, source } => format!("无法监听 {address}:{source}"),
            Self::Task(error) => texts::task(error),
            Self::NotRewrapped { rows } => format!("尚有 {rows} 行仍由旧密钥保护,原因见上"),
            Self::Io(error) => format!("读写失败:{error}"),
        }
    }

    /// What the exit code says: see `--help`.
    pub fn exit_code(&self) -> ExitCode {
        let pending = |error: &StoreError| matches!(error, StoreError::PendingMigrations(_));
        ExitCode::from(match self {
            Self::Config(_)
            | Self::Setting { .. }
            | Self::Secret { .. }
            | Self::Tls(_)
            | Self::Peer(_)
            | Self::People(_) => 2,
            Self::Start(StartError::Store { source, .. }) if pending(source) => 4,
            Self::Store(error) if pending(error) => 4,
            Self::Start(StartError::Setting { .. }) => 2,
            Self::Store(_) | Self::Bus(_) | Self::Start(StartError::Store { .. }) => 3,
            Self::Telemetry(_)
            | Self::Rules(_)
            | Self::Reflection(_)
            | Self::Bind { .. }
            | Self::Task(_)
            | Self::NotRewrapped { .. }
            | Self::Io(_) => 1,
        })
    }
}
