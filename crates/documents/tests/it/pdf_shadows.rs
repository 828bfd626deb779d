//! Sealed PDF documents that were made to be changed: what they hide is shown, covered or drawn otherwise by an update that
//! seems harmless.

use eseal_documents::pdf::{Permitted, SealingOptions};
use eseal_documents::{DocumentReport, NoteCode, Place};

use super::pdf_certification::with_field;
use crate::support::glance::{Seen, seen};
use crate::support::pdf_builder::{ANNOTS, Annots, FIRST_PAGE, FORM, Form, PLAIN, Shape, TEXT_FIELD, TEXT_LOOK};
use crate::support::pdf_harm::{assert_forbidden, assert_permitted, has, is_flagged, object, sealed_form};
use crate::support::pdf_parties::{PLACE, PdfWorld, try_verify, verify};
use crate::support::pdf_update::{append, highest, stream_text};

/// A form with a text field and a note, each a list of its own.
pub fn form() -> Vec<u8> {
    Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN }.build()
}

/// `document` with these annotations between its own, sealed.
fn sealed_with(annotations: &[(u32, &str)], listed: &str) -> Vec<u8> {
    let document = form();
    let list = object(&document, ANNOTS).replace("9 0 R ", &format!("9 0 R {listed} "));
    let objects = [&[(ANNOTS, list.as_str())], annotations].concat();
    PdfWorld::new().party("甲方").seal(&append(&document, &objects))
}

/// The list of annotations of a sealed form, with one text replaced.
fn relisted(sealed: &[u8], from: &str, to: &str) -> Vec<u8> {
    let list = object(sealed, ANNOTS);
    assert!(list.contains(from), "{list}");
    append(sealed, &[(ANNOTS, &list.replace(from, to))])
}

/// Something that no reader of ours follows, and others may.
fn deep() -> String {
    format!("{}{}", "[".repeat(200), "]".repeat(200))
}

fn picture(text: &str) -> String {
    stream_text("/Type /XObject /Subtype /Form /BBox [0 0 600 800]", &format!("BT /F1 24 Tf 0 20 Td ({text})Tj ET"))
}

/// A form that was sealed, with a field or annotation added to both lists.
fn with_added(sealed: &[u8], entries: &str, more: &[(u32, &str)]) -> Vec<u8> {
    let number = highest(sealed) + 1;
    let list = object(sealed, ANNOTS).replace(']', &format!(" {number} 0 R]"));
    let form = object(sealed, FORM).replace("/Fields [", &format!("/Fields [{number} 0 R "));
    let entries = format!("<< /Type /Annot /Subtype /Widget /FT /Sig /T (More) /F 4 {entries} >>");
    let objects = [(ANNOTS, list.as_str()), (FORM, form.as_str()), (number, entries.as_str())];
    append(sealed, &[&objects, more].concat())
}

#[track_caller]
fn assert_flagged(document: &[u8], code: NoteCode) -> DocumentReport {
    let report = verify(document);
    assert!(has(&report, code) && is_flagged(&report), "{:?} {:?}", report.seals[0].steps, report.seals[0].notes);
    report
}

#[test]
fn what_lies_on_top_of_what_may_not_change() {
    let text = |words: &str| {
        format!("<< /Type /Annot /Subtype /FreeText /Rect [100 600 300 700] /DA (/F1 12 Tf) /Contents ({words}) >>")
    };
    let (first, second) = (text("one hundred"), text("one million"));
    let sealed = sealed_with(&[(80, &first), (81, &second)], "80 0 R 81 0 R");
    assert_forbidden(&relisted(&sealed, "80 0 R 81 0 R", "81 0 R 80 0 R"), "put in another order");
    assert_forbidden(&relisted(&sealed, "81 0 R", "81 0 R 80 0 R"), "put in another order");
    // What does not touch is seen the same whatever comes first.
    let elsewhere = relisted(&sealed, "9 0 R 80 0 R 81 0 R", "80 0 R 81 0 R 9 0 R");
    assert!(!is_flagged(&assert_permitted(&elsewhere)));
}

