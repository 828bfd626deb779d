//! The database itself refuses to change a fact.

use eseal_testkit::TestDb;
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::support::{Store, add, on_every_engine};

on_every_engine!(events_can_not_be_updated, events_can_not_be_deleted, events_can_not_be_inserted_twice);

async fn store_with_two_events(db: TestDb) -> Store {
    let store = Store::open(db).await;
    store.execute(add("a", 1)).await.expect("recorded");
    store.execute(add("a", 2)).await.expect("recorded");
    store
}

/// The engine's code for what a trigger refused.
fn refused_by_trigger(result: Result<(), DbErr>) -> bool {
    let Err(DbErr::Exec(RuntimeErr::SqlxError(error))) = result else { return false };
    let sqlx::Error::Database(error) = &*error else { return false };
    matches!(error.code().as_deref(), Some("1811" | "55000"))
}

async fn events_can_not_be_updated(db: TestDb) {
    let store = store_with_two_events(db).await;
    let before = store.events().await;
    assert!(refused_by_trigger(store.tamper("UPDATE events SET actor = 'admin:x' WHERE position = 1").await));
    assert!(refused_by_trigger(store.tamper("UPDATE events SET position = position + 10").await));
    assert_eq!(store.events().await, before);
}

async fn events_can_not_be_deleted(db: TestDb) {
    let store = store_with_two_events(db).await;
    assert!(refused_by_trigger(store.tamper("DELETE FROM events WHERE position = 2").await));
    assert_eq!(store.events().await.len(), 2);
}

/// What the insert of a copy of the first event, changed so, comes to.
async fn insert_like_the_first(store: &Store, verb: &str, position: u64, event_id: &str, version: u64) -> bool {
    let sql = format!(
        "{verb} INTO events SELECT {position}, {event_id}, stream_id, {version}, type, schema_version, occurred_at,
         actor, subject, correlation_id, causation_id, payload, prev_hash, hash, traceparent FROM events WHERE position = 1"
    );
    store.tamper(&sql).await.is_ok()
}

async fn events_can_not_be_inserted_twice(db: TestDb) {
    let store = store_with_two_events(db).await;
    let before = store.events().await;
    for (position, event_id, version) in [(1, "'new'", 9), (9, "event_id", 9), (9, "'new'", 1)] {
        assert!(!insert_like_the_first(&store, "INSERT", position, event_id, version).await);
    }
    assert_eq!(store.events().await, before);
}

#[tokio::test]
async fn insert_or_replace_does_not_pass_the_triggers_by() {
    let store = store_with_two_events(TestDb::sqlite()).await;
    let before = store.events().await;
    for (position, event_id, version) in [(1, "'new'", 9), (9, "event_id", 9), (9, "'new'", 1)] {
        assert!(!insert_like_the_first(&store, "INSERT OR REPLACE", position, event_id, version).await);
        assert!(!insert_like_the_first(&store, "REPLACE", position, event_id, version).await);
    }
    assert!(refused_by_trigger(store.tamper("UPDATE OR REPLACE events SET position = 1 WHERE position = 2").await));
    assert_eq!(store.events().await, before);
}

#[tokio::test]
async fn events_can_not_be_truncated() {
    let db = TestDb::postgres().await;
    let store = store_with_two_events(db).await;
    assert!(refused_by_trigger(store.tamper("TRUNCATE events").await));
    assert_eq!(store.events().await.len(), 2);
}

#[tokio::test]
async fn readers_can_not_write_on_sqlite() {
    use sea_orm::ConnectionTrait as _;
    let store = store_with_two_events(TestDb::sqlite()).await;
    assert!(store.database.reader().execute_unprepared("DELETE FROM lockers").await.is_err());
}
