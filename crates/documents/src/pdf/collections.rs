//! Characters of fonts that don't say them (ISO 32000-1 §9.10.2): their codes have numbers in one of the collections of East
//! Asian characters, and those are known; or else the font program has a table of its characters (see `programs`).

use std::collections::HashMap;

use hayro_interpret::font::Glyph;
use hayro_interpret::hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};

use super::object::{Dictionary, Value};
use super::programs::Programs;
use super::view::View;
use crate::DocumentError;

/// Fonts of one document that are looked at.
const MAX_FONTS: usize = 256;

/// What is known of the characters of a document's fonts.
#[derive(Default)]
pub(crate) struct Collections {
    /// By their PostScript names, by which glyphs name theirs.
    codes: HashMap<String, Codes>,
    programs: Programs,
}

/// What the codes of a font mean.
struct Codes {
    /// From a code to the number in the collection.
    numbers: CMap,
    /// From there to the character.
    characters: CMap,
}

impl Collections {
    /// Whether a dictionary is a font that has to be asked here.
    pub(crate) fn may_tell(dictionary: &Dictionary) -> bool {
        dictionary.get("Subtype").is_some_and(|kind| kind.is_name("Type0")) && !dictionary.contains("ToUnicode")
    }

    /// Adds a font, where its collection is known.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn add(&mut self, view: &View<'_>, font: &Dictionary) -> Result<(), DocumentError> {
        let name = view.get(font, "BaseFont")?;
        let Some(name) = name.as_name().map(|name| without_tag(&String::from_utf8_lossy(name)).to_owned()) else {
            return Ok(());
        };
        if self.codes.len() < MAX_FONTS
            && !self.codes.contains_key(&name)
            && let Some(codes) = Codes::read(view, font)?
        {
            self.codes.insert(name, codes);
        }
        Ok(())
    }

    /// What a glyph stands for whose font does not say it.
    pub(crate) fn text_of(&self, glyph: &Glyph<'_>) -> Option<BfString> {
        let Glyph::Outline(outline) = glyph else { return None };
        let data = outline.font_data()?;
        let codes = data.postscript_name.as_ref().and_then(|name| self.codes.get(name));
        let text = codes.and_then(|codes| codes.text_of(outline.char_code()));
        text.or_else(|| self.programs.text_of(&data, outline.glyph_id()).map(BfString::Char))
    }
}

impl Codes {
    fn read(view: &View<'_>, font: &Dictionary) -> Result<Option<Self>, DocumentError> {
        let Some(descendant) = view.items(font, "DescendantFonts")?.into_iter().next() else { return Ok(None) };
        let Value::Dictionary(descendant) = view.resolve(&descendant)?.value else { return Ok(None) };
        let system = view.dictionary(&descendant, "CIDSystemInfo")?;
        let text = |key: &str| Ok(view.get(&system, key)?.as_string().unwrap_or_default().to_vec());
        let (registry, ordering): (Vec<u8>, Vec<u8>) = (text("Registry")?, text("Ordering")?);
        let known = CidFamily::from_registry_ordering(&registry, &ordering).ucs2_cmap();
        let Some(characters) = known.and_then(embedded) else { return Ok(None) };
        let Some(encoding) = font.get("Encoding") else { return Ok(None) };
        let number = encoding.as_reference().map_or(0, |id| id.number);
        let object = view.resolve(encoding)?;
        let numbers = match &object.value {
            Value::Name(name) => predefined(name),
            _ => view.stream(number, &object)?.and_then(|own| CMap::parse(&own, load_embedded)),
        };
        Ok(numbers.map(|numbers| Self { numbers, characters }))
    }

    /// A glyph does not say how many bytes its code had. Most have two, and no code of one is also one of two.
    fn text_of(&self, code: u32) -> Option<BfString> {
        let number = [2, 1, 3, 4].into_iter().find_map(|bytes| self.numbers.lookup_cid_code(code, bytes));
        self.characters.lookup_bf_string(number?)
    }
}

fn predefined(name: &[u8]) -> Option<CMap> {
    match name {
        b"Identity-H" => Some(CMap::identity_h()),
        b"Identity-V" => Some(CMap::identity_v()),
        other => embedded(CMapName::from_bytes(other)),
    }
}

/// One of the CMaps that everybody knows.
pub(crate) fn embedded(name: CMapName<'_>) -> Option<CMap> {
    CMap::parse(load_embedded(name)?, load_embedded)
}

/// The name of a font without the tag of a subset (§9.6.4): six capital letters and a plus sign.
fn without_tag(name: &str) -> &str {
    match name.split_once('+') {
        Some((tag, name)) if tag.len() == 6 && tag.bytes().all(|byte| byte.is_ascii_uppercase()) => name,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_usual_encodings_of_simplified_chinese_are_understood() {
        for (encoding, code) in
            [("UniGB-UCS2-H", 0x7ae0), ("UniGB-UTF16-H", 0x7ae0), ("GBK-EUC-H", 0xd5c2), ("GB-EUC-H", 0xd5c2)]
        {
            let numbers = predefined(encoding.as_bytes()).expect(encoding);
            let characters = embedded(CMapName::AdobeGb1Ucs2).expect("the collection");
            let codes = Codes { numbers, characters };
            assert_eq!(codes.text_of(code), Some(BfString::Char('章')), "{encoding}");
        }
        let codes = Codes {
            numbers: predefined(b"GBK-EUC-H").expect("known"),
            characters: embedded(CMapName::AdobeGb1Ucs2).expect("the collection"),
        };
        assert_eq!(codes.text_of(0x41), Some(BfString::Char('A')), "of one byte");
    }

    #[test]
    fn the_tag_of_a_subset_is_no_part_of_a_name() {
        assert_eq!(without_tag("ABCDEF+SimSun"), "SimSun");
        assert_eq!(without_tag("SimSun+Bold"), "SimSun+Bold");
    }
}