#[test]
fn annotations_that_cannot_be_read_are_not_taken_for_none() {
    let sealed = sealed_form();
    let number = highest(&sealed) + 1;
    let list = object(&sealed, ANNOTS).replace(']', &format!(" {number} 0 R]"));
    let note = format!("<< /Type /Annot /Subtype /FreeText /Rect [0 0 600 800] /Contents (void) /Junk {} >>", deep());
    assert_forbidden(&append(&sealed, &[(ANNOTS, &list), (number, &note)]), "cannot be read was added to page 1");
    // A page that had none.
    let sealed = PdfWorld::new().party("甲方").seal(&Shape { pages: 2, ..PLAIN }.build());
    let page = object(&sealed, FIRST_PAGE + 2).replace("/Resources", "/Annots 95 0 R /Resources");
    let list = format!("[{note}]");
    assert_forbidden(&append(&sealed, &[(FIRST_PAGE + 2, &page), (95, &list)]), "annotations of page 2 cannot be read");
    let shallow = append(&sealed, &[(FIRST_PAGE + 2, &page), (95, &list.replace(&deep(), "0"))]);
    assert_flagged(&shallow, NoteCode::CommentsAdded);
}

#[test]
fn an_empty_signature_field_that_shows_something_is_flagged_however_it_is_shown() {
    let sealed = sealed_form();
    let look = picture("Another contract");
    let unread = format!("<< /N 95 0 R /Junk {} >>", deep());
    for (entries, more) in [
        ("/Rect [0 0 600 800] /AP << /N 95 0 R >>", vec![(95, look.as_str())]),
        ("/Rect [0 0 600 800] /AS /On /AP << /N << /On 95 0 R >> >>", vec![(95, look.as_str())]),
        ("/Rect [0 0 600 800] /Rect [0 0 0 0] /AP << /N 95 0 R >>", vec![(95, look.as_str())]),
        ("/F 2 /F 4 /Rect [0 0 600 800] /AP << /N 95 0 R >>", vec![(95, look.as_str())]),
        ("/Rect [0 0 600 800] /AP 96 0 R", vec![(95, look.as_str()), (96, unread.as_str())]),
    ] {
        assert_flagged(&with_added(&sealed, entries, &more), NoteCode::CommentsAdded);
    }
    let report = assert_permitted(&with_added(&sealed, "/Rect [0 0 0 0]", &[]));
    assert!(!is_flagged(&report), "{:?}", report.seals[0].notes);
    let acting = with_added(&sealed, "/Rect [0 0 0 0] /AA << /PO << /S /JavaScript /JS (1) >> >>", &[]);
    assert_forbidden(&acting, "does something by itself");
}

#[test]
fn a_field_that_is_filled_stays_where_it_is_and_is_filled_by_what_its_kind_is_filled_by() {
    let sealed = sealed_form();
    let filled = object(&sealed, TEXT_FIELD).replace("(nobody)", "(somebody)");
    assert_permitted(&append(&sealed, &[(TEXT_FIELD, &filled)]));
    let everywhere = filled.replace("[100 100 200 120]", "[0 0 600 800]");
    let look = picture("Another contract");
    let covering = append(&sealed, &[(TEXT_FIELD, &everywhere), (TEXT_LOOK, &look)]);
    assert_forbidden(&covering, "/Rect of the field \"person\"");
    // Not what a text field is filled by; its look may not follow it.
    for entry in ["/I [0]", "/Opt [(a)]", "/RV (b)"] {
        let chosen = object(&sealed, TEXT_FIELD).replace("/FT", &format!("{entry} /FT"));
        assert_forbidden(&append(&sealed, &[(TEXT_FIELD, &chosen), (TEXT_LOOK, &look)]), "/AP of the field \"person\"");
    }
}

