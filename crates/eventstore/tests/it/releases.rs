//! An old and a new release on one database: expand, deploy, contract.

use eseal_eventstore::{
    CommandError, DecodeError, Encoded, Migrations, Order, Recorded, Row, StoreError, Stored, StreamId, WriterSettings,
    contract, migrate, refuse_if_pending, verify_log,
};
use eseal_kernel::{Aggregate, Claims};
use eseal_testkit::TestDb;
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use crate::support::locker::Event;
use crate::support::{Command, Locker, Rejection, Store, add, connect, locker, meta, on_every_engine, order, start};

on_every_engine!(
    an_expanded_database_serves_the_old_release_too,
    a_contracted_database_is_closed_to_the_old_release_only,
    a_contract_that_fails_closes_nothing,
    what_a_newer_release_recorded_stops_its_stream_in_the_older_one_and_is_not_lost,
);

/// The locker of the newer release, which knows one kind of event more.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct NewerLocker(Locker);

impl Aggregate for NewerLocker {
    const KIND: &'static str = Locker::KIND;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn evolve(self, event: &Event) -> Self {
        Self(self.0.evolve(event))
    }

    fn decide(&self, command: &Command, claims: &Claims) -> Result<Vec<Event>, Rejection> {
        self.0.decide(command, claims)
    }
}

impl Stored for NewerLocker {
    const TABLES: &'static [&'static str] = Locker::TABLES;

    fn encode(event: &Event) -> Encoded {
        Locker::encode(event)
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Event, DecodeError> {
        if kind == "eseal.test.v1.Unreadable" {
            return Ok(Event::Unreadable);
        }
        Locker::decode(kind, schema_version, payload)
    }

    fn subject(stream: &StreamId, state: &Self) -> String {
        Locker::subject(stream, &state.0)
    }

    fn rows(recorded: &Recorded<'_>, event: &Event, state: &Self) -> Vec<Row> {
        Locker::rows(recorded, event, &state.0)
    }
}

const OLD: Migrations = locker::migrations;

fn expanded() -> Vec<Box<dyn MigrationTrait>> {
    let mut migrations = locker::migrations();
    migrations.push(Box::new(Step {
        name: "test_0002_expand",
        sql: "ALTER TABLE lockers ADD COLUMN colour TEXT",
        contract: false,
    }));
    migrations
}

fn contracted() -> Vec<Box<dyn MigrationTrait>> {
    let mut migrations = expanded();
    migrations.push(Box::new(Step { name: "test_0003_contract", sql: "DROP TABLE notes", contract: true }));
    migrations
}

async fn an_expanded_database_serves_the_old_release_too(db: TestDb) {
    let store = Store::open(db).await;
    let newer = connect(&store.db).await;
    migrate(&newer, expanded).await.expect("migrated");
    // The old one goes on, starts anew, and its `migrate` is run again when it is rolled back to.
    store.execute(add("a", 1)).await.expect("recorded");
    refuse_if_pending(&store.database, OLD).await.expect("accepted");
    migrate(&store.database, OLD).await.expect("nothing to do");
    refuse_if_pending(&newer, expanded).await.expect("what the newer one did is still there");
}

async fn a_contracted_database_is_closed_to_the_old_release_only(db: TestDb) {
    let store = Store::open(db).await;
    migrate(&store.database, contracted).await.expect("migrated");
    refuse_if_pending(&store.database, contracted).await.expect("open to those who know");
    migrate(&store.database, contracted).await.expect("nothing to do");
    for older in [OLD, expanded] {
        for refused in [refuse_if_pending(&store.database, older).await, migrate(&store.database, older).await] {
            let Err(StoreError::NewerDatabase(names)) = refused else { panic!("{refused:?}") };
            assert_eq!(names, ["test_0003_contract"]);
        }
    }
}

async fn what_a_newer_release_recorded_stops_its_stream_in_the_older_one_and_is_not_lost(db: TestDb) {
    let store = Store::open(db).await;
    let database = connect(&store.db).await;
    let (newer, stop, task) = start(&database, WriterSettings::new("newer"));
    let newly = |command| Order::<NewerLocker>::new("a", command, meta());
    store.execute(add("a", 1)).await.expect("recorded");
    newer.execute(newly(Command::Unreadable)).await.expect("recorded");
    // The older one remembers the stream as it was, and must not go on from there.
    for command in [Command::Add(0), Command::Add(1)] {
        let outcome = store.execute(order("a", command)).await;
        assert!(matches!(outcome, Err(CommandError::Store(StoreError::Unreadable { position: 2, .. }))), "{outcome:?}");
    }
    store.execute(add("b", 1)).await.expect("other streams go on");
    newer.execute(newly(Command::Add(5))).await.expect("recorded");
    stop.cancel();
    task.await.expect("no panic").expect("ended well");
    let versions =
        store.events().await.into_iter().map(|event| (event.stream_id.id().to_owned(), event.stream_version));
    let expected = [("a", 1), ("a", 2), ("b", 1), ("a", 3)].map(|(id, version)| (id.to_owned(), version));
    assert_eq!(versions.collect::<Vec<_>>(), expected);
    assert_eq!(verify_log(&store.events().await), Ok(4));
    assert_eq!(store.table("lockers", &["id", "total", "version"]).await, ["a|6|3", "b|1|1"]);
}

async fn a_contract_that_fails_closes_nothing(db: TestDb) {
    let store = Store::open(db).await;
    let failing: Migrations = || {
        let mut migrations = locker::migrations();
        migrations.push(Box::new(Step { name: "test_0002_fails", sql: "DROP TABLE nothing_here", contract: true }));
        migrations
    };
    assert!(migrate(&store.database, failing).await.is_err());
    refuse_if_pending(&store.database, OLD).await.expect("accepted");
}

struct Step {
    name: &'static str,
    sql: &'static str,
    contract: bool,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if self.contract {
            contract(manager, self.name).await?;
        }
        manager.get_connection().execute_unprepared(self.sql).await.map(drop)
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
