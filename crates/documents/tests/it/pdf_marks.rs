//! Marks on a certified document whose author permits comments: those that leave the page to be read, and those that hide it.

use eseal_documents::NoteCode;
use eseal_documents::pdf::{Permitted, SealingOptions};

use super::pdf_shadows::form;
use crate::support::pdf_builder::ANNOTS;
use crate::support::pdf_harm::object;
use crate::support::pdf_parties::{PLACE, PdfWorld, try_verify};
use crate::support::pdf_update::{append, highest, stream_text};

/// The certified form, and its next free object number.
fn certified() -> (Vec<u8>, u32) {
    let options = SealingOptions { certifies: Some(Permitted::Comments), ..SealingOptions::default() };
    let sealed = PdfWorld::new().party("甲方").try_seal_with(&form(), &[PLACE.into()], options).expect("sealed").0;
    let next = highest(&sealed) + 1;
    (sealed, next)
}

/// A mark that is added: its entries, and its look with entries of that.
struct Mark<'a> {
    entries: &'a str,
    look: Option<(&'a str, &'a str)>,
}

/// The codes of the notes on the only seal after the mark came.
fn noted((sealed, next): &(Vec<u8>, u32), mark: &Mark<'_>) -> Vec<NoteCode> {
    let list = object(sealed, ANNOTS).replace(']', &format!(" {next} 0 R]"));
    let appearance = mark.look.map_or("", |_| "/AP << /N 99 0 R >>");
    let annotation = format!("<< /Type /Annot {} {appearance} >>", mark.entries);
    let look =
        mark.look.map(|(entries, content)| stream_text(&format!("/Type /XObject /Subtype /Form {entries}"), content));
    // What a look may name.
    let inner = stream_text(
        "/Type /XObject /Subtype /Form /BBox [0 0 260 60] /Group << /S /Transparency >>",
        "1 .9 .2 rg 0 0 260 60 re f",
    );
    let image = stream_text(
        "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray",
        "x",
    );
    let mut objects = vec![(ANNOTS, list.as_str()), (*next, &annotation), (97, &image), (98, &inner)];
    objects.extend(look.as_deref().map(|look| (99, look)));
    let report = try_verify(&append(sealed, &objects)).expect("a report");
    let seal = &report.seals[0];
    assert!(!seal.content.is_failed(), "{:?}", seal.steps);
    seal.notes.iter().map(|note| note.code).collect()
}

const HIGHLIGHT: &str = "/Subtype /Highlight /Rect [40 680 300 740] /QuadPoints [40 740 300 740 40 680 300 680]";
const INK: &str = "/Subtype /Ink /Rect [40 680 300 740] /InkList [[50 700 290 700]]";
const NOTE: &str = "/Subtype /Text /Name /Note /Rect [40 700 60 720]";
const BOX: &str = "/BBox [0 0 260 60]";
const MULTIPLY: &str = "/BBox [0 0 260 60] /Resources << /ExtGState << /G << /BM /Multiply >> /A << /ca .5 /CA .5 >> >> \
    /XObject << /F 98 0 R /I 97 0 R >> >>";
const ISOLATED: &str = "/BBox [0 0 260 60] /Group << /S /Transparency /I true >> \
    /Resources << /ExtGState << /G << /BM /Multiply >> >> >>";

