//! Where a keyword stands on the pages. The pages are interpreted by `hayro-interpret`, which knows fonts and their encodings;
//! what is drawn is only listened to.

use std::sync::Arc;

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::kurbo::{Affine, BezPath, Rect as Area};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, RenderContent, SoftMask, interpret_page,
};

use super::Source;
use super::page::{Page, Rect};
use super::view::View;
use super::xref::malformed;
use crate::{DocumentError, Hit, Limit, Limits};

/// Characters of one page that are listened to.
const MAX_CHARACTERS: usize = 2_000_000;

/// A glyph reaches about so far below and above its line, in thousandths of its size.
const DESCENT: f64 = -200.0;
const ASCENT: f64 = 800.0;

/// The width of a glyph whose font does not say it.
const USUAL_WIDTH: f32 = 500.0;

/// Where `keyword` stands, in the order of the pages and, on a page, of drawing. It is found across the runs of text that
/// a page is made of; white space between characters does not matter, on either side.
///
/// # Errors
/// The document cannot be used (damaged, encrypted with another password), or there are more hits than
/// [`Limits::max_stamps`].
pub fn keyword(source: &Source, keyword: &str, password: &str, limits: &Limits) -> Result<Vec<Hit>, DocumentError> {
    let wanted: Vec<char> = keyword.chars().filter(|character| !character.is_whitespace()).collect();
    let mut hits = Vec::new();
    if wanted.is_empty() {
        return Ok(hits);
    }
    // Our own reading says what the pages are; the other's is refused where it disagrees on how many there are.
    let pages = View::present_with(source, limits, password)?.pages()?;
    let pdf = Pdf::new_with_password(Arc::new(Shared(Arc::clone(source))), password)
        .map_err(|error| malformed(format!("its text cannot be read: {error:?}")))?;
    if pdf.pages().len() != pages.len() {
        return Err(malformed("its pages cannot be counted with certainty"));
    }
    let settings = InterpreterSettings { render_content: RenderContent::PAGE, ..InterpreterSettings::default() };
    let cache = InterpreterCache::new();
    for (number, (page, drawn)) in (1_u32..).zip(pages.iter().zip(pdf.pages().iter())) {
        let mut listener = Listener::default();
        // In the page's own coordinates; the clip of the page is of no interest.
        let everywhere = Area::new(-1e6, -1e6, 1e6, 1e6);
        let mut context = Context::new(Affine::IDENTITY, everywhere, &cache, pdf.xref(), settings.clone());
        interpret_page(drawn, &mut context, &mut listener);
        let mut found: Vec<Area> = Vec::new();
        for area in listener.hits(&wanted) {
            // Text may be drawn twice, filled and outlined.
            if !found.iter().any(|other| is_near(other, &area)) {
                found.push(area);
            }
        }
        hits.extend(found.into_iter().map(|area| hit(number, page, area)));
        Limit::Stamps.check(hits.len() as u64, limits.max_stamps.into())?;
    }
    Ok(hits)
}

fn hit(number: u32, page: &Page, area: Area) -> Hit {
    let place = page.place_of(number, &Rect { left: area.x0, bottom: area.y0, right: area.x1, top: area.y1 });
    Hit { page: number, x_mm: place.x_mm, y_mm: place.y_mm, width_mm: place.width_mm, height_mm: place.height_mm }
}

/// The bytes of a document as the interpreter takes them.
struct Shared(Source);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// The characters of a page in the order of drawing, with their boxes.
#[derive(Default)]
struct Listener {
    characters: Vec<(char, Area)>,
}

impl Listener {
    fn take(&mut self, glyph: &Glyph<'_>, transform: Affine) {
        let Some(text) = glyph.as_unicode() else { return };
        let width = match glyph {
            Glyph::Outline(outline) => outline.advance_width(),
            Glyph::Type3(drawn) => drawn.advance_width(),
        };
        let own = Area::new(0.0, DESCENT, f64::from(width.unwrap_or(USUAL_WIDTH)), ASCENT);
        let area = transform.transform_rect_bbox(own);
        let mut add = |character: char| {
            // Bold letters are sometimes made of two, one a little beside the other.
            let is_again = self.characters.last().is_some_and(|(last, at)| *last == character && is_near(at, &area));
            if !character.is_whitespace() && !is_again && self.characters.len() < MAX_CHARACTERS {
                self.characters.push((character, area));
            }
        };
        match text {
            BfString::Char(character) => add(character),
            BfString::String(characters) => characters.chars().for_each(add),
        }
    }

    /// The boxes around what is wanted; hits do not overlap.
    fn hits(&self, wanted: &[char]) -> impl Iterator<Item = Area> {
        let mut at = 0;
        std::iter::from_fn(move || {
            while let Some(window) = self.characters.get(at..).and_then(|rest| rest.get(..wanted.len())) {
                if window.iter().zip(wanted).all(|((found, _), wanted)| found == wanted) {
                    at += wanted.len();
                    return window.iter().map(|(_, area)| *area).reduce(|all, one| all.union(one));
                }
                at += 1;
            }
            None
        })
    }
}

/// Whether two boxes are one but for a few hundredths of their size.
fn is_near(a: &Area, b: &Area) -> bool {
    let (x, y) = (a.width().abs() * 0.15, a.height().abs() * 0.15);
    (a.x0 - b.x0).abs() < x && (a.x1 - b.x1).abs() < x && (a.y0 - b.y0).abs() < y && (a.y1 - b.y1).abs() < y
}

impl<'a> Device<'a> for Listener {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            self.take(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
