//! Sealed PDF documents that were changed afterwards, and seals that are not the signer's.

use eseal_documents::{Check, DocumentReport, NoteCode, Outcome, Reason, Severity, Verdict};
use eseal_pki::cms::SignedAttributes;
use eseal_pki::{Certificate, DigestAlg, Signer, SigningKey, Suite};

use crate::support::pdf_builder::{
    Annots, CATALOG, FIRST_PAGE, FONT, FORM, Form, PAGES, PLAIN, Shape, TEXT_FIELD, TEXT_LOOK, Xref, append,
    append_with, highest, shapes, stream_text,
};
use crate::support::pdf_parties::{PLACE, PdfWorld, judged, try_verify, verify};

/// A form with a text field, sealed.
fn sealed_form() -> Vec<u8> {
    PdfWorld::new().party("甲方").seal(&Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN }.build())
}

fn later(report: &DocumentReport) -> (Outcome, String) {
    let step = report.seals[0].steps.iter().find(|step| step.check == Check::LaterChanges).expect("a step");
    (step.outcome, step.detail.clone().unwrap_or_default())
}

fn has(report: &DocumentReport, code: NoteCode) -> bool {
    report.seals[0].notes.iter().chain(&report.notes).any(|note| note.code == code)
}

#[track_caller]
fn assert_forbidden(document: &[u8], what: &str) {
    let report = verify(document);
    let (outcome, detail) = later(&report);
    assert_eq!(outcome, Outcome::Failed(Reason::ChangeNotPermitted), "{:?}", report.seals[0].steps);
    assert_eq!(report.seals[0].content, outcome);
    assert!(detail.contains(what), "{detail:?} does not say {what:?}");
}

#[track_caller]
fn assert_permitted(document: &[u8]) -> DocumentReport {
    let report = verify(document);
    assert_eq!(report.seals[0].content, Outcome::Passed, "{:?}", report.seals[0].steps);
    report
}

/// The object `number` as it is written last in `document`.
fn object(document: &[u8], number: u32) -> String {
    let text = String::from_utf8_lossy(document).into_owned();
    let start = text.rfind(&format!("\n{number} 0 obj\n")).expect("the object") + format!("\n{number} 0 obj\n").len();
    let end = text[start..].find("\nendobj").expect("its end");
    text[start..start + end].to_owned()
}

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

