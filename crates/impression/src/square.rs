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
        Some(caption) => format!("{} {caption}", design.organization),
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
    if text.chars().any(is_chinese) {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        Run::new(&text, glyphs)?.draw_in_columns(half, -above, canvas);
        return Ok(());
    }
    let lines = lines(&text, half.0 / half.1);
    let height = 2.0 * half.1 / lines.len() as f32;
    for (i, line) in lines.iter().enumerate() {
        let middle = (i as f32 + 0.5) * height - half.1 - above;
        Run::new(line, glyphs)?.draw_in_line(middle, 2.0 * half.0, 0.9 * height, canvas);
    }
    Ok(())
}

/// Characters that are written in columns: everything from the first block of Chinese on.
fn is_chinese(character: char) -> bool {
    character >= '\u{2E80}'
}

/// The words of a text in another script, in as many lines as give the largest letters in a box `wide` times as wide as
/// high.
fn lines(text: &str, wide: f32) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let longest = |lines: &[String]| lines.iter().map(|line| line.chars().count()).max().unwrap_or(1) as f32;
    // Letters are about half as wide as they are high.
    let size = |lines: &[String]| (2.0 * wide / longest(lines)).min(1.0 / lines.len() as f32);
    let candidates = (1..=words.len()).map(|count| broken(&words, count));
    candidates.max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or_else(|| vec![text.to_owned()])
}

/// The words in at most `count` lines of about the same length.
fn broken(words: &[&str], count: usize) -> Vec<String> {
    let all: usize = words.iter().map(|word| word.chars().count() + 1).sum();
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        let is_last = lines.len() == count;
        match lines
            .last_mut()
            .filter(|line| is_last || line.chars().count() + word.chars().count() < all.div_ceil(count))
        {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push((*word).to_owned()),
        }
    }
    lines
}
