//! Which files of the package the seals protect, and which they do not.

use super::document::OFD_XML;
use super::entry_set::EntrySet;
use super::names::{folder_of, resolve};
use super::package::{Fault, Package};
use super::signed_value::SignedValue;
use super::xml;
use crate::{DocumentError, Limit, Note, NoteCode};

/// How many names a note lists before it only counts.
const NAMES_IN_A_NOTE: usize = 10;

/// What the seals of a document cover.
pub struct Coverage<'a> {
    /// The files that carry signatures: they cannot be covered by their own.
    pub carriers: &'a EntrySet,
    /// For each seal, the files that it protects.
    pub seals: Vec<&'a EntrySet>,
}

impl Coverage<'_> {
    /// Notes on files that no seal covers, for the document; and, in the order of the seals, notes on files of the
    /// document that only other seals cover.
    pub fn notes(&self, package: &Package) -> (Vec<Note>, Vec<Option<Note>>) {
        let mut by_any = EntrySet::default();
        self.seals.iter().for_each(|seal| by_any.union(seal));
        let content: EntrySet = package.files().map(|(index, _)| index).collect();
        let content = content.without(self.carriers);
        let uncovered = content.without(&by_any);
        let covered = content.intersection(&by_any);
        if uncovered.is_empty() && self.seals.iter().all(|own| covered.without(own).is_empty()) {
            return (Vec::new(), vec![None; self.seals.len()]);
        }
        let used = Used::find(package, by_any, self.carriers);
        let of_document = used.sorted(&uncovered);
        let of_document = of_document.into_iter().filter_map(|(code, entries)| note(package, code, &entries));
        let of_seal = |own: &&EntrySet| {
            let by_others = covered.without(own).intersection(&used.all);
            note(package, NoteCode::ContentCoveredByOthers, &by_others)
        };
        (of_document.collect(), self.seals.iter().map(of_seal).collect())
    }
}

/// Files of signatures that no list of signatures names: a signature was taken out of the list, or put beside it.
///
/// # Errors
/// Only if the input cannot be read.
pub fn orphans(package: &Package, carriers: &EntrySet) -> Result<Option<Note>, DocumentError> {
    let mut orphans = EntrySet::default();
    for (index, entry) in package.files().filter(|(index, _)| !carriers.contains(*index)) {
        if is_called_signature(&entry.name) || may_be_signature(&entry.name) && is_signature(package, index)? {
            orphans.insert(index);
        }
    }
    Ok(note(package, NoteCode::SignatureOrphaned, &orphans))
}

/// Whether it has one of the names that the standard's examples have.
fn is_called_signature(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    ["Signature.xml", "Signatures.xml", "SignedValue.dat"].iter().any(|known| file.eq_ignore_ascii_case(known))
}

/// Producers may call the files of a signature as they like. Most names still say what they are, or that they are data of no
/// other kind; reading every page to find out would cost more than all the rest.
fn may_be_signature(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".dat") || name.ends_with(".xml") && ["sign", "seal"].iter().any(|word| name.contains(word))
}

/// Whether its content is that of a signature, whatever it is called.
fn is_signature(package: &Package, index: usize) -> Result<bool, DocumentError> {
    let (name, limits) = (package.name_of(index), package.limits());
    if !name.to_ascii_lowercase().ends_with(".xml") {
        return match package.read(index, Limit::SignatureBytes, limits.max_signature_bytes) {
            Ok(bytes) => Ok(matches!(SignedValue::read(&bytes), SignedValue::Seal(_) | SignedValue::Signature(_))),
            Err(Fault::Fatal(error @ DocumentError::Read(_))) => Err(error),
            Err(_) => Ok(false), // too large for a signature, or damaged
        };
    }
    let bytes = match package.read_xml(name) {
        Err(error @ DocumentError::Read(_)) => return Err(error),
        Err(_) => return Ok(false),
        Ok(bytes) => bytes,
    };
    let Ok(text) = xml::decode(&bytes, name) else { return Ok(false) };
    let Ok(tree) = xml::parse(&text, name, limits) else { return Ok(false) };
    let root = tree.root_element();
    Ok(match root.tag_name().name() {
        "Signatures" => xml::child(root, "Signature").is_some(),
        "Signature" => xml::child(root, "SignedInfo").is_some(),
        _ => false,
    })
}

fn note(package: &Package, code: NoteCode, entries: &EntrySet) -> Option<Note> {
    let names = || shortened(entries.iter().map(|index| package.name_of(index)), entries.len());
    if entries.is_empty() { None } else { Some(Note::with(code, names())) }
}

/// The first few of `names` for a reader, and how many there are.
pub fn shortened<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    let mut text = names.take(NAMES_IN_A_NOTE).collect::<Vec<_>>().join(", ");
    if count > NAMES_IN_A_NOTE {
        text.push_str(&format!(", … ({count})"));
    }
    text
}

