//! Approving, returning, revising, filing again, withdrawing.

use eseal_proto::application::v1 as pb;
use tonic::Code;

use crate::office::*;

#[tokio::test]
async fn a_reviewer_approves_an_application() {
    let office = Office::open().await;
    let application = office.filed().await;
    let approved = approve(&mut office.reviewer("li"), &application).await.expect("approved");
    assert_eq!((approved.state(), approved.etag.as_str()), (pb::ApplicationState::Approved, "2"));
    let shown = office.shown(&application).await;
    assert_eq!((shown.state(), shown.approved_by), (pb::ApplicationState::Approved, vec!["li".to_owned()]));
    assert_eq!(office.kinds(&application).await, ["Submitted", "Approved"]);
}

#[tokio::test]
async fn two_approvals_are_those_of_two_persons() {
    let office = Office::asking_for(2).await;
    let application = office.filed().await;
    let first = approve(&mut office.reviewer("li"), &application).await.expect("approved");
    assert_eq!(first.state(), pb::ApplicationState::UnderReview);
    let again = approve(&mut office.reviewer("li"), &application).await.expect("a repeat");
    assert_eq!((again.state(), again.etag), (pb::ApplicationState::UnderReview, first.etag));
    let second = approve(&mut office.reviewer("wang"), &application).await.expect("approved");
    assert_eq!(second.state(), pb::ApplicationState::Approved);
    assert_eq!(office.shown(&application).await.approved_by, ["li", "wang"]);
    assert_eq!(office.kinds(&application).await, ["Submitted", "StepApproved", "Approved"]);
}

