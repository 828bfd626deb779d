//! Pictures of stamped pages: the stamp is where the report says, and the mark is around it.

use eseal_documents::{Format, Language, Place};
use eseal_report::draw::{Mark, Problem, Request, Wish, child, request};
use eseal_report::exhibit::Picture;
use image::RgbImage;

use crate::documents::{report, sealed};

/// The page of the fixed documents on which their seals stand.
const PAGE: u32 = 2;
const BLUE: [u8; 3] = [0x0b, 0x57, 0xd0];

/// As the child draws it, in this process: its limits are tested beside them.
pub fn drawn(document: &[u8], format: Format, wishes: Vec<Wish>) -> Vec<Result<Picture, Problem>> {
    let wanted = wishes.len();
    let mut wire = Vec::new();
    Request { format, wishes }.write(document, &mut wire).expect("a request");
    let mut answers = Vec::new();
    child::answer(&wire[..], &mut answers, None).expect("answers");
    let mut answers = &answers[..];
    let next = |_| request::read_answer(&mut answers).expect("an answer").expect("as many as wishes").1;
    (0..wanted).map(next).collect()
}

fn pixels(picture: &Result<Picture, Problem>) -> RgbImage {
    let picture = picture.as_ref().expect("a picture");
    let image = image::load_from_memory(&picture.png).expect("a PNG").to_rgb8();
    assert_eq!(image.dimensions(), (picture.width, picture.height));
    image
}

fn is_red([r, g, b]: [u8; 3]) -> bool {
    r > 150 && g < 140 && b < 140
}

/// Red pixels inside a box and outside of all of them; `scale` is pixels per millimetre.
fn red(image: &RgbImage, places: &[Place], scale: f64) -> (usize, usize) {
    let within = |x: u32, y: u32| {
        let (x, y) = (f64::from(x) / scale, f64::from(y) / scale);
        places.iter().any(|p| {
            (p.x_mm - 0.5..p.x_mm + p.width_mm + 0.5).contains(&x)
                && (p.y_mm - 0.5..p.y_mm + p.height_mm + 0.5).contains(&y)
        })
    };
    let (inside, outside): (Vec<_>, Vec<_>) =
        image.enumerate_pixels().filter(|(_, _, pixel)| is_red(pixel.0)).partition(|(x, y, _)| within(*x, *y));
    (inside.len(), outside.len())
}

#[test]
fn the_stamp_stands_where_the_report_says_and_is_framed_in_blue() {
    for (ending, format) in [("ofd", Format::Ofd), ("pdf", Format::Pdf)] {
        let bytes = sealed(ending);
        let (found, _) = report(&bytes, Language::En);
        let stamps = found.seals.iter().flat_map(|seal| &seal.stamps).map(|stamp| stamp.visible());
        let on_first: Vec<_> = stamps.filter(|place| place.page == PAGE).collect();
        let marked = on_first.first().expect("a stamp on the page");
        let picture = drawn(&bytes, format, vec![Wish::Page { page: PAGE, marks: vec![Mark::from(marked)] }]);
        let image = pixels(&picture[0]);
        let scale = f64::from(image.width()) / 210.0;

        let (inside, outside) = red(&image, &on_first, scale);
        assert!(inside > 500, "{ending}: only {inside} red pixels in the boxes");
        assert_eq!(outside, 0, "{ending}: red pixels outside of every box");
        let px = |mm: f64| (mm * scale).round() as u32;
        let middle = px(marked.y_mm + marked.height_mm / 2.0);
        assert_eq!(image.get_pixel(px(marked.x_mm) - 3, middle).0, BLUE, "{ending}: the frame");
        let frame = image.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 == BLUE);
        let (xs, ys): (Vec<_>, Vec<_>) = frame.map(|(x, y, _)| (x, y)).unzip();
        let near = |a: Option<&u32>, b: u32| a.is_some_and(|a| a.abs_diff(b) <= 8);
        assert!(near(xs.iter().min(), px(marked.x_mm)) && near(xs.iter().max(), px(marked.x_mm + marked.width_mm)));
        assert!(near(ys.iter().min(), px(marked.y_mm)) && near(ys.iter().max(), px(marked.y_mm + marked.height_mm)));
    }
}

#[test]
fn an_impression_is_drawn_with_its_transparency() {
    let (found, _) = report(&sealed("ofd"), Language::En);
    let picture = &found.seals[0].seal.as_ref().expect("a seal").info().picture;
    let wish = Wish::Impression { kind: picture.kind.clone(), data: picture.data.clone() };
    let drawn = drawn(b"", Format::Ofd, vec![wish]);
    let png = &drawn[0].as_ref().expect("a picture").png;
    let image = image::load_from_memory(png).expect("a PNG").to_rgba8();
    assert!(image.width().max(image.height()) <= 480);
    assert_eq!(image.get_pixel(0, 0).0[3], 0, "the corner of a round seal is nothing");
    assert!(image.pixels().any(|pixel| pixel.0[3] > 200 && is_red([pixel.0[0], pixel.0[1], pixel.0[2]])));
}

#[test]
fn what_can_not_be_drawn_is_said_and_the_rest_is_drawn() {
    let png = image_of(image::ImageFormat::Png);
    let wishes = vec![
        Wish::Impression { kind: "PNG".to_owned(), data: b"\x89PNG\r\n\x1a\nbroken".to_vec() },
        Wish::Impression { kind: "SVG".to_owned(), data: b"<svg/>".to_vec() },
        Wish::Impression { kind: "ofd".to_owned(), data: b"PK\x03\x04".to_vec() },
        Wish::Impression { kind: "GIF".to_owned(), data: image_of(image::ImageFormat::Gif) },
        Wish::Impression { kind: "bmp".to_owned(), data: image_of(image::ImageFormat::Bmp) },
        // What it says it is does not matter, only what it is.
        Wish::Impression { kind: "JPG".to_owned(), data: png },
        Wish::Page { page: 0, marks: Vec::new() },
        Wish::Page { page: 99, marks: Vec::new() },
        Wish::Page { page: 2, marks: vec![Mark { x: f64::MAX, y: -1e9, w: 1e9, h: 0.0 }] },
    ];
    let drawn = drawn(&sealed("pdf"), Format::Pdf, wishes);
    let problems: Vec<_> = drawn.iter().map(|picture| picture.as_ref().err().copied()).collect();
    let missing = Some(Problem::PageMissing);
    let expected = [
        Some(Problem::Unreadable),
        Some(Problem::FormUnsupported),
        Some(Problem::Unreadable),
        None,
        None,
        None,
        missing,
        missing,
        None,
    ];
    assert_eq!(problems, expected);
}

#[test]
fn a_document_that_is_none_has_no_pages() {
    for format in [Format::Ofd, Format::Pdf] {
        for bytes in [&b""[..], b"%PDF-1.7", b"PK\x03\x04", &[0xff; 1000]] {
            let drawn = drawn(bytes, format, vec![Wish::Page { page: 1, marks: Vec::new() }]);
            assert!(matches!(drawn[0], Err(Problem::Unreadable | Problem::PageMissing)), "{:?}", drawn[0]);
        }
    }
}

fn image_of(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbaImage::from_pixel(3, 2, image::Rgba([200, 0, 0, 255]));
    image::DynamicImage::ImageRgba8(image).write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}
