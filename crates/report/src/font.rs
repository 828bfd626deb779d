//! The font of a report, and of documents that bring none for their Chinese text.

use std::path::Path;
use std::sync::Arc;

use fontdb::{Database, Family, ID, Query};
use skrifa::{FontRef, MetadataProvider as _};

/// Families that have simplified Chinese, the best for a page of facts first.
const FAMILIES: [&str; 13] = [
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Songti SC",
    "SimHei",
    "SimSun",
    "AR PL UMing CN",
    "Droid Sans Fallback",
];
/// A font without this character has no Chinese.
const PROBE: char = '章';

/// There is no font that could be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FontError {
    /// The configured file is not there, or is no font.
    #[error("the font file {0} can't be used: a TrueType or OpenType font is needed")]
    File(String),
    /// No installed font has Chinese characters.
    #[error(
        "no installed font has Chinese characters: install one, such as the Debian package fonts-wqy-microhei, or name a font file"
    )]
    NotInstalled,
}

/// One face of a font, with its bytes. Cheap to clone.
#[derive(Clone)]
pub struct Face {
    bytes: Arc<Vec<u8>>,
    index: u32,
    family: String,
}

impl Face {
    /// The configured file, or else the best of the installed fonts. Looks through all of them: ask once and keep it.
    ///
    /// # Errors
    /// [`FontError`].
    pub fn find(file: Option<&Path>) -> Result<Self, FontError> {
        let mut faces = Database::new();
        match file {
            Some(path) => {
                let unusable = || FontError::File(path.display().to_string());
                faces.load_font_file(path).map_err(|_| unusable())?;
                let any = || faces.faces().next().map(|face| face.id);
                let id = preferred(&faces).or_else(any).ok_or_else(unusable)?;
                Self::of(&faces, id).ok_or_else(unusable)
            }
            None => {
                faces.load_system_fonts();
                let id = preferred(&faces).ok_or(FontError::NotInstalled)?;
                Self::of(&faces, id).ok_or(FontError::NotInstalled)
            }
        }
    }

    fn of(faces: &Database, id: ID) -> Option<Self> {
        let family = faces.face(id)?.families.first().map(|(name, _)| name.clone()).unwrap_or_default();
        let (bytes, index) = faces.with_face_data(id, |data, index| (Arc::new(data.to_vec()), index))?;
        FontRef::from_index(&bytes, index).ok()?;
        Some(Self { bytes, index, family })
    }

    /// The bytes of its file.
    pub fn bytes(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.bytes)
    }

    /// Which face of the file it is.
    pub const fn index(&self) -> u32 {
        self.index
    }
}

impl std::fmt::Debug for Face {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Face({:?})", self.family)
    }
}

fn preferred(faces: &Database) -> Option<ID> {
    FAMILIES.iter().find_map(|family| {
        let query = Query { families: &[Family::Name(family)], ..Query::default() };
        faces.query(&query).filter(|face| has_chinese(faces, *face))
    })
}

fn has_chinese(faces: &Database, face: ID) -> bool {
    let probe = |data: &[u8], index| {
        FontRef::from_index(data, index).is_ok_and(|font| font.charmap().map(PROBE).is_some_and(|id| id.to_u32() != 0))
    };
    faces.with_face_data(face, probe).unwrap_or(false)
}
