//! The pictures that go with a report: which are wanted, and what came of each.

use std::collections::BTreeMap;

use eseal_documents::{DocumentReport, SealReport};

use crate::draw::{Drawer, Mark, Problem, Request, Wish};

/// The most stamped pages that are shown of one seal: a seam seal stands on every page.
pub const MAX_PAGES_OF_A_SEAL: usize = 6;
/// The most stamped pages that are shown in one report.
pub const MAX_PAGES: usize = 24;
/// The most seals whose impression is shown.
pub const MAX_IMPRESSIONS: usize = 64;

/// The most bytes of impressions that are asked for in one report.
const MAX_IMPRESSION_BYTES: usize = 32 << 20;
/// The most boxes that are marked on one page.
const MAX_MARKS: usize = 256;

/// A picture as PNG.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// The file.
    pub png: Vec<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// The pictures of a report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exhibits {
    /// For each seal, in the report's order; none where no pictures were wanted.
    pub seals: Vec<SealExhibit>,
}

/// The pictures of one seal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SealExhibit {
    /// Its impression by itself; nothing where there is no seal.
    pub impression: Option<Result<Picture, Problem>>,
    /// The pages on which it stands, with its boxes marked.
    pub pages: Vec<PageExhibit>,
    /// How many further pages there are.
    pub left_out: usize,
}

/// A stamped page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageExhibit {
    /// Counted from 1.
    pub page: u32,
    /// The page, with the boxes of one seal marked.
    pub shown: Result<Picture, Problem>,
}

/// What is asked, and to whom each answer belongs.
#[derive(Debug)]
struct Plan {
    request: Request,
    /// For each wish, the seal it is for.
    owners: Vec<usize>,
    left_out: Vec<usize>,
}

impl Exhibits {
    /// Has the pictures made. Blocks for up to the drawer's time.
    pub fn draw(found: &DocumentReport, document: &[u8], drawer: &Drawer) -> Self {
        let plan = Plan::of(found);
        let drawn = drawer.draw(document, &plan.request);
        plan.filled(drawn)
    }

    /// The pictures of a seal; none where none were wanted.
    pub fn of_seal(&self, index: usize) -> Option<&SealExhibit> {
        self.seals.get(index)
    }
}

impl Plan {
    fn of(found: &DocumentReport) -> Self {
        let (mut wishes, mut owners) = (Vec::new(), Vec::new());
        let mut room = MAX_IMPRESSION_BYTES;
        for (index, seal) in found.seals.iter().enumerate().take(MAX_IMPRESSIONS) {
            let picture = seal.seal.as_ref().map(|seal| &seal.info().picture);
            if let Some(picture) = picture.filter(|picture| picture.data.len() <= room) {
                room -= picture.data.len();
                wishes.push(Wish::Impression { kind: picture.kind.clone(), data: picture.data.clone() });
                owners.push(index);
            }
        }
        let (mut shown, mut left_out) = (0, vec![0; found.seals.len()]);
        for (index, seal) in found.seals.iter().enumerate() {
            let pages = pages(seal);
            let room = MAX_PAGES_OF_A_SEAL.min(MAX_PAGES - shown);
            left_out[index] = pages.len().saturating_sub(room);
            for (page, marks) in pages.into_iter().take(room) {
                wishes.push(Wish::Page { page, marks });
                owners.push(index);
                shown += 1;
            }
        }
        Self { request: Request { format: found.format, wishes }, owners, left_out }
    }

    fn filled(self, drawn: Vec<Result<Picture, Problem>>) -> Exhibits {
        let exhibit = |left_out| SealExhibit { left_out, ..SealExhibit::default() };
        let mut seals: Vec<_> = self.left_out.into_iter().map(exhibit).collect();
        for ((wish, owner), shown) in self.request.wishes.into_iter().zip(self.owners).zip(drawn) {
            let Some(seal) = seals.get_mut(owner) else { continue };
            match wish {
                Wish::Impression { .. } => seal.impression = Some(shown),
                Wish::Page { page, .. } => seal.pages.push(PageExhibit { page, shown }),
            }
        }
        Exhibits { seals }
    }
}

/// The pages on which a seal stands, in order, with its boxes on each.
fn pages(seal: &SealReport) -> BTreeMap<u32, Vec<Mark>> {
    let mut pages = BTreeMap::<u32, Vec<Mark>>::new();
    for stamp in &seal.stamps {
        // Of a seam seal what is seen of it on this page.
        let seen = stamp.visible();
        let marks = pages.entry(seen.page).or_default();
        let mark = Mark::from(&seen);
        if mark.is_finite() && marks.len() < MAX_MARKS {
            marks.push(mark);
        }
    }
    pages
}

/// The bytes would bury everything else in a log.
impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} bytes, {} × {})", self.png.len(), self.width, self.height)
    }
}
