//! Events are read as they were written, and old ones as they are understood today.

use std::task::Poll;
use std::time::Duration;

use eseal_eventstore::{Log, StoreError, WriterSettings, state_of};
use eseal_testkit::TestDb;
use futures::StreamExt as _;
use serde_json::json;

use crate::support::{Command, Locker, SOON, Store, add, connect, on_every_engine, order, start};

on_every_engine!(
    a_stored_payload_is_the_written_one_byte_for_byte,
    an_old_version_is_read_as_the_new_one,
    reads_are_pages,
    a_long_stream_is_folded_page_by_page,
    a_stream_of_the_log_gives_every_event_once_and_ends,
    a_stream_of_the_log_that_is_dropped_leaves_the_readers_free,
    a_tail_wakes_for_a_commit,
    a_tail_sees_what_another_process_commits,
    a_tail_gives_every_event_once_whether_it_was_at_hand_or_had_to_be_read,
    a_tail_from_after_the_last_position_there_can_be_waits,
    the_state_of_nothing_is_the_default,
);

async fn a_stored_payload_is_the_written_one_byte_for_byte(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(add("a", 5)).await.expect("recorded");
    let written = json!({ "amount": 5, "unit": "piece" }).to_string();
    assert_eq!(store.events().await[0].payload, written.as_bytes());
}

