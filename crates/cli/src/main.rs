//! The client of the electronic seal system.

use std::process::ExitCode;

use clap::Parser as _;
use eseal_cli::args::Cli;
use eseal_cli::commands::{self, Env};
use eseal_cli::connect::Tls;
use eseal_cli::lang::Lang;
use eseal_cli::output::Output;

fn main() -> ExitCode {
    // Pages of documents are drawn by this program once more, in a process that can be ended.
    if let Some(code) = eseal_report::draw::child::if_called() {
        return code;
    }
    // So are the libraries of cards, which may crash or hang.
    if let Some(code) = eseal_card::drive_if_called() {
        return code;
    }
    let cli = Cli::parse();
    let lang = cli.global.lang.unwrap_or_else(|| Lang::of_environment(|name| std::env::var(name).ok()));
    let output = Output { json: cli.global.json, lang };
    let tls = Tls { ca: cli.global.ca, identity: cli.global.cert.zip(cli.global.key) };
    let env = Env { server: cli.global.server, tls, act_as: cli.global.act_as, output };
    // One worker looks after the connection while somebody types a PIN: a server that restarts meanwhile is found again.
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.say(&error.to_string());
            return ExitCode::from(3);
        }
    };
    match runtime.block_on(commands::run(&env, cli.command)) {
        Ok(code) => code,
        Err(failure) => {
            output.fail(&failure);
            failure.exit_code()
        }
    }
}
