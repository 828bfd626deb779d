//! One cross-reference section: a table (ISO 32000-1 §7.5.4) or a stream (§7.5.8), with its trailer.

use super::filter::{self, Filter};
use super::lexical::Lexer;
use super::object::{Dictionary, Value};
use super::parse::Parser;
use crate::{DocumentError, Limit, Limits};

/// Bytes that a line of a table has at least, however badly it is written.
const SHORTEST_LINE: usize = 6;

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

impl Section {
    pub(crate) fn read(bytes: &[u8], at: usize, base: usize, limits: &Limits) -> Result<Option<Self>, DocumentError> {
        if at >= bytes.len() {
            return Ok(None);
        }
        let mut parser = Parser::new(bytes, at);
        parser.lexer.skip_space();
        if parser.lexer.keyword("xref") {
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
        parser.lexer.skip_space();
        if parser.lexer.keyword("trailer") {
            break;
        }
        let Some((mut first, count)) = subsection(&mut parser.lexer) else { return Ok(None) };
        if usize::try_from(count).unwrap_or(usize::MAX) > parser.lexer.rest().len() / SHORTEST_LINE {
            return Ok(None); // more than the file can have
        }
        Limit::Objects.check(entries.len() as u64 + u64::from(count), u64::from(limits.max_objects))?;
        for index in 0..count {
            let Some(place) = table_line(&mut parser.lexer, base) else { return Ok(None) };
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

fn subsection(lexer: &mut Lexer<'_>) -> Option<(u32, u32)> {
    let first = lexer.unsigned().ok()?;
    lexer.skip_space();
    let count = lexer.unsigned().ok()?;
    Some((first, count))
}

fn table_line(lexer: &mut Lexer<'_>, base: usize) -> Option<Place> {
    lexer.skip_space();
    let offset: usize = lexer.unsigned().ok()?;
    lexer.skip_space();
    lexer.unsigned::<u32>().ok()?;
    lexer.skip_space();
    if lexer.keyword("n") {
        // Offset 0 is the header: some writers mark free objects so.
        Some(if offset == 0 { Place::Free } else { Place::At(offset.saturating_add(base)) })
    } else {
        lexer.keyword("f").then_some(Place::Free)
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
        let mut lexer = Lexer::new(bytes, end);
        lexer.skip_space();
        if lexer.take(b"endstream") {
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
