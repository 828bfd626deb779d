//! Writes DER. Every function returns one complete value: tag, shortest length, contents.

use eseal_kernel::Timestamp;

use super::reader::tag;
use super::time::digits;
use crate::oid::Oid;

pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 6);
    bytes.push(tag);
    let length = content.len();
    if length < 0x80 {
        bytes.push(length as u8);
    } else {
        let digits = length.to_be_bytes();
        let significant = &digits[digits.iter().take_while(|byte| **byte == 0).count()..];
        bytes.push(0x80 | significant.len() as u8);
        bytes.extend_from_slice(significant);
    }
    bytes.extend_from_slice(content);
    bytes
}

pub(crate) fn sequence<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    tlv(tag::SEQUENCE, &concat(parts))
}

/// A SET OF in the order that DER asks for (X.690 §11.6).
pub(crate) fn set_of<P: AsRef<[u8]> + Ord>(mut parts: Vec<P>) -> Vec<u8> {
    parts.sort();
    tlv(tag::SET, &concat(&parts))
}

pub(crate) fn concat<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.as_ref().len()).sum());
    parts.iter().for_each(|part| bytes.extend_from_slice(part.as_ref()));
    bytes
}

/// `[number] EXPLICIT`.
pub(crate) fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(tag::constructed(number), content)
}

/// A non-negative INTEGER from its magnitude, most significant byte first.
pub(crate) fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    let significant = &magnitude[zeros..];
    let sign: &[u8] = if significant.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    tlv(tag::INTEGER, &concat(&[sign, significant]))
}

pub(crate) fn number(number: u32) -> Vec<u8> {
    unsigned(&number.to_be_bytes())
}

pub(crate) fn boolean(value: bool) -> Vec<u8> {
    tlv(tag::BOOLEAN, &[if value { 0xff } else { 0 }])
}

pub(crate) fn null() -> Vec<u8> {
    tlv(tag::NULL, &[])
}

pub(crate) fn oid(oid: &Oid) -> Vec<u8> {
    tlv(tag::OID, oid.as_bytes())
}

pub(crate) fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tlv(tag::OCTET_STRING, bytes)
}

/// A BIT STRING of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(tag::BIT_STRING, &concat(&[&[0][..], bytes]))
}

/// A BIT STRING of named bits, the first being the highest of `bits`; trailing zeros are left out (X.690 §11.2.2).
pub(crate) fn named_bits(bits: u16) -> Vec<u8> {
    let bytes = bits.to_be_bytes();
    let used = if bytes[1] != 0 { 2 } else { usize::from(bytes[0] != 0) };
    let unused = if used == 0 { 0 } else { bytes[used - 1].trailing_zeros() as u8 };
    tlv(tag::BIT_STRING, &concat(&[&[unused][..], &bytes[..used]]))
}

pub(crate) fn utf8(text: &str) -> Vec<u8> {
    tlv(tag::UTF8_STRING, text.as_bytes())
}

/// UTCTime up to 2049, GeneralizedTime outside of it (RFC 5280 §4.1.2.5); fractions of a second are dropped.
pub(crate) fn time(moment: Timestamp) -> Vec<u8> {
    let digits = digits(moment);
    if ("1950"..="2049").contains(&&digits[..4]) {
        tlv(tag::UTC_TIME, format!("{}Z", &digits[2..]).as_bytes())
    } else {
        tlv(tag::GENERALIZED_TIME, format!("{digits}Z").as_bytes())
    }
}

/// GeneralizedTime in whole seconds, as OCSP (RFC 6960 §4.2.2.1) and time stamps (RFC 3161 §2.4.2) have it for every year.
pub(crate) fn generalized_time(moment: Timestamp) -> Vec<u8> {
    tlv(tag::GENERALIZED_TIME, format!("{}Z", digits(moment)).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_their_shortest_form() {
        assert_eq!(tlv(4, &[0; 127])[..2], [4, 127]);
        assert_eq!(tlv(4, &[0; 128])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[0; 256])[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn integers_are_never_negative_and_have_no_needless_zeros() {
        assert_eq!(unsigned(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(number(0), [2, 1, 0]);
    }

    #[test]
    fn named_bits_drop_trailing_zeros() {
        assert_eq!(named_bits(0xc000), [3, 2, 6, 0xc0]); // digitalSignature, nonRepudiation
        assert_eq!(named_bits(0x0600), [3, 2, 1, 0x06]); // keyCertSign, cRLSign
        assert_eq!(named_bits(0x0080), [3, 3, 7, 0, 0x80]); // decipherOnly
        assert_eq!(named_bits(0), [3, 1, 0]);
    }

    #[test]
    fn a_set_is_sorted_by_the_encoding_of_its_elements() {
        assert_eq!(set_of(vec![number(9), number(2)]), [0x31, 6, 2, 1, 2, 2, 1, 9]);
    }
}
