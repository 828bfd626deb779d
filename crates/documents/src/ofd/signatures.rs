//! `Signatures.xml` and `Signature.xml` (GB/T 33190-2016 chapter 18), read the way real producers write them.

use std::collections::HashSet;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use eseal_pki::DigestAlg;
use roxmltree::Node;

use super::names::{folder_of, resolve};
use super::package::{Package, malformed};
use super::xml;
use crate::report::shown;
use crate::{DocumentError, Kind, Limit};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An entry of `Signatures.xml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its `ID`: `s001`, `1`, `02` are all in use.
    pub id: String,
    /// Its `Type`, if it states one.
    pub stated: Option<Kind>,
    /// The entry of its `Signature.xml`.
    pub entry: String,
}

impl Listed {
    /// What the list says that it is: a seal, where it says nothing (GB/T 33190-2016 table 67).
    pub fn kind(&self) -> Kind {
        self.stated.unwrap_or(Kind::Seal)
    }
}

/// The signatures that the list `entry` names, in its order.
pub fn list(package: &Package, entry: &str) -> Result<Vec<Listed>, DocumentError> {
    let bytes = package.read_xml(entry)?;
    let text = xml::decode(&bytes, entry)?;
    let tree = xml::parse(&text, entry, package.limits())?;
    let mut listed: Vec<Listed> = Vec::new();
    let mut entries = HashSet::new();
    let count = xml::children(tree.root_element(), "Signature").count();
    Limit::Signatures.check(count as u64, package.limits().max_signatures.into())?;
    for node in xml::children(tree.root_element(), "Signature") {
        let location = node.attribute("BaseLoc").unwrap_or_default();
        let found = package.locate(folder_of(entry), location);
        let found = found.ok_or_else(|| malformed(format!("{entry}: a signature has no usable BaseLoc")))?;
        if !entries.insert(found.clone()) {
            return Err(malformed(format!("{entry} names {found} twice")));
        }
        let stated = node.attribute("Type").map(str::trim).filter(|stated| !stated.is_empty());
        let stated =
            stated.map(|stated| if stated.eq_ignore_ascii_case("Sign") { Kind::Signature } else { Kind::Seal });
        listed.push(Listed { id: shown(node.attribute("ID").unwrap_or_default().trim()), stated, entry: found });
    }
    Ok(listed)
}

/// What a `Signature.xml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// `SignatureDateTime` as written: for display and comparison, never trusted.
    pub date_time: Option<String>,
    /// `References/@CheckMethod` as written, if it says something.
    pub check_method: Option<String>,
    /// The protected files.
    pub references: Vec<Reference>,
    /// Where impressions stand.
    pub stamps: Vec<StampAnnot>,
    /// The entry of `Seal.esl`, if there is one.
    pub seal: Option<String>,
    /// The entry of the signature value.
    pub signed_value: Option<String>,
}

/// A protected file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its entry, if the package has it.
    pub entry: Option<usize>,
    /// Its location as written, without a slash in front.
    pub location: Box<str>,
    /// The digest that it must have; `None` if it is not Base64.
    pub digest: Option<Vec<u8>>,
}

/// One impression on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct StampAnnot {
    /// Its own ID.
    pub id: String,
    /// The object ID of the page.
    pub page: String,
    /// x, y, width, height in millimetres.
    pub boundary: Option<[f64; 4]>,
    /// The part that is shown, in its own box; `None` if that is all of it.
    pub clip: Option<[f64; 4]>,
}

impl Descriptor {
    /// Reads the content of the `Signature.xml` at `entry`. The order of the elements does not matter.
    pub fn read(package: &Package, entry: &str, bytes: &[u8]) -> Result<Self, DocumentError> {
        let text = xml::decode(bytes, entry)?;
        let tree = xml::parse(&text, entry, package.limits())?;
        let root = tree.root_element();
        let info = xml::child(root, "SignedInfo").ok_or_else(|| malformed(format!("{entry} has no SignedInfo")))?;
        let folder = folder_of(entry);
        let located = |location: &str| package.locate(folder, location);
        let references = xml::child(info, "References");
        // By the standard a child element; an attribute and bare text can mean nothing else.
        let seal = xml::child(info, "Seal").and_then(|seal| {
            let attribute = || seal.attribute("BaseLoc").map(Into::into);
            xml::child_text(seal, "BaseLoc").or_else(attribute).or_else(|| xml::text(seal))
        });
        Ok(Self {
            date_time: xml::child_text(info, "SignatureDateTime").map(Into::into),
            check_method: references
                .and_then(|node| node.attribute("CheckMethod"))
                .map(str::trim)
                .filter(|method| !method.is_empty())
                .map(str::to_owned),
            references: references
                .into_iter()
                .flat_map(|node| xml::children(node, "Reference"))
                .map(|node| reference(package, folder, node))
                .collect(),
            stamps: xml::children(info, "StampAnnot").map(stamp).collect(),
            seal: seal.and_then(|location| located(&location)),
            signed_value: xml::child_text(root, "SignedValue").and_then(|location| located(&location)),
        })
    }

    /// The name of the algorithm of the digests: the one that is written, else the default of GB/T 33190-2016, table 68. MD5
    /// has 16 bytes; a producer that names none and writes twice as many means SM3, which goes with the signature.
    pub fn method(&self) -> &str {
        let digests = || self.references.iter().filter_map(|reference| reference.digest.as_ref());
        let sm3 = || digests().next().is_some() && digests().all(|digest| digest.len() == DigestAlg::Sm3.output_len());
        match &self.check_method {
            Some(method) => method,
            None if sm3() => DigestAlg::Sm3.name(),
            None => DigestAlg::Md5.name(),
        }
    }

    /// Whether the signature protects the entry `index`.
    pub fn covers(&self, index: usize) -> bool {
        self.references.iter().any(|reference| reference.entry == Some(index))
    }
}

/// `FileRef` is absolute by the standard, with or without its slash: the root is tried first.
fn reference(package: &Package, folder: &str, node: Node<'_, '_>) -> Reference {
    let location = node.attribute("FileRef").unwrap_or_default();
    let from_root = resolve("", location).and_then(|name| package.find(&name));
    let entry = from_root.or_else(|| resolve(folder, location).and_then(|name| package.find(&name)));
    Reference {
        entry,
        location: location.trim().trim_start_matches('/').into(),
        digest: xml::child_text(node, "CheckValue").and_then(|text| decoded(&text)),
    }
}

/// Base64, in lines or not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    match text.contains(|c: char| c.is_ascii_whitespace()) {
        false => BASE64.decode(text).ok(),
        true => BASE64.decode(text.split_ascii_whitespace().collect::<String>()).ok(),
    }
}

fn stamp(node: Node<'_, '_>) -> StampAnnot {
    let text = |name| node.attribute(name).unwrap_or_default().trim().to_owned();
    let numbers = |name| node.attribute(name).and_then(xml::numbers);
    StampAnnot { id: text("ID"), page: text("PageRef"), boundary: numbers("Boundary"), clip: numbers("Clip") }
}
