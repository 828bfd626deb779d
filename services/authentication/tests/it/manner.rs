//! Whole documents that are sealed otherwise than usual: what a client can ask of a document it seals by itself can be asked
//! of the service.

use std::process::Command;
use std::sync::Arc;

use eseal_documents::{Kind, Limits, NoteCode, Outcome, Source, verify_with};
use eseal_online::development;
use eseal_pki::Suite;
use eseal_pki::tsp::DevelopmentTsa;
use eseal_proto::authentication::v1 as pb;
use eseal_testkit::Port;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::hosted::{Hosted, PIN, hosted};
use crate::trust::import;
use crate::whole::{OFD, order, pieces, seal};

const PDF: &[u8] = include_bytes!("../../../../tests/documents/contract.pdf");

fn ordered(hosted: &Hosted, document: &[u8], manner: pb::SealingManner) -> pb::SealDocumentOrder {
    let size = document.len() as u64;
    pb::SealDocumentOrder { size, manner: Some(manner), ..order(&hosted.seal_id, PIN) }
}

async fn sealed(
    bureau: &Bureau,
    hosted: &Hosted,
    document: &[u8],
    manner: pb::SealingManner,
) -> Result<(pb::SealedDocument, Vec<u8>), Status> {
    seal(bureau, pieces(ordered(hosted, document, manner), document)).await
}

fn report(document: &[u8], password: &str) -> eseal_documents::DocumentReport {
    let source: Source = Arc::new(document.to_vec());
    verify_with(&source, password, &Limits::default(), &mut |_| {}).expect("a document")
}

fn has(document: &[u8], text: &str) -> bool {
    document.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn locks_certifications_and_the_chinese_form_are_as_ordered() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let locked = pb::SealingManner { locked: true, ..Default::default() };
    let (_, once) = sealed(&bureau, &hosted, OFD, locked.clone()).await.expect("sealed");
    let again = sealed(&bureau, &hosted, &once, pb::SealingManner::default()).await.map(|_| ());
    assert_refused(again, Code::InvalidArgument, "DOCUMENT_LOCKED");

    let certifies = pb::SealingManner { certification: pb::Certification::Filling.into(), ..Default::default() };
    let (_, certified) = sealed(&bureau, &hosted, PDF, certifies.clone()).await.expect("sealed");
    assert!(has(&certified, "/DocMDP") && has(&certified, "/P 2"));
    let late = sealed(&bureau, &hosted, &certified, certifies).await.map(|_| ());
    assert_refused(late, Code::InvalidArgument, "CERTIFICATION_NOT_FIRST");

    let gm = pb::SealingManner { form: pb::PdfForm::Gm.into(), ..Default::default() };
    let (told, document) = sealed(&bureau, &hosted, PDF, gm).await.expect("sealed");
    assert_eq!(told.format, "PDF");
    assert!(has(&document, "/GM.sm2seal"));
    let report = report(&document, "");
    assert_eq!((report.seals[0].kind, report.seals[0].content), (Kind::Seal, Outcome::Passed));
    assert_eq!(report.seals[0].signer.as_ref(), Some(&hosted.sm2));
}

