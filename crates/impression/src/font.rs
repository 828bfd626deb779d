//! Where the characters come from. The only place of this crate that touches files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fontdb::{Database, Family, ID, Query, Source, Weight};
use resvg::tiny_skia::{Path as Outline, PathBuilder};
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, MetadataProvider};

use crate::error::ImpressionError;

/// Families that have simplified Chinese, the best for a seal first: seals are cut in Song (宋体), a serif face.
const FAMILIES: [&str; 14] = [
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Songti SC",
    "SimSun",
    "FangSong",
    "AR PL UMing CN",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Droid Sans Fallback",
];
/// A font without this character has no Chinese.
const PROBE: char = '章';

/// One face with Chinese characters. Cheap to clone; a face from a file is mapped while it is drawn with and takes no
/// memory in between.
#[derive(Clone)]
pub struct Font {
    pub(crate) faces: Arc<Database>,
    pub(crate) face: ID,
}

impl Font {
    /// The font in a configured file (TrueType, OpenType, or a collection of them).
    ///
    /// # Errors
    /// The file cannot be read, or is no font.
    pub fn from_file(path: &Path) -> Result<Self, ImpressionError> {
        let mut faces = Database::new();
        faces
            .load_font_file(path)
            .map_err(|problem| ImpressionError::FontFile { path: PathBuf::from(path), problem })?;
        Self::best_of(faces).ok_or(ImpressionError::NotAFont)
    }

    /// The font in these bytes.
    ///
    /// # Errors
    /// They are no font.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ImpressionError> {
        let mut faces = Database::new();
        faces.load_font_data(bytes);
        Self::best_of(faces).ok_or(ImpressionError::NotAFont)
    }

    /// The best of the fonts that are installed on this machine. Looks through all of them: ask once and keep it.
    ///
    /// # Errors
    /// [`ImpressionError::NoFont`] where none has Chinese characters; the message says what to install.
    pub fn installed() -> Result<Self, ImpressionError> {
        let mut faces = Database::new();
        faces.load_system_fonts();
        let best = preferred(&faces).and_then(|id| faces.face_source(id)).ok_or(ImpressionError::NoFont)?;
        match best.0 {
            // Only this one file from now on: a database of all faces would be kept in memory for nothing.
            Source::File(path) => Self::from_file(&path),
            Source::Binary(_) | Source::SharedFile(..) => Self::best_of(faces).ok_or(ImpressionError::NoFont),
        }
    }

    /// The name of the family, such as `Noto Serif CJK SC`.
    pub fn family(&self) -> &str {
        self.faces.face(self.face).and_then(|face| face.families.first()).map_or("", |(name, _)| name)
    }

    /// A preferred family, or else the first face that has outlines.
    fn best_of(faces: Database) -> Option<Self> {
        let face = preferred(&faces).or_else(|| faces.faces().next().map(|face| face.id))?;
        faces.with_face_data(face, |data, index| Glyphs::new(data, index).is_some()).filter(|outlines| *outlines)?;
        Some(Self { faces: Arc::new(faces), face })
    }

    /// Runs `draw` with the outlines of this font.
    pub(crate) fn with_glyphs<T>(&self, draw: impl FnOnce(&Glyphs<'_>) -> T) -> Result<T, ImpressionError> {
        self.faces
            .with_face_data(self.face, |data, index| Glyphs::new(data, index).map(|glyphs| draw(&glyphs)))
            .flatten()
            .ok_or(ImpressionError::NotAFont)
    }
}

impl fmt::Debug for Font {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Font({:?})", self.family())
    }
}

/// The face of the first preferred family that is there and has Chinese; bold, since a thin stroke does not print well.
fn preferred(faces: &Database) -> Option<ID> {
    FAMILIES.iter().find_map(|family| {
        let bold = Query { families: &[Family::Name(family)], weight: Weight::BOLD, ..Query::default() };
        faces.query(&bold).filter(|face| has_chinese(faces, *face))
    })
}

fn has_chinese(faces: &Database, face: ID) -> bool {
    let probe = |data: &[u8], index| Glyphs::new(data, index).is_some_and(|glyphs| glyphs.get(PROBE).is_ok());
    faces.with_face_data(face, probe).unwrap_or(false)
}

/// The outlines of a face, in units of the em square, y upwards from the baseline.
pub(crate) struct Glyphs<'a> {
    font: FontRef<'a>,
    units_per_em: f32,
}

/// One character, ready to be placed.
pub(crate) struct Glyph {
    /// `None` for a space.
    pub(crate) outline: Option<Outline>,
    /// How far the next character stands, in em.
    pub(crate) advance: f32,
}

impl<'a> Glyphs<'a> {
    fn new(data: &'a [u8], index: u32) -> Option<Self> {
        let font = FontRef::from_index(data, index).ok()?;
        font.outline_glyphs().format()?;
        let units_per_em = f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        (units_per_em > 0.0).then_some(Self { font, units_per_em })
    }

    /// The outline of a character.
    pub(crate) fn get(&self, character: char) -> Result<Glyph, ImpressionError> {
        let missing = || ImpressionError::MissingCharacter(character);
        let id = self.font.charmap().map(character).filter(|id| id.to_u32() != 0).ok_or_else(missing)?;
        let metrics = self.font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let advance = metrics.advance_width(id).ok_or_else(missing)? / self.units_per_em;
        let outline = self.font.outline_glyphs().get(id).ok_or_else(missing)?;
        let mut pen = Pen { path: PathBuilder::new(), scale: 1.0 / self.units_per_em };
        outline
            .draw(DrawSettings::unhinted(Size::unscaled(), LocationRef::default()), &mut pen)
            .map_err(|_| missing())?;
        Ok(Glyph { outline: pen.path.finish(), advance: advance.clamp(0.1, 4.0) })
    }
}

struct Pen {
    path: PathBuilder,
    scale: f32,
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(x * self.scale, y * self.scale);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(x * self.scale, y * self.scale);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.path.quad_to(cx * self.scale, cy * self.scale, x * self.scale, y * self.scale);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let k = self.scale;
        self.path.cubic_to(cx0 * k, cy0 * k, cx1 * k, cy1 * k, x * k, y * k);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
