//! Finds the objects of a file whose cross-reference chain is broken, as viewers do: the last object of a number
//! counts.

use std::collections::HashSet;

use memchr::memmem::Finder;

use super::lexical::is_space;
use super::object::{Dictionary, Id, Value};
use super::parse::Parser;
use super::section::{Entry, Place};
use super::view::View;
use crate::{DocumentError, Limit, Limits};

/// Digits of the number or the generation of an object; those in use have ten and five.
const MAX_DIGITS: usize = 32;

/// White space and comments between two parts of an object's head that are passed over.
const MAX_SPACE: usize = 1024;

/// Comments there.
const MAX_COMMENTS: usize = 16;

/// What a walk through the file found.
pub(crate) struct Found {
    pub entries: Vec<Entry>,
    /// Object streams, in the order of the file.
    pub streams: Vec<u32>,
    pub trailer: Dictionary,
}

/// Goes through `bytes` once.
///
/// # Errors
/// [`DocumentError::TooLarge`].
pub(crate) fn scan(bytes: &[u8], limits: &Limits) -> Result<Found, DocumentError> {
    let mut entries = std::collections::BTreeMap::new();
    let mut found = Found { entries: Vec::new(), streams: Vec::new(), trailer: Dictionary::default() };
    for word in Finder::new(b"obj").find_iter(bytes) {
        let Some(start) = head_before(bytes, word) else { continue };
        let Ok((id, object)) = Parser::new(bytes, start).indirect() else { continue };
        entries.insert(id.number, Place::At(start));
        Limit::Objects.check(entries.len() as u64, u64::from(limits.max_objects))?;
        let Some(dictionary) = object.as_dictionary().filter(|_| object.data.is_some()) else { continue };
        if dictionary.is_type("ObjStm") {
            found.streams.push(id.number);
        } else if dictionary.is_type("XRef") {
            found.take_trailer(dictionary);
        }
    }
    for word in Finder::new(b"trailer").find_iter(bytes) {
        if let Ok(Value::Dictionary(dictionary)) = Parser::new(bytes, word + b"trailer".len()).value() {
            found.take_trailer(&dictionary);
        }
    }
    found.entries = entries.into_iter().map(|(number, place)| Entry { number, place }).collect();
    Ok(found)
}

/// Whether something in `bytes` looks like an object, a table or a trailer to a viewer that goes through the file.
pub(crate) fn has_objects(bytes: &[u8]) -> bool {
    let heads = || Finder::new(b"obj").find_iter(bytes).any(|word| head_before(bytes, word).is_some());
    Finder::new(b"trailer").find(bytes).is_some() || heads()
}

impl Found {
    fn take_trailer(&mut self, dictionary: &Dictionary) {
        for key in ["Root", "Info", "ID", "Encrypt"] {
            if let Some(value) = dictionary.get(key) {
                self.trailer.set(key, value.clone());
            }
        }
    }
}

/// The numbers of what looks like an object in `bytes`.
pub(crate) fn numbers(bytes: &[u8]) -> HashSet<u32> {
    let words = Finder::new(b"obj");
    let heads = words.find_iter(bytes).filter_map(|word| head_before(bytes, word));
    heads.filter_map(|start| Parser::new(bytes, start).head().ok()).map(|id| id.number).collect()
}

/// Where `12 0 ` begins before the word `obj`; comments may stand between its parts, as readers see none.
fn head_before(bytes: &[u8], word: usize) -> Option<usize> {
    let digits = |end: usize| {
        let length = bytes.get(..end)?.iter().rev().take(MAX_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        (length > 0).then_some(end - length)
    };
    digits(space_before(bytes, digits(space_before(bytes, word)?)?)?)
}

/// Where the white space and the comments before `end` begin; `None` where there are none.
fn space_before(bytes: &[u8], end: usize) -> Option<usize> {
    let mut at = end;
    for _ in 0..MAX_COMMENTS {
        let before = bytes.get(at.saturating_sub(MAX_SPACE)..at)?;
        let spaces = before.iter().rev().take_while(|byte| is_space(**byte)).count();
        if spaces == 0 {
            break;
        }
        let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let ends_a_line = before.get(before.len() - spaces..)?.iter().any(is_line_end);
        at -= spaces;
        let before = before.get(..before.len() - spaces)?;
        let line = before.iter().rposition(is_line_end).map_or(0, |line_end| line_end + 1);
        // A comment goes up to the end of its line.
        match memchr::memchr(b'%', before.get(line..)?) {
            Some(comment) if ends_a_line => at -= before.len() - line - comment,
            _ => break,
        }
    }
    (at < end).then_some(at)
}

/// The entries of `view` and the objects in `streams` that are nowhere else; of several streams the last counts.
pub(crate) fn with_packed(view: &View<'_>, streams: &[u32]) -> Result<Vec<Entry>, DocumentError> {
    let mut places: std::collections::BTreeMap<_, _> = view.entries().iter().map(|e| (e.number, e.place)).collect();
    for &stream in streams {
        let Some(packed) = view.packed(stream)? else { continue };
        for (index, number) in (0_u32..).zip(packed.numbers()) {
            if !matches!(places.get(&number), Some(Place::At(_))) {
                places.insert(number, Place::In { stream, index });
            }
        }
        Limit::Objects.check(places.len() as u64, u64::from(view.limits().max_objects))?;
    }
    Ok(places.into_iter().map(|(number, place)| Entry { number, place }).collect())
}

/// The last object that is a catalog.
pub(crate) fn catalog(view: &View<'_>) -> Result<Option<Id>, DocumentError> {
    for entry in view.entries().iter().rev() {
        let object = view.object(entry.number)?;
        let dictionary = object.as_ref().and_then(|object| object.as_dictionary());
        if dictionary.is_some_and(|dictionary| dictionary.is_type("Catalog") && dictionary.contains("Pages")) {
            return Ok(Some(Id { number: entry.number, generation: 0 }));
        }
    }
    Ok(None)
}
