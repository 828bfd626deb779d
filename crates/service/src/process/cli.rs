//! The command line of a service's process: the same for every service.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use eseal_bus::StartAt;

use super::Program;
use crate::Language;

/// One service of eseal as a process of its own. eseal 的一个服务进程。
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do. 要执行的操作。
    #[command(subcommand)]
    pub command: Command,
    /// The settings common to all commands.
    #[command(flatten)]
    pub common: Common,
}

const EXAMPLES: &str = "\
Examples 示例 (the same for every service 各服务通用):
  # once per release, with the database's owner role  每次升级执行一次,使用数据库属主角色
  eseal-application migrate --config application.toml
  # try settings before they are used  检查配置
  eseal-application check-config --config application.toml
  # serve until SIGTERM  启动服务,直至收到 SIGTERM
  eseal-application serve --config application.toml
  # a setting by the environment; secrets are always files  用环境变量设置;机密信息一律使用文件
  ESEAL_DATABASE__URL_FILE=/run/secrets/url eseal-application serve --config application.toml

Exit codes 退出码: 0 done 完成; 1 failed 失败; 2 settings are wrong 配置有误;
  3 the database or the bus can't be reached 无法连接数据库或消息总线; 4 migrations are pending 有未执行的迁移
";

/// Settings common to all commands.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The settings, as TOML; ESEAL_SECTION__FIELD in the environment wins over it. 配置文件(TOML)。
    #[arg(long, value_name = "FILE", env = "ESEAL_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Language of what is printed: zh-CN or en. 输出语言。
    #[arg(long, value_name = "LANG", env = "ESEAL_LANG", value_parser = Language::of_tag, global = true)]
    pub lang: Option<Language>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or Ctrl-C; what is under way is finished first. 启动服务;停止前完成处理中的请求。
    Serve {
        /// A file that gets the address of gRPC and that of the probes, a line each, once all is ready.
        /// 就绪后写入 gRPC 地址和探针地址(各一行)的文件。
        #[arg(long, value_name = "PATH")]
        ready_file: Option<PathBuf>,
    },
    /// Ask the process that serves with these settings whether it is ready: a health check without a shell.
    /// 询问正在运行的服务是否就绪,供无 shell 容器的健康检查使用。
    Probe,
    /// Bring database and stream to this release, with the roles that may; give the service role its rights.
    /// 升级数据库和事件流,并授予服务角色权限。
    Migrate,
    /// Read and check all settings and the files that they name, print those in effect, change nothing.
    /// 检查配置及其引用的文件并显示生效值。
    CheckConfig,
    /// Throw the read tables away and fill them again from the events; writing waits meanwhile.
    /// 由事件重建查询表,期间写入等待。
    Rebuild,
    /// Encrypt what is under an earlier key-encryption key anew under the current one; works while services run, can be stopped
    /// and begun again. 将旧密钥加密密钥保护的数据改由当前密钥保护;服务运行时即可执行,可随时中断并重新执行。
    Rewrap {
        /// Change nothing: only tell how much needs which key. 仅查看各密钥的使用情况,不作更改。
        #[arg(long)]
        check: bool,
    },
    /// Events of others that this service could not take in. 死信:本服务未能处理的事件。
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Let another system pull this service's events from the bus, or let it pull them again: a replay.
    /// 允许其他系统从总线订阅本服务的事件,或重新订阅(重放)。
    Subscription {
        /// The system; its certificate is `CN=<name>.eseal,O=eseal`. 订阅系统的名称。
        name: String,
        /// Where it starts: beginning, position:N, time:RFC3339, or seal:ID (a seal or an application).
        /// 起点:beginning、position:N、time:时间 或 seal:印章或申请编号。
        #[arg(long, value_name = "PLACE", default_value = "beginning")]
        from: StartAt,
    },
    /// Write this service's whole history as JSON lines, as `eseal events read` does. 将本服务的全部事件导出为 JSON 行。
    ExportEvents {
        /// Only those after this position. 仅导出该位置之后的事件。
        #[arg(long, value_name = "POSITION", default_value_t = 0)]
        after: u64,
        /// The file to write; without it, standard output. 输出文件,默认为标准输出。
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Events that a service could not take in.
#[derive(Debug, Clone, Subcommand)]
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
    /// What the command line of this process says; ends the process where it is not understood, or asks for help.
    pub(super) fn of(program: &Program, rewraps: bool) -> Self {
        let command = Self::command().name(program.command).about(program.about);
        // Who has no key-encryption keys has nothing to do there, and nobody is offered it.
        let command = command.mut_subcommand("rewrap", |rewrap| rewrap.hide(!rewraps));
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_and_command_is_explained_in_both_languages() {
        crate::testing::explained_in_both(&Cli::command());
    }
}
