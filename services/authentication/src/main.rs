//! `eseal-authentication`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eseal_service::process::main(&eseal_authentication::PROGRAM, eseal_authentication::wire)
}
