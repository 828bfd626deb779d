//! A check of the chain names the first event that does not fit.

use eseal_eventstore::{ChainError, StoredEvent, verify_chain, verify_log};
use eseal_testkit::TestDb;

use crate::support::{Command, Store, add, on_every_engine, order};

on_every_engine!(
    an_untouched_log_is_whole,
    a_changed_payload_is_named,
    a_deleted_event_is_named,
    an_event_exchanged_with_its_hash_is_named,
);

/// Six events of two streams: a a b b a b.
async fn store_with_two_streams(db: TestDb) -> Store {
    let store = Store::open(db).await;
    store.execute(order("a", Command::AddTwice(1, 2))).await.expect("recorded");
    store.execute(order("b", Command::AddTwice(3, 4))).await.expect("recorded");
    store.execute(add("a", 5)).await.expect("recorded");
    store.execute(add("b", 6)).await.expect("recorded");
    store
}

/// What whoever owns the database can do.
async fn tampered(store: &Store, sql: &str) -> Vec<StoredEvent> {
    let drop_triggers = if store.database.backend() == sea_orm::DbBackend::Sqlite {
        "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted;"
    } else {
        "DROP TRIGGER events_are_never_changed ON events;"
    };
    store.tamper(drop_triggers).await.expect("no triggers any more");
    store.tamper(sql).await.expect("tampered");
    store.events().await
}

async fn an_untouched_log_is_whole(db: TestDb) {
    let store = store_with_two_streams(db).await;
    let events = store.events().await;
    assert_eq!(verify_log(&events), Ok(6));
    let stream = store.log.load(&events[2].stream_id).await.expect("loaded");
    assert_eq!(stream.iter().map(|event| event.position).collect::<Vec<_>>(), [3, 4, 6]);
    assert_eq!(verify_chain(&stream), Ok(3));
}

async fn a_changed_payload_is_named(db: TestDb) {
    let store = store_with_two_streams(db).await;
    let sql = "UPDATE events SET payload = (SELECT payload FROM events WHERE position = 3) WHERE position = 4";
    let events = tampered(&store, sql).await;
    assert_eq!(verify_log(&events), Err(ChainError::Changed { position: 4 }));
}

async fn a_deleted_event_is_named(db: TestDb) {
    let store = store_with_two_streams(db).await;
    let events = tampered(&store, "DELETE FROM events WHERE position = 4").await;
    assert_eq!(verify_log(&events), Err(ChainError::MissingPosition { expected: 4, actual: 5 }));
    let stream = events[2].stream_id.clone();
    let missing = ChainError::MissingInStream { position: 6, stream, expected: 2, actual: 3 };
    assert_eq!(verify_chain(&events), Err(missing));
}

async fn an_event_exchanged_with_its_hash_is_named(db: TestDb) {
    let mut events = store_with_two_streams(db).await.events().await;
    events[3].payload = b"{}".to_vec();
    events[3].hash = events[3].computed_hash();
    let stream = events[3].stream_id.clone();
    assert_eq!(verify_log(&events), Err(ChainError::Unlinked { position: 6, stream }));
}

#[tokio::test]
async fn every_field_but_the_trace_is_under_the_hash() {
    let event = store_with_two_streams(TestDb::sqlite()).await.events().await.remove(1);
    let changes: [fn(&mut StoredEvent); 13] = [
        |event| event.position += 1,
        |event| event.event_id = eseal_kernel::Id::from_bytes([7; 16]),
        |event| event.stream_id = eseal_eventstore::StreamId::try_new("locker", "z").expect("fit"),
        |event| event.stream_version += 1,
        |event| event.kind.push('x'),
        |event| event.schema_version += 1,
        |event| event.occurred_at = event.occurred_at.plus(std::time::Duration::from_micros(1)),
        |event| event.actor.id.push('x'),
        |event| event.actor.role.push('x'),
        |event| event.subject.push('x'),
        |event| event.correlation_id.push('x'),
        |event| event.causation_id = Some(event.event_id),
        |event| event.prev_hash = None,
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut changed = event.clone();
        change(&mut changed);
        assert!(!changed.verify_hash(), "change {i}");
    }
    let mut traced = event;
    traced.traceparent = Some("00-00".to_owned());
    assert!(traced.verify_hash());
}