#[test]
fn a_field_that_is_filled_with_one_thing_and_shows_another_is_flagged() {
    let sealed = sealed_form();
    let font = "/Resources << /Font << /F1 3 0 R >> >>";
    let filled = |value: &str, shown: &str| {
        let field = object(&sealed, TEXT_FIELD).replace("(nobody)", &format!("({value})"));
        let entries = format!("/Type /XObject /Subtype /Form /BBox [0 0 100 20] {font}");
        let look = stream_text(&entries, &format!("/Tx BMC BT /F1 12 Tf ({shown}) Tj ET EMC"));
        append(&sealed, &[(TEXT_FIELD, &field), (TEXT_LOOK, &look)])
    };
    for (value, shown) in [("one hundred", "Attacker 777"), ("100", "1,000,000.00")] {
        assert_flagged(&filled(value, shown), NoteCode::FieldLooksOtherwise);
    }
    for (value, shown) in [("somebody", "somebody"), ("1000", "EUR 1,000.00"), ("2026-11-28", "28/11/2026")] {
        assert!(!is_flagged(&assert_permitted(&filled(value, shown))), "{value} as {shown}");
    }
}

#[test]
fn a_field_that_was_signed_showing_something_else_than_its_value_is_not_drawn_anew_with_another_one() {
    let document = form();
    let font = "/Resources << /Font << /F1 3 0 R >> >>";
    let look = |text: &str| {
        let entries = format!("/Type /XObject /Subtype /Form /BBox [0 0 100 20] {font}");
        stream_text(&entries, &format!("/Tx BMC BT /F1 12 Tf ({text}) Tj ET EMC"))
    };
    let other = object(&document, TEXT_FIELD).replace("(person)", "(sum)").replace("(nobody)", "(one million)");
    let other = other.replace("[100 100 200 120]", "[100 140 200 160]").replace("/N 7 0 R", "/N 81 0 R");
    let list = object(&document, ANNOTS).replace(']', " 80 0 R]");
    let fields = object(&document, FORM).replace("/Fields [", "/Fields [80 0 R ");
    let filled = object(&document, TEXT_FIELD).replace("(nobody)", "(somebody)");
    let looks = [look("one million"), look("ten thousand")];
    for (signed, permitted) in looks.iter().zip([true, false]) {
        let objects = [(ANNOTS, list.as_str()), (FORM, &fields), (80, &other), (81, signed)];
        let sealed = PdfWorld::new().party("甲方").seal(&append(&document, &objects));
        let anew = object(&sealed, FORM).replacen("<<", "<< /NeedAppearances true", 1);
        let update = append(&sealed, &[(FORM, &anew), (TEXT_FIELD, &filled)]);
        match permitted {
            true => _ = assert_permitted(&update),
            false => assert_forbidden(&update, "/NeedAppearances of the form"),
        }
    }
}

#[test]
fn a_widget_of_no_field_is_not_filled() {
    let widget = "<< /Type /Annot /Subtype /Widget /V (a) /Rect [100 600 300 700] /F 4 /AP << /N 81 0 R >> >>";
    let (one, other) = (picture("one hundred"), picture("one million"));
    let sealed = sealed_with(&[(80, widget), (81, &one)], "80 0 R");
    assert_permitted(&append(&sealed, &[(81, &one)]));
    let filled = widget.replace("(a)", "(b)");
    assert_forbidden(&append(&sealed, &[(80, &filled), (81, &other)]), "/AP of the field");
}

#[test]
fn a_hidden_field_that_is_filled_and_shown_is_flagged() {
    let document = form();
    let hidden = object(&document, TEXT_FIELD).replace("/F 4", "/F 2");
    let sealed = PdfWorld::new().party("甲方").seal(&append(&document, &[(TEXT_FIELD, &hidden)]));
    let filled = hidden.replace("(nobody)", "(somebody)");
    assert!(!is_flagged(&assert_permitted(&append(&sealed, &[(TEXT_FIELD, &filled)]))));
    assert_flagged(&append(&sealed, &[(TEXT_FIELD, &filled.replace("/F 2", "/F 4"))]), NoteCode::CommentsAdded);
}

