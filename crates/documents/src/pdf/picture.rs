//! The picture of a seal as PDF wants it: decoded from PNG once, and compressed once.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::object::{Dictionary, Value};
use crate::DocumentError;

/// Pixels on one side of an impression.
const MAX_SIDE: u32 = 4_000;

/// Bytes that decoding may take.
const MAX_DECODED: usize = 128 << 20;

/// A picture as PDF wants it: colours and opacity apart, both compressed.
#[derive(Clone)]
pub(crate) struct Picture {
    width: u32,
    height: u32,
    /// `DeviceRGB` or `DeviceGray`, 8 bits a component.
    colour_space: &'static str,
    pub colours: Vec<u8>,
    /// Absent where every pixel is opaque.
    pub opacity: Option<Vec<u8>>,
}

impl Picture {
    /// Makes the picture of a seal ready.
    ///
    /// # Errors
    /// [`DocumentError::SealUnusable`] where it cannot be read or is too large.
    pub(crate) fn of(picture: &eseal_seal::Picture) -> Result<Self, DocumentError> {
        if !picture.kind.eq_ignore_ascii_case("png") {
            return Err(unusable(format!("its picture is {:?}, and only PNG can be drawn on a page", picture.kind)));
        }
        Self::decode(&picture.data)
    }

    fn decode(png: &[u8]) -> Result<Self, DocumentError> {
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(png), png::Limits { bytes: MAX_DECODED });
        // Palettes and their transparency become plain colours; 16 bits become 8.
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
        let unreadable = |error: png::DecodingError| unusable(format!("its picture is no readable PNG: {error}"));
        let mut reader = decoder.read_info().map_err(unreadable)?;
        let (width, height) = reader.info().size();
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(unusable(format!("its picture has {width} × {height} pixels")));
        }
        let bytes = reader.output_buffer_size().filter(|bytes| *bytes <= MAX_DECODED);
        let mut pixels = vec![0; bytes.ok_or_else(|| unusable("its picture is too large".to_owned()))?];
        let frame = reader.next_frame(&mut pixels).map_err(unreadable)?;
        pixels.truncate(frame.buffer_size());
        let (colour_space, components, transparent) = match frame.color_type {
            png::ColorType::Grayscale => ("DeviceGray", 1, false),
            png::ColorType::GrayscaleAlpha => ("DeviceGray", 1, true),
            png::ColorType::Rgba => ("DeviceRGB", 3, true),
            png::ColorType::Rgb | png::ColorType::Indexed => ("DeviceRGB", 3, false),
        };
        let (colours, opacity) = if transparent { split(&pixels, components) } else { (pixels, None) };
        Ok(Self {
            width,
            height,
            colour_space,
            colours: compress(&colours)?,
            opacity: opacity.map(|opacity| compress(&opacity)).transpose()?,
        })
    }

    /// The image dictionary of its colours.
    pub(crate) fn image(&self) -> Dictionary {
        self.dictionary(self.colour_space)
    }

    /// The image dictionary of its opacity (ISO 32000-1 §11.6.5.3).
    pub(crate) fn mask(&self) -> Dictionary {
        self.dictionary("DeviceGray")
    }

    fn dictionary(&self, colour_space: &str) -> Dictionary {
        Dictionary::from([
            ("Type", Value::name("XObject")),
            ("Subtype", Value::name("Image")),
            ("Width", Value::Integer(i64::from(self.width))),
            ("Height", Value::Integer(i64::from(self.height))),
            ("ColorSpace", Value::name(colour_space)),
            ("BitsPerComponent", Value::Integer(8)),
            ("Filter", Value::name("FlateDecode")),
        ])
    }
}

fn unusable(what: String) -> DocumentError {
    DocumentError::SealUnusable { what }
}

/// Colours and opacity of pixels that have both; no opacity where all of them are opaque.
fn split(pixels: &[u8], components: usize) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut colours = Vec::with_capacity(pixels.len());
    let mut opacity = Vec::with_capacity(pixels.len() / (components + 1));
    for pixel in pixels.chunks_exact(components + 1) {
        let (colour, alpha) = pixel.split_at(components);
        colours.extend_from_slice(colour);
        opacity.extend_from_slice(alpha);
    }
    let opaque = opacity.iter().all(|alpha| *alpha == u8::MAX);
    (colours, (!opaque).then_some(opacity))
}

fn compress(data: &[u8]) -> Result<Vec<u8>, DocumentError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).and_then(|()| encoder.finish()).map_err(DocumentError::Write)
}
