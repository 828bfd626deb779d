//! Text on curves and lines: how wide and how high it may be, and where each character stands.

use std::ops::RangeInclusive;

use resvg::tiny_skia::Transform;

use crate::canvas::Canvas;
use crate::curve::{Curve, Spot};
use crate::error::ImpressionError;
use crate::font::{Glyph, Glyphs};

/// How far Chinese characters reach below the baseline, in em.
const DESCENT: f32 = 0.12;
/// Characters narrower than this share of their height are hard to read: from here on they shrink.
const NARROWEST: f32 = 0.5;
/// What a character takes of its place; the rest is the gap to the next one.
const FILLED: f32 = 0.92;

/// Scripts whose characters join, stack, or run from right to left: one outline after another would be misspelt. Marks
/// above letters; Hebrew to Tibetan with Arabic and Uyghur; Burmese; Khmer and Mongolian; forms of Arabic.
const JOINED: [RangeInclusive<char>; 6] = [
    '\u{0300}'..='\u{036F}',
    '\u{0590}'..='\u{0FFF}',
    '\u{1000}'..='\u{109F}',
    '\u{1780}'..='\u{18AF}',
    '\u{FB1D}'..='\u{FDFF}',
    '\u{FE70}'..='\u{FEFE}',
];

/// A text, as outlines.
pub(crate) struct Run {
    glyphs: Vec<Glyph>,
    /// The sum of the advances, in em: the number of characters, if they are Chinese.
    pub(crate) length: f32,
}

/// Where and how large a text may stand on a curve.
pub(crate) struct Arc {
    /// Half axes of the ellipse that the tops of the characters touch, outside.
    pub(crate) outer: (f32, f32),
    /// The height that characters have if there is room.
    pub(crate) height: f32,
    /// The share of the whole curve that the text may take.
    pub(crate) most: f32,
    /// The share of the whole curve that one em takes if there is room.
    pub(crate) per_em: f32,
    /// The widest that one em becomes, as a share of the height.
    pub(crate) widest: f32,
}

impl Run {
    /// The outlines of a text; a character that the font lacks is an error, and so is one that is not drawn by itself.
    pub(crate) fn new(text: &str, glyphs: &Glyphs<'_>) -> Result<Self, ImpressionError> {
        if let Some(joined) = text.chars().find(|c| JOINED.iter().any(|script| script.contains(c))) {
            return Err(ImpressionError::JoinedScript(joined));
        }
        let glyphs: Vec<Glyph> = text.chars().map(|c| glyphs.get(c)).collect::<Result<_, _>>()?;
        let length = glyphs.iter().map(|glyph| glyph.advance).sum::<f32>().max(0.1);
        Ok(Self { glyphs, length })
    }

    /// Along the upper arc, feet towards the middle.
    pub(crate) fn draw_on_top(&self, arc: &Arc, canvas: &mut Canvas) {
        // The feet stand on the shorter, inner curve: what fits there fits everywhere.
        let place = |height: f32| Curve::new(arc.outer.0 - height, arc.outer.1 - height);
        let fit = arc.fit(self.length, place);
        self.draw_on(&fit, |along| fit.curve.upper(along), 1.0, canvas);
    }

    /// Along the lower arc, feet outwards, to be read from left to right.
    pub(crate) fn draw_on_bottom(&self, arc: &Arc, canvas: &mut Canvas) {
        // Here the heads are on the shorter curve, and feet on the outer one.
        let (a, b) = arc.outer;
        let fit = arc.fit(self.length, |_| Curve::new(a, b));
        self.draw_on(&fit, |along| fit.curve.lower(along), -1.0, canvas);
    }

