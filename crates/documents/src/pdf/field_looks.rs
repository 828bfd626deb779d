//! Whether a text field shows its value (ISO 32000-1 §12.7.4.3): what programs read of a form is `/V`, what people read is `/AP`.
//!
//! Said only where it is plain: ASCII in fonts whose codes are characters. Values are shown formatted, as amounts and dates are,
//! so what is shown need not be the value letter by letter.

use super::form::text;
use super::lexical::{Lexer, is_regular};
use super::object::{Dictionary, Value};
use super::view::View;
use crate::DocumentError;

/// Table 228, bit 14: a password is shown as dots.
const PASSWORD: i64 = 1 << 13;

/// Characters of a value or a look that are compared.
const MAX_COMPARED: usize = 4096;

/// By how much an amount may be rounded when it is shown, in parts of it.
const ROUNDED: f64 = 0.01;

/// Whether a text field of the value `value` plainly shows something else.
///
/// # Errors
/// [`DocumentError::TooLarge`].
pub(crate) fn disagrees(view: &View<'_>, widget: &Dictionary, value: &Value) -> Result<bool, DocumentError> {
    let flags = view.get(widget, "Ff")?.as_integer().unwrap_or(0);
    let value = view.resolve(value)?.value;
    let Some(value) = value.as_string().map(text).filter(|value| value.is_ascii() && flags & PASSWORD == 0) else {
        return Ok(false);
    };
    let look = view.dictionary(widget, "AP")?.get("N").cloned().unwrap_or(Value::Null);
    let object = view.resolve(&look)?;
    let Some(dictionary) = object.as_dictionary() else { return Ok(false) };
    if !has_plain_fonts(view, dictionary)? {
        return Ok(false);
    }
    let content = view.stream(look.as_reference().map_or(0, |id| id.number), &object)?.unwrap_or_default();
    Ok(shown(&content).filter(|shown| shown.is_ascii()).is_some_and(|shown| !is_shown_as(&value, &shown)))
}

/// Whether the codes of all fonts of a form are characters, as far as they are ASCII.
fn has_plain_fonts(view: &View<'_>, look: &Dictionary) -> Result<bool, DocumentError> {
    let fonts = view.dictionary(&view.dictionary(look, "Resources")?, "Font")?;
    for (_, font) in fonts.iter() {
        let Value::Dictionary(font) = view.resolve(font)?.value else { return Ok(false) };
        let kind = view.get(&font, "Subtype")?;
        let is_plain = kind.is_name("Type1") || kind.is_name("TrueType");
        let own_codes = matches!(view.get(&font, "Encoding")?, Value::Dictionary(_));
        if !is_plain || own_codes {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The strings that content shows, one after the other; `None` where it can't be read.
fn shown(content: &[u8]) -> Option<String> {
    let mut lexer = Lexer::new(content, 0);
    let mut shown = Vec::new();
    loop {
        lexer.skip_space();
        match lexer.peek() {
            None => break,
            Some(b'(') => shown.extend(lexer.literal().ok()?),
            Some(b'<') if !lexer.rest().starts_with(b"<<") => shown.extend(lexer.hexadecimal().ok()?),
            Some(b'/') => _ = lexer.name().ok()?,
            Some(byte) if is_regular(byte) => _ = lexer.plain_word(),
            Some(delimiter) => _ = lexer.take(&[delimiter]),
        }
        if shown.len() > MAX_COMPARED {
            return None;
        }
    }
    String::from_utf8(shown).ok()
}

/// Whether `shown` may be a way to show `value`.
fn is_shown_as(value: &str, shown: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        let mut letters: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).take(MAX_COMPARED).collect();
        letters.make_ascii_lowercase();
        letters.sort_unstable();
        letters
    };
    let (wanted, seen) = (letters(value), letters(shown));
    if seen.is_empty() || wanted == seen {
        return true;
    }
    let (amounts, shown) = (amounts(value), amounts(shown));
    if !amounts.is_empty() && !shown.is_empty() {
        let near = |a: f64, b: f64| (a - b).abs() <= ROUNDED * a.abs().max(b.abs());
        return amounts.iter().any(|a| shown.iter().any(|b| near(*a, *b) || near(*a * 100.0, *b)));
    }
    let common = in_common(&wanted, &seen);
    common * 2 >= wanted.len().min(seen.len()) && common > 0
}

/// The amounts that a text may be, with a point or a comma before the decimals; none for a date, a time or words.
fn amounts(text: &str) -> Vec<f64> {
    let is_amount = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().filter(u8::is_ascii_alphabetic).count() <= 3 // a currency
        && !text.trim_start_matches('-').contains(['-', '/', ':']);
    let number = |decimal: char, group: char| {
        let kept = text.chars().filter(|c| c.is_ascii_digit() || *c == decimal && *c != group);
        let digits: String = kept.map(|c| if c == decimal { '.' } else { c }).collect();
        digits.trim_end_matches('.').parse::<f64>().ok()
    };
    if is_amount { [number('.', ','), number(',', '.')].into_iter().flatten().collect() } else { Vec::new() }
}

/// How many items two sorted lists have in common.
fn in_common(a: &[u8], b: &[u8]) -> usize {
    let (mut at, mut common) = (0, 0);
    for item in a {
        while b.get(at).is_some_and(|other| other < item) {
            at += 1;
        }
        if b.get(at) == Some(item) {
            at += 1;
            common += 1;
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_be_formatted_but_not_exchanged() {
        for (value, shown) in [
            ("somebody", "somebody"),
            ("Some Body", "SOMEBODY"),
            ("1000", "$1,000.00"),
            ("1234.5", "1.234,50 EUR"),
            ("0.25", "25 %"),
            ("2026-11-28", "28.11.2026"),
            ("20261128", "28.11.2026"),
            ("two\rlines", "twolines"),
            ("anything", ""),
        ] {
            assert!(is_shown_as(value, shown), "{value} as {shown}");
        }
        for (value, shown) in
            [("somebody", "Attacker"), ("100", "1,000,000"), ("", "words"), ("1000", "100"), ("no", "yes")]
        {
            assert!(!is_shown_as(value, shown), "{value} as {shown}");
        }
    }

    #[test]
    fn what_content_shows_is_read_from_all_its_strings() {
        let content = b"/Tx BMC q BT /Helv 12 Tf (so\\155e) Tj [(b) -20 <6f>] TJ (dy) ' ET Q EMC";
        assert_eq!(shown(content).as_deref(), Some("somebody"));
        assert_eq!(shown(b"(unended"), None);
    }
}
