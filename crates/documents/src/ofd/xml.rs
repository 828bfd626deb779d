//! XML from outside: decoded, bounded, and without DTDs or entities.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};
use roxmltree::{Document, Node, ParsingOptions};

use super::package::malformed;
use super::xml_guard::guard;
use crate::{DocumentError, Limit, Limits};

/// The text of an XML file: UTF-8 unless a byte order mark or its declaration says otherwise. A byte order mark stays in
/// UTF-8 text, so that offsets into the text are offsets into the bytes.
pub fn decode<'a>(bytes: &'a [u8], name: &str) -> Result<Cow<'a, str>, DocumentError> {
    let encoding = encoding_of(bytes);
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| malformed(format!("{name} is not UTF-8")));
    }
    let (text, _, had_errors) = encoding.decode(bytes);
    if had_errors { Err(malformed(format!("{name} is not {}", encoding.name()))) } else { Ok(text) }
}

fn encoding_of(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    if bytes.starts_with(&[0, b'<']) {
        return UTF_16BE;
    }
    if bytes.starts_with(&[b'<', 0]) {
        return UTF_16LE;
    }
    match declared(bytes) {
        // Text that is readable up to here is not UTF-16, whatever it says.
        Some(encoding) if encoding != UTF_16LE && encoding != UTF_16BE => encoding,
        _ => UTF_8,
    }
}

/// The encoding that the XML declaration names, if there is one that is known. GBK and GB2312 are read as GB18030, which has
/// both in it.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..bytes.len().min(200))?.strip_prefix(b"<?xml")?;
    let head = head.split(|b| *b == b'>').next()?;
    let at = memchr::memmem::find(head, b"encoding")?;
    let value = head.get(at + b"encoding".len()..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let encoding = Encoding::for_label(value.split(|b| b == quote).next()?)?;
    Some(if encoding == GBK { GB18030 } else { encoding })
}

/// Parses `text`, the content of the file `name`, within the limits. DTDs, and with them entities, are refused.
pub fn parse<'a>(text: &'a str, name: &str, limits: &Limits) -> Result<Document<'a>, DocumentError> {
    Limit::XmlBytes.check(text.len() as u64, limits.max_xml_bytes)?;
    guard(text, limits)?;
    // roxmltree counts a byte order mark as text in front of the root, which it tolerates.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: limits.max_xml_nodes, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => {
            DocumentError::TooLarge { limit: Limit::XmlNodes, max: limits.max_xml_nodes.into() }
        }
        error => malformed(format!("{name}: {error}")),
    })
}

/// The child elements called `name` in any namespace: real files use old namespaces or none.
pub fn children<'a, 'input>(node: Node<'a, 'input>, name: &'a str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The first child element called `name`.
pub fn child<'a, 'input>(node: Node<'a, 'input>, name: &'a str) -> Option<Node<'a, 'input>> {
    children(node, name).next()
}

/// The text directly inside of `node`, without white space at its ends; `None` if there is none.
pub fn text<'a>(node: Node<'a, '_>) -> Option<Cow<'a, str>> {
    let mut parts = node.children().filter_map(|child| if child.is_text() { child.text() } else { None });
    let first = parts.next()?;
    let whole = match parts.next() {
        None => Cow::Borrowed(first.trim()),
        // A comment or CDATA section splits the text.
        Some(second) => {
            let joined: String = [first, second].into_iter().chain(parts).collect();
            Cow::Owned(joined.trim().to_owned())
        }
    };
    if whole.is_empty() { None } else { Some(whole) }
}

/// The text of the first child element called `name`.
pub fn child_text<'a>(node: Node<'a, '_>, name: &'a str) -> Option<Cow<'a, str>> {
    child(node, name).and_then(text)
}

/// A finite number.
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The numbers of a box such as `0 0 210 297`: x, y, width, height.
pub fn numbers(text: &str) -> Option<[f64; 4]> {
    array(text)
}

/// The numbers of a matrix such as `1 0 0 1 0 0`.
pub fn matrix(text: &str) -> Option<[f64; 6]> {
    array(text)
}

/// Exactly `N` finite numbers.
fn array<const N: usize>(text: &str) -> Option<[f64; N]> {
    let mut numbers = [0.0; N];
    let mut words = text.split_whitespace();
    for place in &mut numbers {
        *place = number(words.next()?)?;
    }
    if words.next().is_none() { Some(numbers) } else { None }
}

/// `text` as it may stand in an attribute or between tags.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '>', '&', '"']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_and_dtds_are_refused() {
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><a>&b;&b;</a>"#;
        let external = r#"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#;
        for text in [bomb, external, "<a>&unknown;</a>"] {
            let error = parse(text, "x.xml", &Limits::default()).expect_err("refused");
            assert!(matches!(error, DocumentError::Malformed { .. }), "{error}");
        }
    }

    #[test]
    fn text_is_decoded_as_the_file_says() {
        let text = r#"<?xml version="1.0" encoding="GBK"?><a>合同</a>"#;
        let (gbk, _, _) = GBK.encode(text);
        assert_eq!(decode(&gbk, "x").expect("GBK"), text);
        let utf16: Vec<u8> =
            [0xFEFF].into_iter().chain("<a>合同</a>".encode_utf16()).flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&utf16, "x").expect("UTF-16"), "<a>合同</a>");
        assert!(decode(b"<a>\xff</a>", "x").is_err());
        for (declared, bytes, text) in [
            ("<?xml version='1.0' encoding='gb18030'?>", &b"\xba\xcf"[..], "合"),
            ("<?xml version=\"1.0\" encoding = \"Big5\" ?>", b"\xa6X", "合"),
            ("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>", b"\xe9", "é"),
            ("<?xml version=\"1.0\" encoding=\"UTF-16\"?>", "合".as_bytes(), "合"),
            ("<?xml version=\"1.0\" encoding=\"unheard-of\"?>", "合".as_bytes(), "合"),
        ] {
            assert_eq!(
                decode(&[declared.as_bytes(), bytes].concat(), "x").expect(declared),
                format!("{declared}{text}")
            );
        }
    }

    #[test]
    fn a_byte_order_mark_stays_so_that_offsets_fit_the_bytes() {
        let bytes = "\u{feff}<a>b</a>".as_bytes();
        let text = decode(bytes, "x").expect("UTF-8");
        let document = parse(&text, "x", &Limits::default()).expect("XML");
        let range = document.root_element().range();
        assert_eq!(&bytes[range], b"<a>b</a>");
    }

    #[test]
    fn text_may_be_split_by_comments() {
        let document = Document::parse("<a> b<!-- c -->d <e>f</e></a>").expect("XML");
        assert_eq!(text(document.root_element()).as_deref(), Some("bd"));
    }

    #[test]
    fn a_box_has_four_finite_numbers() {
        assert_eq!(numbers(" 0 0  210.5 297 "), Some([0.0, 0.0, 210.5, 297.0]));
        for wrong in ["", "1 2 3", "1 2 3 4 5", "1 2 3 x", "1 2 3 inf", "1 2 3 NaN"] {
            assert_eq!(numbers(wrong), None, "{wrong}");
        }
    }
}
