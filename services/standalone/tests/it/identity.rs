//! Signing in, and what a token opens.

use std::time::Duration;

use eseal_proto::access::v1::Role as PbRole;
use eseal_proto::event::v1::ReadEventsRequest;
use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_proto::identity::v1::identity_service_client::IdentityServiceClient;
use eseal_proto::identity::v1::{SignInRequest, SignInResponse};
use eseal_service::client::Bearer;
use eseal_service::status::refusal_of;
use eseal_service::{Language, Role};
use eseal_standalone::Standalone;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::{BOUND, House, channel, options, user};

async fn sign_in(house: &House, name: &str, password: &str) -> Result<SignInResponse, Status> {
    let request = SignInRequest { name: name.to_owned(), password: password.to_owned() };
    let mut client = IdentityServiceClient::new(house.channel().await);
    client.sign_in(request).await.map(tonic::Response::into_inner)
}

/// Reads the events of a service that is not there: who may ask at all is told that.
async fn asks_for_events(house: &House, bearer: Bearer) -> Code {
    let request = ReadEventsRequest { owner: "nobody".to_owned(), ..Default::default() };
    let mut client = EventLogServiceClient::with_interceptor(house.channel().await, bearer);
    client.read_events(request).await.expect_err("refused").code()
}

#[tokio::test]
async fn the_first_administrator_signs_in_with_the_generated_password() {
    let house = House::start().await;
    let password = std::fs::read_to_string(house.folder.path().join("admin-password")).expect("read");
    let signed_in = sign_in(&house, "admin", password.trim()).await.expect("signed in");
    assert_eq!(signed_in.roles().collect::<Vec<_>>(), [PbRole::Admin]);
}

#[tokio::test]
async fn a_token_opens_what_its_roles_may_call_until_it_ends() {
    let house = House::start().await;
    house.running.users().add(user("a1", &[Role::Auditor])).expect("added");
    house.running.users().add(user("r1", &[Role::Reviewer])).expect("added");
    let bearer = async |name: &str| {
        let token = sign_in(&house, name, "correct horse").await.expect("signed in").token;
        Bearer::try_new(&token, Language::En).expect("a token")
    };
    let (auditor, reviewer) = (bearer("a1").await, bearer("r1").await);
    assert_eq!(asks_for_events(&house, auditor.clone()).await, Code::InvalidArgument);
    assert_eq!(asks_for_events(&house, reviewer).await, Code::PermissionDenied);
    assert_eq!(asks_for_events(&house, Bearer::anonymous(Language::En)).await, Code::Unauthenticated);
    house.clock.set(house.clock.now().plus(Duration::from_secs(9 * 3_600)));
    assert_eq!(asks_for_events(&house, auditor).await, Code::Unauthenticated);
}

#[tokio::test]
async fn a_token_is_good_after_a_restart() {
    let house = House::start().await;
    house.running.users().add(user("a1", &[Role::Auditor])).expect("added");
    let token = sign_in(&house, "a1", "correct horse").await.expect("signed in").token;
    let House { folder, clock, running } = house;
    running.stop().await.expect("stopped");
    let running = Standalone::start(options(folder.path(), &clock)).await.expect("started");
    let house = House { folder, clock, running };
    let bearer = Bearer::try_new(&token, Language::En).expect("a token");
    assert_eq!(asks_for_events(&house, bearer).await, Code::InvalidArgument);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_refused_alike() {
    let house = House::start().await;
    house.running.users().add(user("li", &[Role::Reviewer])).expect("added");
    let refusal = async |name: &str| {
        let status = sign_in(&house, name, "wrong horse").await.expect_err("refused");
        (status.code(), refusal_of(&status).expect("ours"))
    };
    let wrong = refusal("li").await;
    assert_eq!((wrong.0, wrong.1.reason.as_str()), (Code::Unauthenticated, "SIGN_IN_REFUSED"));
    assert_eq!(wrong.1.message, "用户名或密码不正确");
    assert_eq!(refusal("nobody").await, wrong);
}

#[tokio::test]
async fn wrong_passwords_in_a_row_delay_the_right_one() {
    let house = House::start().await;
    house.running.users().add(user("li", &[Role::Reviewer])).expect("added");
    for _ in 0..3 {
        assert!(sign_in(&house, "li", "wrong horse").await.is_err());
    }
    let status = sign_in(&house, "li", "correct horse").await.expect_err("refused");
    let refusal = refusal_of(&status).expect("ours");
    assert_eq!((status.code(), refusal.reason.as_str()), (Code::ResourceExhausted, "SIGN_IN_DELAYED"));
    assert_eq!(refusal.retry_in, Some(Duration::from_secs(1)));
    house.clock.set(house.clock.now().plus(Duration::from_secs(1)));
    assert!(sign_in(&house, "li", "correct horse").await.is_ok());
}

#[tokio::test]
async fn a_password_that_can_be_none_is_a_field_violation() {
    let house = House::start().await;
    let status = sign_in(&house, "admin", &"x".repeat(2_000)).await.expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    let status = sign_in(&house, "admin", &"x".repeat(100_000)).await.expect_err("refused");
    assert_eq!(status.code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_removed_user_does_not_sign_in_again() {
    let house = House::start().await;
    house.running.users().add(user("li", &[Role::Reviewer])).expect("added");
    assert!(sign_in(&house, "li", "correct horse").await.is_ok());
    house.running.users().remove("li").expect("removed");
    assert_eq!(sign_in(&house, "li", "correct horse").await.expect_err("refused").code(), Code::Unauthenticated);
}

#[tokio::test]
async fn health_is_told_to_anybody() {
    let house = House::start().await;
    eseal_testkit::wait_until("the standalone is healthy", BOUND, async || {
        let asked = Request::new(HealthCheckRequest::default());
        let answer = HealthClient::new(channel(&house.running.address.to_string()).await).check(asked).await;
        (answer.expect("an answer").into_inner().status() == ServingStatus::Serving).then_some(())
    })
    .await;
}
