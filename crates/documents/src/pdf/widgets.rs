//! The widgets of a seal: one for each of its impressions, on their pages.
//!
//! A seal with one impression is a field that is its own widget; one with several is a field whose kids are its widgets, each
//! with the field's value too. ISO 32000-2 §12.7.5.5 wants a signature to have one place only, which a seam seal by its nature
//! has not (docs/adr/0025).

use std::collections::BTreeMap;

use super::appearance::{Look, Looks};
use super::field::{Existing, Target};
use super::form;
use super::object::{Dictionary, Id, Value};
use super::page::{POINTS_PER_MM, Page, Rect};
use super::request::SealingRequest;
use super::update::Update;
use super::view::View;
use crate::{DocumentError, Limit, Size, Stamp};

/// Widget flags: printed, and neither moved nor deleted by hand (ISO 32000-1 table 165, bits 3 and 8).
const PRINT_AND_LOCKED: i64 = 4 | 128;

/// Writes the field with its widgets, and gives the field's number.
///
/// # Errors
/// A page does not exist, an impression is not on its page, or there are none or too many.
pub(crate) fn put(
    view: &View<'_>,
    update: &mut Update<'_>,
    looks: &mut Looks,
    request: &SealingRequest<'_>,
    target: &Target,
    value: Id,
) -> Result<Id, DocumentError> {
    match &target.existing {
        Some(existing) if request.stamps.is_empty() => {
            fill(view, update, looks, existing, request.seal.size(), value)?;
            Ok(existing.id)
        }
        Some(_) => Err(DocumentError::FieldUnusable {
            field: target.name.clone(),
            what: "it has a place of its own, and another was asked for".to_owned(),
        }),
        None => put_new(view, update, looks, request.stamps, &target.name, value),
    }
}

/// Writes the field of something that is not shown: its widget has no extent (ISO 32000-2 §12.7.5.5).
///
/// # Errors
/// The document has no page.
pub(crate) fn put_invisible(
    view: &View<'_>,
    update: &mut Update<'_>,
    target: &Target,
    value: Id,
) -> Result<Id, DocumentError> {
    let pages = view.pages()?;
    let page_id =
        pages.first().and_then(|page| page.id).ok_or_else(|| unsupported("its page is no object of its own"))?;
    let id = update.reserve();
    let mut widget = widget(page_id, &Rect { left: 0.0, bottom: 0.0, right: 0.0, top: 0.0 }, None);
    field(&target.name, value).into_iter().for_each(|(key, entry)| widget.set_bytes(key, entry));
    update.put(id, &Value::Dictionary(widget));
    add_to_page(view, update, &pages, 0, &[id])?;
    Ok(id)
}

fn unsupported(what: &str) -> DocumentError {
    DocumentError::Unsupported { what: what.to_owned() }
}

/// The entries that make a signature field.
fn field(name: &str, value: Id) -> Dictionary {
    Dictionary::from([("FT", Value::name("Sig")), ("T", form::to_text(name)), ("V", Value::Reference(value))])
}

fn widget(page: Id, rect: &Rect, look: Option<Id>) -> Dictionary {
    let mut widget = Dictionary::from([
        ("Type", Value::name("Annot")),
        ("Subtype", Value::name("Widget")),
        ("F", Value::Integer(PRINT_AND_LOCKED)),
        ("Rect", rect.to_value()),
        ("P", Value::Reference(page)),
    ]);
    if let Some(look) = look {
        widget.set("AP", appearance(look));
    }
    widget
}

fn appearance(look: Id) -> Value {
    Value::Dictionary(Dictionary::from([("N", Value::Reference(look))]))
}

fn put_new(
    view: &View<'_>,
    update: &mut Update<'_>,
    looks: &mut Looks,
    stamps: &[Stamp],
    name: &str,
    value: Id,
) -> Result<Id, DocumentError> {
    if stamps.is_empty() {
        return Err(DocumentError::NoPlace);
    }
    Limit::Stamps.check(stamps.len() as u64, u64::from(view.limits().max_stamps))?;
    let pages = view.pages()?;
    let mut field = field(name, value);
    let field_id = update.reserve();
    let mut kids = Vec::new();
    let mut added: BTreeMap<usize, Vec<Id>> = BTreeMap::new();
    for stamp in stamps {
        let (index, page, page_id) = page_of(&pages, stamp)?;
        let rect = page.rect_of(&stamp.visible());
        let look = looks.form(update, &look_of(page, stamp));
        let mut widget = widget(page_id, &rect, Some(look));
        let id = if stamps.len() == 1 {
            field.iter().for_each(|(key, entry)| widget.set_bytes(key.to_vec(), entry.clone()));
            field_id
        } else {
            widget.set("Parent", Value::Reference(field_id));
            widget.set("V", Value::Reference(value)); // for software that takes a kid for a field of its own
            update.reserve()
        };
        update.put(id, &Value::Dictionary(widget));
        kids.push(Value::Reference(id));
        added.entry(index).or_default().push(id);
    }
    if stamps.len() > 1 {
        field.set("Kids", Value::Array(kids));
        update.put(field_id, &Value::Dictionary(field));
    }
    for (index, widgets) in added {
        add_to_page(view, update, &pages, index, &widgets)?;
    }
    Ok(field_id)
}

