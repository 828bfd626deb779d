//! UTCTime and GeneralizedTime.

use eseal_kernel::Timestamp;
use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::reader::{Element, Malformed, tag};

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const TIME: Malformed = Malformed("a time");

/// A time as certificates, CRLs and CMS attributes hold it (RFC 5280 §4.1.2.5): either type, the years of UTCTime being
/// 1950–2049.
///
/// Seconds may be missing and an offset may stand for `Z`, as BER allows and old certificates have.
pub(crate) fn x509_time(element: &Element<'_>) -> Result<Timestamp, Malformed> {
    match element.tag {
        tag::UTC_TIME => {
            let (year, rest) = number(element.content, 2)?;
            let year = if year < 50 { 2000 + year } else { 1900 + year };
            moment(year, rest)
        }
        tag::GENERALIZED_TIME => general_time(element.content),
        _ => Err(TIME),
    }
}

/// The text of a GeneralizedTime: `20260131080000Z`, with a fraction or an offset where they stand.
fn general_time(text: &[u8]) -> Result<Timestamp, Malformed> {
    let (year, rest) = number(text, 4)?;
    moment(year, rest)
}

/// The 14 digits of a moment in UTC: `20260131080000`; fractions of a second are dropped.
pub(super) fn digits(moment: Timestamp) -> String {
    // Every Timestamp lies in the years 1–9999, which civil time covers.
    let civil = EPOCH.saturating_add(SignedDuration::from_secs(moment.seconds()));
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    )
}

fn moment(year: i64, rest: &[u8]) -> Result<Timestamp, Malformed> {
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = if rest.first().is_some_and(u8::is_ascii_digit) { number(rest, 2)? } else { (0, rest) };
    let (micros, rest) = fraction(rest)?;
    let offset_minutes = offset(rest)?;

    let year = i16::try_from(year).map_err(|_| TIME)?;
    let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(|n| i8::try_from(n).unwrap_or(-1));
    // Civil arithmetic: jiff's own moments end a day before 9999-12-31T23:59:59Z, which stands for "no end" (RFC 5280 §4.1.2.5).
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| TIME)?;
    let seconds = civil.duration_since(EPOCH).as_secs() - offset_minutes * 60;
    Ok(Timestamp::from_micros(seconds * 1_000_000 + micros))
}

fn number(text: &[u8], digits: usize) -> Result<(i64, &[u8]), Malformed> {
    let (number, rest) = text.split_at_checked(digits).ok_or(TIME)?;
    if !number.iter().all(u8::is_ascii_digit) {
        return Err(TIME);
    }
    Ok((number.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')), rest))
}

/// Microseconds of `.123` or `,123`; digits behind the sixth are dropped.
fn fraction(text: &[u8]) -> Result<(i64, &[u8]), Malformed> {
    let Some((b'.' | b',', rest)) = text.split_first() else { return Ok((0, text)) };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 20 {
        return Err(TIME);
    }
    let micros = (0..6).fold(0, |n, i| n * 10 + if i < digits { i64::from(rest[i] - b'0') } else { 0 });
    Ok((micros, &rest[digits..]))
}

/// Minutes east of UTC: `Z`, `+0800`, `-0330`.
fn offset(text: &[u8]) -> Result<i64, Malformed> {
    match text {
        b"Z" => Ok(0),
        [sign @ (b'+' | b'-'), rest @ ..] if rest.len() == 4 => {
            let (hours, rest) = number(rest, 2)?;
            let (minutes, _) = number(rest, 2)?;
            let east = hours * 60 + minutes;
            Ok(if *sign == b'+' { east } else { -east })
        }
        _ => Err(TIME),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reader, writer};
    use super::*;

    fn read(tag: u8, text: &str) -> Result<String, Malformed> {
        let bytes = writer::tlv(tag, text.as_bytes());
        let element = Reader::der(&bytes).single(tag, "test")?;
        x509_time(&element).map(|moment| moment.to_string())
    }

    #[test]
    fn utc_time_covers_1950_to_2049() {
        assert_eq!(read(tag::UTC_TIME, "500101000000Z"), Ok("1950-01-01T00:00:00.000000Z".to_owned()));
        assert_eq!(read(tag::UTC_TIME, "491231235959Z"), Ok("2049-12-31T23:59:59.000000Z".to_owned()));
    }

    #[test]
    fn an_offset_and_a_fraction_are_understood() {
        let beijing = read(tag::GENERALIZED_TIME, "20260131160000.25+0800");
        assert_eq!(beijing, Ok("2026-01-31T08:00:00.250000Z".to_owned()));
        assert_eq!(read(tag::UTC_TIME, "2601310800Z"), Ok("2026-01-31T08:00:00.000000Z".to_owned()));
    }

    #[test]
    fn days_that_do_not_exist_and_times_without_zone_are_refused() {
        for text in ["20260230000000Z", "20261301000000Z", "20260101240000Z", "20260101000000", "2026010100000Z", ""] {
            assert_eq!(read(tag::GENERALIZED_TIME, text), Err(TIME), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for moment in [0, 2_524_607_999, 2_524_608_000, 253_402_300_799] {
            let moment = Timestamp::from_seconds(moment);
            let bytes = writer::time(moment);
            let element = Reader::der(&bytes).any("test").expect("a value");
            assert_eq!(x509_time(&element), Ok(moment));
        }
    }
}
