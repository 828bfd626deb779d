//! The interactive form (ISO 32000-1 §12.7) as far as sealing and verification need it: its fields, and among them the
//! signatures.

use std::collections::HashSet;

use super::object::{Dictionary, Value};
use super::view::View;
use crate::{DocumentError, Limit};

/// Fields inside each other that are followed.
const MAX_DEPTH: usize = 32;

/// Fields of one form.
const MAX_FIELDS: usize = 200_000;

/// A terminal field, or a widget where a field has several.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// The fully qualified name (§12.7.3.2), lossy.
    pub name: String,
    /// The object number, where it is an indirect object.
    pub number: Option<u32>,
    pub dictionary: Dictionary,
    /// `/FT`, inherited.
    pub kind: Vec<u8>,
    /// `/V` as it stands, inherited.
    pub value: Option<Value>,
}

impl Field {
    pub(crate) fn is_signature(&self) -> bool {
        self.kind == b"Sig"
    }
}

struct Open {
    node: Value,
    name: String,
    kind: Vec<u8>,
    value: Option<Value>,
    depth: usize,
}

impl View<'_> {
    /// The form's dictionary; empty where there is none.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn form(&self) -> Result<Dictionary, DocumentError> {
        self.dictionary(&self.catalog()?, "AcroForm")
    }

    /// The terminal fields in their order.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn fields(&self) -> Result<Vec<Field>, DocumentError> {
        let Value::Array(roots) = self.get(&self.form()?, "Fields")? else { return Ok(Vec::new()) };
        let root = |node| Open { node, name: String::new(), kind: Vec::new(), value: None, depth: 0 };
        let mut open: Vec<Open> = roots.into_iter().rev().map(root).collect();
        let mut seen = HashSet::new();
        let mut fields = Vec::new();
        while let Some(next) = open.pop() {
            let number = next.node.as_reference().map(|id| id.number);
            if next.depth > MAX_DEPTH || number.is_some_and(|number| !seen.insert(number)) {
                continue;
            }
            let Value::Dictionary(dictionary) = self.resolve(&next.node)?.value else { continue };
            let field = self.field(&next, number, dictionary)?;
            match self.get(&field.dictionary, "Kids")? {
                Value::Array(kids) if !kids.is_empty() => open.extend(kids.into_iter().rev().map(|node| Open {
                    node,
                    name: field.name.clone(),
                    kind: field.kind.clone(),
                    value: field.value.clone(),
                    depth: next.depth + 1,
                })),
                _ => fields.push(field),
            }
            Limit::Objects.check((fields.len() + open.len()) as u64, MAX_FIELDS as u64)?;
        }
        Ok(fields)
    }

    fn field(&self, open: &Open, number: Option<u32>, dictionary: Dictionary) -> Result<Field, DocumentError> {
        let own = self.get(&dictionary, "T")?;
        let name = match own.as_string() {
            None => open.name.clone(),
            Some(own) if open.name.is_empty() => text(own),
            Some(own) => format!("{}.{}", open.name, text(own)),
        };
        let kind = self.get(&dictionary, "FT")?.as_name().map_or_else(|| open.kind.clone(), <[u8]>::to_vec);
        let value = dictionary.get("V").cloned().or_else(|| open.value.clone());
        Ok(Field { name, number, dictionary, kind, value })
    }
}

/// A text string (§7.9.2.2) for people: UTF-16 or UTF-8 with their marks, else Latin-1 as an approximation of
/// PDFDocEncoding. Never fails.
pub(crate) fn text(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().copied().map(char::from).collect(),
    }
}

/// A text string: ASCII as it is, everything else as UTF-16 with its mark.
pub(crate) fn to_text(text: &str) -> Value {
    if text.is_ascii() {
        Value::String(text.as_bytes().to_vec())
    } else {
        Value::String([0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_text_string_reads_back() {
        let Value::String(bytes) = to_text("合同专用章") else { panic!("a string") };
        assert_eq!(text(&bytes), "合同专用章");
        assert_eq!(text(b"plain"), "plain");
    }
}
