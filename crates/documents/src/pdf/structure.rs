//! Whether a structure tree (ISO 32000-1 §14.7) only grew: software that signs tagged documents adds the new field to it.

use std::collections::HashSet;

use super::changes::Comparison;
use super::object::{Dictionary, Value};
use crate::DocumentError;

/// Entries that may come where there were none.
const NEW: [&str; 8] = ["ClassMap", "IDTree", "K", "Kids", "Names", "Nums", "ParentTree", "RoleMap"];

/// Entries that follow from what else there is.
const DERIVED: [&str; 2] = ["Limits", "ParentTreeNextKey"];

/// Whether everything that `a` was, and led to, is still in `b`.
///
/// # Errors
/// [`DocumentError::TooLarge`].
pub(crate) fn grew(c: &Comparison<'_, '_, '_>, a: &Value, b: &Value) -> Result<bool, DocumentError> {
    let mut seen = HashSet::new();
    let mut open = vec![(a.clone(), b.clone())];
    while let Some((a, b)) = open.pop() {
        if let Some((x, y)) = a.as_reference().zip(b.as_reference())
            && (c.same.is_known(x.number, y.number) || !seen.insert((x.number, y.number)))
        {
            continue;
        }
        let contains = match (c.old.resolve(&a)?.value, c.new.resolve(&b)?.value) {
            (Value::Dictionary(x), Value::Dictionary(y)) => dictionaries(&x, &y, &mut open),
            (Value::Array(x), Value::Array(y)) => arrays(&x, &y, &mut open),
            // `/K` with one kid may become a list of kids.
            (Value::Dictionary(_) | Value::Integer(_), Value::Array(y)) => arrays(&[a], &y, &mut open),
            (x, y) => x == y,
        };
        if !contains {
            return Ok(false);
        }
    }
    Ok(true)
}

fn dictionaries(old: &Dictionary, new: &Dictionary, open: &mut Vec<(Value, Value)>) -> bool {
    for (key, a) in old.iter() {
        if !DERIVED.iter().any(|derived| derived.as_bytes() == key) {
            open.push((a.clone(), new.get_bytes(key).cloned().unwrap_or(Value::Null)));
        }
    }
    new.iter().all(|(key, _)| {
        old.get_bytes(key).is_some() || NEW.iter().chain(&DERIVED).any(|allowed| allowed.as_bytes() == key)
    })
}

/// Whether the items of `old` come in `new` in the same order, with others between them or not.
fn arrays(old: &[Value], new: &[Value], open: &mut Vec<(Value, Value)>) -> bool {
    let mut rest = new.iter();
    old.iter().all(|a| match rest.find(|b| alike(a, b)) {
        Some(b) => {
            open.push((a.clone(), b.clone()));
            true
        }
        None => false,
    })
}

fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Reference(x), Value::Reference(y)) => x.number == y.number,
        (Value::Dictionary(_), Value::Dictionary(_)) | (Value::Array(_), Value::Array(_)) => true,
        (a, b) => a == b,
    }
}
