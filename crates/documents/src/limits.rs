//! Bounds on what comes from outside.

use std::fmt;

use crate::DocumentError;

/// The most that a document may ask of us. The defaults fit 10,000 pages and refuse bombs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file itself.
    pub max_bytes: u64,
    /// Entries of an OFD package.
    pub max_entries: u64,
    /// Bytes of one entry or stream after decompression.
    pub max_entry_bytes: u64,
    /// Bytes of all entries after decompression, as a multiple of the file's bytes; counted from
    /// [`Limits::RATIO_FLOOR`] on, so that small documents may compress as well as they like.
    pub max_ratio: u64,
    /// Bytes of one XML file.
    pub max_xml_bytes: u64,
    /// Elements and texts of one XML file.
    pub max_xml_nodes: u32,
    /// Elements inside each other in one XML file.
    pub max_xml_depth: u32,
    /// Attributes of one XML element.
    pub max_xml_attributes: u32,
    /// Objects of a PDF, earlier versions of them included.
    pub max_objects: u32,
    /// Cross-reference sections of a PDF: the document and its updates.
    pub max_revisions: u32,
    /// Pages of the document.
    pub max_pages: u32,
    /// Seals and signatures of the document.
    pub max_signatures: u32,
    /// Files that all signatures of an OFD package protect, each counted for each.
    pub max_references: u32,
    /// Characters on one page that are searched for a keyword.
    pub max_page_text: u32,
    /// Bytes of content that the pages of a PDF draw, each part as often as it is drawn, where they are searched for a keyword.
    pub max_drawn_bytes: u64,
    /// Impressions of one seal.
    pub max_stamps: u32,
    /// Objects of a PDF that are compared with what they were when it was signed, over all its signatures.
    pub max_compared: u64,
    /// Bytes of one seal, signature value or certificate.
    pub max_signature_bytes: u64,
}

impl Limits {
    /// Below this many decompressed bytes no ratio is too high.
    pub const RATIO_FLOOR: u64 = 256 << 20;

    /// The names of all limits, as settings and command lines have them.
    pub const NAMES: [&'static str; 18] = [
        "max_bytes",
        "max_entries",
        "max_entry_bytes",
        "max_ratio",
        "max_xml_bytes",
        "max_xml_nodes",
        "max_xml_depth",
        "max_xml_attributes",
        "max_objects",
        "max_revisions",
        "max_pages",
        "max_signatures",
        "max_references",
        "max_page_text",
        "max_drawn_bytes",
        "max_stamps",
        "max_compared",
        "max_signature_bytes",
    ];

    /// Sets the limit of this name: that of the field.
    ///
    /// # Errors
    /// [`LimitError`].
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), LimitError> {
        let small = || u32::try_from(value).map_err(|_| LimitError::TooHigh { name: name.to_owned() });
        match name {
            "max_bytes" => self.max_bytes = value,
            "max_entries" => self.max_entries = value,
            "max_entry_bytes" => self.max_entry_bytes = value,
            "max_ratio" => self.max_ratio = value,
            "max_xml_bytes" => self.max_xml_bytes = value,
            "max_xml_nodes" => self.max_xml_nodes = small()?,
            "max_xml_depth" => self.max_xml_depth = small()?,
            "max_xml_attributes" => self.max_xml_attributes = small()?,
            "max_objects" => self.max_objects = small()?,
            "max_revisions" => self.max_revisions = small()?,
            "max_pages" => self.max_pages = small()?,
            "max_signatures" => self.max_signatures = small()?,
            "max_references" => self.max_references = small()?,
            "max_page_text" => self.max_page_text = small()?,
            "max_drawn_bytes" => self.max_drawn_bytes = value,
            "max_stamps" => self.max_stamps = small()?,
            "max_compared" => self.max_compared = value,
            "max_signature_bytes" => self.max_signature_bytes = value,
            _ => return Err(LimitError::Unknown { name: name.to_owned() }),
        }
        Ok(())
    }
}

