//! Distinguished names: read as they are, shown as well as they can be, written as UTF-8.

use std::fmt;
use std::ops::Range;

use encoding_rs::GBK;

use crate::asn1::{Element, Malformed, tag, writer};
use crate::oid::{self, Oid};

/// Attributes that a name may have; real ones have about ten.
const MAX_ATTRIBUTES: usize = 64;

/// A distinguished name (RFC 5280 §4.1.2.4) as part of a larger structure.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    /// Where its DER lies in the structure.
    pub(crate) span: Range<usize>,
    attributes: Vec<Attribute>,
}

#[derive(Debug, Clone)]
struct Attribute {
    /// `None`: an identifier that is no identifier.
    oid: Option<Oid>,
    text: String,
}

impl Name {
    /// Reads a Name that lies in `whole`. Text in whatever encoding never fails: it is shown as well as it can be.
    pub(crate) fn read(element: &Element<'_>, whole: &[u8]) -> Result<Self, Malformed> {
        const WHAT: Malformed = Malformed("a name");
        if element.tag != tag::SEQUENCE {
            return Err(WHAT);
        }
        let mut attributes = Vec::new();
        for rdn in element.inside()?.all(MAX_ATTRIBUTES, WHAT.0)? {
            for attribute in rdn.inside()?.all(MAX_ATTRIBUTES, WHAT.0)? {
                let mut parts = attribute.inside()?;
                let oid = parts.read(tag::OID, WHAT.0)?.oid();
                let text = text(&parts.any(WHAT.0)?);
                attributes.push(Attribute { oid, text });
            }
        }
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(WHAT);
        }
        Ok(Self { span: element.span_in(whole), attributes })
    }

    /// The values of one attribute, in order.
    pub(crate) fn values(&self, oid: &Oid) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .filter(move |attribute| attribute.oid.as_ref() == Some(oid))
            .map(|attribute| attribute.text.as_str())
    }

    /// Whether two names are the same to people: RFC 5280 §7.1, by comparing text without regard to case, string type and runs
    /// of spaces. It only chooses whose signature to check, so being generous costs nothing.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        let pairs = || self.attributes.iter().zip(&other.attributes);
        self.attributes.len() == other.attributes.len()
            && pairs().all(|(a, b)| a.oid == b.oid && (a.text == b.text || folded(&a.text) == folded(&b.text)))
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// `CN=…, O=…, C=CN`: RFC 4514, the last attribute first, with a space behind each comma.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, attribute) in self.attributes.iter().rev().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match attribute.oid.as_ref().map(|oid| (label(oid), oid)) {
                Some((Some(label), _)) => write!(f, "{label}=")?,
                Some((None, oid)) => write!(f, "{oid}=")?,
                None => f.write_str("?=")?,
            }
            for character in attribute.text.chars() {
                match character {
                    ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => write!(f, "\\{character}")?,
                    control if control.is_control() => f.write_str("\u{fffd}")?,
                    plain => write!(f, "{plain}")?,
                }
            }
        }
        Ok(())
    }
}

fn label(oid: &Oid) -> Option<&'static str> {
    Some(match *oid {
        oid::COMMON_NAME => "CN",
        oid::SERIAL_NUMBER => "serialNumber",
        oid::COUNTRY => "C",
        oid::LOCALITY => "L",
        oid::STATE => "ST",
        oid::ORGANIZATION => "O",
        oid::ORGANIZATIONAL_UNIT => "OU",
        oid::ORGANIZATION_IDENTIFIER => "organizationIdentifier",
        oid::EMAIL_ADDRESS => "emailAddress",
        oid::DOMAIN_COMPONENT => "DC",
        _ => return None,
    })
}

/// The text of an attribute value. Bytes that are no UTF-8 are read as GBK, which Chinese CAs put under any string type.
fn text(value: &Element<'_>) -> String {
    match value.tag {
        tag::BMP_STRING => {
            let units = value.content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        tag::UNIVERSAL_STRING => {
            let units =
                value.content.chunks_exact(4).map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]));
            units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => match std::str::from_utf8(value.content) {
            Ok(text) => text.to_owned(),
            Err(_) => GBK.decode_without_bom_handling(value.content).0.into_owned(),
        },
    }
}

/// Writes a name of single attributes, each a UTF8String save for the country, which has to be a PrintableString.
pub(crate) fn write(attributes: &[(Oid, &str)]) -> Vec<u8> {
    let rdns = attributes.iter().map(|(oid, text)| {
        let value = match *oid {
            oid::COUNTRY => writer::tlv(tag::PRINTABLE_STRING, text.as_bytes()),
            oid::EMAIL_ADDRESS => writer::tlv(tag::IA5_STRING, text.as_bytes()),
            _ => writer::utf8(text),
        };
        writer::set_of(vec![writer::sequence(&[writer::oid(oid), value])])
    });
    writer::sequence(&rdns.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::Reader;

    fn read(der: &[u8]) -> Name {
        let element = Reader::der(der).single(tag::SEQUENCE, "test").expect("a sequence");
        Name::read(&element, der).expect("a name")
    }

    fn with_value(oid: &Oid, tag: u8, value: &[u8]) -> Vec<u8> {
        let attribute = writer::sequence(&[writer::oid(oid), writer::tlv(tag, value)]);
        writer::sequence(&[writer::set_of(vec![attribute])])
    }

    #[test]
    fn names_are_shown_most_particular_first_with_special_characters_escaped() {
        let der = write(&[(oid::COUNTRY, "CN"), (oid::ORGANIZATION, "甲, 乙"), (oid::COMMON_NAME, "a\nb")]);
        assert_eq!(read(&der).to_string(), "CN=a\u{fffd}b, O=甲\\, 乙, C=CN");
    }

    #[test]
    fn gbk_bytes_in_any_string_type_become_text() {
        let der = with_value(&oid::EMAIL_ADDRESS, tag::IA5_STRING, &[0xd6, 0xd0, 0xb9, 0xfa]);
        assert_eq!(read(&der).to_string(), "emailAddress=中国");
    }

    #[test]
    fn bytes_in_no_encoding_are_shown_with_replacement_characters() {
        let der = with_value(&oid::COMMON_NAME, tag::UTF8_STRING, &[b'a', 0xff, 0xff]);
        assert!(read(&der).to_string().starts_with("CN=a\u{fffd}"));
        let odd = with_value(&oid::COMMON_NAME, tag::BMP_STRING, &[0x4e, 0x2d, 0xd8, 0x00, 0x00]);
        assert_eq!(read(&odd).to_string(), "CN=中\u{fffd}");
    }

    #[test]
    fn names_match_without_regard_to_case_spaces_and_string_type() {
        let printable = with_value(&oid::COMMON_NAME, tag::PRINTABLE_STRING, b"Root  CA");
        let bmp = with_value(
            &oid::COMMON_NAME,
            tag::BMP_STRING,
            &"root ca".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>(),
        );
        assert!(read(&printable).matches(&read(&bmp)));
        assert!(!read(&printable).matches(&read(&with_value(&oid::ORGANIZATION, tag::UTF8_STRING, b"Root CA"))));
    }
}
