//! Square seals: of persons and of legal representatives.

use crate::canvas::Canvas;
use crate::design::Valid;
use crate::error::ImpressionError;
use crate::font::Glyphs;
use crate::text::Run;

/// Measures as shares of the shorter side.
const FRAME: f32 = 0.045;
const GAP: f32 = 0.035;
const CODE: f32 = 0.09;

pub(crate) fn draw(design: &Valid, glyphs: &Glyphs<'_>, canvas: &mut Canvas) -> Result<(), ImpressionError> {
    let (a, b) = (design.width_mm / 2.0, design.height_mm / 2.0);
    let side = design.width_mm.min(design.height_mm);
    canvas.frame(a, b, FRAME * side);
    let inset = (FRAME + GAP) * side;
    let text = match &design.caption {
        Some(caption) => format!("{}{caption}", design.organization),
        None => design.organization.clone(),
    };
    let mut half = (a - inset, b - inset);
    let mut above = 0.0;
    if let Some(code) = &design.code {
        let middle = half.1 - CODE * side / 2.0;
        Run::new(code, glyphs)?.draw_in_line(middle, 2.0 * half.0, CODE * side, canvas);
        above = (CODE + GAP) * side / 2.0;
        half.1 -= above;
    }
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    Run::new(&text, glyphs)?.draw_in_columns(half, -above, canvas);
    Ok(())
}
