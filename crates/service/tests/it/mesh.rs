//! Links between services of one process.

use std::sync::atomic::Ordering;
use std::time::Duration;

use eseal_kernel::Clock;
use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_proto::event::v1::{ReadEventsRequest, ReadEventsResponse};
use eseal_service::testing::TestHouse;
use eseal_service::{Onward, Peer};
use tonic::{Code, Status};

use crate::stand_in::{StandIn, ask, told};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn onward(time: Duration) -> Onward {
    Onward::within(time, Some(TRACE.to_owned()))
}

fn in_time() -> Onward {
    onward(Duration::from_secs(120))
}

async fn read(peer: &Peer, onward: &Onward, request: ReadEventsRequest) -> Result<ReadEventsResponse, Status> {
    peer.call(onward, request, |channel, request| async move {
        EventLogServiceClient::new(channel).read_events(request).await
    })
    .await
}

#[tokio::test]
async fn the_callee_knows_its_caller_by_the_link_it_came_on() {
    let house = TestHouse::new(Clock::default());
    house.open("stand-in", StandIn::default().routes());
    let peer = house.peers("verification").peer("stand-in");
    assert_eq!(told(read(&peer, &in_time(), ask("caller")).await.expect("an answer")), "service:verification");
}

#[tokio::test]
async fn a_service_that_no_rule_names_is_refused() {
    let house = TestHouse::new(Clock::default());
    house.open("stand-in", StandIn::default().routes());
    let peer = house.peers("gateway").peer("stand-in");
    let refusal = read(&peer, &in_time(), ask("caller")).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_call_carries_the_trace_and_less_time_than_was_left() {
    let house = TestHouse::new(Clock::default());
    house.open("stand-in", StandIn::default().routes());
    let peer = house.peers("verification").peer("stand-in");
    assert_eq!(told(read(&peer, &in_time(), ask("trace")).await.expect("an answer")), TRACE);
    let left: u64 = told(read(&peer, &in_time(), ask("time")).await.expect("an answer")).parse().expect("a number");
    assert!((1..120_000).contains(&left), "{left} ms");
}

#[tokio::test]
async fn a_call_whose_time_is_over_is_deadline_exceeded_on_either_side() {
    let house = TestHouse::new(Clock::default());
    let stand_in = StandIn::default();
    house.open("stand-in", stand_in.routes());
    let peer = house.peers("verification").peer("stand-in");
    let over = read(&peer, &onward(Duration::ZERO), ask("caller")).await.expect_err("refused");
    assert_eq!((over.code(), stand_in.calls.load(Ordering::SeqCst)), (Code::DeadlineExceeded, 0));
    let late = read(&peer, &onward(Duration::from_millis(100)), ask("never")).await.expect_err("refused");
    assert_eq!(late.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn unavailable_is_tried_again() {
    let house = TestHouse::new(Clock::default());
    let stand_in = StandIn::default();
    house.open("stand-in", stand_in.routes());
    let peer = house.peers("verification").peer("stand-in");
    assert!(read(&peer, &in_time(), ask("second")).await.is_ok());
    assert_eq!(stand_in.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn any_other_refusal_is_not_tried_again() {
    let house = TestHouse::new(Clock::default());
    let stand_in = StandIn::default();
    house.open("stand-in", stand_in.routes());
    let peer = house.peers("verification").peer("stand-in");
    let refusal = read(&peer, &in_time(), ask("conflict")).await.expect_err("refused");
    assert_eq!((refusal.code(), stand_in.calls.load(Ordering::SeqCst)), (Code::Aborted, 1));
}

#[tokio::test]
async fn an_outage_uses_up_the_budget_and_then_each_call_is_one_try() {
    let house = TestHouse::new(Clock::default());
    let stand_in = StandIn::default();
    house.open("stand-in", stand_in.routes());
    let peer = house.peers("verification").peer("stand-in");
    // 50 failures empty half the budget, whatever retries are among them.
    let onward = in_time();
    for _ in 0..50 {
        let once = peer.call_once(&onward, ask("unavailable"), |channel, request| async move {
            EventLogServiceClient::new(channel).read_events(request).await
        });
        assert_eq!(once.await.expect_err("refused").code(), Code::Unavailable);
    }
    let before = stand_in.calls.load(Ordering::SeqCst);
    let refusal = read(&peer, &in_time(), ask("unavailable")).await.expect_err("refused");
    assert_eq!((refusal.code(), stand_in.calls.load(Ordering::SeqCst) - before), (Code::Unavailable, 1));
}

#[tokio::test]
async fn a_service_that_is_not_there_yet_is_unavailable_until_it_is() {
    let house = TestHouse::new(Clock::default());
    let peer = house.peers("verification").peer("stand-in");
    let refusal = read(&peer, &onward(Duration::from_secs(5)), ask("caller")).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::Unavailable);
    house.open("stand-in", StandIn::default().routes());
    assert!(read(&peer, &in_time(), ask("caller")).await.is_ok());
}
