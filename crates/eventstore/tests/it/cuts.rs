//! Connections that are cut without a word: nobody waits for them without end, and the pools replace them.

use std::time::{Duration, Instant};

use eseal_eventstore::{Database, DatabaseConfig, Log, Writer, WriterSettings, migrate};
use eseal_testkit::postgres::SUPERUSER;
use eseal_testkit::{Proxy, TestDb, TestPostgres, wait_until};
use futures::future::join_all;
use futures::{StreamExt as _, TryStreamExt as _};
use sea_orm::{ConnectionTrait as _, DbErr};
use tokio_util::sync::CancellationToken;

use crate::support::{SOON, add, locker};

/// What a statement may take.
const BOUND: Duration = Duration::from_secs(5);
/// The bound, twice the time that a dead connection is given to answer, and what a busy machine adds.
const IN_TIME: Duration = Duration::from_secs(30);
const READERS: u32 = 4;

/// A database behind a wire, by TLS, with all its connections open.
async fn behind_a_wire(db: &TestDb) -> (Proxy, Database) {
    let server = TestPostgres::shared().await;
    // The runtime within can't be made, and not ended either, where another one works.
    let port = server.port();
    let wire = tokio::task::spawn_blocking(move || Proxy::to(port)).await.expect("a proxy");
    let name = db.url().rsplit('/').next().and_then(|rest| rest.split('?').next()).expect("a name").to_owned();
    let url = server.tls_url_as(&name, SUPERUSER, server.password());
    let url = url.replace(&format!(":{port}/"), &format!(":{}/", wire.port()));
    let config = DatabaseConfig { max_readers: READERS, statement_timeout: BOUND, ..DatabaseConfig::new(url) };
    let database = Database::connect(&config).await.expect("connected");
    migrate(&database, locker::migrations).await.expect("migrated");
    wait_until("all connections are open", SOON, async || {
        for slept in join_all((0..READERS).map(|_| sleeps(&database, 0.1))).await {
            slept.expect("it answers");
        }
        (database.pools().map(|pool| pool.open) == [READERS, 1]).then_some(())
    })
    .await;
    (wire, database)
}

async fn sleeps(database: &Database, seconds: f32) -> Result<(), DbErr> {
    database.reader().execute_unprepared(&format!("SELECT pg_sleep({seconds})")).await.map(drop)
}

/// Ends the proxy where its runtime may be ended.
async fn end(wire: Proxy) {
    tokio::task::spawn_blocking(move || drop(wire)).await.expect("ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_are_cut_in_the_middle_of_statements_fail_in_time_and_are_replaced() {
    let db = TestDb::postgres().await;
    let (wire, database) = behind_a_wire(&db).await;
    let passed = wire.passed();
    let waiting: Vec<_> = (0..READERS)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move { sleeps(&database, 600.0).await })
        })
        .collect();
    let is_sent = || (database.pools()[0].idle == 0 && wire.passed() > passed).then_some(());
    wait_until("all readers are at work", SOON, async || is_sent()).await;
    wire.cut();
    let cut = Instant::now();
    for ended in join_all(waiting).await {
        ended.expect("no panic").expect_err("nobody answers");
    }
    assert!((BOUND / 2..IN_TIME).contains(&cut.elapsed()), "{:?}", cut.elapsed());
    wire.mend();
    let mended = Instant::now();
    let all = join_all((0..READERS * 2).map(|_| sleeps(&database, 0.1))).await;
    assert!(all.iter().any(Result::is_ok), "no reader was replaced: {all:?}");
    wait_until("all readers are replaced", IN_TIME, async || {
        join_all((0..READERS * 2).map(|_| sleeps(&database, 0.1))).await.into_iter().all(|r| r.is_ok()).then_some(())
    })
    .await;
    assert!(mended.elapsed() < IN_TIME, "{:?}", mended.elapsed());
    end(wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_are_cut_while_they_are_idle_cost_nobody_an_error() {
    let db = TestDb::postgres().await;
    let (wire, database) = behind_a_wire(&db).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await; // a connection is trusted for a second after its use
    wire.cut();
    wire.mend();
    // Each finds a dead connection first; it is given a moment, and the same statement gets a new one.
    for slept in join_all((0..READERS).map(|_| sleeps(&database, 0.01))).await {
        slept.expect("it answers");
    }
    end(wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_cut_fails_in_time_and_the_next_one_begins() {
    let db = TestDb::postgres().await;
    let (wire, database) = behind_a_wire(&db).await;
    let open = database.begin().await.expect("begun");
    open.execute_unprepared("SELECT 1").await.expect("it answers");
    wire.cut();
    let cut = Instant::now();
    open.execute_unprepared("SELECT 1").await.expect_err("nobody answers");
    assert!(open.commit().await.is_err(), "nobody knows");
    assert!(cut.elapsed() < IN_TIME, "{:?}", cut.elapsed());
    assert!(database.begin().await.is_err(), "there is one connection, and no new one yet");
    wire.mend();
    wait_until("a transaction begins", IN_TIME, async || database.begin().await.ok()).await;
    end(wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_events_that_is_cut_ends_with_an_error_in_time() {
    let db = TestDb::postgres().await;
    let (wire, database) = behind_a_wire(&db).await;
    let stop = CancellationToken::new();
    let writer = Writer::start(database.clone(), WriterSettings::new("test"), stop.clone()).0;
    for batch in 0..8 {
        let orders = (0..250).map(|number| writer.execute(add(&format!("{batch}-{number}"), 1)));
        for recorded in join_all(orders).await {
            recorded.expect("recorded");
        }
    }
    stop.cancel();
    let log = Log::new(database.clone(), "test");
    wire.cut_after(300 << 10); // some hundred events of the two thousand
    let asked = Instant::now();
    let mut events = Box::pin(log.stream(0));
    events.next().await.expect("an event").expect("readable");
    let rest = events.try_for_each(async |_| Ok(())).await;
    assert!(rest.is_err() && asked.elapsed() < IN_TIME, "{rest:?} after {:?}", asked.elapsed());
    end(wire).await;
}
