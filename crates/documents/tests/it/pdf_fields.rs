//! Sealed PDF documents whose fields, stamps or comments were changed afterwards.

use eseal_documents::{NoteCode, Outcome, Reason, Severity};

use crate::support::pdf_builder::{
    ANNOTS, Annots, CATALOG, FIRST_PAGE, FORM, Form, PAGES, PLAIN, Shape, TEXT_FIELD, TEXT_LOOK,
};
use crate::support::pdf_harm::{
    assert_forbidden, assert_permitted, has, highest_widget, is_flagged, later, object, sealed_form,
};
use crate::support::pdf_parties::{PdfWorld, verify};
use crate::support::pdf_update::{append, highest, stream_text};

#[test]
fn a_field_may_be_filled_but_not_look_like_what_it_does_not_say() {
    let sealed = sealed_form();
    let look = stream_text("/Type /XObject /Subtype /Form /BBox [0 0 100 20]", "BT (somebody) Tj ET");
    let field = object(&sealed, TEXT_FIELD).replace("(nobody)", "(somebody)");
    let filled = append(&sealed, &[(TEXT_FIELD, &field), (TEXT_LOOK, &look)]);
    let report = assert_permitted(&filled);
    assert!(has(&report, NoteCode::FormFilled));
    assert!(report.seals[0].notes.iter().all(|note| note.severity() == Severity::Info));

    assert_forbidden(&append(&sealed, &[(TEXT_LOOK, &look)]), "/AP of the field \"person\"");
    let moved = field.replace("[100 100 200 120]", "[1 1 2 2]").replace("(somebody)", "(nobody)");
    assert_forbidden(&append(&sealed, &[(TEXT_FIELD, &moved)]), "/Rect of the field \"person\"");
}

#[test]
fn flags_that_a_field_has_anyway_may_be_spelled_out_when_it_is_filled() {
    let sealed = sealed_form();
    let filled = object(&sealed, TEXT_FIELD).replace("(nobody)", "(somebody)");
    let with_flags = |flags: &str| append(&sealed, &[(TEXT_FIELD, &filled.replace("/FT", &format!("{flags} /FT")))]);
    assert!(!is_flagged(&assert_permitted(&with_flags("/Ff 0"))));
    assert_permitted(&with_flags("/Ff 1")); // read-only from now on
    assert_forbidden(&with_flags("/Ff 4096"), "/Ff of the field \"person\"");
    // A field below another one inherits flags; there nothing is not the same as none.
    let document = Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN }.build();
    let parent = format!("<< /T (above) /FT /Tx /Ff 1 /Kids [{TEXT_FIELD} 0 R] >>");
    let kid = object(&document, TEXT_FIELD).replace("/FT", "/Parent 80 0 R /FT");
    let form = object(&document, FORM).replace(&format!("{TEXT_FIELD} 0 R"), "80 0 R");
    let nested = append(&document, &[(80, &parent), (TEXT_FIELD, &kid), (FORM, &form)]);
    let sealed = PdfWorld::new().party("甲方").seal(&nested);
    let unlocked = kid.replace("/FT", "/Ff 0 /FT").replace("(nobody)", "(somebody)");
    assert_forbidden(&append(&sealed, &[(TEXT_FIELD, &unlocked)]), "/Ff of the field");
}

#[test]
fn the_look_of_a_field_that_is_also_a_picture_on_the_page_may_not_change() {
    let shape = Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN };
    let document = shape.build();
    // The author uses the field's look as a picture in the resources of the page, then seals.
    let page = object(&document, FIRST_PAGE)
        .replace("/Resources <<", &format!("/Resources << /XObject << /Trick {TEXT_LOOK} 0 R >>"));
    let sealed = PdfWorld::new().party("甲方").seal(&append(&document, &[(FIRST_PAGE, &page)]));
    let look = stream_text("/Type /XObject /Subtype /Form /BBox [0 0 100 20]", "BT (somebody) Tj ET");
    let field = object(&sealed, TEXT_FIELD).replace("(nobody)", "(somebody)");
    assert_forbidden(&append(&sealed, &[(TEXT_FIELD, &field), (TEXT_LOOK, &look)]), "/Resources of page 1");
}

