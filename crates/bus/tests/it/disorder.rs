//! Messages come twice, in the wrong order, not at all, or from somebody who has nothing to say.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::message::StreamMessage;
use async_nats::{HeaderMap, jetstream};
use eseal_bus::{Bus, Nats, ReadOwner, setup_consumers, setup_streams};
use eseal_testkit::{TestNats, wait_until};

use crate::support::{COPIER, Pair, RETRY, SOON, connect, raw_stream};

fn texts(to: usize) -> impl Iterator<Item = (String, String)> {
    (0..to).map(|i| (format!("s{}", i % 7), format!("text {i}")))
}

/// A server that a careless hand fills, and a copier that listens to it.
pub struct Careless {
    pub pair: Pair,
    /// What the relay would have published.
    pub messages: Vec<StreamMessage>,
    pub context: Context,
    copier: Nats,
    pub server: TestNats,
}

impl Careless {
    /// So many events were said. Nothing of them is in the stream yet that the copier listens to.
    pub async fn with(count: usize) -> Self {
        let pair = Pair::over_nats().await;
        pair.speaker.say_all(texts(count)).await;
        pair.until_published(count as u64).await;
        let stream = raw_stream(&pair.nats.as_ref().expect("over NATS").server).await;
        let mut messages = Vec::new();
        for sequence in 1..=count as u64 {
            messages.push(stream.get_raw_message(sequence).await.expect("a message"));
        }
        let server = TestNats::start().await;
        let copier = connect(&server, "copier").await;
        setup_streams(&copier, &["speaker"], 1).await.expect("a stream");
        setup_consumers(&copier, &[COPIER]).await.expect("a durable");
        let context = jetstream::new(async_nats::connect(server.url()).await.expect("connected"));
        let mut careless = Self { pair, messages, context, copier, server };
        careless.pair.bus = careless.asking(careless.pair.speaker.answers());
        careless
    }

    /// The bus on which the copier asks the speaker so.
    pub fn asking(&self, read: ReadOwner) -> Bus {
        Bus::nats(self.copier.clone(), self.pair.copies.log.clone(), read).retrying(RETRY).asking_after(SOON)
    }

    /// Publishes without any care for order or repeats.
    pub async fn publish(&self, index: usize) {
        let message = &self.messages[index];
        self.put(&message.subject, self.headers(index), message.payload.to_vec()).await;
    }

    /// The headers of a message as its relay wrote them.
    pub fn headers(&self, index: usize) -> HeaderMap {
        let all = self.messages[index].headers.iter();
        let ours = all.filter(|(name, _)| !name.to_string().starts_with("Nats-"));
        ours.map(|(name, values)| (name.clone(), values[0].clone())).collect()
    }

    /// Waits until every message is settled or refused.
    pub async fn until_nothing_is_unsettled(&self) {
        let settled = async || {
            let found = self.context.get_stream("ESEAL_SPEAKER").await.expect("the stream");
            let info = found.consumer_info("copier__from_speaker").await.expect("the durable");
            (info.num_ack_pending == 0 && info.num_pending == 0 && info.num_redelivered == 0).then_some(())
        };
        wait_until("all are settled or refused", SOON, settled).await;
    }

    pub async fn put(&self, subject: &str, headers: HeaderMap, payload: Vec<u8>) {
        let sent = self.context.publish_with_headers(subject.to_owned(), headers, payload.into()).await;
        sent.expect("sent").await.expect("stored");
    }
}

#[tokio::test]
async fn every_message_twice_and_in_the_wrong_order_has_its_effect_once() {
    let careless = Careless::with(60).await;
    let running = careless.pair.consume();
    // 37 is prime to 60, so this is each number once, and not in order.
    for turn in 0..60 {
        careless.publish(turn * 37 % 60).await;
        careless.publish((turn * 37 + 11) % 60).await;
    }
    careless.pair.until_cursor(60).await;
    assert_eq!(careless.pair.copies.texts().await, careless.pair.speaker.texts().await);
    assert_eq!(careless.pair.copier.calls.load(Ordering::SeqCst), 60);
    running.stop().await;
}

#[tokio::test]
async fn all_messages_are_acknowledged_in_the_end_the_repeats_too() {
    let careless = Careless::with(20).await;
    let running = careless.pair.consume();
    for index in (0..20).chain((0..20).rev()) {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(20).await;
    let done = async || {
        let found = careless.context.get_stream("ESEAL_SPEAKER").await.expect("the stream");
        let info = found.consumer_info("copier__from_speaker").await.expect("the durable");
        (info.num_ack_pending == 0 && info.num_pending == 0 && info.ack_floor.stream_sequence == 40).then_some(())
    };
    wait_until("nothing is unsettled", SOON, done).await;
    running.stop().await;
}

#[tokio::test]
async fn a_hole_is_filled_from_the_owner() {
    let careless = Careless::with(700).await;
    let running = careless.pair.consume();
    for index in [0, 1, 5, 6, 650] {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(651).await;
    careless.publish(699).await;
    careless.pair.until_cursor(700).await;
    assert_eq!(careless.pair.copies.texts().await, careless.pair.speaker.texts().await);
    running.stop().await;
}

#[tokio::test]
async fn silence_is_not_taken_for_the_end() {
    let mut careless = Careless::with(30).await;
    careless.pair.bus = careless.pair.bus.clone().asking_after(Duration::from_millis(50));
    let running = careless.pair.consume();
    careless.pair.until_cursor(30).await;
    assert_eq!(careless.pair.copies.texts().await, careless.pair.speaker.texts().await);
    running.stop().await;
}

#[tokio::test]
async fn what_is_no_event_is_refused_and_holds_nobody_up() {
    let careless = Careless::with(10).await;
    let running = careless.pair.consume();
    let subject = "eseal.speaker.v1.said";
    careless.publish(0).await;
    careless.put(subject, HeaderMap::new(), b"{}".to_vec()).await;
    careless.put("eseal.speaker.v1.nobody.knows", HeaderMap::new(), vec![0xFF; 1_500_000]).await;
    for (name, value) in
        [("ce-source", "//eseal/copier"), ("Eseal-Position", "999"), ("ce-hash", "00"), ("ce-time", "noon")]
    {
        let mut headers = careless.headers(1);
        headers.insert(name, value);
        careless.put(subject, headers, careless.messages[1].payload.to_vec()).await;
    }
    // The second event came in a broken message only; its place is a hole, once the others are there.
    careless.put(subject, careless.headers(1), b"changed".to_vec()).await;
    for index in 2..10 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(10).await;
    assert_eq!(careless.pair.copies.texts().await, careless.pair.speaker.texts().await);
    careless.until_nothing_is_unsettled().await;
    running.stop().await;
}
