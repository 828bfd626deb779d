//! What may happen to a form and to the annotations of a page after a signature.

use std::collections::HashSet;

use super::changes::{Comparison, items, keys};
use super::form::text;
use super::object::{Dictionary, Value};
use super::same::Trust;
use super::signature::Signature;
use super::view::View;
use crate::DocumentError;

/// Fields inside each other that are followed.
const MAX_DEPTH: usize = 32;

/// What changes when a field is filled: its value, and how it looks.
const VALUE: [&str; 5] = ["V", "AS", "I", "RV", "Opt"];
const LOOK: [&str; 9] = ["AP", "BS", "DA", "F", "M", "MK", "NM", "Q", "Rect"];

/// Entries of the form that say nothing about what is shown.
const FORM_ASIDE: [&str; 5] = ["DA", "Fields", "NeedAppearances", "Q", "SigFlags"];

/// The rules for one comparison, and which pairs they were applied to.
#[derive(Default)]
pub(crate) struct FormRules {
    /// Fields and widgets that were compared as parts of the form.
    compared: HashSet<(u32, u32)>,
    /// Fields and widgets that came with new signature fields.
    arrived: HashSet<u32>,
}

/// A field or widget of both states, with what it inherits.
#[derive(Clone)]
struct Pair {
    old: Dictionary,
    new: Dictionary,
    kind: Vec<u8>,
    name: String,
    /// The field it is part of had a signature.
    was_signed: bool,
    /// The field it is part of got another value.
    filled: bool,
}

impl FormRules {
    /// Declares the form and all its fields as judged here.
    pub(crate) fn prepare(
        c: &mut Comparison<'_, '_, '_>,
        old: &Dictionary,
        new: &Dictionary,
    ) -> Result<Self, DocumentError> {
        let number = |catalog: &Dictionary| catalog.get("AcroForm").and_then(Value::as_reference).map(|id| id.number);
        if let (Some(a), Some(b)) = (number(old), number(new)) {
            c.same.know(a, b);
        }
        let (old, new) = (c.old.form()?, c.new.form()?);
        let mut open = pairs(c, &items(c.old, &old, "Fields")?, &items(c.new, &new, "Fields")?)?;
        let mut seen = HashSet::new();
        while let Some((a, b)) = open.pop() {
            let numbers = a.as_reference().zip(b.as_reference()).map(|(a, b)| (a.number, b.number));
            let Some((first, second)) = numbers.filter(|numbers| seen.insert(*numbers)) else { continue };
            c.same.know(first, second);
            let (Value::Dictionary(a), Value::Dictionary(b)) = (c.old.resolve(&a)?.value, c.new.resolve(&b)?.value) else {
                continue;
            };
            open.extend(pairs(c, &items(c.old, &a, "Kids")?, &items(c.new, &b, "Kids")?)?);
        }
        Ok(Self::default())
    }

    /// Declares the annotations that a page had and has as judged here.
    pub(crate) fn know_annotations(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        old: &Dictionary,
        new: &Dictionary,
    ) -> Result<(), DocumentError> {
        for (a, b) in pairs(c, &items(c.old, old, "Annots")?, &items(c.new, new, "Annots")?)? {
            if let (Some(a), Some(b)) = (a.as_reference(), b.as_reference()) {
                c.same.know(a.number, b.number);
            }
        }
        Ok(())
    }

    /// Compares the forms of both states.
    pub(crate) fn compare(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        old: &Dictionary,
        new: &Dictionary,
    ) -> Result<(), DocumentError> {
        let (old_form, new_form) = (c.old.form()?, c.new.form()?);
        if old.contains("AcroForm") && !new.contains("AcroForm") {
            c.changes.forbid("the form was removed");
            return Ok(());
        }
        for key in keys(&old_form, &new_form) {
            let aside = FORM_ASIDE.iter().any(|aside| aside.as_bytes() == key);
            let (a, b) = (old_form.get_bytes(&key), new_form.get_bytes(&key));
            let same = aside
                || if key == b"DR" { grew(c, a, b)? } else { c.same.entries(a, b, Trust::Known)? }
                || key == b"XFA" && a.is_some() && self.data_only(c, a, b)?;
            if !same {
                c.changes.forbid(format!("/{} of the form was changed", String::from_utf8_lossy(&key)));
            }
        }
        let top = Pair {
            old: old_form.clone(),
            new: new_form.clone(),
            kind: Vec::new(),
            name: String::new(),
            was_signed: false,
            filled: false,
        };
        self.children(c, &top, "Fields", 0)
    }

