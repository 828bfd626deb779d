//! Characters by a compact font program (CFF, Adobe Technical Note 5176) that stands alone: its glyphs have names, which say
//! characters (Adobe Glyph List), or numbers in one of the collections of East Asian characters, which it names itself.

use hayro_interpret::hayro_cmap::{BfString, CidFamily};
use skrifa::GlyphId;
use skrifa::raw::ps::cff::CffFontRef;
use skrifa::raw::ps::cff::dict::{self, Entry};
use skrifa::raw::ps::{Sid, UnicodeCharmap};
use skrifa::raw::tables::cff::Cff;
use skrifa::raw::{FontData, FontRead as _};

use super::collections::embedded;

/// Glyphs of one program: their numbers have two bytes.
const MAX_GLYPHS: usize = 1 << 16;

/// Bytes of the name of a glyph. The list permits 63; strings of a hostile program overlap and are as long as itself.
const MAX_NAME: usize = 63;

/// What `UnicodeCharmap` sets for a glyph that is another form of a character, such as `A.swash`.
const OTHER_FORM: u32 = 1 << 31;

/// Characters and the glyphs they are drawn with; none where the program is no such one or does not say them.
pub(crate) fn characters(program: &[u8]) -> Vec<(u32, u32)> {
    let Ok(font) = CffFontRef::new_cff(program, 0, None) else { return Vec::new() };
    if font.is_cid() { by_numbers(program, &font) } else { by_names(&font) }
}

/// The same of a program within another (OpenType, `CFF `), where codes are not the numbers of a collection.
pub(crate) fn characters_within(table: &[u8]) -> Vec<(u32, u32)> {
    let font = CffFontRef::new_cff(table, 0, None).ok().filter(|font| !font.is_cid());
    font.map_or_else(Vec::new, |font| by_names(&font))
}

fn by_names(font: &CffFontRef<'_>) -> Vec<(u32, u32)> {
    let names = glyphs(font).filter_map(|(glyph, id)| {
        let name = font.string(id).filter(|name| name.len() <= MAX_NAME)?;
        Some((glyph, std::str::from_utf8(name).ok()?))
    });
    let map = UnicodeCharmap::from_glyph_names(names);
    map.iter().map(|(code, glyph)| (code & !OTHER_FORM, glyph.to_u32())).collect()
}

/// Where glyphs have numbers of a collection, these stand in the place of names (§ 18).
fn by_numbers(program: &[u8], font: &CffFontRef<'_>) -> Vec<(u32, u32)> {
    let Some(characters) = collection(program).and_then(|known| embedded(known.ucs2_cmap()?)) else {
        return Vec::new();
    };
    let known =
        glyphs(font).filter_map(|(glyph, number)| match characters.lookup_bf_string(number.to_u16().into())? {
            BfString::Char(character) => Some((character.into(), glyph.to_u32())),
            BfString::String(_) => None,
        });
    known.collect()
}

/// Each glyph with the number of its name, or that in the collection.
fn glyphs<'a>(font: &CffFontRef<'a>) -> impl Iterator<Item = (GlyphId, Sid)> + use<'a> {
    font.charset().into_iter().flat_map(|charset| charset.iter()).take(MAX_GLYPHS)
}

/// The collection that a program names (`ROS`, § 9, table 10), though the font of the PDF may name none.
fn collection(program: &[u8]) -> Option<CidFamily> {
    let cff = Cff::read(FontData::new(program)).ok()?;
    let strings = cff.strings();
    let text = |id: Sid| match id.resolve_standard() {
        Ok(text) => Some(text),
        Err(index) => strings.get(index),
    };
    let named = dict::entries(cff.top_dicts().get(0)?, None).flatten().find_map(|entry| match entry {
        Entry::Ros { registry, ordering, .. } => Some((registry, ordering)),
        _ => None,
    });
    let (registry, ordering) = named?;
    Some(CidFamily::from_registry_ordering(text(registry)?, text(ordering)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(items: &[&[u8]]) -> Vec<u8> {
        let mut out = (items.len() as u16).to_be_bytes().to_vec();
        if !items.is_empty() {
            out.push(4);
            let mut at = 1_u32;
            out.extend(at.to_be_bytes());
            for item in items {
                at += item.len() as u32;
                out.extend(at.to_be_bytes());
            }
        }
        items.iter().for_each(|item| out.extend_from_slice(item));
        out
    }

    /// A program with a glyph of each name, besides `.notdef`.
    fn named(names: &[&str]) -> Vec<u8> {
        const FIRST_OWN: u16 = 391;
        let strings = index(&names.iter().map(|name| name.as_bytes()).collect::<Vec<_>>());
        let charset = (0..names.len() as u16).flat_map(|own| (FIRST_OWN + own).to_be_bytes());
        let charset: Vec<u8> = [0].into_iter().chain(charset).collect();
        let endchar: &[u8] = &[14];
        let drawings = index(&vec![endchar; names.len() + 1]);
        let number = |value: usize, operator: u8| [&[29][..], &(value as u32).to_be_bytes(), &[operator]].concat();
        let top = |charset: usize, drawings: usize| index(&[&[number(charset, 15), number(drawings, 17)].concat()]);
        let head = [&[1, 0, 4, 4][..], &index(&[b"A"])].concat();
        let charset_at = head.len() + top(0, 0).len() + strings.len() + index(&[]).len();
        let top = top(charset_at, charset_at + charset.len());
        [head, top, strings, index(&[]), charset, drawings].concat()
    }

    #[test]
    fn names_say_characters() {
        let program = named(&["uni7AE0", "u76D6.alt", "fi", "g12", "A"]);
        let mut said = characters(&program);
        said.sort_unstable_by_key(|(_, glyph)| *glyph);
        let said: Vec<_> = said.into_iter().map(|(code, glyph)| (char::from_u32(code), glyph)).collect();
        assert_eq!(said, [(Some('章'), 1), (Some('盖'), 2), (Some('ﬁ'), 3), (Some('A'), 5)]);
        assert_eq!(characters_within(&program).len(), 4);
    }

    #[test]
    fn a_name_longer_than_the_list_permits_is_none() {
        let tail = "x".repeat(MAX_NAME - "A.".len());
        let [longest, longer] = ["", "x"].map(|more| format!("A.{tail}{more}"));
        assert_eq!(characters(&named(&[&longest])), [(0x41, 1)]);
        assert_eq!(characters(&named(&[&longer])), []);
    }

    #[test]
    fn what_is_no_program_or_cut_off_says_nothing_that_is_not_there() {
        let program = named(&["uni7AE0"]);
        for length in 0..program.len() {
            let said = characters(&program[..length]);
            assert!(said.is_empty() || said == [(0x7ae0, 1)], "{length}: {said:?}");
        }
    }
}