fn page_of<'p>(pages: &'p [Page], stamp: &Stamp) -> Result<(usize, &'p Page, Id), DocumentError> {
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    let number = stamp.place.page;
    let index = usize::try_from(number).unwrap_or(0).wrapping_sub(1);
    let page = pages.get(index).ok_or(DocumentError::NoSuchPage { page: number, pages: count })?;
    stamp.must_lie_on(page.size(), count)?;
    let id = page.id.ok_or_else(|| unsupported("its page is no object of its own"))?;
    Ok((index, page, id))
}

/// What a widget shows of the picture for `stamp`.
fn look_of(page: &Page, stamp: &Stamp) -> Look {
    let unit = POINTS_PER_MM / page.unit;
    let (whole, seen) = (stamp.place, stamp.visible());
    let left = (whole.x_mm - seen.x_mm) * unit;
    let top = (seen.height_mm + seen.y_mm - whole.y_mm) * unit;
    let (width, height) = (whole.width_mm * unit, whole.height_mm * unit);
    Look {
        width: seen.width_mm * unit,
        height: seen.height_mm * unit,
        picture: Rect { left, bottom: top - height, right: left + width, top },
        quarters: page.quarters,
    }
}

/// Signs an empty field: its value, and the seal in each of its widgets.
fn fill(
    view: &View<'_>,
    update: &mut Update<'_>,
    looks: &mut Looks,
    field: &Existing,
    size: Size,
    value: Id,
) -> Result<(), DocumentError> {
    let pages = view.pages()?;
    let mut is_written = false;
    for (id, widget) in &field.widgets {
        let mut widget = widget.clone();
        if let Some(rect) = view.rect(&widget, "Rect")?.filter(|rect| rect.width() > 0.0 && rect.height() > 0.0) {
            let page = page_with(view, &pages, *id, &widget)?;
            let look = looks.form(update, &fitted(page, &rect, size));
            widget.set("AP", appearance(look));
        }
        if *id == field.id {
            widget.set("V", Value::Reference(value));
            is_written = true;
        }
        update.put(*id, &Value::Dictionary(widget));
    }
    if !is_written {
        let mut dictionary = field.dictionary.clone();
        dictionary.set("V", Value::Reference(value));
        update.put(field.id, &Value::Dictionary(dictionary));
    }
    Ok(())
}

/// The page that a widget is on.
///
/// # Errors
/// As [`View::object`].
pub(crate) fn page_with<'p>(
    view: &View<'_>,
    pages: &'p [Page],
    id: Id,
    widget: &Dictionary,
) -> Result<Option<&'p Page>, DocumentError> {
    let stated = widget.get("P").and_then(Value::as_reference);
    if let Some(page) = pages.iter().find(|page| stated.is_some() && page.id == stated) {
        return Ok(Some(page));
    }
    for page in pages {
        let annotations = view.items(&page.dictionary, "Annots")?;
        if annotations.iter().filter_map(Value::as_reference).any(|other| other.number == id.number) {
            return Ok(Some(page));
        }
    }
    Ok(None)
}

/// The seal in the middle of a rectangle: in its own size, or as large as fits.
fn fitted(page: Option<&Page>, rect: &Rect, size: Size) -> Look {
    let (quarters, unit) = page.map_or((0, 1.0), |page| (page.quarters, page.unit));
    let (width, height) =
        if quarters.is_multiple_of(2) { (rect.width(), rect.height()) } else { (rect.height(), rect.width()) };
    let per_mm = POINTS_PER_MM / unit;
    let (own_width, own_height) = (size.width_mm * per_mm, size.height_mm * per_mm);
    let scale = (width / own_width).min(height / own_height).min(1.0);
    let (own_width, own_height) = (own_width * scale, own_height * scale);
    let (left, bottom) = ((width - own_width) / 2.0, (height - own_height) / 2.0);
    let picture = Rect { left, bottom, right: left + own_width, top: bottom + own_height };
    Look { width, height, picture, quarters }
}

/// Adds widgets to the annotations of a page, which are an array in the page or an object of their own.
fn add_to_page(
    view: &View<'_>,
    update: &mut Update<'_>,
    pages: &[Page],
    index: usize,
    widgets: &[Id],
) -> Result<(), DocumentError> {
    let Some((page, page_id)) = pages.get(index).and_then(|page| Some((page, page.id?))) else { return Ok(()) };
    let own = page.dictionary.get("Annots");
    let mut annotations = view.items(&page.dictionary, "Annots")?;
    annotations.extend(widgets.iter().copied().map(Value::Reference));
    let annotations = Value::Array(annotations);
    let array = own.and_then(Value::as_reference).filter(|array| view.place(array.number).is_some());
    let is_shared = || pages.iter().filter(|other| other.dictionary.get("Annots") == own).count() > 1;
    match array {
        Some(array) if !is_shared() => update.put(array, &annotations),
        _ => {
            let mut dictionary = page.dictionary.clone();
            dictionary.set("Annots", annotations);
            update.put(page_id, &Value::Dictionary(dictionary));
        }
    }
    Ok(())
}
