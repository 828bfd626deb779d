//! NATS goes away, comes back, and comes back with less than it had.

use std::time::Duration;

use eseal_testkit::wait_until;

use crate::support::{Pair, SOON};

fn texts(from: usize, to: usize) -> impl Iterator<Item = (String, String)> {
    (from..to).map(|i| (format!("s{}", i % 7), format!("text {i}")))
}

#[tokio::test]
async fn nothing_is_lost_while_nats_is_down() {
    let mut pair = Pair::over_nats().await;
    let running = pair.consume();
    pair.speaker.say_all(texts(0, 50)).await;
    pair.until_cursor(50).await;
    let nats = pair.nats.as_mut().expect("over NATS");
    nats.server.kill();
    let speaker = nats.speaker.clone();
    wait_until("the speaker notices", SOON, async || (!speaker.answers()).then_some(())).await;
    pair.speaker.say_all(texts(50, 150)).await;
    let nats = pair.nats.as_mut().expect("over NATS");
    nats.server.start_again().await;
    wait_until("the speaker is connected", SOON, async || speaker.answers().then_some(())).await;
    pair.until_cursor(150).await;
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
    running.stop().await;
}

#[tokio::test]
async fn a_stream_that_lost_its_tail_is_repaired() {
    let mut pair = Pair::over_nats().await;
    pair.speaker.say_all(texts(0, 50)).await;
    pair.until_published(50).await;
    pair.nats.as_ref().expect("over NATS").server.remember();
    pair.speaker.say_all(texts(50, 120)).await;
    pair.until_published(120).await;
    pair.nats.as_mut().expect("over NATS").server.restart_without_tail().await;
    // What is new goes behind what is put back.
    pair.speaker.say_all(texts(120, 130)).await;
    pair.until_published(130).await;
    let running = pair.consume();
    pair.until_cursor(130).await;
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
    assert_eq!(pair.published().await, pair.speaker.events().await, "the stream is what the store is");
    running.stop().await;
}

#[tokio::test]
async fn facts_arrive_from_their_owner_while_nats_stays_away() {
    let mut pair = Pair::over_nats().await;
    pair.bus = pair.bus.clone().asking_after(Duration::from_millis(50));
    pair.nats.as_mut().expect("over NATS").server.kill();
    pair.speaker.say_all(texts(0, 600)).await;
    let running = pair.consume();
    pair.until_cursor(600).await;
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
    running.stop().await;
}
