//! From bytes to values (ISO 32000-1 §7.3).
//!
//! Lenient where viewers are: an unknown word counts as null and rubbish between dictionary entries is skipped. Bounded
//! in depth and in the number of values, and total: any bytes give a value or [`Malformed`].

use std::ops::Range;

use super::lexical::{Lexer, is_regular, is_space};
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

/// Reads objects from a position on.
pub(crate) struct Parser<'a> {
    pub lexer: Lexer<'a>,
    values: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { lexer: Lexer::new(bytes, at), values: 0 }
    }

    /// `12 0 obj`, the head of an indirect object.
    pub(crate) fn head(&mut self) -> Result<Id, Malformed> {
        self.lexer.skip_space();
        let number = self.lexer.unsigned()?;
        self.lexer.skip_space();
        let generation: u32 = self.lexer.unsigned()?;
        self.lexer.skip_space();
        // A regular character may follow directly: every viewer reads `1 0 obj42`.
        let stands = self.lexer.take(b"obj");
        stands.then(|| Id { number, generation: u16::try_from(generation).unwrap_or(u16::MAX) }).ok_or(Malformed)
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
        self.lexer.skip_space();
        if !self.lexer.take(b"stream") {
            return None;
        }
        // §7.3.8.1: CR LF or LF; a CR alone is met in the wild.
        self.lexer.take(b"\r");
        self.lexer.take(b"\n");
        Some(self.lexer.position())
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
        self.lexer.skip_space();
        match self.lexer.peek().ok_or(Malformed)? {
            b'/' => self.lexer.name().map(Value::Name),
            b'(' => self.lexer.literal().map(Value::String),
            b'[' => self.array(depth).map(Value::Array),
            b'<' if self.lexer.rest().starts_with(b"<<") => self.dictionary(depth).map(Value::Dictionary),
            b'<' => self.lexer.hexadecimal().map(Value::String),
            b'0'..=b'9' => Ok(self.reference().map_or_else(|| self.lexer.number(), Value::Reference)),
            b'+' | b'-' | b'.' => Ok(self.lexer.number()),
            byte if is_regular(byte) => Ok(self.lexer.word()),
            _ => Err(Malformed),
        }
    }

    fn reference(&mut self) -> Option<Id> {
        let start = self.lexer.position();
        let id = self.reference_parts();
        if id.is_none() {
            self.lexer.go_to(start);
        }
        id
    }

    fn reference_parts(&mut self) -> Option<Id> {
        let number = self.lexer.unsigned().ok()?;
        if !self.lexer.peek().is_some_and(is_space) {
            return None;
        }
        self.lexer.skip_space();
        let generation = self.lexer.unsigned().ok()?;
        self.lexer.skip_space();
        self.lexer.keyword("R").then_some(Id { number, generation })
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, Malformed> {
        self.lexer.take(b"[");
        let mut items = Vec::new();
        loop {
            self.lexer.skip_space();
            if self.lexer.take(b"]") {
                return Ok(items);
            }
            items.push(self.nested(depth + 1)?);
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Dictionary, Malformed> {
        let (mut entries, mut rubbish) = (Vec::new(), Vec::new());
        self.entries(depth, &mut rubbish, &mut |key, value, _| entries.push((key, value)))?;
        let mut dictionary = Dictionary::from_entries(entries);
        rubbish.into_iter().for_each(|value| dictionary.hide(value));
        Ok(dictionary)
    }

    /// The entries of the dictionary that begins here, in the order of the file, repeated keys included.
    pub(crate) fn spans(&mut self) -> Result<Vec<Spanned>, Malformed> {
        self.lexer.skip_space();
        let mut entries = Vec::new();
        self.entries(0, &mut Vec::new(), &mut |key, value, span| entries.push(Spanned { key, value, span }))?;
        Ok(entries)
    }

    fn entries(
        &mut self,
        depth: usize,
        rubbish: &mut Vec<Value>,
        found: &mut dyn FnMut(Vec<u8>, Value, Range<usize>),
    ) -> Result<(), Malformed> {
        if !self.lexer.take(b"<<") {
            return Err(Malformed);
        }
        loop {
            self.lexer.skip_space();
            if self.lexer.take(b">>") {
                return Ok(());
            }
            if self.lexer.peek() != Some(b'/') {
                rubbish.push(self.nested(depth + 1)?); // between two entries
                continue;
            }
            let key = self.lexer.name()?;
            self.lexer.skip_space();
            let start = self.lexer.position();
            // `/Key >>`: a value is missing.
            let missing = self.lexer.rest().starts_with(b">>");
            let value = if missing { Value::Null } else { self.nested(depth + 1)? };
            found(key, value, start..self.lexer.position());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::write;
    use super::*;

    fn parsed(text: &str) -> Result<Value, Malformed> {
        Parser::new(text.as_bytes(), 0).value()
    }

    #[test]
    fn numbers_names_and_strings_are_read_as_the_standard_writes_them() {
        let array = parsed("[-.5 +17 4. 12 0 R 12 0 /A#42#zz (a\\)\\\r\nb\\101\\0(c)) <48 6> true null what]");
        let string = |bytes: &[u8]| Value::String(bytes.to_vec());
        let expected = vec![
            Value::Real(-0.5),
            Value::Integer(17),
            Value::Real(4.0),
            Value::Reference(Id { number: 12, generation: 0 }),
            Value::Integer(12),
            Value::Integer(0),
            Value::Name(b"AB#zz".to_vec()),
            string(b"a)bA\0(c)"),
            string(b"H`"),
            Value::Boolean(true),
            Value::Null,
            Value::Null,
        ];
        assert_eq!(array, Ok(Value::Array(expected)));
    }

    #[test]
    fn what_stands_between_two_entries_is_passed_over_and_a_missing_value_is_none() {
        let dictionary = parsed("<< /A 1 2 (x) /B /C /D % comment >>\n>>");
        let mut expected = Dictionary::from([("A", Value::Integer(1)), ("B", Value::name("C"))]);
        [Value::Integer(2), Value::String(b"x".to_vec())].into_iter().for_each(|value| expected.hide(value));
        assert_eq!(dictionary, Ok(Value::Dictionary(expected)));
        for text in ["<< /A 1", "[1 2", "(a", "<12", "", "]", ">>", "<< /A ) >>"] {
            assert_eq!(parsed(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn spans_are_where_the_values_stand() {
        let text = b"5 0 obj << /Contents <00 ff> /M(x)>>";
        let mut parser = Parser::new(text, 0);
        parser.head().expect("a head");
        let entries = parser.spans().expect("a dictionary");
        let spans: Vec<&[u8]> = entries.iter().map(|entry| &text[entry.span.clone()]).collect();
        assert_eq!(spans, [b"<00 ff>".as_slice(), b"(x)"]);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Boolean(true)),
            any::<i64>().prop_map(Value::Integer),
            (-1e9..1e9_f64).prop_map(Value::Real),
            proptest::collection::vec(any::<u8>(), 0..12).prop_map(Value::String),
            proptest::collection::vec(any::<u8>(), 0..8).prop_map(Value::Name),
            any::<(u32, u16)>().prop_map(|(number, generation)| Value::Reference(Id { number, generation })),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let key = proptest::collection::vec(any::<u8>(), 0..6);
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                proptest::collection::vec((key, inner), 0..6)
                    .prop_map(|entries| Value::Dictionary(Dictionary::from_entries(entries))),
            ]
        })
    }

    /// Whole numbers are written without a point and read back as integers.
    fn same(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Value::Dictionary(a), Value::Dictionary(b)) => {
                a.iter().count() == b.iter().count()
                    && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
            }
            _ => a == b || a.as_number().is_some() && a.as_number() == b.as_number(),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in values()) {
            let mut bytes = Vec::new();
            write::value(&mut bytes, &value);
            let back = Parser::new(&bytes, 0).value();
            prop_assert!(back.as_ref().is_ok_and(|back| same(back, &value)), "{back:?}");
        }
    }
}
