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
                // Writers leave out what leads to nothing.
                None if is_nothing(c.old, item)? => {}
                None => pairing.removed += 1,
            }
        }
        pairing.added = left.into_iter().flatten().cloned().collect();
        Ok(pairing)
    }
}

/// Whether an item is null for every reader.
fn is_nothing(view: &View<'_>, item: &Value) -> Result<bool, DocumentError> {
    let misplaced = item.as_reference().is_some_and(|id| view.is_misplaced(id.number));
    Ok(!misplaced && view.resolve(item)?.value == Value::Null && !view.is_lost(item)?)
}

/// What was kept, in the order in which it was drawn, with its place in the order in which it is drawn now.
pub(crate) fn in_order<'p>(kept: &'p [(Value, Value)], old: &[Value], new: &[Value]) -> Vec<(usize, &'p Value)> {
    let (before, after) = (Places::of(old), Places::of(new));
    let placed = kept.iter().filter_map(|(a, b)| Some((before.last(old, a)?, after.last(new, b)?, b)));
    let mut placed: Vec<_> = placed.collect();
    placed.sort_unstable_by_key(|(before, _, _)| *before);
    placed.into_iter().map(|(_, after, item)| (after, item)).collect()
}

/// Where items stand in an array for the last time: what is drawn last is seen.
struct Places(HashMap<u32, usize>);

impl Places {
    fn of(items: &[Value]) -> Self {
        Self(items.iter().enumerate().filter_map(|(index, item)| Some((number(item)?, index))).collect())
    }

    fn last(&self, items: &[Value], item: &Value) -> Option<usize> {
        match number(item) {
            Some(number) => self.0.get(&number).copied(),
            None => items.iter().rposition(|other| other == item),
        }
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
