//! Where the files of a new signature go in a package, and what they are called.

use super::document::Body;
use super::names::{folded, folder_of};
use super::package::Package;
use super::signatures::{Descriptor, Listed};
use super::xml;
use crate::DocumentError;

/// Names for a new signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The entry of the list of signatures.
    pub list: String,
    /// The entry of `Signature.xml`.
    pub descriptor: String,
    /// The entry of `Seal.esl`.
    pub seal: String,
    /// The entry of the signature value.
    pub value: String,
    /// The ID of the signature.
    pub id: String,
    /// The IDs of its stamps.
    pub stamp_ids: Vec<String>,
}

impl Layout {
    /// Names beside the signatures that the package has already, for a signature with `stamps` impressions.
    pub fn new(package: &Package, body: &Body, highest_id: u32, stamps: usize) -> Self {
        let list = body.signatures.clone().unwrap_or_else(|| new_list(package, body));
        let folder = signature_folder(package, &list);
        // IDs of the form sNNN: GB/T 33190-2016 table 66 recommends it, and xs:ID forbids a digit in front.
        let mut ids = (u64::from(highest_id) + 1..).map(|number| format!("s{number:03}"));
        Self {
            list,
            descriptor: format!("{folder}Signature.xml"),
            seal: format!("{folder}Seal.esl"),
            value: format!("{folder}SignedValue.dat"),
            id: ids.next().unwrap_or_default(),
            stamp_ids: ids.take(stamps).collect(),
        }
    }

    /// The highest ID in use once the signature is there.
    pub fn max_id(&self) -> &str {
        self.stamp_ids.last().unwrap_or(&self.id)
    }
}

/// The highest number among the IDs of a list and its signatures; `2`, `s002` and `02` are the same number.
pub fn highest_id(max_id: Option<&str>, signatures: &[(Listed, Descriptor)]) -> u32 {
    let stamps = signatures.iter().flat_map(|(_, descriptor)| &descriptor.stamps).map(|stamp| stamp.id.as_str());
    let ids = signatures.iter().map(|(listed, _)| listed.id.as_str()).chain(stamps).chain(max_id);
    ids.filter_map(|id| id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok()).max().unwrap_or(0)
}

/// `MaxSignId` of the list `text`.
pub fn max_id_of(package: &Package, list: &str, text: &str) -> Result<Option<String>, DocumentError> {
    let tree = xml::parse(text, list, package.limits())?;
    Ok(xml::child_text(tree.root_element(), "MaxSignId").map(Into::into))
}

fn new_list(package: &Package, body: &Body) -> String {
    let folder = folder_of(&body.root);
    let names = (0..).map(|n: u64| match n {
        0 => format!("{folder}Signs/Signatures.xml"),
        n => format!("{folder}Signs/Signatures_{n}.xml"),
    });
    // An unlisted file may lie there already; packages have finitely many entries.
    names.into_iter().find(|name| package.find(name).is_none()).unwrap_or_default()
}

/// The folder of a new signature, with a number that none has. ASCII, for `propertyInfo` names it as IA5String.
fn signature_folder(package: &Package, list: &str) -> String {
    let beside = folder_of(list);
    let parent = match folded(beside) {
        _ if !beside.is_ascii() => "Signs/".to_owned(),
        name if name == "signs/" || name.ends_with("/signs/") => beside.to_owned(),
        _ => format!("{beside}Signs/"),
    };
    let prefix = folded(&format!("{parent}Sign_"));
    let taken = package.entries().iter().filter_map(|entry| {
        let name = folded(&entry.name);
        let rest = name.strip_prefix(&prefix)?;
        rest.split('/').next()?.parse::<u32>().ok()
    });
    let number = taken.max().map_or(0, |highest| u64::from(highest) + 1);
    format!("{parent}Sign_{number}/")
}
