//! Signature dictionaries (ISO 32000-1 §12.8.1): what one says, and exactly which bytes it covers.

use std::ops::Range;

use eseal_kernel::Timestamp;

use super::lexical::decode_hexadecimal;
use super::object::{Dictionary, Value};
use super::parse::{Parser, Spanned};
use super::section::Place;
use super::view::View;
use crate::DocumentError;

/// How the value of a signature is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubFilter {
    /// `ETSI.CAdES.detached`, `adbe.pkcs7.detached`: CMS over the byte ranges.
    Cms,
    /// `adbe.pkcs7.sha1`: CMS around the SHA-1 of the byte ranges.
    CmsSha1,
    /// `adbe.x509.rsa_sha1`: a bare PKCS #1 signature over the byte ranges.
    PlainRsa,
    /// `GM.sm2seal`: SES_Signature whose dataHash is the SM3 of the byte ranges.
    GmSeal,
    /// `GM.sm2cms.detached`: GB/T 35275 around the SM3 of the byte ranges.
    GmCms,
    /// `ETSI.RFC3161`: a time stamp over the byte ranges.
    TimeStamp,
    /// Anything else.
    Unknown,
}

/// A signature dictionary that is the value of a field.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub dictionary: Dictionary,
    pub sub_filter: SubFilter,
    /// What it covers, or why that cannot be said.
    pub coverage: Result<Coverage, Uncovered>,
}

/// The bytes that a signature covers: everything before and after its own value, up to `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// The value of `/Contents` with its angle brackets.
    pub gap: Range<usize>,
    /// The end of the second range: a state of the document.
    pub end: usize,
}

/// Why a `/ByteRange` cannot be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Uncovered {
    #[error("the signature dictionary lies in no place of its own in the file")]
    NotInFile,
    #[error("/ByteRange or /Contents is missing, repeated or indirect")]
    Entries,
    #[error("/ByteRange is not two ranges in order, the first from the start of the file")]
    Ranges,
    #[error("/ByteRange ends after the end of the file")]
    BeyondEnd,
    #[error("what /ByteRange leaves out is not exactly the value of /Contents")]
    Gap,
}

impl SubFilter {
    fn of(name: Option<&[u8]>) -> Self {
        match name {
            Some(b"ETSI.CAdES.detached" | b"adbe.pkcs7.detached") => Self::Cms,
            Some(b"adbe.pkcs7.sha1") => Self::CmsSha1,
            Some(b"adbe.x509.rsa_sha1") => Self::PlainRsa,
            Some(b"GM.sm2seal") => Self::GmSeal,
            Some(b"GM.sm2cms.detached") => Self::GmCms,
            Some(b"ETSI.RFC3161") => Self::TimeStamp,
            _ => Self::Unknown,
        }
    }
}

impl Coverage {
    /// The signed ranges.
    pub(crate) fn ranges(&self) -> [Range<usize>; 2] {
        [0..self.gap.start, self.gap.end..self.end]
    }

    /// The value of `/Contents`, of which trailing zeros are filling.
    pub(crate) fn contents(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let inside = self.gap.start + 1..self.gap.end.checked_sub(1)?;
        decode_hexadecimal(bytes.get(inside)?)
    }
}

impl Signature {
    /// The signature that is the value of a field; `None` where the value is no dictionary.
    ///
    /// `holder` is the object number of the field, for values that are direct objects in it.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn read(view: &View<'_>, value: &Value, holder: Option<u32>) -> Result<Option<Self>, DocumentError> {
        let Value::Dictionary(dictionary) = view.resolve(value)?.value else { return Ok(None) };
        let at = match value.as_reference() {
            Some(id) => indirect_at(view, id.number)?,
            None => direct_at(view, holder)?,
        };
        let coverage = match at {
            Some(at) => covered(view, at),
            None => Err(Uncovered::NotInFile),
        };
        let sub_filter = SubFilter::of(view.get(&dictionary, "SubFilter")?.as_name());
        Ok(Some(Self { dictionary, sub_filter, coverage }))
    }

    /// `/M`, the signer's own statement of the time.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        self.dictionary.get("M").and_then(Value::as_string).and_then(super::time::read)
    }

    /// Whether it is a time stamp over the document and no one's seal or signature.
    pub(crate) fn is_time_stamp(&self) -> bool {
        self.sub_filter == SubFilter::TimeStamp || self.dictionary.is_type("DocTimeStamp")
    }
}

/// Where the dictionary that object `number` is begins.
fn indirect_at(view: &View<'_>, number: u32) -> Result<Option<usize>, DocumentError> {
    let Some(Place::At(offset)) = view.place(number) else { return Ok(None) };
    let mut parser = Parser::new(view.bytes(), offset);
    if parser.head().is_err() {
        return Ok(None);
    }
    let start = parser.lexer.position();
    // A reference to a reference: follow it.
    match Parser::new(view.bytes(), start).value() {
        Ok(Value::Reference(id)) if id.number != number => match view.place(id.number) {
            Some(Place::At(offset)) => {
                let mut parser = Parser::new(view.bytes(), offset);
                Ok(parser.head().is_ok().then(|| parser.lexer.position()))
            }
            _ => Ok(None),
        },
        Ok(Value::Dictionary(_)) => Ok(Some(start)),
        _ => Ok(None),
    }
}

/// Where the dictionary begins that is the direct value `/V` of object `holder`.
fn direct_at(view: &View<'_>, holder: Option<u32>) -> Result<Option<usize>, DocumentError> {
    let Some(Place::At(offset)) = holder.and_then(|number| view.place(number)) else { return Ok(None) };
    let mut parser = Parser::new(view.bytes(), offset);
    if parser.head().is_err() {
        return Ok(None);
    }
    let entries = parser.spans().unwrap_or_default();
    Ok(only(&entries, b"V").map(|entry| entry.span.start))
}

fn only<'e>(entries: &'e [Spanned], key: &[u8]) -> Option<&'e Spanned> {
    let mut found = entries.iter().filter(|entry| entry.key == key);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// What the dictionary at `at` covers. Its entries are read from the file once more, with their places.
fn covered(view: &View<'_>, at: usize) -> Result<Coverage, Uncovered> {
    let bytes = view.bytes();
    let entries = Parser::new(bytes, at).spans().map_err(|_| Uncovered::NotInFile)?;
    let ranges = only(&entries, b"ByteRange").and_then(|entry| match &entry.value {
        Value::Reference(_) => view.resolve(&entry.value).ok().map(|object| object.value),
        direct => Some(direct.clone()),
    });
    let (Some(ranges), Some(contents)) = (ranges, only(&entries, b"Contents")) else {
        return Err(Uncovered::Entries);
    };
    let Value::String(_) = contents.value else { return Err(Uncovered::Entries) };
    let numbers: Vec<Option<usize>> = ranges.as_array().unwrap_or_default().iter().map(Value::as_offset).collect();
    let [Some(0), Some(first), Some(second), Some(length)] = numbers[..] else { return Err(Uncovered::Ranges) };
    let end = second.checked_add(length).ok_or(Uncovered::Ranges)?;
    if first >= second {
        return Err(Uncovered::Ranges);
    }
    if end > bytes.len() {
        return Err(Uncovered::BeyondEnd);
    }
    let gap = first..second;
    let hexadecimal = bytes.get(gap.start) == Some(&b'<') && bytes.get(gap.end - 1) == Some(&b'>');
    if gap != contents.span || !hexadecimal { Err(Uncovered::Gap) } else { Ok(Coverage { gap, end }) }
}
