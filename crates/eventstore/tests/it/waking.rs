//! Commits of another process are heard at once, and missed by nobody who does not hear.

use std::pin::pin;
use std::time::{Duration, Instant};

use eseal_eventstore::{Log, StoredEvent};
use eseal_testkit::postgres::SUPERUSER;
use eseal_testkit::{TestDb, wait_until};
use futures::{Stream, StreamExt as _};

use crate::support::{SOON, Store, add, connect};

/// How often a tail looks by itself.
const POLL: Duration = Duration::from_secs(1);

async fn next<S, E>(tail: &mut S) -> StoredEvent
where
    S: Stream<Item = Result<StoredEvent, E>> + Unpin,
    E: std::fmt::Debug,
{
    tokio::time::timeout(SOON, tail.next()).await.expect("in time").expect("no end").expect("read")
}

/// How many sessions of the database listen.
async fn listeners(db: &TestDb) -> i64 {
    use sea_orm::{ConnectionTrait as _, Statement};
    let database = connect(db).await;
    let sql = "SELECT count(*) AS n FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'eseal-listener' AND query LIKE 'LISTEN%'";
    let row = database.reader().query_one_raw(Statement::from_string(database.backend(), sql)).await.expect("selected");
    row.expect("a row").try_get("", "n").expect("a number")
}

#[tokio::test]
async fn a_tail_in_another_process_wakes_long_before_it_polls() {
    let store = Store::open(TestDb::postgres().await).await;
    let other = Log::new(connect(&store.db).await, "test");
    let mut tail = pin!(other.tail(0));
    store.execute(add("a", 1)).await.expect("recorded");
    next(&mut tail).await;
    let mut waits = Vec::new();
    for _ in 0..15 {
        // The tail waits before the commit, or it would read without being woken.
        assert!(futures::poll!(tail.next()).is_pending());
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(futures::poll!(tail.next()).is_pending());
        store.execute(add("a", 1)).await.expect("recorded");
        let begun = Instant::now();
        next(&mut tail).await;
        waits.push(begun.elapsed());
    }
    waits.sort();
    assert!(waits[waits.len() / 2] < POLL / 4, "{waits:?}");
}

#[tokio::test]
async fn without_its_listener_a_tail_misses_nothing_and_the_listener_comes_back() {
    let store = Store::open(TestDb::postgres().await).await;
    let other = Log::new(connect(&store.db).await, "test");
    let mut tail = pin!(other.tail(0));
    let (server, name) = store.db.on_postgres().expect("a server");
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = '{name}' AND application_name = 'eseal-listener'"
    );
    for position in 1..=5 {
        server.execute(SUPERUSER, &end).await.expect("ended");
        store.execute(add("a", 1)).await.expect("recorded");
        assert_eq!(next(&mut tail).await.position, position);
    }
    // Those of the two databases; the one that counts has one too, which may have come already.
    wait_until("the listeners are back", SOON, async || (listeners(&store.db).await >= 2).then_some(())).await;
}
