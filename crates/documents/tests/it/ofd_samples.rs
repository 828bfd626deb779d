//! Real OFD documents, and what is known of them (see the README beside them).

use eseal_documents::{
    Check, DocumentError, DocumentReport, Judgement, Kind, Limits, NoteCode, Outcome, Place, Reason, Trust, Verdict,
    judge, ofd,
};
use eseal_seal::Version;

use crate::support::hostile::entries;
use crate::support::parties::{World, source, verify};
use crate::support::samples::{names, sample};

fn report(name: &str) -> Option<DocumentReport> {
    sample(&format!("ofd/{name}")).map(|document| verify(&document))
}

/// Asserts that every seal's content and impression pass.
#[track_caller]
fn assert_good(name: &str, seals: usize) -> Option<DocumentReport> {
    let report = report(name)?;
    assert_eq!(report.seals.len(), seals, "{name}");
    for seal in &report.seals {
        assert_eq!(seal.content, Outcome::Passed, "{name} {}: {:?}", seal.id, seal.steps);
        assert!(matches!(seal.impression, Outcome::Passed | Outcome::NotApplicable), "{name}: {:?}", seal.steps);
    }
    Some(report)
}

fn codes(report: &DocumentReport) -> Vec<NoteCode> {
    let notes = report.notes.iter().chain(report.seals.iter().flat_map(|seal| &seal.notes));
    notes.map(|note| note.code).filter(|code| *code != NoteCode::TimeSelfAsserted).collect()
}

#[track_caller]
fn assert_locked(name: &str) {
    let Some(document) = sample(&format!("ofd/{name}")) else { return };
    let world = World::new();
    let party = world.party("甲方");
    let place = Place { page: 1, x_mm: 10.0, y_mm: 10.0, width_mm: 40.0, height_mm: 40.0 };
    let refused = party.try_seal(&document, &[place]).expect_err("locked");
    assert!(
        matches!(&refused, DocumentError::Locked { covered, .. } if covered.ends_with("Signatures.xml")),
        "{refused}"
    );
}

#[test]
fn a_tax_invoice_whose_picture_is_an_ofd_is_good() {
    let Some(report) = assert_good("1.ofd", 1) else { return };
    let seal = report.seals[0].seal.as_ref().expect("a seal");
    assert_eq!((seal.version(), seal.info().picture.kind.as_str()), (Version::V4, "ofd"));
    assert_eq!(codes(&report), []);
}

#[test]
fn an_invoice_that_does_not_cover_ofd_xml_is_good_and_says_so() {
    let Some(report) = assert_good("999.ofd", 1) else { return };
    assert_eq!(codes(&report), [NoteCode::IndexUncovered]);
    assert_eq!(report.notes[0].detail.as_deref(), Some("OFD.xml"));
}

#[test]
fn local_time_labelled_as_utc_is_noted() {
    let Some(report) = assert_good("draw_param_ref.ofd", 1) else { return };
    assert!(codes(&report).contains(&NoteCode::TimeIsLocal));
    let uncovered = report.notes.iter().find(|note| note.code == NoteCode::TemplatesUncovered).expect("a note");
    assert_eq!(uncovered.detail.as_deref(), Some("Doc_0/TPLS/TPL_0/Content.xml, Doc_0/TPLS/TPL_1/Content.xml"));
}

#[test]
fn a_seam_seal_has_a_place_on_every_page_and_locks_the_document() {
    let Some(report) = assert_good("V4RideRight.ofd", 1) else { return };
    let pages: Vec<u32> = report.seals[0].stamps.iter().map(|stamp| stamp.place.page).collect();
    assert_eq!(pages, [1, 2, 3, 4, 5]);
    assert_eq!(codes(&report), [NoteCode::DocumentLocked]);
    assert_locked("V4RideRight.ofd");
}

#[test]
fn a_document_locked_by_its_seal_is_good_and_takes_no_other() {
    assert_good("allprotected.ofd", 1);
    assert_locked("allprotected.ofd");
}

#[test]
fn a_seal_put_on_a_locked_document_breaks_the_one_that_locked_it() {
    let Some(report) = report("h.ofd") else { return };
    assert_eq!(report.seals[0].content, Outcome::Failed(Reason::ContentAltered));
    assert_eq!(report.seals[1].content, Outcome::Passed);
}

#[test]
fn of_a_first_generation_sample_the_seal_is_genuine_and_the_signature_is_not() {
    let Some(report) = report("n.ofd") else { return };
    let seal = &report.seals[0];
    assert_eq!(seal.seal.as_ref().map(|seal| seal.version()), Some(Version::V1));
    assert_eq!(seal.outcome_of(&[Check::SealMakerSignature]), Outcome::Passed);
    assert_eq!(seal.content, Outcome::Failed(Reason::SignatureValueWrong));
    assert_eq!(seal.outcome_of(&[Check::References]), Outcome::Unknown(Reason::CheckMethodUnsupported));
}

#[test]
fn signatures_without_a_seal_are_good_and_have_no_impression() {
    let Some(report) = assert_good("testImageNotFound.ofd", 2) else { return };
    for seal in &report.seals {
        assert_eq!((seal.kind, seal.impression), (Kind::Signature, Outcome::NotApplicable));
        assert!(seal.signer.is_some());
    }
    let expected = [NoteCode::ContentCoveredByOthers, NoteCode::LaterSignatures, NoteCode::DocumentLocked];
    assert_eq!(codes(&report), expected);
}

#[test]
fn odd_paths_and_file_names_are_followed() {
    let Some(report) = assert_good("dianju-paths.ofd", 1) else { return };
    assert_eq!(codes(&report), []);
}

