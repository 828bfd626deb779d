//! Impressions: pictures that come inside seals.

use std::io::Cursor;

use image::{DynamicImage, ImageReader, Limits, RgbaImage};

use super::canvas::resized;
use super::request::Problem;
use super::{IMPRESSION_SIDE, ofd};

/// The longest side of a picture that is decoded, in pixels.
const MAX_SIDE: u32 = 8_192;
/// The most bytes that decoding may take.
const MAX_DECODED: u64 = 256 << 20;

/// The pixels of an impression, no side longer than [`IMPRESSION_SIDE`]. Its bytes say what it is; of its kind, only
/// whether it is a nested OFD.
///
/// # Errors
/// It can't be decoded, or is of a form that is not drawn.
pub fn decode(kind: &str, data: &[u8]) -> Result<RgbaImage, Problem> {
    if kind.eq_ignore_ascii_case("ofd") || data.starts_with(b"PK\x03\x04") {
        return ofd::impression(data, IMPRESSION_SIDE);
    }
    let mut reader = ImageReader::new(Cursor::new(data)).with_guessed_format().map_err(|_| Problem::Unreadable)?;
    if reader.format().is_none() {
        return Err(Problem::FormUnsupported);
    }
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let picture = reader.decode().map_err(|_| Problem::Unreadable)?;
    if picture.width() == 0 || picture.height() == 0 {
        return Err(Problem::Unreadable);
    }
    Ok(fitted(&picture))
}

fn fitted(picture: &DynamicImage) -> RgbaImage {
    let small = picture.width() <= IMPRESSION_SIDE && picture.height() <= IMPRESSION_SIDE;
    let side = f64::from(IMPRESSION_SIDE) / f64::from(picture.width().max(picture.height()));
    let fit = |length: u32| ((f64::from(length) * side).round() as u32).max(1);
    let pixels = picture.to_rgba8();
    if small { pixels } else { resized(&pixels, fit(picture.width()), fit(picture.height())) }
}
