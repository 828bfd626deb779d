//! Bounds on XML that must hold before it is parsed: roxmltree compares the attributes of an element, and the
//! namespaces in its scope, each with each.

use crate::{DocumentError, Limit, Limits};

/// Real files declare up to three.
const MAX_NAMESPACES_IN_SCOPE: u32 = 32;

/// Refuses text whose elements nest too deeply or have too many attributes or namespaces. Anything that is not
/// well-formed is left to the parser.
pub fn guard(text: &str, limits: &Limits) -> Result<(), DocumentError> {
    let mut open: Vec<u32> = Vec::new(); // the namespaces in scope of every open element
    let mut rest = text.as_bytes();
    while let Some(start) = rest.iter().position(|b| *b == b'<') {
        rest = &rest[start..];
        match skipped(rest) {
            Some(after) => rest = after,
            None if rest.starts_with(b"</") => {
                open.pop();
                rest = &rest[2..];
            }
            None => {
                let tag = Tag::read(rest);
                Limit::XmlAttributes.check(tag.attributes.into(), limits.max_xml_attributes.into())?;
                let in_scope = open.last().copied().unwrap_or(0).saturating_add(tag.namespaces);
                Limit::XmlAttributes.check(in_scope.into(), MAX_NAMESPACES_IN_SCOPE.into())?;
                if !tag.is_empty {
                    open.push(in_scope);
                    Limit::XmlDepth.check(open.len() as u64, limits.max_xml_depth.into())?;
                }
                rest = tag.rest;
            }
        }
    }
    Ok(())
}

/// What follows a comment, CDATA section or processing instruction at the start of `text`.
fn skipped(text: &[u8]) -> Option<&[u8]> {
    let forms: [(&[u8], &[u8]); 3] = [(b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>")];
    let (_, end) = forms.into_iter().find(|(start, _)| text.starts_with(start))?;
    Some(memchr::memmem::find(text, end).map_or(&[][..], |at| &text[at + end.len()..]))
}

/// A start tag, read just far enough to count.
struct Tag<'a> {
    attributes: u32,
    namespaces: u32,
    is_empty: bool,
    rest: &'a [u8],
}

impl<'a> Tag<'a> {
    fn read(text: &'a [u8]) -> Self {
        let mut tag = Self { attributes: 0, namespaces: 0, is_empty: false, rest: &[] };
        let mut at = 1;
        let (mut name, mut between) = (1, false); // where the name at hand starts; whether it is over
        while let Some(byte) = text.get(at) {
            match byte {
                b'"' | b'\'' => at += memchr::memchr(*byte, &text[at + 1..]).map_or(text.len(), |end| end + 1),
                b'=' => {
                    tag.attributes += 1;
                    tag.namespaces += u32::from(text[name..at].starts_with(b"xmlns"));
                }
                b'>' => {
                    tag.is_empty = text[at - 1] == b'/';
                    tag.rest = &text[at + 1..];
                    return tag;
                }
                b' ' | b'\t' | b'\r' | b'\n' => between = true,
                _ if between => (name, between) = (at, false),
                _ => {}
            }
            at += 1;
        }
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<Limit> {
        match guard(text, &Limits::default()) {
            Err(DocumentError::TooLarge { limit, .. }) => Some(limit),
            Err(other) => panic!("{other}"),
            Ok(()) => None,
        }
    }

    #[test]
    fn elements_may_not_nest_too_deeply() {
        assert_eq!(refused(&format!("{}{}", "<a>".repeat(256), "</a>".repeat(256))), None);
        assert_eq!(refused(&"<a>".repeat(257)), Some(Limit::XmlDepth));
        assert_eq!(refused(&"<a/>".repeat(1_000_000)), None);
    }

    #[test]
    fn an_element_may_not_have_too_many_attributes() {
        let attributes = |n: usize| (0..n).map(|i| format!(" a{i}='>'")).collect::<String>();
        assert_eq!(refused(&format!("<a{}/>", attributes(1_000))), None);
        assert_eq!(refused(&format!("<a{}/>", attributes(1_001))), Some(Limit::XmlAttributes));
    }

    #[test]
    fn namespaces_may_not_pile_up() {
        let nested: String = (0..33).map(|i| format!("<a xmlns:n{i}='u'>")).collect();
        assert_eq!(refused(&nested), Some(Limit::XmlAttributes));
        assert_eq!(refused(&nested.replace('=', " = ")), Some(Limit::XmlAttributes));
        assert_eq!(refused(&"<a xmlns:n='u'/>".repeat(10_000)), None);
    }

    #[test]
    fn what_looks_like_tags_in_comments_and_cdata_is_not_counted() {
        let text = format!("<a><!-- {0} --><![CDATA[ {0} ]]><?pi {0} ?></a>", "<b>".repeat(1_000));
        assert_eq!(refused(&text), None);
    }

    #[test]
    fn text_that_is_cut_short_is_left_to_the_parser() {
        let text = r#"<a b="c" d='e'><!-- f --><![CDATA[ g ]]></a>"#;
        for end in 0..text.len() {
            assert_eq!(refused(&text[..end]), None);
        }
    }
}
