//! Seals with several impressions: on several pages, on every page, along the edges.

use eseal_documents::pdf::{self, SealForm, SealingOptions};
use eseal_documents::{Clip, Edge, Limits, PageSize, Place, Placement, Seam, Spot, Stamp, Verdict};

use crate::support::drawn::Drawn;
use crate::support::pdf_builder::{Annots, Form, PLAIN, Shape, Xref};
use crate::support::pdf_parties::{PLACE, PdfParty, PdfWorld, judged, source, verify};
use crate::support::peers::{pyhanko, run, said};

fn pages(document: &[u8]) -> Vec<PageSize> {
    pdf::pages(&source(document), &Limits::default()).expect("pages")
}

fn seam(edge: Edge) -> Seam {
    Seam { edge, ..Seam::default() }
}

fn resolved(party: &PdfParty, placement: &Placement, document: &[u8]) -> Vec<Stamp> {
    let size = party.usable().size();
    placement.resolve(size, &pages(document), &[], &Limits::default()).expect("places")
}

fn seal(party: &PdfParty, document: &[u8], stamps: &[Stamp]) -> Vec<u8> {
    party.try_seal_with(document, stamps, SealingOptions::default()).expect("sealed").0
}

/// Documents of several pages in the shapes that differ most, with pages turned in every direction.
fn shapes() -> Vec<Shape> {
    let three = Shape { pages: 3, inherited: true, ..PLAIN };
    vec![
        three.clone(),
        Shape {
            name: "streams",
            xref: Xref::Stream,
            form: Form::IndirectFields,
            annots: Annots::Indirect,
            ..three.clone()
        },
        Shape { name: "annotations shared", annots: Annots::Shared, ..three.clone() },
        Shape { name: "turned 90", rotate: 90, crop: Some("[50 100 545.276 741.89]"), ..three.clone() },
        Shape { name: "turned 180", rotate: 180, ..three.clone() },
        Shape { name: "turned 270", rotate: 270, ..three },
    ]
}

fn placements() -> Vec<(&'static str, Placement)> {
    let spot = |page, x_mm, y_mm| Spot { page, x_mm, y_mm };
    vec![
        ("points", Placement::At(vec![spot(1, 20.0, 30.0), spot(1, 100.0, 30.0), spot(3, 60.0, 80.0)])),
        ("every page", Placement::EveryPage { x_mm: 90.0, y_mm: 100.0 }),
        ("seam right", Placement::Seam(seam(Edge::Right))),
        ("seam left", Placement::Seam(seam(Edge::Left))),
        ("seam top", Placement::Seam(seam(Edge::Top))),
        ("seam bottom", Placement::Seam(seam(Edge::Bottom))),
    ]
}

#[test]
fn one_seal_has_as_many_impressions_as_asked_for_and_is_one_seal() {
    let world = PdfWorld::new();
    let party = world.party("甲方");
    for shape in shapes() {
        let document = shape.build();
        for (name, placement) in placements() {
            let stamps = resolved(&party, &placement, &document);
            let sealed = seal(&party, &document, &stamps);
            let report = verify(&sealed);
            assert_eq!(report.seals.len(), 1, "{} {name}", shape.name);
            let judgement = judged(&sealed, &world);
            assert_eq!(judgement.verdict, Verdict::Valid, "{} {name}: {judgement:?}", shape.name);
            assert!(!judgement.is_flagged(), "{} {name}: {judgement:?}", shape.name);
            let found = &report.seals[0].stamps;
            assert_eq!(found.len(), stamps.len(), "{} {name}", shape.name);
            for (found, asked) in found.iter().zip(&stamps) {
                assert!(
                    near(found.place, asked.visible()),
                    "{} {name}: {} {}",
                    shape.name,
                    found.place,
                    asked.visible()
                );
            }
        }
    }
}

fn near(a: Place, b: Place) -> bool {
    let pairs = [(a.x_mm, b.x_mm), (a.y_mm, b.y_mm), (a.width_mm, b.width_mm), (a.height_mm, b.height_mm)];
    a.page == b.page && pairs.iter().all(|(a, b)| (a - b).abs() < 0.01)
}

