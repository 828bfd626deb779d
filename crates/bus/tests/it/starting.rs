//! Where the durable of another system starts, on a real stream.

use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use eseal_bus::{StartAt, durable_name, setup_durable};
use eseal_kernel::{Clock, Id};
use eseal_testkit::wait_until;
use futures::StreamExt as _;

use crate::support::{Pair, SOON, raw_stream};

const NAME: &str = "elsewhere";

/// The positions that a durable which starts there brings, as long as any come.
async fn brought(pair: &Pair, start: StartAt) -> Vec<u64> {
    let nats = pair.nats.as_ref().expect("over NATS");
    setup_durable(&nats.speaker, NAME, "speaker", start).await.expect("a durable");
    let stream = raw_stream(&nats.server).await;
    let durable: PullConsumer = stream.get_consumer(&durable_name(NAME, "speaker")).await.expect("the durable");
    let pending = durable.cached_info().num_pending;
    let mut positions = Vec::new();
    // The server says how many there are, so that there is nothing to wait for in vain.
    let mut messages = durable.fetch().max_messages(100).expires(SOON).messages().await.expect("asked");
    while positions.len() < usize::try_from(pending).expect("a few") {
        let message = messages.next().await.expect("a message").expect("whole");
        let position = message.headers.as_ref().and_then(|headers| headers.get("Eseal-Position")).expect("a position");
        positions.push(position.as_str().parse().expect("a number"));
        message.ack().await.expect("acknowledged");
    }
    positions
}

#[tokio::test]
async fn a_durable_starts_where_it_was_told_to() {
    let pair = Pair::over_nats().await;
    let now = Clock::System.now();
    // A seal made now, and one that will be made after everything here was published.
    let (seal, later) = (Id::random(now), Id::random(now.plus(Duration::from_secs(2 * 60 * 60))));
    let say = async |from: u32, to: u32| {
        for number in from..to {
            pair.speaker.say(&seal.to_string(), format!("text {number}")).await;
        }
        pair.until_published(u64::from(to)).await;
    };
    say(0, 3).await;
    // Between what is published so far and what comes, on the server's clock, which is this machine's.
    let published = Clock::System.now();
    wait_until("time has passed", SOON, async || (Clock::System.now() > published).then_some(())).await;
    let between = Clock::System.now();
    say(3, 6).await;

    let all: Vec<u64> = (1..=6).collect();
    assert_eq!(brought(&pair, StartAt::Beginning).await, all);
    assert_eq!(brought(&pair, StartAt::Position(5)).await, [5, 6]);
    assert_eq!(brought(&pair, StartAt::Time(between)).await, [4, 5, 6]);
    assert_eq!(brought(&pair, StartAt::Seal(seal)).await, all, "the whole life of the seal");
    assert_eq!(brought(&pair, StartAt::Seal(later)).await, [0; 0], "nothing from before it was made");
    // Told another place, it begins anew.
    assert_eq!(brought(&pair, StartAt::Beginning).await, all);
}
