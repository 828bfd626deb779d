//! How a seal looks on the page: its PNG as an image with a soft mask inside a form XObject.

use std::io::{Cursor, Write as _};

use eseal_seal::Seal;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::SEAL_KEY;
use super::object::{Dictionary, Id, Value};
use super::page::Rect;
use super::update::Update;
use crate::DocumentError;

/// Pixels on one side of an impression.
const MAX_SIDE: u32 = 4_000;

/// Bytes that decoding may take.
const MAX_DECODED: usize = 128 << 20;

/// A picture as PDF wants it: colours and opacity apart, both compressed.
struct Picture {
    width: u32,
    height: u32,
    /// `DeviceRGB` or `DeviceGray`, 8 bits a component.
    colour_space: &'static str,
    colours: Vec<u8>,
    /// Absent where every pixel is opaque.
    opacity: Option<Vec<u8>>,
}

/// Writes the appearance of a seal and gives the form's number.
///
/// The form names the seal that its picture is of, by the key that the signature dictionary uses. Other software that
/// compares revisions (pyHanko) accepts new objects that an appearance leads to, but none that only a signature does.
///
/// `rect` is the widget's rectangle in the page's own coordinates, on a page turned clockwise by `quarters`: the picture is
/// turned back, so that it is upright as the page is seen.
///
/// # Errors
/// [`DocumentError::SealUnusable`] where the picture cannot be read or is too large.
pub(crate) fn put(
    update: &mut Update,
    seal: &Seal,
    seal_id: Id,
    rect: &Rect,
    quarters: u8,
) -> Result<Id, DocumentError> {
    let picture = &seal.info().picture;
    if !picture.kind.eq_ignore_ascii_case("png") {
        return Err(unusable(format!("its picture is {:?}, and only PNG can be drawn on a page", picture.kind)));
    }
    let picture = Picture::decode(&picture.data)?;
    let mut image = picture.image(picture.colour_space);
    if let Some(opacity) = &picture.opacity {
        let mask = update.reserve();
        update.put_stream(mask, picture.image("DeviceGray"), opacity);
        image.set("SMask", Value::Reference(mask));
    }
    let image_id = update.reserve();
    update.put_stream(image_id, image, &picture.colours);

    // The form is drawn upright in its own box; /Matrix turns it, and viewers fit the result into the rectangle
    // (ISO 32000-1 §12.5.5, algorithm 8.1).
    let (width, height) =
        if quarters.is_multiple_of(2) { (rect.width(), rect.height()) } else { (rect.height(), rect.width()) };
    let turn: [i64; 6] = match quarters {
        0 => [1, 0, 0, 1, 0, 0],
        1 => [0, 1, -1, 0, 0, 0],
        2 => [-1, 0, 0, -1, 0, 0],
        _ => [0, -1, 1, 0, 0, 0],
    };
    let upright = Rect { left: 0.0, bottom: 0.0, right: width, top: height };
    let resources =
        Dictionary::from([("XObject", Value::Dictionary(Dictionary::from([("Seal", Value::Reference(image_id))])))]);
    let form = Dictionary::from([
        ("Type", Value::name("XObject")),
        ("Subtype", Value::name("Form")),
        ("BBox", upright.to_value()),
        ("Matrix", Value::Array(turn.map(Value::Integer).to_vec())),
        ("Resources", Value::Dictionary(resources)),
        (SEAL_KEY, Value::Reference(seal_id)),
    ]);
    let form_id = update.reserve();
    update.put_stream(form_id, form, format!("q {width:.4} 0 0 {height:.4} 0 0 cm /Seal Do Q").as_bytes());
    Ok(form_id)
}

impl Picture {
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

    fn image(&self, colour_space: &str) -> Dictionary {
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
