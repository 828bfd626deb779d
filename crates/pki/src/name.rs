//! Distinguished names: read as they are, shown as well as they can be, compared as people do, written as UTF-8.

use std::fmt;
use std::ops::Range;

use encoding_rs::GBK;
use unicode_normalization::UnicodeNormalization as _;

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
    /// Which RelativeDistinguishedName it belongs to: several attributes in one are a set.
    rdn: usize,
    /// `None`: an identifier that is no identifier.
    oid: Option<Oid>,
    text: String,
    /// The attribute as received, where its text does not say all of it: bytes in no known encoding, something that is no text.
    /// Two such are the same where their bytes are.
    undecoded: Option<Box<[u8]>>,
}

impl Name {
    /// Reads a Name that lies in `whole`. Text in whatever encoding never fails: it is shown as well as it can be.
    pub(crate) fn read(element: &Element<'_>, whole: &[u8]) -> Result<Self, Malformed> {
        const WHAT: Malformed = Malformed("a name");
        if element.tag != tag::SEQUENCE {
            return Err(WHAT);
        }
        let mut attributes = Vec::new();
        for (rdn, set) in element.inside()?.all(MAX_ATTRIBUTES, WHAT.0)?.into_iter().enumerate() {
            for attribute in set.inside()?.all(MAX_ATTRIBUTES, WHAT.0)? {
                let mut parts = attribute.inside()?;
                let oid = parts.read(tag::OID, WHAT.0)?.oid();
                let (text, exact) = text(&parts.any(WHAT.0)?);
                let undecoded = (!exact || oid.is_none()).then(|| attribute.bytes.into());
                attributes.push(Attribute { rdn, oid, text, undecoded });
            }
        }
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(WHAT);
        }
        Ok(Self { span: element.span_in(whole), attributes })
    }

    /// Whether there is nothing in it, as in certificates whose subject is named by an extension (RFC 5280 §4.1.2.6).
    pub(crate) fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The values of one attribute, in order.
    pub(crate) fn values(&self, oid: &Oid) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .filter(move |attribute| attribute.oid.as_ref() == Some(oid))
            .map(|attribute| attribute.text.as_str())
    }

    /// Whether two names are the same (RFC 5280 §7.1): the same RelativeDistinguishedNames in the same order, each a set, and
    /// text without regard to case, string type, runs of spaces and compatible forms of characters.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.attributes.len() == other.attributes.len() && self.is_within(other)
    }

    /// Whether it begins with all of `base`, as a name in the subtree of a name does (§4.2.1.10).
    pub(crate) fn is_within(&self, base: &Self) -> bool {
        let mut own = self.rdns();
        base.rdns().all(|theirs| own.next().is_some_and(|own| same_set(own, theirs)))
    }

    /// How many comparisons of attributes [`Name::is_within`] may take: those of one set have no order.
    pub(crate) fn comparisons(&self, other: &Self) -> usize {
        (self.attributes.len() * other.attributes.len()).max(1)
    }

    fn rdns(&self) -> impl Iterator<Item = &[Attribute]> {
        self.attributes.chunk_by(|a, b| a.rdn == b.rdn)
    }
}

fn same_set(a: &[Attribute], b: &[Attribute]) -> bool {
    let mut left: Vec<&Attribute> = b.iter().collect();
    a.len() == b.len()
        && a.iter().all(|one| {
            let found = left.iter().position(|other| one.is_same(other));
            found.map(|index| left.swap_remove(index)).is_some()
        })
}

impl Attribute {
    fn is_same(&self, other: &Self) -> bool {
        let same_text = || self.text == other.text || folded(&self.text) == folded(&other.text);
        self.oid == other.oid && self.undecoded == other.undecoded && (self.undecoded.is_some() || same_text())
    }
}

