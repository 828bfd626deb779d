//! What may happen to the annotations of a page after a signature: widgets of new signature fields may come, and
//! comments, which are told of.

use super::changes::Comparison;
use super::form_changes::{FormRules, MAX_DEPTH, Pair};
use super::looks;
use super::object::{Dictionary, Value};
use super::page::{Page, Rect};
use super::pairing::{Pairing, in_order};
use super::veil;
use super::view::View;
use crate::DocumentError;

/// So many annotations of a page are looked at one with another where their order was changed.
const MAX_ORDERED: usize = 1024;

/// Entries of an annotation that say nothing about what is shown.
const ANNOTATION_ASIDE: [&str; 3] = ["M", "P", "StructParent"];

/// Annotations that mark what is there and can't be taken for a part of the page, unless their look draws more.
const MARKS: [&[u8]; 9] =
    [b"Caret", b"Highlight", b"Ink", b"Link", b"Popup", b"Squiggly", b"StrikeOut", b"Text", b"Underline"];

/// Entries that make an annotation do something by itself.
const ACTIONS: [&str; 2] = ["A", "AA"];

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
    if ACTIONS.iter().any(|action| annotation.contains(action)) && !kind.is_name("Link") {
        return Ok(true);
    }
    if !kind.as_name().is_some_and(|kind| MARKS.contains(&kind)) {
        return Ok(true);
    }
    if !annotation.hidden().is_empty() {
        return Ok(true); // of two entries of one name, readers take either
    }
    veil::hides(view, annotation)
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

    /// Compares the annotations of page number `page`.
    pub(crate) fn annotations(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        page: u32,
        (old, new): (&Page, &Page),
    ) -> Result<(), DocumentError> {
        if c.new.is_lost(new.dictionary.get("Annots").unwrap_or(&Value::Null))? {
            c.changes.forbid(format!("the annotations of page {page} cannot be read"));
        }
        let (before, after) = (c.old.items(&old.dictionary, "Annots")?, c.new.items(&new.dictionary, "Annots")?);
        let pairing = Pairing::of(c, &before, &after)?;
        if pairing.removed > 0 {
            c.changes.forbid(format!("an annotation of page {page} was removed"));
        }
        if uncovers(c.new, &in_order(&pairing.kept, &before, &after))? {
            c.changes.forbid(format!("the annotations of page {page} were put in another order"));
        }
        for (a, b) in &pairing.kept {
            self.annotation(c, page, a, b)?;
            if grew(c, a, b)?.is_some_and(|widget| fills_page(c.new, &widget, &new.shown).unwrap_or(true)) {
                c.changes.overlaid.insert(format!("page {page}"));
            }
        }
        for added in &pairing.added {
            let Value::Dictionary(annotation) = c.new.resolve(added)?.value else {
                if c.new.is_lost(added)? {
                    c.changes.forbid(format!("an annotation that cannot be read was added to page {page}"));
                }
                continue;
            };
            if !c.new.get(&annotation, "Subtype")?.is_name("Widget") {
                commented(c, page, &annotation)?;
            } else if !added.as_reference().is_some_and(|id| self.arrived.contains(&id.number)) {
                c.changes.forbid(format!("a widget of no new signature field was added to page {page}"));
            } else if fills_page(c.new, &annotation, &new.shown)? {
                c.changes.overlaid.insert(format!("page {page}"));
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

/// Whether annotations that lie one on another are drawn in another order: `placed` are their places now, in the order of
/// before.
fn uncovers(view: &View<'_>, placed: &[(usize, &Value)]) -> Result<bool, DocumentError> {
    if placed.is_sorted_by_key(|(at, _)| *at) {
        return Ok(false);
    }
    if placed.len() > MAX_ORDERED {
        return Ok(true);
    }
    let mut areas = Vec::new();
    for (at, item) in placed {
        let area = match view.resolve(item)?.value {
            Value::Dictionary(annotation) => view.rect(&annotation, "Rect")?,
            _ => continue,
        };
        areas.push((*at, area));
    }
    let meet = |a: &Option<Rect>, b: &Option<Rect>| a.zip(*b).is_none_or(|(a, b)| a.shares(&b) > 0.0);
    let turned = areas
        .iter()
        .enumerate()
        .any(|(index, (at, area))| areas.iter().skip(index + 1).any(|(other, below)| other < at && meet(area, below)));
    Ok(turned)
}

/// A widget that stands elsewhere than it did.
fn grew(c: &Comparison<'_, '_, '_>, a: &Value, b: &Value) -> Result<Option<Dictionary>, DocumentError> {
    let (Value::Dictionary(old), Value::Dictionary(new)) = (c.old.resolve(a)?.value, c.new.resolve(b)?.value) else {
        return Ok(None);
    };
    let is_widget = c.new.get(&new, "Subtype")?.is_name("Widget");
    Ok((is_widget && c.old.rect(&old, "Rect")? != c.new.rect(&new, "Rect")?).then_some(new))
}

/// Whether the picture of a widget lies on more than half of what is shown of a page.
fn fills_page(view: &View<'_>, widget: &Dictionary, shown: &Rect) -> Result<bool, DocumentError> {
    let half = shown.width() * shown.height() / 2.0;
    let area = view.rect(widget, "Rect")?.map_or(0.0, |rect| rect.shares(shown));
    Ok(area > half && looks::is_visible(view, widget)?)
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
