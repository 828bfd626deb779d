//! Which files of the package the seals protect, and which they do not.

use super::document::OFD_XML;
use super::entry_set::EntrySet;
use super::names::{folder_of, resolve};
use super::package::Package;
use super::xml;
use crate::{Note, NoteCode};

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
        let used = Used::find(package, by_any);
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
pub fn orphans(package: &Package, carriers: &EntrySet) -> Option<Note> {
    let is_descriptor = |name: &str| {
        let file = name.rsplit('/').next().unwrap_or(name);
        ["Signature.xml", "Signatures.xml", "SignedValue.dat"].iter().any(|known| file.eq_ignore_ascii_case(known))
    };
    let orphans = package.files().filter(|(index, entry)| is_descriptor(&entry.name) && !carriers.contains(*index));
    note(package, NoteCode::SignatureOrphaned, &orphans.map(|(index, _)| index).collect())
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
}

impl Used {
    fn find(package: &Package, sealed: EntrySet) -> Self {
        let mut used = Self { sealed, ..Self::default() };
        let mut open: Vec<usize> = package.find(OFD_XML).into_iter().collect();
        used.indexes.extend(open.iter().copied());
        while let Some(index) = open.pop() {
            if used.all.insert(index) {
                open.extend(used.follow(package, index).iter());
            }
        }
        used
    }

    /// `entries` by what a reader should know of them.
    ///
    /// A list of files that are all covered themselves can hide some of them, but show nothing that nobody sealed; and
    /// producers of invoices leave the templates out, which are on paper the printed form. Whatever else is used can
    /// have been put there by anybody.
    fn sorted(&self, entries: &EntrySet) -> [(NoteCode, EntrySet); 4] {
        let used = entries.intersection(&self.all);
        let indexes = used.intersection(&self.indexes);
        let templates = used.intersection(&self.templates).without(&indexes);
        let content = used.without(&indexes).without(&templates);
        [
            (NoteCode::ContentUncovered, content),
            (NoteCode::EntriesUncovered, entries.without(&self.all)),
            (NoteCode::TemplatesUncovered, templates),
            (NoteCode::IndexUncovered, indexes),
        ]
    }

    /// The files that an XML file names.
    fn follow(&mut self, package: &Package, index: usize) -> EntrySet {
        let mut found = EntrySet::default();
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
                if is_sealed && node.tag_name().name() == "TemplatePage" {
                    self.templates.extend(files.iter().copied());
                }
                found.extend(files);
            }
            if node.is_text() {
                let files = named(node.text().unwrap_or_default());
                let parent = node.parent_element().map_or("", |parent| parent.tag_name().name());
                if is_sealed && matches!(parent, "Annotations" | "Attachments" | "CustomTags") {
                    self.indexes.extend(files.iter().copied());
                }
                found.extend(files);
            }
        }
        found
    }
}
