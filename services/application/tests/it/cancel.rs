//! Approved applications that shall not be made: asked for here, decided by fabrication, and the existing seal is free again.

use eseal_eventstore::DeadLetters;
use eseal_proto::application::v1 as pb;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_service::Role;
use eseal_testkit::wait_until;
use tonic::{Code, Status};

use crate::existing::about;
use crate::office::*;

const STOPPED: &str = "eseal.fabrication.v1.FabricationStopped";
const FABRICATED: &str = "eseal.fabrication.v1.SealFabricated";

#[tokio::test]
async fn a_cancelled_application_gives_its_seal_free_once_fabrication_has_stopped() {
    let office = Office::open().await;
    let seal = office.sealed().await;
    let application = about(&office, pb::ApplicationKind::Renew, &seal).await.expect("filed").application_id;
    approve(&mut office.reviewer("li"), &application).await.expect("approved");
    let answer = cancel(&mut office.applicant("zhang"), &application).await.expect("asked");
    assert_eq!((answer.state(), answer.etag.as_str()), (pb::ApplicationState::Approved, "3"));
    let open = (Code::FailedPrecondition, "APPLICATION_OPEN_FOR_SEAL");
    assert_refused(about(&office, pb::ApplicationKind::Replace, &seal).await, open.0, open.1);

    for _ in 0..2 {
        stops(&office, &application).await;
    }
    let shown = until_cancelled(&office, &application).await;
    assert_eq!(shown.outcome.expect("an outcome").cancellation, "CAN_NOT_BE_MADE");
    assert_eq!(shown.approved_by, ["li"]);
    about(&office, pb::ApplicationKind::Replace, &seal).await.expect("filed");
    office.rebuilds().await;
    assert_eq!(office.shown(&application).await.state(), pb::ApplicationState::Cancelled);
    assert_eq!(office.kinds(&application).await, ["Submitted", "Approved", "CancellationAsked", "Cancelled"]);
    let open = (Code::FailedPrecondition, "APPLICATION_OPEN_FOR_SEAL");
    assert_refused(about(&office, pb::ApplicationKind::Replace, &seal).await, open.0, open.1);
}

#[tokio::test]
async fn a_seal_that_was_made_before_fabrication_heard_of_it_stays_made() {
    let office = Office::open().await;
    let application = office.approved().await;
    cancel(&mut office.reviewer("li"), &application).await.expect("asked");
    let (application_id, seal_id) = (application.clone(), request_id());
    let made = fabrication::SealFabricated { application_id, seal_id: seal_id.clone(), ..Default::default() };
    office.fabrication.tells(&application, FABRICATED, &made).await;
    let outcome = office.outcome(&application, |outcome| outcome.seal_id == seal_id).await;
    assert_eq!(outcome.cancellation, "CAN_NOT_BE_MADE", "and it is seen that somebody wanted otherwise");
    let late = cancel(&mut office.applicant("zhang"), &application).await;
    assert_refused(late, Code::FailedPrecondition, "APPLICATION_ALREADY_MADE");
    // Whoever told both would not be believed in silence.
    stops(&office, &application).await;
    let letters = DeadLetters::new(office.database.clone());
    let parked = wait_until("the letter is parked", BOUND, async || {
        let parked = letters.list("application", "fabrication", 0, 10).await.expect("letters");
        (parked.len() == 1).then_some(parked)
    });
    assert_eq!(parked.await[0].stream_id.id(), application);
    assert_eq!(office.shown(&application).await.state(), pb::ApplicationState::Approved);
}

#[tokio::test]
async fn applicants_cancel_their_own_and_reviewers_and_admins_any() {
    let office = Office::open().await;
    let application = office.approved().await;
    let refused = cancel(&mut office.applicant("qian"), &application).await;
    assert_refused(refused, Code::PermissionDenied, "NOT_THE_APPLICANT");
    let refused = cancel(&mut office.person("hu", Role::Maker, None), &application).await;
    assert_refused(refused, Code::PermissionDenied, "ROLE_MISSING");
    cancel(&mut office.person("chen", Role::Admin, None), &application).await.expect("asked");
    cancel(&mut office.reviewer("wang"), &application).await.expect("nothing new");
    assert_eq!(office.kinds(&application).await, ["Submitted", "Approved", "CancellationAsked"]);
}