    /// Whether of an XFA form only the packets with data differ.
    fn data_only(
        &self,
        c: &mut Comparison<'_, '_, '_>,
        a: Option<&Value>,
        b: Option<&Value>,
    ) -> Result<bool, DocumentError> {
        let resolved = |view: &View<'_>, value: Option<&Value>| view.resolve(value.unwrap_or(&Value::Null));
        let (Value::Array(a), Value::Array(b)) = (resolved(c.old, a)?.value, resolved(c.new, b)?.value) else {
            return Ok(false);
        };
        let (first, second) = (a.chunks(2), b.chunks(2));
        if first.len() != second.len() {
            return Ok(false);
        }
        for (a, b) in first.zip(second) {
            let data = a.first().and_then(Value::as_string).is_some_and(|name| name == b"datasets" || name == b"form");
            if a.first() != b.first() || !data && !c.same.entries(a.get(1), b.get(1), Trust::Known)? {
                return Ok(false);
            }
        }
        c.changes.filled.push("XFA".to_owned());
        Ok(true)
    }

    fn children(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        parent: &Pair,
        key: &str,
        depth: usize,
    ) -> Result<(), DocumentError> {
        let (old, new) = (items(c.old, &parent.old, key)?, items(c.new, &parent.new, key)?);
        let paired = pairs(c, &old, &new)?;
        if depth > MAX_DEPTH {
            return Ok(());
        }
        if paired.len() < old.len() {
            c.changes.forbid(format!("a field below {:?} was removed", parent.name));
        }
        for (a, b) in &paired {
            if let (Some(a), Some(b)) = (a.as_reference(), b.as_reference())
                && !self.compared.insert((a.number, b.number))
            {
                continue;
            }
            let (Value::Dictionary(old), Value::Dictionary(new)) = (c.old.resolve(a)?.value, c.new.resolve(b)?.value)
            else {
                if !c.same.insides(a, b)? {
                    c.changes.forbid(format!("a field below {:?} was changed", parent.name));
                }
                continue;
            };
            let pair = parent.child(c, old, new)?;
            let pair = self.field(c, pair)?;
            self.children(c, &pair, "Kids", depth + 1)?;
        }
        let kept: HashSet<usize> = paired.iter().filter_map(|(_, b)| new.iter().position(|item| item == b)).collect();
        for (_, added) in new.iter().enumerate().filter(|(index, _)| !kept.contains(index)) {
            self.added(c, parent, added, depth)?;
        }
        Ok(())
    }

    /// A field or widget that was there before.
    fn field(&mut self, c: &mut Comparison<'_, '_, '_>, mut pair: Pair) -> Result<Pair, DocumentError> {
        let mut changed = Vec::new();
        for key in keys(&pair.old, &pair.new) {
            if key != b"Kids" && !c.same.entries(pair.old.get_bytes(&key), pair.new.get_bytes(&key), Trust::Known)? {
                changed.push(String::from_utf8_lossy(&key).into_owned());
            }
        }
        let signature = pair.kind == b"Sig";
        let got_value = changed.iter().any(|key| VALUE.contains(&key.as_str()));
        pair.filled |= got_value && !(signature && pair.was_signed);
        for key in &changed {
            let allowed = match key.as_str() {
                "Ff" => only_read_only(&pair),
                // When a field was signed, no value of it may change any more, and neither its look.
                _ if signature && pair.was_signed => false,
                key if VALUE.contains(&key) => true,
                "M" => true,
                "P" | "DR" if signature => pair.filled,
                key if LOOK.contains(&key) => pair.filled,
                _ => false,
            };
            if !allowed {
                c.changes.forbid(format!("/{key} of the field {:?} was changed", pair.name));
            }
        }
        if got_value && pair.filled {
            if signature {
                let value = pair.new.get("V").cloned();
                self.signed(c, &pair.name, value.as_ref(), &pair.new)?;
            } else if !c.changes.filled.contains(&pair.name) {
                c.changes.filled.push(pair.name.clone());
            }
        }
        Ok(pair)
    }

