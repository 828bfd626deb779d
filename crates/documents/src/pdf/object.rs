//! What a PDF is made of (ISO 32000-1 §7.3).
//!
//! An object is parsed when it is asked for, so that a large document costs memory only for the objects that are looked at.
//! Dictionaries are shared: most of them are asked for again and again, and hardly any is changed.

use std::sync::Arc;

/// The number and generation of an indirect object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    pub number: u32,
    pub generation: u16,
}

/// A direct object, or a reference to an indirect one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Real(f64),
    /// The bytes of a string after its escapes or hexadecimal digits were read.
    String(Vec<u8>),
    /// The bytes of a name without its solidus, `#xx` read.
    Name(Vec<u8>),
    Array(Vec<Self>),
    Dictionary(Dictionary),
    Reference(Id),
}

/// A dictionary. An entry whose value is null is the same as no entry (§7.3.7), so none is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Dictionary(Arc<Entries>);

#[derive(Debug, Clone, Default, PartialEq)]
struct Entries {
    /// Sorted by key, each key once.
    entries: Vec<(Vec<u8>, Value)>,
    /// What stood under a key that came again, or between two entries: some readers see it, most don't.
    hidden: Vec<Value>,
}

/// An indirect object: a value, and for a stream the place of its data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub value: Value,
    /// Where the data of a stream begins in the file; `None` for everything that is no stream.
    pub data: Option<usize>,
}

impl Value {
    pub(crate) fn name(text: &str) -> Self {
        Self::Name(text.as_bytes().to_vec())
    }

    pub(crate) fn integer(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            // Writers that know one kind of number only write 3.0 where 3 is meant.
            Self::Real(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
            _ => None,
        }
    }

    pub(crate) fn as_offset(&self) -> Option<usize> {
        self.as_integer().and_then(|number| usize::try_from(number).ok())
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn as_name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn as_string(&self) -> Option<&[u8]> {
        match self {
            Self::String(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_dictionary(&self) -> Option<&Dictionary> {
        match self {
            Self::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        }
    }

    pub(crate) fn as_reference(&self) -> Option<Id> {
        match self {
            Self::Reference(id) => Some(*id),
            _ => None,
        }
    }

    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.as_name() == Some(name.as_bytes())
    }
}

impl Dictionary {
    /// The last of several entries with one key wins, as in most readers.
    pub(crate) fn from_entries(mut entries: Vec<(Vec<u8>, Value)>) -> Self {
        let mut hidden = Vec::new();
        entries.reverse(); // the sort is stable: the last one comes first, and dedup keeps the first
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|later, first| {
            let again = later.0 == first.0;
            if again {
                hidden.push(std::mem::replace(&mut later.1, Value::Null));
            }
            again
        });
        entries.retain(|(_, value)| *value != Value::Null);
        Self(Arc::new(Entries { entries, hidden }))
    }

    /// Adds a value that stands in no entry.
    pub(crate) fn hide(&mut self, value: Value) {
        Arc::make_mut(&mut self.0).hidden.push(value);
    }

    /// Values that some readers see in the place of others.
    pub(crate) fn hidden(&self) -> &[Value] {
        &self.0.hidden
    }

    fn position(&self, key: &[u8]) -> Result<usize, usize> {
        self.0.entries.binary_search_by(|(other, _)| other.as_slice().cmp(key))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.get_bytes(key.as_bytes())
    }

    pub(crate) fn get_bytes(&self, key: &[u8]) -> Option<&Value> {
        self.position(key).ok().and_then(|at| self.0.entries.get(at)).map(|(_, value)| value)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.position(key.as_bytes()).is_ok()
    }

    pub(crate) fn set(&mut self, key: &str, value: Value) {
        self.set_bytes(key.as_bytes().to_vec(), value);
    }

    /// The same for a key of any bytes.
    pub(crate) fn set_bytes(&mut self, key: Vec<u8>, value: Value) {
        match self.position(&key) {
            Ok(at) => Arc::make_mut(&mut self.0).entries[at].1 = value,
            Err(at) => Arc::make_mut(&mut self.0).entries.insert(at, (key, value)),
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        if let Ok(at) = self.position(key.as_bytes()) {
            Arc::make_mut(&mut self.0).entries.remove(at);
        }
    }

    /// Entries in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Value)> {
        self.0.entries.iter().map(|(key, value)| (key.as_slice(), value))
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = (Vec<u8>, Value)> {
        Arc::unwrap_or_clone(self.0).entries.into_iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// True where `/Type` is `name`.
    pub(crate) fn is_type(&self, name: &str) -> bool {
        self.get("Type").is_some_and(|value| value.is_name(name))
    }
}

impl<const N: usize> From<[(&str, Value); N]> for Dictionary {
    fn from(entries: [(&str, Value); N]) -> Self {
        Self::from_entries(entries.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value)).collect())
    }
}

impl Object {
    pub(crate) fn plain(value: Value) -> Self {
        Self { value, data: None }
    }

    pub(crate) fn as_dictionary(&self) -> Option<&Dictionary> {
        self.value.as_dictionary()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_entries_with_one_key_wins_and_null_is_no_entry() {
        let entries =
            [(b"B".to_vec(), Value::Integer(1)), (b"A".to_vec(), Value::Null), (b"B".to_vec(), Value::Integer(2))];
        let dictionary = Dictionary::from_entries(entries.to_vec());
        assert_eq!(dictionary.get("B"), Some(&Value::Integer(2)));
        assert_eq!(dictionary.hidden(), [Value::Integer(1)]);
        assert!(!dictionary.contains("A"));
        assert_eq!(dictionary.iter().count(), 1);
    }

    #[test]
    fn a_value_that_is_set_is_found_among_the_others() {
        let mut dictionary = Dictionary::from([("C", Value::Integer(3)), ("A", Value::Integer(1))]);
        dictionary.set("B", Value::Integer(2));
        dictionary.set("C", Value::Integer(4));
        dictionary.remove("A");
        assert_eq!(dictionary, Dictionary::from([("B", Value::Integer(2)), ("C", Value::Integer(4))]));
    }
}
