//! The text of a page with the place of every character (GB/T 33190-2016 chapter 11).
//!
//! Fonts are not read: where a document does not say how far apart characters stand, or how wide the last one is, an em
//! is taken for wide ones and half of it for others.

use roxmltree::Node;

use super::package::Package;
use super::xml;
use crate::text::{Bounds, Glyph};
use crate::{DocumentError, Limit};

/// The characters in the page content or template at `entry`, in the order in which they are written.
///
/// # Errors
/// The file is damaged, or has more text than [`crate::Limits::max_page_text`].
pub fn glyphs(package: &Package, entry: &str) -> Result<Vec<Glyph>, DocumentError> {
    let bytes = package.read_xml(entry)?;
    let text = xml::decode(&bytes, entry)?;
    let tree = xml::parse(&text, entry, package.limits())?;
    let mut glyphs = Glyphs { found: Vec::new(), runs: 0, max: package.limits().max_page_text };
    for content in xml::children(tree.root_element(), "Content") {
        glyphs.of(content)?;
    }
    Ok(glyphs.found)
}

/// Part of an em above and below the line on which characters stand.
const ASCENT: f64 = 0.85;
const DESCENT: f64 = 0.15;

struct Glyphs {
    found: Vec<Glyph>,
    runs: u32,
    max: u32,
}

impl Glyphs {
    /// Those in layers and blocks, which only group. XML is nowhere deeper than its limit.
    fn of(&mut self, group: Node<'_, '_>) -> Result<(), DocumentError> {
        for node in group.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "Layer" | "PageBlock" => self.of(node)?,
                "TextObject" if node.attribute("Visible").is_none_or(|visible| visible.trim() != "false") => {
                    self.of_object(node)?;
                }
                _ => {} // no text: pictures, paths, composed graphics
            }
        }
        Ok(())
    }

    fn of_object(&mut self, object: Node<'_, '_>) -> Result<(), DocumentError> {
        let number = |name| object.attribute(name).and_then(xml::number);
        let Some([x, y, _, _]) = object.attribute("Boundary").and_then(xml::numbers) else { return Ok(()) };
        let matrix = object.attribute("CTM").and_then(xml::matrix).unwrap_or([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let size = number("Size").filter(|size| *size > 0.0).unwrap_or(DEFAULT_SIZE);
        let form = Form { origin: (x, y), matrix, size, scale: number("HScale").unwrap_or(1.0) };
        let mut start = (0.0, 0.0);
        for code in xml::children(object, "TextCode") {
            // A code without a place of its own has that of the one before.
            let placed = |name, before| code.attribute(name).and_then(xml::number).unwrap_or(before);
            start = (placed("X", start.0), placed("Y", start.1));
            self.of_code(code, start, &form)?;
        }
        Ok(())
    }

    fn of_code(&mut self, code: Node<'_, '_>, start: (f64, f64), form: &Form) -> Result<(), DocumentError> {
        let text: String = code.children().filter_map(|child| child.text().filter(|_| child.is_text())).collect();
        let count = text.chars().count();
        Limit::PageText.check((self.found.len() + count) as u64, self.max.into())?;
        let deltas = |name| code.attribute(name).map(|deltas| distances(deltas, count));
        let (across, down) = (deltas("DeltaX"), deltas("DeltaY"));
        let (mut x, mut y) = start;
        for (index, character) in text.chars().enumerate() {
            let own = form.width_of(character);
            let distance = |deltas: &Option<Vec<f64>>| deltas.as_ref().and_then(|deltas| deltas.get(index)).copied();
            let (right, below) = match (distance(&across), distance(&down)) {
                (None, None) if across.is_none() && down.is_none() => (own, 0.0),
                (right, below) => (right.unwrap_or(0.0), below.unwrap_or(0.0)),
            };
            let width = if right > 0.0 { own.min(right) } else { own };
            self.found.push(Glyph { character, bounds: form.bounds(x, y, width), run: self.runs, pen: None });
            (x, y) = (x + right, y + below);
        }
        self.runs = self.runs.saturating_add(1);
        Ok(())
    }
}

/// The size of text that states none: 12 points.
const DEFAULT_SIZE: f64 = 4.233;

/// How a text object places its characters.
struct Form {
    /// Where its box begins on the page.
    origin: (f64, f64),
    matrix: [f64; 6],
    size: f64,
    scale: f64,
}

impl Form {
    fn width_of(&self, character: char) -> f64 {
        let ems = if (character as u32) < 0x1100 { 0.5 } else { 1.0 };
        self.size * self.scale * ems
    }

    /// The box on the page of a character that stands at (x, y) in the object's own space.
    fn bounds(&self, x: f64, y: f64, width: f64) -> Bounds {
        let [a, b, c, d, e, f] = self.matrix;
        let on_page = |x: f64, y: f64| (self.origin.0 + a * x + c * y + e, self.origin.1 + b * x + d * y + f);
        let (top, bottom) = (y - self.size * ASCENT, y + self.size * DESCENT);
        let corners = [on_page(x, top), on_page(x + width, top), on_page(x, bottom), on_page(x + width, bottom)];
        let point = |(x, y): (f64, f64)| Bounds { left: x, top: y, right: x, bottom: y };
        let [first, others @ ..] = corners.map(point);
        others.into_iter().fold(first, Bounds::union)
    }
}

/// `ST_Array` of distances, at most `most`: `5 5 5.5` or, for three times five, `g 3 5`.
fn distances(text: &str, most: usize) -> Vec<f64> {
    let mut distances = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let (times, distance) = match word {
            "g" | "G" => {
                let times = words.next().and_then(|times| times.parse::<usize>().ok());
                (times.unwrap_or(0), words.next().and_then(xml::number))
            }
            word => (1, xml::number(word)),
        };
        let times = times.min(most.saturating_sub(distances.len()));
        distances.extend(std::iter::repeat_n(distance.unwrap_or(0.0), times));
        if distances.len() >= most {
            break;
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_numbers_or_repetitions_and_never_more_than_characters() {
        assert_eq!(distances("5 5.5 g 3 2 -1", 10), [5.0, 5.5, 2.0, 2.0, 2.0, -1.0]);
        assert_eq!(distances("g 4000000000 1", 3), [1.0; 3]);
        assert_eq!(distances("1 2 3", 2), [1.0, 2.0]);
        assert_eq!(distances("g", 3), [] as [f64; 0]);
        assert_eq!(distances("g x 5 NaN", 3), [0.0]);
    }

    #[test]
    fn a_matrix_turns_the_box_of_a_character() {
        // A quarter turn clockwise around the object's origin.
        let form = Form { origin: (100.0, 50.0), matrix: [0.0, 1.0, -1.0, 0.0, 0.0, 0.0], size: 10.0, scale: 1.0 };
        let bounds = form.bounds(20.0, 0.0, 10.0);
        assert_eq!((bounds.left, bounds.top, bounds.right, bounds.bottom), (98.5, 70.0, 108.5, 80.0));
    }
}
