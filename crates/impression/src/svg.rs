//! Drawings in SVG: somebody's own design, from outside and untrusted.

use std::collections::HashMap;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::roxmltree::{Document, Error as XmlError, Node, NodeId, ParsingOptions};
use resvg::usvg::{ImageHrefResolver, Options, Tree};

use crate::canvas::{no_memory, scale};
use crate::design::side_is_allowed;
use crate::error::{ImpressionError, SvgProblem};
use crate::font::Font;
use crate::png;

/// Bytes of a drawing.
pub const MAX_SVG_BYTES: usize = 1 << 20;
/// Elements of a drawing, those counted again that are drawn again.
const MAX_ELEMENTS: usize = 20_000;
/// How deep elements may lie in each other.
const MAX_DEPTH: usize = 64;
const SVG: &str = "http://www.w3.org/2000/svg";
/// What may be in a drawing. Pictures, filters, masks, patterns, scripts and animations may not: they load, run, or cost
/// more than any seal is worth.
const ELEMENTS: [&str; 24] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "title",
    "desc",
    "metadata",
    "style",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "textPath",
    "clipPath",
    "linearGradient",
    "radialGradient",
    "stop",
    "switch",
];

/// Turns a drawing into a PNG of that size on paper, centred and with its proportions kept. Texts are set in `font`.
///
/// Nothing outside of the drawing is read: a reference to a file or an address is an error.
///
/// # Errors
/// More than [`MAX_SVG_BYTES`], a size outside 10–100 mm, an element or reference that is not allowed, or nothing to see.
pub fn from_svg(svg: &[u8], width_mm: u32, height_mm: u32, font: &Font) -> Result<Vec<u8>, ImpressionError> {
    if svg.len() > MAX_SVG_BYTES {
        return Err(ImpressionError::TooManyBytes { max: MAX_SVG_BYTES, actual: svg.len() });
    }
    if !side_is_allowed(width_mm) || !side_is_allowed(height_mm) {
        return Err(ImpressionError::Size { width_mm, height_mm });
    }
    let text = std::str::from_utf8(svg).map_err(|problem| SvgProblem::Malformed(problem.to_string()))?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: 4 * MAX_ELEMENTS as u32, ..Default::default() };
    let document = Document::parse_with_options(text, options).map_err(not_xml)?;
    allowed(&document)?;
    let tree = Tree::from_xmltree(&document, &drawing_options(font)).map_err(not_svg)?;
    render(&tree, width_mm as f32, height_mm as f32)
}

/// No image is ever resolved; there is none in an allowed drawing, and this is the second lock.
fn drawing_options(font: &Font) -> Options<'static> {
    Options {
        fontdb: font.faces.clone(),
        font_family: font.family().to_owned(),
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

/// Only elements of the list, only references to the drawing itself, and a bounded number of them to draw.
fn allowed(document: &Document<'_>) -> Result<(), SvgProblem> {
    let mut by_id = HashMap::new();
    let mut depths: HashMap<NodeId, usize> = HashMap::new();
    for node in document.descendants().filter(Node::is_element) {
        let depth = node.parent().and_then(|parent| depths.get(&parent.id())).map_or(1, |depth| depth + 1);
        if depth > MAX_DEPTH {
            return Err(SvgProblem::TooDeep(MAX_DEPTH));
        }
        depths.insert(node.id(), depth);
        // Elements of editors' own namespaces draw nothing.
        if node.tag_name().namespace() == Some(SVG) && !ELEMENTS.contains(&node.tag_name().name()) {
            return Err(SvgProblem::Element(node.tag_name().name().to_owned()));
        }
        if let Some(id) = node.attribute("id") {
            by_id.insert(id, node);
        }
        references_stay_inside(&node)?;
    }
    let mut counted = HashMap::new();
    count(document.root_element(), &by_id, &mut counted, 0).map(|_| ())
}

/// `href` only to `#id`, `url()` only of `#id`, no style sheet that loads another.
fn references_stay_inside(node: &Node<'_, '_>) -> Result<(), SvgProblem> {
    for attribute in node.attributes() {
        let value = attribute.value().trim();
        if attribute.name() == "href" && !value.starts_with('#') && node.tag_name().namespace() == Some(SVG) {
            return Err(SvgProblem::Reference(shortened(value)));
        }
        urls_stay_inside(value)?;
    }
    if node.has_tag_name((SVG, "style")) {
        let sheet: String = node.descendants().filter_map(|n| n.text()).collect();
        if sheet.to_ascii_lowercase().contains("@import") {
            return Err(SvgProblem::Reference("@import".to_owned()));
        }
        urls_stay_inside(&sheet)?;
    }
    Ok(())
}

fn urls_stay_inside(value: &str) -> Result<(), SvgProblem> {
    let lower = value.to_ascii_lowercase();
    for target in lower.split("url(").skip(1) {
        if !target.trim_start_matches(['"', '\'', ' ', '\t', '\n']).starts_with('#') {
            return Err(SvgProblem::Reference(shortened(target)));
        }
    }
    Ok(())
}

/// How many elements are drawn under `node`, what it refers to included. References can double at each step, so each
/// element is counted once and remembered.
fn count<'a, 'input>(
    node: Node<'a, 'input>,
    by_id: &HashMap<&'a str, Node<'a, 'input>>,
    counted: &mut HashMap<NodeId, usize>,
    depth: usize,
) -> Result<usize, SvgProblem> {
    if let Some(known) = counted.get(&node.id()) {
        return Ok(*known);
    }
    if depth > MAX_DEPTH {
        return Err(SvgProblem::TooDeep(MAX_DEPTH));
    }
    let mut total = 1_usize;
    for child in node.children().filter(Node::is_element) {
        total = total.saturating_add(count(child, by_id, counted, depth + 1)?);
    }
    for attribute in node.attributes() {
        let referred = attribute.value().trim().strip_prefix('#').and_then(|id| by_id.get(id));
        if let Some(target) = referred.filter(|_| attribute.name() == "href") {
            total = total.saturating_add(count(*target, by_id, counted, depth + 1)?);
        }
    }
    if total > MAX_ELEMENTS {
        return Err(SvgProblem::TooManyElements(MAX_ELEMENTS));
    }
    counted.insert(node.id(), total);
    Ok(total)
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

/// Enough of a text to recognize it by.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
