//! What is acknowledged is there, once, whatever happens to the server meanwhile.
//!
//! Two replicas with their own connections write the same streams; callers repeat what failed, at whichever replica,
//! under the same request id.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use eseal_eventstore::{
    CommandError, Database, DatabaseConfig, Log, StoreError, StoredEvent, Writer, WriterSettings, migrate, verify_log,
};
use eseal_testkit::postgres::{SUPERUSER, Syncs};
use eseal_testkit::{TestDb, TestPostgres, wait_until};
use tokio_util::sync::CancellationToken;

use crate::support::{SOON, Store, add, connect, delivery, locker, on_every_engine, request, start};

on_every_engine!(two_replicas_under_load_record_everything_once, a_delivery_to_two_replicas_has_its_effect_once);

const CALLERS: u64 = 8;
const STREAMS: u64 = 5;
/// Enough for a server that recovers on a busy machine.
const LONG: Duration = Duration::from_secs(120);

/// Two replicas of a service on one database.
struct Replicas {
    writers: Vec<Writer>,
    database: Database,
    acknowledged: Arc<AtomicU64>,
    stop: CancellationToken,
}

impl Replicas {
    async fn open(url: &str) -> Self {
        let config = DatabaseConfig::new(url);
        let database = Database::connect(&config).await.expect("connected");
        migrate(&database, locker::migrations).await.expect("migrated");
        let other = Database::connect(&config).await.expect("connected");
        let stop = CancellationToken::new();
        let replica = |database: &Database| {
            Writer::start(database.clone(), WriterSettings::new("test"), stop.clone()).0 // ends with `stop`
        };
        Self { writers: vec![replica(&database), replica(&other)], database, acknowledged: Arc::default(), stop }
    }

