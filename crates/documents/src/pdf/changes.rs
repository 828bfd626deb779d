//! What happened to a document after it was signed.
//!
//! The state that a signature covers is compared with the present one from the catalog down, each part under its own
//! rule: what draws the pages must be the same to the last byte of meaning; new signature fields, their values, form
//! values and data for later validation may come; everything else may not. Whether an object was written again with
//! the same meaning, or under another number, does not matter, and neither does what the catalog does not lead to.

use std::collections::BTreeSet;

use super::form_changes::FormRules;
use super::metadata;
use super::object::{Dictionary, Value};
use super::page::Page;
use super::permission::Permission;
use super::same::{Same, Trust};
use super::structure;
use super::view::View;
use crate::DocumentError;

/// So many forbidden changes are named; more would not change the verdict.
const MAX_NAMED: usize = 8;

/// Entries of a trailer that say nothing about what is shown, or have rules of their own; those of a cross-reference stream
/// included. `/AdditionalStreams` is where some writers keep the source of the document.
const TRAILER_ASIDE: [&str; 15] = [
    "AdditionalStreams",
    "DecodeParms",
    "DocChecksum",
    "Encrypt",
    "Filter",
    "ID",
    "Index",
    "Info",
    "Length",
    "Prev",
    "Root",
    "Size",
    "Type",
    "W",
    "XRefStm",
];

/// Entries of the catalog that say nothing about what is shown.
const CATALOG_ASIDE: [&str; 7] = ["AcroForm", "DSS", "Extensions", "MarkInfo", "Metadata", "Version", "Perms"];

/// Entries of a page that say nothing about what is shown, or have rules of their own.
const PAGE_ASIDE: [&str; 6] = ["Annots", "LastModified", "Metadata", "PieceInfo", "StructParents", "Tabs"];

/// Entries that a page inherits where it has none of its own (ISO 32000-1 table 30).
const INHERITED: [&str; 4] = ["CropBox", "MediaBox", "Resources", "Rotate"];

/// Entries of a page or of an annotation that draw it.
const DRAWING: [&str; 3] = ["AP", "Contents", "Resources"];

/// The changes between a signed state of a document and its present one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Names of signature fields that were signed or added.
    pub signatures: Vec<String>,
    /// Those of them that were there before.
    pub signed: BTreeSet<String>,
    /// Those of them that are new and seen on a page, which an author provided no place for.
    pub uninvited: BTreeSet<String>,
    /// Time stamps, certificates and revocation data were added.
    pub validation: bool,
    /// Names of fields that were filled.
    pub filled: BTreeSet<String>,
    /// Comments were added, in words: where.
    pub annotated: BTreeSet<String>,
    /// Those of them that can hide what is below them or look like a part of the page.
    pub covering: BTreeSet<String>,
    /// Names of fields that were filled and plainly show something else than their value.
    pub misleading: BTreeSet<String>,
    /// Pages that the picture of a later signature mostly covers, in words.
    pub overlaid: BTreeSet<String>,
    /// Everything else, in words.
    pub forbidden: Vec<String>,
}

impl Changes {
    /// Compares `old`, the state that was signed with `permission`, with `new`.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn between(
        old: &View<'_>,
        (new, new_pages): (&View<'_>, &[Page]),
        permission: &Permission,
    ) -> Result<Self, DocumentError> {
        let mut changes = Self::default();
        let mut comparison = Comparison { same: Same::new(old, new), old, new, changes: &mut changes };
        comparison.run(new_pages)?;
        changes.apply(permission);
        Ok(changes)
    }

    pub(crate) fn forbid(&mut self, what: impl Into<String>) {
        if self.forbidden.len() < MAX_NAMED {
            self.forbidden.push(what.into());
        }
    }