#[tokio::test]
async fn what_the_format_does_not_have_is_refused_before_anything_is_recorded() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let before = bureau.events().await.len();
    let usual = pb::SealingManner::default;
    let (form, level) = (pb::PdfForm::Gm.into(), pb::PadesLevel::Stamped.into());
    let certification = pb::Certification::Nothing.into();
    for (document, manner) in [
        (OFD, pb::SealingManner { certification, ..usual() }),
        (OFD, pb::SealingManner { form, ..usual() }),
        (OFD, pb::SealingManner { level: pb::PadesLevel::LongTerm.into(), ..usual() }),
        (PDF, pb::SealingManner { list_files: true, ..usual() }),
        (PDF, pb::SealingManner { form, level, ..usual() }),
    ] {
        let refused = sealed(&bureau, &hosted, document, manner).await.map(|_| ());
        assert_refused(refused, Code::InvalidArgument, "OPTION_UNFIT");
    }
    let stamped = sealed(&bureau, &hosted, PDF, pb::SealingManner { level, ..usual() }).await.map(|_| ());
    assert_refused(stamped, Code::FailedPrecondition, "TIME_STAMPS_OFF");
    let field = pb::SealingManner { field: "Buyer".to_owned(), ..usual() };
    assert_eq!(violation(sealed(&bureau, &hosted, PDF, field).await.map(|_| ())).0, "order.placement");
    for (name, manner) in [
        ("certification", pb::SealingManner { certification: 9, ..usual() }),
        ("form", pb::SealingManner { form: 9, ..usual() }),
        ("level", pb::SealingManner { level: 9, ..usual() }),
        ("field", pb::SealingManner { field: "x".repeat(1_025), ..usual() }),
        ("password", pb::SealingManner { password: "x".repeat(513), ..usual() }),
    ] {
        let refused = violation(sealed(&bureau, &hosted, PDF, manner).await.map(|_| ()));
        assert_eq!(refused.0, format!("order.manner.{name}"));
        assert!(!refused.1.contains("xxx"), "what may be a secret is not repeated");
    }
    assert_eq!(bureau.events().await.len(), before);
}

#[tokio::test]
async fn a_list_of_files_is_signed_once_recorded_and_the_same_when_asked_for_again() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let order = ordered(&hosted, OFD, pb::SealingManner { list_files: true, ..Default::default() });
    let first = seal(&bureau, pieces(order.clone(), OFD)).await.expect("sealed");
    let found = report(&first.1, "");
    assert_eq!(found.seals[0].content, Outcome::Passed);
    let notes: Vec<_> = found.notes.iter().map(|note| note.code).collect();
    assert_eq!(notes, [NoteCode::IntegrityListHolds]);
    let kinds = bureau.kinds(&hosted.seal_id).await;
    assert_eq!(kinds[kinds.len() - 3..], ["HostedSignatureMade", "FileListSigned", "SealingCompleted"]);
    let before = bureau.events().await.len();
    assert!(seal(&bureau, pieces(order, OFD)).await.expect("a repeat") == first, "another document");
    assert_eq!(bureau.events().await.len(), before);
    let more = sealed(&bureau, &hosted, &first.1, pb::SealingManner::default()).await.map(|_| ());
    assert_refused(more, Code::InvalidArgument, "DOCUMENT_LOCKED");
}

#[tokio::test]
async fn an_encrypted_pdf_is_sealed_with_its_password_and_the_password_is_no_part_of_the_request() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let (plain, encrypted) = (bureau.file("plain.pdf"), bureau.file("encrypted.pdf"));
    std::fs::write(&plain, PDF).expect("written");
    let qpdf =
        Command::new("qpdf").arg(&plain).arg(&encrypted).args(["--encrypt", "用户", "owner", "256", "--"]).status();
    if !qpdf.is_ok_and(|status| status.success()) {
        return; // not installed
    }
    let encrypted = std::fs::read(encrypted).expect("read");
    let refused = sealed(&bureau, &hosted, &encrypted, pb::SealingManner::default()).await.map(|_| ());
    assert_refused(refused, Code::InvalidArgument, "DOCUMENT_ENCRYPTED");
    let manner = |password: &str| pb::SealingManner { password: password.to_owned(), ..Default::default() };
    let order = ordered(&hosted, &encrypted, manner("用户"));
    let first = seal(&bureau, pieces(order.clone(), &encrypted)).await.expect("sealed");
    assert_eq!(report(&first.1, "用户").seals[0].content, Outcome::Passed);
    // The owner's opens the same document: the same order, and the same answer.
    let by_owner = pb::SealDocumentOrder { manner: Some(manner("owner")), ..order };
    assert!(seal(&bureau, pieces(by_owner, &encrypted)).await.expect("a repeat").0 == first.0);
}

