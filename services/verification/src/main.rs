//! `eseal-verification`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eseal_service::process::main(&eseal_verification::PROGRAM, eseal_verification::wire)
}
