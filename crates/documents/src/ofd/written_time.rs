//! The time of a signature: what it signs, and `SignatureDateTime` beside it as real producers write it, which is
//! compared and never trusted.

use std::time::Duration;

use eseal_kernel::Timestamp;

use crate::findings::Findings;
use crate::{Note, NoteCode};

const BEIJING: Duration = Duration::from_secs(8 * 3600);
const TOLERANCE: Duration = Duration::from_secs(10 * 60);

/// Adds what is known of the time that a signature states; `written` is what `Signature.xml` says of it.
pub fn add_time(found: &mut Findings, written: Option<&str>, signed: Option<Timestamp>) {
    if !found.is_stamped() {
        found.notes.push(Note::new(NoteCode::TimeSelfAsserted));
    }
    if let (Some(written), Some(signed)) = (written, signed)
        && is_local_labelled_utc(written, signed)
    {
        found.notes.push(Note::with(NoteCode::TimeIsLocal, written));
    }
}

/// Whether `written`, such as `20200305112131Z`, claims UTC but is the Beijing time of `signed`, as many producers
/// write it.
fn is_local_labelled_utc(written: &str, signed: Timestamp) -> bool {
    let Some(written) = utc(written) else { return false };
    let beijing = signed.plus(BEIJING);
    beijing.minus(TOLERANCE) <= written && written <= beijing.plus(TOLERANCE)
}

/// The moment that a text with `Z` at its end claims; separators and fractions of a second are passed over.
fn utc(written: &str) -> Option<Timestamp> {
    let written = written.trim().strip_suffix(['Z', 'z'])?;
    let digits: String = written.split('.').next()?.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 14 {
        return None;
    }
    let (date, time) = digits.split_at(8);
    let rfc3339 =
        format!("{}-{}-{}T{}:{}:{}Z", &date[..4], &date[4..6], &date[6..], &time[..2], &time[2..4], &time[4..]);
    rfc3339.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beijing_time_with_a_z_is_recognised() {
        let signed: Timestamp = "2020-03-05T03:21:31Z".parse().expect("time");
        assert!(is_local_labelled_utc("20200305112131Z", signed));
        assert!(is_local_labelled_utc("2020-03-05T11:21:35.763Z", signed));
    }

    #[test]
    fn the_same_moment_or_a_time_without_zone_is_not() {
        let signed: Timestamp = "2020-07-23T13:09:07Z".parse().expect("time");
        for written in ["20200723130907.763Z", "2020-07-23 21:09:07", "20200723210907", "", "Z", "章Z"] {
            assert!(!is_local_labelled_utc(written, signed), "{written}");
        }
    }
}
