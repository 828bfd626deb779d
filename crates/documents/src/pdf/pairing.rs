//! What became of the items of an array: of fields, of kids, of annotations.

use std::collections::{HashMap, HashSet};

use super::changes::Comparison;
use super::object::Value;
use super::same::Trust;
use super::view::View;
use crate::DocumentError;

/// So many direct items are searched for their like.
const MAX_SEARCHED: usize = 256;

/// The items of an old and a new array, paired.
#[derive(Debug, Default)]
pub(crate) struct Pairing {
    /// Items of the old array with what they are now.
    pub kept: Vec<(Value, Value)>,
    /// How many are gone.
    pub removed: usize,
    /// Items that are new.
    pub added: Vec<Value>,
}

impl Pairing {
    /// Pairs the same object with itself, else fields of one name, else what is equal.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn of(c: &mut Comparison<'_, '_, '_>, old: &[Value], new: &[Value]) -> Result<Self, DocumentError> {
        let before: HashSet<u32> = old.iter().filter_map(number).collect();
        let after: HashSet<u32> = new.iter().filter_map(number).collect();
        let stays = |item: &&Value| number(item).is_some_and(|n| before.contains(&n) && after.contains(&n));
        let mut seen = HashSet::new();
        let once = |item: &&Value| number(item).is_some_and(|number| seen.insert(number));
        let kept = old.iter().filter(stays).filter(once).map(|item| (item.clone(), item.clone())).collect();
        let mut pairing = Self { kept, removed: 0, added: Vec::new() };

        let mut left: Vec<Option<&Value>> = new.iter().filter(|item| !stays(item)).map(Some).collect();
        let mut named = HashMap::new();
        for (index, item) in left.iter().enumerate() {
            if let Some(name) = item.map(|item| partial_name(c.new, item)).transpose()?.flatten() {
                named.entry(name).or_insert(index);
            }
        }
        for item in old.iter().filter(|item| !stays(item)) {
            let found = match partial_name(c.old, item)? {
                Some(name) => named.remove(&name),
                None => equal_among(c, item, &left)?,
            };
            match found.and_then(|index| left.get_mut(index)).and_then(Option::take) {
                Some(other) => pairing.kept.push((item.clone(), other.clone())),
                None => pairing.removed += 1,
            }
        }
        pairing.added = left.into_iter().flatten().cloned().collect();
        Ok(pairing)
    }
}

fn number(item: &Value) -> Option<u32> {
    item.as_reference().map(|id| id.number)
}

fn partial_name(view: &View<'_>, item: &Value) -> Result<Option<Vec<u8>>, DocumentError> {
    let Value::Dictionary(dictionary) = view.resolve(item)?.value else { return Ok(None) };
    Ok(view.get(&dictionary, "T")?.as_string().map(<[u8]>::to_vec))
}

fn equal_among(
    c: &mut Comparison<'_, '_, '_>,
    item: &Value,
    left: &[Option<&Value>],
) -> Result<Option<usize>, DocumentError> {
    for (index, other) in left.iter().enumerate().take(MAX_SEARCHED) {
        if let Some(other) = other
            && c.same.values(item, other, Trust::Known)?
        {
            return Ok(Some(index));
        }
    }
    Ok(None)
}
