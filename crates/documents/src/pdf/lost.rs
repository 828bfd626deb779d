//! Signatures that a reader of the form would not see: their field or value is damaged, or no field leads to them.
//! A seal must not vanish from a report because a byte of it was changed.

use std::collections::{BTreeSet, HashSet};

use memchr::memmem;

use super::form::Field;
use super::object::Value;
use super::section::Place;
use super::signed::SignedField;
use super::view::View;
use crate::{Check, DocumentError, Kind, Outcome, Reason, SealReport, Step};

/// References that lead to references are followed so far.
const MAX_HOPS: usize = 8;

/// What is said of a signature that is there but can't be read.
pub(super) fn damaged(name: String) -> SealReport {
    let content = Outcome::Failed(Reason::SignatureMalformed);
    SealReport {
        content,
        steps: vec![Step::new(Check::SignatureFormat, content)],
        ..SealReport::new(name, Kind::Signature)
    }
}

/// Whether the value of a signature field is in the file, but can't be read. Absent, deleted and of another type are not.
///
/// # Errors
/// As [`View::object`].
pub(super) fn is_unreadable(view: &View<'_>, value: &Value) -> Result<bool, DocumentError> {
    let Some(id) = value.as_reference() else { return Ok(false) };
    let is_in_use = matches!(view.place(id.number), Some(Place::At(_) | Place::In { .. }));
    Ok(is_in_use && view.object(id.number)?.is_none())
}

/// The entries of the form that are in the file, but can't be read.
///
/// # Errors
/// As [`View::object`].
pub(super) fn unreadable_fields(view: &View<'_>) -> Result<Vec<String>, DocumentError> {
    let mut unreadable = Vec::new();
    for node in view.items(&view.form()?, "Fields")? {
        if let Some(id) = node.as_reference()
            && is_unreadable(view, &node)?
        {
            unreadable.push(format!("object {}", id.number));
        }
    }
    Ok(unreadable)
}

/// The objects that are signatures, though neither a field nor the catalog's permissions lead to them.
///
/// # Errors
/// As [`View::object`].
pub(super) fn orphans(view: &View<'_>, signed: &[SignedField]) -> Result<Vec<u32>, DocumentError> {
    let mut led_to = HashSet::new();
    let permissions = view.dictionary(&view.catalog()?, "Perms")?;
    let of_fields = signed.iter().map(|SignedField { field, .. }| field);
    let values = of_fields.clone().filter_map(|Field { value, .. }| value.as_ref());
    for value in values.chain(["DocMDP", "UR", "UR3"].into_iter().filter_map(|key| permissions.get(key))) {
        follow(view, value, &mut led_to);
    }
    led_to.extend(of_fields.filter_map(|field| field.number)); // values that lie in their fields

    let places = view.offsets();
    let mut found = BTreeSet::new();
    let mut seen = HashSet::new();
    for hit in memmem::find_iter(view.bytes(), b"/ByteRange") {
        let before = places.partition_point(|(offset, _)| *offset <= hit);
        let Some((offset, number)) = before.checked_sub(1).and_then(|at| places.get(at)).copied() else { continue };
        if led_to.contains(&number) || !seen.insert(number) {
            continue;
        }
        // The same letters may stand in a stream; an object that is a signature has both entries.
        if let Some((_, object)) = view.object_at(number, offset)
            && let Value::Dictionary(dictionary) = object.value
            && dictionary.contains("ByteRange")
            && dictionary.contains("Contents")
        {
            found.insert(number);
        }
    }
    Ok(found.into_iter().collect())
}

fn follow(view: &View<'_>, value: &Value, led_to: &mut HashSet<u32>) {
    let mut value = value.clone();
    for _ in 0..MAX_HOPS {
        let Some(id) = value.as_reference() else { return };
        if !led_to.insert(id.number) {
            return;
        }
        let Ok(Some(object)) = view.object(id.number) else { return };
        value = object.value;
    }
}
