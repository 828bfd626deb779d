//! Whether a mark, such as a highlight or a line of ink, hides what is below it (ISO 32000-1 §8, §11.3, §12.5.5).
//!
//! Marks are drawn over the page, and a signer who permits comments permits them. One that is see-through or thin leaves what
//! was sealed to be read. One that is neither covers it, the better the more it looks like paper.

use hayro_interpret::kurbo::{Affine, BezPath, Rect, Shape as _};

use super::lexical::{Lexer, is_regular};
use super::object::{Dictionary, Object, Value};
use super::outline::{ACCURACY, extend, mean_thickness, parts};
use super::view::View;
use crate::DocumentError;

/// Looks of one annotation, and forms within them, that are read; for a check box there are four.
const MAX_LOOKS: usize = 64;

/// How deep forms may lie in one another, and graphics states.
const MAX_DEPTH: usize = 8;
const MAX_STATES: usize = 64;

/// Operators of all looks of an annotation. Ink of a long signature has some thousands.
const MAX_OPERATORS: usize = 200_000;

/// Operators that draw text, inline pictures and shadings (annex A): more than a mark needs.
const DRAWING: [&[u8]; 6] = [b"Tj", b"TJ", b"'", b"\"", b"BI", b"sh"];

/// What is behind paint of this opacity can be read.
const SEE_THROUGH: f64 = 0.7;

/// Paint of this lightness darkens what is below it when it is multiplied with it, and leaves it to be read.
const LIGHT: f64 = 0.35;

/// Paint of this lightness looks like paper.
const PAPER: f64 = 0.9;

/// How thick a stroke may be, and a box in the mean, that hides no text: a line of 4 mm of ink is seen, one in the colour of paper
/// is not.
const THICK: f64 = 6.0;
const THICK_PAPER: f64 = 2.0;

/// Thin strokes side by side cover as one thick one does; so much of the annotation may be painted.
const MOSTLY: f64 = 0.5;

/// A note's own picture is of this size at most, and seen as what it is.
const NOTE: f64 = 32.0;

/// Whether the annotation, one of those that mark, hides what is below it or draws what looks like a part of the page.
///
/// # Errors
/// [`DocumentError::TooLarge`].
pub(crate) fn hides(view: &View<'_>, annotation: &Dictionary) -> Result<bool, DocumentError> {
    let Some(rect) = view.rect(annotation, "Rect")? else { return Ok(false) };
    let rect = Rect::new(rect.left, rect.bottom, rect.right, rect.top);
    let is_note = view.get(annotation, "Subtype")?.is_name("Text") && rect.width() <= NOTE && rect.height() <= NOTE;
    let mut veil = Veil { view, rect, is_note, looks: 0, operators: 0, covered: [0.0; 2] };
    let mut open: Vec<Value> = annotation.get("AP").cloned().into_iter().collect();
    let mut has_look = false;
    while let Some(next) = open.pop() {
        veil.looks += 1;
        if veil.looks > MAX_LOOKS || view.is_lost(&next)? {
            return Ok(true);
        }
        let object = view.resolve(&next)?;
        let number = next.as_reference().map_or(0, |id| id.number);
        match (&object.value, object.data) {
            (Value::Dictionary(states), None) => open.extend(states.iter().map(|(_, state)| state.clone())),
            (Value::Dictionary(_), Some(_)) => {
                (veil.covered, has_look) = ([0.0; 2], true); // one look is shown at a time
                if veil.look(number, &object)? {
                    return Ok(true);
                }
            }
            _ => {}
        }
    }
    if has_look { Ok(false) } else { veil.default_look(annotation) }
}

/// What paint is used, and how it meets what is below.
#[derive(Clone)]
struct State {
    matrix: Affine,
    /// Lightness from 0 to 1, where it is known.
    fill: Option<f64>,
    stroke: Option<f64>,
    fill_alpha: f64,
    stroke_alpha: f64,
    /// The opacity of the groups that it is in.
    group_alpha: f64,
    multiplies: bool,
    width: f64,
}

/// An annotation under scrutiny.
struct Veil<'v, 'a> {
    view: &'v View<'a>,
    rect: Rect,
    is_note: bool,
    looks: usize,
    operators: usize,
    /// The area that was painted over in the colour of paper, and in any colour.
    covered: [f64; 2],
}