/// Text as it is compared (RFC 4518 §2): compatible forms made one, which full-width letters need, then case and spaces.
fn folded(text: &str) -> String {
    let normal: String = if text.is_ascii() { text.to_owned() } else { text.nfkc().collect() };
    normal.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
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

/// The text of an attribute value, and whether it says all that the value says. Bytes that are no UTF-8 are read as GBK, which
/// Chinese CAs put under any string type.
fn text(value: &Element<'_>) -> (String, bool) {
    let decoded: Option<String> = match value.tag {
        tag::BMP_STRING => {
            let (pairs, rest) = value.content.as_chunks::<2>();
            let units = char::decode_utf16(pairs.iter().map(|pair| u16::from_be_bytes(*pair)));
            rest.is_empty().then(|| units.collect::<Result<_, _>>().ok()).flatten()
        }
        tag::UNIVERSAL_STRING => {
            let (fours, rest) = value.content.as_chunks::<4>();
            let units = fours.iter().map(|four| char::from_u32(u32::from_be_bytes(*four)));
            rest.is_empty().then(|| units.collect::<Option<_>>()).flatten()
        }
        _ if !is_text(value.tag) => None,
        _ => match std::str::from_utf8(value.content) {
            Ok(text) => Some(text.to_owned()),
            Err(_) => GBK.decode_without_bom_handling_and_without_replacement(value.content).map(Into::into),
        },
    };
    let exact = decoded.is_some();
    (decoded.unwrap_or_else(|| as_well_as_can_be(value)), exact)
}

fn is_text(tag: u8) -> bool {
    matches!(tag, tag::UTF8_STRING | 0x12..=tag::IA5_STRING | 0x1a | 0x1b)
}

fn as_well_as_can_be(value: &Element<'_>) -> String {
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

    #[test]
    fn full_width_letters_are_the_letters_that_they_are_forms_of() {
        let [full, half] = ["ＡＢＣ证书", "abc证书"].map(|text| write(&[(oid::COMMON_NAME, text)]));
        assert!(read(&full).matches(&read(&half)));
    }

    fn several(rdns: &[&[(Oid, &str)]]) -> Vec<u8> {
        let attribute = |(oid, text): &(Oid, &str)| writer::sequence(&[writer::oid(oid), writer::utf8(text)]);
        let sets = rdns.iter().map(|rdn| writer::set_of(rdn.iter().map(attribute).collect()));
        writer::sequence(&sets.collect::<Vec<_>>())
    }

    #[test]
    fn attributes_of_one_set_have_no_order_and_sets_have_one() {
        let (a, b) = ((oid::COMMON_NAME, "a"), (oid::ORGANIZATION, "b"));
        let twice = several(&[&[b], &[a, (oid::COMMON_NAME, "c")]]);
        assert!(read(&twice).matches(&read(&several(&[&[b], &[(oid::COMMON_NAME, "C"), a]]))));
        assert!(!read(&several(&[&[a, b]])).matches(&read(&several(&[&[a], &[b]]))), "one set is not two");
        assert!(!read(&several(&[&[a], &[b]])).matches(&read(&several(&[&[b], &[a]]))));
        assert!(!read(&several(&[&[a, a]])).matches(&read(&several(&[&[a, b]]))));
    }

    #[test]
    fn a_name_is_within_what_it_begins_with() {
        let (a, b) = ((oid::ORGANIZATION, "a"), (oid::COMMON_NAME, "b"));
        let [whole, begin, end, none] = [vec![a, b], vec![a], vec![b], vec![]].map(|name| write(&name));
        for (base, within) in [(&whole, true), (&begin, true), (&end, false), (&none, true)] {
            assert_eq!(read(&whole).is_within(&read(base)), within);
        }
        assert!(!read(&begin).is_within(&read(&whole)));
    }

    #[test]
    fn what_cannot_be_decoded_is_the_same_where_its_bytes_are() {
        let odd = |bytes: &[u8]| with_value(&oid::COMMON_NAME, tag::UTF8_STRING, bytes);
        let [one, other] = [odd(&[b'a', 0xff, 0xff]), odd(&[b'a', 0xff, 0xfe])];
        assert_eq!(read(&one).to_string(), read(&other).to_string(), "shown alike");
        assert!(read(&one).matches(&read(&one)) && !read(&one).matches(&read(&other)));
        let number = with_value(&oid::COMMON_NAME, tag::INTEGER, b"a");
        let text = with_value(&oid::COMMON_NAME, tag::UTF8_STRING, b"a");
        assert!(read(&number).matches(&read(&number)) && !read(&number).matches(&read(&text)));
    }
}
