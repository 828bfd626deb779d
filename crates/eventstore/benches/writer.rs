//! The group-commit writer beside one event per commit: 32 callers on SQLite, in the same run.
//!
//! `cargo bench -p eseal-eventstore --bench writer`. The figure is a ratio, so that it says the same on every machine;
//! it appends a row to `target/bench/ratios.tsv`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eseal_eventstore::{
    Actor, Database, DatabaseConfig, DecodeError, Encoded, Metadata, Order, Recorded, RequestKey, Row, Stored,
    StreamId, Writer, WriterSettings, migrate,
};
use eseal_kernel::{Aggregate, Claims, Digest, Timestamp};
use eseal_testkit::ratio;
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};
use tokio_util::sync::CancellationToken;

const CALLERS: u64 = 32;
const STREAMS: u64 = 1_000;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(3);
const NAME: &str = "writer_32_callers_sqlite";
/// The least ratio that group commit must be worth.
const LEAST: f64 = 5.0;

fn main() -> ExitCode {
    if !ratio::is_asked_for(NAME) {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(measure())) {
        Ok(ratio) if ratio >= LEAST => ExitCode::SUCCESS,
        Ok(ratio) => complain(&format!("{ratio:.1} is less than {LEAST}")),
        Err(error) => complain(&error),
    }
}

#[allow(clippy::print_stderr)]
fn complain(error: &str) -> ExitCode {
    eprintln!("writer: {error}");
    ExitCode::FAILURE
}

/// Both in turn, so that a slow minute of the machine meets both; the median of each.
async fn measure() -> Result<f64, String> {
    let (mut group, mut single) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        group.push(events_per_second(256).await?);
        single.push(events_per_second(1).await?);
    }
    let (group, single) = (ratio::median(group), ratio::median(single));
    Ok(ratio::record(NAME, group, single, "one event per commit", "events/s"))
}

async fn events_per_second(max_batch: usize) -> Result<f64, String> {
    // Not in /tmp, which may be memory: a sync that costs nothing would make the comparison worthless.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|error| error.to_string())?;
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    let database = Database::connect(&DatabaseConfig::new(url)).await.map_err(|error| error.to_string())?;
    migrate(&database, || vec![Box::new(Table)]).await.map_err(|error| error.to_string())?;
    let stop = CancellationToken::new();
    let settings = WriterSettings { max_batch, ..WriterSettings::new("bench") };
    let (writer, task) = Writer::start(database.clone(), settings, stop.clone());

    let recorded = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let callers = (0..CALLERS).map(|caller| tokio::spawn(call(writer.clone(), caller, recorded.clone(), started)));
    for caller in futures::future::join_all(callers).await {
        caller.map_err(|error| error.to_string())??;
    }
    let seconds = started.elapsed().as_secs_f64();
    stop.cancel();
    task.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    database.close().await.map_err(|error| error.to_string())?;
    #[allow(clippy::cast_precision_loss)]
    Ok(recorded.load(Ordering::Relaxed) as f64 / seconds)
}

/// One caller, who sends the next command once the last one is answered.
async fn call(writer: Writer, caller: u64, recorded: Arc<AtomicU64>, started: Instant) -> Result<(), String> {
    for turn in 0_u64.. {
        if started.elapsed() > ROUND {
            break;
        }
        let meta = Metadata::new(Timestamp::from_seconds(1_800_000_000), Actor::new(caller.to_string(), "custodian"));
        let key = RequestKey {
            caller: caller.to_string(),
            rpc: "eseal.bench.v1.Counter/Add".to_owned(),
            request_id: format!("{caller}-{turn}"),
            content: Digest::of(&turn.to_be_bytes()),
        };
        let stream = (caller * 7_919 + turn * 104_729) % STREAMS;
        let order = Order::<Counter>::new(stream, Add(1), meta).request(key).answering(|_| b"{}".to_vec());
        writer.execute(order).await.map_err(|error| error.to_string())?;
        recorded.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[derive(Debug, Default, Clone)]
struct Counter(i64);

#[derive(Debug)]
struct Add(i64);

#[derive(Debug, Clone, PartialEq)]
struct Added(i64);

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("never")]
struct Never;

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