impl Veil<'_, '_> {
    /// What viewers draw for an annotation that brings no look: highlights are see-through, and lines as thick as they say.
    fn default_look(&self, annotation: &Dictionary) -> Result<bool, DocumentError> {
        if !self.view.get(annotation, "Subtype")?.is_name("Ink") {
            return Ok(false);
        }
        let style = self.view.dictionary(annotation, "BS")?;
        let border = self.view.items(annotation, "Border")?;
        let width = match (self.view.get(&style, "W")?.as_number(), border.get(2)) {
            (Some(width), _) => width,
            (None, Some(width)) => self.view.resolve(width)?.value.as_number().unwrap_or(1.0),
            (None, None) => 1.0,
        };
        let mut colour = Vec::new();
        for part in self.view.items(annotation, "C")?.iter().take(4) {
            colour.extend(self.view.resolve(part)?.value.as_number());
        }
        let alpha = self.view.get(annotation, "CA")?.as_number().unwrap_or(1.0);
        Ok(alpha > SEE_THROUGH && self.is_thick(lightness(&colour), width))
    }

    /// One look, as it is fitted into the annotation's rectangle (§12.5.5, algorithm 8.1).
    fn look(&mut self, number: u32, object: &Object) -> Result<bool, DocumentError> {
        let Some(form) = object.as_dictionary() else { return Ok(false) };
        let matrix = self.matrix(form)?;
        let shown =
            self.view.rect(form, "BBox")?.unwrap_or(super::page::Rect { left: 0.0, bottom: 0.0, right: 0.0, top: 0.0 });
        let shown = matrix.transform_rect_bbox(Rect::new(shown.left, shown.bottom, shown.right, shown.top));
        let scale = |wanted: f64, has: f64| if has > 0.0 { wanted / has } else { 1.0 };
        let (x, y) = (scale(self.rect.width(), shown.width()), scale(self.rect.height(), shown.height()));
        let fitted = Affine::translate((self.rect.x0, self.rect.y0))
            * Affine::scale_non_uniform(x, y)
            * Affine::translate((-shown.x0, -shown.y0));
        let state = State {
            matrix: fitted * matrix,
            fill: Some(0.0),
            stroke: Some(0.0),
            fill_alpha: 1.0,
            stroke_alpha: 1.0,
            group_alpha: 1.0,
            multiplies: false,
            width: 1.0,
        };
        let hides = self.form(number, object, &Dictionary::default(), state, 0)?;
        let area = self.rect.area();
        let [paper, any] = self.covered.map(|covered| covered >= MOSTLY * area);
        // In unknown colour, as thick as the whole.
        Ok(hides || paper && self.is_thick(None, f64::MAX) || any && self.is_thick(Some(0.0), f64::MAX))
    }