    /// Turns what is possible in general, but not permitted here, into what is forbidden.
    fn apply(&mut self, permission: &Permission) {
        let refused = |names: &BTreeSet<String>| -> Vec<String> {
            names.iter().filter(|name| !permission.allows_filling(name)).cloned().collect()
        };
        for name in refused(&self.filled) {
            self.forbid(format!("the locked field {name} was filled"));
        }
        for name in refused(&self.signed).into_iter().filter(|_| !permission.is_final()) {
            self.forbid(format!("the locked field {name} was signed"));
        }
        if !permission.is_certified() {
            self.uninvited.retain(|name| !permission.allows_filling(name));
        }
        if permission.is_final()
            && let Some(name) = self.signatures.first().cloned()
        {
            self.forbid(format!("a signature, {name}, was added although no change was permitted"));
        }
        if permission.level.is_some_and(|level| level < 3) {
            self.covering.clear();
            for place in std::mem::take(&mut self.annotated) {
                self.forbid(format!("a comment was added or changed on {place}"));
            }
        }
    }
}

/// A comparison under way.
pub(crate) struct Comparison<'c, 'v, 'a> {
    pub same: Same<'v, 'a>,
    pub old: &'v View<'a>,
    pub new: &'v View<'a>,
    pub changes: &'c mut Changes,
}

