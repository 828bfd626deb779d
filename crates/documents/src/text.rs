//! Characters on a page, and where a keyword stands among them.
//!
//! Documents cut text anywhere, each character may be an object of its own, and objects need not be in the order of
//! reading. So a keyword is looked for twice: in the order in which text is written, across the ends of lines too, and
//! along the lines that one sees. White space does not count: `签 章` is `签章`.

use crate::{DocumentError, Hit};

/// The characters of a keyword that count.
///
/// # Errors
/// [`DocumentError::PlacementInvalid`] where there are none.
pub fn needle(keyword: &str) -> Result<Vec<char>, DocumentError> {
    let needle: Vec<char> = keyword.chars().filter(|c| !c.is_whitespace()).collect();
    if needle.is_empty() {
        return Err(DocumentError::PlacementInvalid { what: "the keyword is empty".to_owned() });
    }
    Ok(needle)
}

/// A character on a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    /// The character.
    pub character: char,
    /// The box around it, in millimetres from the page's upper left corner.
    pub bounds: Bounds,
    /// Which string it belongs to: those of one have their places from one list.
    pub run: u32,
    /// Where it begins and ends on its line, whatever way that runs, where that is known.
    pub pen: Option<Pen>,
}

/// How a character lies on its line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pen {
    /// Where it begins.
    pub start: (f64, f64),
    /// Where the next one begins.
    pub end: (f64, f64),
    /// The size of its font.
    pub size: f64,
}

impl Pen {
    /// Whether `next` goes on along the same line, which may run in any direction.
    fn goes_on(&self, next: &Self) -> bool {
        let (x, y) = (self.end.0 - self.start.0, self.end.1 - self.start.1);
        let length = x.hypot(y);
        let (right, down) = (next.start.0 - self.end.0, next.start.1 - self.end.1);
        let (along, aside) = ((right * x + down * y) / length, (right * y - down * x) / length);
        let size = self.size.min(next.size);
        length > 0.0 && along > -size / 2.0 && along <= GAP * size && aside.abs() <= size / 2.0
    }
}

/// A box by its edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Bounds {
    /// The box around both.
    pub fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Its middle.
    pub fn middle(self) -> (f64, f64) {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    /// Its height.
    pub fn height(self) -> f64 {
        self.bottom - self.top
    }

    /// The same as a place of a keyword.
    pub fn hit(self, page: u32) -> Hit {
        let Self { left, top, right, bottom } = self;
        Hit { page, x_mm: left, y_mm: top, width_mm: right - left, height_mm: bottom - top }
    }
}

/// The boxes around every occurrence of `needle`.
pub fn occurrences(glyphs: &[Glyph], needle: &[char]) -> Vec<Bounds> {
    let written: Vec<Glyph> = glyphs.iter().filter(|glyph| !glyph.character.is_whitespace()).copied().collect();
    let mut found = along(&written, needle, follows);
    found.extend(along(&lines(&written), needle, is_beside));
    found
}

/// Occurrences in glyphs that stand in this order, each of which must follow the one before it. Of one that goes over
/// several lines the box is around its part on the first.
fn along(glyphs: &[Glyph], needle: &[char], follows: fn(&Glyph, &Glyph) -> bool) -> Vec<Bounds> {
    let is_one = |window: &&[Glyph]| {
        window.iter().zip(needle).all(|(glyph, character)| glyph.character == *character)
            && window.windows(2).all(|pair| matches!(pair, [a, b] if follows(a, b)))
    };
    let around = |window: &[Glyph]| {
        let first = window.first()?;
        let goes_on =
            |pair: &&[Glyph]| matches!(pair, [a, b] if b.run == first.run || on_one_line(first, b) || goes_on(a, b));
        let line = 1 + window.windows(2).take_while(goes_on).count();
        window.iter().take(line).map(|glyph| glyph.bounds).reduce(Bounds::union)
    };
    glyphs.windows(needle.len()).filter(is_one).filter_map(around).collect()
}

/// The same glyphs line by line as one sees them.
fn lines(glyphs: &[Glyph]) -> Vec<Glyph> {
    let mut sorted = glyphs.to_vec();
    sorted.sort_by(|a, b| a.bounds.middle().1.total_cmp(&b.bounds.middle().1));
    let mut rest = sorted.as_mut_slice();
    while let Some(first) = rest.first().copied() {
        let end = rest.iter().position(|glyph| !on_one_line(&first, glyph)).unwrap_or(rest.len());
        let (line, others) = rest.split_at_mut(end.max(1));
        line.sort_by(|a, b| a.bounds.left.total_cmp(&b.bounds.left));
        rest = others;
    }
    sorted
}

/// Gaps between characters that belong together, in ems: words are spread to fill a line or a form.
const GAP: f64 = 3.0;
/// The distance between lines, in ems.
const LINE: f64 = 2.0;

/// Whether `b` goes on where `a` ended: in the same list of places, beside it, below it in a column, or at the start of
/// the next line.
fn follows(a: &Glyph, b: &Glyph) -> bool {
    let em = em(a, b);
    let is_below = b.bounds.top > a.bounds.top && b.bounds.top - a.bounds.bottom <= LINE * em;
    let in_column = (a.bounds.middle().0 - b.bounds.middle().0).abs() <= em / 2.0;
    let beside = a.run == b.run || is_beside(a, b) || goes_on(a, b);
    beside || is_below && (in_column || b.bounds.left < a.bounds.left)
}

fn goes_on(a: &Glyph, b: &Glyph) -> bool {
    a.pen.zip(b.pen).is_some_and(|(a, b)| a.goes_on(&b))
}

fn is_beside(a: &Glyph, b: &Glyph) -> bool {
    let gap = b.bounds.left - a.bounds.right;
    on_one_line(a, b) && b.bounds.left > a.bounds.left && gap <= GAP * em(a, b)
}

fn on_one_line(a: &Glyph, b: &Glyph) -> bool {
    (a.bounds.middle().1 - b.bounds.middle().1).abs() <= em(a, b) / 2.0
}

fn em(a: &Glyph, b: &Glyph) -> f64 {
    a.bounds.height().min(b.bounds.height())
}

/// In the order of reading, and each once: found in both ways, or printed twice to look bold.
pub fn in_order(mut found: Vec<Bounds>) -> Vec<Bounds> {
    found.sort_by(|a, b| (a.top, a.left).partial_cmp(&(b.top, b.left)).unwrap_or(std::cmp::Ordering::Equal));
    let mut kept: Vec<Bounds> = Vec::with_capacity(found.len());
    for bounds in found {
        let ((x, y), close) = (bounds.middle(), bounds.height() / 2.0);
        let is_same = |other: &Bounds| {
            let (a, b) = other.middle();
            (a - x).abs() <= close && (b - y).abs() <= close
        };
        // Sorted by height on the page: what is the same is among the last few.
        if !kept.iter().rev().take_while(|other| bounds.top - other.top <= close).any(is_same) {
            kept.push(bounds);
        }
    }
    kept
}
