//! How much is drawn: a form may be drawn many times, and draw others many times itself.

use std::collections::{HashMap, HashSet};

use memchr::memmem::Finder;

use super::lexical::{Lexer, is_regular, is_space};
use super::object::{Dictionary, Value};
use super::page::Page;
use super::view::View;
use crate::{DocumentError, Limit};

/// Forms inside of forms in use are two or three.
const MAX_DEPTH: usize = 50;

/// What the pages come to that were counted so far.
pub(crate) struct Drawing<'v, 'a> {
    view: &'v View<'a>,
    /// Bytes of content, each form counted as often as it is drawn.
    bytes: u64,
}

/// The forms of one page. A form without resources of its own draws with those of the page or form that draws it, so it is
/// counted for each.
#[derive(Default)]
struct Forms {
    counted: HashMap<(u32, u32), u64>,
    open: HashSet<u32>,
}

/// The resources that something draws with, and the number of the form that they are of; 0 for the page's.
#[derive(Clone, Copy)]
struct With<'r> {
    resources: &'r Dictionary,
    owner: u32,
}

impl<'v, 'a> Drawing<'v, 'a> {
    pub(crate) fn new(view: &'v View<'a>) -> Self {
        Self { view, bytes: 0 }
    }

    /// Counts one page.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`]: more than [`crate::Limits::max_drawn_bytes`] on all pages so far.
    pub(crate) fn page(&mut self, page: &Page) -> Result<(), DocumentError> {
        let Value::Dictionary(resources) = self.view.resolve(&page.resources)?.value else { return Ok(()) };
        let with = With { resources: &resources, owner: 0 };
        let mut forms = Forms::default();
        let contents = page.dictionary.get("Contents").cloned().unwrap_or(Value::Null);
        let parts = match self.view.resolve(&contents)?.value {
            Value::Array(parts) => parts,
            _ => vec![contents],
        };
        let mut content = Vec::new();
        for part in parts {
            let number = part.as_reference().map_or(0, |id| id.number);
            let object = self.view.resolve(&part)?;
            content.extend(self.view.stream(number, &object)?.unwrap_or_default());
            content.push(b'\n');
            self.check(content.len() as u64)?;
        }
        let mut bytes = self.drawn(&content, with, &mut forms)?;
        for look in page.looks(self.view)?.iter().filter_map(Value::as_reference) {
            bytes = bytes.saturating_add(self.form(look.number, with, &mut forms, true)?);
        }
        self.check(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    fn check(&self, more: u64) -> Result<(), DocumentError> {
        Limit::DrawnBytes.check(self.bytes.saturating_add(more), self.view.limits().max_drawn_bytes)
    }

    /// Bytes of `content` and of all that it draws.
    fn drawn(&self, content: &[u8], with: With<'_>, forms: &mut Forms) -> Result<u64, DocumentError> {
        let mut sum = content.len() as u64;
        let mut times: HashMap<Vec<u8>, u64> = HashMap::new();
        for at in Finder::new(b"Do").find_iter(content) {
            if let Some(name) = operand(content, at) {
                *times.entry(name).or_default() += 1;
            }
        }
        let named = self.view.dictionary(with.resources, "XObject")?;
        for (name, times) in times {
            let Some(Value::Reference(id)) = named.get_bytes(&name) else { continue };
            let each = self.form(id.number, with, forms, false)?;
            sum = sum.saturating_add(each.saturating_mul(times));
            self.check(sum)?;
        }
        Ok(sum)
    }

    /// Bytes that a form draws. The look of an annotation is one though it may not say so.
    fn form(&self, number: u32, with: With<'_>, forms: &mut Forms, look: bool) -> Result<u64, DocumentError> {
        if let Some(counted) = forms.counted.get(&(number, with.owner)) {
            return Ok(*counted);
        }
        let Some(object) = self.view.object(number)? else { return Ok(0) };
        let Some(dictionary) = object.as_dictionary() else { return Ok(0) };
        if !look && !dictionary.get("Subtype").is_some_and(|kind| kind.is_name("Form")) {
            return Ok(0);
        }
        // One that draws itself is never done.
        if forms.open.len() >= MAX_DEPTH || !forms.open.insert(number) {
            let max = self.view.limits().max_drawn_bytes;
            return Err(DocumentError::TooLarge { limit: Limit::DrawnBytes, max });
        }
        let content = self.view.stream(number, &object)?.unwrap_or_default();
        let own = self.view.get(dictionary, "Resources")?;
        let with = match own.as_dictionary() {
            Some(resources) => With { resources, owner: number },
            None => with,
        };
        let sum = self.drawn(&content, with, forms)?;
        forms.open.remove(&number);
        forms.counted.insert((number, with.owner), sum);
        Ok(sum)
    }
}

/// The name before the operator at `at`, where one stands there. Comments between both are passed over; what only looks
/// like an operator, within a string, is counted too.
fn operand(content: &[u8], at: usize) -> Option<Vec<u8>> {
    if content.get(at + 2).copied().is_some_and(is_regular) {
        return None;
    }
    let mut before = content.get(..at)?;
    loop {
        let spaces = before.iter().rev().take_while(|byte| is_space(**byte)).count();
        before = before.get(..before.len() - spaces)?;
        let line = before.iter().rposition(|byte| matches!(byte, b'\r' | b'\n')).map_or(0, |end| end + 1);
        match memchr::memchr(b'%', before.get(line..)?) {
            Some(comment) => before = before.get(..line + comment)?,
            None => break,
        }
    }
    let regular = before.iter().rev().take_while(|byte| is_regular(**byte)).count();
    let solidus = before.len().checked_sub(regular + 1)?;
    if before.get(solidus) != Some(&b'/') {
        return None;
    }
    Lexer::new(before, solidus).name().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_an_operator_draws_is_found_behind_white_space_and_comments() {
        let found = |content: &str| {
            let at = content.rfind("Do").expect("an operator");
            operand(content.as_bytes(), at).map(|name| String::from_utf8(name).expect("text"))
        };
        let name = Some("Fm1".to_owned());
        for content in ["/Fm1 Do", "q/Fm1\n\0Do Q", "/F#6d1 Do", "(x)/Fm1 % a /Other\n%b\r\n Do", "[]/Fm1Do/Fm1 Do]"] {
            assert_eq!(found(content), name, "{content}");
        }
        for content in ["Do", "(what I Do)", "/Fm1 Done", "1 Do", "/Fm1 gs Do"] {
            assert_eq!(found(content), None, "{content}");
        }
    }
}
