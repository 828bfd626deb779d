//! What may happen to the annotations of a page after a signature: widgets of new signature fields may come, and
//! comments, which are told of.

use super::changes::Comparison;
use super::form_changes::{FormRules, MAX_DEPTH, Pair};
use super::lexical::is_space;
use super::object::{Dictionary, Value};
use super::pairing::Pairing;
use super::view::View;
use crate::DocumentError;

/// Looks of one annotation that are read.
const MAX_LOOKS: usize = 64;

/// Entries of an annotation that say nothing about what is shown.
const ANNOTATION_ASIDE: [&str; 3] = ["M", "P", "StructParent"];

/// Annotations that mark what is there and can't be taken for a part of the page, unless their look draws more.
const MARKS: [&[u8]; 9] =
    [b"Caret", b"Highlight", b"Ink", b"Link", b"Popup", b"Squiggly", b"StrikeOut", b"Text", b"Underline"];

/// Operators that draw text, pictures and shadings (ISO 32000-1 annex A): more than a mark needs.
const PAINTING: [&[u8]; 8] = [b"Tj", b"TJ", b"'", b"\"", b"Do", b"BI", b"sh", b"EI"];

/// A comment came or was changed.
fn commented(c: &mut Comparison<'_, '_, '_>, page: u32, annotation: &Dictionary) -> Result<(), DocumentError> {
    c.changes.annotated.insert(format!("page {page}"));
    if covers(c.new, annotation)? {
        c.changes.covering.insert(format!("page {page}"));
    }
    Ok(())
}

/// Whether an annotation may hide what is below it or look like a part of the page (the "evil annotation" of
/// Mladenov and others, 2021).
fn covers(view: &View<'_>, annotation: &Dictionary) -> Result<bool, DocumentError> {
    let kind = view.get(annotation, "Subtype")?;
    if !kind.as_name().is_some_and(|kind| MARKS.contains(&kind)) {
        return Ok(true);
    }
    let look = view.dictionary(annotation, "AP")?;
    let mut open: Vec<Value> = look.iter().map(|(_, look)| look.clone()).collect();
    for _ in 0..MAX_LOOKS {
        let Some(next) = open.pop() else { return Ok(false) };
        let number = next.as_reference().map_or(0, |id| id.number);
        let object = view.resolve(&next)?;
        match (&object.value, object.data) {
            (Value::Dictionary(states), None) => open.extend(states.iter().map(|(_, state)| state.clone())),
            (_, Some(_)) => match view.stream(number, &object)? {
                Some(content) if !content.split(|byte| is_space(*byte)).any(|word| PAINTING.contains(&word)) => {}
                _ => return Ok(true),
            },
            _ => {}
        }
    }
    Ok(!open.is_empty())
}

impl FormRules {
    /// Declares the annotations that a page had and has as judged here.
    pub(crate) fn know_annotations(
        c: &mut Comparison<'_, '_, '_>,
        old: &Dictionary,
        new: &Dictionary,
    ) -> Result<(), DocumentError> {
        for (a, b) in Pairing::of(c, &c.old.items(old, "Annots")?, &c.new.items(new, "Annots")?)?.kept {
            if let (Some(a), Some(b)) = (a.as_reference(), b.as_reference()) {
                c.same.know(a.number, b.number);
            }
        }
        Ok(())
    }

    /// Compares the annotations of page number `page`, of which `old` and `new` are the dictionaries.
    pub(crate) fn annotations(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        page: u32,
        old: &Dictionary,
        new: &Dictionary,
    ) -> Result<(), DocumentError> {
        let pairing = Pairing::of(c, &c.old.items(old, "Annots")?, &c.new.items(new, "Annots")?)?;
        if pairing.removed > 0 {
            c.changes.forbid(format!("an annotation of page {page} was removed"));
        }
        for (a, b) in &pairing.kept {
            self.annotation(c, page, a, b)?;
        }
        for added in &pairing.added {
            let Value::Dictionary(annotation) = c.new.resolve(added)?.value else { continue };
            if !c.new.get(&annotation, "Subtype")?.is_name("Widget") {
                commented(c, page, &annotation)?;
            } else if !added.as_reference().is_some_and(|id| self.arrived.contains(&id.number)) {
                c.changes.forbid(format!("a widget of no new signature field was added to page {page}"));
            }
        }
        Ok(())
    }

    fn annotation(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        page: u32,
        a: &Value,
        b: &Value,
    ) -> Result<(), DocumentError> {
        let numbers = a.as_reference().zip(b.as_reference()).map(|(a, b)| (a.number, b.number));
        if numbers.is_some_and(|numbers| self.compared.contains(&numbers)) {
            return Ok(());
        }
        let Some((old, new)) = c.both(a, b, &format!("an annotation of page {page}"))? else { return Ok(()) };
        if c.old.get(&old, "Subtype")?.is_name("Widget") {
            // A widget that the form does not list: still a field by itself.
            let above = Pair::of_kind(inherited_kind(c.old, &old)?);
            let pair = above.child(c, old, new)?;
            self.field(c, pair).map(|_| ())
        } else {
            let changed = c.changed_keys(&old, &new)?;
            if changed.iter().any(|key| !ANNOTATION_ASIDE.contains(&key.as_str())) {
                commented(c, page, &new)?;
            }
            Ok(())
        }
    }
}

fn inherited_kind(view: &View<'_>, widget: &Dictionary) -> Result<Vec<u8>, DocumentError> {
    let mut node = widget.clone();
    for _ in 0..MAX_DEPTH {
        if let Value::Name(kind) = view.get(&node, "FT")? {
            return Ok(kind);
        }
        node = view.dictionary(&node, "Parent")?;
    }
    Ok(Vec::new())
}
