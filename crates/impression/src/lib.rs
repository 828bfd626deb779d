//! Draws and checks the picture of a seal (印模).
//!
//! - [`draw`]: a seal from an organization's name: round with a star, oval, or square, red on nothing, as PNG
//! - [`from_svg`]: a seal from somebody's own drawing
//! - [`check`]: whether a file that came from outside can be the picture of a seal
//! - [`Font`]: where the characters come from
//!
//! Everything is computed in millimetres on paper and turned into pixels at 300 to 600 dots per inch. Pictures from
//! outside are untrusted: sizes are read before anything is decoded, and nothing in them is ever fetched.

mod canvas;
mod curve;
mod design;
mod error;
mod font;
mod oval;
mod png;
mod square;
mod svg;
mod svg_rules;
mod text;

pub use design::{Design, Shape};
pub use error::{ImpressionError, SvgProblem};
pub use font::Font;
pub use png::{Checked, MAX_BYTES, MAX_SIDE, check};
pub use svg::{MAX_SVG_BYTES, from_svg};

/// Draws the seal that `design` describes, as a PNG with a transparent background and its size in mm on it (pHYs).
///
/// Names of up to 200 bytes fit, whatever their length: characters grow narrow first and small then, as on real seals.
///
/// # Errors
/// A text that is empty, too long or has control characters; a size outside 10–100 mm; a round seal that is wider than
/// high; a character that the font does not have, or of a script that is not drawn letter by letter, such as Uyghur or
/// Tibetan (a seal with a hole or a mistake in its name is worse than none: see [`from_svg`]).
pub fn draw(design: &Design<'_>, font: &Font) -> Result<Vec<u8>, ImpressionError> {
    let design = design.validated()?;
    let mut canvas = canvas::Canvas::new(design.width_mm, design.height_mm)?;
    font.with_glyphs(|glyphs| match design.shape {
        Shape::Round | Shape::Oval => oval::draw(&design, glyphs, &mut canvas),
        Shape::Square => square::draw(&design, glyphs, &mut canvas),
    })??;
    canvas.into_png()
}
