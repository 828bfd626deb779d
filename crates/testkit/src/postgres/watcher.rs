//! Who stops the server when the process that started it is gone.
//!
//! A test process ends in many ways that run no destructor: its statics are never dropped, it is aborted, killed, or
//! ended by Ctrl-C. So a small shell holds one end of a pipe whose other end only that process has, and waits for it to
//! close; the system sees to that in every case.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// `$1` the folder, `$2` the signal, `$3` whether the folder goes too. The process is the one that has the folder in its
/// command line: numbers are used again.
const SCRIPT: &str = r#"
trap '' INT HUP TERM
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$1/data"; then
    kill -s "$2" "$pid"
    rounds=0
    while [ -s "/proc/$pid/cmdline" ] && [ "$rounds" -lt 200 ]; do
        sleep 0.05
        rounds=$((rounds + 1))
    done
fi
[ "$3" = remove ] && rm -rf -- "$1"
"#;

/// The shell, and the pipe that it waits on.
#[derive(Debug)]
pub(super) struct Watcher {
    shell: Child,
    pipe: Option<ChildStdin>,
}

/// A watcher that does its work.
pub(super) struct Released(Child);

impl Watcher {
    /// Watches the server in `folder`.
    pub(super) fn start(folder: &Path, temporary: bool) -> io::Result<Self> {
        // A server whose data goes need not write it; one whose data stays leaves in order.
        let (signal, then) = if temporary { ("QUIT", "remove") } else { ("INT", "keep") };
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .arg(folder)
            .args([signal, then])
            .process_group(0)
            .stdin(Stdio::piped())
            // Whoever waits for the tests' output must not wait for this.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Lets it do its work now.
    pub(super) fn release(mut self) -> Released {
        drop(self.pipe.take());
        Released(self.shell)
    }
}

impl Released {
    /// Until it is done.
    pub(super) fn wait(mut self) {
        let _ = self.0.wait();
    }
}
