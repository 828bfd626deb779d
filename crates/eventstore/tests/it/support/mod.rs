//! A store to test, and two aggregates to keep in it.

pub mod locker;
pub mod note;

use std::convert::Infallible;
use std::time::Duration;

use eseal_eventstore::{
    Actor, CommandError, Database, DatabaseConfig, Delivery, Log, Metadata, Order, Outcome, RequestKey, StoreError,
    StoredEvent, Writer, WriterSettings, migrate,
};
use eseal_kernel::{Digest, Id, Timestamp};
use eseal_testkit::TestDb;
use sea_orm::{ConnectionTrait as _, Statement};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use locker::{Command, Locker, Rejection};

/// Makes a test of each function, for each engine.
macro_rules! on_every_engine {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(eseal_testkit::TestDb::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(eseal_testkit::TestDb::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_every_engine;

/// Long enough for the slowest machine; nothing waits that long in vain unless it fails.
pub const SOON: Duration = Duration::from_secs(120);

/// A migrated database with a running writer.
pub struct Store {
    pub db: TestDb,
    pub database: Database,
    pub writer: Writer,
    pub log: Log,
    stop: CancellationToken,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Store {
    pub async fn open(db: TestDb) -> Self {
        Self::open_with(db, WriterSettings::new("test")).await
    }

    pub async fn open_with(db: TestDb, settings: WriterSettings) -> Self {
        let database = connect(&db).await;
        migrate(&database, locker::migrations).await.expect("migrated");
        let (writer, stop, task) = start(&database, settings);
        let log = Log::new(database.clone(), "test");
        Self { db, database, writer, log, stop, task }
    }

    /// Ends the writer as a stopping service does, and gives the database back.
    pub async fn close(self) -> TestDb {
        self.stop.cancel();
        self.task.await.expect("the writer did not panic").expect("the writer ended well");
        self.database.close().await.expect("closed");
        self.db
    }

    pub async fn execute(&self, order: Order<Locker>) -> Result<Outcome<Locker>, CommandError<Rejection>> {
        self.writer.execute(order).await
    }

    /// All of these wait in the queue before the writer looks, so they make one batch.
    pub async fn together(
        &self,
        orders: impl IntoIterator<Item = Order<Locker>>,
    ) -> Vec<Result<Outcome<Locker>, CommandError<Rejection>>> {
        futures::future::join_all(orders.into_iter().map(|order| self.writer.execute(order))).await
    }

    pub async fn events(&self) -> Vec<StoredEvent> {
        let mut events: Vec<StoredEvent> = Vec::new();
        loop {
            let page = self.log.read(events.last().map_or(0, |event| event.position), 1_000).await.expect("read");
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    /// The whole table as text, for comparisons.
    pub async fn table(&self, table: &str, columns: &[&str]) -> Vec<String> {
        let text = columns.iter().map(|column| format!("coalesce(CAST({column} AS TEXT), '-')")).collect::<Vec<_>>();
        let sql = format!("SELECT {} AS line FROM {table} ORDER BY 1", text.join(" || '|' || "));
        let rows = self.database.reader().query_all_raw(Statement::from_string(self.database.backend(), sql)).await;
        rows.expect("selected").iter().map(|row| row.try_get("", "line").expect("text")).collect()
    }

    /// Runs SQL as whoever owns the database can.
    pub async fn tamper(&self, sql: &str) -> Result<(), sea_orm::DbErr> {
        let tx = self.database.begin().await.expect("begun");
        match tx.execute_unprepared(sql).await {
            Ok(_) => tx.commit().await,
            Err(error) => {
                tx.rollback().await.expect("rolled back");
                Err(error)
            }
        }
    }

    pub async fn acknowledge(&self, delivery: &Delivery) -> Result<(), CommandError<Infallible>> {
        self.writer.acknowledge(delivery.clone()).await
    }
}

pub async fn connect(db: &TestDb) -> Database {
    Database::connect(&DatabaseConfig::new(db.url())).await.expect("connected")
}

pub fn start(
    database: &Database,
    settings: WriterSettings,
) -> (Writer, CancellationToken, JoinHandle<Result<(), StoreError>>) {
    let stop = CancellationToken::new();
    let (writer, task) = Writer::start(database.clone(), settings, stop.clone());
    (writer, stop, task)
}

pub fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

pub fn meta() -> Metadata {
    Metadata::new(now(), Actor::new("0192-li", "custodian"))
}

pub fn order(id: &str, command: Command) -> Order<Locker> {
    Order::new(id, command, meta())
}

pub fn add(id: &str, amount: i64) -> Order<Locker> {
    order(id, Command::Add(amount))
}

/// The request `id` with `content`, always of the same caller and RPC.
pub fn request(id: &str, content: &str) -> RequestKey {
    RequestKey {
        caller: "0192-li".to_owned(),
        rpc: "eseal.test.v1.Locker/Add".to_owned(),
        request_id: id.to_owned(),
        content: Digest::of(content.as_bytes()),
    }
}

/// The delivery of another service's event at `position`; the same one gets the same id.
pub fn delivery(position: u64) -> Delivery {
    let event_id = Id::derived(&Digest::of(&position.to_be_bytes()));
    Delivery::new("test", "other", position, event_id)
}
