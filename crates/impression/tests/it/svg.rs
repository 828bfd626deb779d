//! Drawings from outside.

use eseal_impression::{ImpressionError, MAX_SVG_BYTES, SvgProblem, check, from_svg};
use proptest::prelude::*;

use crate::{FONT, Pixels};

#[test]
fn a_drawing_becomes_a_picture_of_its_size_and_colours() {
    let Some(file) = converted(r##"<circle cx="50" cy="50" r="40" fill="#E60012"/>"##) else { return };
    let file = file.expect("converted");
    assert!(check(&file).is_ok_and(|checked| checked.has_alpha));
    let pixels = Pixels::of(&file);
    assert_eq!((pixels.width, pixels.height), (992, 992));
    assert_eq!(pixels.at(0.5, 0.5), [0xE6, 0x00, 0x12, 0xFF]);
    assert_eq!(pixels.at(0.02, 0.02)[3], 0);
}

#[test]
fn proportions_are_kept_and_the_drawing_is_centred() {
    let Some(font) = &*FONT else { return };
    let wide = svg(r#"viewBox="0 0 200 100""#, r#"<rect width="200" height="100"/>"#);
    let pixels = Pixels::of(&from_svg(wide.as_bytes(), 40, 40, font).expect("converted"));
    assert_eq!((pixels.at(0.5, 0.2)[3], pixels.at(0.5, 0.5)[3], pixels.at(0.5, 0.8)[3]), (0, 0xFF, 0));
}

#[test]
fn texts_are_drawn_in_the_font_given() {
    let Some(file) = converted(r#"<text x="10" y="70" font-size="60">章</text>"#) else { return };
    let pixels = Pixels::of(&file.expect("converted"));
    assert!(pixels.inked([0.1, 0.2, 0.7, 0.8]) > 0.1);
}

#[test]
fn a_text_whose_family_is_not_here_is_drawn_all_the_same() {
    let text = r#"<text x="10" y="70" font-size="60" font-family="No Such Family">章</text>"#;
    let Some(file) = converted(text) else { return };
    assert!(Pixels::of(&file.expect("converted")).inked([0.1, 0.2, 0.7, 0.8]) > 0.1);
}

#[test]
fn a_character_that_the_font_lacks_is_an_error_and_not_a_hole() {
    let Some(file) = converted("<text>章\u{10FFFD}</text>") else { return };
    assert!(matches!(file, Err(ImpressionError::MissingCharacter('\u{10FFFD}'))), "{file:?}");
}

#[test]
fn references_inside_the_drawing_are_followed() {
    let drawing = r##"<defs><circle id="c" r="20"/></defs><use href="#c" x="50" y="50" fill="url(#nothing)"/><use href="#c" x="50" y="50"/>"##;
    let Some(file) = converted(drawing) else { return };
    assert_eq!(Pixels::of(&file.expect("converted")).at(0.5, 0.5)[3], 0xFF);
}

#[test]
fn nothing_outside_of_the_drawing_is_read() {
    let Some(font) = &*FONT else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let secret = directory.path().join("secret.svg");
    std::fs::write(&secret, svg("", r#"<rect width="100" height="100"/>"#)).expect("written");
    let secret = secret.display();
    for (drawing, what) in [
        (format!(r#"<image href="{secret}" width="9" height="9"/>"#), "image"),
        (r#"<image href="data:image/png;base64,AAAA"/>"#.to_owned(), "image"),
        (format!(r#"<use href="{secret}#x"/>"#), "file"),
        (format!(r#"<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="file://{secret}#x"/>"#), "file"),
        (r#"<rect fill="url(http://example.com/#g)" width="9" height="9"/>"#.to_owned(), "http"),
        (r#"<rect style="fill: URL( 'https://example.com/#g' )" width="9" height="9"/>"#.to_owned(), "https"),
        (r#"<style>@import "http://example.com/a.css"; rect {}</style><rect/>"#.to_owned(), "import"),
        (r#"<style>@font-face { src: url(file:///etc/passwd) }</style><rect/>"#.to_owned(), "font"),
        ("<script>alert(1)</script>".to_owned(), "script"),
        ("<foreignObject/>".to_owned(), "foreignObject"),
        (r#"<filter id="f"><feGaussianBlur stdDeviation="9999"/></filter>"#.to_owned(), "filter"),
        (r#"<animate attributeName="x"/>"#.to_owned(), "animate"),
    ] {
        let result = from_svg(svg("", &drawing).as_bytes(), 42, 42, font);
        let is_typed = matches!(&result, Err(ImpressionError::Svg(SvgProblem::Element(_) | SvgProblem::Reference(_))));
        assert!(is_typed, "{what}: {result:?}");
    }
}

#[test]
fn entities_are_not_expanded() {
    let Some(font) = &*FONT else { return };
    let laughs: String =
        (1..9).map(|i| format!("<!ENTITY l{i} '&l{0};&l{0};&l{0};&l{0};&l{0};&l{0};&l{0};&l{0};'>", i - 1)).collect();
    let bomb = format!("<!DOCTYPE svg [<!ENTITY l0 'ha'>{laughs}]>{}", svg("", "<text>&l8;</text>"));
    let external = format!("<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>{}", svg("", "<text>&x;</text>"));
    for drawing in [bomb, external] {
        let result = from_svg(drawing.as_bytes(), 42, 42, font);
        assert!(matches!(result, Err(ImpressionError::Svg(SvgProblem::DocumentType))), "{result:?}");
    }
}

#[test]
fn drawings_that_blow_up_are_refused() {
    let Some(font) = &*FONT else { return };
    let problem = |drawing: &str| match from_svg(svg("", drawing).as_bytes(), 42, 42, font) {
        Err(ImpressionError::Svg(problem)) => problem,
        other => panic!("accepted: {other:?}"),
    };
    // Each line draws the one before it ten times: 10^8 circles.
    let mut doubling = r#"<g id="g0"><circle r="1"/></g>"#.to_owned();
    for i in 1..9 {
        let uses = format!(r##"<use href="#g{}"/>"##, i - 1).repeat(10);
        doubling.push_str(&format!(r#"<g id="g{i}">{uses}</g>"#));
    }
    assert!(matches!(problem(&doubling), SvgProblem::TooManyElements(_)));
    assert!(matches!(problem(&"<g/>".repeat(30_000)), SvgProblem::TooManyElements(_)));
    assert!(matches!(problem(&format!("{}{}", "<g>".repeat(1_000), "</g>".repeat(1_000))), SvgProblem::TooDeep(_)));
    assert!(matches!(problem(r##"<g id="a"><use href="#a"/></g>"##), SvgProblem::TooDeep(_)), "a circle of references");
    let path = format!(r#"<path id="p" d="M0 0{}"/>"#, "L9 9L1 1".repeat(20_000));
    assert!(matches!(
        problem(&format!("{path}{}", r##"<use href="#p"/>"##.repeat(100))),
        SvgProblem::TooManyElements(_)
    ));
    let dashes = r#"<path d="M0 0H99999999V99999999" stroke="red" stroke-dasharray="0.001 0.001"/>"#;
    assert!(matches!(problem(dashes), SvgProblem::TooCostly(_)));
    let layers = r#"<g opacity="0.5"><rect width="1" height="1"/><rect width="2" height="2"/></g>"#.repeat(300);
    assert!(matches!(problem(&layers), SvgProblem::TooCostly(_)));
    let style = format!("<style>{}</style><rect/>", "rect{fill:red}".repeat(10_000));
    assert!(matches!(problem(&style), SvgProblem::TooCostly(_)));
    let large = svg("", &" ".repeat(MAX_SVG_BYTES));
    assert!(matches!(from_svg(large.as_bytes(), 42, 42, font), Err(ImpressionError::TooManyBytes { .. })));
}

#[test]
fn a_drawing_nested_a_hundred_thousand_deep_does_not_exhaust_the_stack() {
    let Some(font) = &*FONT else { return };
    let deep = svg("", &format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000)));
    assert!(matches!(from_svg(deep.as_bytes(), 42, 42, font), Err(ImpressionError::Svg(_))));
}

#[test]
fn what_is_no_drawing_is_refused() {
    let Some(font) = &*FONT else { return };
    for bytes in [&b""[..], b"no xml", b"<html/>", b"\xff\xfe", b"<svg", b"\x1f\x8b\x08\0"] {
        let result = from_svg(bytes, 42, 42, font);
        assert!(matches!(result, Err(ImpressionError::Svg(_))), "{result:?}");
    }
    let nothing = from_svg(svg("", "<g/>").as_bytes(), 42, 42, font);
    assert!(matches!(nothing, Err(ImpressionError::Empty)), "{nothing:?}");
    let sized = from_svg(svg("", "<rect/>").as_bytes(), 9, 42, font);
    assert!(matches!(sized, Err(ImpressionError::Size { .. })), "{sized:?}");
    for size in [r#"width="0" height="0""#, r#"width="1e30" height="1""#, r#"viewBox="0 0 -1 NaN""#] {
        let _ = from_svg(svg(size, r#"<rect width="1" height="1"/>"#).as_bytes(), 42, 42, font);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn changed_drawings_never_panic(at: proptest::sample::Index, to in " -~") {
        if let Some(font) = &*FONT {
            let drawing = svg("", r##"<g transform="rotate(9)"><path d="M1 1L9 9A3 3 0 0 1 5 5Z" stroke="red"/><text x="1e1">章</text></g>"##);
            let mut bytes = drawing.into_bytes();
            let at = at.index(bytes.len());
            bytes.splice(at..=at, to.bytes());
            let _ = from_svg(&bytes, 10, 10, font);
        }
    }
}

fn converted(drawing: &str) -> Option<Result<Vec<u8>, ImpressionError>> {
    let font = FONT.as_ref()?;
    Some(from_svg(svg(r#"viewBox="0 0 100 100""#, drawing).as_bytes(), 42, 42, font))
}

fn svg(attributes: &str, content: &str) -> String {
    format!(r#"<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{content}</svg>"#)
}
