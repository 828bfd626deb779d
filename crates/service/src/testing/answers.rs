//! What a service answered, for tests of refusals.

use std::fmt::Debug;

use tonic::{Code, Status};

use crate::status::{Refused, refusal_of};

/// The code and the reason of a refusal.
///
/// # Panics
/// It is none, or not one of ours.
#[track_caller]
pub fn refusal<T: Debug>(answer: Result<T, Status>) -> (Code, Refused) {
    match answer {
        Ok(answer) => panic!("not refused: {answer:?}"),
        Err(status) => {
            let refused = refusal_of(&status);
            (status.code(), refused.unwrap_or_else(|| panic!("a refusal of ours, not {status:?}")))
        }
    }
}

/// It was refused with this code, for this reason.
///
/// # Panics
/// It was not, or otherwise.
#[track_caller]
pub fn assert_refused<T: Debug>(answer: Result<T, Status>, code: Code, reason: &str) {
    let (actual, refused) = refusal(answer);
    assert_eq!((actual, refused.reason.as_str()), (code, reason), "{}", refused.message);
}

/// The first field that was not acceptable, and why.
///
/// # Panics
/// All were.
#[track_caller]
#[allow(clippy::expect_used)]
pub fn violation<T: Debug>(answer: Result<T, Status>) -> (String, String) {
    let (code, refused) = refusal(answer);
    assert_eq!((code, refused.reason.as_str()), (Code::InvalidArgument, "INVALID_FIELD"), "{}", refused.message);
    refused.fields.into_iter().next().expect("a field")
}
