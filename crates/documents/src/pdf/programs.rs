//! Characters by the table that a TrueType or OpenType font program has of them (`cmap`), read from its end: which character has
//! this glyph. It is what viewers go by where a font says nothing else. Programs without such a table may name their glyphs (see
//! `compact`).

use std::cell::RefCell;
use std::collections::HashMap;

use hayro_interpret::font::{GlyphId, OutlineFontData};
use skrifa::{FontRef, MetadataProvider as _, Tag};

use super::compact;

/// Characters of one font that are looked at; the largest fonts in use have some seventy thousand.
const MAX_CHARACTERS: usize = 1 << 17;

/// Font programs of one document that are looked at.
const MAX_PROGRAMS: usize = 256;

/// From the glyphs of a font to characters.
type Characters = HashMap<u32, char>;

/// The font programs that were looked into so far, by their key.
#[derive(Default)]
pub(crate) struct Programs(RefCell<HashMap<u128, Characters>>);

impl Programs {
    /// The character that a glyph is drawn for.
    pub(crate) fn text_of(&self, font: &OutlineFontData, glyph: GlyphId) -> Option<char> {
        let mut known = self.0.borrow_mut();
        if known.len() >= MAX_PROGRAMS && !known.contains_key(&font.cache_key) {
            return None;
        }
        let characters = known.entry(font.cache_key).or_insert_with(|| characters((*font.data).as_ref()));
        characters.get(&glyph.to_u32()).copied()
    }
}

/// The usual character of each glyph; none where the program does not say them.
fn characters(program: &[u8]) -> Characters {
    let mut characters = Characters::new();
    for (code, glyph) in said(program) {
        let Some(character) = char::from_u32(as_text(code)) else { continue };
        let known = characters.entry(glyph).or_insert(character);
        if is_unusual(*known) && !is_unusual(character) {
            *known = character;
        }
    }
    characters
}

/// Characters and their glyphs as the program says them.
fn said(program: &[u8]) -> Vec<(u32, u32)> {
    let Ok(font) = FontRef::from_index(program, 0) else { return compact::characters(program) };
    let mappings = font.charmap().mappings().take(MAX_CHARACTERS);
    let said: Vec<_> = mappings.map(|(code, glyph)| (code, glyph.to_u32())).collect();
    match font.table_data(Tag::new(b"CFF ")) {
        Some(table) if said.is_empty() => compact::characters_within(table.as_bytes()),
        _ => said,
    }
}

/// Fonts of symbols have their characters of one byte from U+F000 on (OpenType, `cmap`, platform 3 encoding 0).
fn as_text(code: u32) -> u32 {
    if (0xf020..=0xf0ff).contains(&code) { code - 0xf000 } else { code }
}

/// Radicals and compatibility forms, which share their glyphs with the characters that people write, and private ones.
fn is_unusual(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{2fdf}' | '\u{e000}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}' | '\u{a0}' | '\u{ad}')
}
