//! Sealed PDF documents whose pages or structure were changed afterwards.

use eseal_documents::{NoteCode, Outcome, Reason, Verdict, judge};

use crate::support::pdf_builder::{Annots, CATALOG, FIRST_PAGE, FONT, Form, PAGES, PLAIN, Shape, Xref, shapes};
use crate::support::pdf_harm::{assert_forbidden, assert_permitted, gap, has, is_flagged, object, sealed_form};
use crate::support::pdf_parties::{PLACE, PdfWorld, judged, try_verify, verify};
use crate::support::pdf_update::{append, append_with, highest, stream_text};

#[test]
fn a_changed_byte_of_the_document_or_of_the_signature_value_is_found() {
    let sealed = PdfWorld::new().party("甲方").seal(&PLAIN.build());
    let [start, end] = gap(&sealed);
    // The structure around the value also carries certificates, which nobody signed; the value is its last part.
    let filling = sealed[..end - 1].iter().rev().take_while(|digit| **digit == b'0').count();
    let value = end - 1 - filling - 8;
    for at in (0..=start).chain(end - 1..sealed.len()).step_by(61).chain([start, end - 1, value]) {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        // Where the field itself is no longer found, the document is no sealed one any more.
        let report = try_verify(&changed);
        let content = report.map(|report| report.seals.first().map(|seal| seal.content));
        assert!(!matches!(content, Ok(Some(Outcome::Passed))), "at {at}");
    }
}

#[test]
fn a_damaged_last_seal_never_vanishes_without_a_word() {
    let world = PdfWorld::new();
    let first = world.party("甲方").seal(&PLAIN.build());
    let second = world.party("乙方").seal(&first);
    let intact = judged(&second, &world);
    assert!(intact.verdict == Verdict::Valid && intact.seals.len() == 2 && !intact.is_flagged());
    // Every byte that tells a reader where the second seal is, and a sample of what it consists of.
    let mut in_stream = false;
    for at in first.len()..second.len() {
        let rest = &second[at..];
        in_stream = (in_stream || rest.starts_with(b"\nstream")) && !rest.starts_with(b"endstream");
        let in_value = second[at.saturating_sub(30)..(at + 30).min(second.len())].iter().all(u8::is_ascii_hexdigit);
        if (in_stream || in_value) && at % 509 != 0 {
            continue;
        }
        let mut changed = second.clone();
        changed[at] = if at % 2 == 0 && second[at] != b';' { b';' } else { second[at] ^ 0x80 };
        let Ok(report) = try_verify(&changed) else { continue };
        let found = judge(&report, &world.trust());
        let plainly_good = found.verdict == Verdict::Valid && !found.is_flagged();
        assert!(!plainly_good || found.seals.len() == 2, "at {} of {}", at - first.len(), second.len() - first.len());
    }
}

#[test]
fn a_last_seal_whose_value_or_field_cannot_be_read_fails_and_is_still_listed() {
    let world = PdfWorld::new();
    let sealed = world.party("乙方").seal(&world.party("甲方").seal(&PLAIN.build()));
    let [value, _] = gap(&sealed);
    let name = sealed.windows(7).rposition(|w| w == b"(Seal2)").expect("the field of the second seal");
    let field = sealed[..name].windows(6).rposition(|w| w == b" 0 obj").expect("the object of that field");
    for at in [value + 100, field + 3] {
        let mut changed = sealed.clone();
        changed[at] = b';';
        let found = judged(&changed, &world);
        assert_eq!((found.verdict, found.seals.len()), (Verdict::Invalid, 2), "at {at}");
        let damaged = Outcome::Failed(Reason::SignatureMalformed);
        assert!(found.seals.iter().any(|seal| seal.content == damaged), "at {at}");
    }
}

#[test]
fn a_page_that_is_appended_is_found() {
    let sealed = sealed_form();
    let page = highest(&sealed) + 1;
    let pages = format!("<< /Type /Pages /Count 2 /Kids [{FIRST_PAGE} 0 R {page} 0 R] >>");
    let extra = format!("<< /Type /Page /Parent {PAGES} 0 R /MediaBox [0 0 200 200] >>");
    assert_forbidden(&append(&sealed, &[(PAGES, &pages), (page, &extra)]), "1 pages became 2");
}

#[test]
fn a_replaced_content_stream_is_found_and_the_same_one_written_again_is_not() {
    let sealed = sealed_form();
    let other = stream_text("", "BT /F1 24 Tf 150 400 Td (Another contract) Tj ET");
    assert_forbidden(&append(&sealed, &[(FIRST_PAGE + 1, &other)]), "/Contents of page 1");
    let same = object(&sealed, FIRST_PAGE + 1);
    assert_permitted(&append(&sealed, &[(FIRST_PAGE + 1, &same)]));
}

