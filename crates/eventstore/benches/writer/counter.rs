//! What is recorded: counters with a read table.

use eseal_eventstore::{Actor, DecodeError, Encoded, Metadata, Order, Recorded, RequestKey, Row, Stored, StreamId};
use eseal_kernel::{Aggregate, Claims, Digest, Timestamp};
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// One command of a caller, as an RPC would give it.
pub fn add(caller: u64, turn: u64, counter: u64) -> Order<Counter> {
    let meta = Metadata::new(Timestamp::from_seconds(1_800_000_000), Actor::new(caller.to_string(), "custodian"));
    let key = RequestKey {
        caller: caller.to_string(),
        rpc: "eseal.bench.v1.Counter/Add".to_owned(),
        request_id: format!("{caller}-{turn}"),
        content: Digest::of(&turn.to_be_bytes()),
    };
    Order::<Counter>::new(counter, Add(1), meta).request(key).answering(|_| b"{}".to_vec())
}

pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Table)]
}

#[derive(Debug, Default, Clone)]
pub struct Counter(pub i64);

#[derive(Debug)]
pub struct Add(pub i64);

#[derive(Debug, Clone, PartialEq)]
pub struct Added(pub i64);

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("never")]
pub struct Never;

impl Aggregate for Counter {
    const KIND: &'static str = "counter";
    type Command = Add;
    type Event = Added;
    type Rejection = Never;

    fn evolve(self, event: &Added) -> Self {
        Self(self.0 + event.0)
    }

    fn decide(&self, command: &Add, _claims: &Claims) -> Result<Vec<Added>, Never> {
        Ok(vec![Added(command.0)])
    }
}

impl Stored for Counter {
    const TABLES: &'static [&'static str] = &["counters"];

    fn encode(event: &Added) -> Encoded {
        let payload = format!(r#"{{"amount":"{}","unit":"piece"}}"#, event.0).into_bytes();
        Encoded { kind: "eseal.bench.v1.Added", schema_version: 1, payload }
    }

    fn decode(_kind: &str, _schema_version: u32, _payload: &[u8]) -> Result<Added, DecodeError> {
        Ok(Added(1))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, _event: &Added, state: &Self) -> Vec<Row> {
        let values = vec![("id", recorded.stream.id().into()), ("total", state.0.into())];
        vec![Row { table: "counters", key: &["id"], values }]
    }
}

struct Table;

impl MigrationName for Table {
    fn name(&self) -> &'static str {
        "bench_0001_table"
    }
}

#[async_trait]
impl MigrationTrait for Table {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "CREATE TABLE counters (id TEXT PRIMARY KEY, total BIGINT NOT NULL)";
        manager.get_connection().execute_unprepared(sql).await.map(drop)
    }
}