/// A limit that can't be set so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// No limit has this name.
    #[error("there is no limit {name:?}; there are {}", Limits::NAMES.join(", "))]
    Unknown {
        /// What was named.
        name: String,
    },
    /// Its numbers have 32 bits.
    #[error("{name} is {} at the most", u32::MAX)]
    TooHigh {
        /// The limit.
        name: String,
    },
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 30,
            max_entries: 200_000,
            max_entry_bytes: 1 << 30,
            max_ratio: 100,
            max_xml_bytes: 64 << 20,
            max_xml_nodes: 2_000_000,
            max_xml_depth: 256,
            max_xml_attributes: 1_000,
            max_objects: 4_000_000,
            max_revisions: 4_096,
            max_pages: 100_000,
            max_signatures: 1_000,
            max_references: 2_000_000,
            max_page_text: 1_000_000,
            max_drawn_bytes: 256 << 20,
            max_stamps: 10_000,
            max_compared: 20_000_000,
            max_signature_bytes: 16 << 20,
        }
    }
}

/// Which limit a document exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::max_bytes`].
    Bytes,
    /// [`Limits::max_entries`].
    Entries,
    /// [`Limits::max_entry_bytes`].
    EntryBytes,
    /// [`Limits::max_ratio`].
    Ratio,
    /// [`Limits::max_xml_bytes`].
    XmlBytes,
    /// [`Limits::max_xml_nodes`].
    XmlNodes,
    /// [`Limits::max_xml_depth`].
    XmlDepth,
    /// [`Limits::max_xml_attributes`].
    XmlAttributes,
    /// [`Limits::max_objects`].
    Objects,
    /// [`Limits::max_revisions`].
    Revisions,
    /// [`Limits::max_pages`].
    Pages,
    /// [`Limits::max_signatures`].
    Signatures,
    /// [`Limits::max_references`].
    References,
    /// [`Limits::max_page_text`].
    PageText,
    /// [`Limits::max_drawn_bytes`].
    DrawnBytes,
    /// [`Limits::max_stamps`].
    Stamps,
    /// [`Limits::max_compared`].
    Compared,
    /// [`Limits::max_signature_bytes`].
    SignatureBytes,
}

impl Limit {
    /// Refuses `actual` beyond `max`.
    pub(crate) fn check(self, actual: u64, max: u64) -> Result<(), DocumentError> {
        if actual > max { Err(DocumentError::TooLarge { limit: self, max }) } else { Ok(()) }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Entries => "entries in the package",
            Self::EntryBytes => "bytes in one entry",
            Self::Ratio => "times its own size when decompressed",
            Self::XmlBytes => "bytes in one XML file",
            Self::XmlNodes => "nodes in one XML file",
            Self::XmlDepth => "levels in one XML file",
            Self::XmlAttributes => "attributes on one XML element",
            Self::Objects => "objects",
            Self::Revisions => "updates",
            Self::Pages => "pages",
            Self::Signatures => "signatures",
            Self::References => "protected files",
            Self::PageText => "characters on one page",
            Self::DrawnBytes => "bytes to draw on all pages",
            Self::Stamps => "impressions of one seal",
            Self::Compared => "objects to compare with what was signed",
            Self::SignatureBytes => "bytes in one seal or signature value",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_sets_one_limit_and_each_another() {
        let mut seen = vec![Limits::default()];
        for name in Limits::NAMES {
            let mut limits = Limits::default();
            limits.set(name, 7).expect("a limit");
            let changed = format!("{limits:?}").replace(&format!("{name}: 7"), "").len();
            assert_eq!(changed, format!("{limits:?}").len() - name.len() - ": 7".len(), "{name}");
            assert!(!seen.contains(&limits), "{name}");
            seen.push(limits);
        }
        let fields = format!("{:?}", Limits::default()).matches(": ").count();
        assert_eq!(Limits::NAMES.len(), fields);
    }

    #[test]
    fn what_is_no_limit_or_too_high_is_refused() {
        let mut limits = Limits::default();
        let unknown = limits.set("max_page", 1).expect_err("refused");
        assert!(unknown.to_string().contains("max_pages"), "{unknown}");
        assert_eq!(limits.set("max_pages", 1 << 32), Err(LimitError::TooHigh { name: "max_pages".to_owned() }));
        assert_eq!(limits.set("max_bytes", 1 << 32), Ok(()));
        assert_eq!(limits, Limits { max_bytes: 1 << 32, ..Limits::default() });
    }
}