#[tokio::test]
async fn an_applicant_can_not_decide_about_their_own_application() {
    let office = Office::open().await;
    let application = office.filed().await;
    let mut zhang = office.reviewer("zhang");
    assert_refused(approve(&mut zhang, &application).await, Code::PermissionDenied, "SELF_APPROVAL");
    assert_refused(send_back(&mut zhang, &application).await, Code::PermissionDenied, "SELF_APPROVAL");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_language_of_the_caller() {
    let office = Office::open().await;
    let application = office.filed().await;
    let (_, refused) = refusal(approve(&mut office.reviewer("zhang"), &application).await);
    assert_eq!(refused.message, "审批人不能审批本人经办的申请");
}

#[tokio::test]
async fn an_application_that_nobody_filed_is_not_found() {
    let office = Office::open().await;
    let (mut li, mut zhang, nothing) = (office.reviewer("li"), office.applicant("zhang"), request_id());
    let form = form(&put(&mut zhang, DOT).await);
    let not_found = (Code::NotFound, "APPLICATION_NOT_FOUND");
    assert_refused(approve(&mut li, &nothing).await, not_found.0, not_found.1);
    assert_refused(send_back(&mut li, &nothing).await, not_found.0, not_found.1);
    assert_refused(revise(&mut zhang, &nothing, form, contacts()).await, not_found.0, not_found.1);
    assert_refused(resubmit(&mut zhang, &nothing).await, not_found.0, not_found.1);
    assert_refused(withdraw(&mut zhang, &nothing).await, not_found.0, not_found.1);
    assert_refused(show(&mut zhang, &nothing).await, not_found.0, not_found.1);
}

#[tokio::test]
async fn an_id_that_is_none_is_a_field_violation() {
    let office = Office::open().await;
    let answer = approve(&mut office.reviewer("li"), "application-1").await;
    assert_eq!(violation(answer).0, "application_id");
}

#[tokio::test]
async fn a_returned_application_tells_why_and_can_be_revised_and_approved() {
    let office = Office::open().await;
    let application = office.returned().await;
    let mut zhang = office.applicant("zhang");
    let shown = show(&mut zhang, &application).await.expect("shown");
    let returned = shown.returned.clone().expect("a reason");
    assert_eq!((shown.state(), returned.code.as_str()), (pb::ApplicationState::Returned, "MATERIAL_INCOMPLETE"));
    assert_eq!(returned.text, "张经办缺少营业执照");

    let mut form = form(&put(&mut zhang, DOT).await);
    form.attachments = vec![pb::Attachment { kind: "licence".to_owned(), digest: put(&mut zhang, DOT).await }];
    revise(&mut zhang, &application, form.clone(), contacts()).await.expect("revised");
    resubmit(&mut zhang, &application).await.expect("filed again");
    approve(&mut office.reviewer("li"), &application).await.expect("approved");

    let shown = office.shown(&application).await;
    assert_eq!((shown.state(), shown.form), (pb::ApplicationState::Approved, Some(form)));
    let kinds = ["Submitted", "Returned", "Revised", "Resubmitted", "Approved"];
    assert_eq!(office.kinds(&application).await, kinds);
}

#[tokio::test]
async fn a_return_needs_a_reason_in_a_word_and_in_words() {
    let office = Office::open().await;
    let application = office.filed().await;
    let mut li = office.reviewer("li");
    let mut answer = async |code: &str, text: &str| {
        let reason = Some(pb::ReturnReason { code: code.to_owned(), text: text.to_owned() });
        let (request_id, application_id) = (request_id(), application.clone());
        let request = pb::ReturnApplicationRequest { request_id, application_id, reason, etag: String::new() };
        li.return_application(request).await
    };
    assert_eq!(violation(answer("", "why").await).0, "reason.code");
    assert_eq!(violation(answer("BECAUSE", "why").await).0, "reason.code");
    assert_eq!(violation(answer("OTHER", " ").await).0, "reason.text");
    assert_eq!(violation(answer("OTHER", &"x".repeat(2_001)).await).0, "reason.text");
}

#[tokio::test]
async fn a_revision_replaces_the_contact_data() {
    let office = Office::open().await;
    let application = office.returned().await;
    let mut zhang = office.applicant("zhang");
    let form = form(&put(&mut zhang, DOT).await);
    let only_zhang = vec![pb::Contact { phone: "13900000009".to_owned(), ..contacts().remove(1) }];
    revise(&mut zhang, &application, form.clone(), only_zhang.clone()).await.expect("revised");
    assert_eq!(show(&mut zhang, &application).await.expect("shown").contacts, only_zhang);
    revise(&mut zhang, &application, form, only_zhang).await.expect("a repeat");
    assert_eq!(office.kinds(&application).await, ["Submitted", "Returned", "Revised"]);
}

#[tokio::test]
async fn a_revision_keeps_organization_and_kind() {
    let office = Office::open().await;
    let application = office.returned().await;
    let mut zhang = office.person("zhang", eseal_service::Role::Applicant, None);
    let form = form(&put(&mut zhang, DOT).await);
    let mut elsewhere = form.clone();
    elsewhere.organization.as_mut().expect("an organization").uscc = SUZHOU.to_owned();
    let answer = revise(&mut zhang, &application, elsewhere, contacts()).await;
    assert_refused(answer, Code::InvalidArgument, "ORGANIZATION_FIXED");
    let (kind, existing_seal_id) = (pb::ApplicationKind::Revoke.into(), request_id());
    let other = pb::ApplicationForm { kind, existing_seal_id, ..form };
    assert_refused(revise(&mut zhang, &application, other, contacts()).await, Code::InvalidArgument, "KIND_FIXED");
}

#[tokio::test]
async fn only_a_returned_application_is_revised_or_filed_again() {
    let office = Office::open().await;
    let application = office.filed().await;
    let mut zhang = office.applicant("zhang");
    let form = form(&put(&mut zhang, DOT).await);
    let not_returned = "APPLICATION_NOT_RETURNED";
    let answer = revise(&mut zhang, &application, form, contacts()).await;
    assert_refused(answer, Code::FailedPrecondition, not_returned);
    assert_refused(resubmit(&mut zhang, &application).await, Code::FailedPrecondition, not_returned);
}

#[tokio::test]
async fn a_returned_application_is_not_under_review() {
    let office = Office::open().await;
    let application = office.returned().await;
    let mut wang = office.reviewer("wang");
    let not_under_review = "APPLICATION_NOT_UNDER_REVIEW";
    assert_refused(approve(&mut wang, &application).await, Code::FailedPrecondition, not_under_review);
    assert_refused(send_back(&mut wang, &application).await, Code::FailedPrecondition, not_under_review);
}

#[tokio::test]
async fn an_application_is_withdrawn_by_its_applicant_until_it_is_approved() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let application = office.filed().await;
    let qian = withdraw(&mut office.applicant("qian"), &application).await;
    assert_refused(qian, Code::PermissionDenied, "NOT_THE_APPLICANT");
    withdraw(&mut zhang, &application).await.expect("withdrawn");
    withdraw(&mut zhang, &application).await.expect("a repeat");
    assert_eq!(office.shown(&application).await.state(), pb::ApplicationState::Withdrawn);
    let answer = approve(&mut office.reviewer("li"), &application).await;
    assert_refused(answer, Code::FailedPrecondition, "APPLICATION_ALREADY_WITHDRAWN");

    let approved = office.approved().await;
    let answer = withdraw(&mut zhang, &approved).await;
    assert_refused(answer, Code::FailedPrecondition, "APPLICATION_ALREADY_APPROVED");
}

#[tokio::test]
async fn a_change_of_another_version_than_the_reviewer_saw_is_refused() {
    let office = Office::open().await;
    let application = office.filed().await;
    let mut li = office.reviewer("li");
    let mut approve = async |etag: &str| {
        let (request_id, application_id) = (request_id(), application.clone());
        li.approve_application(pb::ApproveApplicationRequest { request_id, application_id, etag: etag.to_owned() })
            .await
    };
    assert_refused(approve("7").await, Code::Aborted, "VERSION_CONFLICT");
    assert_eq!(violation(approve("seven").await).0, "etag");
    approve("1").await.expect("approved");
}
