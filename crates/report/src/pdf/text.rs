//! How wide text is, and where its lines break.

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};

use crate::font::Face;

/// What stands for a character that the font does not have, the first that it has.
const SUBSTITUTES: [char; 3] = ['\u{25a1}', '\u{fffd}', '?'];

/// Measures text of one face.
pub struct Measure<'a> {
    font: FontRef<'a>,
    units_per_em: f32,
    substitute: char,
}

impl<'a> Measure<'a> {
    /// Of a face; nothing if it is no font.
    pub fn new(bytes: &'a [u8], face: &Face) -> Option<Self> {
        let font = FontRef::from_index(bytes, face.index()).ok()?;
        let units_per_em = f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        let has = |c: &char| has(&font, *c);
        let substitute = SUBSTITUTES.iter().copied().find(has).unwrap_or(' ');
        (units_per_em > 0.0).then_some(Self { font, units_per_em, substitute })
    }

    /// The text with a substitute for each character that the font does not have.
    pub fn drawable(&self, text: &str) -> String {
        text.chars().map(|c| if has(&self.font, c) { c } else { self.substitute }).collect()
    }

    /// The width of a text in points.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.advance(c)).sum::<f32>() * size
    }

    /// The lines of a text that is to be no wider than `width`: broken at spaces, beside any Chinese character, and
    /// within a word that is wider than a line.
    pub fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let (mut line, mut used) = (String::new(), 0.0);
        for piece in pieces(text) {
            let wide = self.width(piece, size);
            if used + self.width(piece.trim_end(), size) > width && !line.trim().is_empty() {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0.0;
            }
            if wide <= width {
                line.push_str(piece);
                used += wide;
                continue;
            }
            for c in piece.chars() {
                let advance = self.advance(c) * size;
                if used + advance > width && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(c);
                used += advance;
            }
        }
        if !line.trim().is_empty() || lines.is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        lines
    }

    fn advance(&self, c: char) -> f32 {
        let metrics = self.font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let glyph = self.font.charmap().map(c);
        glyph.and_then(|glyph| metrics.advance_width(glyph)).unwrap_or(self.units_per_em) / self.units_per_em
    }
}

fn has(font: &FontRef<'_>, c: char) -> bool {
    font.charmap().map(c).is_some_and(|glyph| glyph.to_u32() != 0)
}

/// Parts between which a line may break: words with the spaces behind them, and Chinese characters one by one, with the
/// punctuation that must not begin a line.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let end = at + c.len_utf8();
        let Some((_, next)) = characters.peek() else { break };
        let breaks = if c == ' ' { *next != ' ' } else { is_wide(c) || is_wide(*next) };
        if breaks && *next != ' ' && !begins_no_line(*next) {
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

const fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

const fn begins_no_line(c: char) -> bool {
    matches!(c, ',' | '.' | ';' | ':' | '?' | '!' | ')' | ']')
        || matches!(c, '\u{3001}' | '\u{3002}' | '\u{300b}' | '\u{3011}' | '\u{201d}' | '\u{2019}')
        || matches!(c, '\u{ff0c}' | '\u{ff0e}' | '\u{ff1b}' | '\u{ff1a}' | '\u{ff1f}' | '\u{ff01}' | '\u{ff09}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_beside_chinese_characters() {
        assert_eq!(pieces("the seal is good"), ["the ", "seal ", "is ", "good"]);
        assert_eq!(pieces("有效,通过 ok"), ["有", "效,", "通", "过 ", "ok"]);
        assert_eq!(pieces("印章A1"), ["印", "章", "A1"]);
        assert!(pieces("").is_empty());
    }

    #[test]
    fn no_line_is_wider_than_it_may_be_and_no_character_is_lost() {
        let Ok(face) = Face::find(None) else { return println!("skipped: no font with Chinese is installed") };
        let bytes = face.bytes();
        let measure = Measure::new(&bytes, &face).expect("a font");
        let text = "签章人证书 CN=32050000011053, O=11320500014150050B苏州市民政局, averyveryveryveryverylongwordwithoutaspace。";
        for width in [30.0_f32, 60.0, 200.0] {
            let lines = measure.lines(text, 10.0, width);
            // A closing mark stays with the character before it, which may take one more character's width.
            assert!(lines.iter().all(|line| measure.width(line, 10.0) <= width + 10.1), "{width}: {lines:?}");
            let squeezed = |text: &str| text.replace(' ', "");
            assert_eq!(squeezed(&lines.concat()), squeezed(text), "{width}");
        }
    }
}
