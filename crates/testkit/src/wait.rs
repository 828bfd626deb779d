//! Waiting on values, never on time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long after the first look the second one comes; the pause grows from there.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Looks again and again until there is something, and returns it.
///
/// # Panics
/// When `timeout` passes first: the message says `what` was missing.
pub async fn wait_until<T>(what: &str, timeout: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {timeout:?} in vain until {what}");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_waited_for_is_returned() {
        let mut looks = 0;
        let found = wait_until("the third look", Duration::from_secs(5), async || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "in vain until pigs fly")]
    async fn what_does_not_come_is_named() {
        wait_until("pigs fly", Duration::from_millis(5), async || None::<()>).await;
    }
}
