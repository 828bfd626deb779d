//! Cross-reference sections (ISO 32000-1 §7.5.4, §7.5.8) and the chain that they form.
//!
//! A reader of our own, because verification needs what readers for display hide: where each section lies, which one
//! listed an object, which objects an update freed, and what a hybrid file shows to old and to new viewers.

use super::filter::{self, Filter};
use super::object::{Dictionary, Value};
use super::parse::Parser;
use crate::{DocumentError, Format, Limit, Limits};

/// Where an object lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Nowhere: deleted.
    Free,
    /// At an offset of the file.
    At(usize),
    /// In an object stream, at an index.
    In { stream: u32, index: u32 },
}

/// One line of a cross-reference section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub number: u32,
    pub place: Place,
}

/// How a section is written, and so how the next one should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Table,
    Stream,
}

/// One cross-reference section with its trailer.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub at: usize,
    pub form: Form,
    /// It is the `/XRefStm` of the table before it in the chain.
    pub hybrid: bool,
    pub entries: Vec<Entry>,
    pub trailer: Dictionary,
}

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
    /// The offset after `%%EOF`, or after the number where that mark is missing.
    pub end: usize,
}

/// Finds the last `startxref` of `bytes`.
pub(crate) fn start(bytes: &[u8]) -> Option<Start> {
    let word = memchr::memmem::rfind(bytes, b"startxref")?;
    let mut parser = Parser::new(bytes, word + b"startxref".len());
    parser.skip_space();
    let target = parser.unsigned().ok()?;
    let number_end = parser.position();
    // `%%EOF` is a comment to the parser, so it is looked for in the bytes.
    let tail = bytes.get(number_end..)?;
    let space = tail.iter().take_while(|byte| super::parse::is_space(**byte)).count();
    let marked = tail.get(space..)?.starts_with(b"%%EOF");
    Some(Start { word, target, end: if marked { number_end + space + 5 } else { number_end } })
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
        match Self::read_from(bytes, start.target, 0, limits)? {
            Some(chain) => Ok(Some(chain)),
            None => match header(bytes) {
                Some(base) if base > 0 => Self::read_from(bytes, start.target, base, limits),
                _ => Ok(None),
            },
        }
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

impl Section {
    fn read(bytes: &[u8], at: usize, base: usize, limits: &Limits) -> Result<Option<Self>, DocumentError> {
        if at >= bytes.len() {
            return Ok(None);
        }
        let mut parser = Parser::new(bytes, at);
        parser.skip_space();
        if parser.keyword("xref") {
            read_table(&mut parser, at, base, limits)
        } else {
            read_stream(bytes, at, base, limits)
        }
    }
}

fn read_table(
    parser: &mut Parser<'_>,
    at: usize,
    base: usize,
    limits: &Limits,
) -> Result<Option<Section>, DocumentError> {
    let mut entries = Vec::new();
    loop {
        parser.skip_space();
        if parser.keyword("trailer") {
            break;
        }
        let Some((mut first, count)) = subsection(parser) else { return Ok(None) };
        Limit::Objects.check(entries.len() as u64 + u64::from(count), u64::from(limits.max_objects))?;
        for index in 0..count {
            let Some(place) = table_line(parser, base) else { return Ok(None) };
            // A table that begins with object 1 but whose first line is the head of the free list is off by one.
            if first == 1 && entries.is_empty() && place == Place::Free {
                first = 0;
            }
            let Some(number) = u32::checked_add(first, index) else { return Ok(None) };
            entries.push(Entry { number, place });
        }
    }
    let Ok(Value::Dictionary(trailer)) = parser.value() else { return Ok(None) };
    Ok(Some(Section { at, form: Form::Table, hybrid: false, entries, trailer }))
}

fn subsection(parser: &mut Parser<'_>) -> Option<(u32, u32)> {
    let first = parser.unsigned().ok()?;
    parser.skip_space();
    let count = parser.unsigned().ok()?;
    Some((first, count))
}

fn table_line(parser: &mut Parser<'_>, base: usize) -> Option<Place> {
    parser.skip_space();
    let offset: usize = parser.unsigned().ok()?;
    parser.skip_space();
    parser.unsigned::<u32>().ok()?;
    parser.skip_space();
    if parser.keyword("n") {
        // Offset 0 is the header: some writers mark free objects so.
        Some(if offset == 0 { Place::Free } else { Place::At(offset.saturating_add(base)) })
    } else {
        parser.keyword("f").then_some(Place::Free)
    }
}

fn read_stream(bytes: &[u8], at: usize, base: usize, limits: &Limits) -> Result<Option<Section>, DocumentError> {
    let Ok((_, object)) = Parser::new(bytes, at).indirect() else { return Ok(None) };
    let (Value::Dictionary(trailer), Some(data)) = (object.value, object.data) else { return Ok(None) };
    if !trailer.is_type("XRef") {
        return Ok(None);
    }
    // Everything in this dictionary must be direct (§7.5.8.2): there is no table yet to look references up in.
    let length = trailer.get("Length").and_then(Value::as_offset);
    let Some(raw) = stream_data(bytes, data, length) else { return Ok(None) };
    let Some(filters) = direct_filters(&trailer) else { return Ok(None) };
    let Some(content) = filter::decode(&filters, raw, limits.max_structure_bytes())? else { return Ok(None) };
    let Some(entries) = stream_entries(&trailer, &content, base, limits)? else { return Ok(None) };
    Ok(Some(Section { at, form: Form::Stream, hybrid: false, entries, trailer }))
}

/// The data of a stream that begins at `start`: as long as `length` says if `endstream` follows, else up to that word.
pub(crate) fn stream_data(bytes: &[u8], start: usize, length: Option<usize>) -> Option<&[u8]> {
    if let Some(end) = length.and_then(|length| start.checked_add(length)).filter(|end| *end <= bytes.len()) {
        let mut parser = Parser::new(bytes, end);
        parser.skip_space();
        if bytes.get(parser.position()..)?.starts_with(b"endstream") {
            return bytes.get(start..end);
        }
    }
    let rest = bytes.get(start..)?;
    let mut end = memchr::memmem::find(rest, b"endstream")?;
    for line_end in [b'\n', b'\r'] {
        if end > 0 && rest.get(end - 1) == Some(&line_end) {
            end -= 1;
        }
    }
    rest.get(..end)
}

fn direct_filters(dictionary: &Dictionary) -> Option<Vec<Filter>> {
    let names = match dictionary.get("Filter") {
        None => return Some(Vec::new()),
        Some(Value::Array(names)) => names.clone(),
        Some(name) => vec![name.clone()],
    };
    let parameters = match dictionary.get("DecodeParms") {
        Some(Value::Array(parameters)) => parameters.clone(),
        Some(parameters) => vec![parameters.clone()],
        None => Vec::new(),
    };
    if names.len() > filter::MAX_FILTERS {
        return None;
    }
    let filter = |(index, name): (usize, &Value)| {
        let parameters = parameters.get(index).and_then(Value::as_dictionary).cloned().unwrap_or_default();
        Some(Filter { name: name.as_name()?.to_vec(), parameters })
    };
    names.iter().enumerate().map(filter).collect()
}

fn stream_entries(
    trailer: &Dictionary,
    content: &[u8],
    base: usize,
    limits: &Limits,
) -> Result<Option<Vec<Entry>>, DocumentError> {
    let Some(widths) = trailer.get("W").and_then(Value::as_array).and_then(|widths| match widths {
        [kind, second, third, ..] => Some([kind.as_offset()?, second.as_offset()?, third.as_offset()?]),
        _ => None,
    }) else {
        return Ok(None);
    };
    let width: usize = widths.iter().sum();
    if widths.iter().any(|width| *width > 8) || width == 0 {
        return Ok(None);
    }
    let Some(subsections) = subsections(trailer) else { return Ok(None) };
    let mut entries = Vec::new();
    let mut rows = content.chunks_exact(width);
    for (first, count) in subsections {
        for (index, row) in (0..count).zip(rows.by_ref()) {
            let Some(number) = u32::checked_add(first, index) else { return Ok(None) };
            if let Some(place) = row_place(row, widths, base) {
                entries.push(Entry { number, place });
            }
            Limit::Objects.check(entries.len() as u64, u64::from(limits.max_objects))?;
        }
    }
    Ok(Some(entries))
}

fn subsections(trailer: &Dictionary) -> Option<Vec<(u32, u32)>> {
    let number = |value: &Value| value.as_offset().and_then(|number| u32::try_from(number).ok());
    match trailer.get("Index").and_then(Value::as_array) {
        Some(index) => index
            .chunks_exact(2)
            .map(|pair| match pair {
                [first, count] => Some((number(first)?, number(count)?)),
                _ => None,
            })
            .collect(),
        None => Some(vec![(0, trailer.get("Size").and_then(number)?)]),
    }
}

/// §7.5.8.3 table 18. A kind that is not known is the same as a null object, so there is no entry.
fn row_place(row: &[u8], [kind, second, third]: [usize; 3], base: usize) -> Option<Place> {
    let field = |from: usize, width: usize| {
        row.get(from..from + width).unwrap_or_default().iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let value = field(kind, second);
    match if kind == 0 { 1 } else { field(0, kind) } {
        0 => Some(Place::Free),
        1 => Some(Place::At(usize::try_from(value).ok()?.saturating_add(base))),
        2 => {
            let index = u32::try_from(field(kind + second, third)).ok()?;
            Some(Place::In { stream: u32::try_from(value).ok()?, index })
        }
        _ => None,
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
