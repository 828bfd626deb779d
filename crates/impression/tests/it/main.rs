//! Seals drawn, drawings converted, and pictures from outside.

#![allow(clippy::print_stdout, reason = "a test that was skipped says so")]

mod drawn;
mod pictures;
mod svg;

use std::sync::LazyLock;

use eseal_impression::{Font, ImpressionError};

/// The best installed font; none where the machine has no Chinese font, and then what needs one is skipped.
static FONT: LazyLock<Option<Font>> = LazyLock::new(|| match Font::installed() {
    Ok(font) => Some(font),
    Err(ImpressionError::NoFont) => {
        println!("skipped: no Chinese font is installed");
        None
    }
    Err(other) => panic!("{other}"),
});

/// A picture, decoded: eight bits of red, green, blue and alpha a pixel.
struct Pixels {
    width: usize,
    height: usize,
    rgba: Vec<u8>,
}

impl Pixels {
    fn of(file: &[u8]) -> Self {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
        let mut reader = decoder.read_info().expect("a PNG");
        let mut rgba = vec![0; reader.output_buffer_size().expect("a size")];
        let frame = reader.next_frame(&mut rgba).expect("pixels");
        assert_eq!(frame.color_type, png::ColorType::Rgba);
        Self { width: frame.width as usize, height: frame.height as usize, rgba }
    }

    /// Red, green, blue and alpha at a place given as a share of width and height.
    fn at(&self, x: f64, y: f64) -> [u8; 4] {
        let column = ((self.width as f64 * x) as usize).min(self.width - 1);
        let row = ((self.height as f64 * y) as usize).min(self.height - 1);
        let start = 4 * (row * self.width + column);
        self.rgba[start..start + 4].try_into().expect("four bytes")
    }

    /// The share of the pixels inside a box (left, top, right, bottom, as shares) that have ink.
    fn inked(&self, [left, top, right, bottom]: [f64; 4]) -> f64 {
        let columns = (self.width as f64 * left) as usize..(self.width as f64 * right) as usize;
        let rows = (self.height as f64 * top) as usize..(self.height as f64 * bottom) as usize;
        let all = (columns.len() * rows.len()) as f64;
        let inked = rows.flat_map(|row| columns.clone().map(move |column| 4 * (row * self.width + column) + 3));
        inked.filter(|alpha| self.rgba[*alpha] > 0x80).count() as f64 / all
    }

    /// The share of the pixels at a distance from the middle (in shares of half the width) that have ink, between two
    /// angles in degrees clockwise from the top.
    fn inked_on_ring(&self, distances: std::ops::Range<f64>, angles: std::ops::Range<f64>) -> f64 {
        let (mut all, mut inked) = (0_u32, 0_u32);
        for row in 0..self.height {
            for column in 0..self.width {
                let x = (column as f64 + 0.5) / self.width as f64 * 2.0 - 1.0;
                let y = (row as f64 + 0.5) / self.height as f64 * 2.0 - 1.0;
                let angle = x.atan2(-y).to_degrees().rem_euclid(360.0);
                if distances.contains(&x.hypot(y)) && angles.contains(&angle) {
                    all += 1;
                    inked += u32::from(self.rgba[4 * (row * self.width + column) + 3] > 0x80);
                }
            }
        }
        f64::from(inked) / f64::from(all.max(1))
    }
}
