//! Seals at a keyword: found across runs of text, with the page's transformation and rotation.

use eseal_documents::pdf::{self, SealingOptions};
use eseal_documents::{DocumentError, Hit, Limits, Placement, Which};

use crate::support::drawn::Drawn;
use crate::support::pdf_builder::{FIRST_PAGE, PLAIN, Shape, Xref};
use crate::support::pdf_parties::{PdfWorld, source};
use crate::support::pdf_update::{append, stream_text};

fn found(document: &[u8], keyword: &str) -> Vec<Hit> {
    pdf::keyword(&source(document), keyword, "", &Limits::default()).expect("read")
}

/// `document` with another content of its first page.
fn showing(document: &[u8], content: &str) -> Vec<u8> {
    append(document, &[(FIRST_PAGE + 1, &stream_text("", content))])
}

#[test]
fn a_keyword_is_found_on_every_page_where_it_stands() {
    for shape in [Shape { pages: 3, ..PLAIN }, Shape { pages: 3, xref: Xref::Stream, ..PLAIN }] {
        let document = shape.build();
        let hits = found(&document, "Contract");
        assert_eq!(hits.iter().map(|hit| hit.page).collect::<Vec<_>>(), [1, 2, 3]);
        // `150 400 Td`, 24 points high, on a page 841.89 high.
        let (x, baseline) = (150.0 * 25.4 / 72.0, (841.89 - 400.0) * 25.4 / 72.0);
        for hit in &hits {
            assert!((hit.x_mm - x).abs() < 0.5, "{hit:?}");
            assert!(hit.y_mm < baseline && baseline < hit.y_mm + hit.height_mm, "{hit:?}");
            assert!((25.0..40.0).contains(&hit.width_mm), "{hit:?}");
        }
        assert_eq!(found(&document, "page 2").len(), 1, "white space does not matter");
        assert_eq!(found(&document, "Seal here"), []);
        assert_eq!(found(&document, "  "), []);
    }
}

#[test]
fn a_keyword_is_found_across_runs_of_text_and_through_transformations() {
    let split = "BT /F1 12 Tf 100 600 Td (Se) Tj (al) Tj [(h) -50 (e)] TJ 0 Tc (re) Tj ET";
    let hits = found(&showing(&PLAIN.build(), split), "Seal here");
    assert_eq!(hits.len(), 1, "{hits:?}");
    let moved = "q 2 0 0 2 100 300 cm BT /F1 10 Tf 50 100 Td (Seal here) Tj ET Q";
    let hits = found(&showing(&PLAIN.build(), moved), "Sealhere");
    assert_eq!(hits.len(), 1);
    assert!((hits[0].x_mm - 200.0 * 25.4 / 72.0).abs() < 0.5, "{hits:?}");
    assert!((hits[0].height_mm - 20.0 * 25.4 / 72.0).abs() < 0.5, "{hits:?}");
    // Bold by drawing twice is one hit.
    let bold = "BT /F1 12 Tf 100 600 Td (Seal here) Tj 0.3 0 Td (Seal here) Tj ET";
    assert_eq!(found(&showing(&PLAIN.build(), bold), "Seal here").len(), 1);
}

#[test]
fn the_seal_stands_on_the_keyword_whatever_way_the_page_is_turned() {
    let party = PdfWorld::new().party("甲方");
    for rotate in [0, 90, 180, 270] {
        let document = Shape { rotate, crop: Some("[20 30 575.276 811.89]"), ..PLAIN }.build();
        let hits = found(&document, "Contract");
        let rule = Placement::Keyword { text: "Contract".to_owned(), which: Which::First, offset_mm: (0.0, 0.0) };
        let pages = pdf::pages(&source(&document), &Limits::default()).expect("pages");
        let stamps = rule.resolve(party.usable().size(), &pages, &hits, &Limits::default()).expect("places");
        let (sealed, _) = party.try_seal_with(&document, &stamps, SealingOptions::default()).expect("sealed");
        let Some(drawn) = Drawn::page(&sealed, 1) else { return };
        drawn.must_show(stamps[0].place, &format!("turned {rotate}"));
        // The text itself is where the hit says: dark pixels, and in the middle of the seal.
        let hit = hits[0];
        let text = eseal_documents::Place {
            page: 1,
            x_mm: hit.x_mm,
            y_mm: hit.y_mm,
            width_mm: hit.width_mm,
            height_mm: hit.height_mm,
        };
        let plain = Drawn::page(&document, 1).expect("drawn");
        assert!(plain.dark_in(text) > 100, "turned {rotate}: {hit:?}");
    }
}

#[test]
fn a_keyword_that_is_not_there_is_told() {
    let party = PdfWorld::new().party("甲方");
    let document = PLAIN.build();
    let rule = Placement::Keyword { text: "Seal here".to_owned(), which: Which::All, offset_mm: (0.0, 0.0) };
    let pages = pdf::pages(&source(&document), &Limits::default()).expect("pages");
    let refused = rule.resolve(party.usable().size(), &pages, &found(&document, "Seal here"), &Limits::default());
    assert!(matches!(refused, Err(DocumentError::KeywordNotFound { found: 0, .. })), "{refused:?}");
}
