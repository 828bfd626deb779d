//! Where a keyword stands in a document.
//!
//! Documents cut text anywhere, each character may be an object of its own, and objects need not be in the order of
//! reading. So a keyword is looked for twice: in the order in which text is written, across the ends of lines too, and
//! along the lines that one sees. White space does not count: `签 章` is `签章`.

use std::collections::HashMap;

use super::document::{Pages, bodies};
use super::package::Package;
use super::text::{Bounds, Glyph, glyphs};
use crate::{DocumentError, Hit, Limit, Limits, Source};

/// The places of `keyword` on all pages, page by page and on each from top to bottom and left to right.
///
/// # Errors
/// As [`crate::ofd::pages`]; also where there are more places than [`Limits::max_stamps`].
pub fn find_text(source: &Source, keyword: &str, limits: &Limits) -> Result<Vec<Hit>, DocumentError> {
    let package = Package::open(source, limits)?;
    let needle: Vec<char> = keyword.chars().filter(|c| !c.is_whitespace()).collect();
    if needle.is_empty() {
        return Err(DocumentError::PlacementInvalid { what: "the keyword is empty".to_owned() });
    }
    // Many pages may share a template, and nothing forbids them to share their content.
    let mut by_entry: HashMap<String, Vec<Bounds>> = HashMap::new();
    let (mut hits, mut before) = (Vec::new(), 0);
    for body in bodies(&package)? {
        let mut pages = Pages::read(&package, &body)?;
        for number in 1..=pages.count() {
            let mut on_page = Vec::new();
            for entry in pages.contents_of(&package, number)? {
                let found = match by_entry.get(&entry) {
                    Some(found) => found,
                    None => {
                        let found = occurrences(&glyphs(&package, &entry)?, &needle);
                        by_entry.entry(entry).or_insert(found)
                    }
                };
                on_page.extend(found.iter().copied());
            }
            let on_page = in_order(on_page).into_iter().map(|bounds| hit(before + number, bounds));
            hits.extend(on_page);
            Limit::Stamps.check(hits.len() as u64, limits.max_stamps.into())?;
        }
        before += pages.count();
    }
    Ok(hits)
}

fn hit(page: u32, bounds: Bounds) -> Hit {
    let Bounds { left, top, right, bottom } = bounds;
    Hit { page, x_mm: left, y_mm: top, width_mm: right - left, height_mm: bottom - top }
}

/// The boxes around every occurrence of `needle`.
fn occurrences(glyphs: &[Glyph], needle: &[char]) -> Vec<Bounds> {
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
        let line = window.iter().take_while(|glyph| glyph.run == first.run || on_one_line(first, glyph));
        line.map(|glyph| glyph.bounds).reduce(Bounds::union)
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
    a.run == b.run || is_beside(a, b) || is_below && (in_column || b.bounds.left < a.bounds.left)
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
fn in_order(mut found: Vec<Bounds>) -> Vec<Bounds> {
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