#[test]
fn marks_that_draw_words_are_flagged_however_the_words_are_written() {
    let world = PdfWorld::new();
    let options = SealingOptions { certifies: Some(Permitted::Comments), ..SealingOptions::default() };
    let sealed = world.party("甲方").try_seal_with(&form(), &[PLACE.into()], options).expect("sealed").0;
    let highlight = |content: &str, more: &str| {
        let number = highest(&sealed) + 1;
        let list = object(&sealed, ANNOTS).replace(']', &format!(" {number} 0 R]"));
        let entries =
            format!("<< /Type /Annot /Subtype /Highlight /Rect [40 680 300 740] {more} /AP << /N 99 0 R >> >>");
        let look = stream_text("/Type /XObject /Subtype /Form /BBox [0 0 260 60]", content);
        append(&sealed, &[(ANNOTS, &list), (number, &entries), (99, &look)])
    };
    assert!(!is_flagged(&assert_permitted(&highlight("1 0 0 RG 2 w 0 5 m 260 5 l S", ""))));
    for content in ["BT (words)Tj ET", "q/Fm0 Do Q", "/P0 scn 0 0 260 60 re f", "BT [<41>]TJ ET"] {
        assert_flagged(&highlight(content, ""), NoteCode::CommentsMayCover);
    }
    assert_flagged(&highlight("", "/AA << /E << /S /JavaScript /JS (1) >> >>"), NoteCode::CommentsMayCover);
}

#[test]
fn objects_behind_the_end_are_found_with_comments_between_their_parts() {
    let sealed = sealed_form();
    let other = stream_text("", "BT (Another contract) Tj ET");
    for head in
        ["12 % a comment\n0 obj", "12 0 % one\n% two\r obj", "12\n\n\n\n\n\n\n\n\n\n0\tobj", "12 0000000000 obj"]
    {
        let appended = [&sealed[..], format!("{head}\n{other}\nendobj\n").as_bytes()].concat();
        assert_forbidden(&appended, "no update lists");
    }
    let prose = [&sealed[..], b"<p>an object, 100% obj of desire</p>"].concat();
    assert!(!is_flagged(&assert_permitted(&prose)));
}

#[test]
fn what_some_readers_took_for_null_may_not_come_to_light() {
    // Its generation is not the one that the page names, and then it is.
    let document = form();
    let page = object(&document, FIRST_PAGE).replace("/Contents 12 0 R", "/Contents [12 0 R 80 1 R]");
    let words = stream_text("", "BT /F1 24 Tf 150 300 Td (one million) Tj ET");
    let sealed = PdfWorld::new().party("甲方").seal(&append(&document, &[(FIRST_PAGE, &page), (80, &words)]));
    assert_permitted(&append(&sealed, &[(80, &words)]));
    let again = append(&sealed, &[(80, &words)]);
    let at = again.windows(8).rposition(|window| window == b"80 0 obj").expect("the object");
    let mut fitting = again;
    fitting[at + 3] = b'1';
    assert_forbidden(&fitting, "/Contents of page 1");
}

#[test]
fn an_object_that_only_a_walk_through_the_file_finds_may_not_be_replaced() {
    let misplaced = |document: Vec<u8>| {
        // The table leads three bytes behind the object's head, as that of many damaged files.
        let at = document.windows(5).rposition(|window| window == b"80 1\n").expect("the line of the table") + 5;
        let offset: usize = std::str::from_utf8(&document[at..at + 10]).expect("digits").parse().expect("a number");
        let mut out = document;
        out[at..at + 10].copy_from_slice(format!("{:010}", offset + 3).as_bytes());
        out
    };
    let document = form();
    let page = object(&document, FIRST_PAGE).replace("/Contents 12 0 R", "/Contents [12 0 R 80 0 R]");
    let words = |text: &str| stream_text("", &format!("BT /F1 24 Tf 150 300 Td ({text}) Tj ET"));
    let first = misplaced(append(&document, &[(FIRST_PAGE, &page), (80, &words("one hundred"))]));
    let sealed = PdfWorld::new().party("甲方").seal(&first);
    assert_permitted(&append(&sealed, &[(9, &object(&sealed, 9))]));
    assert_forbidden(&misplaced(append(&sealed, &[(80, &words("one million"))])), "/Contents of page 1");
}

