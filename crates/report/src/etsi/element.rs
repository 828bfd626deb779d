//! Elements of XML, as a tree that is written at the end.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::words::plain;

/// An element with what is in it.
#[derive(Debug, Clone)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: Option<String>,
    children: Vec<Element>,
}

impl Element {
    /// An empty element.
    pub const fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), text: None, children: Vec::new() }
    }

    /// An element with a text, without characters that XML does not have.
    pub fn text(name: &'static str, text: impl AsRef<str>) -> Self {
        Self { text: Some(plain(text.as_ref()).into_owned()), ..Self::new(name) }
    }

    /// With an attribute.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// With a further element in it, behind the others.
    pub fn containing(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// With further elements in it, behind the others.
    pub fn containing_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// As a document.
    pub fn into_document(self) -> String {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        // Writing to memory does not fail.
        let _ = writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        self.write(&mut writer);
        String::from_utf8(writer.into_inner()).unwrap_or_default()
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) {
        let attributes = self.attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let start = BytesStart::new(self.name).with_attributes(attributes);
        if self.children.is_empty() && self.text.is_none() {
            let _ = writer.write_event(Event::Empty(start));
            return;
        }
        let _ = writer.write_event(Event::Start(start));
        if let Some(text) = &self.text {
            let _ = writer.write_event(Event::Text(BytesText::new(text)));
        }
        for child in &self.children {
            child.write(writer);
        }
        let _ = writer.write_event(Event::End(BytesEnd::new(self.name)));
    }
}
