//! The signature field that a seal goes into: a new one, or an empty one that the document's author provided.

use std::collections::HashSet;

use super::form::Field;
use super::object::{Dictionary, Id, Value};
use super::view::View;
use crate::DocumentError;

/// A signature field to be filled.
pub(crate) struct Target {
    /// The fully qualified name.
    pub name: String,
    /// What there is already; `None` for a new field.
    pub existing: Option<Existing>,
}

/// An empty signature field of the document.
pub(crate) struct Existing {
    pub id: Id,
    pub dictionary: Dictionary,
    /// Its widgets: the field itself where it has no kids.
    pub widgets: Vec<(Id, Dictionary)>,
}

impl Target {
    /// `Seal1`, `Seal2`, …: the first that no field has.
    pub(crate) fn free(fields: &[Field], stem: &str) -> Self {
        let taken: HashSet<&str> =
            fields.iter().map(|field| field.name.split('.').next().unwrap_or_default()).collect();
        let free = (1_u32..).map(|number| format!("{stem}{number}")).find(|name| !taken.contains(name.as_str()));
        Self { name: free.unwrap_or_default(), existing: None }
    }

    /// The field of this name, if it is there to be signed.
    ///
    /// # Errors
    /// [`DocumentError::FieldUnusable`].
    pub(crate) fn existing(view: &View<'_>, fields: &[Field], name: &str) -> Result<Self, DocumentError> {
        let unusable = |what: &str| DocumentError::FieldUnusable { field: name.to_owned(), what: what.to_owned() };
        // A field with several widgets comes once for each of them.
        let found: Vec<&Field> = fields.iter().filter(|field| field.name == name).collect();
        let first = found.first().ok_or_else(|| unusable("there is none of this name"))?;
        if found.iter().any(|field| !field.is_signature()) {
            return Err(unusable("it is no signature field"));
        }
        if found.iter().any(|field| field.value.is_some()) {
            return Err(unusable("it is signed already"));
        }
        let number = first.number.ok_or_else(|| unusable("it is no object of its own"))?;
        let mut widgets = Vec::new();
        for field in &found {
            let is_widget = view.get(&field.dictionary, "Subtype")?.is_name("Widget");
            widgets.extend(field.number.filter(|_| is_widget).map(|n| (view.id_of(n), field.dictionary.clone())));
        }
        let (id, dictionary) = if first.dictionary.contains("T") {
            if found.len() > 1 {
                return Err(unusable("there are several of this name"));
            }
            (view.id_of(number), first.dictionary.clone())
        } else {
            let parent = first.dictionary.get("Parent").and_then(Value::as_reference);
            let parent = parent.ok_or_else(|| unusable("its widget does not say which field it is of"))?;
            let Value::Dictionary(dictionary) = view.resolve(&Value::Reference(parent))?.value else {
                return Err(unusable("it is damaged"));
            };
            (parent, dictionary)
        };
        Ok(Self { name: name.to_owned(), existing: Some(Existing { id, dictionary, widgets }) })
    }

    pub(crate) fn is_new(&self) -> bool {
        self.existing.is_none()
    }

    /// What the author wants locked once the field is signed (ISO 32000-2 table 236), as parameters of FieldMDP.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn lock(&self, view: &View<'_>) -> Result<Option<Dictionary>, DocumentError> {
        let Some(existing) = &self.existing else { return Ok(None) };
        let lock = view.dictionary(&existing.dictionary, "Lock")?;
        if !lock.contains("Action") {
            return Ok(None);
        }
        let mut parameters = Dictionary::default();
        for key in ["Action", "Fields", "P"] {
            match view.get(&lock, key)? {
                Value::Null => {}
                // A signature's references are direct, down to the names of the fields.
                Value::Array(names) => {
                    let names = names.iter().map(|name| Ok(view.resolve(name)?.value));
                    parameters.set(key, Value::Array(names.collect::<Result<_, DocumentError>>()?));
                }
                value => parameters.set(key, value),
            }
        }
        Ok(Some(parameters))
    }
}
