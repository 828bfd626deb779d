//! `eseal-fabrication`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eseal_service::process::main(&eseal_fabrication::PROGRAM, eseal_fabrication::wire)
}
