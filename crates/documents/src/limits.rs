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
