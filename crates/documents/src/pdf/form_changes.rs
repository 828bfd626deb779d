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
        let mut open = pairs(c, &items(c.old, &old, "Fields")?, &items(c.new, &new, "Fields")?)?.kept;
        let mut seen = HashSet::new();
        while let Some((a, b)) = open.pop() {
            let numbers = a.as_reference().zip(b.as_reference()).map(|(a, b)| (a.number, b.number));
            let Some((first, second)) = numbers.filter(|numbers| seen.insert(*numbers)) else { continue };
            c.same.know(first, second);
            let (Value::Dictionary(a), Value::Dictionary(b)) = (c.old.resolve(&a)?.value, c.new.resolve(&b)?.value)
            else {
                continue;
            };
            open.extend(pairs(c, &items(c.old, &a, "Kids")?, &items(c.new, &b, "Kids")?)?.kept);
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
        for (a, b) in pairs(c, &items(c.old, old, "Annots")?, &items(c.new, new, "Annots")?)?.kept {
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
                || if key == b"DR" { fonts_stay(c, a, b)? } else { c.same.entries(a, b, Trust::Known)? }
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
        if paired.removed > 0 {
            c.changes.forbid(format!("a field below {:?} was removed", parent.name));
        }
        for (a, b) in &paired.kept {
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
        for added in &paired.added {
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
        if paired.removed > 0 {
            c.changes.forbid(format!("an annotation of page {page} was removed"));
        }
        for (a, b) in &paired.kept {
            self.annotation(c, page, a, b)?;
        }
        for added in &paired.added {
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
        let (Value::Dictionary(old), Value::Dictionary(new)) = (c.old.resolve(a)?.value, c.new.resolve(b)?.value)
        else {
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
    fn child(&self, c: &Comparison<'_, '_, '_>, old: Dictionary, new: Dictionary) -> Result<Self, DocumentError> {
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

/// What became of the items of an array.
#[derive(Default)]
struct Pairing {
    /// Items of the old array with what they are now.
    kept: Vec<(Value, Value)>,
    /// How many are gone.
    removed: usize,
    /// Items that are new.
    added: Vec<Value>,
}

/// More direct items than this are not searched for their like.
const MAX_SEARCHED: usize = 256;

/// Pairs the same object with itself, or else fields of one name, or else what is equal.
fn pairs(c: &mut Comparison<'_, '_, '_>, old: &[Value], new: &[Value]) -> Result<Pairing, DocumentError> {
    let number = |item: &Value| item.as_reference().map(|id| id.number);
    let present: HashSet<u32> = new.iter().filter_map(number).collect();
    let before: HashSet<u32> = old.iter().filter_map(number).collect();
    let stays = |item: &Value| number(item).is_some_and(|number| present.contains(&number) && before.contains(&number));
    let mut pairing = Pairing::default();
    let mut taken = HashSet::new();
    pairing.kept.extend(
        old.iter()
            .filter(|item| stays(item) && number(item).is_some_and(|n| taken.insert(n)))
            .map(|a| (a.clone(), a.clone())),
    );
    let mut left: Vec<Option<&Value>> = new.iter().filter(|item| !stays(item)).map(Some).collect();
    let mut named = std::collections::HashMap::new();
    for (index, item) in left.iter().enumerate() {
        if let Some(name) = item.map(|item| partial_name(c.new, item)).transpose()?.flatten() {
            named.entry(name).or_insert(index);
        }
    }
    for a in old.iter().filter(|item| !stays(item)) {
        let found = match partial_name(c.old, a)? {
            Some(name) => named.remove(&name),
            None => equal_among(c, a, &left)?,
        };
        match found.and_then(|index| left.get_mut(index)).and_then(Option::take) {
            Some(b) => pairing.kept.push((a.clone(), b.clone())),
            None => pairing.removed += 1,
        }
    }
    pairing.added = left.into_iter().flatten().cloned().collect();
    Ok(pairing)
}

fn equal_among(
    c: &mut Comparison<'_, '_, '_>,
    item: &Value,
    left: &[Option<&Value>],
) -> Result<Option<usize>, DocumentError> {
    for (index, other) in left.iter().enumerate().take(MAX_SEARCHED) {
        if let Some(other) = other
            && c.same.values(item, other, Trust::Known)?
        {
            return Ok(Some(index));
        }
    }
    Ok(None)
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
        object if object.data.is_some() => {
            object.as_dictionary().is_some_and(|d| d.get("Length") != Some(&Value::Integer(0)))
        }
        _ => false,
    };
    const HIDDEN: i64 = 2;
    Ok(area > 0.0 && drawn && flags & HIDDEN == 0)
}

/// Whether the fonts of the form's default resources are still the same. Nothing else in there is shown: texts of fields
/// are drawn with these fonts, everything else brings its own resources.
fn fonts_stay(c: &mut Comparison<'_, '_, '_>, a: Option<&Value>, b: Option<&Value>) -> Result<bool, DocumentError> {
    let resources = |view: &View<'_>, value: Option<&Value>| match view.resolve(value.unwrap_or(&Value::Null))?.value {
        Value::Dictionary(resources) => view.dictionary(&resources, "Font"),
        _ => Ok(Dictionary::default()),
    };
    let (old, new) = (resources(c.old, a)?, resources(c.new, b)?);
    for (name, font) in old.iter() {
        if !c.same.entries(Some(font), new.get_bytes(name), Trust::Known)? {
            return Ok(false);
        }
    }
    Ok(true)
}
