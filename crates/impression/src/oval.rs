//! Round and oval seals. A circle is an ellipse: both are drawn by the same measures, taken from the shorter side.

use crate::canvas::Canvas;
use crate::design::{Shape, Valid};
use crate::error::ImpressionError;
use crate::font::Glyphs;
use crate::text::{Arc, Run};

/// Measures as shares of the shorter side. A company seal of 42 mm has a ring of 1.2 mm and a star of 14 mm.
const RING: f32 = 0.0286;
const GAP: f32 = 0.021;
const STAR_RADIUS: f32 = 0.167;

pub(crate) fn draw(design: &Valid, glyphs: &Glyphs<'_>, canvas: &mut Canvas) -> Result<(), ImpressionError> {
    let (a, b) = (design.width_mm / 2.0, design.height_mm / 2.0);
    let side = design.width_mm.min(design.height_mm);
    canvas.ring(a, b, RING * side);
    let inset = (RING + GAP) * side;
    let outer = (a - inset, b - inset);
    Run::new(&design.organization, glyphs)?.draw_on_top(&name_arc(design, outer, side), canvas);
    match design.shape {
        Shape::Oval => draw_oval_middle(design, side, glyphs, canvas),
        Shape::Round | Shape::Square => draw_round_middle(design, outer, side, glyphs, canvas),
    }
}

fn name_arc(design: &Valid, outer: (f32, f32), side: f32) -> Arc {
    if design.shape == Shape::Oval {
        return Arc { outer, height: 0.15 * side, most: 0.6, per_em: 0.065, widest: 0.85 };
    }
    // A code needs the lowest part of the ring for itself.
    let most = if design.code.is_some() { 0.68 } else { 0.72 };
    Arc { outer, height: 0.145 * side, most, per_em: 0.08, widest: 0.8 }
}

/// The star, the caption below it, and the code along the lower arc.
fn draw_round_middle(
    design: &Valid,
    outer: (f32, f32),
    side: f32,
    glyphs: &Glyphs<'_>,
    canvas: &mut Canvas,
) -> Result<(), ImpressionError> {
    canvas.star(STAR_RADIUS * side);
    if let Some(caption) = &design.caption {
        Run::new(caption, glyphs)?.draw_in_line(0.245 * side, 0.46 * side, 0.1 * side, canvas);
    }
    if let Some(code) = &design.code {
        let arc = Arc { outer, height: 0.042 * side, most: 0.21, per_em: 0.03, widest: 1.0 };
        Run::new(code, glyphs)?.draw_on_bottom(&arc, canvas);
    }
    Ok(())
}

/// The code across the middle, the caption below it.
fn draw_oval_middle(
    design: &Valid,
    side: f32,
    glyphs: &Glyphs<'_>,
    canvas: &mut Canvas,
) -> Result<(), ImpressionError> {
    if let Some(code) = &design.code {
        Run::new(code, glyphs)?.draw_in_line(0.03 * side, 0.6 * design.width_mm, 0.13 * side, canvas);
    }
    if let Some(caption) = &design.caption {
        let middle = if design.code.is_some() { 0.25 } else { 0.12 };
        Run::new(caption, glyphs)?.draw_in_line(middle * side, 0.5 * design.width_mm, 0.14 * side, canvas);
    }
    Ok(())
}
