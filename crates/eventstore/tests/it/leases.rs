//! What one replica does at a time.

use std::time::{Duration, Instant};

use eseal_eventstore::{Database, Lease};
use eseal_testkit::postgres::{SUPERUSER, Syncs};
use eseal_testkit::{TestDb, TestPostgres, wait_until};

use crate::support::{SOON, connect};

/// More than twice what the holder's check may take.
const PROMPTLY: Duration = Duration::from_secs(10);

async fn take(database: &Database, name: &str) -> Option<Lease> {
    database.lease(name).await.expect("asked")
}

async fn terminate(server: &TestPostgres, application: &str) {
    let sql =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{application}'");
    server.execute(SUPERUSER, &sql).await.expect("terminated");
}

#[tokio::test]
async fn a_lease_has_one_holder_and_goes_on_when_it_is_dropped() {
    let db = TestDb::postgres().await;
    let (one, other) = (connect(&db).await, connect(&db).await);
    let held = take(&one, "relay").await.expect("granted");
    assert!(held.is_held());
    assert!(take(&other, "relay").await.is_none());
    assert!(take(&one, "relay").await.is_none(), "also not twice to one process");
    assert!(take(&other, "consume:a:b").await.is_some(), "another lease is another one's");
    drop(held);
    let _again = wait_until("the lease is free", SOON, async || take(&other, "relay").await).await;
}

#[tokio::test]
async fn leases_of_two_databases_on_one_server_do_not_meet() {
    let (one, other) = (TestDb::postgres().await, TestDb::postgres().await);
    let _held = take(&connect(&one).await, "relay").await.expect("granted");
    assert!(take(&connect(&other).await, "relay").await.is_some());
}

#[tokio::test]
async fn the_holder_learns_of_its_loss() {
    let server = TestPostgres::start(Syncs::Off).await.expect("started");
    let database =
        Database::connect(&eseal_eventstore::DatabaseConfig::new(server.url(SUPERUSER))).await.expect("open");
    let held = take(&database, "relay").await.expect("granted");
    let lost = held.lost();
    terminate(&server, "eseal-lease").await;
    let begun = Instant::now();
    tokio::time::timeout(SOON, lost).await.expect("told");
    assert!(begun.elapsed() < PROMPTLY, "{:?}", begun.elapsed());
    assert!(!held.is_held());
    let again = wait_until("it is granted anew", SOON, async || take(&database, "relay").await).await;
    server.kill().await.expect("killed");
    tokio::time::timeout(SOON, again.lost()).await.expect("told");
}

#[tokio::test]
async fn sqlite_grants_every_lease() {
    let database = connect(&TestDb::sqlite()).await;
    let held = take(&database, "relay").await.expect("granted");
    assert!(held.is_held());
}
