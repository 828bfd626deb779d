//! Seals that the system draws.

use eseal_impression::{Design, Font, ImpressionError, Shape, check, draw};

use crate::{FONT, Pixels};

const RED: [u8; 3] = [0xE6, 0x00, 0x12];

#[test]
fn a_round_seal_has_ring_star_name_caption_and_code_in_their_places() {
    let Some(font) = &*FONT else { return };
    let pixels = Pixels::of(&draw(&company(), font).expect("drawn"));
    assert_eq!((pixels.width, pixels.height), (992, 992), "42 mm at 600 dots per inch");
    assert!(pixels.inked_on_ring(0.95..0.99, 0.0..360.0) > 0.99, "the ring is closed");
    assert_eq!(pixels.at(0.5, 0.5)[..3], RED, "the star is red");
    assert!(pixels.inked([0.45, 0.45, 0.55, 0.55]) > 0.99, "and in the middle");
    assert!(pixels.inked([0.49, 0.335, 0.51, 0.36]) > 0.3 && pixels.at(0.5, 0.32)[3] == 0, "with one point up");
    assert!(pixels.inked_on_ring(0.62..0.88, 300.0..360.0) > 0.15, "the name is on the upper arc");
    assert!(pixels.inked_on_ring(0.62..0.88, 0.0..60.0) > 0.15, "on both sides");
    assert!(pixels.inked([0.3, 0.70, 0.7, 0.79]) > 0.1, "the caption is below the star");
    assert!(pixels.inked_on_ring(0.81..0.9, 155.0..205.0) > 0.05, "the code is on the lower arc");
    assert_eq!(pixels.inked_on_ring(0.62..0.9, 128.0..135.0), 0.0, "between name and code there is nothing");
}

#[test]
fn what_has_no_ink_is_transparent() {
    let Some(font) = &*FONT else { return };
    let file = draw(&company(), font).expect("drawn");
    let checked = check(&file).expect("a good picture");
    assert!(checked.has_alpha);
    let pixels = Pixels::of(&file);
    for (x, y) in [(0.0, 0.0), (0.99, 0.0), (0.0, 0.99), (0.99, 0.99), (0.5, 0.3)] {
        assert_eq!(pixels.at(x, y), [0xFF, 0xFF, 0xFF, 0], "at {x}, {y}");
    }
    assert!(pixels.rgba.chunks_exact(4).all(|p| p[3] == 0 || p[..3] == RED), "one ink, more or less of it");
}

#[test]
fn a_seal_without_caption_and_code_has_nothing_there() {
    let Some(font) = &*FONT else { return };
    let pixels = Pixels::of(&draw(&Design { caption: None, code: None, ..company() }, font).expect("drawn"));
    assert_eq!(pixels.inked([0.3, 0.70, 0.7, 0.92]), 0.0);
}

#[test]
fn names_of_every_length_fit_between_ring_and_star() {
    let Some(font) = &*FONT else { return };
    let longest = "某".repeat(66);
    let latin = "W".repeat(200);
    let mixed = "某W".repeat(50);
    for name in ["章", "某公司", "苏州市示范软件技术股份有限公司", longest.as_str(), latin.as_str(), mixed.as_str()]
    {
        let pixels = Pixels::of(&draw(&Design { organization: name, ..company() }, font).expect("drawn"));
        let bytes = name.len();
        assert_eq!(pixels.inked_on_ring(0.91..0.935, 0.0..360.0), 0.0, "{bytes} bytes: free of the ring");
        assert_eq!(pixels.inked_on_ring(0.38..0.58, 0.0..120.0), 0.0, "{bytes} bytes: free of the star");
        assert!(pixels.inked_on_ring(0.6..0.91, 340.0..360.0) > 0.0, "{bytes} bytes: there is a name");
        assert_eq!(pixels.inked_on_ring(0.62..0.9, 128.0..135.0), 0.0, "{bytes} bytes: free of the code");
    }
}

#[test]
fn a_name_stands_in_the_middle_of_its_arc() {
    let Some(font) = &*FONT else { return };
    let pixels = Pixels::of(&draw(&Design { organization: "某某某某某某某某", ..company() }, font).expect("drawn"));
    let (left, right) = (pixels.inked_on_ring(0.62..0.9, 236.0..360.0), pixels.inked_on_ring(0.62..0.9, 0.0..124.0));
    assert!((left - right).abs() < 0.02, "{left} and {right}");
}

#[test]
fn oval_seals_have_the_name_above_the_code_across_and_the_caption_below() {
    let Some(font) = &*FONT else { return };
    let design = Design { shape: Shape::Oval, width_mm: 40, height_mm: 30, ..company() };
    let pixels = Pixels::of(&draw(&design, font).expect("drawn"));
    assert_eq!((pixels.width, pixels.height), (945, 709));
    assert!(pixels.inked_on_ring(0.965..0.99, 0.0..360.0) > 0.9, "the ring is closed");
    assert!(pixels.inked([0.3, 0.1, 0.7, 0.3]) > 0.1, "name");
    assert!(pixels.inked([0.25, 0.47, 0.75, 0.59]) > 0.1, "code");
    assert!(pixels.inked([0.3, 0.68, 0.7, 0.82]) > 0.1, "caption");
}

