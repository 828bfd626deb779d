//! Programs that a test writes and starts.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a script that can be started at once. Another process writes it: a file that this one wrote is still open for writing in
/// every process that another test started meanwhile, until that has become its program, and till then it can't be started (ETXTBSY).
///
/// # Errors
/// The file can't be written.
pub fn script(path: &Path, text: &str) -> io::Result<()> {
    let mut writer = Command::new("/bin/sh");
    writer.args(["-c", "cat > \"$0\" && chmod 755 \"$0\""]).arg(path).stdin(Stdio::piped());
    let mut writer = writer.spawn()?;
    if let Some(mut input) = writer.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    let status = writer.wait()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{}: {status}", path.display()))) }
}
