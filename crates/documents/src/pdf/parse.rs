//! From bytes to values (ISO 32000-1 §7.2, §7.3).
//!
//! Lenient where viewers are: an unknown word counts as null and rubbish between dictionary entries is skipped. Bounded
//! in depth and in the number of values, and total: any bytes give a value or [`Malformed`].

use std::ops::Range;

use super::object::{Dictionary, Id, Object, Value};

/// Nesting of arrays and dictionaries that is followed.
const MAX_DEPTH: usize = 96;

/// Values that one object may hold. The largest arrays in use (glyph widths, index tables) have some ten thousand.
const MAX_VALUES: usize = 1 << 20;

/// The bytes are no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// An entry of a dictionary and where its value lies in the file.
pub(crate) struct Spanned {
    pub key: Vec<u8>,
    pub value: Value,
    pub span: Range<usize>,
}

/// Reads objects from a position in a file or in the content of an object stream.
pub(crate) struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()), values: 0 }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn peek_is(&self, wanted: impl Fn(u8) -> bool) -> bool {
        self.peek().is_some_and(wanted)
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        self.at += self.rest().iter().take_while(|byte| wanted(**byte)).count();
    }

    /// Skips white space and comments.
    pub(crate) fn skip_space(&mut self) {
        loop {
            self.skip_while(is_space);
            if !self.peek_is(|byte| byte == b'%') {
                return;
            }
            self.skip_while(|byte| !matches!(byte, b'\r' | b'\n'));
        }
    }

    /// Takes `word` where it stands next and no regular character follows it.
    pub(crate) fn keyword(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let stands = rest.starts_with(word.as_bytes()) && !rest.get(word.len()).copied().is_some_and(is_regular);
        if stands {
            self.at += word.len();
        }
        stands
    }

    /// An unsigned number in decimal digits.
    pub(crate) fn unsigned<T: std::str::FromStr>(&mut self) -> Result<T, Malformed> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(self.rest().get(..digits).unwrap_or_default()).map_err(|_| Malformed)?;
        let number = text.parse().map_err(|_| Malformed)?;
        self.at += digits;
        Ok(number)
    }

    /// `12 0 obj`, the head of an indirect object.
    pub(crate) fn head(&mut self) -> Result<Id, Malformed> {
        self.skip_space();
        let number = self.unsigned()?;
        self.skip_space();
        let generation = self.unsigned::<u32>()?;
        self.skip_space();
        // `obj` may be followed directly by a regular character: `1 0 obj42` is read by every viewer.
        if !self.rest().starts_with(b"obj") {
            return Err(Malformed);
        }
        self.at += 3;
        Ok(Id { number, generation: u16::try_from(generation).unwrap_or(u16::MAX) })
    }

    /// A whole indirect object. The end of a stream's data is not looked for: see `View::stream_span`.
    pub(crate) fn indirect(&mut self) -> Result<(Id, Object), Malformed> {
        let id = self.head()?;
        let value = self.value()?;
        let data = match value {
            Value::Dictionary(_) => self.stream_start(),
            _ => None,
        };
        Ok((id, Object { value, data }))
    }

    fn stream_start(&mut self) -> Option<usize> {
        self.skip_space();
        if !self.rest().starts_with(b"stream") {
            return None;
        }
        self.at += b"stream".len();
        // §7.3.8.1: CR LF or LF; a CR alone is met in the wild.
        if self.peek_is(|byte| byte == b'\r') {
            self.at += 1;
        }
        if self.peek_is(|byte| byte == b'\n') {
            self.at += 1;
        }
        Some(self.at)
    }

    /// The next value; a reference stays a reference.
    pub(crate) fn value(&mut self) -> Result<Value, Malformed> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Err(Malformed);
        }
        self.skip_space();
        match self.peek().ok_or(Malformed)? {
            b'/' => self.name().map(Value::Name),
            b'(' => self.literal().map(Value::String),
            b'[' => self.array(depth).map(Value::Array),
            b'<' if self.rest().starts_with(b"<<") => self.dictionary(depth).map(Value::Dictionary),
            b'<' => self.hexadecimal().map(Value::String),
            b'0'..=b'9' => Ok(self.reference().map_or_else(|| self.number(), Value::Reference)),
            b'+' | b'-' | b'.' => Ok(self.number()),
            byte if is_regular(byte) => Ok(self.word()),
            _ => Err(Malformed),
        }
    }

    fn word(&mut self) -> Value {
        let start = self.at;
        self.skip_while(is_regular);
        match self.bytes.get(start..self.at) {
            Some(b"true") => Value::Boolean(true),
            Some(b"false") => Value::Boolean(false),
            _ => Value::Null,
        }
    }

    fn number(&mut self) -> Value {
        let start = self.at;
        self.skip_while(is_regular);
        let text = self.bytes.get(start..self.at).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        if let Ok(number) = text.parse::<i64>() {
            return Value::Integer(number);
        }
        // Only the characters of a PDF number: Rust's would also read "1e5", "inf" and "nan".
        let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.'));
        match text.parse::<f64>() {
            Ok(number) if plain => Value::Real(number.clamp(-1e38, 1e38)),
            _ => Value::Integer(0), // "." and "-" and "--5" are met in the wild, and read as zero
        }
    }

    fn reference(&mut self) -> Option<Id> {
        let start = self.at;
        let id = self.reference_parts();
        if id.is_none() {
            self.at = start;
        }
        id
    }

    fn reference_parts(&mut self) -> Option<Id> {
        let number = self.unsigned().ok()?;
        if !self.peek_is(is_space) {
            return None;
        }
        self.skip_space();
        let generation = self.unsigned().ok()?;
        self.skip_space();
        self.keyword("R").then_some(Id { number, generation })
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, Malformed> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.peek_is(|byte| byte == b']') {
                self.at += 1;
                return Ok(items);
            }
            items.push(self.nested(depth + 1)?);
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Dictionary, Malformed> {
        let entries = self.entries(depth)?;
        Ok(Dictionary::from_entries(entries.into_iter().map(|entry| (entry.key, entry.value)).collect()))
    }

    /// The entries of the dictionary that begins here, in the order of the file, repeated keys included.
    pub(crate) fn spans(&mut self) -> Result<Vec<Spanned>, Malformed> {
        self.skip_space();
        if self.rest().starts_with(b"<<") { self.entries(0) } else { Err(Malformed) }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Spanned>, Malformed> {
        self.at += 2;
        let mut entries = Vec::new();
        loop {
            self.skip_space();
            if self.rest().starts_with(b">>") {
                self.at += 2;
                return Ok(entries);
            }
            if !self.peek_is(|byte| byte == b'/') {
                self.nested(depth + 1)?; // rubbish between two entries
                continue;
            }
            let key = self.name()?;
            self.skip_space();
            let start = self.at;
            // `/Key >>`: a value is missing.
            let value = if self.rest().starts_with(b">>") { Value::Null } else { self.nested(depth + 1)? };
            entries.push(Spanned { key, value, span: start..self.at });
        }
    }

    fn name(&mut self) -> Result<Vec<u8>, Malformed> {
        self.at += 1;
        let start = self.at;
        self.skip_while(is_regular);
        let raw = self.bytes.get(start..self.at).ok_or(Malformed)?;
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((&byte, tail)) = rest.split_first() {
            match (byte, tail) {
                (b'#', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    name.push(hex_digit(*high) << 4 | hex_digit(*low));
                    rest = after;
                }
                _ => {
                    name.push(byte);
                    rest = tail;
                }
            }
        }
        Ok(name)
    }

    fn hexadecimal(&mut self) -> Result<Vec<u8>, Malformed> {
        self.at += 1;
        let length = memchr::memchr(b'>', self.rest()).ok_or(Malformed)?;
        let raw = self.rest().get(..length).unwrap_or_default();
        self.at += length + 1;
        decode_hexadecimal(raw).ok_or(Malformed)
    }

    fn literal(&mut self) -> Result<Vec<u8>, Malformed> {
        self.at += 1;
        let mut text = Vec::new();
        let mut open = 1_usize;
        loop {
            let byte = self.peek().ok_or(Malformed)?;
            self.at += 1;
            match byte {
                b'\\' => self.escape(&mut text)?,
                b'\r' => {
                    // §7.3.4.2: every end of line in a string is one line feed.
                    if self.peek_is(|next| next == b'\n') {
                        self.at += 1;
                    }
                    text.push(b'\n');
                }
                b'(' => {
                    open += 1;
                    text.push(byte);
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(text);
                    }
                    text.push(byte);
                }
                _ => text.push(byte),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), Malformed> {
        let byte = self.peek().ok_or(Malformed)?;
        self.at += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\n' => {}
            b'\r' => {
                if self.peek_is(|next| next == b'\n') {
                    self.at += 1;
                }
            }
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    match self.peek() {
                        Some(digit @ b'0'..=b'7') => code = code * 8 + u32::from(digit - b'0'),
                        _ => break,
                    }
                    self.at += 1;
                }
                text.push((code & 0xff) as u8); // §7.3.4.2: high-order overflow is ignored
            }
            other => text.push(other),
        }
        Ok(())
    }
}

/// Hexadecimal digits with white space between them; an odd last digit is followed by a zero (§7.3.4.3).
pub(crate) fn decode_hexadecimal(raw: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(raw.len() / 2 + 1);
    let mut high = None;
    for byte in raw.iter().copied().filter(|byte| !is_space(*byte)) {
        if !byte.is_ascii_hexdigit() {
            return None;
        }
        match high.take() {
            None => high = Some(hex_digit(byte)),
            Some(first) => bytes.push(first << 4 | hex_digit(byte)),
        }
    }
    bytes.extend(high.map(|first| first << 4));
    Some(bytes)
}

fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => 0,
    }
}

/// White space, §7.2.2 table 1.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

/// Neither white space nor a delimiter, §7.2.2.
pub(crate) fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}
