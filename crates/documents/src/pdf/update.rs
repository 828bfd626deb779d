//! An incremental update (ISO 32000-1 §7.5.6): objects that are appended to a file whose bytes stay as they are.

use super::crypt::Crypt;
use super::object::{Dictionary, Id, Value};
use super::section::Form;
use super::view::View;
use super::write;
use crate::DocumentError;

/// An update under construction. Objects are written at once; [`Update::finish`] adds the cross-reference section.
pub(crate) struct Update<'v> {
    /// Offset of the first byte here, counted as the file counts: from its header, before which there may be other bytes.
    start: usize,
    bytes: Vec<u8>,
    written: Vec<(Id, usize)>,
    next: u32,
    /// By which the document is encrypted, and so what is added to it.
    crypt: Option<&'v Crypt>,
}

/// Offsets beyond this do not fit the ten digits of a cross-reference table.
const MAX_TABLE_OFFSET: usize = 9_999_999_999;

impl<'v> Update<'v> {
    /// Begins an update of the file that `view` shows whole.
    pub(crate) fn new(view: &'v View<'_>) -> Self {
        // An object begins on a new line, whatever the file ends with.
        let bytes = if view.bytes().ends_with(b"\n") { Vec::new() } else { vec![b'\n'] };
        let start = view.bytes().len().saturating_sub(view.base);
        Self { start, bytes, written: Vec::new(), next: view.size(), crypt: view.crypt() }
    }

    /// A number that no object has yet.
    pub(crate) fn reserve(&mut self) -> Id {
        let id = Id { number: self.next, generation: 0 };
        self.next = self.next.saturating_add(1);
        id
    }

    /// Writes an object that is new or replaces an older one with its number.
    pub(crate) fn put(&mut self, id: Id, value: &Value) {
        match self.crypt {
            Some(crypt) => {
                let value = crypt.protect(id, value);
                self.put_with(id, |out| write::value(out, &value));
            }
            None => self.put_with(id, |out| write::value(out, value)),
        }
    }

    /// The entries of a dictionary that [`Update::put_with`] writes for `id`, encrypted where the document is.
    pub(crate) fn protected(&self, id: Id, entries: Dictionary) -> Dictionary {
        match self.crypt {
            Some(crypt) => crypt.protect_entries(id, &entries),
            None => entries,
        }
    }

    /// Writes a stream; `/Length` is set here.
    pub(crate) fn put_stream(&mut self, id: Id, dictionary: Dictionary, data: &[u8]) {
        match self.crypt {
            Some(crypt) => {
                let (dictionary, data) = (crypt.protect_entries(id, &dictionary), crypt.protect_stream(id, data));
                self.put_clear_stream(id, dictionary, &data);
            }
            None => self.put_clear_stream(id, dictionary, data),
        }
    }

    /// Writes a stream that is not encrypted whatever the document is: a cross-reference stream (ISO 32000-1 §7.5.8.2).
    fn put_clear_stream(&mut self, id: Id, mut dictionary: Dictionary, data: &[u8]) {
        dictionary.set("Length", Value::integer(data.len()));
        self.put_with(id, |out| {
            write::dictionary(out, &dictionary);
            out.extend_from_slice(b"\nstream\n");
            out.extend_from_slice(data);
            out.extend_from_slice(b"\nendstream");
        });
    }

    /// Writes an object whose bytes `body` appends.
    pub(crate) fn put_with(&mut self, id: Id, body: impl FnOnce(&mut Vec<u8>)) {
        self.written.push((id, self.start + self.bytes.len()));
        write::head(&mut self.bytes, id);
        body(&mut self.bytes);
        self.bytes.extend_from_slice(b"\nendobj\n");
    }

