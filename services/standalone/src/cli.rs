//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use eseal_kernel::Uscc;
use eseal_service::{Language, Role};

/// All services of eseal in one process. 电子印章系统单机版:一个进程内的全部服务。
///
/// The data folder holds everything: four SQLite databases, the keys and the users. Back it up as a whole.
/// 数据目录包含全部数据:四个 SQLite 数据库、密钥和用户;请整体备份。
#[derive(Debug, Parser)]
#[command(name = "eseal-standalone", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do; `serve` if nothing is said. 要执行的操作,默认为 serve。
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings common to all commands.
    #[command(flatten)]
    pub common: Common,
}

const EXAMPLES: &str = "\
Examples 示例:
  # start on 127.0.0.1:7310, data in ./eseal-data  启动
  eseal-standalone
  # the first administrator's password  首个管理员的密码
  cat eseal-data/admin-password
  # add people; prints their passwords  添加用户并显示密码
  eseal-standalone user add li --role reviewer
  eseal-standalone user add wang --role applicant --role custodian --organization 91110000600037341L
  # try settings before they are used  检查配置
  eseal-standalone check-config --config eseal.toml
";

/// Settings common to all commands.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The folder that holds everything; made at the first start. 数据目录,首次启动时创建。
    #[arg(long, value_name = "DIR", env = "ESEAL_DATA", default_value = "eseal-data", global = true)]
    pub data: PathBuf,
    /// Settings other than the built-in ones, as TOML. 配置文件(TOML)。
    #[arg(long, value_name = "FILE", env = "ESEAL_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Language of what is printed: zh-CN or en. 输出语言。
    #[arg(long, value_name = "LANG", env = "ESEAL_LANG", value_parser = Language::of_tag, global = true)]
    pub lang: Option<Language>,
}

/// Settings of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct Serve {
    /// Where clients connect, such as 127.0.0.1:0 for a free port. 监听地址;端口 0 表示任选空闲端口。
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<SocketAddr>,
    /// A file that gets the address once all is ready. 就绪后写入监听地址的文件。
    #[arg(long, value_name = "PATH")]
    pub ready_file: Option<PathBuf>,
}

/// Settings of `issuer`.
#[derive(Debug, Clone, Args)]
pub struct Issuer {
    /// Where discovery and keys are, over HTTP: this machine only. 发现文档与公钥的 HTTP 地址(仅限本机)。
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7330")]
    pub http: SocketAddr,
    /// Where the gateway signs people in, by gRPC with mTLS. 网关登录使用的 gRPC(mTLS)地址。
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7331")]
    pub grpc: SocketAddr,
    /// The folder with tls.crt, tls.key and ca.crt of identity.eseal. identity.eseal 证书所在目录。
    #[arg(long, value_name = "DIR")]
    pub tls: PathBuf,
    /// A file that gets both addresses, a line each, once all is ready. 就绪后写入两个地址(各一行)的文件。
    #[arg(long, value_name = "PATH")]
    pub ready_file: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run all services until told to stop. 启动全部服务。
    Serve(Serve),
    /// Run the built-in issuer alone, as an OIDC provider: to develop and try the distributed system.
    /// 单独运行内置登录颁发方(OIDC),用于分布式系统的开发与试用。
    Issuer(Issuer),
    /// The people who may sign in; works while the services run. 用户管理(可在服务运行时执行)。
    #[command(subcommand)]
    User(User),
    /// Read and check all settings, print those in effect, change nothing. 检查配置并显示生效值。
    CheckConfig,
    /// Events that a service could not take in. 死信:服务未能处理的事件。
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Encrypt what is under an earlier key-encryption key of authentication anew under the current one; works while the services
    /// run, can be stopped and begun again. 将旧密钥加密密钥保护的数据改由当前密钥保护(可在服务运行时执行,可中断并重新执行)。
    Rewrap {
        /// Change nothing: only tell how much needs which key. 仅查看各密钥的使用情况,不作更改。
        #[arg(long)]
        check: bool,
    },
    /// Throw read tables away and fill them again from the events; while the services are stopped.
    /// 由事件重建查询表(须先停止服务)。
    Rebuild {
        /// Only this service's. 仅重建该服务。
        service: Option<String>,
    },
}

/// The people who may sign in.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Add somebody. Prints a generated password, unless one is given by --password-stdin. 添加用户。
    Add {
        /// What they type to sign in. 登录名。
        name: String,
        /// applicant, reviewer, maker, custodian, auditor, admin or integrator; may be repeated. 角色,可多次指定。
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<Role>,
        /// The unified social credit code of the organization whose affairs alone they see. 所属单位统一社会信用代码。
        #[arg(long, value_name = "USCC")]
        organization: Option<Uscc>,
        /// Their internal id, if they have one already. 内部编号。
        #[arg(long, value_name = "ID")]
        person_id: Option<String>,
        /// Read the password from standard input: one line. 从标准输入读取密码(一行)。
        #[arg(long)]
        password_stdin: bool,
    },
    /// List everybody. 列出用户。
    List,
    /// Remove somebody. Tokens that are out live on until they end. 删除用户。
    Remove {
        /// Their name. 登录名。
        name: String,
    },
}

/// Events that a service could not take in.
#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List them: consumer, owner, position, stream, event, since when, tries, state, reason. 列出死信及原因。
    List,
    /// Have them tried again, once what stopped them is mended. 重新处理死信。
    Replay {
        /// Who could not take them in, as `list` names it in the first column. 未能处理事件的消费者,见 list 首列。
        consumer: String,
    },
}

impl Cli {
    /// What to do, whether it was said or not.
    pub fn asked(self) -> Command {
        self.command.unwrap_or_else(|| Command::Serve(Serve::default()))
    }
}

impl Common {
    /// The language to print in: as asked for, else that of the environment's locale.
    pub fn language(&self, locale: Option<&str>) -> Language {
        self.lang.unwrap_or_else(|| Language::of_locale(locale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_means_serve() {
        let cli = Cli::try_parse_from(["eseal-standalone", "--data", "elsewhere"]).expect("parsed");
        assert!(matches!(cli.asked(), Command::Serve(Serve { address: None, ready_file: None })));
    }

    #[test]
    fn every_option_and_command_is_explained_in_both_languages() {
        eseal_service::testing::explained_in_both(&Cli::command());
    }
}
