//! What goes wrong goes wrong for one caller, and leaves nothing behind.

use std::time::Duration;

use eseal_eventstore::{
    CommandError, DatabaseConfig, Row, StoreError, Writer, WriterSettings, migrate, refuse_if_pending, verify_log,
};
use eseal_testkit::TestDb;
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::support::locker::POISON;
use crate::support::{Command, Store, add, connect, locker, on_every_engine, order, request, start};

on_every_engine!(
    a_refused_statement_fails_its_own_order_only,
    a_refused_commit_fails_its_own_order_only,
    after_a_failure_the_memory_is_the_databases,
    a_panicking_aggregate_fails_alone,
    an_unreadable_stream_fails_its_own_orders_only,
    replicas_take_turns_and_the_chain_stays_whole,
    that_nothing_is_to_be_done_follows_from_what_a_replica_did,
    a_full_queue_is_busy,
    a_stopping_writer_finishes_what_waits,
    a_caller_that_goes_away_does_not_take_its_order_along,
    a_database_without_tables_ends_the_writer,
    a_pending_migration_is_named,
    migrating_twice_changes_nothing,
);

async fn a_refused_statement_fails_its_own_order_only(db: TestDb) {
    let store = Store::open(db).await;
    let poison = || add("poison", POISON).request(request("p", "p"));
    let outcomes = store.together([add("a", 1), poison(), add("b", 2), add("a", 3)]).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true]);
    assert!(matches!(outcomes[1], Err(CommandError::Store(StoreError::Database(_)))), "{:?}", outcomes[1]);
    assert_eq!(store.table("lockers", &["id", "total"]).await, ["a|4", "b|2"]);
    assert_eq!(store.table("requests", &["request_id"]).await.len(), 0);
    assert_eq!(verify_log(&store.events().await), Ok(3));
}

async fn a_refused_commit_fails_its_own_order_only(db: TestDb) {
    let store = Store::open(db).await;
    // The database looks at this only when everything is written.
    let mandate_of = |person: &str| {
        let values = vec![("id", person.into()), ("person", person.into())];
        vec![Row { table: "mandates", key: &["id"], values }]
    };
    let outcomes = store.together([add("a", 1), add("b", 1).with_rows(mandate_of("nobody")), add("a", 1)]).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert!(matches!(outcomes[1], Err(CommandError::Store(StoreError::Database(_)))), "{:?}", outcomes[1]);
    assert_eq!(store.table("lockers", &["id", "total"]).await, ["a|2"]);
    store.execute(add("b", 1)).await.expect("the writer goes on");
    assert_eq!(verify_log(&store.events().await), Ok(3));
}

async fn after_a_failure_the_memory_is_the_databases(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(add("a", POISON - 1)).await.expect("recorded");
    // The second would lead to the total that the table refuses; what it did to the state must not stay.
    assert!(store.execute(add("a", 1)).await.is_err());
    let decided = store.execute(add("a", 4)).await.expect("recorded").decided.expect("decided");
    assert_eq!((decided.state.total, decided.version), (POISON + 3, 2));
    assert_eq!(verify_log(&store.events().await), Ok(2));
}

async fn a_panicking_aggregate_fails_alone(db: TestDb) {
    let store = Store::open(db).await;
    let outcomes = store.together([add("a", 1), order("a", Command::Panic), add("a", 2)]).await;
    assert!(matches!(outcomes[1], Err(CommandError::Store(StoreError::Panicked { .. }))));
    assert_eq!(outcomes[2].as_ref().expect("recorded").decided.as_ref().expect("decided").state.total, 3);
}

async fn an_unreadable_stream_fails_its_own_orders_only(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(order("a", Command::Unreadable)).await.expect("recorded by a newer release, say");
    let store = Store::open(store.close().await).await;
    let outcomes = store.together([add("a", 1), add("b", 1)]).await;
    assert!(matches!(outcomes[0], Err(CommandError::Store(StoreError::Unreadable { position: 1, .. }))));
    assert!(outcomes[1].is_ok());
}

