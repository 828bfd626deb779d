//! Pages, their boxes, and where a place in millimetres lies on them.

use std::collections::HashSet;

use super::object::{Dictionary, Id, Value};
use super::view::View;
use crate::{DocumentError, Limit, PageSize, Place};

pub(crate) const POINTS_PER_MM: f64 = 72.0 / 25.4;

/// The page size that viewers assume where none is given, and for an empty one: US Letter.
const LETTER: Rect = Rect { left: 0.0, bottom: 0.0, right: 612.0, top: 792.0 };

/// Page trees in use have two or three levels.
const MAX_DEPTH: usize = 64;

/// A rectangle with its corners in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub left: f64,
    pub bottom: f64,
    pub right: f64,
    pub top: f64,
}

/// A page with what it inherits.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// `None` where the page is a direct object, which is not allowed but met.
    pub id: Option<Id>,
    pub dictionary: Dictionary,
    /// What is shown of the page: the crop box within the media box.
    pub shown: Rect,
    /// Clockwise, in quarters of a turn, 0–3.
    pub quarters: u8,
    /// Units of 1/72 inch that one unit of this page is long.
    pub unit: f64,
    /// `/Resources` as they stand, its own or those of a node above.
    pub resources: Value,
}

/// What pages inherit from the nodes above them (ISO 32000-1 §7.7.3.4).
#[derive(Clone, Default)]
struct Inherited {
    media: Option<Rect>,
    crop: Option<Rect>,
    rotate: Option<i64>,
    resources: Option<Value>,
}

impl Rect {
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> f64 {
        self.top - self.bottom
    }

    fn is_empty(&self) -> bool {
        self.width() < 1e-3 || self.height() < 1e-3
    }

    /// The area that two rectangles have in common.
    pub(crate) fn shares(&self, other: &Self) -> f64 {
        let common = self.within(other);
        common.width().max(0.0) * common.height().max(0.0)
    }

    fn within(&self, other: &Self) -> Self {
        Self {
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.min(other.right),
            top: self.top.min(other.top),
        }
    }

    /// As an array of four numbers.
    pub(crate) fn to_value(self) -> Value {
        let rounded = |number: f64| Value::Real((number * 1e4).round() / 1e4);
        Value::Array([self.left, self.bottom, self.right, self.top].map(rounded).to_vec())
    }
}

impl View<'_> {
    /// The pages in their order.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn pages(&self) -> Result<Vec<Page>, DocumentError> {
        let mut pages = Vec::new();
        let catalog = self.catalog()?;
        let Some(root) = catalog.get("Pages") else { return Ok(pages) };
        let mut seen = HashSet::new();
        let mut open = vec![(root.clone(), Inherited::default(), 0_usize)];
        while let Some((node, inherited, depth)) = open.pop() {
            let id = node.as_reference();
            if depth > MAX_DEPTH || id.is_some_and(|id| !seen.insert(id.number)) {
                continue; // a circle, or one page twice
            }
            let Value::Dictionary(dictionary) = self.resolve(&node)?.value else { continue };
            let inherited = self.inherit(&dictionary, inherited)?;
            if let Value::Array(kids) = self.get(&dictionary, "Kids")? {
                Limit::Pages.check(open.len() as u64 + kids.len() as u64, u64::from(self.limits().max_pages))?;
                // The last on the stack comes first.
                open.extend(kids.into_iter().rev().map(|kid| (kid, inherited.clone(), depth + 1)));
            } else {
                pages.push(self.page(id, dictionary, &inherited)?);
                Limit::Pages.check(pages.len() as u64, u64::from(self.limits().max_pages))?;
            }
        }
        Ok(pages)
    }

    fn inherit(&self, node: &Dictionary, above: Inherited) -> Result<Inherited, DocumentError> {
        Ok(Inherited {
            media: self.rect(node, "MediaBox")?.or(above.media),
            crop: self.rect(node, "CropBox")?.or(above.crop),
            rotate: self.get(node, "Rotate")?.as_integer().or(above.rotate),
            resources: node.get("Resources").cloned().or(above.resources),
        })
    }

    /// A rectangle, its corners given in any order.
    pub(crate) fn rect(&self, dictionary: &Dictionary, key: &str) -> Result<Option<Rect>, DocumentError> {
        let Value::Array(items) = self.get(dictionary, key)? else { return Ok(None) };
        let mut numbers = Vec::new();
        for item in items.iter().take(4) {
            numbers.extend(self.resolve(item)?.value.as_number());
        }
        Ok(match numbers[..] {
            [x0, y0, x1, y1] => Some(Rect { left: x0.min(x1), bottom: y0.min(y1), right: x0.max(x1), top: y0.max(y1) }),
            _ => None,
        })
    }

    fn page(&self, id: Option<Id>, dictionary: Dictionary, inherited: &Inherited) -> Result<Page, DocumentError> {
        let media = inherited.media.filter(|media| !media.is_empty()).unwrap_or(LETTER);
        let crop = inherited.crop.map_or(media, |crop| crop.within(&media));
        let unit = self.get(&dictionary, "UserUnit")?.as_number().filter(|unit| *unit > 0.0);
        Ok(Page {
            id,
            shown: if crop.is_empty() { media } else { crop },
            quarters: (inherited.rotate.unwrap_or(0).rem_euclid(360) / 90) as u8,
            unit: unit.unwrap_or(1.0),
            resources: inherited.resources.clone().unwrap_or(Value::Null),
            dictionary,
        })
    }
}

