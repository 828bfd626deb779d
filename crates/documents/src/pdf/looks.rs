//! What an annotation looks like: the streams under its `/AP` (ISO 32000-1 §12.5.5).

use super::lexical::{Lexer, is_regular};
use super::object::{Dictionary, Value};
use super::view::View;
use crate::DocumentError;

/// Looks of one annotation that are read; for a check box there are four.
const MAX_LOOKS: usize = 64;

/// Operators that draw text, pictures and shadings (ISO 32000-1 annex A): more than a mark needs.
const PAINTING: [&[u8]; 8] = [b"Tj", b"TJ", b"'", b"\"", b"Do", b"BI", b"sh", b"EI"];

/// Operators that take a pattern, which is a picture again, where a name stands before them.
const COLOURING: [&[u8]; 2] = [b"scn", b"SCN"];

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

/// Whether content draws text, pictures, shadings or patterns; or is none.
pub(crate) fn paints(content: &[u8]) -> bool {
    let mut lexer = Lexer::new(content, 0);
    let mut after_name = false;
    loop {
        lexer.skip_space();
        let read = match lexer.peek() {
            None => return false,
            Some(b'(') => lexer.literal().is_ok(),
            Some(b'<') if !lexer.rest().starts_with(b"<<") => lexer.hexadecimal().is_ok(),
            Some(b'/') => {
                after_name = true;
                lexer.name().is_ok()
            }
            Some(byte) if is_regular(byte) => {
                let word = lexer.plain_word();
                if PAINTING.contains(&word) || after_name && COLOURING.contains(&word) {
                    return true;
                }
                after_name = false;
                true
            }
            Some(delimiter) => lexer.take(&[delimiter]),
        };
        if !read {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_pictures_and_patterns_are_found_however_they_are_written() {
        for content in
            ["(a)Tj", "[(a)-3(b)]TJ", "/Fm1 Do", "q<41>Tj Q", "/P1 scn 0 0 9 9 re f", "(a", "%\nBI", "/Sh1\nsh", "(a)'"]
        {
            assert!(paints(content.as_bytes()), "{content}");
        }
        for content in ["1 1 0 rg 0 0 9 9 re f", "/G gs .5 g", "% Tj\n0 g", "(Tj) 0 g", "/Tj gs", "1 0 0 scn", ""] {
            assert!(!paints(content.as_bytes()), "{content}");
        }
    }
}