    /// The content of a form; `state` is what it is drawn with.
    fn form(
        &mut self,
        number: u32,
        object: &Object,
        above: &Dictionary,
        mut state: State,
        depth: usize,
    ) -> Result<bool, DocumentError> {
        let (Some(form), Some(content)) = (object.as_dictionary(), self.view.stream(number, object)?) else {
            return Ok(true); // nobody knows what others see
        };
        let own = self.view.dictionary(form, "Resources")?;
        let resources = if form.contains("Resources") { &own } else { above };
        let group = self.view.dictionary(form, "Group")?;
        let is_isolated = matches!(self.view.get(&group, "I")?, Value::Boolean(true));
        // A group meets the page as a whole, in the way that it is drawn; within an isolated one nothing else counts.
        let fixed = (!group.is_empty() && (state.multiplies || is_isolated)).then_some(state.multiplies);
        if !group.is_empty() {
            state.group_alpha *= state.fill_alpha;
            (state.fill_alpha, state.stroke_alpha) = (1.0, 1.0);
        }
        let mut states = Vec::new();
        let mut path = BezPath::new();
        let (mut numbers, mut name) = (Vec::new(), None);
        let mut lexer = Lexer::new(&content, 0);
        loop {
            lexer.skip_space();
            let is_read = match lexer.peek() {
                None => return Ok(false),
                Some(b'(') => lexer.literal().is_ok(),
                Some(b'<') if !lexer.rest().starts_with(b"<<") => lexer.hexadecimal().is_ok(),
                Some(b'/') => lexer.name().map(|read| name = Some(read)).is_ok(),
                Some(byte) if is_regular(byte) => {
                    let word = lexer.plain_word();
                    if let Some(read) = number_of(word) {
                        numbers.push(read);
                        if numbers.len() > 6 {
                            numbers.remove(0);
                        }
                        continue;
                    }
                    self.operators += 1;
                    if self.operators > MAX_OPERATORS || DRAWING.contains(&word) {
                        return Ok(true);
                    }
                    match word {
                        b"q" if states.len() < MAX_STATES => states.push(state.clone()),
                        b"q" => return Ok(true),
                        b"Q" => state = states.pop().unwrap_or(state),
                        b"gs" => self.graphics_state(resources, name.as_deref(), &mut state, fixed)?,
                        b"Do" if self.drawn(resources, name.as_deref(), &state, depth)? => return Ok(true),
                        b"sc" | b"scn" | b"SC" | b"SCN" if name.is_some() => return Ok(true), // a pattern is a picture
                        _ if self.painted(word, &mut path, &state) => return Ok(true),
                        _ => {
                            state.set(word, &numbers);
                            extend(&mut path, word, &numbers, state.matrix);
                        }
                    }
                    numbers.clear();
                    name = None;
                    true
                }
                Some(delimiter) => lexer.take(&[delimiter]),
            };
            if !is_read {
                return Ok(true);
            }
        }
    }

    /// `Do`: a form is looked into, a picture is more than a mark needs.
    fn drawn(
        &mut self,
        resources: &Dictionary,
        name: Option<&[u8]>,
        state: &State,
        depth: usize,
    ) -> Result<bool, DocumentError> {
        let objects = self.view.dictionary(resources, "XObject")?;
        let Some(value) = name.and_then(|name| objects.get_bytes(name)) else { return Ok(true) };
        let object = self.view.resolve(value)?;
        let Some(form) = object.as_dictionary() else { return Ok(true) };
        self.looks += 1;
        if depth >= MAX_DEPTH || self.looks > MAX_LOOKS || !self.view.get(form, "Subtype")?.is_name("Form") {
            return Ok(true);
        }
        let state = State { matrix: state.matrix * self.matrix(form)?, ..state.clone() };
        let number = value.as_reference().map_or(0, |id| id.number);
        self.form(number, &object, resources, state, depth + 1)
    }

    /// `gs` (§8.4.5); how it is mixed with what is below may be `fixed` by the group that it is in.
    fn graphics_state(
        &self,
        resources: &Dictionary,
        name: Option<&[u8]>,
        state: &mut State,
        fixed: Option<bool>,
    ) -> Result<(), DocumentError> {
        let all = self.view.dictionary(resources, "ExtGState")?;
        let Some(Value::Dictionary(own)) = name
            .and_then(|name| all.get_bytes(name))
            .map(|value| self.view.resolve(value))
            .transpose()?
            .map(|object| object.value)
        else {
            return Ok(());
        };
        let number = |key| self.view.get(&own, key).map(|value| value.as_number());
        state.fill_alpha = number("ca")?.unwrap_or(state.fill_alpha);
        state.stroke_alpha = number("CA")?.unwrap_or(state.stroke_alpha);
        state.width = number("LW")?.unwrap_or(state.width);
        if own.contains("BM") {
            let mode = match self.view.get(&own, "BM")? {
                Value::Array(modes) => {
                    modes.first().map(|mode| self.view.resolve(mode)).transpose()?.map(|mode| mode.value)
                }
                mode => Some(mode),
            };
            let is_multiplied = mode.is_some_and(|mode| mode.is_name("Multiply") || mode.is_name("Darken"));
            state.multiplies = fixed.unwrap_or(is_multiplied);
        }
        Ok(())
    }

