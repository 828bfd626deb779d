//! Pixels, and what is painted over them.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops::{self, FilterType as Resize};
use image::{ExtendedColorType, ImageEncoder as _, Rgb, RgbImage, RgbaImage};

use super::request::{Mark, Problem};
use crate::exhibit::Picture;

/// What no seal is: marks are blue on white.
const MARK: Rgb<u8> = Rgb([0x0b, 0x57, 0xd0]);
const HALO: Rgb<u8> = Rgb([0xff, 0xff, 0xff]);
/// Pixels between a box and its mark, so that the mark hides nothing of the stamp.
const GAP: i64 = 2;
const MARK_WIDTH: i64 = 3;
const MM_PER_INCH: f64 = 25.4;
/// The most pixels of a stamp as it is painted: one that is larger hangs far over the page, and is not drawn.
const MAX_STAMP: i64 = 16_000_000;

/// A page as it is drawn, without anything transparent.
#[derive(Debug, Clone)]
pub struct Canvas {
    pixels: RgbImage,
    /// Pixels per millimetre.
    scale: f64,
}

/// A rectangle in pixels; may lie outside.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Canvas {
    /// A page of RGBA pixels on white, at this many dots per inch.
    pub fn new(rgba: &[u8], width: u32, height: u32, dpi: f64) -> Option<Self> {
        let on_white = |c: u8, a: u8| 255 - a + mix(c, a);
        let (pixels, _) = rgba.as_chunks::<4>();
        let rgb = pixels.iter().flat_map(|[r, g, b, a]| [on_white(*r, *a), on_white(*g, *a), on_white(*b, *a)]);
        let pixels = RgbImage::from_raw(width, height, rgb.collect())?;
        Some(Self { pixels, scale: dpi / MM_PER_INCH })
    }

    /// Paints a stamp into a box, and only within `clip`, a part of the box in its own millimetres. A stamp without
    /// transparency is multiplied onto the page: as ink would, it hides no text.
    pub fn stamp(&mut self, stamp: &RgbaImage, place: Mark, clip: Option<Mark>) {
        let area = self.area(place);
        let (width, height) = (area.right - area.left, area.bottom - area.top);
        if width < 1 || height < 1 || width.saturating_mul(height) > MAX_STAMP {
            return;
        }
        let shown = match clip {
            Some(clip) => self.area(Mark { x: place.x + clip.x, y: place.y + clip.y, ..clip }),
            None => area,
        };
        let scaled = resized(stamp, width as u32, height as u32);
        let opaque = stamp.pixels().all(|pixel| pixel[3] == u8::MAX);
        for (x, y, ink) in scaled.enumerate_pixels() {
            let (x, y) = (area.left + i64::from(x), area.top + i64::from(y));
            if x < shown.left || x >= shown.right || y < shown.top || y >= shown.bottom {
                continue;
            }
            let Some(pixel) = self.pixel(x, y) else { continue };
            for (below, above) in pixel.0.iter_mut().zip(&ink.0[..3]) {
                *below = if opaque { mix(*below, *above) } else { mix(*below, 255 - ink[3]) + mix(*above, ink[3]) };
            }
        }
    }

    /// Draws a frame around a box.
    pub fn mark(&mut self, place: Mark) {
        let area = self.area(place);
        for (color, from, to) in [(HALO, GAP - 1, GAP + MARK_WIDTH), (MARK, GAP, GAP + MARK_WIDTH - 1)] {
            for distance in from..=to {
                self.frame(area.grown(distance), color);
            }
        }
    }

    /// As PNG.
    pub fn into_picture(self) -> Result<Picture, Problem> {
        let (width, height) = self.pixels.dimensions();
        encoded(self.pixels.as_raw(), width, height, ExtendedColorType::Rgb8)
    }

    fn area(&self, mark: Mark) -> Area {
        let px = |mm: f64| (mm * self.scale).round() as i64; // saturates, and a NaN is 0
        let (left, top) = (px(mark.x), px(mark.y));
        Area { left, top, right: left.saturating_add(px(mark.w)), bottom: top.saturating_add(px(mark.h)) }
    }

    fn pixel(&mut self, x: i64, y: i64) -> Option<&mut Rgb<u8>> {
        self.pixels.get_pixel_mut_checked(u32::try_from(x).ok()?, u32::try_from(y).ok()?)
    }

    /// Within the page, so that the far corners of a huge box cost nothing.
    fn frame(&mut self, area: Area, color: Rgb<u8>) {
        let (width, height) = (i64::from(self.pixels.width()), i64::from(self.pixels.height()));
        let lines = [area.top, area.bottom.saturating_sub(1)]
            .map(|y| (area.left.max(0)..area.right.min(width), y..y.saturating_add(1)));
        let sides = [area.left, area.right.saturating_sub(1)]
            .map(|x| (x..x.saturating_add(1), area.top.max(0)..area.bottom.min(height)));
        for (xs, ys) in lines.into_iter().chain(sides) {
            for y in ys {
                for x in xs.clone() {
                    if let Some(pixel) = self.pixel(x, y) {
                        *pixel = color;
                    }
                }
            }
        }
    }
}