impl Comparison<'_, '_, '_> {
    fn run(&mut self, new_pages: &[Page]) -> Result<(), DocumentError> {
        let (old, new) = (self.old.catalog()?, self.new.catalog()?);
        let old_pages = self.old.pages()?;
        self.new.charge(old_pages.len())?;
        if !self.same.entries(self.old.trailer.get("Encrypt"), self.new.trailer.get("Encrypt"), Trust::Nothing)? {
            self.changes.forbid("the encryption was changed");
        }
        self.trailer()?;
        if old_pages.len() != new_pages.len() {
            self.changes.forbid(format!("{} pages became {}", old_pages.len(), new_pages.len()));
            return Ok(());
        }
        let pages: Vec<_> = old_pages.iter().zip(new_pages).collect();
        let ids = pages.iter().map(|(a, b)| (a.id, b.id)).chain([(self.old.catalog_id(), self.new.catalog_id())]);
        for (a, b) in ids {
            if let (Some(a), Some(b)) = (a, b) {
                self.same.know(a.number, b.number);
            }
        }
        FormRules::know(self, &old, &new)?;
        for (a, b) in &pages {
            FormRules::know_annotations(self, &a.dictionary, &b.dictionary)?;
        }

        let mut forms = FormRules::default();
        self.catalog(&old, &new)?;
        forms.compare(self, &old, &new)?;
        for (number, (a, b)) in (1_u32..).zip(pages) {
            self.page(number, a, b)?;
            forms.annotations(self, number, (a, b))?;
        }
        Ok(())
    }

    /// Nobody sees what only a trailer leads to; but it was signed, and may be what a page shows too.
    fn trailer(&mut self) -> Result<(), DocumentError> {
        let (old, new) = (&self.old.trailer, &self.new.trailer);
        for (key, value) in old.iter().filter(|(key, _)| !TRAILER_ASIDE.iter().any(|aside| aside.as_bytes() == *key)) {
            if let Some(other) = new.get_bytes(key)
                && !self.same.values(value, other, Trust::Nothing)?
            {
                self.changes.forbid(format!("/{} of the trailer was changed", String::from_utf8_lossy(key)));
            }
        }
        Ok(())
    }

    fn catalog(&mut self, old: &Dictionary, new: &Dictionary) -> Result<(), DocumentError> {
        if !self.same.entries(old.get("DSS"), new.get("DSS"), Trust::Nothing)? {
            self.changes.validation = true;
            if self.new.get(new, "DSS")?.as_dictionary().is_none() && new.contains("DSS") {
                self.changes.forbid("/DSS of the document became something else");
            }
        }
        if !self.same.entries(old.get("Metadata"), new.get("Metadata"), Trust::Nothing)?
            && !metadata::are_well_formed(self.new, new)?
        {
            self.changes.forbid("the metadata of the document were removed or spoilt");
        }
        // A first certification may come later; one that was there may not go.
        let (old_permissions, permissions) = (self.old.dictionary(old, "Perms")?, self.new.dictionary(new, "Perms")?);
        for (key, value) in old_permissions.iter() {
            if !self.same.entries(Some(value), permissions.get_bytes(key), Trust::Known)? {
                self.changes.forbid("the document's permissions were changed");
            }
        }
        for key in self.changed_keys(old, new)? {
            let permitted = match key.as_str() {
                aside if CATALOG_ASIDE.contains(&aside) => true,
                "StructTreeRoot" => match (old.get(&key), new.get(&key)) {
                    (Some(a), Some(b)) => structure::grew(self, a, b)?,
                    _ => false,
                },
                _ => false,
            };
            if !permitted {
                self.changes.forbid(format!("/{key} of the document was changed"));
            }
        }
        Ok(())
    }

    fn page(&mut self, number: u32, old: &Page, new: &Page) -> Result<(), DocumentError> {
        if (old.shown, old.quarters, old.unit) != (new.shown, new.quarters, new.unit) {
            self.changes.forbid(format!("the size of page {number} was changed"));
        }
        // Those of the page itself are among its entries, but those that it inherits draw it just as well.
        if !self.same.values(&old.resources, &new.resources, Trust::Nothing)? {
            self.changes.forbid(format!("the resources of page {number} were changed"));
        }
        for key in self.changed_keys(&old.dictionary, &new.dictionary)? {
            // Written into the page by one of both, inherited by the other: above it was seen to be the same.
            let is_moved = !old.dictionary.contains(&key) || !new.dictionary.contains(&key);
            let is_aside = PAGE_ASIDE.contains(&key.as_str()) || is_moved && INHERITED.contains(&key.as_str());
            if !is_aside {
                self.changes.forbid(format!("/{key} of page {number} was changed"));
            }
        }
        Ok(())
    }

    /// What an item was and is, where both are dictionaries and no streams; else it is judged here, under the name `what`.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn both(
        &mut self,
        a: &Value,
        b: &Value,
        what: &str,
    ) -> Result<Option<(Dictionary, Dictionary)>, DocumentError> {
        let (old, new) = (self.old.resolve(a)?, self.new.resolve(b)?);
        if old.data.is_none()
            && new.data.is_none()
            && let (Value::Dictionary(old), Value::Dictionary(new)) = (old.value, new.value)
        {
            return Ok(Some((old, new)));
        }
        // A field or an annotation is no stream. One that is all the same may be something else besides.
        if !self.same.values(a, b, Trust::Nothing)? {
            self.changes.forbid(format!("{what} was changed"));
        }
        Ok(None)
    }

    /// The keys, as text, under which two dictionaries do not hold the same; `(repeated)` for what stands under no key or
    /// under one that comes again.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn changed_keys(&mut self, old: &Dictionary, new: &Dictionary) -> Result<Vec<String>, DocumentError> {
        let mut changed = Vec::new();
        for key in keys(old, new) {
            let drawing = DRAWING.iter().any(|drawing| drawing.as_bytes() == key);
            let trust = if drawing { Trust::Nothing } else { Trust::Known };
            if !self.same.entries(old.get_bytes(&key), new.get_bytes(&key), trust)? {
                changed.push(String::from_utf8_lossy(&key).into_owned());
            }
        }
        let hidden = |dictionary: &Dictionary| Value::Array(dictionary.hidden().to_vec());
        if !self.same.values(&hidden(old), &hidden(new), Trust::Nothing)? {
            changed.push("(repeated)".to_owned());
        }
        Ok(changed)
    }
}

/// The keys of both dictionaries, each once.
pub(crate) fn keys(old: &Dictionary, new: &Dictionary) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = old.iter().chain(new.iter()).map(|(key, _)| key.to_vec()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
