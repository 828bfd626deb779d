//! `eseal-gateway`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eseal_gateway::cli::main()
}
