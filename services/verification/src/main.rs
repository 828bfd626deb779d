//! `eseal-verification`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Pages of documents are drawn by this program once more, in a process that can be ended.
    if let Some(code) = eseal_report::draw::child::if_called() {
        return code;
    }
    eseal_service::process::main(&eseal_verification::PROGRAM, eseal_verification::wire)
}
