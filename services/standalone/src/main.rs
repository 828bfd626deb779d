//! `eseal-standalone`: see `--help`.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use clap::Parser as _;
use eseal_standalone::cli::Cli;
use eseal_standalone::{commands, texts};

fn main() -> ExitCode {
    // Pages of documents are drawn by this program once more, in a process that can be ended.
    if let Some(code) = eseal_report::draw::child::if_called() {
        return code;
    }
    // So is the library of a maker's token or device.
    if let Some(code) = eseal_card::drive_if_called() {
        return code;
    }
    eseal_service::no_dumps::no_core_dumps();
    let cli = Cli::parse();
    let locale = std::env::var("LC_ALL").or_else(|_| std::env::var("LANG")).ok();
    let language = cli.common.language(locale.as_deref());
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(commands::CommandError::from)
        .and_then(|runtime| runtime.block_on(commands::run(cli, language, &mut stdout())));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With nobody to read it there is nobody to tell.
            let _ = writeln!(stderr(), "eseal-standalone: {}", texts::explain(&error, language));
            ExitCode::FAILURE
        }
    }
}
