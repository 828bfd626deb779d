//! Messages that look like events of the owner and are not in its log: whole, with a hash that is right, and published by
//! somebody who may. What the owner says counts, and none of its events is lost for them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eseal_bus::{Bus, BusError, ReadOwner, setup_consumers, setup_streams};
use eseal_eventstore::{StoredEvent, StreamId};
use eseal_kernel::{Digest, Id, Timestamp};
use eseal_testkit::wait_until;

use crate::disorder::Careless;
use crate::support::{COPIER, Pair, RETRY, Running, SOON, connect, raw_stream};

/// Another event of this stream at this place: of its own id, and with the hash that such an event has.
fn forged(like: &StoredEvent, change: impl FnOnce(&mut StoredEvent)) -> StoredEvent {
    let mut event = like.clone();
    event.event_id = Id::random(Timestamp::from_seconds(1_800_000_001));
    event.payload = b"forged".to_vec();
    change(&mut event);
    event.hash = event.computed_hash();
    event
}

impl Careless {
    async fn forge(&self, event: &StoredEvent) {
        let mut headers = self.headers(0);
        headers.insert("ce-id", event.event_id.to_string());
        headers.insert("ce-stream", event.stream_id.as_str());
        headers.insert("ce-subject", event.subject.as_str());
        headers.insert("ce-correlationid", event.correlation_id.as_str());
        headers.insert("ce-sequence", event.stream_version.to_string());
        headers.insert("Eseal-Position", event.position.to_string());
        headers.insert("ce-prevhash", event.prev_hash.map(|hash| hash.to_string()).unwrap_or_default());
        headers.insert("ce-hash", event.hash.to_string());
        self.put("eseal.speaker.v1.said", headers, event.payload.clone()).await;
    }

    async fn copies(&self) -> BTreeMap<String, Vec<String>> {
        self.pair.copies.texts().await
    }

    async fn said(&self) -> BTreeMap<String, Vec<String>> {
        self.pair.speaker.texts().await
    }
}

/// Counts the questions.
fn counted(read: ReadOwner) -> (ReadOwner, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let counting: ReadOwner = Arc::new(move |owner, after, limit| {
        counter.fetch_add(1, Ordering::SeqCst);
        read(owner, after, limit)
    });
    (counting, count)
}

fn stream(id: &str) -> StreamId {
    StreamId::try_new("texts", id).expect("fit")
}

#[tokio::test]
async fn an_event_that_does_not_follow_its_stream_is_not_taken() {
    let careless = Careless::with(30).await;
    let events = careless.pair.speaker.events().await;
    let running = careless.pair.consume();
    for index in 0..20 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(20).await;
    // Of another log: the same place in order and stream, another history.
    careless.forge(&forged(&events[20], |event| event.prev_hash = Some(Digest::of(b"another history")))).await;
    careless.forge(&forged(&events[21], |event| event.stream_version += 1)).await;
    careless.forge(&forged(&events[22], |event| (event.stream_version, event.prev_hash) = (1, None))).await;
    for index in 20..30 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(30).await;
    assert_eq!(careless.copies().await, careless.said().await);
    careless.until_nothing_is_unsettled().await;
    running.stop().await;
}

#[tokio::test]
async fn an_event_in_the_middle_of_a_stream_that_was_not_seen_yet_waits_for_the_owners_word() {
    let mut careless = Careless::with(30).await;
    let events = careless.pair.speaker.events().await;
    let running = careless.pair.consume();
    for index in 0..20 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(20).await;
    careless.until_nothing_is_unsettled().await;
    running.stop().await;
    // After a start no stream is known, so that the chain alone tells nothing.
    let (owner, away) = (careless.pair.speaker.answers(), Arc::new(AtomicUsize::new(0)));
    let asked = away.clone();
    careless.pair.bus = careless.asking(Arc::new(move |name, after, limit| {
        let there = asked.fetch_add(1, Ordering::SeqCst) > 2;
        if there { owner(name, after, limit) } else { Box::pin(async { Err("away".to_owned()) }) }
    }));
    let running = careless.pair.consume();
    careless.forge(&forged(&events[20], |event| event.prev_hash = Some(Digest::of(b"another history")))).await;
    for index in 20..30 {
        careless.publish(index).await;
    }
    let twice = async || (away.load(Ordering::SeqCst) > 2).then_some(());
    wait_until("the owner is asked in vain", SOON, twice).await;
    assert_eq!(careless.pair.cursor().await, 20);
    careless.pair.until_cursor(30).await;
    assert_eq!(careless.copies().await, careless.said().await);
    running.stop().await;
}

