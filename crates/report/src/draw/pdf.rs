//! Pages of a PDF by `hayro`, which draws signatures' appearances as viewers do.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::font::FontQuery;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};

use super::canvas::Canvas;
use super::request::Problem;
use super::{DPI, MAX_PIXELS};
use crate::font::Face;

const POINTS_PER_INCH: f64 = 72.0;

/// A PDF that pages are drawn of.
pub struct Pages {
    document: Pdf,
    settings: InterpreterSettings,
}

impl Pages {
    /// Reads the document. Documents that leave their Chinese fonts to the viewer get that of `font`, or an installed one.
    pub fn open(bytes: Vec<u8>, font: Option<&Path>) -> Result<Self, Problem> {
        let document = Pdf::new(bytes).map_err(|_| Problem::Unreadable)?;
        let (file, chinese) = (font.map(Path::to_owned), OnceLock::new());
        let resolver = move |query: &FontQuery| match query {
            FontQuery::Standard(font) => Some(font.get_font_data()),
            FontQuery::Fallback(font) if font.character_collection.is_some() => {
                let face = chinese.get_or_init(|| Face::find(file.as_deref()).ok());
                face.as_ref().map(|face| (face.bytes() as _, face.index()))
            }
            FontQuery::Fallback(font) => Some(font.pick_standard_font().get_font_data()),
        };
        let settings = InterpreterSettings { font_resolver: Arc::new(resolver), ..InterpreterSettings::default() };
        Ok(Self { document, settings })
    }

    /// One page, counted from 1.
    pub fn draw(&self, number: u32) -> Result<Canvas, Problem> {
        let index = (number as usize).checked_sub(1).ok_or(Problem::PageMissing)?;
        let page = self.document.pages().get(index).ok_or(Problem::PageMissing)?;
        let (width, height) = page.render_dimensions();
        let scale = scale(f64::from(width), f64::from(height)).ok_or(Problem::Unreadable)?;
        let pixels = PixmapSettings { x_scale: scale as f32, y_scale: scale as f32, bg_color: WHITE };
        let drawn = render(page, &RenderCache::new(), &self.settings, &RenderSettings::default(), &pixels);
        let (width, height) = (u32::from(drawn.width()), u32::from(drawn.height()));
        // On white nothing is transparent, so what is premultiplied is what it was.
        Canvas::new(drawn.data_as_u8_slice(), width, height, scale * POINTS_PER_INCH).ok_or(Problem::RendererFailed)
    }
}

/// Pixels per point: as wanted, or what a page of this size has room for.
fn scale(width: f64, height: f64) -> Option<f64> {
    if !(width > 0.0 && height > 0.0 && width.is_finite() && height.is_finite()) {
        return None;
    }
    let most = (f64::from(MAX_PIXELS) * 0.95 / (width * height)).sqrt();
    let longest = f64::from(u16::MAX - 1) / width.max(height);
    let scale = (DPI / POINTS_PER_INCH).min(most).min(longest);
    (width * scale >= 1.0 && height * scale >= 1.0).then_some(scale)
}