#[test]
fn other_fonts_pictures_and_boxes_are_found() {
    let sealed = sealed_form();
    let courier = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>";
    assert_forbidden(&append(&sealed, &[(FONT, courier)]), "/Resources of page 1");
    let page = object(&sealed, FIRST_PAGE);
    let smaller = page.replace("595.276", "300");
    assert_forbidden(&append(&sealed, &[(FIRST_PAGE, &smaller)]), "/MediaBox of page 1");
    let turned = page.replace("/Rotate 0", "/Rotate 180");
    assert_forbidden(&append(&sealed, &[(FIRST_PAGE, &turned)]), "/Rotate of page 1");
}

#[test]
fn what_a_page_inherits_may_be_written_into_it_but_nothing_else() {
    // As iText does where it appends to a document.
    let document = Shape { inherited: true, ..PLAIN }.build();
    let sealed = PdfWorld::new().party("甲方").seal(&document);
    let page = object(&sealed, FIRST_PAGE);
    let with =
        |entry: &str| append(&sealed, &[(FIRST_PAGE, &page.replace("/Contents", &format!("{entry} /Contents")))]);
    assert_permitted(&with(&format!("/MediaBox {}", PLAIN.media)));
    assert_permitted(&with(&format!("/MediaBox {0} /CropBox {0}", PLAIN.media)));
    assert_forbidden(&with("/MediaBox [0 0 595.276 400]"), "the size of page 1");
    assert_forbidden(&with(&format!("/MediaBox {} /CropBox [0 0 300 300]", PLAIN.media)), "the size of page 1");
    // One that it has of its own stays.
    let sealed = PdfWorld::new().party("甲方").seal(&PLAIN.build());
    let own = object(&sealed, FIRST_PAGE).replace(PLAIN.media, "[0 0 595.276 842.89]");
    assert_forbidden(&append(&sealed, &[(FIRST_PAGE, &own)]), "/MediaBox of page 1");
}

#[test]
fn a_page_under_another_number_with_the_same_content_is_no_change() {
    let sealed = sealed_form();
    let number = highest(&sealed) + 1;
    let page = object(&sealed, FIRST_PAGE);
    let pages = object(&sealed, PAGES).replace(&format!("{FIRST_PAGE} 0 R"), &format!("{number} 0 R"));
    assert_permitted(&append(&sealed, &[(PAGES, &pages), (number, &page)]));
}

#[test]
fn an_entry_of_the_catalog_that_is_new_is_found() {
    let sealed = sealed_form();
    let catalog = object(&sealed, CATALOG).replace("/Type", "/OpenAction << /S /URI /URI (x) >> /Type");
    assert_forbidden(&append(&sealed, &[(CATALOG, &catalog)]), "/OpenAction of the document");
}

#[test]
fn data_for_later_validation_may_be_added() {
    let sealed = sealed_form();
    let number = highest(&sealed) + 1;
    let catalog = object(&sealed, CATALOG).replace("/Type", &format!("/DSS {number} 0 R /Type"));
    let update = append(&sealed, &[(CATALOG, &catalog), (number, "<< /Type /DSS /Certs [] >>")]);
    let report = assert_permitted(&update);
    assert!(has(&report, NoteCode::ValidationDataAdded) && report.notes.is_empty());
}

#[test]
fn what_other_readers_may_see_in_a_page_may_not_change_either() {
    let shape = Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN };
    let document = shape.build();
    let page = object(&document, FIRST_PAGE);
    let (hidden, other) = (stream_text("", "BT (hidden) Tj ET"), stream_text("", "BT (Another contract) Tj ET"));
    let twice = page.replacen("<<", "<< /Contents 90 0 R", 1); // the first of two counts for some
    let between = page.replacen("<<", "<< 90 0 R", 1);
    let deep = page.replacen("<<", &format!("<< /Contents 90 0 R /Junk {}{}", "[".repeat(200), "]".repeat(200)), 1);
    for (tricky, what) in
        [(twice, "(repeated) of page"), (between, "(repeated) of page"), (deep, "/Pages of the document")]
    {
        let signed = append(&document, &[(FIRST_PAGE, &tricky), (90, &hidden)]);
        // A page in front, to be sealed: not each of the tricky ones can be read.
        let pages = object(&document, PAGES).replace("/Kids [", "/Kids [91 0 R ").replace("/Count 1", "/Count 2");
        let front = object(&document, FIRST_PAGE).replace("/Rotate 0", "/Rotate 90");
        let signed = append(&signed, &[(PAGES, &pages), (91, &front)]);
        let sealed = PdfWorld::new().party("甲方").seal(&signed);
        assert_forbidden(&append(&sealed, &[(90, &other)]), what);
    }
}

#[test]
fn objects_behind_the_end_that_no_update_lists_are_found() {
    let sealed = sealed_form();
    let other = stream_text("", "BT (Another contract) Tj ET");
    let appended = [&sealed[..], format!("{} 0 obj\n{other}\nendobj\n", FIRST_PAGE + 1).as_bytes()].concat();
    assert_forbidden(&appended, "no update lists");
    let rubbish = [&sealed[..], b"<!-- page served in 3 ms -->"].concat();
    let report = assert_permitted(&rubbish);
    assert!(has(&report, NoteCode::BytesAfterEnd) && !is_flagged(&report));
    let lines = [&sealed[..], b"\r\n\n"].concat();
    assert_eq!(assert_permitted(&lines).seals[0].notes.len(), 1, "only that the time is self-asserted");
}

