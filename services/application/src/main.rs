//! `eseal-application`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eseal_service::process::main(&eseal_application::PROGRAM, eseal_application::wire)
}
