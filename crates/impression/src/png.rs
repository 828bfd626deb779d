//! PNG files: written here, and checked when they come from outside.

use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Filter, Limits, PixelDimensions, Transformations, Unit};
use resvg::tiny_skia::Pixmap;

use crate::error::ImpressionError;

/// Bytes of a picture from outside.
pub const MAX_BYTES: usize = 1 << 20;
/// Pixels of the longer side.
pub const MAX_SIDE: u32 = 2000;
/// Pixels of the shorter side: fewer are no picture of a seal.
pub(crate) const MIN_SIDE: u32 = 16;
/// What decoding may take beside the picture itself.
const MAX_DECODER_BYTES: usize = 32 << 20;
const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// What a picture from outside turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Whether any pixel lets the page show through. Without that, a seal covers what it is put on.
    pub has_alpha: bool,
}

/// Whether a file can be the picture of a seal: a PNG of at most [`MAX_BYTES`] and [`MAX_SIDE`] pixels a side that
/// decodes to its end and is not empty. The size is read from the header before anything is decoded.
///
/// # Errors
/// What is wrong with it.
pub fn check(file: &[u8]) -> Result<Checked, ImpressionError> {
    if !file.starts_with(&SIGNATURE) {
        return Err(ImpressionError::NotPng);
    }
    if file.len() > MAX_BYTES {
        return Err(ImpressionError::TooManyBytes { max: MAX_BYTES, actual: file.len() });
    }
    let mut cursor = Cursor::new(file);
    let checked = decode(&mut cursor)?;
    if usize::try_from(cursor.position()) != Ok(file.len()) {
        return Err(ImpressionError::DamagedPng("there are bytes behind its end".to_owned()));
    }
    Ok(checked)
}

fn decode(cursor: &mut Cursor<&[u8]>) -> Result<Checked, ImpressionError> {
    let mut decoder = Decoder::new_with_limits(cursor, Limits { bytes: MAX_DECODER_BYTES });
    // Compressed texts and colour profiles are of no use here, and a place for bombs.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width, header.height);
    if width.min(height) < MIN_SIDE || width.max(height) > MAX_SIDE {
        return Err(ImpressionError::Pixels { width, height });
    }
    let mut reader = decoder.read_info().map_err(damaged)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(ImpressionError::Pixels { width, height })?];
    let frame = reader.next_frame(&mut pixels).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    let samples = frame.color_type.samples();
    let mut alphas = match frame.color_type {
        ColorType::GrayscaleAlpha | ColorType::Rgba => pixels.chunks_exact(samples).map(|pixel| pixel[samples - 1]),
        ColorType::Grayscale | ColorType::Rgb | ColorType::Indexed => {
            return Ok(Checked { width_px: width, height_px: height, has_alpha: false });
        }
    };
    if alphas.clone().all(|alpha| alpha == 0) {
        return Err(ImpressionError::Empty);
    }
    Ok(Checked { width_px: width, height_px: height, has_alpha: alphas.any(|alpha| alpha < 0xFF) })
}

/// Eight bits of red, green, blue and alpha a pixel; the resolution is written as well.
pub(crate) fn encode(pixmap: Pixmap, pixels_per_mm: f32) -> Result<Vec<u8>, ImpressionError> {
    let mut file = Vec::new();
    let mut encoder = encoder(&mut file, &pixmap, pixels_per_mm);
    encoder.set_color(ColorType::Rgba);
    write(encoder, &pixmap.take_demultiplied(), |pixel| pixel[3] == 0, 4)?;
    Ok(file)
}

/// A picture of one ink: a byte a pixel that says how much of it, with a palette of 256 transparencies. Half the size of
/// [`encode`]. What no ink touched is transparent white, so that software without transparency shows paper.
pub(crate) fn encode_ink(pixmap: Pixmap, ink: [u8; 3], pixels_per_mm: f32) -> Result<Vec<u8>, ImpressionError> {
    let alphas: Vec<u8> = pixmap.pixels().iter().map(|pixel| pixel.alpha()).collect();
    let mut palette = [[0xFF; 3]; 256];
    palette[1..].fill(ink);
    let mut file = Vec::new();
    let mut encoder = encoder(&mut file, &pixmap, pixels_per_mm);
    encoder.set_color(ColorType::Indexed);
    encoder.set_palette(palette.as_flattened());
    encoder.set_trns((0..=0xFF).collect::<Vec<u8>>());
    // A palette's neighbours have nothing to predict each other by (PNG, 12.7).
    encoder.set_filter(Filter::NoFilter);
    write(encoder, &alphas, |pixel| pixel[0] == 0, 1)?;
    Ok(file)
}

fn encoder<'a>(file: &'a mut Vec<u8>, pixmap: &Pixmap, pixels_per_mm: f32) -> Encoder<'a, &'a mut Vec<u8>> {
    let mut encoder = Encoder::new(file, pixmap.width(), pixmap.height());
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    let per_metre = (pixels_per_mm * 1000.0).round() as u32;
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }));
    encoder
}

fn write(
    encoder: Encoder<'_, &mut Vec<u8>>,
    pixels: &[u8],
    is_transparent: impl Fn(&[u8]) -> bool,
    bytes_per_pixel: usize,
) -> Result<(), ImpressionError> {
    if pixels.chunks_exact(bytes_per_pixel).all(is_transparent) {
        return Err(ImpressionError::Empty);
    }
    let mut writer = encoder.write_header().map_err(not_encoded)?;
    writer.write_image_data(pixels).map_err(not_encoded)?;
    writer.finish().map_err(not_encoded)
}

fn damaged(problem: png::DecodingError) -> ImpressionError {
    ImpressionError::DamagedPng(problem.to_string())
}

fn not_encoded(problem: png::EncodingError) -> ImpressionError {
    ImpressionError::Encoding(problem.to_string())
}
