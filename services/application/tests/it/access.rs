//! Who may do what, and who may see whose.

use eseal_proto::application::v1 as pb;
use eseal_service::Role;
use tonic::Code;

use crate::office::*;

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let office = Office::open().await;
    let application = office.filed().await;
    assert_refused(show(&mut office.anybody(), &application).await, Code::Unauthenticated, "TOKEN_MISSING");
}

#[tokio::test]
async fn a_role_does_what_is_its_own_and_no_more() {
    let office = Office::open().await;
    let application = office.filed().await;
    let mut zhang = office.applicant("zhang");
    let picture = put(&mut zhang, DOT).await;
    let mut li = office.reviewer("li");
    let missing = (Code::PermissionDenied, "ROLE_MISSING");
    assert_refused(approve(&mut zhang, &application).await, missing.0, missing.1);
    assert_refused(send_back(&mut zhang, &application).await, missing.0, missing.1);
    assert_refused(submit(&mut li, form(&picture)).await, missing.0, missing.1);
    assert_refused(withdraw(&mut li, &application).await, missing.0, missing.1);
    let erase = pb::ErasePersonRequest { request_id: request_id(), person_id: "sun".to_owned() };
    assert_refused(li.erase_person(erase).await, missing.0, missing.1);
}

#[tokio::test]
async fn an_applicant_applies_for_their_own_organization_only() {
    let office = Office::open().await;
    let mut chen = office.person("chen", Role::Applicant, Some(SUZHOU));
    let form = form(&put(&mut chen, DOT).await);
    assert_refused(submit(&mut chen, form).await, Code::PermissionDenied, "OTHER_ORGANIZATION");
}

#[tokio::test]
async fn people_of_another_organization_neither_see_nor_change_an_application() {
    let office = Office::open().await;
    let application = office.returned().await;
    let other = (Code::PermissionDenied, "OTHER_ORGANIZATION");
    let mut chen = office.person("chen", Role::Applicant, Some(SUZHOU));
    let form = form(&put(&mut chen, DOT).await);
    assert_refused(show(&mut chen, &application).await, other.0, other.1);
    assert_refused(revise(&mut chen, &application, form, contacts()).await, other.0, other.1);
    assert_refused(resubmit(&mut chen, &application).await, other.0, other.1);
    assert_refused(withdraw(&mut chen, &application).await, other.0, other.1);
    let mut reviewer = office.person("he", Role::Reviewer, Some(SUZHOU));
    assert_refused(approve(&mut reviewer, &application).await, other.0, other.1);
    assert_refused(send_back(&mut reviewer, &application).await, other.0, other.1);
    let request = pb::ListApplicationsRequest { uscc: LENOVO.to_owned(), ..Default::default() };
    assert_refused(chen.list_applications(request).await, other.0, other.1);
}

#[tokio::test]
async fn people_of_another_organization_can_not_use_a_file_whose_digest_they_know() {
    let office = Office::open().await;
    office.filed().await;
    let picture = eseal_kernel::Digest::of(DOT).to_string();
    let mut chen = office.person("chen", Role::Applicant, Some(SUZHOU));
    let mut form = form(&picture);
    form.organization.as_mut().expect("an organization").uscc = SUZHOU.to_owned();
    assert_refused(submit(&mut chen, form).await, Code::FailedPrecondition, "MATERIAL_NOT_FOUND");
}

#[tokio::test]
async fn no_service_but_fabrication_reads_files() {
    let office = Office::open().await;
    office.filed().await;
    let request = pb::GetMaterialRequest { digest: eseal_kernel::Digest::of(DOT).to_string() };
    let read = office.service("fabrication").get_material(request.clone()).await.expect("read").into_inner();
    assert_eq!((read.content.as_slice(), read.media_type.as_str()), (DOT, "image/png"));
    let refused = office.service("verification").get_material(request).await;
    assert_eq!(refused.expect_err("refused").code(), Code::PermissionDenied);
}
