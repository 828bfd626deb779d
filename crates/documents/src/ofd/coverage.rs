//! Which files of the package the seals protect, and which they do not.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::document::OFD_XML;
use super::names::{folder_of, resolve};
use super::package::Package;
use super::xml;
use crate::{DocumentError, Note, NoteCode};

/// The list of the names of all files that GM/T 0099 annex D puts beside `OFD.xml`.
pub const INTEGRITY_LIST: &str = "OFDEntries.xml";

/// Indexes of entries.
pub type Entries = BTreeSet<usize>;

/// How many names a note lists before it only counts.
const NAMES_IN_A_NOTE: usize = 10;

/// What the seals of a document cover.
pub struct Coverage<'a> {
    /// The files that carry signatures: they cannot be covered by their own.
    pub carriers: &'a Entries,
    /// For each seal, the files that it protects.
    pub seals: &'a [Entries],
}

impl Coverage<'_> {
    /// Notes on files that no seal covers, for the document; and, in the order of the seals, notes on files of the
    /// document that only other seals cover.
    pub fn notes<R: Read + Seek>(
        &self,
        package: &mut Package<R>,
    ) -> Result<(Vec<Note>, Vec<Option<Note>>), DocumentError> {
        let by_any: Entries = self.seals.iter().flatten().copied().collect();
        let files = package.entries().iter().enumerate().filter(|(_, entry)| !entry.is_directory);
        let content: Entries = files.map(|(index, _)| index).filter(|index| !self.carriers.contains(index)).collect();
        let uncovered: Entries = content.difference(&by_any).copied().collect();
        let others: Vec<Entries> = self
            .seals
            .iter()
            .map(|own| content.intersection(&by_any).copied().filter(|i| !own.contains(i)).collect())
            .collect();
        if uncovered.is_empty() && others.iter().all(Entries::is_empty) {
            return Ok((Vec::new(), vec![None; self.seals.len()]));
        }
        let used = used_by_the_document(package)?;
        let note = |package: &Package<R>, code, entries: Entries| {
            if entries.is_empty() { None } else { Some(Note::with(code, names(package, &entries))) }
        };
        let (in_use, idle): (Entries, Entries) = uncovered.into_iter().partition(|index| used.contains(index));
        let of_document =
            [note(package, NoteCode::ContentUncovered, in_use), note(package, NoteCode::EntriesUncovered, idle)];
        let of_seals = others.into_iter().map(|entries| {
            note(package, NoteCode::ContentCoveredByOthers, entries.intersection(&used).copied().collect())
        });
        let of_seals = of_seals.collect();
        Ok((of_document.into_iter().flatten().collect(), of_seals))
    }
}

/// Files of signatures that no list of signatures names: a signature was taken out of the list, or put beside it.
pub fn orphans<R: Read + Seek>(package: &Package<R>, carriers: &Entries) -> Option<Note> {
    let is_descriptor = |name: &str| {
        let file = name.rsplit('/').next().unwrap_or(name);
        file.eq_ignore_ascii_case("Signature.xml") || file.eq_ignore_ascii_case("Signatures.xml")
    };
    let entries = package.entries().iter().enumerate();
    let orphans: Entries = entries
        .filter(|(index, entry)| !entry.is_directory && is_descriptor(&entry.name) && !carriers.contains(index))
        .map(|(index, _)| index)
        .collect();
    if orphans.is_empty() { None } else { Some(Note::with(NoteCode::SignatureOrphaned, names(package, &orphans))) }
}

/// Every file that can be reached from `OFD.xml`, by following whatever looks like a location in an XML file. Takes
/// too many files for used rather than too few.
fn used_by_the_document<R: Read + Seek>(package: &mut Package<R>) -> Result<Entries, DocumentError> {
    let mut used = Entries::new();
    let mut open: Vec<usize> = package.find(OFD_XML).into_iter().collect();
    while let Some(index) = open.pop() {
        if used.insert(index) {
            open.extend(locations_in(package, index)?);
        }
    }
    Ok(used)
}

fn locations_in<R: Read + Seek>(package: &mut Package<R>, index: usize) -> Result<Entries, DocumentError> {
    let mut found = Entries::new();
    let Some(name) = package.entries().get(index).map(|entry| entry.name.clone()) else { return Ok(found) };
    if !name.to_ascii_lowercase().ends_with(".xml") {
        return Ok(found);
    }
    let bytes = match package.read_xml(&name) {
        Err(error @ DocumentError::Read(_)) => return Err(error),
        Err(_) => return Ok(found), // damaged: its digest tells
        Ok(bytes) => bytes,
    };
    let Ok(text) = xml::decode(&bytes, &name) else { return Ok(found) };
    let Ok(tree) = xml::parse(&text, &name, package.limits()) else { return Ok(found) };
    let folder = folder_of(&name);
    // The files of a `Res` lie in the folder that its BaseLoc names (GB/T 33190-2016 7.9).
    let base = tree.root_element().attribute("BaseLoc").and_then(|location| resolve(folder, location));
    let base = base.map(|base| format!("{base}/"));
    let folders: Vec<&str> = ["", folder].into_iter().chain(base.as_deref()).collect();
    let mut follow = |location: &str| {
        if location.len() <= 1024 && location.contains(['.', '/', '\\']) {
            let names = folders.iter().filter_map(|folder| resolve(folder, location));
            found.extend(names.filter_map(|name| package.find(&name)));
        }
    };
    for node in tree.descendants() {
        node.attributes().for_each(|attribute| follow(attribute.value()));
        if node.is_text() {
            follow(node.text().unwrap_or_default());
        }
    }
    Ok(found)
}

/// The names of `entries` for a reader: the first few, and how many there are.
pub fn names<R: Read + Seek>(package: &Package<R>, entries: &Entries) -> String {
    let all = entries.iter().filter_map(|index| package.entries().get(*index));
    shortened(all.map(|entry| entry.name.as_str()), entries.len())
}

/// The first few of `names` for a reader, and how many there are.
pub fn shortened<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    let mut text = names.take(NAMES_IN_A_NOTE).collect::<Vec<_>>().join(", ");
    if count > NAMES_IN_A_NOTE {
        text.push_str(&format!(", … ({count})"));
    }
    text
}
