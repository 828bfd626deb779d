//! Drawings in SVG: somebody's own design, from outside and untrusted.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::roxmltree::{Document, Error as XmlError, Node, ParsingOptions};
use resvg::usvg::{FontResolver, ImageHrefResolver, Options, Tree};

use crate::canvas::{no_memory, scale};
use crate::design::side_is_allowed;
use crate::error::{ImpressionError, SvgProblem};
use crate::font::Font;
use crate::png;
use crate::svg_rules::{MAX_ELEMENTS, affordable, allowed};

/// Bytes of a drawing.
pub const MAX_SVG_BYTES: usize = 1 << 20;
/// Elements, texts and comments together.
const MAX_NODES: u32 = 20_000;

/// Turns a drawing into a PNG of that size on paper, centred and with its proportions kept. Texts are set in `font`.
///
/// Nothing outside of the drawing is read: a reference to a file or an address is an error.
///
/// # Errors
/// More than [`MAX_SVG_BYTES`], a size outside 10–100 mm, an element or reference that is not allowed, a character that the
/// font does not have, or nothing to see.
pub fn from_svg(svg: &[u8], width_mm: u32, height_mm: u32, font: &Font) -> Result<Vec<u8>, ImpressionError> {
    if svg.len() > MAX_SVG_BYTES {
        return Err(ImpressionError::TooManyBytes { max: MAX_SVG_BYTES, actual: svg.len() });
    }
    if !side_is_allowed(width_mm) || !side_is_allowed(height_mm) {
        return Err(ImpressionError::Size { width_mm, height_mm });
    }
    let text = std::str::from_utf8(svg).map_err(|problem| SvgProblem::Malformed(problem.to_string()))?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..Default::default() };
    let document = Document::parse_with_options(text, options).map_err(not_xml)?;
    allowed(&document)?;
    every_character_is_there(&document, font)?;
    let tree = Tree::from_xmltree(&document, &drawing_options(font)).map_err(not_svg)?;
    affordable(&tree)?;
    render(&tree, width_mm as f32, height_mm as f32)
}

/// A text in a font that is not here would be left out in silence.
fn every_character_is_there(document: &Document<'_>, font: &Font) -> Result<(), ImpressionError> {
    let texts = document.descendants().filter(|node| node.is_text() && is_drawn(node)).filter_map(|node| node.text());
    let mut characters: Vec<char> = texts.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    characters.sort_unstable();
    characters.dedup();
    font.with_glyphs(|glyphs| characters.iter().try_for_each(|character| glyphs.get(*character).map(|_| ())))?
}

/// Titles, descriptions and style sheets are texts too.
fn is_drawn(text: &Node<'_, '_>) -> bool {
    text.ancestors().any(|ancestor| ancestor.tag_name().name() == "text")
}

/// Whatever family a text asks for, it gets the configured one. No image is ever resolved: there is none in an allowed
/// drawing, and this is the second lock.
fn drawing_options(font: &Font) -> Options<'static> {
    let face = font.face;
    Options {
        fontdb: font.faces.clone(),
        font_resolver: FontResolver {
            select_font: Box::new(move |_, _| Some(face)),
            select_fallback: FontResolver::default_fallback_selector(),
        },
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    }
}

fn render(tree: &Tree, width_mm: f32, height_mm: f32) -> Result<Vec<u8>, ImpressionError> {
    let per_mm = scale(width_mm, height_mm);
    let (width, height) = ((width_mm * per_mm).round(), (height_mm * per_mm).round());
    let mut pixmap = Pixmap::new(width as u32, height as u32).ok_or_else(no_memory)?;
    let size = tree.size();
    let factor = (width / size.width()).min(height / size.height());
    let (left, top) = ((width - size.width() * factor) / 2.0, (height - size.height() * factor) / 2.0);
    resvg::render(tree, Transform::from_row(factor, 0.0, 0.0, factor, left, top), &mut pixmap.as_mut());
    png::encode(pixmap, per_mm)
}

fn not_xml(problem: XmlError) -> SvgProblem {
    match problem {
        XmlError::DtdDetected => SvgProblem::DocumentType,
        XmlError::NodesLimitReached => SvgProblem::TooManyElements(MAX_ELEMENTS),
        other => SvgProblem::Malformed(other.to_string()),
    }
}

fn not_svg(problem: resvg::usvg::Error) -> SvgProblem {
    SvgProblem::Malformed(problem.to_string())
}
