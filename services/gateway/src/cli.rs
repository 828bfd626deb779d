//! The command line.

use std::io::{Write as _, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use eseal_service::Language;
use eseal_service::process::ProcessError;
use eseal_service::process::cli::Common;
use eseal_service::process::probe;
use eseal_service::tls::Tls;

use crate::config::{Config, sources};
use crate::door;

/// The door for people: one address with TLS in front of all services. 面向用户的统一入口:一个 TLS 地址,转发至各服务。
#[derive(Debug, Parser)]
#[command(name = "eseal-gateway", version, after_help = EXAMPLES)]
struct Cli {
    /// What to do. 要执行的操作。
    #[command(subcommand)]
    command: Command,
    /// The settings common to all commands.
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples 示例:
  eseal-gateway check-config --config gateway.toml
  eseal-gateway serve --config gateway.toml
  # a client of it  客户端
  eseal --server https://seal.example.cn:7443 --ca ca.crt events read
";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C; what is under way is finished first. 启动服务;停止前完成处理中的请求。
    Serve {
        /// A file that gets the address of gRPC and that of the probes, a line each, once all is ready.
        /// 就绪后写入 gRPC 地址和探针地址(各一行)的文件。
        #[arg(long, value_name = "PATH")]
        ready_file: Option<PathBuf>,
    },
    /// Ask the gateway that serves with these settings whether it is ready: a health check without a shell.
    /// 询问正在运行的网关是否就绪,供无 shell 容器的健康检查使用。
    Probe,
    /// Read and check all settings and the files that they name, print those in effect, change nothing.
    /// 检查配置及其引用的文件并显示生效值。
    CheckConfig,
}

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let locale = std::env::var("LC_ALL").or_else(|_| std::env::var("LANG")).ok();
    let language = cli.common.lang.unwrap_or_else(|| Language::of_locale(locale.as_deref()));
    match run(cli, language) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With nobody to read it there is nobody to tell.
            let _ = writeln!(stderr(), "eseal-gateway: {}", error.explain(language));
            error.exit_code()
        }
    }
}

fn run(cli: Cli, language: Language) -> Result<(), ProcessError> {
    let sources = sources(cli.common.config.as_deref(), std::env::vars())?;
    let config: Config = sources.load()?;
    config.check()?;
    match cli.command {
        Command::Serve { ready_file } => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(door::serve(config, ready_file.as_deref()))
        }
        Command::Probe => Ok(probe::ask(config.server.probe_address)?),
        Command::CheckConfig => {
            for tls in [&config.tls, &config.door_tls()] {
                Tls::load(tls, eseal_kernel::Clock::System)?;
            }
            let table: toml::Table = sources.load()?;
            let told = language.pick("配置可用,生效值如下", "usable; in effect are");
            writeln!(stdout(), "# eseal-gateway: {told}\n{}", table.to_string().trim_end())?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_option_and_command_is_explained_in_both_languages() {
        Cli::command().debug_assert();
        eseal_service::testing::explained_in_both(&Cli::command());
    }
}
