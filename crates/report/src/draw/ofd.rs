//! Pages of an OFD by `sofd`, which draws no seals: they are painted onto them here.

use image::RgbaImage;
use sofd::{Document, RenderOptions};

use super::canvas::Canvas;
use super::request::{Mark, Problem};
use super::{DPI, MAX_PIXELS, picture};

const MM_PER_INCH: f64 = 25.4;

/// An OFD that pages are drawn of.
pub struct Pages {
    document: Document,
    stamps: Vec<Stamp>,
}

/// A seal's impression where it stands.
struct Stamp {
    page: usize,
    place: Mark,
    clip: Option<Mark>,
    pixels: RgbaImage,
}

impl Pages {
    /// Reads the document, and the seals on it as far as they can be read.
    pub fn open(bytes: &[u8]) -> Result<Self, Problem> {
        let mut document = Document::open_bytes(bytes).map_err(|_| Problem::Unreadable)?;
        // Without its seals a page is still worth seeing.
        let seals = document.seals().unwrap_or_default();
        let mut stamps = Vec::new();
        for seal in seals {
            let (kind, data) = match &seal.sealed {
                Some(sealed) => (sealed.kind.as_str(), &sealed.data),
                None => ("", &seal.image),
            };
            if let Ok(pixels) = picture::decode(kind, data) {
                let clip = seal.clip.map(|clip| Mark { x: clip.x, y: clip.y, w: clip.w, h: clip.h });
                let place = Mark { x: seal.boundary.x, y: seal.boundary.y, w: seal.boundary.w, h: seal.boundary.h };
                stamps.push(Stamp { page: seal.page, place, clip, pixels });
            }
        }
        Ok(Self { document, stamps })
    }

    /// One page with its seals, counted from 1.
    pub fn draw(&self, number: u32) -> Result<Canvas, Problem> {
        let index = (number as usize).checked_sub(1).ok_or(Problem::PageMissing)?;
        let page = self.document.page(index).ok_or(Problem::PageMissing)?;
        let dpi = fitting(DPI, page.page_box.w, page.page_box.h);
        let options = RenderOptions { dpi, max_pixels: MAX_PIXELS as usize, ..RenderOptions::default() };
        let drawn = self.document.render_page(index, &options).map_err(|_| Problem::RendererFailed)?;
        let mut canvas =
            Canvas::new(&drawn.rgba_bytes(), drawn.width, drawn.height, dpi).ok_or(Problem::RendererFailed)?;
        for stamp in self.stamps.iter().filter(|stamp| stamp.page == index) {
            canvas.stamp(&stamp.pixels, stamp.place, stamp.clip);
        }
        Ok(canvas)
    }
}

/// An impression that is a document of its own: its first page, on nothing, with its longer side of `side` pixels.
pub fn impression(data: &[u8], side: u32) -> Result<RgbaImage, Problem> {
    let document = Document::open_bytes(data).map_err(|_| Problem::Unreadable)?;
    let page = document.page(0).ok_or(Problem::Unreadable)?;
    let longer = page.page_box.w.max(page.page_box.h);
    if !(longer > 0.0 && longer.is_finite()) {
        return Err(Problem::Unreadable);
    }
    let dpi = f64::from(side) / longer * MM_PER_INCH;
    let options = RenderOptions { dpi, background: None, max_pixels: MAX_PIXELS as usize, window: None };
    let drawn = document.render_page(0, &options).map_err(|_| Problem::RendererFailed)?;
    RgbaImage::from_raw(drawn.width, drawn.height, drawn.rgba_bytes()).ok_or(Problem::RendererFailed)
}

/// The wanted resolution, or what a page of this size has room for.
fn fitting(dpi: f64, width_mm: f64, height_mm: f64) -> f64 {
    let square_inches = (width_mm / MM_PER_INCH) * (height_mm / MM_PER_INCH);
    let most = (f64::from(MAX_PIXELS) * 0.95 / square_inches).sqrt();
    if most.is_finite() { dpi.min(most) } else { dpi }
}
