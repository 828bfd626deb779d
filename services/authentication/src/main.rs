//! `eseal-authentication`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The library of an HSM runs in this program once more, where it may crash or hang.
    if let Some(code) = eseal_card::drive_if_called() {
        return code;
    }
    let (wire, rewrap) = (eseal_authentication::wire, eseal_authentication::rewrap);
    eseal_service::process::main_rewrapping(&eseal_authentication::PROGRAM, wire, rewrap)
}