#[test]
fn fields_are_not_drawn_anew_without_a_reason() {
    // The look says "nobody" and was signed so; the value says something else, and viewers would now draw that.
    let shape = Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN };
    let document = shape.build();
    let field = object(&document, TEXT_FIELD).replace("(nobody)", "(somebody)");
    let sealed = PdfWorld::new().party("甲方").seal(&append(&document, &[(TEXT_FIELD, &field)]));
    let form = object(&sealed, FORM).replacen("<<", "<< /NeedAppearances true", 1);
    assert_forbidden(&append(&sealed, &[(FORM, &form)]), "/NeedAppearances of the form");
    let filled = field.replace("(somebody)", "(anybody)");
    assert_permitted(&append(&sealed, &[(FORM, &form), (TEXT_FIELD, &filled)]));
    let white = object(&sealed, FORM).replace("0 g", "1 g");
    assert_forbidden(&append(&sealed, &[(FORM, &white)]), "/DA of the form");
}

#[test]
fn the_value_of_a_field_that_draws_the_page_by_inheritance_may_not_change() {
    let shape = Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN };
    let document = shape.build();
    // The page inherits its pictures from the text field, whose value is a picture.
    let pages = object(&document, PAGES).replace("/Kids", &format!("/Resources << /XObject {TEXT_FIELD} 0 R >> /Kids"));
    let page = object(&document, FIRST_PAGE).replace("/Resources", "/Unused");
    let field = object(&document, TEXT_FIELD).replace("(nobody)", "90 0 R");
    let look = |text: &str| stream_text("/Type /XObject /Subtype /Form /BBox [0 0 100 20]", text);
    let signed = look("BT (nobody) Tj ET");
    let objects = [(PAGES, pages.as_str()), (FIRST_PAGE, &page), (TEXT_FIELD, &field), (90, &signed)];
    let sealed = PdfWorld::new().party("甲方").seal(&append(&document, &objects));
    assert_permitted(&append(&sealed, &[(90, &signed)]));
    assert_forbidden(&append(&sealed, &[(90, &look("BT (somebody) Tj ET"))]), "resources of page 1");
}

#[test]
fn what_the_signed_document_only_promised_may_not_come_later() {
    let shape = Shape { annots: Annots::Indirect, ..PLAIN };
    let document = shape.build();
    let annots = ANNOTS;
    let dangling = object(&document, annots).replace(']', " 95 0 R]");
    let sealed = PdfWorld::new().party("甲方").seal(&append(&document, &[(annots, &dangling)]));
    let note = "<< /Type /Annot /Subtype /FreeText /Rect [0 0 600 800] /Contents (void) >>";
    assert_forbidden(&append(&sealed, &[(95, note)]), "an annotation of page 1 was changed");
}

#[test]
fn fields_that_are_added_or_removed_are_found() {
    let sealed = sealed_form();
    let number = highest(&sealed) + 1;
    let form = object(&sealed, FORM);
    let seal = form.rsplit_once(" 0 R]").and_then(|(before, _)| before.rsplit(' ').next()).expect("the seal's field");
    let more = form.replace("/Fields [", &format!("/Fields [{number} 0 R "));
    let field = "<< /FT /Tx /T (new) /V (x) >>";
    assert_forbidden(&append(&sealed, &[(FORM, &more), (number, field)]), "\"new\" was added");
    let fewer = form.replace(&format!("{TEXT_FIELD} 0 R "), "");
    assert_forbidden(&append(&sealed, &[(FORM, &fewer)]), "was removed");
    // Without its field the seal is not seen at all, and the document is an unsealed one.
    let hidden = form.replace(&format!(" {seal} 0 R"), "");
    assert_eq!(verify(&append(&sealed, &[(FORM, &hidden)])).seals.len(), 0);
}

