//! Why there is no picture.

use std::path::PathBuf;

use eseal_kernel::text::InvalidText;

/// Why a picture was not drawn or not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ImpressionError {
    /// A text on the seal is empty, too long, or has control characters.
    #[error("the {field} of the seal: {problem}")]
    Text {
        /// Which text: `organization`, `caption` or `code`.
        field: &'static str,
        /// What is wrong with it.
        problem: InvalidText,
    },
    /// The seal is too small or too large.
    #[error("a seal of {width_mm} × {height_mm} mm: each side must be between 10 and 100 mm")]
    Size {
        /// Width asked for.
        width_mm: u32,
        /// Height asked for.
        height_mm: u32,
    },
    /// A round seal with unequal sides.
    #[error("a round seal is as wide as it is high: use the oval shape")]
    NotRound,
    /// The font has no picture of this character.
    #[error("the font has no character {0:?}: configure a font file that has it")]
    MissingCharacter(char),
    /// A character of a script whose letters join, stack or run from right to left.
    #[error("{0:?} is of a script that is not drawn letter by letter: give a drawing of the whole seal instead")]
    JoinedScript(char),
    /// No font is installed that has Chinese characters.
    #[error(
        "no font with Chinese characters is installed: install one (on Debian: apt-get install fonts-noto-cjk, or the \
         smaller fonts-wqy-zenhei), or configure a font file"
    )]
    NoFont,
    /// The configured font cannot be read.
    #[error("the font file {path} cannot be read: {problem}")]
    FontFile {
        /// The file, empty for a font given as bytes.
        path: PathBuf,
        /// What is wrong with it.
        problem: std::io::Error,
    },
    /// The bytes are no font, or one without outlines.
    #[error("not a TrueType or OpenType font with outlines")]
    NotAFont,
    /// The file does not begin as a PNG does.
    #[error("the picture is not a PNG file")]
    NotPng,
    /// The file has more bytes than allowed.
    #[error("the file has {actual} bytes; at most {max} are allowed")]
    TooManyBytes {
        /// The most that is allowed.
        max: usize,
        /// What is there.
        actual: usize,
    },
    /// The picture has more pixels than allowed, or next to none.
    #[error("the picture has {width} × {height} pixels; each side must be between {min} and {max}", min = crate::png::MIN_SIDE, max = crate::png::MAX_SIDE)]
    Pixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// A PNG that breaks off, is damaged, or has something behind its end.
    #[error("the PNG file is damaged: {0}")]
    DamagedPng(String),
    /// Every pixel is transparent.
    #[error("the picture is empty")]
    Empty,
    /// The drawing cannot be used.
    #[error("the SVG cannot be used: {0}")]
    Svg(#[from] SvgProblem),
    /// The picture could not be encoded or its memory not be had.
    #[error("the picture could not be made: {0}")]
    Encoding(String),
}

/// Why a drawing in SVG was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SvgProblem {
    /// Not UTF-8, not XML, or not SVG.
    #[error("it is not well-formed: {0}")]
    Malformed(String),
    /// A document type declaration: entities have no place in a picture.
    #[error("it has a document type declaration (DOCTYPE); remove it")]
    DocumentType,
    /// An element that could load, run or blow up something.
    #[error("it has the element <{0}>; only shapes and text are allowed")]
    Element(String),
    /// A reference to something outside of the drawing.
    #[error("it refers to {0:?}, outside of itself")]
    Reference(String),
    /// More elements than allowed, or too much in them, counted as often as they are drawn.
    #[error("it draws more than {0} elements, or too much in them")]
    TooManyElements(usize),
    /// Something else that would take too long to draw.
    #[error("it takes too long to draw: {0}")]
    TooCostly(&'static str),
    /// Elements nested too deep.
    #[error("its elements are nested more than {0} deep")]
    TooDeep(usize),
}
