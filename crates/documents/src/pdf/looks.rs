//! What an annotation looks like: the streams under its `/AP` (ISO 32000-1 §12.5.5).

use super::object::{Dictionary, Value};
use super::view::View;
use crate::DocumentError;

/// Looks of one annotation that are read; for a check box there are four.
const MAX_LOOKS: usize = 64;

/// The annotation is not shown (§12.5.3, table 165: bit 2, and bit 6 for the screen).
const HIDDEN: i64 = 2 | 32;

/// Whether `wanted` holds for one of the looks that `/AP` leads to, of every kind and state; or whether one can't be read, so
/// that nobody knows what others see.
///
/// # Errors
/// [`DocumentError::TooLarge`].
pub(crate) fn any(
    view: &View<'_>,
    looks: Option<&Value>,
    wanted: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<bool, DocumentError> {
    let mut open: Vec<Value> = looks.cloned().into_iter().collect();
    for _ in 0..MAX_LOOKS {
        let Some(next) = open.pop() else { return Ok(false) };
        if view.is_lost(&next)? {
            return Ok(true);
        }
        let number = next.as_reference().map_or(0, |id| id.number);
        let object = view.resolve(&next)?;
        match (&object.value, object.data) {
            (Value::Dictionary(states), None) => open.extend(states.iter().map(|(_, state)| state.clone())),
            (_, Some(_)) => match view.stream(number, &object)? {
                Some(content) if !wanted(&content) => {}
                _ => return Ok(true),
            },
            _ => {}
        }
    }
    Ok(!open.is_empty())
}

/// Whether an annotation is shown to anybody.
///
/// # Errors
/// As [`View::object`].
pub(crate) fn is_shown(view: &View<'_>, annotation: &Dictionary) -> Result<bool, DocumentError> {
    Ok(view.get(annotation, "F")?.as_integer().unwrap_or(0) & HIDDEN == 0)
}

/// Whether a widget draws something somewhere.
///
/// # Errors
/// [`DocumentError::TooLarge`].
pub(crate) fn is_visible(view: &View<'_>, widget: &Dictionary) -> Result<bool, DocumentError> {
    let area = view.rect(widget, "Rect")?.map_or(0.0, |rect| rect.width() * rect.height());
    // Of two entries of one name, readers take either.
    let certainly_not = widget.hidden().is_empty() && (area == 0.0 || !is_shown(view, widget)?);
    Ok(!certainly_not && any(view, widget.get("AP"), &mut |content| !content.is_empty())?)
}
