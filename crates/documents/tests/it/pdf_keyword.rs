//! Seals at a keyword of a PDF: found across runs of text, in forms, on turned and cropped pages, in fonts of every kind.

use std::path::Path;

use eseal_documents::pdf::{self, SealingOptions};
use eseal_documents::{DocumentError, Hit, Limit, Limits, Place, Placement, Stamp, Verdict, Which, stamps};
use eseal_testkit::ratio::cpu_seconds;

use crate::support::drawn::Drawn;
use crate::support::pdf_builder::{FIRST_PAGE, FONT, PLAIN, Shape, Xref};
use crate::support::pdf_harm::object;
use crate::support::pdf_parties::{PdfParty, PdfWorld, judged, source};
use crate::support::pdf_update::{append, stream_text};
use crate::support::peers::{run, said, venv};
use crate::support::samples::{names, sample};

const MM: f64 = 25.4 / 72.0;
/// A font with Chinese characters, as distributions install it.
const CHINESE_FONT: &str = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc";

fn found(document: &[u8], keyword: &str) -> Vec<Hit> {
    pdf::find_text(&source(document), keyword, &Limits::default()).expect("a search")
}

/// `document` with another content of its first page.
fn showing(document: &[u8], content: &str) -> Vec<u8> {
    append(document, &[(FIRST_PAGE + 1, &stream_text("", content))])
}

fn refused(document: &[u8], limits: &Limits) -> DocumentError {
    pdf::find_text(&source(document), "Contract", limits).expect_err("refused")
}

fn rule(text: &str) -> Placement {
    Placement::Keyword { text: text.to_owned(), which: Which::First, offset_mm: (0.0, 0.0) }
}

fn at_keyword(party: &PdfParty, document: &[u8], text: &str) -> Vec<Stamp> {
    stamps(&source(document), &rule(text), party.usable().size(), &Limits::default()).expect("places")
}

#[test]
fn a_keyword_is_found_on_every_page_where_it_stands() {
    for shape in [Shape { pages: 3, ..PLAIN }, Shape { pages: 3, xref: Xref::Stream, ..PLAIN }] {
        let document = shape.build();
        let hits = found(&document, "Contract");
        assert_eq!(hits.iter().map(|hit| hit.page).collect::<Vec<_>>(), [1, 2, 3]);
        // `150 400 Td`, 24 points high, on a page 841.89 high; Helvetica's widths make the word 89.3 points long.
        let (x, baseline) = (150.0 * MM, (841.89 - 400.0) * MM);
        for hit in &hits {
            assert!((hit.x_mm - x).abs() < 0.1 && (hit.width_mm - 89.37 * MM).abs() < 0.5, "{hit:?}");
            assert!(hit.y_mm < baseline && baseline < hit.y_mm + hit.height_mm, "{hit:?}");
        }
        assert_eq!(found(&document, "page 2").len(), 1, "white space does not matter");
        assert_eq!(found(&document, "Seal here"), []);
    }
    let empty = pdf::find_text(&source(&PLAIN.build()), " \n", &Limits::default());
    assert!(matches!(empty, Err(DocumentError::PlacementInvalid { .. })));
}

#[test]
fn a_keyword_is_found_across_runs_of_text_and_through_transformations() {
    let split = "BT /F1 12 Tf 100 600 Td (Se) Tj (al) Tj [(h) -50 (e)] TJ 0 Tc (re) Tj ET";
    assert_eq!(found(&showing(&PLAIN.build(), split), "Seal here").len(), 1);
    let moved = "q 2 0 0 2 100 300 cm BT /F1 10 Tf 50 100 Td (Seal here) Tj ET Q";
    let hits = found(&showing(&PLAIN.build(), moved), "Sealhere");
    assert_eq!(hits.len(), 1);
    assert!((hits[0].x_mm - 200.0 * MM).abs() < 0.1, "{hits:?}");
    assert!((hits[0].height_mm - 21.0 * MM).abs() < 0.1, "{hits:?}");
    let bold = "BT /F1 12 Tf 100 600 Td (Seal here) Tj -0.3 0 Td (Seal here) Tj ET";
    assert_eq!(found(&showing(&PLAIN.build(), bold), "Seal here").len(), 1, "bold by drawing twice is one");
}

