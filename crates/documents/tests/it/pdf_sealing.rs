//! Sealing PDF documents of all shapes.

use eseal_documents::{DocumentError, Kind, Limits, NoteCode, Outcome, Place, Verdict, pdf};
use eseal_pki::Signer;

use crate::support::parties::now;
use crate::support::pdf_builder::{Form, PLAIN, Shape, shapes};
use crate::support::pdf_parties::{PLACE, PdfWorld, judged, source, verify};

fn near(a: Place, b: Place) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() < 0.01;
    a.page == b.page
        && close(a.x_mm, b.x_mm)
        && close(a.y_mm, b.y_mm)
        && close(a.width_mm, b.width_mm)
        && close(a.height_mm, b.height_mm)
}

#[test]
fn a_document_of_every_shape_is_sealed_where_asked_and_keeps_its_bytes() {
    let world = PdfWorld::new();
    let party = world.party("甲方");
    for shape in shapes() {
        let document = shape.build();
        let place = Place { page: shape.pages as u32, ..PLACE };
        let (sealed, done) =
            party.try_seal(&document, &[place]).unwrap_or_else(|error| panic!("{}: {error}", shape.name));
        assert!(sealed.starts_with(&document), "{}", shape.name);
        assert_eq!(done.bytes, sealed.len() as u64);

        let report = verify(&sealed);
        let [seal] = report.seals.as_slice() else { panic!("{}: {report:?}", shape.name) };
        assert_eq!((seal.id.as_str(), seal.kind), (done.id.as_str(), Kind::Seal), "{}", shape.name);
        assert_eq!(seal.content, Outcome::Passed, "{}: {:?}", shape.name, seal.steps);
        assert_eq!(seal.impression, Outcome::Passed, "{}: {:?}", shape.name, seal.steps);
        assert_eq!(seal.signed_at, Some(now()), "{}", shape.name);
        assert!(near(seal.stamps[0].place, place), "{}: {}", shape.name, seal.stamps[0].place);
        assert_eq!(judged(&sealed, &world).verdict, Verdict::Valid, "{}", shape.name);
        assert!(!judged(&sealed, &world).is_flagged(), "{}: {:?}", shape.name, report.notes);
    }
}

#[test]
fn the_seal_is_in_the_document_byte_for_byte() {
    let party = PdfWorld::new().party("甲方");
    let report = verify(&party.seal(&PLAIN.build()));
    assert_eq!(report.seals[0].seal.as_ref().expect("a seal").der(), party.seal);
}

#[test]
fn of_several_seals_one_after_the_other_each_stays_valid() {
    let world = PdfWorld::new();
    for shape in shapes() {
        let mut document = shape.build();
        for (index, name) in ["甲方", "乙方", "丙方"].into_iter().enumerate() {
            let place = Place { x_mm: 10.0 + 45.0 * index as f64, ..PLACE };
            document = world.party(name).try_seal(&document, &[place]).expect("sealed").0;
        }
        let judgement = judged(&document, &world);
        assert_eq!(judgement.verdict, Verdict::Valid, "{}: {judgement:?}", shape.name);
        assert!(!judgement.is_flagged(), "{}: {judgement:?}", shape.name);
        let ids: Vec<_> = judgement.seals.iter().map(|seal| seal.id.as_str()).collect();
        assert_eq!(ids, ["Seal1", "Seal2", "Seal3"], "{}", shape.name);
        let later = |seal: usize| judgement.seals[seal].notes.iter().find(|n| n.code == NoteCode::LaterSignatures);
        assert_eq!(later(0).and_then(|note| note.detail.as_deref()), Some("Seal2, Seal3"));
        assert_eq!(later(2), None);
    }
}

#[test]
fn a_signature_that_is_not_the_signers_is_refused() {
    let world = PdfWorld::new();
    let (party, other) = (world.party("甲方"), world.party("乙方"));
    let prepare = || party.prepare(&PLAIN.build(), &[PLACE.into()], pdf::SealingOptions::default());
    let prepared = prepare().expect("prepared");
    let signature = other.key.sign(prepared.to_sign()).expect("a signature");
    let refused = prepared.finish(std::io::sink(), &signature, &mut |_| {});
    assert!(matches!(refused, Err(DocumentError::SigningFailed)));
    let refused = prepare().expect("prepared").finish(std::io::sink(), &[], &mut |_| {});
    assert!(matches!(refused, Err(DocumentError::SigningFailed)));
}

