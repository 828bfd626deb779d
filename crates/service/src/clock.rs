//! The clock of a process: the machine's. In a debug build a test can make it jump.

use eseal_kernel::Clock;

use crate::tasks::Tasks;

/// Names a file in the environment of a debug build: the seconds in it, which may be negative and may change at any time,
/// are added to the machine's clock. No release build reads it (ADR 22).
pub const OFFSET_FILE: &str = "ESEAL_CLOCK_OFFSET_FILE";

/// The clock by which this process decides.
#[cfg(not(debug_assertions))]
pub const fn of_process(_: &Tasks) -> Clock {
    Clock::System
}

/// The clock by which this process decides.
#[cfg(debug_assertions)]
pub fn of_process(tasks: &Tasks) -> Clock {
    match std::env::var_os(OFFSET_FILE) {
        Some(file) => shifting::by_file(file.into(), tasks),
        None => Clock::System,
    }
}

#[cfg(debug_assertions)]
mod shifting {
    use std::convert::Infallible;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Duration;

    use eseal_kernel::Clock;

    use crate::tasks::Tasks;

    /// How often the file is looked at.
    const LOOK: Duration = Duration::from_millis(50);

    pub(super) fn by_file(file: PathBuf, tasks: &Tasks) -> Clock {
        tracing::warn!(file = %file.display(), "this process has a clock that a test makes jump");
        let micros = Arc::new(AtomicI64::new(offset(&file).unwrap_or(0)));
        let (shared, stopping) = (micros.clone(), tasks.stopping());
        tasks.spawn("clock", async move {
            while !stopping.is_cancelled() {
                // What can't be read now, because it is being written, is read the next time.
                if let Some(offset) = offset(&file) {
                    shared.store(offset, Ordering::SeqCst);
                }
                tokio::select! {
                    () = stopping.cancelled() => {}
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
            Ok::<(), Infallible>(())
        });
        Clock::shifted(micros)
    }

    fn offset(file: &Path) -> Option<i64> {
        let seconds: i64 = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
        seconds.checked_mul(1_000_000)
    }
}
