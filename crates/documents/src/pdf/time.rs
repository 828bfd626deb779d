//! Dates (ISO 32000-1 §7.9.4): `D:20260131160000+08'00'`.

use eseal_kernel::Timestamp;

/// Reads a date. What is missing is the first month, day and so on; without a zone it is taken for UTC.
pub(crate) fn read(bytes: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let text = text.strip_prefix("D:").unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).take(14).count();
    if digits < 4 {
        return None;
    }
    let (date, zone) = text.split_at(digits);
    let part = |range: std::ops::Range<usize>, default: &'static str| date.get(range).unwrap_or(default);
    let (year, month, day) = (part(0..4, ""), part(4..6, "01"), part(6..8, "01"));
    let (hour, minute, second) = (part(8..10, "00"), part(10..12, "00"), part(12..14, "00"));
    let zone = zone_of(zone)?;
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}{zone}").parse().ok()
}

/// `+08'00'`, `-0330`, `Z`, `Z00'00'` or nothing, as RFC 3339 writes it.
fn zone_of(zone: &str) -> Option<String> {
    let Some(sign) = zone.chars().next().filter(|sign| matches!(sign, '+' | '-')) else { return Some("Z".to_owned()) };
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let minutes = digits.get(2..4).unwrap_or("00");
    Some(format!("{sign}{}:{minutes}", digits.get(..2)?))
}

/// Writes a date in UTC, whole seconds.
pub(crate) fn write(time: Timestamp) -> String {
    let digits: String = time.to_string().chars().take(19).filter(char::is_ascii_digit).collect();
    format!("D:{digits}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    #[test]
    fn dates_of_all_writers_are_read() {
        let moment = at("2026-01-31T08:00:00Z");
        for text in ["D:20260131160000+08'00'", "D:20260131160000+08'00", "D:20260131080000Z", "20260131080000Z00'00'"]
        {
            assert_eq!(read(text.as_bytes()), Some(moment), "{text}");
        }
        assert_eq!(read(b"D:2026"), Some(at("2026-01-01T00:00:00Z")));
        assert_eq!(read(b"D:20261301"), None);
        assert_eq!(read(b"yesterday"), None);
    }

    #[test]
    fn a_date_is_written_in_utc() {
        assert_eq!(write(at("2026-01-31T08:00:00.5Z")), "D:20260131080000Z");
    }
}