#[tokio::test]
async fn of_two_events_for_one_place_the_owners_is_taken_whichever_came_first() {
    let careless = Careless::with(10).await;
    let events = careless.pair.speaker.events().await;
    let running = careless.pair.consume();
    let begin = |event: &mut StoredEvent| {
        (event.stream_id, event.stream_version, event.prev_hash) = (stream("forged"), 1, None);
    };
    careless.publish(0).await;
    careless.forge(&forged(&events[2], begin)).await;
    careless.publish(2).await;
    careless.publish(3).await;
    careless.forge(&forged(&events[3], begin)).await;
    for index in [1, 4, 5, 6, 7, 8, 9] {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(10).await;
    assert_eq!(careless.copies().await, careless.said().await);
    careless.until_nothing_is_unsettled().await;
    running.stop().await;
}

/// The begin of a stream follows from nothing, so that a copier can't know better when it comes.
async fn taken_falsely(careless: &Careless, place: usize) {
    let events = careless.pair.speaker.events().await;
    let begin = |event: &mut StoredEvent| {
        (event.stream_id, event.stream_version, event.prev_hash) = (stream("forged"), 1, None);
    };
    careless.forge(&forged(&events[place], begin)).await;
    careless.pair.until_cursor(place as u64 + 1).await;
    assert_eq!(careless.copies().await["forged"], ["forged"]);
}

async fn all_is_copied_besides_what_was_forged(careless: &Careless) {
    let mut expected = careless.said().await;
    expected.insert("forged".to_owned(), vec!["forged".to_owned()]);
    wait_until("all is copied", SOON, async || (careless.copies().await == expected).then_some(())).await;
}

#[tokio::test]
async fn an_event_whose_place_was_taken_by_a_false_one_is_not_lost() {
    let careless = Careless::with(20).await;
    let running = careless.pair.consume();
    for index in 0..10 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(10).await;
    taken_falsely(&careless, 10).await;
    for index in 10..20 {
        careless.publish(index).await;
    }
    all_is_copied_besides_what_was_forged(&careless).await;
    careless.until_nothing_is_unsettled().await;
    running.stop().await;
}

#[tokio::test]
async fn a_restart_does_not_lose_the_event_whose_place_a_false_one_has() {
    let careless = Careless::with(20).await;
    let running = careless.pair.consume();
    for index in 0..10 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(10).await;
    taken_falsely(&careless, 10).await;
    running.stop().await;
    let running = careless.pair.consume();
    for index in 10..20 {
        careless.publish(index).await;
    }
    all_is_copied_besides_what_was_forged(&careless).await;
    running.stop().await;
}

#[tokio::test]
async fn a_false_event_is_found_by_its_successor_even_if_the_owners_message_never_comes() {
    let careless = Careless::with(20).await;
    let running = careless.pair.consume();
    for index in 0..10 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(10).await;
    taken_falsely(&careless, 10).await;
    // The eleventh message is lost; those that follow it in its stream do not follow what was taken.
    for index in 11..20 {
        careless.publish(index).await;
    }
    all_is_copied_besides_what_was_forged(&careless).await;
    running.stop().await;
}

#[tokio::test]
async fn an_event_behind_the_end_of_the_log_is_disowned_in_silence_and_its_place_is_free() {
    let mut careless = Careless::with(20).await;
    let owner = careless.pair.speaker.answers();
    let end = Arc::new(AtomicUsize::new(10));
    let ends_at = end.clone();
    let short: ReadOwner = Arc::new(move |name, after, limit| {
        let (read, end) = (owner(name, after, limit), ends_at.load(Ordering::SeqCst) as u64);
        Box::pin(async move {
            let mut page = read.await?;
            page.events.retain(|event| event.position <= end);
            page.head = page.head.min(end);
            Ok(page)
        })
    });
    careless.pair.bus = careless.asking(short).asking_after(Duration::from_millis(100));
    let running = careless.pair.consume();
    for index in 0..10 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(10).await;
    taken_falsely(&careless, 10).await;
    // The owner is silent, and asked. Then it says more, and no message tells of it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    end.store(20, Ordering::SeqCst);
    all_is_copied_besides_what_was_forged(&careless).await;
    running.stop().await;
}

#[tokio::test]
async fn messages_far_behind_the_end_of_the_log_hold_nobody_up() {
    let careless = Careless::with(30).await;
    let events = careless.pair.speaker.events().await;
    let running = careless.pair.consume();
    for far in 0..1_200 {
        careless.forge(&forged(&events[29], |event| event.position = 1_000_000 + far)).await;
    }
    for index in 0..30 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(30).await;
    assert_eq!(careless.copies().await, careless.said().await);
    careless.until_nothing_is_unsettled().await;
    running.stop().await;
}

#[tokio::test]
async fn more_messages_behind_a_hole_than_are_kept_do_not_hold_it_open() {
    let careless = Careless::with(1_400).await;
    for index in (0..1).chain(2..1_400) {
        careless.publish(index).await;
    }
    let running = careless.pair.consume();
    careless.pair.until_cursor(1_400).await;
    assert_eq!(careless.copies().await, careless.said().await);
    running.stop().await;
}

#[tokio::test]
async fn the_owner_is_asked_once_after_a_start_and_not_for_each_event() {
    let mut pair = Pair::over_nats().await;
    let (read, count) = counted(pair.speaker.answers());
    let copier = pair.nats.as_ref().expect("over NATS").copier.clone();
    pair.bus = Bus::nats(copier, pair.copies.log.clone(), read).retrying(RETRY).asking_after(SOON);
    let texts = |from: usize, to: usize| (from..to).map(|i| (format!("s{}", i % 7), format!("text {i}")));
    let running = pair.consume();
    pair.speaker.say_all(texts(0, 300)).await;
    pair.until_cursor(300).await;
    assert_eq!(count.load(Ordering::SeqCst), 0, "what was seen from its beginning is not asked for");
    running.stop().await;
    let running = pair.consume();
    for turn in 1..10 {
        pair.speaker.say_all(texts(turn * 300, turn * 300 + 300)).await;
        pair.until_cursor(turn as u64 * 300 + 300).await;
    }
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
    let asked = count.load(Ordering::SeqCst);
    assert!((1..=4).contains(&asked), "asked {asked} times");
    running.stop().await;
}

#[tokio::test]
async fn a_relay_names_a_forged_message_and_fills_the_stream_once_that_is_made_anew() {
    let careless = Careless::with(12).await;
    let events = careless.pair.speaker.events().await;
    let consumer = careless.pair.consume();
    for index in 0..10 {
        careless.publish(index).await;
    }
    careless.pair.until_cursor(10).await;
    consumer.stop().await;
    careless.forge(&forged(&events[10], |_| ())).await;
    let speaker = connect(&careless.server, "speaker").await;
    let ended = Running::relay(&speaker, &careless.pair.speaker).task.await.expect("no panic");
    assert!(matches!(ended, Err(BusError::Diverged { sequence: 11, position: 11, .. })), "{ended:?}");

    // As the guide says: no message can be deleted, so the whole stream goes, and `migrate` makes it and its durables again.
    careless.context.delete_stream("ESEAL_SPEAKER").await.expect("deleted");
    setup_streams(&speaker, &["speaker"], 1).await.expect("a stream");
    setup_consumers(&speaker, &[COPIER]).await.expect("a durable");
    let (relay, consumer) = (Running::relay(&speaker, &careless.pair.speaker), careless.pair.consume());
    careless.pair.until_cursor(12).await;
    assert_eq!(careless.copies().await, careless.said().await);
    let stream = raw_stream(&careless.server).await;
    for (sequence, event) in (1..).zip(&events) {
        let message = stream.get_raw_message(sequence).await.expect("a message");
        let hash = message.headers.get("ce-hash").map(ToString::to_string);
        assert_eq!((hash, message.payload.as_ref()), (Some(event.hash.to_string()), event.payload.as_slice()));
    }
    relay.stop().await;
    consumer.stop().await;
}