async fn an_old_version_is_read_as_the_new_one(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(order("a", Command::AddAsLongAgo(5))).await.expect("recorded");
    store.execute(add("a", 6)).await.expect("recorded");
    let store = Store::open(store.close().await).await;
    let (state, version) = state_of::<Locker>(&store.database, "a").await.expect("read");
    assert_eq!((state.total, version), (11, 2));
    let events = store.events().await;
    assert_eq!(events.iter().map(|event| event.schema_version).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(events[0].payload, br#"{"amount":5}"#, "what is stored never changes");
    assert_eq!(store.execute(add("a", 1)).await.expect("recorded").decided.expect("decided").state.total, 12);
}

async fn reads_are_pages(db: TestDb) {
    let store = Store::open(db).await;
    store.together((0..30).map(|id| add(&id.to_string(), 1))).await;
    let positions = |after, limit| {
        let log = store.log.clone();
        async move { log.read(after, limit).await.expect("read").iter().map(|event| event.position).collect::<Vec<_>>() }
    };
    assert_eq!(positions(0, 3).await, [1, 2, 3]);
    assert_eq!(positions(28, 10).await, [29, 30]);
    assert_eq!(positions(30, 10).await, [0_u64; 0]);
    assert_eq!(positions(u64::MAX, u64::MAX).await, [0_u64; 0]);
}

async fn a_stream_of_the_log_gives_every_event_once_and_ends(db: TestDb) {
    let store = Store::open(db).await;
    for _ in 0..5 {
        store.together((0..500).map(|id| add(&id.to_string(), 1))).await;
    }
    let positions = |after| store.log.stream(after).map(|event| event.expect("read").position).collect::<Vec<_>>();
    assert_eq!(positions(0).await, (1..=2_500).collect::<Vec<_>>());
    assert_eq!(positions(2_490).await, (2_491..=2_500).collect::<Vec<_>>());
    assert_eq!(positions(2_500).await, [0_u64; 0]);
    assert_eq!(positions(u64::MAX).await, [0_u64; 0]);
}

async fn a_stream_of_the_log_that_is_dropped_leaves_the_readers_free(db: TestDb) {
    let store = Store::open(db).await;
    store.together((0..1_000).map(|id| add(&id.to_string(), 1))).await;
    for _ in 0..20 {
        let mut events = std::pin::pin!(store.log.stream(0));
        assert_eq!(events.next().await.expect("one").expect("read").position, 1);
    }
    tokio::time::timeout(SOON, store.log.read(0, 1)).await.expect("a reader is free").expect("read");
}

async fn a_long_stream_is_folded_page_by_page(db: TestDb) {
    let store = Store::open(db).await;
    for _ in 0..5 {
        store.together((0..500).map(|i| add(if i % 5 == 0 { "b" } else { "a" }, 1))).await;
    }
    let store = Store::open(store.close().await).await;
    let outcomes = store.together([add("a", 1), add("b", 1), add("c", 1)]).await;
    let totals = outcomes.into_iter().map(|outcome| outcome.expect("recorded").decided.expect("decided").state.total);
    assert_eq!(totals.collect::<Vec<_>>(), [2_001, 501, 1]);
    let (state, version) = state_of::<Locker>(&store.database, "a").await.expect("read");
    assert_eq!((state.total, version), (2_001, 2_001));
    assert_eq!(store.log.load(&store.events().await[1].stream_id).await.expect("loaded").len(), 2_001);
}

async fn a_tail_wakes_for_a_commit(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(add("a", 1)).await.expect("recorded");
    let mut tail = Box::pin(store.log.tail(1));
    let waiting = async { tail.next().await.expect("no end").expect("read").position };
    let (seen, recorded) = futures::join!(waiting, store.execute(add("a", 1)));
    recorded.expect("recorded");
    assert_eq!(seen, 2);
}

async fn a_tail_sees_what_another_process_commits(db: TestDb) {
    let store = Store::open(db).await;
    // Another process has a database of its own to notify.
    let log = Log::new(connect(&store.db).await, "test");
    let mut tail = Box::pin(log.tail(0));
    let waiting = tokio::time::timeout(SOON, tail.next());
    let record = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        store.execute(add("a", 1)).await.expect("recorded");
    };
    let (seen, ()) = futures::join!(waiting, record);
    assert_eq!(seen.expect("in time").expect("no end").expect("read").position, 1);
}

async fn the_state_of_nothing_is_the_default(db: TestDb) {
    let store = Store::open(db).await;
    assert_eq!(state_of::<Locker>(&store.database, "nobody").await.expect("read"), (Locker::default(), 0));
    assert!(matches!(state_of::<Locker>(&store.database, "").await, Err(StoreError::Unfit { .. })));
}

async fn a_tail_gives_every_event_once_whether_it_was_at_hand_or_had_to_be_read(db: TestDb) {
    let store = Store::open(db).await;
    let (other, stop, _) = start(&connect(&store.db).await, WriterSettings::new("test"));
    let mut tails = [0, 1, 40].map(|after| (after, Box::pin(store.log.tail(after as u64)), Vec::new()));
    for round in 0..8 {
        // One at a time is at hand, many at a time are not, and of another process none are.
        for id in 0..3 {
            store.execute(add(&id.to_string(), 1)).await.expect("recorded");
        }
        store.together((0..100).map(|id| add(&id.to_string(), 1))).await;
        other.execute(add("b", 1)).await.expect("recorded");
        store.execute(add("a", 1)).await.expect("recorded");
        // Some of the tails follow closely, others come late.
        let (_, tail, followed) = &mut tails[round % 3];
        if let Poll::Ready(event) = futures::poll!(tail.next()) {
            followed.push(event.expect("no end").expect("read"));
        }
    }
    let events = store.events().await;
    for (after, tail, mut followed) in tails {
        let rest = tail.take(events.len() - after - followed.len()).map(|event| event.expect("read"));
        followed.extend(tokio::time::timeout(SOON, rest.collect::<Vec<_>>()).await.expect("in time"));
        assert!(followed == events[after..], "after {after}");
    }
    stop.cancel();
}

async fn a_tail_from_after_the_last_position_there_can_be_waits(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(add("a", 1)).await.expect("recorded");
    let mut tail = Box::pin(store.log.tail(u64::MAX));
    store.execute(add("a", 1)).await.expect("recorded");
    assert!(futures::poll!(tail.next()).is_pending());
}
