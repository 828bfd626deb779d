//! Ends a server that a test started, whatever becomes of the test.
//!
//! A test process ends in many ways that run no destructor: its statics are never dropped, it is aborted, killed, or
//! ended by Ctrl-C. So a small shell holds one end of a pipe whose other end only that process has, and waits for it to
//! close; the system sees to that in every case. Then it does its work.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Waits for the end of the process; what follows is the work.
const WAIT: &str = "trap '' INT HUP TERM\ncat >/dev/null\n";

/// The shell, and the pipe that it waits on.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
    pipe: Option<ChildStdin>,
    is_released: bool,
}

impl Guard {
    /// Has `work`, a script, done with these words (`$1`, `$2` …) once this process is gone.
    pub(crate) fn begin<S: AsRef<OsStr>>(work: &str, words: impl IntoIterator<Item = S>) -> io::Result<Self> {
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(format!("{WAIT}{work}"))
            .arg("sh")
            .args(words)
            // A group of its own: Ctrl-C at the terminal must not take the guard before what it guards.
            .process_group(0)
            .stdin(Stdio::piped())
            // Whoever waits for the tests' output must not wait for this.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe, is_released: false })
    }

    /// Kills the process `pid` then.
    #[allow(clippy::expect_used)] // a test that can't promise to clean up must not start
    pub(crate) fn over(pid: u32) -> Self {
        Self::begin("kill -9 \"$1\" 2>/dev/null", [pid.to_string()]).expect("a guard")
    }

    /// Has the work done now. Dropped afterwards, it waits until it is done.
    pub(crate) fn release(&mut self) {
        self.is_released = true;
        drop(self.pipe.take());
    }
}

impl Drop for Guard {
    /// What it guarded is over by other means, unless it was released: the number may soon be another process's.
    fn drop(&mut self) {
        if !self.is_released {
            let _ = self.shell.kill();
        }
        let _ = self.shell.wait();
    }
}
