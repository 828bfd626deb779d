//! The signatures that a document has already, and whether they permit one more.

use super::document::OFD_XML;
use super::integrity;
use super::layout::{Layout, highest_id, max_id_of};
use super::package::Package;
use super::signatures::{self, Descriptor, Listed};
use super::target::Target;
use super::xml;
use crate::{DocumentError, Limit};

/// The signatures that the package has already, of all its documents.
pub struct Present {
    /// The entry of `OFD.xml`, which may be written otherwise.
    pub ofd_xml: String,
    /// The text of the list of the document that is sealed, if it exists.
    pub list: Option<String>,
    /// The highest number among the IDs of that list.
    pub highest_id: u32,
    signatures: Vec<(Listed, Descriptor)>,
}

impl Present {
    /// Reads the lists and what they name.
    pub fn read(package: &Package, target: &Target) -> Result<Self, DocumentError> {
        let ofd_xml = package.locate("", OFD_XML).unwrap_or_default();
        let own = target.body.signatures.as_ref().filter(|entry| package.find(entry).is_some());
        let (mut list, mut highest) = (None, 0);
        let (mut signatures, mut references) = (Vec::new(), 0);
        for index in target.lists.iter() {
            let entry = package.name_of(index);
            let begin = signatures.len();
            for listed in signatures::list(package, entry)? {
                let bytes = package.read_xml(&listed.entry)?;
                let descriptor = Descriptor::read(package, &listed.entry, &bytes)?;
                references += descriptor.references.len() as u64;
                Limit::References.check(references, package.limits().max_references.into())?;
                signatures.push((listed, descriptor));
            }
            if own.is_some_and(|own| package.find(own) == Some(index)) {
                let text = utf8(package, entry)?;
                let max_id = max_id_of(package, entry, &text)?;
                highest = highest_id(max_id.as_deref(), &signatures[begin..]);
                list = Some(text);
            }
        }
        Ok(Self { ofd_xml, list, highest_id: highest, signatures })
    }

    /// Refuses if a file that sealing must change is protected: that seal would break.
    pub fn must_be_open(&self, package: &Package, target: &Target, layout: &Layout) -> Result<(), DocumentError> {
        if package.find(integrity::LIST).is_some() {
            let (by, covered) = (integrity::LIST.to_owned(), "the set of files".to_owned());
            return Err(DocumentError::Locked { by, covered });
        }
        let ofd_xml = target.body.signatures.is_none().then_some(self.ofd_xml.as_str());
        let changed = [Some(layout.list.as_str()), ofd_xml].into_iter().flatten();
        for index in changed.filter_map(|entry| package.find(entry)) {
            if let Some((signature, _)) = self.signatures.iter().find(|(_, descriptor)| descriptor.covers(index)) {
                let by = format!("signature {}", signature.id);
                return Err(DocumentError::Locked { by, covered: package.name_of(index).to_owned() });
            }
        }
        Ok(())
    }
}

/// The text of an XML file that is to be edited in place.
pub fn utf8(package: &Package, name: &str) -> Result<String, DocumentError> {
    let bytes = package.read_xml(name)?;
    xml::decode(&bytes, name)?;
    let text = std::str::from_utf8(&bytes);
    text.map(str::to_owned).map_err(|_| DocumentError::Unsupported { what: format!("{name} is not UTF-8") })
}