#[test]
fn square_seals_are_read_in_columns_from_the_right() {
    let Some(font) = &*FONT else { return };
    let design = Design {
        shape: Shape::Square,
        organization: "一口",
        caption: Some("一一"),
        code: None,
        width_mm: 20,
        height_mm: 20,
    };
    let pixels = Pixels::of(&draw(&design, font).expect("drawn"));
    assert!(pixels.inked([0.0, 0.0, 1.0, 0.03]) > 0.99, "the frame");
    let cells = [[0.52, 0.1, 0.9, 0.48], [0.52, 0.52, 0.9, 0.9], [0.1, 0.1, 0.48, 0.48], [0.1, 0.52, 0.48, 0.9]];
    let [one, mouth, third, fourth] = cells.map(|cell| pixels.inked(cell));
    assert!(mouth > 2.0 * one, "一 above 口 in the right column: {one} {mouth}");
    assert!((third - one).abs() < 0.02 && (fourth - one).abs() < 0.02, "一 and 一 in the left one: {third} {fourth}");
}

#[test]
fn a_name_in_another_script_stands_in_lines_on_a_square_seal() {
    let Some(font) = &*FONT else { return };
    let organization = "l _____";
    let design = Design { shape: Shape::Square, organization, caption: None, code: None, width_mm: 20, height_mm: 20 };
    let pixels = Pixels::of(&draw(&design, font).expect("drawn"));
    assert!(pixels.inked([0.4, 0.1, 0.6, 0.5]) > 0.1, "l in the middle of the first line");
    assert!(pixels.inked([0.1, 0.5, 0.9, 0.95]) > 0.01, "a stroke across the second");
    assert_eq!(pixels.inked([0.1, 0.1, 0.3, 0.5]), 0.0, "nothing beside the l");
}

#[test]
fn large_seals_stay_within_what_is_accepted() {
    let Some(font) = &*FONT else { return };
    for (shape, width_mm, height_mm) in [(Shape::Round, 100, 100), (Shape::Oval, 100, 10), (Shape::Square, 10, 10)] {
        let checked = check(&draw(&Design { shape, width_mm, height_mm, ..company() }, font).expect("drawn"));
        let checked = checked.expect("what is drawn is accepted");
        let dots_per_inch = f64::from(checked.width_px) / f64::from(width_mm) * 25.4;
        assert!((300.0..=601.0).contains(&dots_per_inch), "{dots_per_inch}");
    }
}

#[test]
fn the_same_design_gives_the_same_file() {
    let Some(font) = &*FONT else { return };
    assert_eq!(draw(&company(), font).expect("drawn"), draw(&company(), font).expect("drawn"));
}

#[test]
fn a_character_that_the_font_lacks_is_an_error_and_not_a_hole() {
    let Some(font) = &*FONT else { return };
    let result = draw(&Design { organization: "某\u{10FFFD}公司", ..company() }, font);
    assert!(matches!(result, Err(ImpressionError::MissingCharacter('\u{10FFFD}'))), "{result:?}");
}

#[test]
fn scripts_that_join_their_letters_are_refused_rather_than_misspelt() {
    let Some(font) = &*FONT else { return };
    for organization in ["شىنجاڭ", "བོད་ལྗོངས", "ᠮᠣᠩᠭᠣᠯ", "e\u{301}"] {
        let result = draw(&Design { organization, ..company() }, font);
        assert!(matches!(result, Err(ImpressionError::JoinedScript(_))), "{organization}: {result:?}");
    }
}

#[test]
fn texts_and_sizes_out_of_bounds_are_refused() {
    let Some(font) = &*FONT else { return };
    let field = |design: &Design<'_>| match draw(design, font) {
        Err(ImpressionError::Text { field, .. }) => Some(field),
        _ => None,
    };
    let long = "某".repeat(10_000_000 / 3);
    for organization in ["", "   ", "某\n公司", long.as_str()] {
        assert_eq!(field(&Design { organization, ..company() }), Some("organization"));
    }
    assert_eq!(field(&Design { caption: Some(&long), ..company() }), Some("caption"));
    assert_eq!(field(&Design { code: Some(&long), ..company() }), Some("code"));
    for (width_mm, height_mm) in [(0, 0), (9, 42), (42, 101), (u32::MAX, u32::MAX)] {
        let result = draw(&Design { shape: Shape::Oval, width_mm, height_mm, ..company() }, font);
        assert!(matches!(result, Err(ImpressionError::Size { .. })), "{result:?}");
    }
    let result = draw(&Design { width_mm: 40, ..company() }, font);
    assert!(matches!(result, Err(ImpressionError::NotRound)), "{result:?}");
}

#[test]
fn a_font_file_that_is_missing_or_no_font_is_a_typed_error() {
    let missing = Font::from_file("/nowhere/font.ttf".as_ref());
    assert!(matches!(missing, Err(ImpressionError::FontFile { .. })), "{missing:?}");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("font.ttf");
    for bytes in [&b""[..], b"no font", b"\0\x01\0\0\xff\xff\xff\xff\xff\xff\xff\xff"] {
        let result = Font::from_bytes(bytes.to_vec());
        assert!(matches!(result, Err(ImpressionError::NotAFont)), "{result:?}");
        std::fs::write(&file, bytes).expect("written");
        let result = Font::from_file(&file);
        assert!(matches!(result, Err(ImpressionError::NotAFont | ImpressionError::FontFile { .. })), "{result:?}");
    }
}

#[test]
fn the_error_for_a_machine_without_fonts_says_what_to_install() {
    assert!(ImpressionError::NoFont.to_string().contains("apt-get install fonts-noto-cjk"));
}

fn company() -> Design<'static> {
    Design {
        shape: Shape::Round,
        organization: "苏州市示范软件有限公司",
        caption: Some("合同专用章"),
        code: Some("32050000011053"),
        width_mm: 42,
        height_mm: 42,
    }
}
