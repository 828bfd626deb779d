//! Whether two states of a document hold the same under a reference, however deep and whatever the object numbers.
//!
//! Works on a list instead of the stack, so that no depth of references can exhaust it.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::object::{Dictionary, Object, Value};
use super::recover;
use super::section::Place;
use super::view::View;
use crate::DocumentError;

/// Compares values of an old and a new state.
pub(crate) struct Same<'v, 'a> {
    old: &'v View<'a>,
    new: &'v View<'a>,
    /// Pairs of objects that have rules of their own and are judged elsewhere.
    known: HashSet<(u32, u32)>,
    /// Pairs found to be the same, where known pairs count as the same.
    found: HashSet<(u32, u32)>,
    /// Pairs found to be the same without that.
    found_strictly: HashSet<(u32, u32)>,
    /// Numbers of objects in what came after the old state, once they were asked for.
    appended: OnceCell<HashSet<u32>>,
}

/// Names of the filters and their parameters in inline images (ISO 32000-1 table 93); `/F` of a stream is a file besides.
const SHORT: [&str; 2] = ["F", "DP"];

/// Whether references to [`Same::know`]n pairs count as the same.
///
/// What draws a page may refer to nothing that is allowed to change: else a form field that is also somebody's picture
/// would change the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    Known,
    Nothing,
}

impl<'v, 'a> Same<'v, 'a> {
    pub(crate) fn new(old: &'v View<'a>, new: &'v View<'a>) -> Self {
        let (known, found, found_strictly) = Default::default();
        Self { old, new, known, found, found_strictly, appended: OnceCell::new() }
    }

    /// Declares that a pair of objects is judged elsewhere.
    pub(crate) fn know(&mut self, old: u32, new: u32) {
        self.known.insert((old, new));
    }

    /// Whether a pair of objects is judged elsewhere.
    pub(crate) fn is_known(&self, old: u32, new: u32) -> bool {
        self.known.contains(&(old, new))
    }

