//! A driver by itself, for programs that can't start themselves once more: tests, benchmarks, and whoever embeds this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    eseal_card::drive_if_called().unwrap_or(ExitCode::from(2))
}
