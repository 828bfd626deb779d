//! Moments as seals hold them.
//!
//! V4 and V5 use GeneralizedTime, V1 uses UTCTime in the seal and free text in a BIT STRING in the signature. Real files
//! also have fractions of seconds, offsets, and no zone at all. A time without a zone is taken for China Standard Time:
//! X.680 calls it local time, and these are Chinese documents.

use std::time::Duration;

use der::asn1::GeneralizedTime;
use der::{DateTime, Tag};
use eseal_kernel::Timestamp;

use crate::error::SealError;

/// China Standard Time: eight hours ahead of UTC, all year.
const LOCAL_OFFSET_SECONDS: i64 = 8 * 3600;
/// Longer than any spelling of a moment.
const LONGEST: usize = 40;

/// The moment as a GeneralizedTime (`YYYYMMDDHHMMSSZ`); what is finer than a second is cut off.
pub(crate) fn to_asn1(field: &'static str, moment: Timestamp) -> Result<GeneralizedTime, SealError> {
    let seconds = u64::try_from(moment.seconds()).map_err(|_| SealError::Time { field })?;
    GeneralizedTime::from_unix_duration(Duration::from_secs(seconds)).map_err(|_| SealError::Time { field })
}

/// The content of a GeneralizedTime or UTCTime; `None` for other types and for what is no moment.
pub(crate) fn from_asn1(tag: Tag, content: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(content).ok()?;
    match tag {
        Tag::GeneralizedTime => from_text(text),
        // RFC 5280 §4.1.2.5.1: two digits from 50 on are of the last century.
        Tag::UtcTime => from_text(&format!("{}{text}", if text < "50" { "20" } else { "19" })),
        _ => None,
    }
}

/// The `timeInfo` of a V1 signature: text such as `2020-01-25T07:31:56.377Z` or `2026-11-22 07:51:06`, or the DER of an
/// ASN.1 time. `None` for anything else, such as a time stamp token.
pub(crate) fn from_bit_string(content: &[u8]) -> Option<Timestamp> {
    match content {
        [0x17, length, rest @ ..] if usize::from(*length) == rest.len() => from_asn1(Tag::UtcTime, rest),
        [0x18, length, rest @ ..] if usize::from(*length) == rest.len() => from_asn1(Tag::GeneralizedTime, rest),
        _ => from_text(std::str::from_utf8(content).ok()?),
    }
}

/// `YYYY MM DD hh mm [ss[.fraction]] [Z | ±hh[:]mm]` with any of the usual separators, or none.
fn from_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let (text, offset) = split_zone(text)?;
    let (text, micros) = match text.split_once(['.', ',']) {
        Some((text, fraction)) => (text, fraction_micros(fraction)?),
        None => (text, 0),
    };
    let seconds = seconds_since_1970(text)?;
    Some(Timestamp::from_micros((seconds - offset).checked_mul(1_000_000)?.checked_add(micros)?))
}

/// The text before the zone, and the zone's offset from UTC in seconds.
fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(text) = text.strip_suffix(['Z', 'z']) {
        return Some((text, 0));
    }
    // A sign inside the date is a separator: an offset stands behind eight digits and a time.
    let Some(at) = text.rfind(['+', '-']).filter(|at| *at > 10) else { return Some((text, LOCAL_OFFSET_SECONDS)) };
    let digits: String = text[at + 1..].chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let offset = hours * 3600 + minutes * 60;
    Some((&text[..at], if text[at..].starts_with('-') { -offset } else { offset }))
}

/// `377` is 377,000 µs; what is finer than a microsecond is cut off.
fn fraction_micros(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = &fraction[..fraction.len().min(6)];
    let power = u32::try_from(6 - digits.len()).ok()?;
    Some(digits.parse::<i64>().ok()? * 10_i64.pow(power))
}

fn seconds_since_1970(text: &str) -> Option<i64> {
    let mut digits = String::with_capacity(14);
    for character in text.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '-' | '/' | ':' | ' ' | 'T' => {}
            _ => return None,
        }
    }
    if digits.len() == 12 {
        digits.push_str("00");
    }
    if digits.len() != 14 {
        return None;
    }
    let number = |from: usize| digits[from..from + 2].parse::<u8>().ok();
    let year = digits[..4].parse::<u16>().ok()?;
    let moment = DateTime::new(year, number(4)?, number(6)?, number(8)?, number(10)?, number(12)?).ok()?;
    i64::try_from(moment.unix_duration().as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().expect("a moment"))
    }

    #[test]
    fn the_spellings_of_real_files_are_read() {
        let generalized = |text: &str| from_asn1(Tag::GeneralizedTime, text.as_bytes());
        assert_eq!(generalized("20200723130907Z"), at("2020-07-23T13:09:07Z"));
        assert_eq!(generalized("20200723130907.763Z"), at("2020-07-23T13:09:07.763Z"));
        assert_eq!(generalized("20200723130907+0800"), at("2020-07-23T05:09:07Z"));
        assert_eq!(generalized("202007231309Z"), at("2020-07-23T13:09:00Z"));
        assert_eq!(from_asn1(Tag::UtcTime, b"200422021807Z"), at("2020-04-22T02:18:07Z"));
        assert_eq!(from_asn1(Tag::UtcTime, b"991231235959Z"), at("1999-12-31T23:59:59Z"));
        assert_eq!(from_bit_string(b"2020-01-25T07:31:56.377Z"), at("2020-01-25T07:31:56.377Z"));
        assert_eq!(from_bit_string(b"\x18\x0f20200723130907Z"), at("2020-07-23T13:09:07Z"));
    }

    #[test]
    fn a_time_without_a_zone_is_china_standard_time() {
        assert_eq!(from_bit_string(b"2026-11-22 07:51:06"), at("2026-11-21T23:51:06Z"));
        assert_eq!(from_asn1(Tag::GeneralizedTime, b"20261122075106"), at("2026-11-21T23:51:06Z"));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in
            ["", "Z", "20200723", "20201323130907Z", "20200723250907Z", "20200723130907+9900", "2020072313090é", "now"]
        {
            assert_eq!(from_text(text), None, "{text}");
        }
        assert_eq!(from_text(&"2".repeat(10_000)), None);
        assert_eq!(from_asn1(Tag::Integer, b"20200723130907Z"), None);
    }

    #[test]
    fn a_moment_before_1970_cannot_be_written() {
        assert_eq!(to_asn1("timeInfo", Timestamp::from_seconds(-1)), Err(SealError::Time { field: "timeInfo" }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in 0..253_402_300_800_i64) {
            let moment = Timestamp::from_seconds(seconds);
            let der = der::Encode::to_der(&to_asn1("timeInfo", moment).expect("in range")).expect("encodes");
            prop_assert_eq!(from_asn1(Tag::GeneralizedTime, &der[2..]), Some(moment));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, text in "[0-9TZ:+. -]{0,40}") {
            let _ = from_bit_string(&bytes);
            let _ = from_text(&text);
        }
    }
}