    /// Ends the update with a cross-reference section in the form of the one before it, and gives its bytes.
    ///
    /// `/ID` keeps its first element; `changing` becomes the second (§14.4).
    ///
    /// # Errors
    /// [`DocumentError::Unsupported`] where the section before is not where it should be, or the file is too large for
    /// its form.
    pub(crate) fn finish(mut self, view: &View<'_>, changing: &[u8]) -> Result<Vec<u8>, DocumentError> {
        let unsupported = |what: &str| DocumentError::Unsupported { what: what.to_owned() };
        let (previous, form) = view.newest.ok_or_else(|| unsupported("its cross-reference table is damaged"))?;
        let mut trailer = Dictionary::default();
        for key in ["Root", "Info", "Encrypt"] {
            if let Some(value) = view.trailer.get(key) {
                trailer.set(key, value.clone());
            }
        }
        trailer.set("Prev", Value::integer(previous.saturating_sub(view.base)));
        trailer.set("ID", Value::Array(vec![permanent_id(view, changing)?, Value::String(changing.to_vec())]));
        let at = self.start + self.bytes.len();
        match form {
            Form::Table if at > MAX_TABLE_OFFSET => return Err(unsupported("it is too large for its kind of table")),
            Form::Table => self.table(trailer),
            Form::Stream => self.stream(trailer),
        }
        self.bytes.extend_from_slice(format!("startxref\n{at}\n%%EOF\n").as_bytes());
        Ok(self.bytes)
    }

    /// Runs of consecutive numbers, in order.
    fn runs(&mut self) -> Vec<Vec<(Id, usize)>> {
        self.written.sort_unstable();
        let mut runs: Vec<Vec<(Id, usize)>> = Vec::new();
        for entry in &self.written {
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(|(id, _)| id.number.checked_add(1) == Some(entry.0.number)) => {
                    run.push(*entry);
                }
                _ => runs.push(vec![*entry]),
            }
        }
        runs
    }

    fn table(&mut self, mut trailer: Dictionary) {
        trailer.set("Size", Value::Integer(i64::from(self.next)));
        let mut section = b"xref\n".to_vec();
        for run in self.runs() {
            let first = run.first().map_or(0, |(id, _)| id.number);
            section.extend_from_slice(format!("{first} {}\n", run.len()).as_bytes());
            for (id, offset) in run {
                // Exactly 20 bytes, with a space before the line feed (§7.5.4).
                section.extend_from_slice(format!("{offset:010} {:05} n \n", id.generation).as_bytes());
            }
        }
        section.extend_from_slice(b"trailer\n");
        write::dictionary(&mut section, &trailer);
        section.push(b'\n');
        self.bytes.extend_from_slice(&section);
    }

    fn stream(&mut self, mut trailer: Dictionary) {
        let own = self.reserve();
        let at = self.start + self.bytes.len();
        self.written.push((own, at)); // its own row is part of what it says
        let width = (1..8).find(|bytes| at >> (8 * bytes) == 0).unwrap_or(8);
        let mut index = Vec::new();
        let mut rows = Vec::new();
        for run in self.runs() {
            let first = run.first().map_or(0, |(id, _)| id.number);
            index.extend([Value::Integer(i64::from(first)), Value::integer(run.len())]);
            for (id, offset) in run {
                rows.push(1);
                rows.extend_from_slice(&offset.to_be_bytes()[size_of::<usize>() - width..]);
                rows.extend_from_slice(&id.generation.to_be_bytes());
            }
        }
        trailer.set("Type", Value::name("XRef"));
        trailer.set("Size", Value::Integer(i64::from(self.next)));
        trailer.set("W", Value::Array([1, width, 2].map(Value::integer).to_vec()));
        trailer.set("Index", Value::Array(index));
        self.put_clear_stream(own, trailer, &rows);
    }
}

/// The first element of `/ID`, which stays the same for ever; a file that has none gets one now.
fn permanent_id(view: &View<'_>, changing: &[u8]) -> Result<Value, DocumentError> {
    let id = view.get(&view.trailer, "ID")?;
    let first = id.as_array().and_then(|id| id.first()).and_then(Value::as_string);
    Ok(Value::String(first.unwrap_or(changing).to_vec()))
}
