//! What an update changes in the catalog: the form, the permissions, the version and its extensions, data for validation.

use super::object::{Dictionary, Id, Value};
use super::update::Update;
use super::view::View;
use super::xref;
use crate::DocumentError;

/// Form flags: there are signatures, and only updates may be appended (ISO 32000-1 table 219).
const SIGNATURES_AND_APPEND_ONLY: i64 = 1 | 2;

/// The version from which on a catalog may declare extensions (ISO 32000-1 §7.12).
const WITH_EXTENSIONS: (u32, u32) = (1, 7);

/// The version of which PAdES is a part.
const WITH_PADES: (u32, u32) = (2, 0);

/// The catalog under change. Of catalog, form and list of fields only those that change are written.
pub(crate) struct Catalog<'v, 'a> {
    view: &'v View<'a>,
    dictionary: Dictionary,
    is_changed: bool,
}

impl<'v, 'a> Catalog<'v, 'a> {
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn of(view: &'v View<'a>) -> Result<Self, DocumentError> {
        Ok(Self { view, dictionary: view.catalog()?, is_changed: false })
    }

    /// Declares that there are signatures, and adds `field` to the form, which is made where there is none.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn add_field(&mut self, update: &mut Update<'_>, field: Option<Id>) -> Result<(), DocumentError> {
        let mut form = self.view.form()?;
        let flags = self.view.get(&form, "SigFlags")?.as_integer().unwrap_or(0);
        let mut form_changes = flags & SIGNATURES_AND_APPEND_ONLY != SIGNATURES_AND_APPEND_ONLY;
        form.set("SigFlags", Value::Integer(flags | SIGNATURES_AND_APPEND_ONLY));
        if let Some(field) = field {
            let mut fields = self.view.items(&form, "Fields")?;
            fields.push(Value::Reference(field));
            match self.existing(form.get("Fields")) {
                Some(list) => update.put(list, &Value::Array(fields)),
                None => {
                    form.set("Fields", Value::Array(fields));
                    form_changes = true;
                }
            }
        }
        if form_changes {
            self.set(update, "AcroForm", form);
        }
        Ok(())
    }

    /// Names the certification among the permissions of the document (ISO 32000-1 §12.8.4).
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn certify(&mut self, update: &mut Update<'_>, signature: Id) -> Result<(), DocumentError> {
        let mut permissions = self.view.dictionary(&self.dictionary, "Perms")?;
        permissions.set("DocMDP", Value::Reference(signature));
        self.set(update, "Perms", permissions);
        Ok(())
    }

    /// Names the data for validation (ISO 32000-2 §12.8.4.3).
    pub(crate) fn set_validation_data(&mut self, update: &mut Update<'_>, store: Dictionary) {
        self.set(update, "DSS", store);
    }

    /// Declares what of PAdES a file below PDF 2.0 uses (ETSI EN 319 142-1 §5.6; extension level 1 of ETSI), and so at least
    /// version 1.7, which extensions are relative to.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn declare_pades(&mut self) -> Result<(), DocumentError> {
        let version = self.version()?;
        if version >= WITH_PADES {
            return Ok(());
        }
        if version < WITH_EXTENSIONS {
            self.dictionary.set("Version", Value::name("1.7"));
            self.is_changed = true;
        }
        let mut extensions = self.view.dictionary(&self.dictionary, "Extensions")?;
        if !extensions.contains("ESIC") {
            let level = Dictionary::from([("BaseVersion", Value::name("1.7")), ("ExtensionLevel", Value::Integer(1))]);
            extensions.set("ESIC", Value::Dictionary(level));
            self.dictionary.set("Extensions", Value::Dictionary(extensions));
            self.is_changed = true;
        }
        Ok(())
    }

    /// Writes the catalog where it changed.
    ///
    /// # Errors
    /// [`DocumentError::Unsupported`] where it is no object of its own.
    pub(crate) fn put(self, update: &mut Update<'_>) -> Result<(), DocumentError> {
        if self.is_changed {
            let id = self
                .view
                .catalog_id()
                .ok_or_else(|| DocumentError::Unsupported { what: "its catalog is no object of its own".to_owned() })?;
            update.put(id, &Value::Dictionary(self.dictionary));
        }
        Ok(())
    }

    /// Sets a dictionary of the catalog: where it is an object of its own, that is written.
    fn set(&mut self, update: &mut Update<'_>, key: &str, entries: Dictionary) {
        match self.existing(self.dictionary.get(key)) {
            Some(id) => update.put(id, &Value::Dictionary(entries)),
            None => {
                self.dictionary.set(key, Value::Dictionary(entries));
                self.is_changed = true;
            }
        }
    }

    /// The object that an entry refers to, where there is one.
    fn existing(&self, entry: Option<&Value>) -> Option<Id> {
        entry.and_then(Value::as_reference).filter(|id| self.view.place(id.number).is_some())
    }

    /// The version of the document: the catalog's, where that is later than the header's (ISO 32000-1 §7.5.2).
    fn version(&self) -> Result<(u32, u32), DocumentError> {
        let bytes = self.view.bytes();
        let header = xref::header(bytes).and_then(|at| bytes.get(at + b"%PDF-".len()..)).map_or((0, 0), version);
        let own = self.view.get(&self.dictionary, "Version")?;
        Ok(own.as_name().map_or((0, 0), version).max(header))
    }
}

/// `1.7`, whatever follows it.
fn version(text: &[u8]) -> (u32, u32) {
    match text {
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', ..] => (u32::from(major - b'0'), u32::from(minor - b'0')),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version(b"1.4\n") < WITH_EXTENSIONS && version(b"1.7") == WITH_EXTENSIONS);
        assert!(version(b"2.0") == WITH_PADES && version(b"rubbish") < WITH_EXTENSIONS);
    }
}