    /// On a straight line around (0, `middle`), at most `width` wide; as high as `height`, less where it must be.
    pub(crate) fn draw_in_line(&self, middle: f32, width: f32, height: f32, canvas: &mut Canvas) {
        let natural = width / self.length;
        let em = natural.min(height);
        let height = height.min(natural / NARROWEST);
        let mut x = -em * self.length / 2.0;
        for glyph in &self.glyphs {
            let cell = Cell { x: x + em * glyph.advance / 2.0, y: middle, em: em * FILLED, height, turned: 0.0 };
            cell.draw(glyph, canvas);
            x += em * glyph.advance;
        }
    }

    /// In columns from right to left, each read from top to bottom, filling a box of these half sides around
    /// (0, `middle`).
    pub(crate) fn draw_in_columns(&self, half: (f32, f32), middle: f32, canvas: &mut Canvas) {
        let count = self.glyphs.len();
        let columns = (1..=count).find(|c| c * c >= count).unwrap_or(1);
        let cell_width = 2.0 * half.0 / columns as f32;
        let mut rest = self.glyphs.iter();
        for column in 0..columns {
            // As even as can be, the longer columns first.
            let rows = rest.len().div_ceil(columns - column).max(1);
            let cell_height = 2.0 * half.1 / rows as f32;
            let x = half.0 - (column as f32 + 0.5) * cell_width;
            for (row, glyph) in rest.by_ref().take(rows).enumerate() {
                let y = middle + (row as f32 + 0.5) * cell_height - half.1;
                // Latin letters are narrow: a cell is as wide as a Chinese character.
                let em = cell_width * FILLED / glyph.advance.max(1.0);
                let height = (cell_height * FILLED).min(cell_width * 1.6);
                Cell { x, y, em, height, turned: 0.0 }.draw(glyph, canvas);
            }
        }
    }

    fn draw_on(&self, fit: &Fit, spot: impl Fn(f32) -> Spot, up: f32, canvas: &mut Canvas) {
        let mut along = -fit.pitch * self.length / 2.0;
        for glyph in &self.glyphs {
            let Spot { x, y, outward } = spot(along + fit.pitch * glyph.advance / 2.0);
            // A cell is placed by its middle, which lies half a height above the feet.
            let (sin, cos) = outward.sin_cos();
            let rise = up * fit.height / 2.0;
            let turned = if up > 0.0 { outward } else { outward + std::f32::consts::PI };
            Cell { x: x + rise * sin, y: y - rise * cos, em: fit.em, height: fit.height, turned }.draw(glyph, canvas);
            along += fit.pitch * glyph.advance;
        }
    }
}

/// What came out of fitting a text to a curve.
struct Fit {
    curve: Curve,
    /// The width of one em.
    em: f32,
    height: f32,
    /// From one character to the next, in millimetres of arc per em.
    pitch: f32,
}

impl Arc {
    /// Narrow first, down to half of the height; smaller then.
    fn fit(&self, length: f32, place: impl Fn(f32) -> Curve) -> Fit {
        let share = self.most.min(self.per_em * length);
        let mut height = self.height;
        loop {
            let curve = place(height);
            let pitch = curve.perimeter() * share / length;
            let em = (pitch * FILLED).min(height * self.widest);
            if em >= height * NARROWEST || height < self.height / 100.0 {
                return Fit { curve, em, height, pitch };
            }
            height *= 0.98;
        }
    }
}

/// The place of one character.
struct Cell {
    /// The middle of the character.
    x: f32,
    y: f32,
    /// How wide one em is.
    em: f32,
    /// How high one em is.
    height: f32,
    /// Clockwise, in radians.
    turned: f32,
}

impl Cell {
    fn draw(&self, glyph: &Glyph, canvas: &mut Canvas) {
        let Some(outline) = &glyph.outline else { return };
        // From em, y upwards, to the middle of the em square; to millimetres, y downwards; turned; moved.
        let transform = Transform::from_translate(-glyph.advance / 2.0, DESCENT - 0.5)
            .post_scale(self.em, -self.height)
            .post_rotate(self.turned.to_degrees())
            .post_translate(self.x, self.y);
        canvas.fill(outline, transform);
    }
}
