//! Everything that drawing the pages can read: each stream of it decompresses within our bounds, and which fonts there are.

use std::collections::HashSet;

use super::collections::Collections;
use super::object::{Dictionary, Value};
use super::page::Page;
use super::view::View;
use crate::DocumentError;

/// Entries that lead back, or away from what is drawn.
const ASIDE: [&[u8]; 4] = [b"Parent", b"PieceInfo", b"Metadata", b"StructParents"];

/// What was reached so far.
pub(crate) struct Reach<'v, 'a> {
    view: &'v View<'a>,
    seen: HashSet<u32>,
    /// Composite fonts that don't say which characters their codes are.
    fonts: Vec<Dictionary>,
}

/// A value that is still to be followed.
struct Open {
    value: Value,
    /// It stands among `/XObject`: where it is a picture, nobody looks into it.
    picture: bool,
}

impl<'v, 'a> Reach<'v, 'a> {
    pub(crate) fn new(view: &'v View<'a>) -> Self {
        Self { view, seen: HashSet::new(), fonts: Vec::new() }
    }

    /// Follows what a page, its resources and the looks of its annotations lead to.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn page(&mut self, page: &Page) -> Result<(), DocumentError> {
        let contents = page.dictionary.get("Contents").cloned().unwrap_or(Value::Null);
        let values = [page.resources.clone(), contents].into_iter().chain(page.looks(self.view)?);
        let mut open: Vec<Open> = values.map(|value| Open { value, picture: false }).collect();
        while let Some(Open { value, picture }) = open.pop() {
            match value {
                Value::Reference(id) => self.object(id.number, picture, &mut open)?,
                Value::Array(items) => open.extend(items.into_iter().map(|value| Open { value, picture: false })),
                Value::Dictionary(dictionary) => self.dictionary(dictionary, &mut open),
                _ => {}
            }
        }
        Ok(())
    }

    fn object(&mut self, number: u32, picture: bool, open: &mut Vec<Open>) -> Result<(), DocumentError> {
        if self.seen.contains(&number) {
            return Ok(());
        }
        self.view.charge(1)?;
        let Some(object) = self.view.object(number)? else { return Ok(()) };
        let is_picture = |dictionary: &Dictionary| dictionary.get("Subtype").is_some_and(|kind| kind.is_name("Image"));
        if picture && object.as_dictionary().is_some_and(is_picture) {
            return Ok(());
        }
        self.seen.insert(number);
        self.view.stream(number, &object)?;
        open.push(Open { value: object.value, picture: false });
        Ok(())
    }

    fn dictionary(&mut self, dictionary: Dictionary, open: &mut Vec<Open>) {
        if Collections::may_tell(&dictionary) {
            self.fonts.push(dictionary.clone());
        }
        for (key, value) in dictionary.into_iter() {
            match value {
                Value::Dictionary(pictures) if key == b"XObject" => {
                    open.extend(pictures.into_iter().map(|(_, value)| Open { value, picture: true }));
                }
                value if !ASIDE.contains(&key.as_slice()) => open.push(Open { value, picture: false }),
                _ => {}
            }
        }
    }

    /// What is known of the characters of fonts that don't say it.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn collections(&self) -> Result<Collections, DocumentError> {
        let mut collections = Collections::default();
        for font in &self.fonts {
            collections.add(self.view, font)?;
        }
        Ok(collections)
    }
}