impl Page {
    /// What its annotations may look like, in any of their states: streams, or what stands in their place.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn looks(&self, view: &View<'_>) -> Result<Vec<Value>, DocumentError> {
        let annotations = view.items(&self.dictionary, "Annots")?;
        view.charge(annotations.len())?;
        let mut looks = Vec::new();
        for annotation in annotations {
            let Value::Dictionary(annotation) = view.resolve(&annotation)?.value else { continue };
            let look = view.dictionary(&annotation, "AP")?.get("N").cloned().unwrap_or(Value::Null);
            let object = view.resolve(&look)?;
            match (object.value, object.data) {
                (Value::Dictionary(states), None) => looks.extend(states.iter().map(|(_, state)| state.clone())),
                _ => looks.push(look),
            }
        }
        Ok(looks)
    }

    /// The size as it is shown, rotation included.
    pub(crate) fn size(&self) -> PageSize {
        let to_mm = self.unit / POINTS_PER_MM;
        let (width, height) = (self.shown.width() * to_mm, self.shown.height() * to_mm);
        let (width_mm, height_mm) = if self.quarters.is_multiple_of(2) { (width, height) } else { (height, width) };
        PageSize { width_mm, height_mm }
    }

    /// Where `place` lies in the page's own coordinates.
    pub(crate) fn rect_of(&self, place: &Place) -> Rect {
        let unit = POINTS_PER_MM / self.unit;
        let (x, y) = (place.x_mm * unit, place.y_mm * unit);
        let (width, height) = (place.width_mm * unit, place.height_mm * unit);
        let Rect { left, bottom, right, top } = self.shown;
        // x runs right and y down as seen; rotation is clockwise, so the seen upper left corner is, for 0 to 3
        // quarters, the page's own upper left, lower left, lower right and upper right.
        match self.quarters {
            0 => Rect { left: left + x, bottom: top - y - height, right: left + x + width, top: top - y },
            1 => Rect { left: left + y, bottom: bottom + x, right: left + y + height, top: bottom + x + width },
            2 => Rect { left: right - x - width, bottom: bottom + y, right: right - x, top: bottom + y + height },
            _ => Rect { left: right - y - height, bottom: top - x - width, right: right - y, top: top - x },
        }
    }

    /// The place of a rectangle in the page's own coordinates: the inverse of [`Page::rect_of`].
    pub(crate) fn place_of(&self, page: u32, rect: &Rect) -> Place {
        let unit = POINTS_PER_MM / self.unit;
        let Rect { left, bottom, right, top } = self.shown;
        let (x, y, width, height) = match self.quarters {
            0 => (rect.left - left, top - rect.top, rect.width(), rect.height()),
            1 => (rect.bottom - bottom, rect.left - left, rect.height(), rect.width()),
            2 => (right - rect.right, rect.bottom - bottom, rect.width(), rect.height()),
            _ => (top - rect.top, right - rect.right, rect.height(), rect.width()),
        };
        Place { page, x_mm: x / unit, y_mm: y / unit, width_mm: width / unit, height_mm: height / unit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(quarters: u8) -> Page {
        let shown = Rect { left: 10.0, bottom: 20.0, right: 210.0, top: 320.0 };
        Page { id: None, dictionary: Dictionary::default(), shown, quarters, unit: 1.0, resources: Value::Null }
    }

    /// 72 units long and 36 high, one inch from the left and two from the top, as seen.
    fn place() -> Place {
        Place { page: 1, x_mm: 25.4, y_mm: 50.8, width_mm: 25.4, height_mm: 12.7 }
    }

    #[test]
    fn a_place_is_counted_from_the_corner_that_is_seen_as_the_upper_left() {
        let corners = |quarters| {
            let Rect { left, bottom, right, top } = page(quarters).rect_of(&place());
            [left, bottom, right, top].map(|number| number.round() as i64)
        };
        assert_eq!(corners(0), [82, 140, 154, 176]);
        assert_eq!(corners(1), [154, 92, 190, 164]);
        assert_eq!(corners(2), [66, 164, 138, 200]);
        assert_eq!(corners(3), [30, 176, 66, 248]);
    }

    #[test]
    fn a_place_and_its_rectangle_are_inverse_on_every_rotation() {
        for quarters in 0..4 {
            let page = Page { unit: 2.0, ..page(quarters) };
            let back = page.place_of(1, &page.rect_of(&place()));
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
            assert!(near(back.x_mm, 25.4) && near(back.y_mm, 50.8), "{quarters}: {back}");
            assert!(near(back.width_mm, 25.4) && near(back.height_mm, 12.7), "{quarters}: {back}");
        }
    }

    #[test]
    fn a_page_on_its_side_has_its_width_and_height_exchanged() {
        let PageSize { width_mm, height_mm } = page(1).size();
        assert!((width_mm - 300.0 / POINTS_PER_MM).abs() < 1e-9 && (height_mm - 200.0 / POINTS_PER_MM).abs() < 1e-9);
    }
}