#[test]
fn a_document_whose_table_is_damaged_later_is_judged_by_what_viewers_find() {
    let sealed = sealed_form();
    let broken = [&sealed[..], b"startxref\n7\n%%EOF\n"].concat();
    let report = assert_permitted(&broken);
    assert!(has(&report, NoteCode::FileRecovered) && !is_flagged(&report));
    let other = stream_text("", "BT (Another contract) Tj ET");
    let object = format!("{} 0 obj\n{other}\nendobj\nstartxref\n7\n%%EOF\n", FIRST_PAGE + 1);
    assert_forbidden(&[&sealed[..], object.as_bytes()].concat(), "/Contents of page 1");
}

#[test]
fn a_whole_other_document_behind_the_sealed_one_is_found() {
    for shape in [PLAIN, Shape { xref: Xref::Stream, ..PLAIN }] {
        let sealed = PdfWorld::new().party("甲方").seal(&PLAIN.build());
        let other = shape.build();
        let both = [&sealed[..], &other[..]].concat();
        let report = verify(&both);
        // Viewers show the second document, which has no seal; or, where its offsets lead astray, the first one.
        assert!(report.seals.iter().all(|seal| seal.content != Outcome::Passed), "{:?}", report.seals);
    }
}

#[test]
fn an_object_under_the_number_of_another_is_flagged_where_something_is_signed() {
    let plain = Shape { pages: 2, ..PLAIN }.build();
    let second = object(&plain, FIRST_PAGE + 2);
    let mut document = append(&plain, &[(FIRST_PAGE + 2, &second), (80, &second)]);
    let find = |document: &[u8], text: &str| document.windows(text.len()).rposition(|window| window == text.as_bytes());
    let (other, line) = (find(&document, "80 0 obj").expect("it"), find(&document, "\n13 1\n").expect("its line") + 6);
    document[line..line + 10].copy_from_slice(format!("{other:010}").as_bytes());
    let unsigned = verify(&document);
    assert!(unsigned.seals.is_empty() && unsigned.notes.iter().all(|note| note.code != NoteCode::ObjectsAmbiguous));
    assert!(has(&verify(&PdfWorld::new().party("甲方").seal(&document)), NoteCode::ObjectsAmbiguous));
}

#[test]
fn an_object_that_old_viewers_find_elsewhere_is_flagged() {
    let sealed = sealed_form();
    // A hybrid update: the table has the old content, /XRefStm another one.
    let number = highest(&sealed) + 1;
    let other = stream_text("", "BT (Another contract) Tj ET");
    let mut hybrid = sealed.clone();
    let hidden = hybrid.len();
    hybrid.extend(format!("{} 0 obj\n{other}\nendobj\n", FIRST_PAGE + 1).bytes());
    let part = hybrid.len();
    let row = [&[1][..], &(hidden as u32).to_be_bytes(), &[0, 0]].concat();
    let hex: String = row.iter().map(|byte| format!("{byte:02x}")).collect();
    hybrid.extend(
        format!(
            "{number} 0 obj\n<< /Type /XRef /Size {0} /W [1 4 2] /Index [{1} 1] /Filter /ASCIIHexDecode /Length {2} >>\n\
             stream\n{hex}>\nendstream\nendobj\n",
            number + 1,
            FIRST_PAGE + 1,
            hex.len() + 1
        )
        .bytes(),
    );
    let shown =
        append_with(&hybrid, &[(FIRST_PAGE + 1, &object(&sealed, FIRST_PAGE + 1))], &format!("/XRefStm {part}"));
    let report = verify(&shown);
    assert!(has(&report, NoteCode::ObjectsAmbiguous), "{report:?}");
    // Hidden from the table altogether, it is what every newer viewer shows.
    let line = b" 00000 n \ntrailer";
    let at = shown.windows(line.len()).rposition(|window| window == line).expect("the line of the table");
    let mut free = shown;
    free[at..at + line.len()].copy_from_slice(b" 65535 f \ntrailer");
    assert_forbidden(&free, "/Contents of page 1");
}

#[test]
fn what_is_changed_in_one_seal_is_found_whatever_form_the_document_has() {
    for shape in shapes().into_iter().filter(|shape| shape.xref == Xref::Table && shape.line_end == "\n") {
        let party = PdfWorld::new().party("甲方");
        let place = eseal_documents::Place { page: shape.pages as u32, ..PLACE };
        let sealed = party.try_seal(&shape.build(), &[place]).expect("sealed").0;
        let other = stream_text("", "BT /F1 24 Tf 150 400 Td (Another contract) Tj ET");
        assert_forbidden(&append(&sealed, &[(FIRST_PAGE + 1, &other)]), "/Contents of page 1");
    }
}
