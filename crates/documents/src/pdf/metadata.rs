//! Metadata of a document (ISO 32000-1 §14.3.2): what any program may bring up to date, as long as they stay metadata.

use super::object::{Dictionary, Value};
use super::view::View;
use crate::DocumentError;

/// Elements of which one stands in every XMP packet (ISO 16684-1).
const ELEMENTS: [&[u8]; 2] = [b":RDF", b":xmpmeta"];

/// Whether the catalog has metadata that are an XMP packet. One that is encrypted or in UTF-16 is told by its letters.
///
/// # Errors
/// As [`View::object`].
pub(crate) fn are_well_formed(view: &View<'_>, catalog: &Dictionary) -> Result<bool, DocumentError> {
    let reference = catalog.get("Metadata").unwrap_or(&Value::Null);
    let number = reference.as_reference().map_or(0, |id| id.number);
    let Some(data) = view.stream(number, &view.resolve(reference)?)? else { return Ok(false) };
    let letters: Vec<u8> = data.into_iter().filter(|byte| *byte != 0).collect();
    Ok(ELEMENTS.iter().any(|element| memchr::memmem::find(&letters, element).is_some()))
}
