//! Reads tag, length and value without copying, and never beyond what encloses it.

use std::borrow::Cow;

use crate::oid::Oid;

/// Identifier octets used here.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
    pub(crate) const BMP_STRING: u8 = 0x1e;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// `[number]` around a primitive value (IMPLICIT).
    pub(crate) const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// `[number]` around a constructed value (EXPLICIT, or IMPLICIT of a SEQUENCE or SET).
    pub(crate) const fn constructed(number: u8) -> u8 {
        0xa0 | number
    }
}

/// The bit of a tag that says: other values are inside.
const CONSTRUCTED: u8 = 0x20;
/// Levels of nesting that are followed. The deepest structure read here (an attribute value in a CMS) needs 12.
const MAX_DEPTH: u8 = 24;

/// Why bytes are not the structure that was expected; the text names the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed ASN.1: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// One value: its tag, its contents, and all its bytes as received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// Header, contents and, for an indefinite length, the end-of-contents octets.
    pub(crate) bytes: &'a [u8],
    rules: Rules,
    depth: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// Definite lengths in their shortest form (X.690 §10.1).
    Der,
    /// Any length form (X.690 §8.1.3): what CMS in real PDF files uses.
    Ber,
}

/// Reads the values in a slice one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    rules: Rules,
    depth: u8,
}

