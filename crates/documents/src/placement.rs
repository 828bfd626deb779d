//! Rules that say where impressions stand, and what they come to on the pages of a document.
//!
//! A rule knows neither format: the pages' sizes and the hits of a keyword are brought by OFD and PDF alike.

mod seam;
#[cfg(test)]
mod tests;

use eseal_seal::Picture;

pub use seam::{Edge, Seam};

use crate::{DocumentError, Limit, Limits, PageSize, Place, Stamp};

/// Where the impressions of a seal go.
#[derive(Debug, Clone, PartialEq)]
pub enum Placement {
    /// At these points.
    At(Vec<Spot>),
    /// Around a text: the middle of the impression on the middle of the text.
    Keyword {
        /// What to look for, across the runs of text that the document is made of.
        text: String,
        /// At which of the hits.
        which: Which,
        /// From the middle of the text to the middle of the impression: right and down, in millimetres.
        offset_mm: (f64, f64),
    },
    /// At the same point of every page.
    EveryPage {
        /// From the page's left edge to the impression.
        x_mm: f64,
        /// From the page's upper edge to the impression.
        y_mm: f64,
    },
    /// 骑缝章: one impression cut into strips, one strip at the edge of each page.
    Seam(Seam),
}

/// A point of a page, for the upper left corner of an impression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// The page, counted from 1.
    pub page: u32,
    /// From the page's left edge.
    pub x_mm: f64,
    /// From the page's upper edge.
    pub y_mm: f64,
}

/// Which of the hits of a keyword, in the order of the pages and of the text on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Every one.
    #[default]
    All,
    /// The first.
    First,
    /// The last.
    Last,
    /// The one with this number, counted from 1.
    Nth(u32),
}

/// Where a keyword was found, as the box around its characters in millimetres from the page's upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The page, counted from 1.
    pub page: u32,
    /// From the page's left edge to the box.
    pub x_mm: f64,
    /// From the page's upper edge to the box.
    pub y_mm: f64,
    /// Width of the box.
    pub width_mm: f64,
    /// Height of the box.
    pub height_mm: f64,
}

/// The size of an impression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Width in millimetres.
    pub width_mm: f64,
    /// Height in millimetres.
    pub height_mm: f64,
}

/// The most characters of a keyword.
const MAX_KEYWORD: usize = 256;

impl From<&Picture> for Size {
    fn from(picture: &Picture) -> Self {
        Self { width_mm: picture.width_mm.into(), height_mm: picture.height_mm.into() }
    }
}

impl Placement {
    /// The text to look for, where the rule needs one.
    ///
    /// # Errors
    /// [`DocumentError::PlacementInvalid`] for a keyword that is blank or longer than any name.
    pub fn keyword(&self) -> Result<Option<&str>, DocumentError> {
        match self {
            Self::Keyword { text, .. } if text.trim().is_empty() => Err(invalid("the keyword is empty")),
            Self::Keyword { text, .. } if text.chars().count() > MAX_KEYWORD => Err(invalid("the keyword is too long")),
            Self::Keyword { text, .. } => Ok(Some(text)),
            Self::At(_) | Self::EveryPage { .. } | Self::Seam(_) => Ok(None),
        }
    }

    /// The impressions of `size` that the rule comes to on these pages; `hits` are those of [`Placement::keyword`]. All
    /// of them lie on their pages.
    ///
    /// # Errors
    /// The page does not exist or the impression would not be on it, the keyword was not found that often, there is
    /// one page only for a seam seal, or there would be more impressions than [`Limits::max_stamps`].
    pub fn resolve(
        &self,
        size: Size,
        pages: &[PageSize],
        hits: &[Hit],
        limits: &Limits,
    ) -> Result<Vec<Stamp>, DocumentError> {
        let stamps: Vec<Stamp> = match self {
            Self::At(spots) => {
                bounded(spots.len(), limits)?;
                spots.iter().map(|spot| size.at(*spot).into()).collect()
            }
            Self::Keyword { text, which, offset_mm } => {
                let hits = chosen(text, *which, hits)?;
                bounded(hits.len(), limits)?;
                let around = |hit: &Hit| Ok(size.around(hit, *offset_mm, page_of(hit.page, pages)?).into());
                hits.iter().map(around).collect::<Result<_, DocumentError>>()?
            }
            Self::EveryPage { x_mm, y_mm } => {
                bounded(pages.len(), limits)?;
                let numbers = (1..).zip(pages).map(|(page, _)| page);
                numbers.map(|page| size.at(Spot { page, x_mm: *x_mm, y_mm: *y_mm }).into()).collect()
            }
            Self::Seam(seam) => {
                bounded(pages.len(), limits)?;
                seam.stamps(size, pages)?
            }
        };
        if stamps.is_empty() {
            return Err(DocumentError::NoPlace);
        }
        for stamp in &stamps {
            stamp.must_lie_on(page_of(stamp.place.page, pages)?, count(pages))?;
        }
        Ok(stamps)
    }
}

impl Size {
    /// An impression with its upper left corner at `spot`.
    fn at(self, spot: Spot) -> Place {
        let Spot { page, x_mm, y_mm } = spot;
        Place { page, x_mm, y_mm, width_mm: self.width_mm, height_mm: self.height_mm }
    }

    /// An impression around a hit. A keyword often stands near the edge, and a seal must be whole: it is moved inward as
    /// far as that takes.
    fn around(self, hit: &Hit, (right_mm, down_mm): (f64, f64), page: PageSize) -> Place {
        let start = |from: f64, length: f64, moved: f64, own: f64, page: f64| {
            (from + length / 2.0 + moved - own / 2.0).min(page - own).max(0.0)
        };
        self.at(Spot {
            page: hit.page,
            x_mm: start(hit.x_mm, hit.width_mm, right_mm, self.width_mm, page.width_mm),
            y_mm: start(hit.y_mm, hit.height_mm, down_mm, self.height_mm, page.height_mm),
        })
    }
}

fn chosen<'a>(text: &str, which: Which, hits: &'a [Hit]) -> Result<&'a [Hit], DocumentError> {
    let one = |hit: Option<&'a Hit>| hit.map(std::slice::from_ref);
    let chosen = match which {
        Which::All => Some(hits).filter(|hits| !hits.is_empty()),
        Which::First => one(hits.first()),
        Which::Last => one(hits.last()),
        Which::Nth(number) => {
            let index = number.checked_sub(1).ok_or_else(|| invalid("hits are counted from 1"))?;
            one(usize::try_from(index).ok().and_then(|index| hits.get(index)))
        }
    };
    let found = u32::try_from(hits.len()).unwrap_or(u32::MAX);
    chosen.ok_or_else(|| DocumentError::KeywordNotFound { keyword: text.to_owned(), found })
}

fn page_of(number: u32, pages: &[PageSize]) -> Result<PageSize, DocumentError> {
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let page = index.and_then(|index| pages.get(index)).copied();
    page.ok_or(DocumentError::NoSuchPage { page: number, pages: count(pages) })
}

fn count(pages: &[PageSize]) -> u32 {
    u32::try_from(pages.len()).unwrap_or(u32::MAX)
}

fn bounded(stamps: usize, limits: &Limits) -> Result<(), DocumentError> {
    Limit::Stamps.check(stamps as u64, limits.max_stamps.into())
}

fn invalid(what: &str) -> DocumentError {
    DocumentError::PlacementInvalid { what: what.to_owned() }
}