#[test]
fn a_stream_is_not_compared_by_names_of_filters_that_readers_understand_differently() {
    let document = form();
    let stream = |filter: &str, data: &str| stream_text(&format!("/F /ASCIIHexDecode {filter}"), data);
    let words = "42542028612920546a204554"; // BT (a) Tj ET
    let signed = append(&document, &[(FIRST_PAGE + 1, &stream("", words))]);
    let sealed = PdfWorld::new().party("甲方").seal(&signed);
    let doubled: String = words.bytes().map(|byte| format!("{byte:02x}")).collect();
    let other = append(&sealed, &[(FIRST_PAGE + 1, &stream("/Filter /ASCIIHexDecode", &doubled))]);
    assert_forbidden(&other, "/Contents of page 1");
}

#[test]
fn a_later_seal_over_most_of_a_page_is_flagged_for_the_earlier_one() {
    let world = PdfWorld::new();
    let once = world.party("甲方").seal(&PLAIN.build());
    let place = |side: f64| Place { page: 1, x_mm: 5.0, y_mm: 5.0, width_mm: side, height_mm: side };
    let other = world.party("乙方");
    let usual = other.try_seal(&once, &[place(60.0)]).expect("sealed").0;
    assert!(!is_flagged(&verify(&usual)));
    let large = other.try_seal(&once, &[place(200.0)]).expect("sealed").0;
    assert_flagged(&large, NoteCode::StampCoversPage);
}

#[test]
fn a_field_that_is_moved_when_it_is_signed_is_no_longer_the_one_that_the_author_provided() {
    let world = PdfWorld::new();
    let options = SealingOptions { certifies: Some(Permitted::Filling), ..SealingOptions::default() };
    let certified = world.party("甲方").try_seal_with(&with_field(""), &[PLACE.into()], options).expect("sealed").0;
    let into = SealingOptions { field: Some("Buyer"), ..SealingOptions::default() };
    let signed = world.party("乙方").try_seal_with(&certified, &[], into).expect("sealed").0;
    assert!(!has(&verify(&signed), NoteCode::StampUninvited));
    // Moved before it is signed: the bytes are changed here, for what the first signature is told of the second one's field.
    let from = b"/Rect [100 500 300 600]";
    let at = signed.windows(from.len()).rposition(|window| window == from).expect("the field");
    assert!(at > certified.len(), "as it was signed");
    let mut moved = signed;
    moved[at..at + from.len()].copy_from_slice(b"/Rect [000 100 500 800]");
    let report = assert_flagged(&moved, NoteCode::StampUninvited);
    assert!(report.seals[0].content == eseal_documents::Outcome::Passed && has(&report, NoteCode::StampCoversPage));
}

#[test]
fn what_leads_to_nothing_may_be_left_out_of_a_list() {
    let sealed = sealed_with(&[], "null 95 0 R");
    let report = assert_permitted(&relisted(&sealed, "null 95 0 R ", ""));
    assert!(!is_flagged(&report), "{:?}", report.seals[0].notes);
}

#[test]
fn none_of_it_is_plainly_good() {
    // The same by the rule that whoever reads a report goes by.
    let sealed = sealed_form();
    let look = picture("Another contract");
    let covering = with_added(&sealed, "/Rect [0 0 600 800] /AS /A /AP << /N << /A 95 0 R >> >>", &[(95, &look)]);
    assert_ne!(seen(&try_verify(&covering)), Seen::PlainlyGood);
    assert_eq!(seen(&try_verify(&sealed)), Seen::PlainlyGood);
}
