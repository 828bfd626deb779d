//! The update that seals a document or stamps it with a time, with room for a signature value.

use std::ops::Range;

use eseal_kernel::Digest;

use super::appearance::Looks;
use super::catalog::Catalog;
use super::field::Target;
use super::form::Field;
use super::object::{Dictionary, Id, Value};
use super::permission::Permission;
use super::request::{SealForm, SealingRequest};
use super::signature::Signature;
use super::update::Update;
use super::view::View;
use super::{SEAL_KEY, form, seed, time, widgets, write};
use crate::DocumentError;

/// Room for the four numbers of `/ByteRange`, the longest that there are.
const BYTE_RANGE_ROOM: usize = 64;

/// The highest object number of other software (ISO 32000-1 table C.1).
const MAX_OBJECT: u32 = 8_388_607;

/// More than the objects that sealing adds besides widgets.
const ADDED: u32 = 16;

/// Objects that an impression adds at most: its widget, and its look.
const ADDED_EACH: u32 = 2;

/// An update that is complete but for a signature value.
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
    /// The update that seals; `contents` is how many bytes the signature value will have at most.
    ///
    /// # Errors
    /// A page or place does not exist, the field cannot be used so, or the document is one that cannot be updated.
    pub(crate) fn seal(
        view: &View<'_>,
        request: &SealingRequest<'_>,
        digest: eseal_pki::DigestAlg,
        contents: usize,
    ) -> Result<Self, DocumentError> {
        must_be_updatable(view, request.stamps.len())?;
        let fields = view.fields()?;
        must_be_open(view, &fields, &request.options)?;
        let target = match request.options.field {
            Some(name) => Target::existing(view, &fields, name)?,
            None => Target::free(&fields, "Seal"),
        };
        let is_permitted = view.crypt().is_none_or(|crypt| crypt.permits_signing(target.is_new()));
        if !is_permitted {
            return Err(DocumentError::Restricted);
        }
        seed::must_agree(view, &target, request, digest)?;

        let mut update = Update::new(view);
        let seal_id = (request.options.form == SealForm::Pades).then(|| {
            let id = update.reserve();
            let kind = Dictionary::from([("Type", Value::name(SEAL_KEY))]);
            update.put_stream(id, kind, request.seal.seal().der());
            id
        });
        let signature_id = update.reserve();
        let mut entries = entries(request, seal_id);
        let references = references(view, request, &target)?;
        if !references.is_empty() {
            entries.set("Reference", Value::Array(references));
        }
        let rooms = put_signature(&mut update, signature_id, entries, contents);
        let mut looks = Looks::begin(&mut update, request.seal.picture(), seal_id);
        let field_id = widgets::put(view, &mut update, &mut looks, request, &target, signature_id)?;
        let mut catalog = Catalog::of(view)?;
        catalog.add_field(&mut update, target.is_new().then_some(field_id))?;
        if request.options.certifies.is_some() {
            catalog.certify(&mut update, signature_id)?;
        }
        if request.options.form == SealForm::Pades {
            catalog.declare_pades()?;
        }
        catalog.put(&mut update)?;
        let facts = format!("{} {} {}", request.time, request.signer.fingerprint(), request.seal.fingerprint());
        Self::finish(view, update, rooms, target.name, &facts)
    }

    /// The update that stamps the document with a time; `contents` is how many bytes the token will have at most.
    ///
    /// # Errors
    /// As [`Draft::seal`].
    pub(crate) fn time_stamp(view: &View<'_>, contents: usize) -> Result<Self, DocumentError> {
        must_be_updatable(view, 1)?;
        let target = Target::free(&view.fields()?, "TimeStamp");
        let mut update = Update::new(view);
        let stamp_id = update.reserve();
        // ISO 32000-2 §12.8.5.
        let entries = Dictionary::from([
            ("Type", Value::name("DocTimeStamp")),
            ("Filter", Value::name("Adobe.PPKLite")),
            ("SubFilter", Value::name("ETSI.RFC3161")),
        ]);
        let rooms = put_signature(&mut update, stamp_id, entries, contents);
        let field_id = widgets::put_invisible(view, &mut update, &target, stamp_id)?;
        let mut catalog = Catalog::of(view)?;
        catalog.add_field(&mut update, Some(field_id))?;
        catalog.declare_pades()?;
        catalog.put(&mut update)?;
        Self::finish(view, update, rooms, target.name, "time stamp")
    }

    fn finish(
        view: &View<'_>,
        update: Update<'_>,
        rooms: Rooms,
        field: String,
        facts: &str,
    ) -> Result<Self, DocumentError> {
        let before = view.bytes().len();
        let mut update = update.finish(view, &changing_id(facts, before))?;
        fill_byte_range(&mut update, before, &rooms);
        Ok(Self { update, contents: rooms.contents, field })
    }

    /// What of the update is signed: everything but the value of `/Contents` with its angle brackets.
    pub(crate) fn signed_parts(&self) -> [&[u8]; 2] {
        let part = |range: Range<usize>| self.update.get(range).unwrap_or_default();
        [part(0..self.contents.start - 1), part(self.contents.end + 1..self.update.len())]
    }

    /// Puts the signature value into its room; what is left of that stays zeros.
    ///
    /// # Errors
    /// [`DocumentError::SigningFailed`] for a value that is larger than its room.
    pub(crate) fn fill(&mut self, value: &[u8]) -> Result<(), DocumentError> {
        let room = self.update.get_mut(self.contents.clone()).and_then(|room| room.get_mut(..2 * value.len()));
        let room = room.ok_or(DocumentError::SigningFailed)?;
        hex::encode_to_slice(value, room).map_err(|_| DocumentError::SigningFailed)
    }
}