/// The files that the document uses.
#[derive(Default)]
struct Used {
    /// Those that some seal covers: only their word counts for what kind of file another one is.
    sealed: EntrySet,
    /// All that can be reached from `OFD.xml`, by following whatever looks like a location in an XML file. Takes too many
    /// files for used rather than too few.
    all: EntrySet,
    /// Those that only name other files: `OFD.xml`, and the lists of annotations, attachments and tags.
    indexes: EntrySet,
    /// Contents of template pages.
    templates: EntrySet,
    /// Whether a template lies above what the page has, and so can hide it.
    is_above: bool,
    /// Files of signatures that a file which nobody sealed uses as something else.
    misused: EntrySet,
}

impl Used {
    fn find(package: &Package, sealed: EntrySet, carriers: &EntrySet) -> Self {
        let mut used = Self { sealed, ..Self::default() };
        let mut open: Vec<usize> = package.find(OFD_XML).into_iter().collect();
        used.indexes.extend(open.iter().copied());
        while let Some(index) = open.pop() {
            if used.all.insert(index) {
                open.extend(used.follow(package, index, carriers).iter());
            }
        }
        used
    }

    /// `entries` by what a reader should know of them.
    ///
    /// A list of files that are all covered themselves can hide some of them, but show nothing that nobody sealed; and
    /// producers of invoices leave the templates out, which are on paper the printed form; one above the content is none.
    /// Whatever else is used can have been put there by anybody.
    fn sorted(&self, entries: &EntrySet) -> [(NoteCode, EntrySet); 4] {
        let used = entries.intersection(&self.all);
        let indexes = used.intersection(&self.indexes);
        let templates = if self.is_above { EntrySet::default() } else { used.intersection(&self.templates) };
        let templates = templates.without(&indexes);
        let mut content = used.without(&indexes).without(&templates);
        content.union(&self.misused);
        [
            (NoteCode::ContentUncovered, content),
            (NoteCode::EntriesUncovered, entries.without(&self.all)),
            (NoteCode::TemplatesUncovered, templates),
            (NoteCode::IndexUncovered, indexes),
        ]
    }

    /// The files that an XML file names.
    fn follow(&mut self, package: &Package, index: usize, carriers: &EntrySet) -> EntrySet {
        let (mut found, mut lists) = (EntrySet::default(), EntrySet::default());
        let name = package.name_of(index);
        if !name.to_ascii_lowercase().ends_with(".xml") {
            return found;
        }
        // What is damaged has another digest.
        let Ok(bytes) = package.read_xml(name) else { return found };
        let Ok(text) = xml::decode(&bytes, name) else { return found };
        let Ok(tree) = xml::parse(&text, name, package.limits()) else { return found };
        let is_sealed = self.sealed.contains(index);
        let folder = folder_of(name);
        // The files of a `Res` lie in the folder that its BaseLoc names (GB/T 33190-2016 7.9).
        let base = tree.root_element().attribute("BaseLoc").and_then(|location| resolve(folder, location));
        let base = base.map(|base| format!("{base}/"));
        let folders: Vec<&str> = ["", folder].into_iter().chain(base.as_deref()).collect();
        let named = |location: &str| {
            let location = if location.len() <= 1024 && location.contains(['.', '/', '\\']) { location } else { "" };
            let names = folders.iter().filter_map(|folder| resolve(folder, location));
            names.filter_map(|name| package.find(&name)).collect::<Vec<_>>()
        };
        for node in tree.descendants() {
            for attribute in node.attributes() {
                let files = named(attribute.value());
                let kind = node.tag_name().name();
                if is_sealed && kind == "TemplatePage" {
                    self.templates.extend(files.iter().copied());
                }
                // On the page (GB/T 33190-2016 table 12) and where it is declared (table 14): behind the content by default.
                self.is_above |= matches!(kind, "Template" | "TemplatePage")
                    && attribute.name() == "ZOrder"
                    && !attribute.value().trim().eq_ignore_ascii_case("Background");
                found.extend(files);
            }
            if node.is_text() {
                let files = named(node.text().unwrap_or_default());
                let parent = node.parent_element().map_or("", |parent| parent.tag_name().name());
                if is_sealed && matches!(parent, "Annotations" | "Attachments" | "CustomTags") {
                    self.indexes.extend(files.iter().copied());
                }
                // Where the files of signatures belong, and may be named.
                match parent {
                    "Signatures" => lists.extend(files),
                    _ => found.extend(files),
                }
            }
        }
        if !is_sealed && !carriers.contains(index) {
            self.misused.union(&found.intersection(carriers));
        }
        found.union(&lists);
        found
    }
}
