//! 骑缝章: a seal across the edges of all pages, so that none can be taken out or put in.

use super::{Size, Spot, count, invalid};
use crate::{Clip, DocumentError, PageSize, Stamp};

/// A seal cut into strips, one at the edge of each page. Fanned out, the pages show the whole impression.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seam {
    /// At which edge the strips stand.
    pub edge: Edge,
    /// How many pages share one impression; after them it begins anew. `None`: all pages share one. The last pages are
    /// divided otherwise if they are fewer, and a last page by itself joins those before it.
    pub split: Option<u32>,
    /// 对开: pages with an even number have their strip at the opposite edge, so that it meets that of the facing page.
    pub opposed: bool,
    /// From the upper (or left) end of the edge to the impression, in millimetres; `None` is the middle.
    pub offset_mm: Option<f64>,
}

/// An edge of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edge {
    /// The left one.
    Left,
    /// The right one, as on paper.
    #[default]
    Right,
    /// The upper one.
    Top,
    /// The lower one.
    Bottom,
}

impl Edge {
    /// Every edge.
    pub const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];

    const fn opposite(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
            Self::Top => Self::Bottom,
            Self::Bottom => Self::Top,
        }
    }

    /// Whether strips stand beside each other (or else below each other).
    const fn is_upright(self) -> bool {
        matches!(self, Self::Left | Self::Right)
    }

    /// Whether the page ends at this edge (or else begins there).
    const fn is_far(self) -> bool {
        matches!(self, Self::Right | Self::Bottom)
    }
}

impl Seam {
    /// A strip for every page.
    ///
    /// # Errors
    /// There is one page only, or one impression is to be split over fewer than two.
    pub(super) fn stamps(&self, size: Size, pages: &[PageSize]) -> Result<Vec<Stamp>, DocumentError> {
        if pages.len() < 2 {
            return Err(DocumentError::NoSeam { pages: count(pages) });
        }
        let split = match self.split {
            Some(0 | 1) => return Err(invalid("a seam seal is split over two pages at least")),
            Some(split) => usize::try_from(split).unwrap_or(usize::MAX),
            None => pages.len(),
        };
        let mut stamps = Vec::with_capacity(pages.len());
        for group in groups(pages.len(), split) {
            let (first, parts) = (stamps.len(), group);
            for (index, page) in pages.iter().skip(first).take(parts).enumerate() {
                // Pages are at most as many as `max_pages`, so the number fits.
                let number = u32::try_from(first + index + 1).unwrap_or(u32::MAX);
                stamps.push(self.strip(size, number, *page, index, parts));
            }
        }
        Ok(stamps)
    }

    /// The strip of page `number`, which is the one with `index` of a group of `parts` pages.
    fn strip(&self, size: Size, number: u32, page: PageSize, index: usize, parts: usize) -> Stamp {
        // Fanned out to the left, the last page shows the leftmost strip.
        let index = if self.edge.is_far() { index } else { parts - 1 - index };
        let edge = if self.opposed && number.is_multiple_of(2) { self.edge.opposite() } else { self.edge };
        let (across, along, page_across, page_along) = match edge.is_upright() {
            true => (size.width_mm, size.height_mm, page.width_mm, page.height_mm),
            false => (size.height_mm, size.width_mm, page.height_mm, page.width_mm),
        };
        // Both ends by the same formula, so that neighbouring strips meet exactly.
        let cut = |index: usize| across * index as f64 / parts as f64;
        let (start, end) = (cut(index), cut(index + 1));
        let position = if edge.is_far() { page_across - end } else { -start };
        let offset = self.offset_mm.unwrap_or((page_along - along) / 2.0);
        let (spot, clip) = match edge.is_upright() {
            true => {
                let clip = Clip { x_mm: start, y_mm: 0.0, width_mm: end - start, height_mm: along };
                (Spot { page: number, x_mm: position, y_mm: offset }, clip)
            }
            false => {
                let clip = Clip { x_mm: 0.0, y_mm: start, width_mm: along, height_mm: end - start };
                (Spot { page: number, x_mm: offset, y_mm: position }, clip)
            }
        };
        Stamp { place: size.at(spot), clip: Some(clip) }
    }
}

/// How many pages share an impression, group by group: `split` each; what is left over is a group of its own, unless it
/// is a single page.
fn groups(pages: usize, split: usize) -> impl Iterator<Item = usize> {
    let (full, rest) = (pages / split, pages % split);
    let joins = rest == 1 && full > 0;
    let last = if rest == 0 || joins { None } else { Some(rest) };
    (1..=full).map(move |group| if joins && group == full { split + 1 } else { split }).chain(last)
}
