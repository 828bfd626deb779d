//! The objects that sealing adds to a document.

use std::ops::Range;

use eseal_kernel::Digest;
use eseal_seal::Seal;

use super::object::{Dictionary, Id, Value};
use super::page::Page;
use super::permission::Permission;
use super::sealing::SealingRequest;
use super::signature::Signature;
use super::update::Update;
use super::view::View;
use super::{SEAL_KEY, appearance, form, time, write};
use crate::{DocumentError, Stamp};

/// Widget flags: printed, and neither moved nor deleted by hand (ISO 32000-1 table 165, bits 3 and 8).
const PRINT_AND_LOCKED: i64 = 4 | 128;

/// Form flags: there are signatures, and only updates may be appended (table 219).
const SIGNATURES_AND_APPEND_ONLY: i64 = 1 | 2;

/// Room for the four numbers of `/ByteRange`, the longest that there are.
const BYTE_RANGE_ROOM: usize = 64;

/// The highest object number of other software (ISO 32000-1 table C.1).
const MAX_OBJECT: u32 = 8_388_607;

/// More than the objects that sealing adds.
const ADDED: u32 = 16;

/// The update that seals a document, with room for the signature value.
pub(crate) struct Draft {
    /// What is appended to the document.
    pub update: Vec<u8>,
    /// The hexadecimal digits of `/Contents` in `update`.
    pub contents: Range<usize>,
    /// The name of the signature field.
    pub field: String,
}

/// Where a signature dictionary has its room.
struct Rooms {
    byte_range: Range<usize>,
    contents: Range<usize>,
}

impl Draft {
    /// Writes the update; `contents` is how many bytes the signature value will have at most.
    ///
    /// # Errors
    /// The page or the place does not exist, the seal's picture cannot be used, or the document is one that cannot be
    /// updated.
    pub(crate) fn write(
        view: &View<'_>,
        seal: &Seal,
        request: &SealingRequest<'_>,
        contents: usize,
    ) -> Result<Self, DocumentError> {
        must_be_updatable(view)?;
        must_be_open(view)?;
        let place = match request.stamps {
            [] => return Err(DocumentError::NoPlace),
            [Stamp { place, clip: None }] => place,
            _ => return Err(unsupported("a PDF is sealed at one place at a time")),
        };
        let pages = view.pages()?;
        let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        let index = usize::try_from(place.page).unwrap_or(0).wrapping_sub(1);
        let page = pages.get(index).ok_or(DocumentError::NoSuchPage { page: place.page, pages: count })?;
        place.must_lie_on(page.size(), count)?;
        let page_id = page.id.ok_or_else(|| unsupported("its page is no object of its own"))?;

        let mut update = Update::new(view);
        let seal_id = update.reserve();
        update.put_stream(seal_id, Dictionary::from([("Type", Value::name(SEAL_KEY))]), seal.der());
        let signature_id = update.reserve();
        let rooms = put_signature(&mut update, signature_id, &entries(request, seal_id), contents);
        let rect = page.rect_of(place);
        let look = appearance::put(&mut update, seal, seal_id, &rect, page.quarters)?;
        let field = free_name(view)?;
        let field_id = update.reserve();
        let widget = Dictionary::from([
            ("Type", Value::name("Annot")),
            ("Subtype", Value::name("Widget")),
            ("FT", Value::name("Sig")),
            ("T", form::to_text(&field)),
            ("V", Value::Reference(signature_id)),
            ("F", Value::Integer(PRINT_AND_LOCKED)),
            ("Rect", rect.to_value()),
            ("P", Value::Reference(page_id)),
            ("AP", Value::Dictionary(Dictionary::from([("N", Value::Reference(look))]))),
        ]);
        update.put(field_id, &Value::Dictionary(widget));
        add_to_page(view, &mut update, &pages, page, page_id, field_id)?;
        add_to_form(view, &mut update, field_id)?;

        let changing = changing_id(seal, request, view.bytes().len());
        let mut update = update.finish(view, &changing)?;
        fill_byte_range(&mut update, view.bytes().len(), &rooms);
        Ok(Self { update, contents: rooms.contents, field })
    }

    /// What of the update is signed: everything but the value of `/Contents` with its angle brackets.
    pub(crate) fn signed_parts(&self) -> [&[u8]; 2] {
        let part = |range: Range<usize>| self.update.get(range).unwrap_or_default();
        [part(0..self.contents.start - 1), part(self.contents.end + 1..self.update.len())]
    }
}

fn unsupported(what: &str) -> DocumentError {
    DocumentError::Unsupported { what: what.to_owned() }
}

/// An update needs a file whose state is certain.
fn must_be_updatable(view: &View<'_>) -> Result<(), DocumentError> {
    if view.is_encrypted() {
        return Err(unsupported("it is encrypted, and encrypted documents are not sealed"));
    }
    if view.is_recovered() {
        return Err(unsupported("its cross-reference table is damaged; save it anew first"));
    }
    if view.base != 0 {
        return Err(unsupported("it has other bytes before its header; save it anew first"));
    }
    if view.size() > MAX_OBJECT - ADDED {
        return Err(unsupported("its object numbers are used up; save it anew first"));
    }
    Ok(())
}

/// Refuses where an earlier signature says that nothing may change (DocMDP 1, or a lock to that effect).
fn must_be_open(view: &View<'_>) -> Result<(), DocumentError> {
    for field in view.fields()?.iter().filter(|field| field.is_signature()) {
        let Some(value) = &field.value else { continue };
        let Some(signature) = Signature::read(view, value, field.number)? else { continue };
        if Permission::read(view, &signature.dictionary, &field.dictionary)?.is_final() {
            let covered = "the whole document".to_owned();
            return Err(DocumentError::Locked { by: field.name.clone(), covered });
        }
    }
    Ok(())
}