#[test]
fn the_picture_is_in_the_file_once_however_many_impressions_there_are() {
    let party = PdfWorld::new().party("甲方");
    let document = Shape { pages: 30, ..PLAIN }.build();
    let everywhere = resolved(&party, &Placement::EveryPage { x_mm: 90.0, y_mm: 100.0 }, &document);
    let sealed = seal(&party, &document, &everywhere);
    let count = |what: &[u8]| memchr::memmem::find_iter(&sealed, what).count();
    assert_eq!(count(b"/Subtype /Image"), 2, "colours and opacity");
    assert_eq!(count(b"/Subtype /Form"), 1, "one look for impressions that are the same");
    assert_eq!(count(b"/Subtype /Widget"), 30);
}

#[test]
fn others_find_a_valid_signature_with_several_impressions_and_a_second_one_later() {
    let world = PdfWorld::new();
    let (first, second) = (world.party("Party A"), world.party("Party B"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sealed.pdf");
    let root = folder.path().join("ca.pem");
    std::fs::write(&root, world.holders.certificate().to_pem()).expect("written");
    let name = file.to_str().expect("a name");
    for shape in shapes().into_iter().take(3) {
        let document = shape.build();
        let strips = resolved(&first, &Placement::Seam(seam(Edge::Right)), &document);
        let once = seal(&first, &document, &strips);
        let everywhere = resolved(&second, &Placement::EveryPage { x_mm: 20.0, y_mm: 200.0 }, &document);
        let twice = seal(&second, &once, &everywhere);
        // pdfsig takes each impression for a field and lists its signature there.
        for (seals, listed, sealed) in [(1, 3, once), (2, 6, twice)] {
            std::fs::write(&file, &sealed).expect("written");
            assert!(!judged(&sealed, &world).is_flagged(), "{} {seals}", shape.name);
            if let Some(output) = run("qpdf", &["--check", name]) {
                assert!(output.status.success() && !said(&output).contains("WARNING"), "{}", said(&output));
            }
            if let Some(output) = run("pdfsig", &["-nocert", name]) {
                let said = said(&output);
                assert_eq!(said.matches("Signature is Valid.").count(), listed, "{} {seals}: {said}", shape.name);
                assert_eq!(said.matches("Signature #").count(), listed, "{} {seals}: {said}", shape.name);
                assert!(said.contains("Total document signed"), "{} {seals}: {said}", shape.name);
            }
            let words = [
                "sign",
                "validate",
                "--trust",
                root.to_str().expect("a name"),
                "--trust-replace",
                "--no-revocation-check",
                "--pretty-print",
                name,
            ];
            if let Some(output) = run(pyhanko().to_str().expect("a name"), &words) {
                let said = said(&output);
                assert!(output.status.success(), "{} {seals}: {said}", shape.name);
                assert_eq!(
                    said.matches("The signature is judged VALID").count(),
                    seals,
                    "{} {seals}: {said}",
                    shape.name
                );
            }
        }
    }
}

#[test]
fn every_impression_is_drawn_where_it_was_asked_for_in_its_size_and_transparent() {
    let party = PdfWorld::new().party("甲方");
    for shape in shapes() {
        let document = shape.build();
        let stamps = resolved(&party, &placements()[0].1, &document);
        let sealed = seal(&party, &document, &stamps);
        for page in 1..=3 {
            let Some(drawn) = Drawn::page(&sealed, page) else { return };
            let here: Vec<_> = stamps.iter().filter(|stamp| stamp.place.page == page).collect();
            assert_eq!(drawn.has_red(), !here.is_empty(), "{} page {page}", shape.name);
            for stamp in here {
                drawn.must_show(stamp.place, shape.name);
            }
        }
    }
}

#[test]
fn text_below_an_impression_stays_readable() {
    let party = PdfWorld::new().party("甲方");
    let document = PLAIN.build();
    let place = Place { page: 1, x_mm: 60.0, y_mm: 140.0, width_mm: 40.0, height_mm: 40.0 };
    let inside = Place { x_mm: 65.0, y_mm: 148.0, width_mm: 30.0, height_mm: 12.0, ..place };
    let Some(before) = Drawn::page(&document, 1) else { return };
    let after = Drawn::page(&seal(&party, &document, &[place.into()]), 1).expect("drawn");
    assert!(before.dark_in(inside) > 50, "the test needs text there");
    assert_eq!(after.dark_in(inside), before.dark_in(inside));
    after.must_show(place, "over text");
}

#[test]
fn the_strips_of_a_seam_seal_put_together_are_the_whole_picture() {
    let party = PdfWorld::new().party("甲方");
    for shape in shapes() {
        let document = shape.build();
        for edge in Edge::ALL {
            let stamps = resolved(&party, &Placement::Seam(seam(edge)), &document);
            let sealed = seal(&party, &document, &stamps);
            let mut red = 0.0;
            for stamp in &stamps {
                let Some(drawn) = Drawn::page(&sealed, stamp.place.page) else { return };
                let seen = stamp.visible();
                assert_eq!(drawn.red_outside(seen), 0, "{} {edge:?} page {}", shape.name, seen.page);
                red += drawn.red_mm2();
            }
            let whole = seal(&party, &document, &[PLACE.into()]);
            let Some(drawn) = Drawn::page(&whole, 1) else { return };
            let expected = drawn.red_mm2();
            assert!((red - expected).abs() < expected * 0.12, "{} {edge:?}: {red} of {expected} mm²", shape.name);
        }
    }
}

#[test]
fn a_seal_of_the_chinese_form_is_drawn_as_one_of_the_international() {
    let party = PdfWorld::new().sm2_party("甲方");
    let gm = SealingOptions { form: SealForm::Gm, ..SealingOptions::default() };
    let text = Place { page: 1, x_mm: 65.0, y_mm: 148.0, width_mm: 30.0, height_mm: 12.0 };
    for shape in shapes() {
        let document = shape.build();
        let everywhere = resolved(&party, &Placement::EveryPage { x_mm: 60.0, y_mm: 120.0 }, &document);
        let (sealed, _) = party.try_seal_with(&document, &everywhere, gm).expect("sealed");
        for stamp in &everywhere {
            let Some(drawn) = Drawn::page(&sealed, stamp.place.page) else { return };
            drawn.must_show(stamp.place, shape.name);
        }
        let strips = resolved(&party, &Placement::Seam(seam(Edge::Right)), &document);
        let (sealed, _) = party.try_seal_with(&document, &strips, gm).expect("sealed");
        for strip in strips.iter().map(Stamp::visible) {
            let Some(drawn) = Drawn::page(&sealed, strip.page) else { return };
            assert!(drawn.has_red(), "{} page {}", shape.name, strip.page);
            assert_eq!(drawn.red_outside(strip), 0, "{} page {}", shape.name, strip.page);
        }
    }
    let plain = Drawn::page(&PLAIN.build(), 1).expect("drawn");
    let place = Place { page: 1, x_mm: 60.0, y_mm: 140.0, ..PLACE };
    let (sealed, _) = party.try_seal_with(&PLAIN.build(), &[place.into()], gm).expect("sealed");
    let drawn = Drawn::page(&sealed, 1).expect("drawn");
    assert!(plain.dark_in(text) > 50 && drawn.dark_in(text) == plain.dark_in(text), "transparent");
}

#[test]
fn a_part_of_the_picture_that_is_none_is_refused() {
    let party = PdfWorld::new().party("甲方");
    let clip = Clip { x_mm: 30.0, y_mm: 0.0, width_mm: 20.0, height_mm: 40.0 };
    let stamp = Stamp { place: PLACE, clip: Some(clip) };
    let refused = party.try_seal_with(&PLAIN.build(), &[stamp], SealingOptions::default());
    assert!(matches!(refused, Err(eseal_documents::DocumentError::OutsidePage { .. })));
}
