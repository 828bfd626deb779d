//! Insertions into `OFD.xml` and `Signatures.xml` that leave every other byte as it is.
//!
//! XML is never written anew from its tree: a signature may protect the very bytes, and what we do not know would get
//! lost.

use roxmltree::Node;

use super::package::malformed;
use super::xml;
use crate::{DocumentError, Limits};

/// `OFD.xml` whose body with the index `body` names the list of signatures at `list`.
///
/// # Errors
/// [`DocumentError::Malformed`] if there is no such body.
pub fn with_list(text: &str, body: usize, list: &str, limits: &Limits) -> Result<String, DocumentError> {
    let tree = xml::parse(text, "OFD.xml", limits)?;
    let body = xml::children(tree.root_element(), "DocBody").nth(body);
    let body = body.ok_or_else(|| malformed("OFD.xml names no such document"))?;
    let prefix = prefix_of(text, body);
    let element = format!("<{prefix}Signatures>/{}</{prefix}Signatures>", xml::escaped(list));
    let range = match xml::child(body, "Signatures") {
        Some(empty) => empty.range(),
        None => {
            let after = body.last_element_child().map_or(body.range().end, |last| last.range().end);
            after..after
        }
    };
    Ok([&text[..range.start], &element, &text[range.end..]].concat())
}

/// A new list of signatures with one signature.
pub fn new_list(signature: &NewSignature<'_>) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ofd:Signatures xmlns:ofd=\"{}\"><ofd:MaxSignId>{}</ofd:MaxSignId>{}</ofd:Signatures>",
        super::NAMESPACE,
        signature.max_id,
        signature.element("ofd:"),
    )
}

/// A signature that a list is to name.
pub struct NewSignature<'a> {
    /// Its ID.
    pub id: &'a str,
    /// The highest ID that it uses, of its stamps too.
    pub max_id: &'a str,
    /// The entry of its `Signature.xml`.
    pub entry: &'a str,
}

impl NewSignature<'_> {
    fn element(&self, prefix: &str) -> String {
        format!("<{prefix}Signature ID=\"{}\" Type=\"Seal\" BaseLoc=\"/{}\"/>", self.id, xml::escaped(self.entry))
    }

    /// The list of signatures `text` with this signature behind the others, and its `MaxSignId`, if it has one,
    /// brought up to date.
    ///
    /// # Errors
    /// [`DocumentError::Malformed`] if `text`, the content of `name`, is not well-formed.
    pub fn appended(&self, text: &str, name: &str, limits: &Limits) -> Result<String, DocumentError> {
        let tree = xml::parse(text, name, limits)?;
        let root = tree.root_element();
        let prefix = prefix_of(text, root);
        let element = self.element(prefix);
        let mut edits = match (root.last_element_child(), xml::children(root, "Signature").last()) {
            (_, Some(last)) | (Some(last), None) => vec![(last.range().end..last.range().end, element)],
            (None, None) => vec![(root.range(), filled(text, root, &element))],
        };
        if let Some(max) = xml::child(root, "MaxSignId").and_then(|max| max.first_child()).filter(Node::is_text) {
            edits.push((max.range(), self.max_id.to_owned()));
        }
        edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut edited = text.to_owned();
        for (range, replacement) in edits {
            edited.replace_range(range, &replacement);
        }
        Ok(edited)
    }
}

/// An element without child elements, such as `<a b="c"/>` or `<a b="c"> </a>`, with `content` inside.
fn filled(text: &str, element: Node<'_, '_>, content: &str) -> String {
    let source = &text[element.range()];
    match (source.strip_suffix("/>"), source.rfind("</")) {
        (Some(start), _) => {
            let name = [prefix_of(text, element), element.tag_name().name()].concat();
            format!("{start}>{content}</{name}>")
        }
        (None, Some(end)) => [&source[..end], content, &source[end..]].concat(),
        (None, None) => source.to_owned(), // not reached: a parsed element is of one of both forms
    }
}

/// The prefix of an element as it is written, with its colon: `ofd:` or nothing.
fn prefix_of<'a>(text: &'a str, element: Node<'_, '_>) -> &'a str {
    let name = &text[element.range().start + 1..];
    let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/')).unwrap_or(name.len());
    name[..end].find(':').map_or("", |colon| &name[..=colon])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: NewSignature<'static> =
        NewSignature { id: "s003", max_id: "s004", entry: "Doc_0/Signs/Sign_1/Signature.xml" };

    fn appended(text: &str) -> String {
        NEW.appended(text, "Signatures.xml", &Limits::default()).expect("a list")
    }

    #[test]
    fn the_first_body_names_the_list_and_nothing_else_changes() {
        let text = "\u{feff}<?xml version='1.0'?>\n<o:OFD xmlns:o='u'><o:DocBody>\n <o:DocRoot>D</o:DocRoot>\n</o:DocBody></o:OFD>\n";
        let edited = with_list(text, 0, "Doc_0/Signs/Signatures.xml", &Limits::default()).expect("OFD.xml");
        let inserted = "<o:Signatures>/Doc_0/Signs/Signatures.xml</o:Signatures>";
        assert_eq!(edited.replace(inserted, ""), text);
        assert!(edited.contains(&format!("D</o:DocRoot>{inserted}\n</o:DocBody>")));
    }

    #[test]
    fn the_body_that_is_meant_names_the_list() {
        let text = "<OFD><DocBody><DocRoot>A</DocRoot></DocBody><DocBody><DocRoot>B</DocRoot></DocBody></OFD>";
        let edited = with_list(text, 1, "l.xml", &Limits::default()).expect("OFD.xml");
        assert_eq!(edited, text.replace("B</DocRoot>", "B</DocRoot><Signatures>/l.xml</Signatures>"));
        assert!(with_list(text, 2, "l.xml", &Limits::default()).is_err());
    }

    #[test]
    fn an_empty_entry_is_filled() {
        let text = "<OFD><DocBody><DocRoot>D</DocRoot><Signatures/></DocBody></OFD>";
        let edited = with_list(text, 0, "a&b.xml", &Limits::default()).expect("OFD.xml");
        assert_eq!(edited, text.replace("<Signatures/>", "<Signatures>/a&amp;b.xml</Signatures>"));
    }

    #[test]
    fn a_signature_goes_behind_the_others_and_raises_the_highest_id() {
        let text =
            "<o:Signatures xmlns:o='u'><o:Signature ID='1' BaseLoc='x'/>\n<o:MaxSignId>2</o:MaxSignId></o:Signatures>";
        let edited = appended(text);
        assert_eq!(
            edited,
            "<o:Signatures xmlns:o='u'><o:Signature ID='1' BaseLoc='x'/>\
             <o:Signature ID=\"s003\" Type=\"Seal\" BaseLoc=\"/Doc_0/Signs/Sign_1/Signature.xml\"/>\n\
             <o:MaxSignId>s004</o:MaxSignId></o:Signatures>"
        );
    }

    #[test]
    fn lists_without_signatures_take_one_too() {
        let element = "<Signature ID=\"s003\" Type=\"Seal\" BaseLoc=\"/Doc_0/Signs/Sign_1/Signature.xml\"/>";
        assert_eq!(appended("<Signatures a='b'/>"), format!("<Signatures a='b'>{element}</Signatures>"));
        assert_eq!(appended("<Signatures> </Signatures>"), format!("<Signatures> {element}</Signatures>"));
        let with_max = appended("<Signatures><MaxSignId>0</MaxSignId></Signatures>");
        assert_eq!(with_max, format!("<Signatures><MaxSignId>s004</MaxSignId>{element}</Signatures>"));
    }
}
