//! What is said of documents.

use eseal_kernel::Digest;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::moment;
use eseal_proto::seal::v1::SealState;
use eseal_proto::verification::v1 as pb;
use eseal_proto::verification::v1::Result::{Failed, Passed, Unknown};

use crate::desk::*;
use crate::sealed::{NAME, OFD, PDF, World, now};

#[tokio::test]
async fn a_sealed_ofd_of_a_trusted_signer_and_maker_is_valid() {
    let world = World::new();
    let desk = Desk::in_world(&world).await;
    let sealed = world.sealed_ofd();
    let report = desk.verifies(&sealed).await;
    assert_eq!((report.verdict(), report.format.as_str()), (pb::Verdict::Valid, "ofd"));
    assert_eq!(report.document_digest, Digest::of(&sealed).to_string());
    assert_eq!(report.verified_at, Some(moment::from_micros(now().micros())));
    let [seal] = report.seals.as_slice() else { panic!("one seal") };
    assert_eq!(items(seal), [passed(), passed(), passed()]);
    assert_eq!((seal.kind(), seal.seal_name.as_str()), (pb::SealKind::Seal, NAME));
    assert_eq!(seal.sealing_time, Some(moment::from_micros(now().micros())));
    assert_eq!((seal.places[0].page, seal.places[0].x_um, seal.places[0].height_um), (1, 120_000, 40_000));
    assert!(seal.steps.iter().all(|step| step.result() == Passed), "{:?}", seal.steps);
}

#[tokio::test]
async fn a_sealed_pdf_of_a_trusted_signer_and_maker_is_valid() {
    let world = World::new();
    let desk = Desk::in_world(&world).await;
    let report = desk.verifies(&world.sealed_pdf()).await;
    assert_eq!((report.verdict(), report.format.as_str()), (pb::Verdict::Valid, "pdf"));
    assert_eq!(items(&report.seals[0]), [passed(), passed(), passed()]);
    assert_eq!(desk.events().await, [], "only failures are recorded");
}

#[tokio::test]
async fn a_document_without_a_seal_is_unsealed() {
    let desk = Desk::alone().await;
    for document in [OFD, PDF] {
        let report = desk.verifies(document).await;
        assert_eq!((report.verdict(), report.seals.len()), (pb::Verdict::Unsealed, 0));
        assert_eq!(report.notes, [], "nobody had to be asked");
    }
    assert_eq!(desk.events().await, []);
}

#[tokio::test]
async fn a_tampered_document_is_invalid_because_of_its_content() {
    let world = World::new();
    let desk = Desk::in_world(&world).await;
    let report = desk.verifies(&world.tampered_pdf()).await;
    assert_eq!(report.verdict(), pb::Verdict::Invalid);
    let [signer, content, impression] = items(&report.seals[0]);
    assert_eq!((signer, content.0, impression), (passed(), Failed, passed()));
}

#[tokio::test]
async fn an_untrusted_signer_ends_the_flow() {
    let world = World::new();
    let desk = Desk::in_world(&World::new()).await;
    let report = desk.verifies(&world.sealed_ofd()).await;
    assert_eq!(report.verdict(), pb::Verdict::Invalid);
    let not_reached = (Unknown, "NOT_REACHED".to_owned());
    let untrusted = (Failed, "SIGNER_UNTRUSTED".to_owned());
    assert_eq!(items(&report.seals[0]), [untrusted, not_reached.clone(), not_reached]);
}

#[tokio::test]
async fn a_seal_that_a_holder_made_is_a_forgery() {
    let world = World::new().with_forged_seal();
    let desk = Desk::in_world(&world).await;
    let report = desk.verifies(&world.sealed_ofd()).await;
    assert_eq!(report.verdict(), pb::Verdict::Invalid);
    assert_eq!(items(&report.seals[0]), [passed(), passed(), (Failed, "MAKER_NOT_AUTHORIZED".to_owned())]);
}

#[tokio::test]
async fn where_nobody_is_trusted_nothing_can_be_said_of_a_signer() {
    let world = World::new();
    let desk = Desk::beside(Default::default()).await;
    let report = desk.verifies(&world.sealed_ofd()).await;
    assert_eq!(report.verdict(), pb::Verdict::Indeterminate);
    let [signer, content, impression] = items(&report.seals[0]);
    assert_eq!(signer, (Unknown, "TRUST_ROOTS_MISSING".to_owned()));
    assert_eq!((content, impression), (passed(), (Unknown, "MAKER_NOT_AUTHORIZED".to_owned())));
    assert_eq!(codes(&report.notes), Vec::<&str>::new());
    assert_eq!(desk.events().await, []);
}

