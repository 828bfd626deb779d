//! `google.protobuf.Timestamp`, with the JSON form that events are stored in: RFC 3339, UTC as `Z`, six digits of fraction.

use eseal_kernel::Timestamp as Moment;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::moment;

/// A moment on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds of that second, 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let micros =
            moment::micros(self).ok_or_else(|| S::Error::custom("not a moment between the years 1 and 9999"))?;
        serializer.collect_str(&Moment::from_micros(micros))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let at: Moment = text.parse().map_err(D::Error::custom)?;
        Ok(moment::from_micros(at.micros()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_is_utc_with_six_digits_and_is_read_back() {
        let at = Timestamp { seconds: 1_800_000_000, nanos: 7_000 };
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(json, r#""2027-01-15T08:00:00.000007Z""#);
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
    }

    #[test]
    fn other_spellings_of_the_same_moment_are_read() {
        let at = Timestamp { seconds: 1_800_000_000, nanos: 0 };
        for text in ["\"2027-01-15T08:00:00Z\"", "\"2027-01-15T16:00:00+08:00\"", "\"2027-01-15T08:00:00.000000000Z\""]
        {
            assert_eq!(serde_json::from_str::<Timestamp>(text).unwrap(), at, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused_both_ways() {
        assert!(serde_json::to_string(&Timestamp { seconds: i64::MAX, nanos: 0 }).is_err());
        assert!(serde_json::from_str::<Timestamp>("\"yesterday\"").is_err());
    }
}