async fn replicas_take_turns_and_the_chain_stays_whole(db: TestDb) {
    let store = Store::open(db).await;
    let database = connect(&store.db).await;
    let (replica, stop, task) = start(&database, WriterSettings::new("replica"));
    for _ in 0..15 {
        let (mine, other) = futures::join!(store.execute(add("a", 1)), replica.execute(add("a", 1)));
        mine.expect("recorded");
        other.expect("recorded");
        store.execute(add("b", 1)).await.expect("recorded");
    }
    stop.cancel();
    task.await.expect("no panic").expect("ended well");
    assert_eq!(verify_log(&store.events().await), Ok(45));
    assert_eq!(store.table("lockers", &["id", "total", "version"]).await, ["a|30|30", "b|15|15"]);
}

async fn that_nothing_is_to_be_done_follows_from_what_a_replica_did(db: TestDb) {
    let store = Store::open(db).await;
    let database = connect(&store.db).await;
    let (replica, stop, task) = start(&database, WriterSettings::new("replica"));
    // Often, since a writer trusts its memory for a moment only, which a slow machine lets pass.
    for round in 0..30 {
        let card = format!("c{round}");
        store.execute(add("a", 1)).await.expect("recorded");
        replica.execute(order("a", Command::Take(card.clone()))).await.expect("recorded");
        // In the state that this writer remembers there is no card to give back.
        store.execute(order("a", Command::GiveBack(card))).await.expect("recorded");
        assert_eq!(store.events().await.len(), 3 * (round + 1), "it was taken for done in round {round}");
    }
    stop.cancel();
    task.await.expect("no panic").expect("ended well");
}

async fn a_full_queue_is_busy(db: TestDb) {
    let settings = WriterSettings { queue: 4, ..WriterSettings::new("test") };
    let store = Store::open_with(db, settings).await;
    // The writer has no turn while these are put into its queue.
    let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(store.execute(add("a", 1)))).collect();
    assert!(waiting.iter_mut().all(|order| order.now_or_never().is_none()));
    assert!(matches!(store.execute(add("a", 1)).now_or_never(), Some(Err(CommandError::Busy))));
    for order in waiting {
        order.await.expect("recorded");
    }
    store.execute(add("a", 1)).await.expect("there is room again");
}

async fn a_stopping_writer_finishes_what_waits(db: TestDb) {
    let db_to_keep = Store::open(db).await.close().await;
    let database = connect(&db_to_keep).await;
    let (writer, stop, task) = start(&database, WriterSettings { max_batch: 2, ..WriterSettings::new("test") });
    let mut waiting: Vec<_> = (0..10).map(|_| Box::pin(writer.execute(add("a", 1)))).collect();
    assert!(waiting.iter_mut().all(|order| order.now_or_never().is_none()));
    stop.cancel();
    for order in waiting {
        order.await.expect("recorded");
    }
    task.await.expect("no panic").expect("ended well");
    assert!(matches!(writer.execute(add("a", 1)).await, Err(CommandError::Stopping)));
}

async fn a_caller_that_goes_away_does_not_take_its_order_along(db: TestDb) {
    let store = Store::open(db).await;
    let mut order = Box::pin(store.execute(add("a", 1)));
    assert!((&mut order).now_or_never().is_none());
    drop(order);
    store.execute(add("a", 1)).await.expect("recorded");
    assert_eq!(store.table("lockers", &["total"]).await, ["2"]);
}

async fn a_database_without_tables_ends_the_writer(db: TestDb) {
    let database = connect(&db).await;
    let (writer, task) = Writer::start(database, WriterSettings::new("test"), CancellationToken::new());
    assert!(matches!(task.await.expect("no panic"), Err(StoreError::Database(_))));
    assert!(matches!(writer.execute(add("a", 1)).await, Err(CommandError::Stopping)));
}

async fn a_pending_migration_is_named(db: TestDb) {
    let database = connect(&db).await;
    let refused = refuse_if_pending(&database, locker::migrations).await;
    let Err(StoreError::PendingMigrations(names)) = refused else { panic!("{refused:?}") };
    assert_eq!(names, ["eventstore_0001_tables", "eventstore_0002_contracts", "test_0001_tables"]);
    migrate(&database, Vec::new).await.expect("migrated");
    let refused = refuse_if_pending(&database, locker::migrations).await;
    let Err(StoreError::PendingMigrations(names)) = refused else { panic!("{refused:?}") };
    assert_eq!(names, ["test_0001_tables"]);
    migrate(&database, locker::migrations).await.expect("migrated");
    refuse_if_pending(&database, locker::migrations).await.expect("nothing is pending");
    // An older release that knows fewer of them still starts.
    refuse_if_pending(&database, Vec::new).await.expect("nothing is pending");
}