#[tokio::test]
async fn without_authentication_the_report_says_so_and_fails_nobody() {
    let world = World::new();
    let desk = Desk::alone().await;
    let report = desk.verifies(&world.sealed_ofd()).await;
    assert_eq!(report.verdict(), pb::Verdict::Indeterminate);
    assert_eq!(items(&report.seals[0])[0], (Unknown, "TRUST_ROOTS_MISSING".to_owned()));
    assert_eq!(codes(&report.notes), ["REGISTRY_UNREACHABLE"]);
    assert_eq!(report.notes[0].severity(), pb::Severity::Info);
    assert_eq!(report.seals[0].registry, None);
}

#[tokio::test]
async fn given_roots_count_besides_those_of_the_registry_and_without_it() {
    let world = World::new();
    for desk in [Desk::alone().await, Desk::in_world(&World::new()).await] {
        let mut pieces = pieces(&world.sealed_ofd());
        pieces[0].trust_pem = world.holders.certificate().to_pem().into_bytes();
        pieces[0].maker_trust_pem = world.makers.certificate().to_pem().into_bytes();
        let report = verify(&mut desk.anybody(), pieces).await.expect("a report");
        assert_eq!(report.verdict(), pb::Verdict::Valid);
    }
}

#[tokio::test]
async fn a_root_of_holders_is_no_root_of_makers() {
    let world = World::new();
    let desk = Desk::alone().await;
    let mut pieces = pieces(&world.sealed_ofd());
    pieces[0].trust_pem = world.holders.certificate().to_pem().into_bytes();
    pieces[0].maker_trust_pem = world.holders.certificate().to_pem().into_bytes();
    let report = verify(&mut desk.anybody(), pieces).await.expect("a report");
    assert_eq!(items(&report.seals[0])[2], (Failed, "MAKER_NOT_AUTHORIZED".to_owned()));
}

#[tokio::test]
async fn the_registrys_word_on_a_seal_is_told_and_changes_no_verdict() {
    let world = World::new();
    let state = authentication::SealStateAtResponse {
        known: true,
        seal_id: "0198c0de-0000-7000-8000-000000000001".to_owned(),
        state_then: SealState::Active.into(),
        state_now: SealState::Revoked.into(),
    };
    let mut knows = knowing(&world);
    knows.registered = Some((world.seal().to_vec(), state.clone()));
    let report = Desk::beside(knows).await.verifies(&world.sealed_ofd()).await;
    assert_eq!(report.verdict(), pb::Verdict::Valid);
    let registry = report.seals[0].registry.clone().expect("the registry's word");
    assert_eq!((registry.known, registry.seal_id.as_str()), (true, state.seal_id.as_str()));
    assert_eq!((registry.state_then(), registry.state_now()), (SealState::Active, SealState::Revoked));
}

#[tokio::test]
async fn a_seal_that_is_not_registered_here_is_said_to_be_unknown() {
    let world = World::new();
    let report = Desk::in_world(&world).await.verifies(&world.sealed_ofd()).await;
    let registry = report.seals[0].registry.clone().expect("the registry's word");
    assert!(!registry.known);
}

#[tokio::test]
async fn a_revoked_certificate_is_a_warning_if_it_was_revoked_before_sealing() {
    let world = World::new();
    let day = 24 * 3_600 * 1_000_000;
    let moments = [(Some(-day), "SIGNER_REVOKED"), (None, "SIGNER_REVOKED"), (Some(day), "SIGNER_REVOKED_LATER")];
    for (since, code) in moments {
        let mut knows = knowing(&world);
        knows.signer.revoked_now = true;
        knows.signer.revoked_since = since.map(|since| moment::from_micros(now().micros() + since));
        let report = Desk::beside(knows).await.verifies(&world.sealed_ofd()).await;
        assert_eq!(report.verdict(), pb::Verdict::Valid, "revocation changes no verdict");
        let note = report.seals[0].notes.iter().find(|note| note.code.starts_with("SIGNER_REVOKED")).expect("a note");
        assert_eq!(note.code, code);
        assert_eq!(note.severity() == pb::Severity::Warning, code == "SIGNER_REVOKED");
    }
}

#[tokio::test]
async fn the_report_is_the_same_whatever_the_pieces() {
    let world = World::new();
    let (desk, sealed) = (Desk::in_world(&world).await, world.sealed_ofd());
    let whole = verify(&mut desk.anybody(), pieces_of(&sealed, sealed.len())).await.expect("a report");
    let small = verify(&mut desk.anybody(), pieces_of(&sealed, 97)).await.expect("a report");
    assert_eq!(whole, small);
}

fn passed() -> (pb::Result, String) {
    (Passed, String::new())
}

fn codes(notes: &[pb::Note]) -> Vec<&str> {
    notes.iter().map(|note| note.code.as_str()).collect()
}
