//! Programs by others that judge our documents, where they are installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The output of a program; `None`, with a printed note, where it is not installed.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).env("LC_ALL", "C").output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("SKIPPED: {program} cannot be run ({error}); nothing was judged by it");
            None
        }
    }
}

/// pyHanko's command.
pub fn pyhanko() -> PathBuf {
    venv("pyhanko")
}

/// A command written in Python: beside the Python that `ESEAL_PYTHON` names, in `target/venv`, or wherever it is found.
pub fn venv(command: &str) -> PathBuf {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin").join(command);
    match std::env::var_os("ESEAL_PYTHON") {
        Some(python) => Path::new(&python).with_file_name(command),
        None if venv.is_file() => venv,
        None => PathBuf::from(command),
    }
}

/// Both outputs as text, for messages.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
