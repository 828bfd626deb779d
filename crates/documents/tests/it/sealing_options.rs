//! The steps of sealing that are the same for both formats: which options fit which, and one seal for many documents.

use eseal_documents::pdf::{Permitted, SealForm};
use eseal_documents::sealing::{Options, Prepared, Request, UsableSeal, prepare, prepare_reading, suite_for};
use eseal_documents::{DocumentError, Format, Limits, Outcome, Placement, Reason, SealingOption, Spot, verify_with};
use eseal_pki::{Certificate, Signer, Suite};
use eseal_seal::{Seal, Version};

use super::pdf_certification::with_field;
use crate::support::authority::Authority;
use crate::support::ofd_contract::contract;
use crate::support::parties::{World, info, now, source};
use crate::support::pdf_builder::PLAIN;
use crate::support::pdf_parties::{PdfWorld, impression};

fn place() -> Placement {
    Placement::At(vec![Spot { page: 1, x_mm: 100.0, y_mm: 100.0 }])
}

fn laid_out(
    seal: &UsableSeal,
    signer: &Certificate,
    document: &[u8],
    options: Options<'_>,
) -> Result<Prepared, DocumentError> {
    let placement = &place();
    let request = Request { seal, placement, time: now(), signer, chain: &[], reason: None, options };
    prepare(&source(document), &request, &Limits::default(), &mut |_| {})
}