    /// A painting operator: whether it hides something. The path is used up.
    fn painted(&mut self, word: &[u8], path: &mut BezPath, state: &State) -> bool {
        let (fills, strokes) = match word {
            b"f" | b"F" | b"f*" => (true, false),
            b"B" | b"B*" | b"b" | b"b*" => (true, true),
            b"S" | b"s" => (false, true),
            b"n" => (false, false),
            _ => return false,
        };
        let path = std::mem::take(path);
        let width = state.width * state.matrix.determinant().abs().sqrt();
        fills && self.filled(&path, state) || strokes && self.stroked(&path, width, state)
    }

    fn filled(&mut self, path: &BezPath, state: &State) -> bool {
        if !state.is_opaque(state.fill, state.fill_alpha) {
            return false;
        }
        for part in parts(path) {
            self.cover(state.fill, part.area().abs().min(self.rect.area()));
            if self.is_thick(state.fill, mean_thickness(&part)) {
                return true;
            }
        }
        false
    }

    fn stroked(&mut self, path: &BezPath, width: f64, state: &State) -> bool {
        if !state.is_opaque(state.stroke, state.stroke_alpha) || path.elements().is_empty() {
            return false;
        }
        self.cover(state.stroke, path.perimeter(ACCURACY) * width);
        self.is_thick(state.stroke, width)
    }

    fn cover(&mut self, colour: Option<f64>, area: f64) {
        let [paper, any] = &mut self.covered;
        *any += area;
        if is_paper(colour) {
            *paper += area;
        }
    }

    fn is_thick(&self, colour: Option<f64>, thickness: f64) -> bool {
        // What is outside of the annotation's rectangle is cut off.
        let thickness = thickness.min(mean_thickness(&self.rect.to_path(ACCURACY)));
        match is_paper(colour) {
            true => thickness >= THICK_PAPER,
            false => thickness >= THICK && !self.is_note,
        }
    }

    fn matrix(&self, form: &Dictionary) -> Result<Affine, DocumentError> {
        let mut numbers = Vec::new();
        for item in self.view.items(form, "Matrix")?.iter().take(6) {
            numbers.extend(self.view.resolve(item)?.value.as_number());
        }
        Ok(<[f64; 6]>::try_from(numbers).map_or(Affine::IDENTITY, Affine::new))
    }
}

impl State {
    fn is_opaque(&self, colour: Option<f64>, alpha: f64) -> bool {
        let is_light = colour.is_some_and(|colour| colour >= LIGHT);
        alpha * self.group_alpha > SEE_THROUGH && !(self.multiplies && is_light)
    }

    /// Operators that change how is painted.
    fn set(&mut self, word: &[u8], numbers: &[f64]) {
        match (word, numbers) {
            (b"cm", numbers) => {
                if let Ok(matrix) = <[f64; 6]>::try_from(numbers) {
                    self.matrix *= Affine::new(matrix);
                }
            }
            (b"w", [width]) => self.width = *width,
            // In a space of its own, one number may mean anything.
            (b"sc" | b"scn", [_]) => self.fill = None,
            (b"SC" | b"SCN", [_]) => self.stroke = None,
            (b"g" | b"rg" | b"k" | b"sc" | b"scn", numbers) => self.fill = lightness(numbers),
            (b"G" | b"RG" | b"K" | b"SC" | b"SCN", numbers) => self.stroke = lightness(numbers),
            // In another colour space the first colour is black, or whatever a pattern has.
            (b"cs", _) => self.fill = Some(0.0),
            (b"CS", _) => self.stroke = Some(0.0),
            _ => {}
        }
    }
}

fn is_paper(colour: Option<f64>) -> bool {
    colour.is_none_or(|colour| colour >= PAPER)
}

/// The lightness of grey, RGB and CMYK.
fn lightness(colour: &[f64]) -> Option<f64> {
    match colour {
        [grey] => Some(*grey),
        [red, green, blue] => Some(0.3 * red + 0.59 * green + 0.11 * blue),
        [cyan, magenta, yellow, black] => Some((1.0 - (0.3 * cyan + 0.59 * magenta + 0.11 * yellow)) * (1.0 - black)),
        _ => None,
    }
}

/// A finite number.
fn number_of(word: &[u8]) -> Option<f64> {
    let is_number = word.first().is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.'));
    let text = std::str::from_utf8(word).ok().filter(|_| is_number)?;
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}
