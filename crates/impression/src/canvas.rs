//! A sheet of paper in millimetres, its origin in the middle, y downwards, and red ink.

use resvg::tiny_skia::{Color, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};

use crate::error::ImpressionError;
use crate::png;

/// The red of seals.
const INK: [u8; 3] = [0xE6, 0x00, 0x12];
/// The finest resolution, for all seals up to 84 mm.
const FINEST_DPI: f32 = 600.0;
const MM_PER_INCH: f32 = 25.4;

/// A transparent picture to draw on.
pub(crate) struct Canvas {
    pixmap: Pixmap,
    /// Pixels per millimetre.
    scale: f32,
    to_pixels: Transform,
}

impl Canvas {
    /// A transparent sheet of that size.
    pub(crate) fn new(width_mm: f32, height_mm: f32) -> Result<Self, ImpressionError> {
        let scale = scale(width_mm, height_mm);
        let pixels = |mm: f32| (mm * scale).round().max(1.0) as u32;
        let pixmap = Pixmap::new(pixels(width_mm), pixels(height_mm)).ok_or_else(no_memory)?;
        let middle = (pixmap.width() as f32 / 2.0, pixmap.height() as f32 / 2.0);
        let to_pixels = Transform::from_row(scale, 0.0, 0.0, scale, middle.0, middle.1);
        Ok(Self { pixmap, scale, to_pixels })
    }

    /// Fills a shape that `placed` puts on the sheet.
    pub(crate) fn fill(&mut self, shape: &Path, placed: Transform) {
        let transform = self.to_pixels.pre_concat(placed);
        self.pixmap.fill_path(shape, &ink(), FillRule::Winding, transform, None);
    }

    /// The outline of an ellipse; `width` lies inside the half axes.
    pub(crate) fn ring(&mut self, a: f32, b: f32, width: f32) {
        let inset = width / 2.0;
        if let Some(bounds) = Rect::from_ltrb(inset - a, inset - b, a - inset, b - inset)
            && let Some(oval) = PathBuilder::from_oval(bounds)
        {
            self.stroke(&oval, width);
        }
    }

    /// The outline of a rectangle around the middle; `width` lies inside the half sides.
    pub(crate) fn frame(&mut self, a: f32, b: f32, width: f32) {
        let inset = width / 2.0;
        if let Some(bounds) = Rect::from_ltrb(inset - a, inset - b, a - inset, b - inset) {
            self.stroke(&PathBuilder::from_rect(bounds), width);
        }
    }

    /// A five-pointed star around the middle, one point up.
    pub(crate) fn star(&mut self, radius: f32) {
        // Where the lines of a pentagram cross: (3 - √5) / 2 of its radius.
        const INNER: f32 = 0.381_966;
        let mut path = PathBuilder::new();
        for corner in 0_u8..10 {
            let radius = if corner % 2 == 0 { radius } else { radius * INNER };
            let (sin, cos) = (f32::from(corner) * std::f32::consts::PI / 5.0).sin_cos();
            if corner == 0 {
                path.move_to(radius * sin, -radius * cos);
            } else {
                path.line_to(radius * sin, -radius * cos);
            }
        }
        path.close();
        if let Some(star) = path.finish() {
            self.fill(&star, Transform::identity());
        }
    }

    /// The picture as a file.
    pub(crate) fn into_png(self) -> Result<Vec<u8>, ImpressionError> {
        png::encode_ink(self.pixmap, INK, self.scale)
    }

    fn stroke(&mut self, path: &Path, width: f32) {
        let stroke = Stroke { width, ..Stroke::default() };
        self.pixmap.stroke_path(path, &ink(), &stroke, self.to_pixels, None);
    }
}

/// Pixels per millimetre: 600 dots per inch, less for large seals, so that no side has too many pixels.
pub(crate) fn scale(width_mm: f32, height_mm: f32) -> f32 {
    let most = png::MAX_SIDE as f32 / width_mm.max(height_mm);
    (FINEST_DPI / MM_PER_INCH).min(most)
}

pub(crate) fn no_memory() -> ImpressionError {
    ImpressionError::Encoding("no memory for the picture".to_owned())
}

fn ink() -> Paint<'static> {
    let [red, green, blue] = INK;
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(Color::from_rgba8(red, green, blue, 0xFF));
    paint
}