    /// Callers that go on until `done`; how many commands were acknowledged.
    async fn load(&self, done: Arc<AtomicBool>) -> u64 {
        let call = |caller| call(self.writers.clone(), caller, self.acknowledged.clone(), done.clone());
        let calls = (0..CALLERS).map(|caller| tokio::spawn(call(caller)));
        for ended in futures::future::join_all(calls).await {
            ended.expect("no panic");
        }
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Until so many more commands are acknowledged.
    async fn goes_on(&self, by: u64) {
        let enough = self.acknowledged.load(Ordering::Relaxed) + by;
        let is_enough = || (self.acknowledged.load(Ordering::Relaxed) >= enough).then_some(());
        wait_until("the load goes on", LONG, async || is_enough()).await;
    }

    /// Every acknowledged command is there once, and the rest fits.
    async fn check(&self, acknowledged: u64) {
        wait_until("the readers are back", SOON, async || answers(&self.database).await).await;
        let events = all(&self.database).await;
        assert_eq!(
            verify_log(&events),
            Ok(acknowledged),
            "positions are dense, chains whole, and nothing lost or doubled"
        );
        assert_eq!(count(&self.database, "SELECT count(*) FROM requests").await, acknowledged);
        assert_eq!(count(&self.database, "SELECT count(*) FROM additions").await, acknowledged);
        assert_eq!(count(&self.database, "SELECT CAST(sum(total) AS BIGINT) FROM lockers").await, acknowledged);
        self.stop.cancel();
    }
}

/// One caller: the next command once the last one is acknowledged.
async fn call(writers: Vec<Writer>, caller: u64, acknowledged: Arc<AtomicU64>, done: Arc<AtomicBool>) {
    for number in 0_u64.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        let id = format!("{caller}-{number}");
        let stream = (caller + number) % STREAMS;
        for turn in caller.. {
            let writer = &writers[usize::try_from(turn).unwrap_or(0) % writers.len()];
            match writer.execute(add(&stream.to_string(), 1).request(request(&id, &id))).await {
                Ok(_) => break,
                Err(
                    CommandError::Store(StoreError::Database(_) | StoreError::InDoubt(_))
                    | CommandError::Conflict { .. },
                ) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

async fn all(database: &Database) -> Vec<StoredEvent> {
    use futures::TryStreamExt as _;
    Log::new(database.clone(), "test").stream(0).try_collect().await.expect("read")
}

async fn count(database: &Database, sql: &str) -> u64 {
    use sea_orm::{ConnectionTrait as _, Statement};
    let statement = Statement::from_string(database.backend(), sql);
    let row = database.reader().query_one_raw(statement).await.expect("selected").expect("a row");
    u64::try_from(row.try_get_by_index::<i64>(0).expect("a number")).expect("not negative")
}

/// Something, once the readers answer.
async fn answers(database: &Database) -> Option<()> {
    for _ in 0..8 {
        database.ping().await.ok()?;
    }
    Some(())
}

/// Lets the load run while `fault` does its work.
async fn under_load(replicas: &Replicas, fault: impl Future<Output = ()>) -> u64 {
    let done = Arc::new(AtomicBool::new(false));
    let injected = async {
        fault.await;
        done.store(true, Ordering::Relaxed);
    };
    let (acknowledged, ()) = futures::join!(replicas.load(done.clone()), injected);
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_loses_and_doubles_nothing() {
    let server = TestPostgres::start(Syncs::Real).await.expect("started");
    let replicas = Replicas::open(&server.url(SUPERUSER)).await;
    let acknowledged = under_load(&replicas, async {
        for commands in [20, 7, 31] {
            replicas.goes_on(commands).await;
            server.kill().await.expect("killed");
            server.restart().await.expect("started");
        }
        replicas.goes_on(CALLERS).await;
    });
    let acknowledged = acknowledged.await;
    replicas.check(acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_ended_in_the_middle_of_commits_lose_and_double_nothing() {
    let server = TestPostgres::start(Syncs::Real).await.expect("started");
    let replicas = Replicas::open(&server.url(SUPERUSER)).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'eseal-writer'";
    let acknowledged = under_load(&replicas, async {
        for turn in 0..20_u64 {
            replicas.goes_on(1 + turn * 7 % 5).await;
            server.execute(SUPERUSER, end).await.expect("ended");
        }
    });
    let acknowledged = Box::pin(acknowledged).await;
    replicas.check(acknowledged).await;
}

#[tokio::test]
async fn a_writer_outlives_a_restart_of_its_server_without_telling_anybody() {
    let server = TestPostgres::start(Syncs::Real).await.expect("started");
    let replicas = Replicas::open(&server.url(SUPERUSER)).await;
    let writer = &replicas.writers[0];
    writer.execute(add("a", 1)).await.expect("recorded");
    server.restart().await.expect("restarted");
    // Its connection is gone, and nothing was written on it yet, so this is not the caller's trouble.
    writer.execute(add("a", 1)).await.expect("recorded");
    // Those of the readers are tried before use once they were idle for a moment.
    wait_until("the readers are back", SOON, async || answers(&replicas.database).await).await;
    assert_eq!(all(&replicas.database).await.len(), 2);
}

async fn two_replicas_under_load_record_everything_once(db: TestDb) {
    let replicas = Replicas::open(db.url()).await;
    let acknowledged = under_load(&replicas, async {
        replicas.goes_on(200).await;
    });
    replicas.check(acknowledged.await).await;
}

async fn a_delivery_to_two_replicas_has_its_effect_once(db: TestDb) {
    let store = Store::open(db).await;
    let (other, stop, task) = start(&connect(&store.db).await, WriterSettings::new("replica"));
    for position in 1..=30 {
        let reaction = || add("a", 1).delivered(delivery(position));
        let (mine, others) = futures::join!(store.execute(reaction()), other.execute(reaction()));
        let repeated = [mine.expect("settled").repeated, others.expect("settled").repeated];
        assert_eq!(repeated.iter().filter(|repeated| **repeated).count(), 1, "{repeated:?}");
        // Settled without any event: nothing but the inbox tells.
        let silent = delivery(1_000 + position);
        let (mine, others) = futures::join!(store.acknowledge(&silent), other.acknowledge(silent.clone()));
        mine.expect("settled");
        others.expect("settled");
    }
    stop.cancel();
    task.await.expect("no panic").expect("ended well");
    assert_eq!(store.table("lockers", &["total"]).await, ["30"]);
    assert_eq!(store.table("cursors", &["position"]).await, ["30"]);
}