    /// A field or widget that is new.
    fn added(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        parent: &Pair,
        added: &Value,
        depth: usize,
    ) -> Result<(), DocumentError> {
        let number = added.as_reference().map(|id| id.number);
        if depth > MAX_DEPTH || number.is_some_and(|number| !self.arrived.insert(number)) {
            return Ok(());
        }
        let Value::Dictionary(new) = c.new.resolve(added)?.value else { return Ok(()) };
        let pair = parent.child(c, Dictionary::default(), new)?;
        let kids = items(c.new, &pair.new, "Kids")?;
        for kid in &kids {
            self.added(c, &pair, kid, depth + 1)?;
        }
        if !kids.is_empty() {
            return Ok(());
        }
        if pair.kind == b"Sig" && !pair.was_signed {
            let value = pair.new.get("V").cloned();
            self.signed(c, &pair.name, value.as_ref(), &pair.new)
        } else {
            c.changes.forbid(format!("the field {:?} was added", pair.name));
            Ok(())
        }
    }

    /// A signature field that is new or was signed.
    fn signed(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        name: &str,
        value: Option<&Value>,
        widget: &Dictionary,
    ) -> Result<(), DocumentError> {
        let signature = value.map(|value| Signature::read(c.new, value, None)).transpose()?.flatten();
        let visible = is_visible(c.new, widget)?;
        match signature {
            Some(signature) if signature.is_time_stamp() => {
                c.changes.validation = true;
                if visible {
                    c.changes.annotated.push(format!("the field {name}"));
                }
            }
            Some(_) => c.changes.signatures.push(name.to_owned()),
            // A picture without a signature behind it is a comment at best.
            None if visible => c.changes.annotated.push(format!("the empty signature field {name}")),
            None => c.changes.signatures.push(name.to_owned()),
        }
        Ok(())
    }

