//! Where a seal will be seen that goes into an empty signature field of the document.

use super::Source;
use super::field::Target;
use super::view::View;
use super::widgets::page_with;
use crate::{DocumentError, Limits, Place};

/// The places of the empty signature field of this name; none where it is not shown.
///
/// # Errors
/// [`DocumentError::FieldUnusable`]; the document cannot be used (damaged, encrypted with another password).
pub fn field_places(source: &Source, name: &str, password: &str, limits: &Limits) -> Result<Vec<Place>, DocumentError> {
    let view = View::present_with(source, limits, password)?;
    let target = Target::existing(&view, &view.fields()?, name)?;
    let pages = view.pages()?;
    let mut places = Vec::new();
    for (id, widget) in target.existing.iter().flat_map(|existing| &existing.widgets) {
        let Some(rect) = view.rect(widget, "Rect")?.filter(|rect| rect.width() > 0.0 && rect.height() > 0.0) else {
            continue;
        };
        let Some(page) = page_with(&view, &pages, *id, widget)? else { continue };
        let index = pages.iter().position(|other| std::ptr::eq(other, page)).unwrap_or_default();
        places.push(page.place_of(u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1), &rect));
    }
    Ok(places)
}
