//! Where a keyword stands on the pages of a PDF.
//!
//! The pages are gone through by `hayro-interpret`, which knows fonts and their encodings; what is drawn is only listened to. It
//! reads without a bound, so everything that it will read is read before within ours (see `reach` and `drawn`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hayro_interpret::font::{Glyph as Drawn, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::page::Page as DrawnPage;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, RenderContent, SoftMask, TransformExt as _, interpret_page,
};

use super::collections::Collections;
use super::drawn::Drawing;
use super::page::Page;
use super::reach::Reach;
use super::view::View;
use super::xref::malformed;
use crate::text::{Bounds, Glyph, Pen, in_order, needle, occurrences};
use crate::{DocumentError, Hit, Limit, Limits, Source};

/// A glyph reaches about so far below and above its line, in thousandths of its size.
const DESCENT: f64 = -250.0;
const ASCENT: f64 = 800.0;

/// The size of a font in its own units.
const SIZE: f64 = 1000.0;

/// The width of a glyph whose font does not say it.
const USUAL_WIDTH: f32 = 500.0;

/// By how much, in parts of it, two readings of a page's size may differ.
const TOLERANCE: f64 = 0.01;

/// The places of `keyword` on all pages as they are seen, page by page and on each from top to bottom and left to right. Text in
/// forms, on turned pages, in fields and annotations that show it, and in fonts that don't say their characters is found too, where
/// the font or one of the four East Asian collections has them; text in pictures is not.
///
/// # Errors
/// The document cannot be used (damaged, encrypted), its pages are drawn with too much effort, or there are more places
/// than [`Limits::max_stamps`].
pub fn find_text(source: &Source, keyword: &str, limits: &Limits) -> Result<Vec<Hit>, DocumentError> {
    find_text_with(source, keyword, "", limits)
}

/// The same for a document that is encrypted with a password: the user's or the owner's.
///
/// # Errors
/// As [`find_text`].
pub fn find_text_with(
    source: &Source,
    keyword: &str,
    password: &str,
    limits: &Limits,
) -> Result<Vec<Hit>, DocumentError> {
    let needle = needle(keyword)?;
    let view = View::present_with(source, limits, password)?;
    let pages = view.pages()?;
    let mut reach = Reach::new(&view);
    let mut drawing = Drawing::new(&view);
    for page in &pages {
        reach.page(page)?;
        drawing.page(page)?;
    }
    let search =
        Search { source, password, needle: &needle, pages: &pages, collections: &reach.collections()?, limits };
    // What others' software does with bytes that anybody may have made: a fault of it is one of the document.
    let searched = catch_unwind(AssertUnwindSafe(|| search.run()));
    searched.unwrap_or_else(|_| Err(malformed("its pages cannot be gone through")))
}

/// A search under way, in a document that was found to be bounded.
struct Search<'s> {
    source: &'s Source,
    password: &'s str,
    needle: &'s [char],
    pages: &'s [Page],
    collections: &'s Collections,
    limits: &'s Limits,
}

impl Search<'_> {
    fn run(&self) -> Result<Vec<Hit>, DocumentError> {
        let document = Pdf::new_with_password(Arc::new(Shared(Arc::clone(self.source))), self.password)
            .map_err(|error| malformed(format!("its text cannot be read: {error:?}")))?;
        if document.pages().len() != self.pages.len() {
            return Err(malformed("its pages cannot be counted with certainty"));
        }
        let settings = InterpreterSettings { render_content: RenderContent::all(), ..InterpreterSettings::default() };
        let cache = InterpreterCache::new();
        let mut hits = Vec::new();
        for ((number, page), drawn) in (1_u32..).zip(self.pages).zip(document.pages().iter()) {
            let to_seen = to_seen(page, drawn)?;
            let mut listener = Listener::new(self.collections, self.limits.max_page_text);
            let everywhere = Rect::new(-1e6, -1e6, 1e6, 1e6);
            let mut context = Context::new(to_seen, everywhere, &cache, document.xref(), settings.clone());
            interpret_page(drawn, &mut context, &mut listener);
            let found = in_order(occurrences(&listener.glyphs()?, self.needle));
            hits.extend(found.into_iter().map(|bounds| bounds.hit(number)));
            Limit::Stamps.check(hits.len() as u64, self.limits.max_stamps.into())?;
        }
        Ok(hits)
    }
}

/// From a page's own coordinates to millimetres from the upper left corner of what is seen of it.
fn to_seen(page: &Page, drawn: &DrawnPage<'_>) -> Result<Affine, DocumentError> {
    let (width, height) = drawn.render_dimensions();
    let size = page.size();
    let (right, down) = (size.width_mm / f64::from(width), size.height_mm / f64::from(height));
    if !right.is_finite() || !down.is_finite() || (right - down).abs() > TOLERANCE * right {
        return Err(malformed("the size of its pages cannot be told with certainty"));
    }
    Ok(Affine::scale_non_uniform(right, down) * drawn.initial_transform(true).to_kurbo())
}

/// The bytes of a document as the interpreter takes them.
struct Shared(Source);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// Hears the characters of a page in the order of drawing.
struct Listener<'c> {
    collections: &'c Collections,
    heard: Vec<Glyph>,
    runs: u32,
    max: u32,
    more: bool,
}

impl<'c> Listener<'c> {
    fn new(collections: &'c Collections, max: u32) -> Self {
        Self { collections, heard: Vec::new(), runs: 0, max, more: false }
    }

    fn glyphs(self) -> Result<Vec<Glyph>, DocumentError> {
        let max = u64::from(self.max);
        if self.more { Err(DocumentError::TooLarge { limit: Limit::PageText, max }) } else { Ok(self.heard) }
    }

    fn hear(&mut self, glyph: &Drawn<'_>, transform: Affine) {
        let Some(text) = glyph.as_unicode().or_else(|| self.collections.text_of(glyph)) else { return };
        let width = match glyph {
            Drawn::Outline(outline) => outline.advance_width(),
            Drawn::Type3(drawn) => drawn.advance_width(),
        };
        let own = Rect::new(0.0, DESCENT, f64::from(width.unwrap_or(USUAL_WIDTH)), ASCENT);
        let area = transform.transform_rect_bbox(own);
        if !area.is_finite() {
            return;
        }
        let size = (transform * Point::new(0.0, SIZE)).distance(transform * Point::ORIGIN);
        let [start, end] = [0.0, own.x1].map(|x| <(f64, f64)>::from(transform * Point::new(x, 0.0)));
        let pen = Some(Pen { start, end, size });
        let bounds = Bounds { left: area.x0, top: area.y0, right: area.x1, bottom: area.y1 };
        let mut add = |character: char| {
            self.more |= self.heard.len() >= self.max as usize;
            if !self.more {
                self.heard.push(Glyph { character, bounds, run: self.runs, pen });
            }
        };
        match text {
            BfString::Char(character) => add(character),
            BfString::String(characters) => characters.chars().for_each(add),
        }
    }
}

impl<'a> Device<'a> for Listener<'_> {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        self.runs = self.runs.saturating_add(1);
        for glyph in run.glyphs() {
            self.hear(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
