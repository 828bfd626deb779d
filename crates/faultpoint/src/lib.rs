//! Ends a process of a debug build at a named place: a crash exactly between two steps, for tests of what follows.
//!
//! `kill -9` at a random moment hardly ever meets the instant between a commit and what comes after it. So that instant
//! has a name in the code:
//!
//! ```
//! # fn commit() {}
//! # fn answer() {}
//! commit();
//! eseal_faultpoint::pass("writer.committed");
//! answer();
//! ```
//!
//! `ESEAL_FAULT_POINT=writer.committed:3` ends the process when it passes there for the third time. It aborts: nothing is
//! unwound, flushed or said good-bye to, as in a power cut. A step that can fail by itself asks [`fails`] instead, and fails
//! at that one passage.
//!
//! In a build without `debug_assertions`, which is every release build, [`pass`] is empty, [`fails`] is `false` and the
//! variable is not read (ADR 22).

/// The variable of the environment that names a point and a passage: `relay.published:2`.
pub const VARIABLE: &str = "ESEAL_FAULT_POINT";

/// The place `point`.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub const fn pass(_point: &'static str) {}

/// The place `point`. The process ends here if it is told to.
#[cfg(debug_assertions)]
pub fn pass(point: &'static str) {
    armed::pass(point);
}

/// Whether the step at the place `point` has to fail.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub const fn fails(_point: &'static str) -> bool {
    false
}

/// Whether the step at the place `point` has to fail: at the passage that was asked for, and at no other one.
#[cfg(debug_assertions)]
pub fn fails(point: &'static str) -> bool {
    armed::is_due(point)
}

#[cfg(debug_assertions)]
mod armed {
    use std::io::Write as _;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    struct Armed {
        point: String,
        /// The passage that is meant, from 1 on.
        passage: u64,
        /// Passages so far.
        passed: AtomicU64,
    }

    impl Armed {
        /// What the environment asks for: `point:n`, where n is 1 if it is absent.
        fn of(text: &str) -> Option<Self> {
            let (point, passage) = text.split_once(':').unwrap_or((text, "1"));
            let passage: u64 = passage.parse().ok()?;
            (!point.is_empty() && passage > 0).then(|| Self {
                point: point.to_owned(),
                passage,
                passed: AtomicU64::new(0),
            })
        }

        fn is_due(&self, point: &str) -> bool {
            self.point == point && self.passed.fetch_add(1, Ordering::SeqCst) + 1 == self.passage
        }
    }

    pub(super) fn is_due(point: &str) -> bool {
        let armed = ARMED.get_or_init(|| Armed::of(&std::env::var(super::VARIABLE).ok()?));
        armed.as_ref().is_some_and(|armed| armed.is_due(point))
    }

    pub(super) fn pass(point: &str) {
        if is_due(point) {
            // The only trace that it leaves. With nobody to read it there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "fault point {point}: the process ends here");
            std::process::abort();
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_point_is_due_at_the_passage_that_was_asked_for_and_at_no_other() {
            let armed = Armed::of("relay.published:3").expect("a point");
            let due: Vec<_> = (0..5).map(|_| armed.is_due("relay.published")).collect();
            assert_eq!(due, [false, false, true, false, false]);
        }

        #[test]
        fn other_points_are_never_due_and_do_not_count() {
            let armed = Armed::of("relay.published").expect("a point");
            assert!(!armed.is_due("writer.committed"));
            assert!(armed.is_due("relay.published"));
        }

        #[test]
        fn what_names_no_point_or_no_passage_arms_nothing() {
            for text in ["", ":1", "relay.published:0", "relay.published:x"] {
                assert!(Armed::of(text).is_none(), "{text}");
            }
        }
    }
}
