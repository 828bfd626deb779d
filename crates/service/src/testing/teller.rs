//! Another service, as far as the one under test hears of it: it has a database and a log, and tells what it is given.

use eseal_eventstore::{
    Actor, Database, DatabaseConfig, DecodeError, Encoded, Log, Metadata, Order, Recorded, Row, Stored, StreamId,
    Writer, WriterSettings, migrate,
};
use eseal_kernel::{Aggregate, Claims, Timestamp};
use eseal_testkit::TestDb;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// A service that only tells.
pub struct Teller {
    log: Log,
    writer: Writer,
    stop: CancellationToken,
    _db: Option<TestDb>,
}

impl Teller {
    /// A service of this name, in a database of its own.
    pub async fn new(name: &'static str) -> Self {
        let db = TestDb::sqlite();
        let database = Database::connect(&DatabaseConfig::new(db.url())).await.expect("a database");
        migrate(&database, Vec::new).await.expect("migrations");
        let mut teller = Self::over(database, name);
        teller._db = Some(db);
        teller
    }

    /// A service that tells in a database of somebody else, as another process of the same service would.
    pub fn over(database: Database, name: &'static str) -> Self {
        let stop = CancellationToken::new();
        let (writer, _) = Writer::start(database.clone(), WriterSettings::new(name), stop.clone());
        Self { log: Log::new(database, name), writer, stop, _db: None }
    }

    /// What the bus carries of it.
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Tells a fact in a stream of its own service.
    pub async fn tells(&self, stream: &str, kind: &'static str, message: &impl Serialize) {
        self.tells_bytes(stream, kind, serde_json::to_vec(message).expect("JSON")).await;
    }

    /// Tells a fact whose payload may be anything.
    pub async fn tells_bytes(&self, stream: &str, kind: &'static str, payload: Vec<u8>) {
        let metadata = Metadata::new(Timestamp::from_seconds(1_800_000_000), Actor::new("teller", "service"));
        let order: Order<Voice> = Order::new(stream, Fact { kind, payload }, metadata);
        self.writer.execute(order).await.expect("told");
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[derive(Debug, Clone, Default)]
struct Voice;

#[derive(Debug, Clone, PartialEq)]
struct Fact {
    kind: &'static str,
    payload: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
enum Never {}

impl Aggregate for Voice {
    const KIND: &'static str = "told";
    type Command = Fact;
    type Event = Fact;
    type Rejection = Never;

    fn evolve(self, _event: &Fact) -> Self {
        self
    }

    fn decide(&self, command: &Fact, _claims: &Claims) -> Result<Vec<Fact>, Never> {
        Ok(vec![command.clone()])
    }
}

impl Stored for Voice {
    const TABLES: &'static [&'static str] = &[];

    fn encode(event: &Fact) -> Encoded {
        Encoded { kind: event.kind, schema_version: 1, payload: event.payload.clone() }
    }

    fn decode(_kind: &str, _schema_version: u32, payload: &[u8]) -> Result<Fact, DecodeError> {
        Ok(Fact { kind: "eseal.told.v1.Told", payload: payload.to_vec() }) // its state holds nothing of it
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(_recorded: &Recorded<'_>, _event: &Fact, _state: &Self) -> Vec<Row> {
        Vec::new()
    }
}