#[test]
fn a_keyword_in_a_form_is_found_where_the_form_is_drawn() {
    let content = "q 1 0 0 1 30 40 cm /X1 Do Q q 2 0 0 2 100 400 cm /X1 Do Q";
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.276 841.89] /Contents {} 0 R \
         /Resources << /XObject << /X1 40 0 R >> >> >>",
        FIRST_PAGE + 1
    );
    let form = stream_text(
        &format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 300 300] /Matrix [1 0 0 1 5 5] \
             /Resources << /Font << /F1 {FONT} 0 R >> >>"
        ),
        "BT /F1 10 Tf 50 100 Td (Seal here) Tj ET",
    );
    let document =
        append(&PLAIN.build(), &[(FIRST_PAGE, &page), (FIRST_PAGE + 1, &stream_text("", content)), (40, &form)]);
    let places: Vec<_> = found(&document, "Seal here").iter().map(|hit| (hit.x_mm / MM).round()).collect();
    assert_eq!(places, [100.0 + 2.0 * 55.0, 30.0 + 55.0], "from top to bottom");
}

#[test]
fn the_seal_stands_on_the_keyword_whatever_way_the_page_is_turned_and_cut() {
    let world = PdfWorld::new();
    let party = world.party("甲方");
    for rotate in [0, 90, 180, 270] {
        let document = Shape { rotate, crop: Some("[20 30 575.276 811.89]"), ..PLAIN }.build();
        let asked = at_keyword(&party, &document, "Contract");
        let (sealed, _) = party.try_seal_with(&document, &asked, SealingOptions::default()).expect("sealed");
        assert_eq!(judged(&sealed, &world).verdict, Verdict::Valid);
        let Some(drawn) = Drawn::page(&sealed, 1) else { return };
        drawn.must_show(asked[0].place, &format!("turned {rotate}"));
        // The text is where it was said to be: dark there, and nowhere beside it.
        let Hit { page, x_mm, y_mm, width_mm, height_mm } = found(&document, "Contract, page 1")[0];
        let plain = Drawn::page(&document, 1).expect("drawn");
        let here = Place { page, x_mm, y_mm, width_mm, height_mm };
        let all = Place { page, x_mm: 0.0, y_mm: 0.0, width_mm: 500.0, height_mm: 500.0 };
        assert!(plain.dark_in(here) > 300, "turned {rotate}: {here}");
        // But for a row of pixels at the edge.
        assert!(plain.dark_in(here) * 100 >= plain.dark_in(all) * 98, "turned {rotate}: {here}");
    }
}

/// Documents of other producers, in a folder; `None` where something is not installed.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn of_others() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/producers.py");
    let python = venv("python3");
    let words = ["-W", "ignore", script.to_str()?, CHINESE_FONT, folder.path().to_str()?];
    let output = run(python.to_str()?, &words)?;
    if !Path::new(CHINESE_FONT).is_file() || said(&output).contains("ModuleNotFoundError") {
        println!("SKIPPED: no font or no producer; nothing of others was searched");
        return None;
    }
    assert!(output.status.success(), "{}", said(&output));
    Some(folder)
}

/// Where pdftotext sees a word, in millimetres from the upper left corner of what is shown.
fn by_pdftotext(file: &Path, word: &str) -> Option<[f64; 4]> {
    let output = run("pdftotext", &["-bbox", "-cropbox", file.to_str()?, "-"])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains(&format!(">{word}<")))?;
    let number = |name: &str| line.split(&format!("{name}=\"")).nth(1)?.split('"').next()?.parse::<f64>().ok();
    Some(["xMin", "yMin", "xMax", "yMax"].map(|name| number(name).expect("a number") * MM))
}

#[test]
fn documents_of_other_producers_are_searched_as_pdftotext_sees_them() {
    let Some(folder) = of_others() else { return };
    const WORD: &str = "2026,乙方(盖章):示范公司";
    let names = ["reportlab", "reportlab-form-turned", "mupdf-0", "mupdf-90", "mupdf-180", "mupdf-270"];
    for name in names {
        let plain = folder.path().join(format!("{name}.pdf"));
        let packed = folder.path().join(format!("{name}-packed.pdf"));
        let words = ["--object-streams=generate", "--linearize", plain.to_str().expect("a name")];
        let Some(_) = run("qpdf", &[&words[..], &[packed.to_str().expect("a name")]].concat()) else { return };
        for file in [plain, packed] {
            let document = std::fs::read(&file).expect("read");
            let hits = found(&document, WORD);
            let [hit] = hits[..] else { panic!("{}: {hits:?}", file.display()) };
            let Some([left, top, right, bottom]) = by_pdftotext(&file, WORD) else { return };
            let (x, y) = (hit.x_mm + hit.width_mm / 2.0, hit.y_mm + hit.height_mm / 2.0);
            let (length, seen) = (hit.width_mm.max(hit.height_mm), (right - left).max(bottom - top));
            // Fonts differ in how far they say that characters reach above and below the line.
            assert!((x - (left + right) / 2.0).abs() < 1.0, "{}: {hit:?}, {left}–{right}", file.display());
            assert!((y - (top + bottom) / 2.0).abs() < 1.0, "{}: {hit:?}, {top}–{bottom}", file.display());
            assert!((length - seen).abs() < 0.2, "{}: {length}, {seen}", file.display());
            assert_eq!(found(&document, "乙方(盖章)").len(), 1, "{}", file.display());
        }
    }
}