/// A bureau with an authority of time stamps, whose certificates are valid at its time.
async fn stamped_bureau() -> Bureau {
    let mut bureau = Bureau::open().await;
    let tsa = DevelopmentTsa::create(Suite::EcdsaP256Sha256, now()).expect("an authority");
    let sm2 = DevelopmentTsa::create(Suite::Sm2Sm3, now()).expect("an authority");
    let roots = tsa.root().to_pem() + &sm2.root().to_pem();
    std::fs::write(bureau.file("tsa-root.pem"), roots).expect("written");
    std::fs::write(bureau.file("tsa-crl.pem"), &tsa.to_files().crl).expect("written");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    bureau.time_stamps = vec![format!("http://{}/", listener.local_addr().expect("an address"))];
    let clock = bureau.house.clock();
    tokio::spawn(development::serve(vec![tsa, sm2], listener, clock, std::future::pending()));
    bureau.restart().await;
    bureau
}

#[tokio::test]
async fn a_time_stamp_comes_from_the_authority_of_the_settings_and_again_with_the_same_order() {
    let bureau = stamped_bureau().await;
    let hosted = hosted(&bureau).await;
    let level = pb::PadesLevel::Stamped.into();
    let order = ordered(&hosted, PDF, pb::SealingManner { level, ..Default::default() });
    let first = seal(&bureau, pieces(order.clone(), PDF)).await.expect("sealed");
    let found = report(&first.1, "");
    assert_eq!((found.seals[0].content, found.seals[0].time_stamps.len()), (Outcome::Passed, 1));
    assert!(seal(&bureau, pieces(order, PDF)).await.expect("a repeat") == first, "another document");

    // So is the signature of an OFD, and that of the list of its files.
    let listed = pb::SealingManner { level, list_files: true, ..Default::default() };
    let (_, document) = sealed(&bureau, &hosted, OFD, listed).await.expect("sealed");
    assert!(has(&document, "OFDEntries.xml"));
    let found = report(&document, "");
    assert_eq!(found.notes[0].code, NoteCode::IntegrityListHolds);
    let stamps: Vec<_> = found.seals[0].time_stamps.iter().map(|stamp| stamp.outcome).collect();
    assert_eq!((found.seals[0].content, stamps), (Outcome::Passed, vec![Outcome::Passed]));
}

#[tokio::test]
async fn a_level_that_needs_proofs_is_reached_with_the_lists_that_the_service_holds() {
    let bureau = stamped_bureau().await;
    let hosted = hosted(&bureau).await;
    let level = pb::PadesLevel::Archival.into();
    let manner = || pb::SealingManner { level, ..Default::default() };
    let refused = sealed(&bureau, &hosted, PDF, manner()).await.map(|_| ());
    assert_refused(refused, Code::FailedPrecondition, "PROOFS_INCOMPLETE");
    import(&bureau, bureau.authorities.holders.crl(now()).expect("a list").der()).await.expect("imported");
    let (_, document) = sealed(&bureau, &hosted, PDF, manner()).await.expect("sealed");
    let found = report(&document, "");
    assert_eq!((found.evidence.crls.len(), found.time_stamps.len()), (2, 1));
    assert_eq!(found.seals[0].content, Outcome::Passed);
}

#[tokio::test]
async fn an_authority_that_is_away_is_no_refusal() {
    let mut bureau = stamped_bureau().await;
    let hosted = hosted(&bureau).await;
    let nobody = Port::free().expect("a port");
    bureau.time_stamps = vec![format!("http://{}/", nobody.address())];
    bureau.restart().await;
    let manner = pb::SealingManner { level: pb::PadesLevel::Stamped.into(), ..Default::default() };
    let refused = sealed(&bureau, &hosted, PDF, manner).await.map(|_| ());
    assert_refused(refused, Code::Unavailable, "TIME_STAMP_UNAVAILABLE");
}
