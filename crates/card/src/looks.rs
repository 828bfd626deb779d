//! A token that another program is writing to may not be readable for a moment.

use std::time::Duration;

/// Longer than a write to a token's file takes, shorter than anybody notices.
const LOOKS: u32 = 6;
const BETWEEN: Duration = Duration::from_millis(25);

/// Looks, and again while what is seen may be so just for now. SoftHSM empties a token's file before it writes it (at each PIN that
/// is tried): until then, who reads it is told of an error, of no token, or of one without a PIN.
#[expect(clippy::disallowed_methods, reason = "another program's write can't be waited on")]
pub(crate) fn looked_again<T>(mut look: impl FnMut() -> T, is_for_now: impl Fn(&T) -> bool) -> T {
    for _ in 1..LOOKS {
        let seen = look();
        if !is_for_now(&seen) {
            return seen;
        }
        std::thread::sleep(BETWEEN);
    }
    look()
}
