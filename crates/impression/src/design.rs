//! What a seal is to look like.

use eseal_kernel::Text;
use eseal_kernel::text::InvalidText;

use crate::error::ImpressionError;

/// Bytes of an organization's name in UTF-8: 66 Chinese characters.
const ORGANIZATION: usize = 200;
/// Bytes of a caption in UTF-8: 20 Chinese characters.
const CAPTION: usize = 60;
/// Bytes of a code.
const CODE: usize = 32;
/// The sides that a seal may have, in millimetres.
const SIDE_MM: std::ops::RangeInclusive<u32> = 10..=100;

/// The outline of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A circle with the name along its upper arc and a star in the middle: official and special seals, 38–45 mm.
    Round,
    /// An ellipse with the name along its upper arc, the code across its middle and the caption below: invoice seals,
    /// 40 × 30 or 30 × 20 mm.
    Oval,
    /// A square with the name in columns from right to left, or in lines if it is not Chinese: personal seals and those of
    /// legal representatives, 18–22 mm.
    Square,
}

/// A seal to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Design<'a> {
    /// The outline.
    pub shape: Shape,
    /// The name of the organization or person, up to 200 bytes.
    pub organization: &'a str,
    /// What kind of seal it is, such as `合同专用章`, up to 60 bytes. On a square seal it follows the name: `之印`.
    pub caption: Option<&'a str>,
    /// The code of the seal, up to 32 bytes.
    pub code: Option<&'a str>,
    /// Width on paper in millimetres, 10–100.
    pub width_mm: u32,
    /// Height on paper in millimetres, 10–100; of a round seal the same as the width.
    pub height_mm: u32,
}

/// A design whose texts and sizes are within bounds.
pub(crate) struct Valid {
    pub(crate) shape: Shape,
    pub(crate) organization: String,
    pub(crate) caption: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) width_mm: f32,
    pub(crate) height_mm: f32,
}

impl Design<'_> {
    pub(crate) fn validated(&self) -> Result<Valid, ImpressionError> {
        let Self { shape, organization, caption, code, width_mm, height_mm } = *self;
        if !side_is_allowed(width_mm) || !side_is_allowed(height_mm) {
            return Err(ImpressionError::Size { width_mm, height_mm });
        }
        if shape == Shape::Round && width_mm != height_mm {
            return Err(ImpressionError::NotRound);
        }
        Ok(Valid {
            shape,
            organization: text::<ORGANIZATION>("organization", organization)?,
            caption: caption.map(|caption| text::<CAPTION>("caption", caption)).transpose()?,
            code: code.map(|code| text::<CODE>("code", code)).transpose()?,
            width_mm: width_mm as f32,
            height_mm: height_mm as f32,
        })
    }
}

/// Whether a seal may have a side of that length.
pub(crate) fn side_is_allowed(millimetres: u32) -> bool {
    SIDE_MM.contains(&millimetres)
}

fn text<const MAX: usize>(field: &'static str, text: &str) -> Result<String, ImpressionError> {
    let valid = Text::<MAX>::try_new(text).map_err(|problem: InvalidText| ImpressionError::Text { field, problem })?;
    Ok(valid.as_str().to_owned())
}