fn unsupported(what: &str) -> DocumentError {
    DocumentError::Unsupported { what: what.to_owned() }
}

/// An update needs a file whose state is certain.
///
/// # Errors
/// [`DocumentError::Unsupported`].
pub(crate) fn must_be_updatable(view: &View<'_>, stamps: usize) -> Result<(), DocumentError> {
    if view.is_recovered() {
        return Err(unsupported("its cross-reference table is damaged; save it anew first"));
    }
    let stamps = u32::try_from(stamps).unwrap_or(u32::MAX);
    let added = stamps.saturating_mul(ADDED_EACH).saturating_add(ADDED);
    if view.size().saturating_add(added) > MAX_OBJECT {
        return Err(unsupported("its object numbers are used up; save it anew first"));
    }
    Ok(())
}

/// Refuses where an earlier signature says that nothing may change (DocMDP 1, or a lock to that effect) or that this field may
/// not be signed (FieldMDP), and a certification that is not the first signature.
fn must_be_open(
    view: &View<'_>,
    fields: &[Field],
    options: &super::request::SealingOptions<'_>,
) -> Result<(), DocumentError> {
    for field in fields.iter().filter(|field| field.is_signature()) {
        let Some(value) = &field.value else { continue };
        let Some(signature) = Signature::read(view, value, field.number)? else { continue };
        if options.certifies.is_some() {
            return Err(DocumentError::NotFirst { by: field.name.clone() });
        }
        let permission = Permission::read(view, &signature.dictionary, &field.dictionary)?;
        let covered = match options.field {
            _ if permission.is_final() => "the whole document".to_owned(),
            Some(name) if !permission.allows_filling(name) => format!("the field {name}"),
            _ => continue,
        };
        return Err(DocumentError::Locked { by: field.name.clone(), covered });
    }
    Ok(())
}

/// The entries of the signature dictionary, save `/Reference`, `/ByteRange` and `/Contents`.
fn entries(request: &SealingRequest<'_>, seal: Option<Id>) -> Dictionary {
    let (filter, sub_filter) = match request.options.form {
        SealForm::Pades => ("Adobe.PPKLite", "ETSI.CAdES.detached"),
        SealForm::Gm => ("Gomain.GMPkiLite", "GM.sm2seal"), // the names under which this form is met
    };
    let mut entries = Dictionary::from([
        ("Type", Value::name("Sig")),
        ("Filter", Value::name(filter)),
        ("SubFilter", Value::name(sub_filter)),
        ("M", Value::String(time::write(request.time).into_bytes())),
    ]);
    if let Some(seal) = seal {
        entries.set(SEAL_KEY, Value::Reference(seal));
    }
    for (key, text) in [("Name", request.name), ("Reason", request.reason)] {
        if let Some(text) = text {
            entries.set(key, form::to_text(text));
        }
    }
    entries
}

/// `/Reference`: what the signature permits to happen later, by itself (DocMDP) and by its field's lock (FieldMDP).
fn references(view: &View<'_>, request: &SealingRequest<'_>, target: &Target) -> Result<Vec<Value>, DocumentError> {
    let reference = |method: &str, mut parameters: Dictionary| {
        parameters.set("Type", Value::name("TransformParams"));
        parameters.set("V", Value::name("1.2"));
        Dictionary::from([
            ("Type", Value::name("SigRef")),
            ("TransformMethod", Value::name(method)),
            ("TransformParams", Value::Dictionary(parameters)),
        ])
    };
    let mut references = Vec::new();
    if let Some(permitted) = request.options.certifies {
        let parameters = Dictionary::from([("P", Value::Integer(permitted.level()))]);
        references.push(Value::Dictionary(reference("DocMDP", parameters)));
    }
    if let Some(lock) = target.lock(view)? {
        let mut of_fields = reference("FieldMDP", lock);
        // ISO 32000-1 table 253 asks for it, and Acrobat too.
        if let Some(catalog) = view.catalog_id() {
            of_fields.set("Data", Value::Reference(catalog));
        }
        references.push(Value::Dictionary(of_fields));
    }
    Ok(references)
}

fn put_signature(update: &mut Update<'_>, id: Id, entries: Dictionary, contents: usize) -> Rooms {
    let mut rooms = Rooms { byte_range: 0..0, contents: 0..0 };
    // §7.6.1: in an encrypted document too, the value of the signature is not.
    let entries = update.protected(id, entries);
    // `put_with` appends to the bytes of the whole update, so these are places in the update.
    update.put_with(id, |out| {
        write::dictionary(out, &entries);
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

/// The second element of `/ID`: it only has to differ from one state of the document to the next.
pub(crate) fn changing_id(facts: &str, length: usize) -> Vec<u8> {
    let mut id = Digest::of(format!("{facts} {length}").as_bytes()).bytes().to_vec();
    id.truncate(16);
    id
}