#[test]
fn marks_that_leave_the_page_to_be_read_are_permitted_without_a_warning() {
    let document = certified();
    for (name, entries, look) in [
        ("no look", HIGHLIGHT, None),
        ("multiplied", HIGHLIGHT, Some((MULTIPLY, "/G gs 1 1 0 rg 0 0 260 60 re f"))),
        ("half opaque", HIGHLIGHT, Some((MULTIPLY, "/A gs 1 1 1 rg 0 0 260 60 re f"))),
        ("a multiplied group", HIGHLIGHT, Some((MULTIPLY, "q /G gs /F Do Q"))),
        ("a half opaque group", HIGHLIGHT, Some((MULTIPLY, "/A gs /F Do"))),
        ("a thin line", INK, Some((BOX, "0 0 1 RG 3 w 1 J 10 20 m 100 30 120 10 250 20 c S"))),
        ("a thin filled line", INK, Some((BOX, "0 0 1 rg 10 20 240 3 re f"))),
        ("ink without a look", INK, None),
        ("an underline", HIGHLIGHT, Some((BOX, "1 0 0 rg 0 0 260 1.5 re f"))),
        ("a note", NOTE, Some(("/BBox [0 0 20 20]", "1 1 0 rg 0 G 1 w 1 1 18 18 re B"))),
        ("nothing", HIGHLIGHT, Some((BOX, "1 1 1 rg 0 0 260 60 re W n"))),
    ] {
        let notes = noted(&document, &Mark { entries, look });
        assert!(notes.contains(&NoteCode::CommentsPermitted), "{name}: {notes:?}");
        assert!(!notes.contains(&NoteCode::CommentsMayCover), "{name}: {notes:?}");
    }
}

#[test]
fn marks_that_hide_the_page_are_told() {
    let document = certified();
    let strips: String = (0..40).map(|at| format!("0 {} 260 1.4 re f ", f64::from(at) * 1.5)).collect();
    let strips = format!("1 g {strips}");
    for (name, entries, look) in [
        ("paper", HIGHLIGHT, Some((BOX, "1 1 1 rg 0 0 260 60 re f"))),
        ("a small piece of paper", HIGHLIGHT, Some((BOX, "1 g 20 20 7 9 re f"))),
        ("paper as CMYK", HIGHLIGHT, Some((BOX, "0 0 0 0 k 0 0 m 260 0 l 260 60 l 0 60 l b"))),
        ("a colour of its own", HIGHLIGHT, Some((BOX, "/Cs cs 0 scn 0 0 260 60 re f"))),
        ("opaque yellow", HIGHLIGHT, Some((BOX, "1 1 0 rg 0 0 260 60 re f"))),
        ("black that is multiplied", HIGHLIGHT, Some((MULTIPLY, "/G gs 0 g 0 0 260 60 re f"))),
        ("multiplied with nothing", HIGHLIGHT, Some((ISOLATED, "/G gs 1 1 .5 rg 0 0 260 60 re f"))),
        ("made opaque again", HIGHLIGHT, Some((MULTIPLY, "q /A gs Q 1 g 0 0 260 60 re f"))),
        ("a picture", HIGHLIGHT, Some((MULTIPLY, "/I Do"))),
        ("a group", HIGHLIGHT, Some((MULTIPLY, "/F Do"))),
        ("made large", HIGHLIGHT, Some(("/BBox [0 0 2.6 .6]", "1 g 0 0 2.6 .6 re f"))),
        ("made large by a matrix", HIGHLIGHT, Some((BOX, "100 0 0 100 0 0 cm 1 g 0 0 2.6 .6 re f"))),
        ("a thick line", INK, Some((BOX, "0 0 1 RG 20 w 0 30 m 260 30 l S"))),
        ("a line of paper", INK, Some((BOX, "1 G 9 w 0 30 m 260 30 l S"))),
        ("strips", INK, Some((BOX, &strips))),
        (
            "thick ink without a look",
            "/Subtype /Ink /Rect [40 680 300 740] /C [1 1 1] /BS << /W 12 >> /InkList [[50 700 290 700]]",
            None,
        ),
        ("a note of paper", NOTE, Some(("/BBox [0 0 20 20]", "1 1 1 rg 0 0 20 20 re f"))),
        ("a square", "/Subtype /Square /Rect [40 680 300 740] /IC [1 1 1]", None),
        ("words", "/Subtype /FreeText /Rect [40 680 300 740] /Contents (a)", None),
    ] {
        let notes = noted(&document, &Mark { entries, look });
        assert!(notes.contains(&NoteCode::CommentsMayCover), "{name}: {notes:?}");
    }
}