impl Area {
    const fn grown(self, by: i64) -> Self {
        let Self { left, top, right, bottom } = self;
        Self {
            left: left.saturating_sub(by),
            top: top.saturating_sub(by),
            right: right.saturating_add(by),
            bottom: bottom.saturating_add(by),
        }
    }
}

/// A picture in another size. Colours count by their opacity, else what is transparent would darken the edges.
pub fn resized(picture: &RgbaImage, width: u32, height: u32) -> RgbaImage {
    let mut inked = picture.clone();
    for pixel in inked.pixels_mut() {
        let [r, g, b, a] = pixel.0;
        pixel.0 = [mix(r, a), mix(g, a), mix(b, a), a];
    }
    let mut scaled = imageops::resize(&inked, width, height, Resize::Triangle);
    for pixel in scaled.pixels_mut() {
        let [r, g, b, a] = pixel.0;
        let whole = |c: u8| (u32::from(c) * 255).checked_div(a.into()).map_or(0, |c| c.min(255) as u8);
        pixel.0 = [whole(r), whole(g), whole(b), a];
    }
    scaled
}

/// An impression as PNG, with its transparency.
pub fn impression(pixels: &RgbaImage) -> Result<Picture, Problem> {
    let (width, height) = pixels.dimensions();
    encoded(pixels.as_raw(), width, height, ExtendedColorType::Rgba8)
}

fn encoded(bytes: &[u8], width: u32, height: u32, color: ExtendedColorType) -> Result<Picture, Problem> {
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::Adaptive);
    encoder.write_image(bytes, width, height, color).map_err(|_| Problem::RendererFailed)?;
    Ok(Picture { png, width, height })
}

/// The share of `a` of `c`, of 255.
fn mix(c: u8, a: u8) -> u8 {
    ((u32::from(c) * u32::from(a) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    /// A page of 100 × 100 mm with one pixel per millimetre.
    fn page() -> Canvas {
        Canvas::new(&[255; 100 * 100 * 4], 100, 100, MM_PER_INCH).expect("a page")
    }

    fn at(canvas: &Canvas, x: u32, y: u32) -> [u8; 3] {
        canvas.pixels.get_pixel(x, y).0
    }

    const BOX: Mark = Mark { x: 20.0, y: 30.0, w: 40.0, h: 20.0 };

    #[test]
    fn a_stamp_stands_in_its_box_and_nowhere_else() {
        let mut canvas = page();
        canvas.stamp(&RgbaImage::from_pixel(8, 8, Rgba([255, 0, 0, 254])), BOX, None);
        for (x, y) in [(20, 30), (59, 30), (20, 49), (59, 49), (40, 40)] {
            assert_eq!(at(&canvas, x, y), [255, 1, 1], "{x} {y}");
        }
        for (x, y) in [(19, 30), (60, 30), (20, 29), (20, 50), (0, 0), (99, 99)] {
            assert_eq!(at(&canvas, x, y), [255; 3], "{x} {y}");
        }
    }

    #[test]
    fn a_clip_shows_its_strip_alone() {
        let mut canvas = page();
        let strip = Mark { x: 30.0, y: 0.0, w: 10.0, h: 20.0 };
        canvas.stamp(&RgbaImage::from_pixel(4, 4, Rgba([255, 0, 0, 128])), BOX, Some(strip));
        assert_eq!(at(&canvas, 49, 40), [255; 3]);
        assert_ne!(at(&canvas, 50, 40), [255; 3]);
        assert_ne!(at(&canvas, 59, 40), [255; 3]);
        assert_eq!(at(&canvas, 60, 40), [255; 3]);
    }

    #[test]
    fn a_stamp_without_transparency_hides_no_text() {
        let mut canvas = Canvas::new(&[[0, 0, 0, 255]; 100 * 100].concat(), 100, 100, MM_PER_INCH).expect("a page");
        canvas.stamp(&RgbaImage::from_pixel(4, 4, Rgba([255, 255, 255, 255])), BOX, None);
        assert_eq!(at(&canvas, 40, 40), [0; 3], "white paper of the stamp is no ink");
    }

    #[test]
    fn a_mark_lies_around_its_box_and_leaves_it_free() {
        let mut canvas = page();
        canvas.mark(BOX);
        assert_eq!(at(&canvas, 17, 40), MARK.0);
        assert_eq!(at(&canvas, 62, 40), MARK.0);
        assert_eq!(at(&canvas, 40, 27), MARK.0);
        assert!((20..60).all(|x| (30..50).all(|y| at(&canvas, x, y) == [255; 3])), "the box is as it was");
    }

    #[test]
    fn boxes_that_are_huge_empty_or_no_numbers_paint_what_lies_on_the_page_at_most() {
        let stamp = RgbaImage::from_pixel(2, 2, Rgba([255, 0, 0, 128]));
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 0.0] {
            let place = Mark { x, y: x, w: 1e300, h: 1e300 };
            let mut canvas = page();
            canvas.stamp(&stamp, place, Some(place));
            canvas.mark(place);
            assert_eq!(canvas.into_picture().map(|p| (p.width, p.height)), Ok((100, 100)));
        }
    }
}
