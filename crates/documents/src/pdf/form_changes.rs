//! What may happen to a form after a signature: fields may be filled and signed, signature fields may be added.

use std::collections::HashSet;

use super::changes::{Comparison, keys};
use super::field_looks;
use super::form::text;
use super::looks;
use super::object::{Dictionary, Value};
use super::pairing::Pairing;
use super::same::Trust;
use super::signature::Signature;
use super::view::View;
use crate::DocumentError;

/// Fields inside each other that are followed.
pub(crate) const MAX_DEPTH: usize = 32;

/// What is drawn anew when a field was filled.
const LOOK: [&str; 11] = ["AP", "AS", "BS", "DA", "F", "M", "MK", "NM", "Q", "RV", "TI"];

/// Entries of the form that say nothing about what is shown.
const FORM_ASIDE: [&str; 2] = ["Fields", "SigFlags"];

/// Entries that make a field do something by itself.
const ACTIONS: [&str; 2] = ["A", "AA"];

/// The rules for one comparison, and what they were applied to.
#[derive(Default)]
pub(crate) struct FormRules {
    /// Fields and widgets that were compared as parts of the form.
    pub compared: HashSet<(u32, u32)>,
    /// Fields and widgets that came with new signature fields.
    pub arrived: HashSet<u32>,
    /// The names of the fields that were signed, once they were asked for.
    names: Option<HashSet<String>>,
}

/// A field or widget of both states, with what it inherits.
#[derive(Clone)]
pub(crate) struct Pair {
    pub old: Dictionary,
    pub new: Dictionary,
    pub kind: Vec<u8>,
    pub name: String,
    /// `/V` as it is now, its own or that of the field it is part of.
    value: Value,
    /// The field it is part of had a signature.
    was_signed: bool,
    /// The field it is part of got another value.
    filled: bool,
}

impl Pair {
    /// What a field inherits of which no more than its kind is known.
    pub(crate) fn of_kind(kind: Vec<u8>) -> Self {
        Self {
            old: Dictionary::default(),
            new: Dictionary::default(),
            kind,
            name: String::new(),
            value: Value::Null,
            was_signed: false,
            filled: false,
        }
    }

    /// What the kid of this field is that was `old` and is `new`.
    pub(crate) fn child(
        &self,
        c: &Comparison<'_, '_, '_>,
        old: Dictionary,
        new: Dictionary,
    ) -> Result<Self, DocumentError> {
        let (view, known) = if old.is_empty() { (c.new, &new) } else { (c.old, &old) };
        let name = match view.get(known, "T")?.as_string().map(text) {
            Some(own) if !self.name.is_empty() => format!("{}.{own}", self.name),
            Some(own) => own,
            None => self.name.clone(),
        };
        let kind = view.get(known, "FT")?.as_name().map_or_else(|| self.kind.clone(), <[u8]>::to_vec);
        let was_signed = self.was_signed || kind == b"Sig" && c.old.get(&old, "V")? != Value::Null;
        let value = new.get("V").unwrap_or(&self.value).clone();
        Ok(Self { old, new, kind, name, value, was_signed, filled: self.filled })
    }

    fn is_signature(&self) -> bool {
        self.kind == b"Sig"
    }

    /// The entries that fill a field of this kind (ISO 32000-1 §12.7.4), none for one of no kind. Others say what there is to
    /// choose from, or how the value looks.
    fn fills(&self) -> &'static [&'static str] {
        match self.kind.as_slice() {
            b"Btn" if is_push_button(&self.old) => &[],
            b"Btn" => &["V", "AS"],
            b"Ch" => &["V", "I"],
            b"Sig" | b"Tx" => &["V"],
            _ => &[],
        }
    }

    /// Whether an entry may change because the field was filled.
    fn may_follow(&self, key: &str) -> bool {
        let of_kind = match self.kind.as_slice() {
            // What is signed by other software than that which made the field is often moved by it.
            b"Sig" => key == "Rect" || key == "P" || key == "DR",
            b"Ch" => key == "Opt",
            _ => false,
        };
        self.filled && (of_kind || LOOK.contains(&key))
    }
}

