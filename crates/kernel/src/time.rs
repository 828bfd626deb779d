//! Moments and the clock they are read from.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::civil::DateTime;

/// A moment in UTC with microsecond resolution, between the years 1 and 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text or number is not a [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a moment between the years 1 and 9999 in RFC 3339 form, such as 2026-01-31T08:00:00Z")]
pub struct InvalidTimestamp;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const MIN: i64 = -62_135_596_800_000_000;
const MAX: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// Microseconds since 1970-01-01T00:00:00Z; values outside the years 1–9999 are clamped.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < MIN {
            Self(MIN)
        } else if micros > MAX {
            Self(MAX)
        } else {
            Self(micros)
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The same moment without its fraction of a second, as ASN.1 times hold it.
    pub const fn whole_seconds(self) -> Self {
        Self(self.seconds() * 1_000_000)
    }

    /// This moment and `duration` more; never leaves the range.
    pub fn plus(self, duration: std::time::Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This moment less `duration`; never leaves the range.
    pub fn minus(self, duration: std::time::Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }
}

/// RFC 3339 in UTC with six digits of fraction: `2026-01-31T08:00:00.000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A civil time covers the last day of 9999 too, which certificates without an end name; jiff's instants do not.
        let since = jiff::SignedDuration::from_micros(self.0);
        let moment = EPOCH.checked_add(since).map_err(|_| fmt::Error)?;
        write!(f, "{moment:.6}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let micros = match text.strip_suffix('Z') {
            Some(civil) if civil.contains('T') => {
                let moment: DateTime = civil.parse().map_err(|_| InvalidTimestamp)?;
                let since = moment.duration_since(EPOCH).as_micros();
                i64::try_from(since).map_err(|_| InvalidTimestamp)?
            }
            Some(_) | None => text.parse::<jiff::Timestamp>().map_err(|_| InvalidTimestamp)?.as_microsecond(),
        };
        if (MIN..=MAX).contains(&micros) { Ok(Self(micros)) } else { Err(InvalidTimestamp) }
    }
}

/// Where the present moment comes from. Cloned into everything that asks for the time.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The clock of the machine.
    #[default]
    System,
    /// A clock that stands still until it is moved: for tests and replays.
    Fixed(Arc<AtomicI64>),
    /// The clock of the machine, put forward or back by so many microseconds: for tests of clocks that jump.
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now` until [`Clock::set`] moves it.
    pub fn fixed(now: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(now.micros())))
    }

    /// The machine's clock, which goes wrong by as many microseconds as are put into `by`.
    pub const fn shifted(by: Arc<AtomicI64>) -> Self {
        Self::Shifted(by)
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_micros(jiff::Timestamp::now().as_microsecond()),
            Self::Shifted(by) => {
                let right = jiff::Timestamp::now().as_microsecond();
                Timestamp::from_micros(right.saturating_add(by.load(Ordering::SeqCst)))
            }
            Self::Fixed(micros) => Timestamp::from_micros(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fixed clock; the machine's clock is left alone.
    pub fn set(&self, now: Timestamp) {
        if let Self::Fixed(micros) = self {
            micros.store(now.micros(), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_form_always_has_six_digits_of_fraction() {
        assert_eq!(Timestamp::from_seconds(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::from_micros(1).to_string(), "1970-01-01T00:00:00.000001Z");
    }

    #[test]
    fn the_last_second_of_9999_has_a_text_form_as_certificates_without_an_end_need() {
        let end: Timestamp = "9999-12-31T23:59:59Z".parse().unwrap();
        assert_eq!(end.to_string(), "9999-12-31T23:59:59.000000Z");
        assert_eq!(end, Timestamp::from_seconds(253_402_300_799));
    }

    #[test]
    fn other_offsets_are_read_and_text_that_is_no_moment_is_refused() {
        assert_eq!("1970-01-01T08:00:00+08:00".parse(), Ok(Timestamp::UNIX_EPOCH));
        for text in [
            "",
            "Z",
            "1970-01-01",
            "1970-01-01Z",
            "1970-01-01T00:00:00",
            "1970-13-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp), "{text}");
        }
    }

    #[test]
    fn a_fixed_clock_moves_only_when_it_is_set() {
        let clock = Clock::fixed(Timestamp::from_seconds(7));
        assert_eq!(clock.now(), Timestamp::from_seconds(7));
        clock.clone().set(Timestamp::from_seconds(9));
        assert_eq!(clock.now(), Timestamp::from_seconds(9));
    }

    #[test]
    fn a_shifted_clock_goes_wrong_by_what_it_is_told() {
        let by = Arc::new(AtomicI64::new(0));
        let clock = Clock::shifted(by.clone());
        by.store(3_600_000_000, Ordering::SeqCst);
        let ahead = clock.now().micros() - Clock::System.now().micros();
        assert!((3_590_000_000..3_600_000_001).contains(&ahead), "{ahead}");
    }

    proptest! {
        #[test]
        fn reading_the_text_form_gives_the_same_moment(micros in MIN..=MAX) {
            let moment = Timestamp::from_micros(micros);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }

        #[test]
        fn text_order_is_time_order(a in 0..MAX, b in 0..MAX) {
            let (a, b) = (Timestamp::from_micros(a), Timestamp::from_micros(b));
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
        }
    }
}