impl<'a> Reader<'a> {
    pub(crate) fn der(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, rules: Rules::Der, depth: 0 }
    }

    pub(crate) fn ber(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, rules: Rules::Ber, depth: 0 }
    }

    /// The one value that `bytes` consists of: nothing may follow it.
    pub(crate) fn single(mut self, tag: u8, what: &'static str) -> Result<Element<'a>, Malformed> {
        let element = self.read(tag, what)?;
        self.finish(what)?;
        Ok(element)
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next value, whatever it is; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Element<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let header = Header::read(self.rest, self.rules)?;
        let body = self.rest.get(header.size..).unwrap_or_default();
        let (content, total) = match header.length {
            Some(length) => (body.get(..length).ok_or(Malformed("a length beyond the end"))?, header.size + length),
            None => {
                let length = contents_length(body, self.depth)?;
                (&body[..length], header.size + length + 2)
            }
        };
        let bytes = &self.rest[..total];
        self.rest = &self.rest[total..];
        Ok(Some(Element { tag: header.tag, content, bytes, rules: self.rules, depth: self.depth }))
    }

    pub(crate) fn read(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, Malformed> {
        match self.next()? {
            Some(element) if element.tag == tag => Ok(element),
            _ => Err(Malformed(what)),
        }
    }

    pub(crate) fn any(&mut self, what: &'static str) -> Result<Element<'a>, Malformed> {
        self.next()?.ok_or(Malformed(what))
    }

    /// The next value if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.peek() == Some(tag) { self.next() } else { Ok(None) }
    }

    pub(crate) fn finish(&self, what: &'static str) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed(what)) }
    }

    /// All values up to the end, at most `max` of them.
    pub(crate) fn all(mut self, max: usize, what: &'static str) -> Result<Vec<Element<'a>>, Malformed> {
        let mut elements = Vec::new();
        while let Some(element) = self.next()? {
            if elements.len() == max {
                return Err(Malformed(what));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}

impl<'a> Element<'a> {
    /// The values inside.
    pub(crate) fn inside(&self) -> Result<Reader<'a>, Malformed> {
        if self.depth >= MAX_DEPTH {
            return Err(Malformed("nested too deeply"));
        }
        Ok(Reader { rest: self.content, rules: self.rules, depth: self.depth + 1 })
    }

    /// The same contents under the tag that an IMPLICIT one stands for.
    pub(crate) fn under(self, tag: u8) -> Self {
        Self { tag, ..self }
    }

    pub(crate) fn oid(&self) -> Option<Oid> {
        if self.tag == tag::OID { Oid::from_content(self.content) } else { None }
    }

    /// The magnitude of a non-negative INTEGER, without leading zeros; empty for zero.
    pub(crate) fn unsigned(&self, what: &'static str) -> Result<&'a [u8], Malformed> {
        match self.content.first() {
            Some(first) if self.tag == tag::INTEGER && first & 0x80 == 0 => {
                let zeros = self.content.iter().take_while(|byte| **byte == 0).count();
                Ok(&self.content[zeros..])
            }
            _ => Err(Malformed(what)),
        }
    }

    /// A small non-negative INTEGER or ENUMERATED.
    pub(crate) fn number(&self, what: &'static str) -> Result<u32, Malformed> {
        let magnitude = Element { tag: tag::INTEGER, ..*self }.unsigned(what)?;
        if magnitude.len() > 4 || !matches!(self.tag, tag::INTEGER | tag::ENUMERATED) {
            return Err(Malformed(what));
        }
        Ok(magnitude.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    pub(crate) fn boolean(&self, what: &'static str) -> Result<bool, Malformed> {
        match self.content {
            [byte] if self.tag == tag::BOOLEAN => Ok(*byte != 0),
            _ => Err(Malformed(what)),
        }
    }

    /// The bytes of a BIT STRING that holds whole bytes.
    pub(crate) fn bit_string(&self, what: &'static str) -> Result<&'a [u8], Malformed> {
        match self.content.split_first() {
            Some((0, bytes)) if self.tag == tag::BIT_STRING => Ok(bytes),
            _ => Err(Malformed(what)),
        }
    }

    /// Whether it is an OCTET STRING, in one piece or several.
    pub(crate) fn is_octet_string(&self) -> bool {
        self.tag & !CONSTRUCTED == tag::OCTET_STRING
    }

    /// The bytes of an OCTET STRING, put together where it came in pieces (X.690 §8.7.3). An IMPLICIT tag is the caller's.
    pub(crate) fn octets(&self, what: &'static str) -> Result<Cow<'a, [u8]>, Malformed> {
        if self.tag & CONSTRUCTED == 0 {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut whole = Vec::new();
        let mut pieces = self.inside()?;
        while let Some(piece) = pieces.next()? {
            if !piece.is_octet_string() || self.rules == Rules::Der {
                return Err(Malformed(what));
            }
            whole.extend_from_slice(&piece.octets(what)?);
        }
        Ok(Cow::Owned(whole))
    }

    /// Where this value lies in `whole`, of which it is a slice: `offset..offset + length`.
    pub(crate) fn span_in(&self, whole: &[u8]) -> std::ops::Range<usize> {
        span(whole, self.bytes)
    }
}

/// Where the slice `part` lies in the slice `whole` that it was taken from.
pub(crate) fn span(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize).min(whole.len());
    start..(start + part.len()).min(whole.len())
}

struct Header {
    tag: u8,
    /// Bytes of the header itself.
    size: usize,
    /// Bytes of contents; `None` when they run to the end-of-contents octets.
    length: Option<usize>,
}

impl Header {
    fn read(bytes: &[u8], rules: Rules) -> Result<Self, Malformed> {
        const LENGTH: Malformed = Malformed("a length in a form that is not allowed");
        let [tag, first, ..] = *bytes else { return Err(Malformed("cut short")) };
        if tag & 0x1f == 0x1f {
            return Err(Malformed("a tag number above 30")); // nothing read here has one
        }
        if first < 0x80 {
            return Ok(Self { tag, size: 2, length: Some(usize::from(first)) });
        }
        if first == 0x80 {
            let allowed = rules == Rules::Ber && tag & CONSTRUCTED != 0;
            return if allowed { Ok(Self { tag, size: 2, length: None }) } else { Err(LENGTH) };
        }
        let digits = bytes.get(2..2 + usize::from(first & 0x7f)).ok_or(Malformed("cut short"))?;
        let significant = digits.iter().skip_while(|byte| **byte == 0);
        if significant.clone().count() > 4 {
            return Err(LENGTH);
        }
        let length = significant.fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let shortest = digits.first() != Some(&0) && length >= 0x80;
        if rules == Rules::Der && !shortest {
            return Err(LENGTH);
        }
        Ok(Self { tag, size: 2 + digits.len(), length: Some(length) })
    }
}

/// Bytes up to the end-of-contents octets that belong to this level.
fn contents_length(body: &[u8], depth: u8) -> Result<usize, Malformed> {
    if depth >= MAX_DEPTH {
        return Err(Malformed("nested too deeply"));
    }
    let mut reader = Reader { rest: body, rules: Rules::Ber, depth: depth + 1 };
    while !reader.rest.starts_with(&[0, 0]) {
        if reader.next()?.is_none() {
            return Err(Malformed("no end of contents"));
        }
    }
    Ok(body.len() - reader.rest.len())
}