impl FormRules {
    /// Declares the form and all its fields as judged here.
    pub(crate) fn know(
        c: &mut Comparison<'_, '_, '_>,
        old: &Dictionary,
        new: &Dictionary,
    ) -> Result<(), DocumentError> {
        let number = |catalog: &Dictionary| catalog.get("AcroForm").and_then(Value::as_reference).map(|id| id.number);
        if let (Some(a), Some(b)) = (number(old), number(new)) {
            c.same.know(a, b);
        }
        let (old, new) = (c.old.form()?, c.new.form()?);
        let mut open = Pairing::of(c, &c.old.items(&old, "Fields")?, &c.new.items(&new, "Fields")?)?.kept;
        let mut seen = HashSet::new();
        while let Some((a, b)) = open.pop() {
            let numbers = a.as_reference().zip(b.as_reference()).map(|(a, b)| (a.number, b.number));
            let Some((first, second)) = numbers.filter(|numbers| seen.insert(*numbers)) else { continue };
            c.same.know(first, second);
            let (a, b) = (c.old.resolve(&a)?.value, c.new.resolve(&b)?.value);
            if let (Value::Dictionary(a), Value::Dictionary(b)) = (a, b) {
                open.extend(Pairing::of(c, &c.old.items(&a, "Kids")?, &c.new.items(&b, "Kids")?)?.kept);
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
        if old.contains("AcroForm") && !new.contains("AcroForm") {
            c.changes.forbid("the form was removed");
            return Ok(());
        }
        let form = Pair { old: c.old.form()?, new: c.new.form()?, ..Pair::of_kind(Vec::new()) };
        self.children(c, &form, "Fields", 0)?;
        for key in keys(&form.old, &form.new) {
            let (a, b) = (form.old.get_bytes(&key), form.new.get_bytes(&key));
            let same = match String::from_utf8_lossy(&key).as_ref() {
                aside if FORM_ASIDE.contains(&aside) => true,
                "DR" => fonts_stay(c, a, b)?,
                // Viewers then draw all fields anew, also those whose look is not what they say: nothing but filling
                // some is a reason for that.
                "NeedAppearances" => {
                    let anew = b == Some(&Value::Boolean(true));
                    !anew || !c.changes.filled.is_empty() && fields_show_their_values(c.old)?
                }
                "DA" | "Q" => a.is_none() || c.same.entries(a, b, Trust::Known)?,
                "XFA" => c.same.entries(a, b, Trust::Known)? || only_data(c, a, b)?,
                _ => c.same.entries(a, b, Trust::Known)?,
            };
            if !same {
                c.changes.forbid(format!("/{} of the form was changed", String::from_utf8_lossy(&key)));
            }
        }
        Ok(())
    }

    fn children(
        &mut self,
        c: &mut Comparison<'_, '_, '_>,
        parent: &Pair,
        key: &str,
        depth: usize,
    ) -> Result<(), DocumentError> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        let pairing = Pairing::of(c, &c.old.items(&parent.old, key)?, &c.new.items(&parent.new, key)?)?;
        if pairing.removed > 0 {
            c.changes.forbid(format!("a field below {:?} was removed", parent.name));
        }
        for (a, b) in &pairing.kept {
            if let (Some(a), Some(b)) = (a.as_reference(), b.as_reference())
                && !self.compared.insert((a.number, b.number))
            {
                continue;
            }
            if let Some((old, new)) = c.both(a, b, &format!("a field below {:?}", parent.name))? {
                let pair = parent.child(c, old, new)?;
                let pair = self.field(c, pair)?;
                self.children(c, &pair, "Kids", depth + 1)?;
            }
        }
        for added in &pairing.added {
            self.added(c, parent, added, depth)?;
        }
        Ok(())
    }

    /// A field or widget that was there before.
    pub(crate) fn field(&mut self, c: &mut Comparison<'_, '_, '_>, mut pair: Pair) -> Result<Pair, DocumentError> {
        let changed = c.changed_keys(&pair.old, &pair.new)?;
        let got_value = changed.iter().any(|key| pair.fills().contains(&key.as_str()));
        // A field that was signed keeps its value and its look.
        let is_final = pair.is_signature() && pair.was_signed;
        pair.filled |= got_value && !is_final;
        for key in &changed {
            let allowed = match key.as_str() {
                // Judged one by one. Where there were none, there may come some, but nothing else.
                "Kids" => pair.old.contains("Kids") || !c.new.items(&pair.new, "Kids")?.is_empty(),
                "Ff" => only_read_only(c, &pair)?,
                _ if is_final => false,
                "M" => true,
                "Type" => is_completed(&pair, "Type", "Annot"),
                "Subtype" => is_completed(&pair, "Subtype", "Widget"),
                key => pair.fills().contains(&key) || pair.may_follow(key),
            };
            if !allowed {
                c.changes.forbid(format!("/{key} of the field {:?} was changed", pair.name));
            }
        }
        if pair.filled && changed.iter().any(|key| key == "F" || key == "Rect") {
            self.moved(c, &pair, changed.iter().any(|key| key == "Rect"))?;
        }
        if pair.filled && pair.kind == b"Tx" && field_looks::disagrees(c.new, &pair.new, &pair.value)? {
            c.changes.misleading.insert(pair.name.clone());
        }
        if got_value && pair.filled {
            if pair.is_signature() {
                c.changes.signed.insert(pair.name.clone());
                self.signed(c, &pair)?;
            } else {
                c.changes.filled.insert(pair.name.clone());
            }
        }
        Ok(pair)
    }

    /// A widget that was filled and is at another place, or shown where it was hidden: nobody knew of it what it would cover.
    fn moved(&mut self, c: &mut Comparison<'_, '_, '_>, pair: &Pair, is_elsewhere: bool) -> Result<(), DocumentError> {
        let comes = !looks::is_shown(c.old, &pair.old)? && looks::is_shown(c.new, &pair.new)?;
        if !(comes || is_elsewhere) || !looks::is_visible(c.new, &pair.new)? {
            return Ok(());
        }
        if pair.is_signature() {
            c.changes.uninvited.insert(pair.name.clone());
        } else {
            c.changes.annotated.insert(format!("the field {}", pair.name));
            c.changes.covering.insert(format!("the field {}", pair.name));
        }
        Ok(())
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
        let Value::Dictionary(new) = c.new.resolve(added)?.value else {
            c.changes.forbid(format!("something that is no field was added below {:?}", parent.name));
            return Ok(());
        };
        let pair = parent.child(c, Dictionary::default(), new)?;
        if pair.new.contains("T") && self.is_taken(c, &pair.name)? {
            c.changes.forbid(format!("a second field of the name {:?} was added", pair.name));
            return Ok(());
        }
        let kids = c.new.items(&pair.new, "Kids")?;
        for kid in &kids {
            self.added(c, &pair, kid, depth + 1)?;
        }
        if !kids.is_empty() {
            Ok(())
        } else if pair.is_signature() && !pair.was_signed {
            if ACTIONS.iter().any(|action| pair.new.contains(action)) {
                c.changes.forbid(format!("the field {:?}, which does something by itself, was added", pair.name));
            }
            if looks::is_visible(c.new, &pair.new)? {
                c.changes.uninvited.insert(pair.name.clone());
            }
            self.signed(c, &pair)
        } else {
            c.changes.forbid(format!("the field {:?} was added", pair.name));
            Ok(())
        }
    }

    /// Whether the signed document has a field of this name: of two with one name, readers would show either.
    fn is_taken(&mut self, c: &Comparison<'_, '_, '_>, name: &str) -> Result<bool, DocumentError> {
        if self.names.is_none() {
            self.names = Some(c.old.fields()?.into_iter().map(|field| field.name).collect());
        }
        Ok(self.names.as_ref().is_some_and(|names| names.contains(name)))
    }

    /// A signature field that is new or was signed.
    fn signed(&mut self, c: &mut Comparison<'_, '_, '_>, pair: &Pair) -> Result<(), DocumentError> {
        let value = Signature::read(c.new, &pair.value, None)?;
        let is_time_stamp = value.as_ref().is_some_and(Signature::is_time_stamp);
        // A picture without somebody's signature behind it is a comment at best.
        if (is_time_stamp || value.is_none()) && looks::is_visible(c.new, &pair.new)? {
            c.changes.annotated.insert(format!("the field {}", pair.name));
            c.changes.covering.insert(format!("the field {}", pair.name));
        } else if is_time_stamp {
            c.changes.validation = true;
        } else {
            c.changes.signatures.push(pair.name.clone());
        }
        Ok(())
    }
}

/// Whether no text field would look otherwise if it were drawn from its value.
fn fields_show_their_values(view: &View<'_>) -> Result<bool, DocumentError> {
    for field in view.fields()?.iter().filter(|field| field.kind == b"Tx") {
        let value = field.value.as_ref().unwrap_or(&Value::Null);
        if field_looks::disagrees(view, &field.dictionary, value)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether of an XFA form only the packets with data differ.
fn only_data(c: &mut Comparison<'_, '_, '_>, a: Option<&Value>, b: Option<&Value>) -> Result<bool, DocumentError> {
    let resolved = |view: &View<'_>, value: Option<&Value>| view.resolve(value.unwrap_or(&Value::Null));
    let (Value::Array(a), Value::Array(b)) = (resolved(c.old, a)?.value, resolved(c.new, b)?.value) else {
        return Ok(false);
    };
    if a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.chunks(2).zip(b.chunks(2)) {
        let data = a.first().and_then(Value::as_string).is_some_and(|name| name == b"datasets" || name == b"form");
        if a.first() != b.first() || !data && !c.same.entries(a.get(1), b.get(1), Trust::Known)? {
            return Ok(false);
        }
    }
    c.changes.filled.insert("XFA".to_owned());
    Ok(true)
}

/// Whether a button has no value of its own (ISO 32000-1 table 226, bit 17).
fn is_push_button(field: &Dictionary) -> bool {
    field.get("Ff").and_then(Value::as_integer).unwrap_or(0) & 1 << 16 != 0
}

/// A field may be made read-only (bit 1) when it is signed or filled, nothing more.
fn only_read_only(c: &Comparison<'_, '_, '_>, pair: &Pair) -> Result<bool, DocumentError> {
    let (old, new) = (c.old.get(&pair.old, "Ff")?, c.new.get(&pair.new, "Ff")?);
    // What a field does not say it inherits; at the top that is nothing, and some writers say so.
    let is_spelled_out = old == Value::Null && new == Value::Integer(0) && !pair.old.contains("Parent");
    Ok(is_spelled_out || old.as_integer().unwrap_or(0) | 1 == new.as_integer().unwrap_or(0))
}

/// Whether an entry that may be left out was added with the only value that it may have.
fn is_completed(pair: &Pair, key: &str, only: &str) -> bool {
    !pair.old.contains(key) && pair.new.get(key).is_some_and(|value| value.is_name(only))
}

/// Whether the fonts of the form's default resources are still the same. Nothing else in there is shown: texts of fields
/// are drawn with these fonts, everything else brings its own resources.
fn fonts_stay(c: &mut Comparison<'_, '_, '_>, a: Option<&Value>, b: Option<&Value>) -> Result<bool, DocumentError> {
    let fonts = |view: &View<'_>, value: Option<&Value>| match view.resolve(value.unwrap_or(&Value::Null))?.value {
        Value::Dictionary(resources) => view.dictionary(&resources, "Font"),
        _ => Ok(Dictionary::default()),
    };
    let (old, new) = (fonts(c.old, a)?, fonts(c.new, b)?);
    for (name, font) in old.iter() {
        if !c.same.entries(Some(font), new.get_bytes(name), Trust::Known)? {
            return Ok(false);
        }
    }
    Ok(true)
}
