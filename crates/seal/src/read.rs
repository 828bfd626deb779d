//! A tolerant reader of DER: one field after another, each with a name for the error and a bound.

use std::ops::Range;

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use eseal_kernel::Timestamp;

use crate::error::SealError;
use crate::time;

/// One field: its tag, its content, and the exact bytes of both.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    field: &'static str,
    value: AnyRef<'a>,
    /// Tag, length and content as they were received.
    pub(crate) der: &'a [u8],
}

/// The fields of a SEQUENCE that are still to be read.
pub(crate) struct Fields<'a> {
    field: &'static str,
    reader: SliceReader<'a>,
}

/// The one element that `bytes` consist of; nothing may follow it.
pub(crate) fn whole<'a>(field: &'static str, bytes: &'a [u8], max: usize) -> Result<Element<'a>, SealError> {
    bounded(field, max, bytes.len())?;
    let mut fields = Fields { field, reader: SliceReader::new(bytes).map_err(malformed(field))? };
    let element = fields.next(field)?;
    fields.finish()?;
    Ok(element)
}

/// `Ok` as long as `actual` is at most `max`.
pub(crate) fn bounded(field: &'static str, max: usize, actual: usize) -> Result<(), SealError> {
    if actual > max { Err(SealError::TooLarge { field, max, actual }) } else { Ok(()) }
}

/// Names the field that an error of the decoder or encoder is about.
pub(crate) fn malformed(field: &'static str) -> impl Fn(der::Error) -> SealError {
    move |problem| SealError::Malformed { field, problem }
}

impl<'a> Fields<'a> {
    /// The next field, which must be there.
    pub(crate) fn next(&mut self, field: &'static str) -> Result<Element<'a>, SealError> {
        let der = self.reader.tlv_bytes().map_err(malformed(field))?;
        let value = AnyRef::from_der(der).map_err(malformed(field))?;
        Ok(Element { field, value, der })
    }

    /// The next field, or `None` at the end.
    pub(crate) fn optional(&mut self, field: &'static str) -> Result<Option<Element<'a>>, SealError> {
        if self.reader.is_finished() { Ok(None) } else { self.next(field).map(Some) }
    }

    /// The next field if it is `[0]`, constructed, or a SEQUENCE; else it stays to be read.
    pub(crate) fn optional_list(&mut self, field: &'static str) -> Result<Option<Element<'a>>, SealError> {
        let before = self.reader.clone();
        let next = self.optional(field)?.filter(|next| next.is_tagged_0() || next.is(Tag::Sequence));
        if next.is_none() {
            self.reader = before;
        }
        Ok(next)
    }

    /// All that is left, at most `max`.
    pub(crate) fn rest(mut self, field: &'static str, max: usize) -> Result<Vec<Element<'a>>, SealError> {
        let mut elements = Vec::new();
        while let Some(element) = self.optional(field)? {
            elements.push(element);
            bounded(self.field, max, elements.len())?;
        }
        Ok(elements)
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), SealError> {
        self.reader.finish().map_err(malformed(self.field))
    }
}

impl<'a> Element<'a> {
    /// Whether the field is of that type.
    pub(crate) fn is(&self, tag: Tag) -> bool {
        der::Tagged::tag(&self.value) == tag
    }

    /// Whether the field is `[0]`, constructed.
    pub(crate) fn is_tagged_0(&self) -> bool {
        self.is(Tag::ContextSpecific { constructed: true, number: TagNumber(0) })
    }

    /// The content without tag and length, whatever its type is.
    pub(crate) fn content(&self) -> &'a [u8] {
        self.value.value()
    }

    /// Where `first`, the first field inside this one, lies in [`Element::der`].
    pub(crate) fn range_of_first(&self, first: &Element<'_>) -> Range<usize> {
        let start = self.der.len() - self.content().len();
        start..start + first.der.len()
    }

    /// The fields of a SEQUENCE.
    pub(crate) fn sequence(&self) -> Result<Fields<'a>, SealError> {
        self.expect(Tag::Sequence)?;
        let reader = SliceReader::new(self.content()).map_err(malformed(self.field))?;
        Ok(Fields { field: self.field, reader })
    }

    /// The element inside `[0] EXPLICIT`.
    pub(crate) fn explicit(&self) -> Result<Element<'a>, SealError> {
        whole(self.field, self.content(), usize::MAX)
    }

    /// How many fields a SEQUENCE has. Reads headers only.
    pub(crate) fn count(&self, max: usize) -> Result<usize, SealError> {
        Ok(self.sequence()?.rest(self.field, max)?.len())
    }

    /// INTEGER.
    pub(crate) fn integer(&self) -> Result<i64, SealError> {
        self.value.decode_as().map_err(malformed(self.field))
    }

    /// OBJECT IDENTIFIER.
    pub(crate) fn oid(&self) -> Result<ObjectIdentifier, SealError> {
        self.value.decode_as().map_err(malformed(self.field))
    }

    /// OCTET STRING of at most `max` bytes.
    pub(crate) fn octets(&self, max: usize) -> Result<&'a [u8], SealError> {
        self.expect(Tag::OctetString)?;
        bounded(self.field, max, self.content().len())?;
        Ok(self.content())
    }

    /// BIT STRING of at most `max` whole bytes.
    pub(crate) fn bits(&self, max: usize) -> Result<&'a [u8], SealError> {
        let bits: BitStringRef<'a> = self.value.decode_as().map_err(malformed(self.field))?;
        let bytes = bits.as_bytes().ok_or_else(|| self.wrong_value())?;
        bounded(self.field, max, bytes.len())?;
        Ok(bytes)
    }

    /// BOOLEAN, with any non-zero byte for `TRUE`: BER allows it, and only the exact bytes are ever hashed.
    pub(crate) fn boolean(&self) -> Result<bool, SealError> {
        self.expect(Tag::Boolean)?;
        match self.content() {
            [byte] => Ok(*byte != 0),
            _ => Err(self.wrong_value()),
        }
    }

    /// Text of at most `max` bytes in any of the string types whose bytes are characters. The standard says IA5String or
    /// UTF8String; producers differ, and some put GBK into either: what is not UTF-8 becomes U+FFFD.
    pub(crate) fn text(&self, max: usize) -> Result<String, SealError> {
        match der::Tagged::tag(&self.value) {
            Tag::Utf8String
            | Tag::Ia5String
            | Tag::PrintableString
            | Tag::VisibleString
            | Tag::GeneralString
            | Tag::TeletexString
            | Tag::NumericString => {}
            other => return Err(malformed(self.field)(other.unexpected_error(Some(Tag::Utf8String)).into())),
        }
        bounded(self.field, max, self.content().len())?;
        Ok(String::from_utf8_lossy(self.content()).into_owned())
    }

    /// GeneralizedTime or UTCTime; see [`time`] for the spellings.
    pub(crate) fn time(&self) -> Result<Timestamp, SealError> {
        time::from_asn1(der::Tagged::tag(&self.value), self.content()).ok_or(SealError::Time { field: self.field })
    }

    /// This field is of the right type, and its value cannot be.
    pub(crate) fn wrong_value(&self) -> SealError {
        malformed(self.field)(der::Tagged::tag(&self.value).value_error().into())
    }

    fn expect(&self, tag: Tag) -> Result<(), SealError> {
        der::Tagged::tag(&self.value).assert_eq(tag).map(|_| ()).map_err(malformed(self.field))
    }
}
