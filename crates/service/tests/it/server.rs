//! What every request meets before its handler.

use std::sync::atomic::Ordering;
use std::time::Duration;

use eseal_kernel::Clock;
use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_proto::event::v1::{ReadEventsResponse, TailEventsRequest};
use eseal_proto::identity::v1::SignInRequest;
use eseal_proto::identity::v1::identity_service_client::IdentityServiceClient;
use eseal_service::access::AccessLayer;
use eseal_service::client::Bearer;
use eseal_service::mesh::Mesh;
use eseal_service::server::{Limits, Server};
use eseal_service::status::refusal_of;
use eseal_service::tasks::Tasks;
use eseal_service::testing::{TestChannel, TestHouse};
use eseal_service::token::TokenIssuer;
use eseal_service::{Language, MAX_MESSAGE, Role};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::stand_in::{StandIn, ask, told};

const BOUND: Duration = Duration::from_secs(120);

fn house() -> TestHouse {
    let house = TestHouse::new(Clock::default());
    house.open("stand-in", StandIn::default().routes());
    house
}

fn auditor(house: &TestHouse) -> EventLogServiceClient<TestChannel> {
    EventLogServiceClient::new(house.person("stand-in", "a1", &[Role::Auditor], None))
}

async fn asked(house: &TestHouse, what: &str) -> Result<ReadEventsResponse, Status> {
    auditor(house).read_events(ask(what)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_handler_knows_the_person_in_the_role_that_let_them_in() {
    let house = house();
    let channel = house.person("stand-in", "p7", &[Role::Applicant, Role::Integrator], None);
    let answer = EventLogServiceClient::new(channel).read_events(ask("caller")).await.expect("an answer");
    assert_eq!(told(answer.into_inner()), "integrator:p7");
}

#[tokio::test]
async fn a_panic_in_a_handler_is_an_internal_error_and_the_next_call_works() {
    let house = house();
    let mut client = auditor(&house);
    let refusal = client.read_events(ask("panic")).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::Internal);
    assert_eq!(refusal_of(&refusal).expect("ours").reason, "INTERNAL");
    assert!(client.read_events(ask("caller")).await.is_ok());
}

#[tokio::test]
async fn a_refusal_speaks_the_language_of_the_caller() {
    let house = house();
    let refusal = asked(&house, "conflict").await.expect_err("refused");
    assert_eq!(refusal_of(&refusal).expect("ours").message, "数据已被他人修改,请刷新后重试");
    let english = house.bearing("stand-in", Bearer::anonymous(Language::En));
    let refusal = EventLogServiceClient::new(english).read_events(ask("caller")).await.expect_err("refused");
    assert_eq!(
        (refusal.code(), refusal_of(&refusal).expect("ours").message.as_str()),
        (Code::Unauthenticated, "Sign in first")
    );
}

#[tokio::test]
async fn a_request_without_a_trace_begins_one() {
    let begun = told(asked(&house(), "trace").await.expect("an answer"));
    assert!(eseal_service::trace::is_well_formed(&begun), "{begun}");
}

#[tokio::test]
async fn messages_of_sixteen_mebibytes_are_taken_and_larger_ones_refused() {
    let house = house();
    let fits = "x".repeat(MAX_MESSAGE - 64);
    assert_eq!(told(asked(&house, &fits).await.expect("an answer")), fits.len().to_string());
    let refusal = asked(&house, &"x".repeat(MAX_MESSAGE + 1)).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::OutOfRange);
}

#[tokio::test]
async fn an_rpc_of_a_service_that_is_not_here_is_unimplemented() {
    let mut client = IdentityServiceClient::new(house().anybody("stand-in"));
    let refusal = client.sign_in(SignInRequest::default()).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::Unimplemented);
}

/// A server of its own with these limits, and a client of it.
fn served(stand_in: &StandIn, limits: Limits, tasks: &Tasks) -> EventLogServiceClient<Channel> {
    let key = TokenIssuer::generate_key().expect("a key");
    let issuer = TokenIssuer::try_new("https://issuer.test", &key, BOUND, Clock::default()).expect("an issuer");
    let access = AccessLayer::try_new(issuer.verifier()).expect("rules");
    let mesh = Mesh::new();
    let server = Server::new(stand_in.routes(), access, limits);
    tasks.spawn("server", server.serve_mesh(&mesh, "stand-in", tasks.stopping()));
    EventLogServiceClient::new(mesh.channel("verification", "stand-in"))
}

/// Asks, and comes back once the handler has the request.
async fn begun(
    stand_in: &StandIn,
    client: &EventLogServiceClient<Channel>,
    what: &'static str,
) -> JoinHandle<Result<ReadEventsResponse, Status>> {
    let mut client = client.clone();
    let asked = tokio::spawn(async move { client.read_events(ask(what)).await.map(tonic::Response::into_inner) });
    let look = async || (stand_in.calls.load(Ordering::SeqCst) == 1).then_some(());
    eseal_testkit::wait_until("the request is with its handler", BOUND, look).await;
    asked
}

#[tokio::test]
async fn more_requests_than_the_limit_are_refused_at_once_with_the_time_to_wait() {
    let (stand_in, tasks) = (StandIn::default(), Tasks::new());
    let mut client = served(&stand_in, Limits { requests: 1, ..Limits::default() }, &tasks);
    let held = begun(&stand_in, &client, "held").await;
    let refusal = client.read_events(ask("caller")).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::ResourceExhausted);
    assert!(refusal_of(&refusal).expect("ours").retry_in.is_some());
    stand_in.release.notify_one();
    assert!(held.await.expect("no panic").is_ok());
    assert!(client.read_events(ask("caller")).await.is_ok(), "there is room again");
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_stops() {
    let (stand_in, tasks) = (StandIn::default(), Tasks::new());
    let client = served(&stand_in, Limits::default(), &tasks);
    let held = begun(&stand_in, &client, "held").await;
    tasks.stop();
    stand_in.release.notify_one();
    assert_eq!(told(held.await.expect("no panic").expect("an answer")), "released");
    assert_eq!(tasks.finish(BOUND).await, Ok(()));
}

#[tokio::test]
async fn a_stream_that_nobody_ends_does_not_keep_the_server_from_stopping() {
    let (stand_in, tasks) = (StandIn::default(), Tasks::new());
    let limits = Limits { stop_within: Duration::from_millis(20), ..Limits::default() };
    let mut client = served(&stand_in, limits, &tasks);
    let _held = client.tail_events(TailEventsRequest::default()).await.expect("a stream");
    assert_eq!(tasks.finish(BOUND).await, Ok(()));
}