/// `Seal1`, `Seal2`, …: the first that no field has.
fn free_name(view: &View<'_>) -> Result<String, DocumentError> {
    let fields = view.fields()?;
    let taken: std::collections::HashSet<&str> =
        fields.iter().map(|field| field.name.split('.').next().unwrap_or_default()).collect();
    let free = (1_u32..).map(|number| format!("Seal{number}")).find(|name| !taken.contains(name.as_str()));
    Ok(free.unwrap_or_default())
}

/// The entries of the signature dictionary, save `/ByteRange` and `/Contents`.
fn entries(request: &SealingRequest<'_>, seal: Id) -> Dictionary {
    let mut entries = Dictionary::from([
        ("Type", Value::name("Sig")),
        ("Filter", Value::name("Adobe.PPKLite")),
        ("SubFilter", Value::name("ETSI.CAdES.detached")),
        ("M", Value::String(time::write(request.time).into_bytes())),
        (SEAL_KEY, Value::Reference(seal)),
    ]);
    for (key, text) in [("Name", request.name), ("Reason", request.reason)] {
        if let Some(text) = text {
            entries.set(key, form::to_text(text));
        }
    }
    entries
}

fn put_signature(update: &mut Update, id: Id, entries: &Dictionary, contents: usize) -> Rooms {
    let mut rooms = Rooms { byte_range: 0..0, contents: 0..0 };
    // `put_with` appends to the bytes of the whole update, so these are places in the update.
    update.put_with(id, |out| {
        write::dictionary(out, entries);
        out.truncate(out.len() - b">>".len());
        out.extend_from_slice(b"/ByteRange [");
        rooms.byte_range = out.len()..out.len() + BYTE_RANGE_ROOM;
        out.resize(rooms.byte_range.end, b' ');
        out.extend_from_slice(b"]\n/Contents <");
        rooms.contents = out.len()..out.len() + 2 * contents;
        out.resize(rooms.contents.end, b'0');
        out.extend_from_slice(b">\n>>");
    });
    rooms
}

/// `before` is the length of the document that is updated.
fn fill_byte_range(update: &mut [u8], before: usize, rooms: &Rooms) {
    let total = before + update.len();
    let (gap_start, gap_end) = (before + rooms.contents.start - 1, before + rooms.contents.end + 1);
    let text = format!("0 {gap_start} {gap_end} {}", total - gap_end);
    if let Some(room) = update.get_mut(rooms.byte_range.clone()).and_then(|room| room.get_mut(..text.len())) {
        room.copy_from_slice(text.as_bytes());
    }
}

/// Adds the widget to the page's annotations, which are an array in the page or an object of their own.
fn add_to_page(
    view: &View<'_>,
    update: &mut Update,
    pages: &[Page],
    page: &Page,
    page_id: Id,
    widget: Id,
) -> Result<(), DocumentError> {
    let own = page.dictionary.get("Annots");
    let mut annotations = match view.get(&page.dictionary, "Annots")? {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    annotations.push(Value::Reference(widget));
    let annotations = Value::Array(annotations);
    let shared = pages.iter().filter(|other| own.is_some() && other.dictionary.get("Annots") == own).count() > 1;
    match own.and_then(Value::as_reference) {
        Some(array) if !shared && view.place(array.number).is_some() => update.put(array, &annotations),
        _ => {
            let mut dictionary = page.dictionary.clone();
            dictionary.set("Annots", annotations);
            update.put(page_id, &Value::Dictionary(dictionary));
        }
    }
    Ok(())
}

/// Adds the field to the form, which is made where there is none. Of catalog, form and list of fields only those that
/// change are written.
fn add_to_form(view: &View<'_>, update: &mut Update, field: Id) -> Result<(), DocumentError> {
    let mut catalog = view.catalog()?;
    let mut form = view.form()?;
    let mut fields = match view.get(&form, "Fields")? {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    fields.push(Value::Reference(field));
    let flags = view.get(&form, "SigFlags")?.as_integer().unwrap_or(0);
    let mut form_changes = flags & SIGNATURES_AND_APPEND_ONLY != SIGNATURES_AND_APPEND_ONLY;
    form.set("SigFlags", Value::Integer(flags | SIGNATURES_AND_APPEND_ONLY));
    match form.get("Fields").and_then(Value::as_reference).filter(|id| view.place(id.number).is_some()) {
        Some(list) => update.put(list, &Value::Array(fields)),
        None => {
            form.set("Fields", Value::Array(fields));
            form_changes = true;
        }
    }
    if !form_changes {
        return Ok(());
    }
    match catalog.get("AcroForm").and_then(Value::as_reference).filter(|id| view.place(id.number).is_some()) {
        Some(id) => update.put(id, &Value::Dictionary(form)),
        None => {
            let id = view.catalog_id().ok_or_else(|| unsupported("its catalog is no object of its own"))?;
            catalog.set("AcroForm", Value::Dictionary(form));
            update.put(id, &Value::Dictionary(catalog));
        }
    }
    Ok(())
}

/// The second element of `/ID`: it only has to differ from one state of the document to the next.
fn changing_id(seal: &Seal, request: &SealingRequest<'_>, length: usize) -> Vec<u8> {
    let facts = format!("{} {length} {}", request.time, request.signer.fingerprint());
    let mut id = Digest::of(&[seal.der(), facts.as_bytes()].concat()).bytes().to_vec();
    id.truncate(16);
    id
}
