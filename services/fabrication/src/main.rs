//! `eseal-fabrication`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The library of a maker's token or device runs in this program once more, where it may crash or hang.
    if let Some(code) = eseal_card::drive_if_called() {
        return code;
    }
    eseal_service::process::main(&eseal_fabrication::PROGRAM, eseal_fabrication::wire)
}