#[test]
fn a_signer_who_is_not_in_the_seal_cannot_use_it() {
    let world = PdfWorld::new();
    let (mut party, other) = (world.party("甲方"), world.party("乙方"));
    party.seal = other.seal;
    assert!(matches!(party.try_seal(&PLAIN.build(), &[PLACE]), Err(DocumentError::SignerNotInSeal)));
}

#[test]
fn a_seal_outside_its_validity_cannot_be_used() {
    let party = PdfWorld::new().party("甲方");
    let year = std::time::Duration::from_secs(366 * 24 * 3600);
    let seal = party.usable();
    for time in [now().plus(year), now().minus(year)] {
        let stamps = [PLACE.into()];
        let request = pdf::SealingRequest { time, ..party.request(&seal, &stamps) };
        let refused = pdf::prepare(source(&PLAIN.build()), &request, &Limits::default(), &mut |_| {});
        assert!(matches!(refused, Err(DocumentError::SealNotValid { .. })), "{time}");
    }
}

#[test]
fn places_that_are_nowhere_are_refused_with_what_there_is() {
    let party = PdfWorld::new().party("甲方");
    let document = Shape { pages: 2, ..PLAIN }.build();
    let refused = |places: &[Place]| party.try_seal(&document, places).expect_err("refused");
    assert!(matches!(refused(&[Place { page: 3, ..PLACE }]), DocumentError::NoSuchPage { page: 3, pages: 2 }));
    assert!(matches!(refused(&[Place { page: 0, ..PLACE }]), DocumentError::NoSuchPage { page: 0, pages: 2 }));
    assert!(matches!(refused(&[Place { x_mm: 171.0, ..PLACE }]), DocumentError::OutsidePage { .. }));
    assert!(matches!(refused(&[Place { y_mm: f64::NAN, ..PLACE }]), DocumentError::OutsidePage { .. }));
    assert!(matches!(refused(&[]), DocumentError::NoPlace));
}

#[test]
fn a_document_whose_author_permits_no_changes_is_locked() {
    let party = PdfWorld::new().party("甲方");
    let certified = |level| Shape { form: Form::Certified(level), ..PLAIN }.build();
    let refused = party.try_seal(&certified(1), &[PLACE]).expect_err("locked");
    assert!(matches!(&refused, DocumentError::Locked { by, .. } if by == "Author"), "{refused}");
    for level in [2, 3] {
        assert!(party.try_seal(&certified(level), &[PLACE]).is_ok(), "{level}");
    }
}

#[test]
fn a_document_whose_table_is_damaged_is_not_sealed() {
    let party = PdfWorld::new().party("甲方");
    let text = String::from_utf8_lossy(&PLAIN.build()).into_owned();
    let at = text.rfind("startxref").expect("there");
    for damaged in [format!("{}startxref\n1\n%%EOF\n", &text[..at]), text[..at].to_owned()] {
        let refused = party.try_seal(damaged.as_bytes(), &[PLACE]).expect_err("damaged");
        assert!(matches!(refused, DocumentError::Unsupported { .. }), "{refused}");
    }
}

#[test]
fn page_sizes_are_as_the_pages_are_shown() {
    let size = |shape: Shape| {
        let sizes = pdf::pages(&source(&shape.build()), &Limits::default()).expect("pages");
        (sizes.len(), sizes[0].width_mm.round() as i64, sizes[0].height_mm.round() as i64)
    };
    assert_eq!(size(PLAIN), (1, 210, 297));
    assert_eq!(size(Shape { pages: 3, inherited: true, rotate: 90, ..PLAIN }), (3, 297, 210));
    assert_eq!(size(Shape { rotate: -180, ..PLAIN }), (1, 210, 297));
    assert_eq!(size(Shape { user_unit: Some("2.0"), ..PLAIN }), (1, 420, 594));
    assert_eq!(size(Shape { crop: Some("[100 100 171 242]"), ..PLAIN }), (1, 25, 50));
}
