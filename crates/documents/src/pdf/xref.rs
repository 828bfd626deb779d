//! Cross-reference sections (ISO 32000-1 §7.5.4, §7.5.8) and the chain that they form.
//!
//! A reader of our own, because verification needs what readers for display hide: where each section lies, which one
//! listed an object, which objects an update freed, and what a hybrid file shows to old and to new viewers.

use super::lexical::{Lexer, is_space};
use super::object::Value;
use super::section::{Entry, Form, Place, Section};
use crate::{DocumentError, Format, Limit, Limits};

/// The sections that make up one state of the document, the newest first.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub sections: Vec<Section>,
    /// What must be added to the offsets in the file: bytes before its header.
    pub base: usize,
}

/// Where `startxref` is and where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// The offset of the word itself.
    pub word: usize,
    /// The offset that it states.
    pub target: usize,
    /// Whether `%%EOF` follows.
    pub marked: bool,
}

/// Finds the last `startxref` of `bytes`.
pub(crate) fn start(bytes: &[u8]) -> Option<Start> {
    let word = memchr::memmem::rfind(bytes, b"startxref")?;
    let mut lexer = Lexer::new(bytes, word + b"startxref".len());
    lexer.skip_space();
    let target = lexer.unsigned().ok()?;
    // `%%EOF` is a comment, so it is looked for in the bytes.
    let space = lexer.rest().iter().take_while(|byte| is_space(**byte)).count();
    let marked = lexer.rest().get(space..)?.starts_with(b"%%EOF");
    Some(Start { word, target, marked })
}

/// Where the header of the file begins; viewers accept some rubbish before it.
pub(crate) fn header(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes.get(..bytes.len().min(1024))?, b"%PDF-")
}

impl Chain {
    /// Reads the chain of sections from the last `startxref` of `bytes`. `None` where any link of it is broken.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Option<Self>, DocumentError> {
        let Some(start) = start(bytes) else { return Ok(None) };
        // Viewers count from the header, so that comes first: where it stands behind a line end, both may seem to lead right.
        if let Some(base) = header(bytes).filter(|base| *base > 0)
            && let Some(chain) = Self::read_from(bytes, start.target, base, limits)?
        {
            return Ok(Some(chain));
        }
        Self::read_from(bytes, start.target, 0, limits)
    }

    fn read_from(bytes: &[u8], first: usize, base: usize, limits: &Limits) -> Result<Option<Self>, DocumentError> {
        let mut chain = Self { sections: Vec::new(), base };
        let mut seen = std::collections::HashSet::new();
        let mut objects = 0_u64;
        let mut next = Some(first);
        while let Some(offset) = next {
            if !seen.insert(offset) {
                return Ok(None); // a circle
            }
            Limit::Revisions.check(seen.len() as u64, u64::from(limits.max_revisions))?;
            let Some(section) = Section::read(bytes, offset.saturating_add(base), base, limits)? else {
                return Ok(None);
            };
            objects += section.entries.len() as u64;
            Limit::Objects.check(objects, u64::from(limits.max_objects))?;
            next = match section.trailer.get("Prev") {
                None => None,
                Some(value) => match value.as_offset() {
                    Some(0) => None, // how some writers say that there is none
                    Some(offset) => Some(offset),
                    None => return Ok(None),
                },
            };
            let hybrid = section.trailer.get("XRefStm").and_then(Value::as_offset);
            let form = section.form;
            chain.sections.push(section);
            if let (Form::Table, Some(offset)) = (form, hybrid) {
                chain.add_hybrid(bytes, offset.saturating_add(base), limits)?;
            }
        }
        Ok(Some(chain))
    }

    fn add_hybrid(&mut self, bytes: &[u8], at: usize, limits: &Limits) -> Result<(), DocumentError> {
        // A hybrid part that cannot be read is what a viewer of PDF 1.4 always sees: no part at all.
        if let Some(section) = Section::read(bytes, at, self.base, limits)?.filter(|part| part.form == Form::Stream) {
            self.sections.push(Section { hybrid: true, ..section });
        }
        Ok(())
    }

    /// The entries that count: of several for one object the newest, sorted by number; free ones are left out.
    ///
    /// §7.5.8.4: in a hybrid file an object is looked for in the table, then in the table's `/XRefStm`, then in the
    /// section before. The table lists as free what is meant to be found in the stream.
    pub(crate) fn merged(&self) -> Vec<Entry> {
        let mut ranked = Vec::new();
        let mut rank = 0_u32;
        for (index, section) in self.sections.iter().enumerate() {
            let hybrid = self.sections.get(index + 1).is_some_and(|next| next.hybrid);
            for entry in &section.entries {
                let behind_hybrid = hybrid && entry.place == Place::Free;
                ranked.push((entry.number, rank + if behind_hybrid { 2 } else { 0 }, entry.place));
            }
            rank += if section.hybrid { 2 } else { 1 };
        }
        ranked.sort_by_key(|(number, rank, _)| (*number, *rank));
        ranked.dedup_by_key(|(number, _, _)| *number);
        ranked.retain(|(number, _, place)| *number != 0 && *place != Place::Free);
        ranked.into_iter().map(|(number, _, place)| Entry { number, place }).collect()
    }

    /// Objects that a hybrid file shows differently to viewers that know cross-reference streams and to those that
    /// don't: listed in use in the table and elsewhere in its `/XRefStm`.
    pub(crate) fn ambiguous(&self) -> Vec<u32> {
        let mut numbers = Vec::new();
        for pair in self.sections.windows(2) {
            let [table, stream] = pair else { continue };
            if !stream.hybrid {
                continue;
            }
            let shown: std::collections::HashMap<_, _> =
                table.entries.iter().filter(|e| e.place != Place::Free).map(|e| (e.number, e.place)).collect();
            let other = |entry: &&Entry| shown.get(&entry.number).is_some_and(|place| *place != entry.place);
            numbers.extend(stream.entries.iter().filter(other).map(|entry| entry.number));
        }
        numbers
    }
}

impl Limits {
    /// Bytes that a stream of structure, not of content, may have after decompression.
    pub(crate) fn max_structure_bytes(&self) -> u64 {
        self.max_entry_bytes.min(128 << 20)
    }
}

/// The error for a file that is no readable PDF.
pub(crate) fn malformed(what: impl Into<String>) -> DocumentError {
    DocumentError::Malformed { format: Format::Pdf, what: what.into() }
}
