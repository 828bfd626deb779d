//! Moments on the wire. The system counts microseconds; `google.protobuf.Timestamp` has seconds and nanoseconds.

use crate::Timestamp;

/// The years 1 to 9999 in seconds since 1970: what `google.protobuf.Timestamp` may hold.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The moment so many microseconds after 1970-01-01T00:00:00Z.
pub const fn from_micros(micros: i64) -> Timestamp {
    // The remainder is below a second, so its nanoseconds fit.
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos: (micros.rem_euclid(1_000_000) * 1_000) as i32 }
}

/// The microseconds from 1970-01-01T00:00:00Z to a moment, its last three digits of nanoseconds cut off; nothing if
/// it is no moment between the years 1 and 9999.
pub fn micros(moment: &Timestamp) -> Option<i64> {
    if !SECONDS.contains(&moment.seconds) || !(0..1_000_000_000).contains(&moment.nanos) {
        return None;
    }
    Some(moment.seconds * 1_000_000 + i64::from(moment.nanos / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_come_back_before_and_after_1970() {
        for count in [0, 1, -1, 999_999, -999_999, 1_800_000_000_123_456, -62_135_596_800_000_000] {
            assert_eq!(micros(&from_micros(count)), Some(count));
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, 1_000_000_000), (253_402_300_800, 0)] {
            assert_eq!(micros(&Timestamp { seconds, nanos }), None, "{seconds} {nanos}");
        }
    }
}
