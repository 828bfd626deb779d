//! Ends a server that a test started, whatever becomes of the test.

use std::process::{Child, Command, Stdio};

/// A shell that kills a process once this process is gone: also after a panic that aborts, or SIGKILL.
///
/// It waits for the end of its standard input, whose other end nobody but this process holds.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    /// Watches over the process `pid`.
    #[allow(clippy::expect_used)] // a test that can't promise to clean up must not start
    pub(crate) fn over(pid: u32) -> Self {
        let script = format!("cat >/dev/null; kill -9 {pid} 2>/dev/null");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: Ctrl-C at the terminal must not take the guard before what it guards.
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        Self(shell.spawn().expect("a guard"))
    }
}

impl Drop for Guard {
    /// What it guarded is over: the number may soon be another process's.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
