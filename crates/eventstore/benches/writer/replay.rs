//! A million events from the database through the codec and the fold, beside a plain `COPY` of the same rows.

use std::collections::HashMap;
use std::time::Instant;

use eseal_eventstore::{Database, DatabaseConfig, Log, StreamId, migrate};
use eseal_kernel::Aggregate as _;
use eseal_testkit::ratio;
use futures::TryStreamExt as _;
use sqlx::postgres::PgPoolCopyExt as _;

use crate::counter::{self, Counter};
use crate::latency::fill;
use crate::postgres::Server;
use crate::{Measured, at_least, said};

const EVENTS: u64 = 1_000_000;
const ROUNDS: usize = 3;
/// How much more memory a replay may take, whatever the number of events.
const MEMORY_MAX: f64 = 64.0;

pub async fn measure() -> Measured {
    let server = Server::start().await?;
    let url = server.new_database().await?;
    let database = Database::connect(&DatabaseConfig::new(&url)).await.map_err(said)?;
    migrate(&database, counter::migrations).await.map_err(said)?;
    fill(&server, &url, EVENTS).await?;
    let pool = sqlx::PgPool::connect(&url).await.map_err(said)?;
    let (mut ours, mut copied, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = resident("VmRSS:")?;
        std::fs::write("/proc/self/clear_refs", "5").map_err(said)?; // forgets the highest mark so far
        ours.push(per_second(replay(&database)).await?);
        memory.push(resident("VmHWM:")? - before);
        copied.push(per_second(copy(&pool)).await?);
    }
    let figures = (ratio::median(ours), ratio::median(copied));
    let speed = at_least("replay_1m_postgres", figures, "COPY (FORMAT binary)", "events/s", 0.5);
    // Told as room left, so that more is better here too.
    let memory = (MEMORY_MAX, ratio::median(memory).max(1.0));
    let memory = at_least("replay_1m_postgres_memory", memory, "memory that it took, of at most 64", "MiB", 1.0);
    Ok(speed.into_iter().chain(memory).collect())
}

async fn per_second(work: impl Future<Output = Result<u64, String>>) -> Result<f64, String> {
    let started = Instant::now();
    let count = work.await?;
    if count != EVENTS {
        return Err(format!("{count} of {EVENTS} events came"));
    }
    #[allow(clippy::cast_precision_loss)]
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// Every stream's state; a thousand streams, as a service has few that are open.
async fn replay(database: &Database) -> Result<u64, String> {
    let log = Log::new(database.clone(), "bench");
    let mut events = std::pin::pin!(log.stream(0));
    let mut states: HashMap<StreamId, Counter> = HashMap::new();
    let mut count = 0;
    while let Some(event) = events.try_next().await.map_err(said)? {
        let fact = event.fact::<Counter>().map_err(said)?;
        let state = states.entry(event.stream_id).or_default();
        *state = std::mem::take(state).evolve(&fact);
        count += 1;
    }
    let total: i64 = states.values().map(|state| state.0).sum();
    if total.unsigned_abs() == count { Ok(count) } else { Err(format!("the states hold {total} of {count}")) }
}

/// How many rows `COPY` gave; their bytes are read and thrown away.
async fn copy(pool: &sqlx::PgPool) -> Result<u64, String> {
    let copy = "COPY (SELECT * FROM events ORDER BY position) TO STDOUT (FORMAT binary)";
    let mut bytes = pool.copy_out_raw(copy).await.map_err(said)?;
    let mut size = 0;
    while let Some(piece) = bytes.try_next().await.map_err(said)? {
        size += piece.len();
    }
    if size > 100 { Ok(EVENTS) } else { Err("COPY gave nothing".to_owned()) }
}

/// A line of the process's memory, in MiB.
fn resident(name: &str) -> Result<f64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(said)?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0).ok_or_else(|| format!("no {name}"))
}