/// Documents of fonts that do not say their characters by the PDF; the line begins 72 points from the left.
fn must_be_read(size: f64, names: &[&str]) {
    let Some(folder) = of_others() else { return };
    for name in names {
        let document = std::fs::read(folder.path().join(format!("{name}.pdf"))).expect("read");
        let hits = found(&document, "合同编号");
        let [hit] = hits[..] else { panic!("{name}: {hits:?}") };
        assert!((hit.x_mm - 72.0 * MM).abs() < 0.1 && (hit.width_mm - 4.0 * size * MM).abs() < 0.1, "{name}: {hit:?}");
        assert_eq!(found(&document, "乙方(盖章):示范公司").len(), 1, "{name}");
    }
}

#[test]
fn codes_of_the_east_asian_collections_are_understood_without_a_table_in_the_font() {
    must_be_read(14.0, &["reportlab-not-embedded"]);
    must_be_read(16.0, &["collection", "identity"]);
}

#[test]
fn a_font_program_that_only_names_or_numbers_its_glyphs_is_understood() {
    must_be_read(16.0, &["names", "numbers", "simple", "wrapped"]);
}

#[test]
fn text_that_annotations_and_fields_show_is_found_where_they_show_it() {
    let look = stream_text(
        &format!("/BBox [0 0 100 50] /Resources << /Font << /F1 {FONT} 0 R >> >>"),
        "BT /F1 10 Tf 10 20 Td (Seal here) Tj ET",
    );
    let hits = |annotation: &str| {
        let base = PLAIN.build();
        let annotation = format!("<< /Type /Annot /Rect [100 300 300 400] {annotation} >>");
        let page = object(&base, FIRST_PAGE).replace("/Resources", "/Annots [40 0 R] /Resources");
        found(&append(&base, &[(FIRST_PAGE, &page), (40, &annotation), (41, &look)]), "Seal here")
    };
    for shown in [
        "/Subtype /FreeText /F 4 /AP << /N 41 0 R >>",
        "/Subtype /Stamp /AP << /N 41 0 R /D 42 0 R >>",
        "/Subtype /Widget /FT /Tx /V (Seal here) /AP << /N 41 0 R >>",
        "/Subtype /Widget /FT /Btn /AS /On /AP << /N << /Off 42 0 R /On 41 0 R >> >>",
    ] {
        let [hit] = hits(shown)[..] else { panic!("{shown}: {:?}", hits(shown)) };
        // Twice as large as in its own box.
        assert!((hit.x_mm - (100.0 + 20.0) * MM).abs() < 0.1 && (hit.height_mm - 21.0 * MM).abs() < 0.1, "{hit:?}");
    }
    for hidden in ["/F 2 /AP << /N 41 0 R >>", "/AS /Off /AP << /N << /On 41 0 R >> >>", "/Contents (Seal here)"] {
        assert_eq!(hits(&format!("/Subtype /FreeText {hidden}")), [], "{hidden}");
    }
}

#[test]
fn the_looks_of_annotations_count_as_what_is_drawn() {
    let endless = stream_text("/BBox [0 0 9 9] /Resources << /XObject << /X 42 0 R >> >>", "/X Do");
    let again = stream_text("/Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 42 0 R >> >>", "/X Do");
    let base = PLAIN.build();
    let page = object(&base, FIRST_PAGE).replace("/Resources", "/Annots [40 0 R] /Resources");
    let stamp = "<< /Type /Annot /Subtype /Stamp /Rect [0 0 9 9] /AP << /N 41 0 R >> >>";
    let document = append(&base, &[(FIRST_PAGE, &page), (40, stamp), (41, &endless), (42, &again)]);
    let error = refused(&document, &Limits::default());
    assert!(matches!(error, DocumentError::TooLarge { limit: Limit::DrawnBytes, .. }), "{error:?}");
}

#[test]
fn a_document_with_a_password_is_searched_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let [plain, encrypted] = ["plain.pdf", "encrypted.pdf"].map(|name| folder.path().join(name));
    std::fs::write(&plain, PLAIN.build()).expect("written");
    let names = [&plain, &encrypted].map(|path| path.to_str().expect("a name"));
    let words = [&names[..], &["--encrypt", "secret", "owner", "256", "--"]].concat();
    let Some(output) = run("qpdf", &words) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let document = source(&std::fs::read(&encrypted).expect("read"));
    let hits = pdf::find_text_with(&document, "Contract", "secret", &Limits::default()).expect("a search");
    assert_eq!(hits, found(&PLAIN.build(), "Contract"));
    let without = pdf::find_text(&document, "Contract", &Limits::default());
    assert!(matches!(without, Err(DocumentError::Encrypted)), "{without:?}");
}