/// Where the value of `/Contents` lies, brackets included.
fn gap(document: &[u8]) -> [usize; 2] {
    let text = String::from_utf8_lossy(document);
    let numbers = text.rsplit("/ByteRange [").next().and_then(|rest| rest.split(']').next()).expect("ranges");
    let numbers: Vec<usize> = numbers.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    [numbers[1], numbers[2]]
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
    let annots = crate::support::pdf_builder::ANNOTS;
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

/// The number of the last widget in a document.
fn highest_widget(text: &str) -> u32 {
    let before = text.rsplit_once("/Subtype /Widget").expect("a widget").0;
    let head = before.rsplit_once(" 0 obj").expect("its head").0;
    head.rsplit('\n').next().and_then(|number| number.parse().ok()).expect("its number")
}

#[test]
fn a_seal_that_is_exchanged_by_an_update_is_found() {
    let world = PdfWorld::new();
    let (party, other) = (world.party("甲方"), world.party("乙方"));
    let sealed = party.seal(&PLAIN.build());
    let text = String::from_utf8_lossy(&sealed);
    let number: u32 = text
        .split("/ESEAL.SESeal ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next()?.parse().ok())
        .expect("the number of the seal");
    let mut exchanged = sealed.clone();
    let start = exchanged.len();
    exchanged.extend(format!("{number} 0 obj\n<< /Length {} >>\nstream\n", other.seal.len()).bytes());
    exchanged.extend(&other.seal);
    exchanged.extend(b"\nendstream\nendobj\n");
    let table = exchanged.len();
    let previous = text.rsplit("startxref\n").next().and_then(|rest| rest.lines().next()).expect("a number");
    exchanged.extend(
        format!(
            "xref\n{number} 1\n{start:010} 00000 n \ntrailer\n<< /Size 99 /Root {CATALOG} 0 R /Prev {previous} >>\n\
             startxref\n{table}\n%%EOF\n"
        )
        .bytes(),
    );
    assert_forbidden(&exchanged, "/V of the field \"Seal1\"");
    // The seal that counts is the one that was signed.
    assert_eq!(verify(&exchanged).seals[0].seal.as_ref().expect("a seal").der(), party.seal);
}

#[test]
fn comments_are_flagged_unless_the_signer_permitted_them() {
    let sealed = sealed_form();
    let number = highest(&sealed) + 1;
    let annotations = object(&sealed, crate::support::pdf_builder::ANNOTS).replace(']', &format!(" {number} 0 R]"));
    let note = "<< /Type /Annot /Subtype /FreeText /Rect [0 0 600 800] /Contents (void) >>";
    let annots = crate::support::pdf_builder::ANNOTS;
    let report = assert_permitted(&append(&sealed, &[(annots, &annotations), (number, note)]));
    assert!(has(&report, NoteCode::CommentsAdded));
    assert!(judged_flagged(&report));
    let removed = object(&sealed, annots).replace("9 0 R ", "");
    assert_forbidden(&append(&sealed, &[(annots, &removed)]), "annotation of page 1 was removed");
}

fn judged_flagged(report: &DocumentReport) -> bool {
    report.seals.iter().flat_map(|seal| &seal.notes).any(|note| note.severity() == Severity::Warning)
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
fn objects_behind_the_end_that_no_update_lists_are_found() {
    let sealed = sealed_form();
    let other = stream_text("", "BT (Another contract) Tj ET");
    let appended = [&sealed[..], format!("{} 0 obj\n{other}\nendobj\n", FIRST_PAGE + 1).as_bytes()].concat();
    assert_forbidden(&appended, "no update lists");
    let rubbish = [&sealed[..], b"<!-- page served in 3 ms -->"].concat();
    let report = assert_permitted(&rubbish);
    assert!(has(&report, NoteCode::BytesAfterEnd) && !judged_flagged(&report));
    let lines = [&sealed[..], b"\r\n\n"].concat();
    assert_eq!(assert_permitted(&lines).seals[0].notes.len(), 1, "only that the time is self-asserted");
}

#[test]
fn a_document_whose_table_is_damaged_later_is_judged_by_what_viewers_find() {
    let sealed = sealed_form();
    let broken = [&sealed[..], b"startxref\n7\n%%EOF\n"].concat();
    let report = assert_permitted(&broken);
    assert!(has(&report, NoteCode::FileRecovered) && !judged_flagged(&report));
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

/// `document` with its last seal signed again by somebody else.
fn signed_again(document: &[u8], key: &SigningKey, certificate: &Certificate) -> Vec<u8> {
    let [start, end] = gap(document);
    let digest = DigestAlg::Sha256.digest(&[&document[..start], &document[end..]].concat());
    let attributes = SignedAttributes::try_new(certificate, &digest, Suite::EcdsaP256Sha256).expect("attributes");
    let signature = key.sign(attributes.to_be_signed()).expect("a signature");
    let value: String = attributes.finish(&signature, &[]).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut out = document.to_vec();
    out[start + 1..end - 1].fill(b'0');
    out[start + 1..][..value.len()].copy_from_slice(value.as_bytes());
    out
}

#[test]
fn somebody_elses_seal_with_ones_own_signature_has_a_good_content_and_a_failed_impression() {
    let world = PdfWorld::new();
    let (party, thief) = (world.party("甲方"), world.party("乙方"));
    let forged = signed_again(&party.seal(&PLAIN.build()), &thief.key, &thief.certificate);
    let judgement = judged(&forged, &world);
    assert_eq!(judgement.verdict, Verdict::Invalid);
    assert_eq!(judgement.seals[0].signer, Outcome::Passed);
    assert_eq!(judgement.seals[0].content, Outcome::Passed);
    assert_eq!(judgement.seals[0].impression, Outcome::Failed(Reason::SignerNotInSeal));
}

#[test]
fn a_seal_that_a_holder_made_is_not_authorized() {
    let world = PdfWorld::new();
    let mut party = world.party("甲方");
    let holder = world.sm2_holder("乙方");
    party.seal = holder.makes(&party.info());
    let sealed = party.seal(&PLAIN.build());
    assert_eq!(judged(&sealed, &world).seals[0].impression, Outcome::Failed(Reason::MakerNotAuthorized));
}

#[test]
fn whoever_trusts_nobody_gets_no_verdict() {
    let sealed = PdfWorld::new().party("甲方").seal(&PLAIN.build());
    let judgement = eseal_documents::judge(&verify(&sealed), &eseal_documents::Trust::default());
    assert_eq!(judgement.verdict, Verdict::Indeterminate);
    assert_eq!(judgement.seals[0].content, Outcome::Passed);
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
