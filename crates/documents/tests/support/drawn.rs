//! Pages as `pdftoppm` draws them, looked at.

use eseal_documents::Place;

use super::peers::run;

const DPI: usize = 100;

/// A page as it is drawn.
pub struct Drawn {
    width: usize,
    pixels: Vec<u8>,
}

impl Drawn {
    /// Page number `page` of a document; `None` where there is no program to draw it.
    pub fn page(document: &[u8], page: u32) -> Option<Self> {
        Self::page_with(document, page, &[])
    }

    /// The same with more words for the program.
    pub fn page_with(document: &[u8], page: u32, words: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("document.pdf");
        std::fs::write(&file, document).expect("written");
        let (dpi, page) = (DPI.to_string(), page.to_string());
        let head = ["-r", &dpi, "-f", &page, "-l", &page, "-cropbox"];
        let output = run("pdftoppm", &[&head[..], words, &[file.to_str().expect("a name")]].concat())?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (width, pixels) = ppm(&output.stdout);
        Some(Self { width, pixels: pixels.to_vec() })
    }

    /// Whether there is something of the seals of the tests.
    pub fn has_red(&self) -> bool {
        self.red().next().is_some()
    }

    /// How much is red, in square millimetres.
    pub fn red_mm2(&self) -> f64 {
        self.red().count() as f64 * mm(1) * mm(1)
    }

    /// How many red pixels are outside of `place` and a pixel around it.
    pub fn red_outside(&self, place: Place) -> usize {
        self.red().filter(|pixel| !within(*pixel, place, 1.5 * mm(1))).count()
    }

    /// The dark pixels in `place`: text of the page.
    pub fn dark_in(&self, place: Place) -> usize {
        let dark = |pixel: &[u8]| pixel.iter().all(|part| *part < 90);
        self.positions(dark).filter(|pixel| within(*pixel, place, 0.0)).count()
    }

    /// Refuses a picture of the tests' seal that is not in `place` to half a millimetre, not upright, or not transparent.
    pub fn must_show(&self, place: Place, what: &str) {
        let here: Vec<_> = self.red().filter(|pixel| within(*pixel, place, 1.0)).collect();
        assert!(!here.is_empty(), "{what}: nothing at {place}");
        let across = here.iter().map(|(x, _)| mm(*x));
        let down = here.iter().map(|(_, y)| mm(*y));
        let (left, right) = (across.clone().fold(f64::MAX, f64::min), across.fold(0.0, f64::max) + mm(1));
        let (top, bottom) = (down.clone().fold(f64::MAX, f64::min), down.fold(0.0, f64::max) + mm(1));
        // The ring of the picture is 236 of its 240 pixels wide.
        let inset = place.width_mm * 2.0 / 240.0;
        let asked = [
            (left, place.x_mm + inset),
            (right, place.x_mm + place.width_mm - inset),
            (top, place.y_mm + inset),
            (bottom, place.y_mm + place.height_mm - inset),
        ];
        for (drawn, asked) in asked {
            assert!((drawn - asked).abs() < 0.5, "{what}: drawn at {drawn} mm, asked at {asked} mm");
        }
        // The bar is in the lower half.
        let middle = place.y_mm + place.height_mm / 2.0;
        let inner = |pixel: &(usize, usize)| (mm(pixel.0) - place.x_mm - place.width_mm / 2.0).abs() < 5.0;
        let inside: Vec<_> = here.iter().filter(|pixel| inner(pixel)).collect();
        let lower = inside.iter().filter(|pixel| mm(pixel.1) > middle).count();
        assert!(lower > 2 * (inside.len() - lower), "{what}: upside down");
    }

    fn red(&self) -> impl Iterator<Item = (usize, usize)> {
        self.positions(|pixel| pixel[0] > 150 && pixel[1] < 120 && pixel[2] < 120)
    }

    fn positions(&self, wanted: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = (usize, usize)> {
        let pixels = self.pixels.chunks_exact(3).enumerate();
        pixels.filter(move |(_, pixel)| wanted(pixel)).map(|(at, _)| (at % self.width, at / self.width))
    }
}

fn mm(pixels: usize) -> f64 {
    pixels as f64 * 25.4 / DPI as f64
}

fn within((x, y): (usize, usize), place: Place, around: f64) -> bool {
    let inside = |at: f64, start: f64, length: f64| at > start - around && at < start + length + around;
    let half = mm(1) / 2.0;
    inside(mm(x) + half, place.x_mm, place.width_mm) && inside(mm(y) + half, place.y_mm, place.height_mm)
}

/// Width and pixels of a PPM picture.
pub fn ppm(bytes: &[u8]) -> (usize, &[u8]) {
    let mut rest = bytes;
    let mut fields = Vec::new();
    while fields.len() < 4 {
        let end = rest.iter().position(u8::is_ascii_whitespace).expect("a header");
        fields.push(String::from_utf8_lossy(&rest[..end]).into_owned());
        rest = &rest[end + 1..];
    }
    assert_eq!(fields[0], "P6");
    (fields[1].parse().expect("a width"), rest)
}