    /// Whether two optional values are the same; none is the same as null.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn entries(
        &mut self,
        a: Option<&Value>,
        b: Option<&Value>,
        trust: Trust,
    ) -> Result<bool, DocumentError> {
        self.values(a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null), trust)
    }

    /// Whether two values are the same, everything that they refer to included.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn values(&mut self, a: &Value, b: &Value, trust: Trust) -> Result<bool, DocumentError> {
        // Pairs are taken for the same while their insides are compared, which is what makes circles end. They are
        // remembered only when everything turned out the same.
        let mut visited = HashSet::new();
        let mut open = vec![(a.clone(), b.clone())];
        while let Some((a, b)) = open.pop() {
            let pair = a.as_reference().zip(b.as_reference()).map(|(a, b)| (a.number, b.number));
            let done = pair.is_some_and(|pair| self.is_found(pair, trust) || !visited.insert(pair));
            if pair.is_some() && !done {
                self.new.charge(1)?;
            }
            if !done && !self.step(&a, &b, &mut open)? {
                return Ok(false);
            }
        }
        match trust {
            Trust::Known => self.found.extend(visited),
            Trust::Nothing => self.found_strictly.extend(visited),
        }
        Ok(true)
    }

    fn is_found(&self, pair: (u32, u32), trust: Trust) -> bool {
        self.found_strictly.contains(&pair)
            || trust == Trust::Known && (self.known.contains(&pair) || self.found.contains(&pair))
    }

    /// Compares one pair on its surface and leaves what is inside it on `open`.
    fn step(&self, a: &Value, b: &Value, open: &mut Vec<(Value, Value)>) -> Result<bool, DocumentError> {
        match (a, b) {
            (Value::Reference(x), Value::Reference(y)) => {
                // Some readers look at the generation: what they took for null would come to light.
                if self.old.fits(*x) != self.new.fits(*y) {
                    return Ok(false);
                }
                if x.number == y.number && self.is_untouched(x.number) {
                    return self.untouched(x.number, open);
                }
                let (a, b) = (self.old.object(x.number)?, self.new.object(y.number)?);
                // Of what cannot be read, nobody knows what other readers make of it.
                if a.is_none() && self.old.is_unreadable(x.number)?
                    || b.is_none() && self.new.is_unreadable(y.number)?
                {
                    return Ok(false);
                }
                if b.is_none() && self.is_found_elsewhere(y.number) {
                    return Ok(false);
                }
                let null = || Object::plain(Value::Null);
                let (a, b) = (a.unwrap_or_else(null), b.unwrap_or_else(null));
                self.objects((x.number, &a), (y.number, &b), open)
            }
            (Value::Reference(_), direct) => {
                Ok(self.plain(&self.old.resolve(a)?, &Object::plain(direct.clone()), open))
            }
            (direct, Value::Reference(_)) => {
                Ok(self.plain(&Object::plain(direct.clone()), &self.new.resolve(b)?, open))
            }
            (a, b) => Ok(surface(a, b, open)),
        }
    }

    fn plain(&self, a: &Object, b: &Object, open: &mut Vec<(Value, Value)>) -> bool {
        a.data.is_none() && b.data.is_none() && surface(&a.value, &b.value, open)
    }

    /// Whether the object lies where it lay.
    fn is_untouched(&self, number: u32) -> bool {
        let offset = |view: &View<'_>| match view.place(number)? {
            Place::At(offset) => Some((offset, None)),
            Place::In { stream, index } => match view.place(stream)? {
                Place::At(offset) => Some((offset, Some(index))),
                _ => None,
            },
            Place::Free => None,
        };
        offset(self.old).is_some_and(|place| offset(self.new) == Some(place))
    }

    /// Whether the table leads to no object, and readers that then go through the file find one that was not signed.
    fn is_found_elsewhere(&self, number: u32) -> bool {
        let appended = || recover::numbers(self.new.bytes().get(self.old.bytes().len()..).unwrap_or_default());
        self.new.is_misplaced(number) && self.appended.get_or_init(appended).contains(&number)
    }

    /// An untouched object is the same by itself; what it refers to may not be.
    fn untouched(&self, number: u32, open: &mut Vec<(Value, Value)>) -> Result<bool, DocumentError> {
        match self.old.object(number)? {
            Some(object) => references(&object.value, &mut |value| open.push((value.clone(), value.clone()))),
            None if self.old.is_unreadable(number)? || self.is_found_elsewhere(number) => return Ok(false),
            None => {}
        }
        // The extent of an object stream may hang on an object that was changed: its length.
        if let Some(Place::In { stream, .. }) = self.old.place(number) {
            let reference = Value::Reference(super::object::Id { number: stream, generation: 0 });
            open.push((reference.clone(), reference));
        }
        Ok(true)
    }

    /// Whether two objects are the same; streams by their data after the filters.
    fn objects(
        &self,
        (x, a): (u32, &Object),
        (y, b): (u32, &Object),
        open: &mut Vec<(Value, Value)>,
    ) -> Result<bool, DocumentError> {
        if a.data.is_none() && b.data.is_none() {
            return Ok(surface(&a.value, &b.value, open));
        }
        let (Some(first), Some(second)) = (a.as_dictionary(), b.as_dictionary()) else { return Ok(false) };
        if a.data.is_none() || b.data.is_none() {
            return Ok(false);
        }
        let (raw_a, raw_b) = (self.old.raw(x, a)?, self.new.raw(y, b)?);
        let same_raw = raw_a.is_some() && raw_a == raw_b;
        // Some readers take the short names of the filters, which belong into inline images, for the long ones.
        if !same_raw && SHORT.iter().any(|key| first.contains(key)) {
            return Ok(false);
        }
        let encoding: &[&str] = if same_raw { &["Length"] } else { &["Length", "Filter", "DecodeParms"] };
        let (first, second) = (without(first, encoding), without(second, encoding));
        if !surface(&Value::Dictionary(first), &Value::Dictionary(second), open) {
            return Ok(false);
        }
        if same_raw {
            return Ok(true);
        }
        let (plain_a, plain_b) = (self.old.stream(x, a)?, self.new.stream(y, b)?);
        Ok(plain_a.is_some() && plain_a == plain_b)
    }
}

fn without(dictionary: &Dictionary, keys: &[&str]) -> Dictionary {
    let mut rest = dictionary.clone();
    keys.iter().for_each(|key| rest.remove(key));
    rest
}

fn references(value: &Value, visit: &mut dyn FnMut(&Value)) {
    match value {
        Value::Reference(_) => visit(value),
        Value::Array(items) => items.iter().for_each(|item| references(item, visit)),
        Value::Dictionary(entries) => {
            entries.iter().map(|(_, entry)| entry).chain(entries.hidden()).for_each(|entry| references(entry, visit));
        }
        _ => {}
    }
}

/// Compares two direct values; whatever is a reference on either side is left on `open`.
fn surface(a: &Value, b: &Value, open: &mut Vec<(Value, Value)>) -> bool {
    match (a, b) {
        (Value::Reference(_), _) | (_, Value::Reference(_)) => {
            open.push((a.clone(), b.clone()));
            true
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(a, b)| surface(a, b, open)),
        (Value::Dictionary(x), Value::Dictionary(y)) => {
            let missing = Value::Null; // an entry may refer to nothing on the other side
            x.hidden().len() == y.hidden().len()
                && x.hidden().iter().zip(y.hidden()).all(|(a, b)| surface(a, b, open))
                && x.iter().all(|(key, a)| surface(a, y.get_bytes(key).unwrap_or(&missing), open))
                && y.iter().all(|(key, b)| x.get_bytes(key).is_some() || surface(&missing, b, open))
        }
        (Value::Integer(_) | Value::Real(_), Value::Integer(_) | Value::Real(_)) => a.as_number() == b.as_number(),
        (a, b) => a == b,
    }
}