#[tokio::test]
async fn what_can_not_be_cancelled_is_told_apart() {
    let office = Office::open().await;
    let seal = office.sealed().await;
    let mut zhang = office.applicant("zhang");
    let filed = office.filed().await;
    assert_refused(cancel(&mut zhang, &filed).await, Code::FailedPrecondition, "APPLICATION_NOT_APPROVED");
    withdraw(&mut zhang, &filed).await.expect("withdrawn");
    assert_refused(cancel(&mut zhang, &filed).await, Code::FailedPrecondition, "APPLICATION_ALREADY_WITHDRAWN");
    let revoke = about(&office, pb::ApplicationKind::Revoke, &seal).await.expect("filed").application_id;
    approve(&mut office.reviewer("li"), &revoke).await.expect("approved");
    assert_refused(cancel(&mut zhang, &revoke).await, Code::FailedPrecondition, "APPLICATION_CARRIED_OUT_AT_ONCE");
    assert_refused(cancel(&mut zhang, &request_id()).await, Code::NotFound, "APPLICATION_NOT_FOUND");
    let (request_id, application_id) = (request_id(), office.approved().await);
    let request =
        pb::CancelApplicationRequest { request_id, application_id, etag: String::new(), reason_code: "WHY".into() };
    assert_eq!(violation(zhang.cancel_application(request).await).0, "reason_code");
}

#[tokio::test]
async fn a_cancelled_application_is_told_as_such_to_whoever_wants_more_of_it() {
    let office = Office::open().await;
    let application = office.approved().await;
    cancel(&mut office.applicant("zhang"), &application).await.expect("asked");
    stops(&office, &application).await;
    until_cancelled(&office, &application).await;
    let over = (Code::FailedPrecondition, "APPLICATION_ALREADY_CANCELLED");
    assert_refused(approve(&mut office.reviewer("wang"), &application).await, over.0, over.1);
    assert_refused(withdraw(&mut office.applicant("zhang"), &application).await, over.0, over.1);
    cancel(&mut office.applicant("zhang"), &application).await.expect("nothing new");
}

#[tokio::test]
async fn the_same_request_to_cancel_is_answered_as_the_first_time() {
    let office = Office::open().await;
    let application_id = office.approved().await;
    let mut zhang = office.applicant("zhang");
    let (request_id, reason_code) = (request_id(), "FILED_IN_ERROR".to_owned());
    let request = pb::CancelApplicationRequest {
        request_id,
        application_id: application_id.clone(),
        etag: "2".to_owned(),
        reason_code,
    };
    let first = zhang.cancel_application(request.clone()).await.expect("asked").into_inner();
    stops(&office, &application_id).await;
    until_cancelled(&office, &application_id).await;
    assert_eq!(zhang.cancel_application(request).await.expect("a repeat").into_inner(), first);
}

async fn stops(office: &Office, application: &str) {
    let stopped = fabrication::FabricationStopped { application_id: application.to_owned() };
    office.fabrication.tells(application, STOPPED, &stopped).await;
}

async fn until_cancelled(office: &Office, application: &str) -> pb::Application {
    wait_until("the application is cancelled", BOUND, async || {
        let shown = office.shown(application).await;
        (shown.state() == pb::ApplicationState::Cancelled).then_some(shown)
    })
    .await
}

pub async fn cancel(client: &mut Client, application: &str) -> Result<pb::CancelApplicationResponse, Status> {
    let (request_id, application_id) = (request_id(), application.to_owned());
    let reason_code = "CAN_NOT_BE_MADE".to_owned();
    let request = pb::CancelApplicationRequest { request_id, application_id, etag: String::new(), reason_code };
    Ok(client.cancel_application(request).await?.into_inner())
}