#[test]
fn an_invoice_edited_after_sealing_is_altered() {
    let Some(report) = report("invoice-edited.ofd") else { return };
    assert_eq!(report.seals[0].content, Outcome::Failed(Reason::ContentAltered));
    let step = report.seals[0].steps.iter().find(|step| step.check == Check::References).expect("a step");
    assert_eq!(step.detail.as_deref(), Some("Doc_0/Document.xml"));
}

#[test]
fn a_package_with_an_integrity_list_only_is_unsealed() {
    let Some(report) = report("hello-integrity.ofd") else { return };
    assert_eq!(judge(&report, &Trust::default()).verdict, Verdict::Unsealed);
    assert_eq!(codes(&report), [NoteCode::IntegrityListHolds]);
}

#[test]
fn a_bare_signature_value_is_called_unsupported() {
    let Some(report) = report("DigitalSign.ofd") else { return };
    let judgement = judge(&report, &Trust::default());
    assert_eq!(judgement.verdict, Verdict::Indeterminate);
    let unsupported = Outcome::Unknown(Reason::SignatureValueUnsupported);
    assert_eq!(judgement.seals[0].items(), [unsupported, unsupported, Outcome::NotApplicable]);
}

#[test]
fn both_generations_both_lists_and_two_seals_are_good() {
    for (name, seals) in
        [("v1_continue.ofd", 1), ("v4_list1_continue.ofd", 1), ("v4_list2_digest.ofd", 1), ("v4_two_signatures.ofd", 2)]
    {
        if let Some(report) = assert_good(name, seals) {
            assert_eq!(codes(&report), vec![NoteCode::LaterSignatures; seals - 1], "{name}");
        }
    }
}

#[test]
fn every_tampered_sample_fails_for_its_own_reason() {
    let failed = Outcome::Failed;
    for (name, content, impression) in [
        ("bad-page_content_changed.ofd", failed(Reason::ContentAltered), Outcome::Passed),
        ("bad-stamp_moved_in_signature_xml.ofd", failed(Reason::DataHashDiffers), Outcome::Passed),
        ("bad-signature_value_bitflip.ofd", failed(Reason::SignatureValueWrong), Outcome::Passed),
        ("bad-signer_not_in_seal_list.ofd", Outcome::Passed, failed(Reason::SignerNotInSeal)),
    ] {
        let Some(report) = report(name) else { return };
        assert_eq!((report.seals[0].content, report.seals[0].impression), (content, impression), "{name}");
    }
}

#[test]
fn a_smuggled_file_is_reported_beside_a_good_seal() {
    let Some(report) = assert_good("bad-smuggled_unreferenced_file.ofd", 1) else { return };
    assert_eq!(codes(&report), [NoteCode::EntriesUncovered]);
    assert_eq!(report.notes[0].detail.as_deref(), Some("Doc_0/Res/smuggled.xml"));
}

#[test]
fn unsigned_samples_are_unsealed_and_can_be_sealed() {
    let world = World::new();
    let party = world.party("甲方");
    for (name, pages) in [("in_5pages_unsigned.ofd", 5), ("in_helloworld_unsigned.ofd", 1)] {
        let Some(document) = sample(&format!("ofd/{name}")) else { return };
        let report = verify(&document);
        assert_eq!((report.pages, report.seals.len(), report.notes.len()), (pages, 0, 0), "{name}");
        let sealed = party.seal(&document);
        assert_eq!(judge(&verify(&sealed), &world.trust()).verdict, Verdict::Valid, "{name}");
    }
}

#[test]
fn samples_that_are_open_take_another_seal_and_keep_theirs() {
    let world = World::new();
    let party = world.party("甲方");
    for name in ["1.ofd", "999.ofd", "dianju-paths.ofd", "v1_continue.ofd", "v4_two_signatures.ofd"] {
        let Some(document) = sample(&format!("ofd/{name}")) else { return };
        let place = Place { page: 1, x_mm: 10.0, y_mm: 10.0, width_mm: 30.0, height_mm: 20.0 };
        let (sealed, _) = party.try_seal(&document, &[place]).expect(name);
        let (before, after) = (verify(&document), verify(&sealed));
        assert_eq!(after.seals.len(), before.seals.len() + 1, "{name}");
        for seal in &after.seals {
            assert_eq!((seal.content, seal.impression), (Outcome::Passed, Outcome::Passed), "{name} {}", seal.id);
        }
        assert_eq!(entries(&sealed).len(), entries(&document).len() + 3, "{name}");
    }
}

#[test]
fn no_good_sample_is_flagged_and_no_bad_one_is_plainly_good() {
    let bad = ["h.ofd", "n.ofd", "invoice-edited.ofd", "DigitalSign.ofd"];
    for name in names("ofd") {
        let Some(report) = report(&name) else { return };
        let judgement = judge(&report, &Trust::default());
        let failed = judgement.seals.iter().any(|seal| seal.items().iter().any(|item| item.is_failed()));
        let is_bad = name.starts_with("bad-") || bad.contains(&name.as_str());
        assert_eq!(failed || judgement.is_flagged(), is_bad, "{name}: {:?} {:?}", judgement.notes, report.seals);
    }
}

#[test]
fn the_sizes_of_all_pages_of_all_samples_can_be_read() {
    for name in names("ofd") {
        let Some(document) = sample(&format!("ofd/{name}")) else { return };
        let sizes = ofd::pages(&source(&document), &Limits::default()).expect(&name);
        assert!(!sizes.is_empty() && sizes.iter().all(|size| size.width_mm > 100.0), "{name}: {sizes:?}");
    }
}

#[test]
fn without_roots_no_sample_is_called_valid() {
    for name in names("ofd") {
        let Some(report) = report(&name) else { return };
        let judgement: Judgement = judge(&report, &Trust::default());
        assert_ne!(judgement.verdict, Verdict::Valid, "{name}");
    }
}
