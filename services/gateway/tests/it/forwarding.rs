//! Requests on their way to the service of their path, and back.

use std::convert::Infallible;
use std::time::Duration;

use eseal_gateway::event_log::EventLogs;
use eseal_gateway::forward::Directory;
use eseal_kernel::{Clock, Timestamp};
use eseal_proto::application::v1::GetApplicationRequest;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use eseal_proto::event::v1::ReadEventsRequest;
use eseal_proto::event::v1::event_log_service_server::EventLogService as _;
use eseal_proto::identity::v1::identity_service_client::IdentityServiceClient;
use eseal_proto::identity::v1::identity_service_server::{IdentityService, IdentityServiceServer};
use eseal_proto::identity::v1::{SignInRequest, SignInResponse};
use eseal_service::Language;
use eseal_service::testing::TestHouse;
use http::Request as HttpRequest;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;
use tower::service_fn;

/// Stands in for the issuer: tells what reached it.
struct Echo;

#[tonic::async_trait]
impl IdentityService for Echo {
    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        let language = Language::of(&request).tag();
        let timeout = request.metadata().get("grpc-timeout").is_some();
        let SignInRequest { name, password } = request.into_inner();
        if name == "nobody" {
            return Err(Status::unauthenticated("not in"));
        }
        let token = format!("{name} {} {language} {timeout}", password.len());
        Ok(Response::new(SignInResponse { token, ..Default::default() }))
    }
}

/// The gateway in front of a house with the stand-in; `application` is known to it and not there.
fn gateway() -> (TestHouse, Directory) {
    let house = TestHouse::new(Clock::fixed(Timestamp::from_seconds(1_800_000_000)));
    house.open("identity", Routes::new(IdentityServiceServer::new(Echo)));
    let directory = Directory::try_new(&house.peers("gateway"), &["identity", "application"]).expect("the proto");
    (house, directory)
}

macro_rules! client {
    ($client:ident, $directory:expr) => {{
        let directory = $directory.clone();
        $client::new(service_fn(move |request: HttpRequest<Body>| directory.clone().forward(request)))
    }};
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[tokio::test]
async fn a_request_and_its_answer_pass_as_they_came() {
    let (_house, directory) = gateway();
    // Larger than any window or frame, so that it comes in pieces.
    let mut request = Request::new(SignInRequest { name: "li".to_owned(), password: "x".repeat(3 << 20) });
    request.metadata_mut().insert("accept-language", "en".parse().expect("text"));
    request.set_timeout(Duration::from_secs(20));
    let answer = client!(IdentityServiceClient, directory).sign_in(request).await.expect("answered");
    assert_eq!(answer.into_inner().token, format!("li {} en true", 3 << 20));
}

#[tokio::test]
async fn a_refusal_passes_as_it_came() {
    let (_house, directory) = gateway();
    let request = SignInRequest { name: "nobody".to_owned(), password: String::new() };
    let refused = client!(IdentityServiceClient, directory).sign_in(request).await.expect_err("refused");
    assert_eq!((refused.code(), refused.message()), (Code::Unauthenticated, "not in"));
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_unavailable_and_the_time_to_wait_is_told() {
    let (_house, directory) = gateway();
    let request = GetApplicationRequest { application_id: "a".to_owned() };
    let refused = client!(ApplicationServiceClient, directory).get_application(request).await.expect_err("not there");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "SERVICE_UNAVAILABLE"));
    let wait = refused.get_details_retry_info().and_then(|info| info.retry_delay);
    assert_eq!(wait, Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn a_path_that_names_no_service_behind_the_gateway_is_unknown() {
    let (_house, directory) = gateway();
    for path in
        ["/eseal.fabrication.v1.FabricationService/GetSeal", "/eseal.event.v1.EventLogService/ReadEvents", "/", "x"]
    {
        let request = HttpRequest::builder().uri(format!("http://gateway.test/{path}")).body(Body::empty());
        let answer: Result<_, Infallible> = directory.clone().forward(request.expect("a request")).await;
        let status = Status::from_header_map(answer.expect("infallible").headers()).expect("a refusal");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "RPC_UNKNOWN"), "{path}");
    }
}

#[tokio::test]
async fn a_history_of_nobody_is_refused_with_those_that_there_are() {
    let (house, _) = gateway();
    let histories = EventLogs::new(&house.peers("gateway"), &["identity", "application"]);
    let request = ReadEventsRequest { owner: "identity".to_owned(), ..Default::default() };
    let refused = histories.read_events(Request::new(request)).await.expect_err("nobody's");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let violations = refused.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    assert_eq!(violations[0].field, "owner");
    assert!(violations[0].description.ends_with("there are: application"), "{}", violations[0].description);
}