fn unfit(result: Result<Prepared, DocumentError>) -> SealingOption {
    match result.expect_err("refused") {
        error @ DocumentError::OptionUnfit { option, .. } => {
            assert_eq!(error.reason(), Reason::OptionUnfit);
            option
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_a_format_does_not_have_is_refused_by_name() {
    let party = World::new().party("甲方");
    let seal = UsableSeal::from_der(&party.seal).expect("a seal");
    let ofd = |options| unfit(laid_out(&seal, &party.identity.certificate, &contract(), options));
    let asked = Options { certifies: Some(Permitted::Filling), ..Options::default() };
    assert_eq!(ofd(asked), SealingOption::Certification);
    assert_eq!(ofd(Options { form: SealForm::Gm, ..Options::default() }), SealingOption::Form);
    assert_eq!(ofd(Options { field: Some("Signature1"), ..Options::default() }), SealingOption::Field);

    let party = PdfWorld::new().sm2_party("甲方");
    let seal = UsableSeal::from_der(&party.seal).expect("a seal");
    let stamped = Options { form: SealForm::Gm, time_stamp_room: 1, ..Options::default() };
    assert_eq!(unfit(laid_out(&seal, &party.certificate, &PLAIN.build(), stamped)), SealingOption::TimeStamp);
    let token = laid_out(&seal, &party.certificate, &contract(), Options::default()).expect("prepared");
    let signature = party.key.sign(token.to_sign()).expect("a signature");
    let refused = token.finish_stamped(Vec::new(), &signature, Some(b"token"), &mut |_| {}).expect_err("refused");
    assert!(matches!(refused, DocumentError::TimeStampRefused { .. }), "{refused}");
}

#[test]
fn the_key_follows_from_format_and_form() {
    assert_eq!(suite_for(Format::Ofd, SealForm::Pades), Suite::Sm2Sm3);
    assert_eq!(suite_for(Format::Pdf, SealForm::Gm), Suite::Sm2Sm3);
    assert_eq!(suite_for(Format::Pdf, SealForm::Pades), Suite::EcdsaP256Sha256);
    let party = PdfWorld::new().party("甲方");
    let seal = UsableSeal::from_der(&party.seal).expect("a seal");
    assert_eq!(seal.signer(Suite::EcdsaP256Sha256), Some(party.certificate));
    assert_eq!(seal.signer(Suite::Sm2Sm3), None);
}

#[test]
fn one_usable_seal_serves_documents_of_both_formats_and_forms() {
    let party = PdfWorld::new().sm2_party("甲方");
    let seal = UsableSeal::from_der(&party.seal).expect("a seal");
    let gm = Options { form: SealForm::Gm, ..Options::default() };
    for (document, options) in [(contract(), Options::default()), (PLAIN.build(), gm), (PLAIN.build(), gm)] {
        let prepared = laid_out(&seal, &party.certificate, &document, options).expect("prepared");
        assert_eq!(prepared.places().len(), 1);
        let signature = party.key.sign(prepared.to_sign()).expect("a signature");
        let mut sealed = Vec::new();
        prepared.finish(&mut sealed, &signature, &mut |_| {}).expect("sealed");
        let report = verify_with(&source(&sealed), "", &Limits::default(), &mut |_| {}).expect("a document");
        assert_eq!((report.seals[0].content, report.seals[0].impression), (Outcome::Passed, Outcome::Passed));
    }
}

#[test]
fn a_picture_that_no_pdf_can_show_stands_in_no_ofds_way() {
    // The seal of this world has bytes that are no PNG.
    let party = World::new().party("甲方");
    let seal = UsableSeal::from_der(&party.seal).expect("a seal");
    assert!(laid_out(&seal, &party.identity.certificate, &contract(), Options::default()).is_ok());
    let gm = Options { form: SealForm::Gm, ..Options::default() };
    for _ in 0..2 {
        let refused = laid_out(&seal, &party.identity.certificate, &PLAIN.build(), gm).expect_err("refused");
        assert!(matches!(&refused, DocumentError::SealUnusable { .. }), "{refused}");
    }
}

#[test]
fn a_seal_of_2025_seals_both_formats_only_where_that_is_asked_for() {
    let world = World::new();
    let party = world.party("甲方");
    let mut info = info("甲方", &[&party.identity.certificate]);
    info.picture.data = impression();
    let der = info.to_der_as(Version::V5).expect("a seal");
    let value = world.maker().key.sign(&der).expect("a signature");
    let seal = UsableSeal::from_der(&Seal::assemble(&der, &world.maker().certificate, &value).expect("a seal"));
    let seal = seal.expect("a seal");
    for (document, form) in [(contract(), SealForm::Pades), (PLAIN.build(), SealForm::Gm)] {
        let asked = Options { form, ..Options::default() };
        let refused = laid_out(&seal, &party.identity.certificate, &document, asked).expect_err("refused");
        assert!(matches!(&refused, DocumentError::SealUnusable { what } if what.contains("2025")), "{refused}");
        let asked = Options { accept_v5: true, ..asked };
        let prepared = laid_out(&seal, &party.identity.certificate, &document, asked).expect("prepared");
        let signature = party.identity.key.sign(prepared.to_sign()).expect("a signature");
        let mut sealed = Vec::new();
        prepared.finish(&mut sealed, &signature, &mut |_| {}).expect("sealed");
        let report = verify_with(&source(&sealed), "", &Limits::default(), &mut |_| {}).expect("a document");
        assert_eq!(report.seals[0].seal.as_ref().map(Seal::version), Some(Version::V5));
        assert_eq!(report.seals[0].content, Outcome::Passed);
    }
}

#[test]
fn a_seal_of_which_the_makers_signature_is_wrong_is_never_usable() {
    let mut der = World::new().party("甲方").seal;
    let last = der.len() - 1;
    der[last] ^= 1;
    assert!(matches!(UsableSeal::from_der(&der), Err(DocumentError::SealUnusable { .. })));
}

#[test]
fn a_token_goes_into_the_room_that_was_kept_for_it() {
    let Some(authority) = Authority::new() else { return };
    let party = PdfWorld::new().party("甲方");
    let seal = UsableSeal::from_der(&party.seal).expect("a seal");
    let room = eseal_documents::pdf::time_stamp_room(&authority.token("sha256", &[7; 32])).expect("a token");
    let asked = Options { time_stamp_room: room, ..Options::default() };
    let prepared = laid_out(&seal, &party.certificate, &PLAIN.build(), asked).expect("prepared");
    let signature = party.key.sign(prepared.to_sign()).expect("a signature");
    let token = authority.token("sha256", &eseal_pki::DigestAlg::Sha256.digest(&signature));
    let mut out = Vec::new();
    let sealed = prepared.finish_stamped(&mut out, &signature, Some(&token), &mut |_| {}).expect("sealed");
    assert!(sealed.signature.windows(token.len()).any(|window| window == token));
    let report = verify_with(&source(&out), "", &Limits::default(), &mut |_| {}).expect("a document");
    assert_eq!(report.seals[0].time_stamps.len(), 1);
    assert!(authority.holds(&token, &signature));
}

#[test]
fn a_seal_in_an_existing_field_says_where_that_is_seen_whatever_place_was_named() {
    let party = PdfWorld::new().party("甲方");
    let seal = UsableSeal::from_der(&party.seal).expect("a seal");
    let document = with_field("");
    let asked = Options { field: Some("Buyer"), ..Options::default() };
    let prepared = laid_out(&seal, &party.certificate, &document, asked).expect("prepared");
    let [place] = *prepared.places() else { panic!("{:?}", prepared.places()) };
    // /Rect [100 500 300 600] on a page of 595 × 842 points.
    let mm = |points: f64| points * 25.4 / 72.0;
    let expected = [mm(100.0), mm(200.0), mm(100.0)];
    for (found, expected) in [place.x_mm, place.width_mm, place.height_mm].into_iter().zip(expected) {
        assert!((found - expected).abs() < 0.01, "{place}");
    }
    let signature = party.key.sign(prepared.to_sign()).expect("a signature");
    let mut sealed = Vec::new();
    let done = prepared.finish(&mut sealed, &signature, &mut |_| {}).expect("sealed");
    assert_eq!(done.name, "Buyer");
    let report = verify_with(&source(&sealed), "", &Limits::default(), &mut |_| {}).expect("a document");
    let seen = report.seals[0].stamps[0].place;
    assert!((seen.y_mm - place.y_mm).abs() < 0.01 && seen.page == place.page, "{seen} {place}");
    let absent = Options { field: Some("Seller"), ..Options::default() };
    let refused = laid_out(&seal, &party.certificate, &document, absent).expect_err("refused");
    assert_eq!(refused.reason(), Reason::FieldUnusable);
}

#[test]
fn a_document_that_is_read_is_sealed_like_one_in_memory_and_not_if_it_is_another_one() {
    let party = PdfWorld::new().party("甲方");
    let seal = UsableSeal::from_der(&party.seal).expect("a seal");
    let (document, placement) = (PLAIN.build(), &place());
    let (signer, chain, options) = (&party.certificate, &party.chain[..], Options::default());
    let request = Request { seal: &seal, placement, time: now(), signer, chain, reason: None, options };
    let sealed = |mut content: &[u8]| {
        let (source, limits) = (source(&document), Limits::default());
        let prepared = prepare_reading(&source, &mut document.as_slice(), &request, &limits, &mut |_| {});
        let prepared = prepared.expect("prepared");
        let signature = party.key.sign(prepared.to_sign()).expect("a signature");
        let mut out = Vec::new();
        prepared.finish_reading(&mut content, &mut out, (&signature, None), &mut |_| {}).map(|_| out)
    };
    let out = sealed(&document).expect("sealed");
    assert!(out.starts_with(&document));
    let report = verify_with(&source(&out), "", &Limits::default(), &mut |_| {}).expect("a document");
    assert_eq!(report.seals[0].content, Outcome::Passed);
    for other in [&document[1..], &[&document[..], b" "].concat()] {
        assert!(matches!(sealed(other), Err(DocumentError::Changed)));
    }
}
