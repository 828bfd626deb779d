//! Characters, words, numbers, names and strings (ISO 32000-1 §7.2, §7.3.2–7.3.5).

use super::object::Value;
use super::parse::Malformed;

/// A position in the bytes of a file or of an object stream.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()) }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn go_to(&mut self, at: usize) {
        self.at = at.min(self.bytes.len());
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes `wanted` where it stands next, whatever follows it.
    pub(crate) fn take(&mut self, wanted: &[u8]) -> bool {
        let stands = self.rest().starts_with(wanted);
        if stands {
            self.at += wanted.len();
        }
        stands
    }

    /// Takes `word` where it stands next and no regular character follows it.
    pub(crate) fn keyword(&mut self, word: &str) -> bool {
        let alone = !self.rest().get(word.len()).copied().is_some_and(is_regular);
        alone && self.take(word.as_bytes())
    }

    /// Skips white space and comments.
    pub(crate) fn skip_space(&mut self) {
        loop {
            self.take_while(is_space);
            if self.peek() != Some(b'%') {
                return;
            }
            self.take_while(|byte| !matches!(byte, b'\r' | b'\n'));
        }
    }

    /// The bytes up to the first one that is not `wanted`.
    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().take_while(|byte| wanted(**byte)).count();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn next(&mut self) -> Result<u8, Malformed> {
        let byte = self.peek().ok_or(Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    /// An unsigned number in decimal digits.
    pub(crate) fn unsigned<T: std::str::FromStr>(&mut self) -> Result<T, Malformed> {
        let start = self.at;
        let digits = std::str::from_utf8(self.take_while(|byte| byte.is_ascii_digit())).unwrap_or_default();
        digits.parse().map_err(|_| {
            self.at = start;
            Malformed
        })
    }

    /// Regular characters, as they stand.
    pub(crate) fn plain_word(&mut self) -> &'a [u8] {
        self.take_while(is_regular)
    }

    /// A word of regular characters: true, false, or what counts as null.
    pub(crate) fn word(&mut self) -> Value {
        match self.take_while(is_regular) {
            b"true" => Value::Boolean(true),
            b"false" => Value::Boolean(false),
            _ => Value::Null,
        }
    }

    /// A number. What is none, such as `.` and `--5`, is met in the wild and read as zero.
    pub(crate) fn number(&mut self) -> Value {
        let text = std::str::from_utf8(self.take_while(is_regular)).unwrap_or_default();
        if let Ok(number) = text.parse() {
            return Value::Integer(number);
        }
        // Only the characters of a PDF number: Rust would also read "1e5", "inf" and "nan".
        let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.'));
        match text.parse::<f64>() {
            Ok(number) if plain => Value::Real(number.clamp(-1e38, 1e38)),
            _ => Value::Integer(0),
        }
    }

    /// A name, which begins with a solidus.
    pub(crate) fn name(&mut self) -> Result<Vec<u8>, Malformed> {
        self.next()?;
        let mut rest = self.take_while(is_regular);
        if !rest.contains(&b'#') {
            return Ok(rest.to_vec());
        }
        let mut name = Vec::with_capacity(rest.len());
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

    /// A string in angle brackets.
    pub(crate) fn hexadecimal(&mut self) -> Result<Vec<u8>, Malformed> {
        self.next()?;
        let length = memchr::memchr(b'>', self.rest()).ok_or(Malformed)?;
        let raw = self.rest().get(..length).unwrap_or_default();
        self.at += length + 1;
        decode_hexadecimal(raw).ok_or(Malformed)
    }

    /// A string in parentheses.
    pub(crate) fn literal(&mut self) -> Result<Vec<u8>, Malformed> {
        self.next()?;
        let mut text = Vec::new();
        let mut open = 1_usize;
        loop {
            match self.next()? {
                b'\\' => self.escape(&mut text)?,
                b'\r' => {
                    // §7.3.4.2: every end of line in a string is one line feed.
                    self.take(b"\n");
                    text.push(b'\n');
                }
                b')' if open == 1 => return Ok(text),
                byte => {
                    open = open + usize::from(byte == b'(') - usize::from(byte == b')');
                    text.push(byte);
                }
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), Malformed> {
        let byte = match self.next()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'\n' => return Ok(()), // the line goes on
            b'\r' => {
                self.take(b"\n");
                return Ok(());
            }
            digit @ b'0'..=b'7' => self.octal(digit),
            other => other,
        };
        text.push(byte);
        Ok(())
    }

    /// Up to three octal digits, of which `first` was taken; high-order overflow is ignored (§7.3.4.2).
    fn octal(&mut self, first: u8) -> u8 {
        let mut code = u16::from(first - b'0');
        for _ in 0..2 {
            let Some(digit @ b'0'..=b'7') = self.peek() else { break };
            code = code * 8 + u16::from(digit - b'0');
            self.at += 1;
        }
        (code & 0xff) as u8
    }
}

/// What is no hexadecimal digit.
const NO_DIGIT: u8 = 0xff;

/// The value of each byte as a hexadecimal digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        digits[b"0123456789abcdef"[digit] as usize] = digit as u8;
        digits[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// Hexadecimal digits with white space between them; an odd last digit is followed by a zero (§7.3.4.3).
pub(crate) fn decode_hexadecimal(raw: &[u8]) -> Option<Vec<u8>> {
    // Signature values are long, and without white space.
    let mut bytes = Vec::with_capacity(raw.len() / 2 + 1);
    let mut seen = 0;
    let (pairs, odd) = raw.as_chunks::<2>();
    for [high, low] in pairs {
        let (high, low) = (DIGITS[usize::from(*high)], DIGITS[usize::from(*low)]);
        seen |= high | low;
        bytes.push(high << 4 | low);
    }
    if seen & 0xf0 == 0 && odd.is_empty() { Some(bytes) } else { with_spaces(raw) }
}

fn with_spaces(raw: &[u8]) -> Option<Vec<u8>> {
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
