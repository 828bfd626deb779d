//! The report as files. Pages are drawn by the program itself, started once more: here that is the test program, which
//! draws nothing, so the pictures are missing and the files say so; the platform's tests see them.

use eseal_proto::verification::v1 as pb;
use eseal_service::Role;
use tonic::Code;

use crate::desk::*;
use crate::sealed::World;

fn wanting(document: &[u8], forms: &[pb::ReportForm]) -> Vec<pb::VerifyDocumentRequest> {
    let mut pieces = pieces(document);
    pieces[0].report_forms = forms.iter().map(|form| i32::from(*form)).collect();
    pieces[0].document_name = "合同<b>.ofd".to_owned();
    pieces
}

#[tokio::test]
async fn the_report_comes_in_the_forms_that_were_asked_for() {
    let world = World::new();
    let desk = Desk::in_world(&world).await;
    let forms = [pb::ReportForm::Json, pb::ReportForm::Html, pb::ReportForm::EtsiXml];
    let pieces = tokio_stream::iter(wanting(&world.sealed_ofd(), &forms));
    let answer = desk.anybody().verify_document(pieces).await.expect("a report").into_inner();
    assert_eq!(answer.report.expect("a report").verdict(), pb::Verdict::Valid);
    assert_eq!(answer.rendered.iter().map(pb::RenderedReport::form).collect::<Vec<_>>(), forms);
    let [json, html, xml] = answer
        .rendered
        .iter()
        .map(|file| String::from_utf8(file.content.clone()).expect("text"))
        .collect::<Vec<_>>()
        .try_into()
        .expect("three");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["verdict"], &json["online"]), (&"valid".into(), &true.into()));
    assert_eq!(json["seals"][0]["registry"]["known"], false, "the registry was asked, and knows no such seal");
    assert!(html.contains("合同&lt;b&gt;.ofd") && !html.contains("<b>.ofd"));
    // Nothing in the document says that its certificate was not revoked, so the status has to leave that open.
    assert!(xml.contains("urn:etsi:019102:mainindication:indeterminate") && xml.contains("TRY_LATER"), "{xml}");
}

#[tokio::test]
async fn a_document_that_is_only_verified_has_no_files() {
    let world = World::new();
    let desk = Desk::in_world(&world).await;
    let pieces = tokio_stream::iter(pieces(&world.sealed_ofd()));
    let answer = desk.person(Role::Auditor).verify_document(pieces).await.expect("a report").into_inner();
    assert_eq!(answer.rendered, []);
}

#[tokio::test]
async fn forms_are_known_asked_for_once_and_with_the_first_piece() {
    let world = World::new();
    let desk = Desk::in_world(&world).await;
    let sealed = world.sealed_pdf();
    let json = pb::ReportForm::Json;
    for forms in [&[json, json][..], &[pb::ReportForm::Unspecified]] {
        let answer = desk.anybody().verify_document(tokio_stream::iter(wanting(&sealed, forms))).await;
        assert_eq!(violation(answer), "report_forms");
    }
    let mut late = pieces(&sealed);
    late[1].report_forms = vec![json.into()];
    let answer = desk.anybody().verify_document(tokio_stream::iter(late)).await;
    assert_eq!(violation(answer), "report_forms");
    let mut long = wanting(&sealed, &[json]);
    long[0].document_name = "x".repeat(1_001);
    let answer = desk.anybody().verify_document(tokio_stream::iter(long)).await;
    assert_refused(answer, Code::InvalidArgument, "INVALID_FIELD");
}
