//! What a signature permits to happen to the document after it (ISO 32000-1 §12.8.2).

use super::form::text;
use super::object::{Dictionary, Value};
use super::view::View;
use crate::DocumentError;

/// What may change after a signature.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Permission {
    /// `/P` of DocMDP, or of the field's own lock: 1 nothing, 2 forms and signatures, 3 comments too.
    pub level: Option<i64>,
    /// What the certification of the document permits, whoever made it.
    pub certified: Option<i64>,
    /// Fields that may no longer be filled.
    pub locks: Vec<Lock>,
}

/// Which fields are locked (§12.8.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lock {
    All,
    Include(Vec<String>),
    Exclude(Vec<String>),
}

impl Permission {
    /// What the signature dictionary and the field that holds it say.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn read(view: &View<'_>, signature: &Dictionary, field: &Dictionary) -> Result<Self, DocumentError> {
        let mut permission = Self::default();
        permission.take_references(view, signature)?;
        // §12.7.4.5 table 233: signing locks what the field's own lock names, whether or not the signature repeats it.
        // ISO 32000-2 table 236: it may hold a permission for the document too.
        let own = view.dictionary(field, "Lock")?;
        permission.locks.extend(lock(view, &own)?);
        if let Some(level) = view.get(&own, "P")?.as_integer() {
            permission.lower(level);
        }
        let certification = view.dictionary(&view.dictionary(&view.catalog()?, "Perms")?, "DocMDP")?;
        let mut by_author = Self::default();
        by_author.take_references(view, &certification)?;
        permission.certified = by_author.level;
        Ok(permission)
    }

    fn take_references(&mut self, view: &View<'_>, signature: &Dictionary) -> Result<(), DocumentError> {
        for reference in &view.items(signature, "Reference")? {
            let Value::Dictionary(reference) = view.resolve(reference)?.value else { continue };
            let parameters = view.dictionary(&reference, "TransformParams")?;
            match view.get(&reference, "TransformMethod")?.as_name() {
                Some(b"DocMDP") => self.lower(view.get(&parameters, "P")?.as_integer().unwrap_or(2)),
                Some(b"FieldMDP") => self.locks.extend(lock(view, &parameters)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn lower(&mut self, level: i64) {
        let level = level.clamp(1, 3);
        self.level = Some(self.level.map_or(level, |other| other.min(level)));
    }

    /// Whether nothing at all may change, save what proves validity later.
    pub(crate) fn is_final(&self) -> bool {
        self.level == Some(1)
    }

    /// Whether the document's author or this signer said that comments may come.
    pub(crate) fn allows_comments(&self) -> bool {
        self.level.or(self.certified) == Some(3)
    }

    /// Whether somebody said what may happen to the document, so that its look is not to be changed by others.
    pub(crate) fn is_certified(&self) -> bool {
        self.level.is_some() || self.certified.is_some()
    }

    /// Whether the field `name` may still be filled or signed.
    pub(crate) fn allows_filling(&self, name: &str) -> bool {
        let within = |list: &[String]| {
            list.iter()
                .any(|entry| name == entry || name.strip_prefix(entry.as_str()).is_some_and(|r| r.starts_with('.')))
        };
        !self.is_final()
            && !self.locks.iter().any(|lock| match lock {
                Lock::All => true,
                Lock::Include(list) => within(list),
                Lock::Exclude(list) => !within(list),
            })
    }
}

fn lock(view: &View<'_>, parameters: &Dictionary) -> Result<Option<Lock>, DocumentError> {
    let mut names = Vec::new();
    for name in view.get(parameters, "Fields")?.as_array().unwrap_or_default() {
        names.extend(view.resolve(name)?.value.as_string().map(text));
    }
    Ok(match view.get(parameters, "Action")?.as_name() {
        Some(b"All") => Some(Lock::All),
        Some(b"Include") => Some(Lock::Include(names)),
        Some(b"Exclude") => Some(Lock::Exclude(names)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_on_a_parent_field_holds_for_the_fields_below_it() {
        let locks = vec![Lock::Include(vec!["person".to_owned()])];
        let permission = Permission { locks, ..Permission::default() };
        assert!(!permission.allows_filling("person") && !permission.allows_filling("person.name"));
        assert!(permission.allows_filling("personal") && permission.allows_filling("date"));
        let locks = vec![Lock::Exclude(vec!["date".to_owned()])];
        let but = Permission { level: Some(2), locks, ..Permission::default() };
        assert!(but.allows_filling("date") && !but.allows_filling("person"));
    }
}