#[test]
fn a_stamp_that_is_moved_or_given_another_picture_is_found() {
    let sealed = sealed_form();
    let text = String::from_utf8_lossy(&sealed);
    let field: u32 = text.rsplit("/Subtype /Widget").next().map(|_| highest_widget(&text)).expect("a widget");
    let widget = object(&sealed, field);
    let rect = widget.split("/Rect [").nth(1).and_then(|rest| rest.split(']').next()).expect("a rectangle");
    let moved = widget.replace(rect, "1 1 100 100");
    assert_forbidden(&append(&sealed, &[(field, &moved)]), "/Rect of the field \"Seal1\"");
    let look: u32 = widget.split("/N ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("a look");
    let other = stream_text("/Type /XObject /Subtype /Form /BBox [0 0 1 1]", "0 0 1 1 re f");
    assert_forbidden(&append(&sealed, &[(look, &other)]), "/AP of the field \"Seal1\"");
}

#[test]
fn comments_are_flagged_unless_the_signer_permitted_them() {
    let sealed = sealed_form();
    let number = highest(&sealed) + 1;
    let annotations = object(&sealed, ANNOTS).replace(']', &format!(" {number} 0 R]"));
    let note = "<< /Type /Annot /Subtype /FreeText /Rect [0 0 600 800] /Contents (void) >>";
    let annots = ANNOTS;
    let report = assert_permitted(&append(&sealed, &[(annots, &annotations), (number, note)]));
    assert!(has(&report, NoteCode::CommentsAdded));
    assert!(is_flagged(&report));
    let removed = object(&sealed, annots).replace("9 0 R ", "");
    assert_forbidden(&append(&sealed, &[(annots, &removed)]), "annotation of page 1 was removed");
}

#[test]
fn a_field_that_is_made_for_a_signature_afterwards_is_found() {
    let world = PdfWorld::new();
    let sealed = world.party("甲方").seal(&PLAIN.build());
    let text = String::from_utf8_lossy(&sealed);
    let widget = highest_widget(&text);
    let value = object(&sealed, widget).split("/V ").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned);
    // The same signature, shown by another field, at another place, with another picture.
    let field = format!(
        "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Seal9) /V {} 0 R /Rect [1 1 500 500] /P {FIRST_PAGE} 0 R >>",
        value.expect("a value")
    );
    let catalog = object(&sealed, CATALOG).replace(&format!("[{widget} 0 R]"), "[90 0 R]");
    let page = object(&sealed, FIRST_PAGE).replace(&format!("[{widget} 0 R]"), "[90 0 R]");
    let report = verify(&append(&sealed, &[(90, &field), (CATALOG, &catalog), (FIRST_PAGE, &page)]));
    assert_eq!(report.seals[0].content, Outcome::Failed(Reason::ChangeNotPermitted));
    assert!(later(&report).1.contains("added after it"), "{:?}", later(&report));
}

#[test]
fn a_tag_for_the_new_field_may_be_added_to_the_structure_but_no_other_text() {
    let tagged = |catalog: &str| catalog.replace("/Type", "/StructTreeRoot 30 0 R /Type");
    let document = Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN }.build();
    let root = "<< /Type /StructTreeRoot /K 31 0 R /ParentTree 32 0 R /ParentTreeNextKey 1 >>";
    let element = "<< /Type /StructElem /S /P /P 30 0 R /Pg 11 0 R /K 0 /ActualText (Contract) >>";
    let catalog = tagged(&object(&document, CATALOG));
    let objects = [(CATALOG, catalog.as_str()), (30, root), (31, element), (32, "<< /Nums [0 [31 0 R]] >>")];
    let sealed = PdfWorld::new().party("甲方").seal(&append(&document, &objects));

    let grown = "<< /Type /StructTreeRoot /K [31 0 R 90 0 R] /ParentTree 32 0 R /ParentTreeNextKey 2 >>";
    let form = "<< /Type /StructElem /S /Form /P 30 0 R >>";
    let update = [(30, grown), (90, form), (32, "<< /Nums [0 [31 0 R] 1 90 0 R] >>")];
    assert_permitted(&append(&sealed, &update));
    let other = element.replace("(Contract)", "(Another contract)");
    assert_forbidden(&append(&sealed, &[(31, &other)]), "/StructTreeRoot");
    let fewer = "<< /Type /StructTreeRoot /K [90 0 R] /ParentTree 32 0 R >>";
    assert_forbidden(&append(&sealed, &[(30, fewer), (90, form)]), "/StructTreeRoot");
}