#[test]
fn a_keyword_that_is_not_there_is_told_and_too_much_text_is_refused() {
    let missing = stamps(
        &source(&PLAIN.build()),
        &rule("丁方"),
        PdfWorld::new().party("甲方").usable().size(),
        &Limits::default(),
    );
    assert!(matches!(missing, Err(DocumentError::KeywordNotFound { found: 0, .. })));
    let many = Shape { pages: 3, ..PLAIN }.build();
    let crowded = refused(&many, &Limits { max_stamps: 2, ..Limits::default() });
    assert!(matches!(crowded, DocumentError::TooLarge { limit: Limit::Stamps, .. }));
    let long = refused(&many, &Limits { max_page_text: 10, ..Limits::default() });
    assert!(matches!(long, DocumentError::TooLarge { limit: Limit::PageText, .. }));
}

/// A page that draws a form which draws the next one twice, and so on.
fn doubling(levels: u32, last: &str) -> Vec<u8> {
    let resources = |next: u32| format!("/Resources << /XObject << /X {next} 0 R >> >>");
    let form = "/Type /XObject /Subtype /Form /BBox [0 0 1 1]";
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents {} 0 R {} >>",
        FIRST_PAGE + 1,
        resources(40)
    );
    let mut objects = vec![(FIRST_PAGE, page), (FIRST_PAGE + 1, stream_text("", "/X Do /X%\nDo"))];
    for level in 0..levels {
        let entries = format!("{form} {}", resources(41 + level));
        objects.push((40 + level, stream_text(&entries, "/X Do /#58 Do")));
    }
    objects.push((40 + levels, stream_text(&format!("{form} {last}"), if last.is_empty() { "q Q" } else { "/X Do" })));
    append(&PLAIN.build(), &objects.iter().map(|(number, body)| (*number, body.as_str())).collect::<Vec<_>>())
}

#[test]
fn forms_that_draw_forms_without_end_are_refused() {
    let limits = Limits::default();
    for document in [doubling(40, ""), doubling(1, "/Resources << /XObject << /X 40 0 R >> >>")] {
        let error = refused(&document, &limits);
        assert!(matches!(error, DocumentError::TooLarge { limit: Limit::DrawnBytes, .. }), "{error:?}");
    }
    assert_eq!(found(&doubling(4, ""), "Contract"), [], "sixteen times nothing is no effort");
}

#[test]
fn a_font_that_decompresses_to_more_than_is_fair_is_refused_before_others_read_it() {
    use crate::support::pdf_builder::zlib;
    let bomb = zlib(&vec![0; 64 << 20]);
    let text: String = bomb.iter().map(|byte| format!("{byte:02x}")).collect();
    let font = "<< /Type /Font /Subtype /TrueType /BaseFont /A /FontDescriptor 40 0 R >>";
    let descriptor = "<< /Type /FontDescriptor /FontName /A /Flags 4 /FontFile2 41 0 R >>";
    let program = stream_text("/Filter [/ASCIIHexDecode /FlateDecode]", &format!("{text}>"));
    let document = append(&PLAIN.build(), &[(FONT, font), (40, descriptor), (41, &program)]);
    let limits = Limits { max_entry_bytes: 32 << 20, ..Limits::default() };
    let error = refused(&document, &limits);
    assert!(matches!(error, DocumentError::TooLarge { limit: Limit::EntryBytes, .. }), "{error:?}");
}

#[test]
fn documents_of_others_whole_cut_and_changed_give_places_or_an_error_in_time() {
    let limits = Limits { max_drawn_bytes: 16 << 20, ..Limits::default() };
    let begun = cpu_seconds();
    let mut searched = 0;
    for name in names("pdf").into_iter().filter(|name| name.ends_with(".pdf")) {
        let Some(document) = sample(&format!("pdf/{name}")) else { continue };
        let search = |document: &[u8]| pdf::find_text(&source(document), "e", &limits);
        searched += usize::from(search(&document).is_ok());
        if document.len() > 60_000 {
            continue;
        }
        let mut state = 0x9e37_79b9_u64 | 1;
        for _ in 0..12 {
            let mut other = document.clone();
            for _ in 0..8 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (state >> 33) as usize % other.len();
                other[at] = (state >> 25) as u8;
            }
            let _ = search(&other);
            let _ = search(&other[..other.len() / 2]);
        }
    }
    assert!(cpu_seconds() - begun < 240.0, "{}", cpu_seconds() - begun);
    assert!(searched > 50 || names("pdf").is_empty(), "only {searched} could be searched");
}
