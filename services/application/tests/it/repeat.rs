//! The same request again: the first answer again, and nothing done twice.

use eseal_proto::application::v1 as pb;
use tonic::Code;

use crate::office::*;

#[tokio::test]
async fn the_same_request_twice_files_one_application() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let request = filing(&put(&mut zhang, DOT).await);
    let first = zhang.submit_application(request.clone()).await.expect("filed").into_inner();
    let second = zhang.submit_application(request).await.expect("a repeat").into_inner();
    assert_eq!(first, second);
    assert_eq!(office.events().await.len(), 1);
}

#[tokio::test]
async fn the_same_request_at_the_same_moment_files_one_application() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let request = filing(&put(&mut zhang, DOT).await);
    let (mut one, mut other) = (zhang.clone(), zhang.clone());
    let answers = tokio::join!(one.submit_application(request.clone()), other.submit_application(request));
    assert_eq!(answers.0.expect("filed").into_inner(), answers.1.expect("filed").into_inner());
    assert_eq!(office.events().await.len(), 1);
}

#[tokio::test]
async fn another_request_under_the_same_id_is_refused() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let request = filing(&put(&mut zhang, DOT).await);
    zhang.submit_application(request.clone()).await.expect("filed");
    let other = pb::SubmitApplicationRequest { contacts: Vec::new(), ..request };
    assert_refused(zhang.submit_application(other).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn another_persons_request_id_is_another_request() {
    let office = Office::open().await;
    let (mut zhang, mut qian) = (office.applicant("zhang"), office.applicant("qian"));
    let request = filing(&put(&mut zhang, DOT).await);
    put(&mut qian, DOT).await;
    zhang.submit_application(request.clone()).await.expect("filed");
    qian.submit_application(request).await.expect("filed");
    assert_eq!(office.events().await.len(), 2);
}

#[tokio::test]
async fn a_repeated_approval_is_answered_as_the_first_time_whatever_happened_since() {
    let office = Office::asking_for(2).await;
    let application_id = office.filed().await;
    let mut li = office.reviewer("li");
    let request_id = request_id();
    let request =
        pb::ApproveApplicationRequest { request_id, application_id: application_id.clone(), etag: "1".to_owned() };
    let first = li.approve_application(request.clone()).await.expect("approved").into_inner();
    approve(&mut office.reviewer("wang"), &application_id).await.expect("approved");
    assert_eq!(li.approve_application(request).await.expect("a repeat").into_inner(), first);
}

#[tokio::test]
async fn a_request_without_an_id_is_a_field_violation() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let request = pb::SubmitApplicationRequest { request_id: String::new(), ..filing(&put(&mut zhang, DOT).await) };
    assert_eq!(violation(zhang.submit_application(request).await).0, "request_id");
}

fn filing(picture: &str) -> pb::SubmitApplicationRequest {
    pb::SubmitApplicationRequest { request_id: request_id(), form: Some(form(picture)), contacts: contacts() }
}