async fn migrating_twice_changes_nothing(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(add("a", 1)).await.expect("recorded");
    migrate(&store.database, locker::migrations).await.expect("migrated");
    assert_eq!(store.events().await.len(), 1);
}

#[tokio::test]
async fn after_a_broken_commit_only_those_go_again_that_can_tell_whether_they_were_recorded() {
    let db = TestDb::postgres().await;
    let store = Store::open(db).await;
    // The server ends the session in the middle of the commit.
    let broken = "CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS
                      $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END; $$;
                  CREATE CONSTRAINT TRIGGER breaks AFTER INSERT ON mandates DEFERRABLE INITIALLY DEFERRED
                      FOR EACH ROW EXECUTE FUNCTION end_session();";
    store.tamper(broken).await.expect("a trap");
    let mandate = vec![Row { table: "mandates", key: &["id"], values: vec![("id", "m".into())] }];
    let known = |id: &str| add(id, 1).request(request(id, id));
    let outcomes = store.together([known("a"), add("b", 1), known("c").with_rows(mandate), known("d")]).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true], "{outcomes:?}");
    for refused in [&outcomes[1], &outcomes[2]] {
        assert!(matches!(refused, Err(CommandError::Store(StoreError::InDoubt(_)))), "{refused:?}");
    }
    assert_eq!(store.table("lockers", &["id", "total"]).await, ["a|1", "d|1"]);
    assert!(store.execute(known("a")).await.expect("answered").repeated);
}

#[tokio::test]
async fn an_address_of_no_engine_is_refused() {
    for url in ["mysql://x/y", "sqlite::memory:", "sqlite:file?mode=memory", "", "nonsense"] {
        let refused = eseal_eventstore::Database::connect(&DatabaseConfig::new(url)).await;
        assert!(matches!(refused, Err(StoreError::Address(_))), "{url}: {refused:?}");
    }
}

#[test]
fn an_address_is_not_shown() {
    let config = DatabaseConfig::new("postgres://eseal:secret@db/application");
    assert!(!format!("{config:?}").contains("secret"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_sqlite_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = Store::open(TestDb::sqlite()).await;
    store.execute(add("a", 1)).await.expect("recorded");
    let path = store.db.url().trim_start_matches("sqlite:").to_owned();
    for file in [path.clone(), format!("{path}-wal")] {
        let mode = std::fs::metadata(&file).expect("the file is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn erased_text_is_in_no_sqlite_file() {
    let store = Store::open(TestDb::sqlite()).await;
    let person = |name: Option<&str>| {
        let name = name.map(str::to_owned);
        Row { table: "persons", key: &["id"], values: vec![("id", "7".into()), ("name", name.into())] }
    };
    store.execute(add("a", 1).with_rows(vec![person(Some("Li Xiaoming the erased"))])).await.expect("recorded");
    store.execute(add("a", 1).with_rows(vec![person(None)])).await.expect("recorded");
    store.database.purge().await.expect("purged");
    let path = store.db.url().trim_start_matches("sqlite:").to_owned();
    for file in [path.clone(), format!("{path}-wal")] {
        let bytes = std::fs::read(&file).expect("the file is there");
        assert!(!bytes.windows(11).any(|window| window == b"Li Xiaoming"), "{file}");
    }
}

#[tokio::test]
async fn a_writer_waits_for_another_process_that_holds_the_file() {
    let store = Store::open(TestDb::sqlite()).await;
    let other = connect(&store.db).await;
    let held = other.begin().await.expect("begun");
    let order = store.execute(add("a", 1));
    let release = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        held.rollback().await.expect("rolled back");
    };
    let (outcome, ()) = futures::join!(order, release);
    outcome.expect("recorded after the other let go");
}
