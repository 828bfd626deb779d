//! What a drawing may hold and what it may cost. Looked at before anything is drawn: the elements and references before
//! they are resolved, the shapes after.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node, NodeId};
use resvg::usvg::{self, Group, Tree};

use crate::error::SvgProblem;

/// Elements that are drawn, counted again wherever they are drawn again.
pub(crate) const MAX_ELEMENTS: usize = 5_000;
/// Bytes of their attributes and texts, counted in the same way.
const MAX_DRAWN_BYTES: usize = 4 << 20;
/// How deep elements may lie in each other, references included.
const MAX_DEPTH: usize = 64;
/// Bytes of style sheets: each rule is tried on each element.
const MAX_STYLE_BYTES: usize = 32 << 10;
/// Groups that are drawn on a sheet of their own first: transparent or clipped ones.
const MAX_LAYERS: usize = 200;
/// Dashes of all dashed lines.
const MAX_DASHES: f32 = 100_000.0;
const SVG: &str = "http://www.w3.org/2000/svg";
/// Pictures, filters, masks, patterns, scripts and animations are not in it: they load, run, or cost more than any seal is
/// worth.
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

/// Only elements of the list, only references to the drawing itself, and a bounded number of them to draw.
pub(crate) fn allowed(document: &Document<'_>) -> Result<(), SvgProblem> {
    let mut by_id = HashMap::new();
    let mut depths: HashMap<NodeId, usize> = HashMap::new();
    let mut style_bytes = 0;
    for node in document.descendants().filter(Node::is_element) {
        let depth = node.parent().and_then(|parent| depths.get(&parent.id())).map_or(1, |depth| depth + 1);
        if depth > MAX_DEPTH {
            return Err(SvgProblem::TooDeep(MAX_DEPTH));
        }
        depths.insert(node.id(), depth);
        // Elements of editors' own namespaces draw nothing.
        if is_svg(&node) && !ELEMENTS.contains(&node.tag_name().name()) {
            return Err(SvgProblem::Element(node.tag_name().name().to_owned()));
        }
        if let Some(id) = node.attribute("id") {
            by_id.insert(id, node);
        }
        references_stay_inside(&node)?;
        style_bytes += if node.has_tag_name((SVG, "style")) { text_of(&node).len() } else { 0 };
    }
    if style_bytes > MAX_STYLE_BYTES {
        return Err(SvgProblem::TooCostly("its style sheets are too long"));
    }
    let drawn = Drawn::of(document.root_element(), &by_id, &mut HashMap::new(), 0)?;
    drawn.bounded()
}

/// A bounded number of layers and dashes, now that all styles are resolved.
pub(crate) fn affordable(tree: &Tree) -> Result<(), SvgProblem> {
    let mut cost = Cost::default();
    cost.add(tree.root());
    if cost.layers > MAX_LAYERS {
        return Err(SvgProblem::TooCostly("it has too many transparent or clipped groups"));
    }
    // Written so that a length that is no number does not pass.
    if cost.dashes <= MAX_DASHES { Ok(()) } else { Err(SvgProblem::TooCostly("its dashed lines have too many dashes")) }
}

/// `href` only to `#id`, `url()` only of `#id`, no style sheet that loads another.
fn references_stay_inside(node: &Node<'_, '_>) -> Result<(), SvgProblem> {
    for attribute in node.attributes() {
        let value = attribute.value().trim();
        if attribute.name() == "href" && !value.starts_with('#') && is_svg(node) {
            return Err(SvgProblem::Reference(shortened(value)));
        }
        urls_stay_inside(value)?;
    }
    if node.has_tag_name((SVG, "style")) {
        let sheet = text_of(node);
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

/// What is drawn under a node, what it refers to included.
#[derive(Clone, Copy)]
struct Drawn {
    elements: usize,
    bytes: usize,
}

impl Drawn {
    /// References can double at each step, so each element is counted once and remembered.
    fn of<'a, 'input>(
        node: Node<'a, 'input>,
        by_id: &HashMap<&'a str, Node<'a, 'input>>,
        counted: &mut HashMap<NodeId, Self>,
        depth: usize,
    ) -> Result<Self, SvgProblem> {
        if let Some(known) = counted.get(&node.id()) {
            return Ok(*known);
        }
        if depth > MAX_DEPTH {
            return Err(SvgProblem::TooDeep(MAX_DEPTH));
        }
        let attributes: usize = node.attributes().map(|attribute| attribute.value().len()).sum();
        let texts: usize = node.children().filter(Node::is_text).filter_map(|text| text.text()).map(str::len).sum();
        let mut drawn = Self { elements: 1, bytes: attributes + texts };
        let hrefs = node.attributes().filter(|attribute| attribute.name() == "href");
        let targets = hrefs.filter_map(|href| by_id.get(href.value().trim().strip_prefix('#')?)).copied();
        for part in node.children().filter(Node::is_element).chain(targets) {
            let part = Self::of(part, by_id, counted, depth + 1)?;
            drawn.elements += part.elements;
            drawn.bytes += part.bytes;
            drawn.bounded()?;
        }
        counted.insert(node.id(), drawn);
        Ok(drawn)
    }

    fn bounded(&self) -> Result<(), SvgProblem> {
        if self.elements > MAX_ELEMENTS || self.bytes > MAX_DRAWN_BYTES {
            return Err(SvgProblem::TooManyElements(MAX_ELEMENTS));
        }
        Ok(())
    }
}

/// What drawing a tree takes beside its shapes.
#[derive(Default)]
struct Cost {
    layers: usize,
    dashes: f32,
}

impl Cost {
    fn add(&mut self, group: &Group) {
        self.layers += usize::from(group.should_isolate());
        if let Some(clip) = group.clip_path() {
            self.add(clip.root());
        }
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => self.add(group),
                usvg::Node::Path(path) => self.dashes += dashes(path),
                usvg::Node::Text(text) => self.add(text.flattened()),
                usvg::Node::Image(_) => {}
            }
        }
    }
}

/// At least as many dashes as the line will have: a curve is not longer than the polygon of its points.
fn dashes(path: &usvg::Path) -> f32 {
    let Some(pattern) = path.stroke().and_then(|stroke| stroke.dasharray()) else { return 0.0 };
    let length: f32 = path.data().points().windows(2).map(|pair| pair[0].distance(pair[1])).sum();
    length / pattern.iter().sum::<f32>() * pattern.len() as f32
}

fn is_svg(node: &Node<'_, '_>) -> bool {
    node.tag_name().namespace() == Some(SVG)
}

fn text_of(node: &Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

/// Enough of a text to recognize it by.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
