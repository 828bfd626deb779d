//! Errors of the command line, for people who read Chinese. Causes from the operating system and from libraries stay as
//! they are.

use eseal_service::status::chain;
use eseal_service::telemetry::TelemetryError;
use eseal_service::{Language, texts};

use crate::StandaloneError;
use crate::commands::CommandError;
use crate::files::FileError;
use crate::password::PasswordError;
use crate::users::UsersError;

/// The error with its causes, in one line or a few.
pub fn explain(error: &CommandError, language: Language) -> String {
    match language {
        Language::En => chain(error),
        Language::ZhCn => command(error),
    }
}

fn command(error: &CommandError) -> String {
    match error {
        CommandError::Standalone(error) => standalone(error),
        CommandError::Telemetry(TelemetryError::Filter(why)) => format!("telemetry.filter 无法使用:{why}"),
        CommandError::Telemetry(TelemetryError::Setting { setting, why }) => {
            format!("telemetry.{setting} 无法使用:{why}")
        }
        CommandError::Telemetry(TelemetryError::Twice) => "日志已初始化".to_owned(),
        CommandError::NoData(folder) => format!("数据目录 {folder} 不存在:`eseal-standalone serve` 首次启动时创建"),
        CommandError::NoService { given } => format!("没有名为 {given} 的服务"),
        CommandError::NotRewrapped { rows } => format!("尚有 {rows} 行仍由旧密钥保护,原因见上"),
        CommandError::Io(error) => format!("读写失败:{error}"),
    }
}

fn standalone(error: &StandaloneError) -> String {
    match error {
        StandaloneError::Config(error) => texts::config(error),
        StandaloneError::Setting { setting, value, .. } => format!("{setting} = {value} 无法使用:至少为 1"),
        StandaloneError::File(error) => file(error),
        StandaloneError::InUse(folder) => {
            format!("{} 已有 eseal-standalone 在运行:请先停止,或用 --data 指定其他目录", folder.display())
        }
        StandaloneError::KeyLost(path) => {
            format!("{} 已丢失,而由它加密的数据库仍在:请从备份恢复", path.display())
        }
        StandaloneError::IssuerKey { path, .. } => {
            format!("{} 已损坏:请从备份恢复,或删除后重新生成(所有人须重新登录)", path.display())
        }
        StandaloneError::EncryptionKey(path) => format!("{} 不是 64 位十六进制密钥:请从备份恢复", path.display()),
        StandaloneError::Process(error) => error.explain(Language::ZhCn),
        StandaloneError::Users(error) => users(error),
        StandaloneError::NotLoopback(address) => {
            format!("{address} 可被其他机器访问,而本版本没有 TLS:请使用 127.0.0.1 或 [::1]")
        }
        StandaloneError::Bind { address, source } => format!("无法监听 {address}:{source}"),
        StandaloneError::Store { service, source } => format!("{service} 的数据库无法使用:{}", chain(source)),
        StandaloneError::Start(error) => texts::start(error),
        StandaloneError::Rules(error) => format!("程序内部错误:{error}"),
        StandaloneError::Reflection(why) => format!("程序内部错误:{why}"),
        StandaloneError::Task(error) => texts::task(error),
    }
}

fn file(error: &FileError) -> String {
    match error {
        FileError::Io { path, source, .. } => format!("无法处理文件 {}:{source}", path.display()),
        FileError::Open(path) => {
            format!("{} 可被本机其他用户读取:请执行 `chmod 600 '{}'`", path.display(), path.display())
        }
        FileError::TooLarge(path) => format!("{} 超过 1 MiB", path.display()),
    }
}

fn users(error: &UsersError) -> String {
    match error {
        UsersError::File(error) => file(error),
        UsersError::Malformed { path, why } => format!("无法读取 {}:{why}", path.display()),
        UsersError::Exists(name) => format!("用户 {name} 已存在"),
        UsersError::Unknown(name) => format!("没有用户 {name}"),
        UsersError::Name(error) => format!("登录名无法使用:{error}"),
        UsersError::PersonId(error) => format!("内部编号无法使用:{error}"),
        UsersError::NoRole => "至少需要一个角色".to_owned(),
        UsersError::Password(PasswordError::Length) => "密码长度须为 8 至 1024 字节".to_owned(),
        UsersError::Password(PasswordError::Failed) => "无法计算密码摘要".to_owned(),
    }
}