    /// Compares the annotations of a page.
    pub(crate) fn annotations(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        page: u32,
        old: &Dictionary,
        new: &Dictionary,
    ) -> Result<(), DocumentError> {
        let (old, new) = (items(c.old, old, "Annots")?, items(c.new, new, "Annots")?);
        let paired = pairs(c, &old, &new)?;
        if paired.len() < old.len() {
            c.changes.forbid(format!("an annotation of page {page} was removed"));
        }
        for (a, b) in &paired {
            self.annotation(c, page, a, b)?;
        }
        for added in new.iter().filter(|item| !paired.iter().any(|(_, b)| b == *item)) {
            let Value::Dictionary(annotation) = c.new.resolve(added)?.value else { continue };
            let widget = c.new.get(&annotation, "Subtype")?.is_name("Widget");
            if !widget {
                c.changes.annotated.push(format!("page {page}"));
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
        if numbers.is_some_and(|numbers| self.compared.contains(&numbers)) || c.same.insides(a, b)? {
            return Ok(());
        }
        let (Value::Dictionary(old), Value::Dictionary(new)) = (c.old.resolve(a)?.value, c.new.resolve(b)?.value) else {
            c.changes.forbid(format!("an annotation of page {page} was changed"));
            return Ok(());
        };
        if !c.old.get(&old, "Subtype")?.is_name("Widget") {
            c.changes.annotated.push(format!("page {page}"));
            return Ok(());
        }
        // A widget that the form does not list: still a field by itself.
        let top = Pair {
            kind: inherited_kind(c.old, &old)?,
            old: Dictionary::default(),
            new: Dictionary::default(),
            name: String::new(),
            was_signed: false,
            filled: false,
        };
        let pair = top.child(c, old, new)?;
        self.field(c, pair).map(|_| ())
    }
}

impl Pair {
    fn child(
        &self,
        c: &Comparison<'_, '_, '_>,
        old: Dictionary,
        new: Dictionary,
    ) -> Result<Self, DocumentError> {
        let known = if old.is_empty() { &new } else { &old };
        let own = known.get("T").and_then(Value::as_string).map(text);
        let name = match own {
            Some(own) if !self.name.is_empty() => format!("{}.{own}", self.name),
            Some(own) => own,
            None => self.name.clone(),
        };
        let kind = c.new.get(known, "FT")?.as_name().map_or_else(|| self.kind.clone(), <[u8]>::to_vec);
        let was_signed = self.was_signed || kind == b"Sig" && c.old.get(&old, "V")? != Value::Null;
        Ok(Self { old, new, kind, name, was_signed, filled: self.filled })
    }
}

/// Old items with what they became: the same object, or else the one with the same name, or else an equal one.
fn pairs(c: &mut Comparison<'_, '_, '_>, old: &[Value], new: &[Value]) -> Result<Vec<(Value, Value)>, DocumentError> {
    let mut left: Vec<&Value> = new.iter().collect();
    let mut paired = Vec::new();
    let mut unpaired = Vec::new();
    let present: HashSet<u32> = new.iter().filter_map(Value::as_reference).map(|id| id.number).collect();
    for a in old {
        match a.as_reference().filter(|id| present.contains(&id.number)) {
            Some(_) => paired.push((a.clone(), a.clone())),
            None => unpaired.push(a),
        }
    }
    let taken: HashSet<u32> = paired.iter().filter_map(|(a, _)| a.as_reference()).map(|id| id.number).collect();
    left.retain(|b| !b.as_reference().is_some_and(|id| taken.contains(&id.number)));
    for a in unpaired {
        let name = partial_name(c.old, a)?;
        let mut found = None;
        for (index, b) in left.iter().enumerate() {
            let same_name = name.is_some() && name == partial_name(c.new, b)?;
            if same_name || name.is_none() && c.same.values(a, b, Trust::Known)? {
                found = Some(index);
                break;
            }
        }
        if let Some(index) = found {
            paired.push((a.clone(), left.remove(index).clone()));
        }
    }
    Ok(paired)
}

fn partial_name(view: &View<'_>, item: &Value) -> Result<Option<Vec<u8>>, DocumentError> {
    let Value::Dictionary(dictionary) = view.resolve(item)?.value else { return Ok(None) };
    Ok(view.get(&dictionary, "T")?.as_string().map(<[u8]>::to_vec))
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

/// A field may be made read-only (bit 1) when it is signed or filled, nothing more.
fn only_read_only(pair: &Pair) -> bool {
    let flags = |dictionary: &Dictionary| dictionary.get("Ff").and_then(Value::as_integer).unwrap_or(0);
    flags(&pair.old) | 1 == flags(&pair.new)
}

fn is_visible(view: &View<'_>, widget: &Dictionary) -> Result<bool, DocumentError> {
    let flags = view.get(widget, "F")?.as_integer().unwrap_or(0);
    let area = view.rect(widget, "Rect")?.map_or(0.0, |rect| rect.width() * rect.height());
    let appearance = view.dictionary(widget, "AP")?;
    let drawn = match view.resolve(appearance.get("N").unwrap_or(&Value::Null))? {
        object if object.data.is_some() => object.as_dictionary().is_some_and(|d| d.get("Length") != Some(&Value::Integer(0))),
        _ => false,
    };
    const HIDDEN: i64 = 2;
    Ok(area > 0.0 && drawn && flags & HIDDEN == 0)
}

/// Whether resources only became more: what was there in each category is the same.
fn grew(c: &mut Comparison<'_, '_, '_>, a: Option<&Value>, b: Option<&Value>) -> Result<bool, DocumentError> {
    let Some(a) = a else { return Ok(true) };
    let Value::Dictionary(old) = c.old.resolve(a)?.value else { return Ok(true) };
    let Value::Dictionary(new) = c.new.resolve(b.unwrap_or(&Value::Null))?.value else { return Ok(false) };
    for (category, a) in old.iter() {
        let b = new.get_bytes(category).unwrap_or(&Value::Null);
        let (Value::Dictionary(was), Value::Dictionary(is)) = (c.old.resolve(a)?.value, c.new.resolve(b)?.value) else {
            if !c.same.values(a, b, Trust::Known)? {
                return Ok(false);
            }
            continue;
        };
        for (name, a) in was.iter() {
            if !c.same.entries(Some(a), is.get_bytes(name), Trust::Known)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
