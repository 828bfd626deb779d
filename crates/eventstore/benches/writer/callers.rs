//! 32 callers, each of whom sends the next command once the last one is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eseal_eventstore::{Database, DatabaseConfig, Writer, WriterSettings, migrate};
use eseal_testkit::ratio;
use tokio_util::sync::CancellationToken;

use crate::postgres::Server;
use crate::{Measured, at_least, counter, plain, said};

const CALLERS: u64 = 32;
const STREAMS: u64 = 1_000;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(3);

/// Both in turn, so that a slow minute of the machine meets both; the median of each.
pub async fn on_sqlite() -> Measured {
    let (mut group, mut single) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        group.push(sqlite(256).await?);
        single.push(sqlite(1).await?);
    }
    let figures = (ratio::median(group), ratio::median(single));
    Ok(at_least("writer_32_callers_sqlite", figures, "one event per commit", "events/s", 5.0).into_iter().collect())
}

async fn sqlite(max_batch: usize) -> Result<f64, String> {
    // Not in /tmp, which may be memory: a sync that costs nothing would make the comparison worthless.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(said)?;
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    events_per_second(&url, max_batch).await
}

/// Ours and plain SQL in turn, on one server.
pub async fn on_postgres() -> Measured {
    let server = Server::start().await?;
    let (mut ours, mut locked, mut raw, mut bulk) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let url = server.new_database().await?;
        ours.push(events_per_second(&url, 256).await?);
        locked.push(server.pgbench(&plain::LOCKED, CALLERS).await?);
        raw.push(server.pgbench(&plain::RAW, CALLERS).await?);
        bulk.push(server.pgbench(&plain::BULK, 1).await?);
    }
    let ours = ratio::median(ours);
    let figure =
        |name, peer: Vec<f64>, what, least| at_least(name, (ours, ratio::median(peer)), what, "events/s", least);
    let figures = [
        figure("writer_32_callers_postgres_a", locked, "one event per commit under one counter", 8.0),
        figure("writer_32_callers_postgres_b", raw, "raw rows without order, 32 clients", 0.5),
        figure("writer_32_callers_postgres_c", bulk, "raw rows by the hundred, 1 client", 0.0),
    ];
    Ok(figures.into_iter().flatten().collect())
}

async fn events_per_second(url: &str, max_batch: usize) -> Result<f64, String> {
    let database = Database::connect(&DatabaseConfig::new(url)).await.map_err(said)?;
    migrate(&database, counter::migrations).await.map_err(said)?;
    let stop = CancellationToken::new();
    let settings = WriterSettings { max_batch, ..WriterSettings::new("bench") };
    let (writer, task) = Writer::start(database.clone(), settings, stop.clone());
    let recorded = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let callers = (0..CALLERS).map(|caller| tokio::spawn(call(writer.clone(), caller, recorded.clone(), started)));
    for caller in futures::future::join_all(callers).await {
        caller.map_err(said)??;
    }
    let seconds = started.elapsed().as_secs_f64();
    stop.cancel();
    task.await.map_err(said)?.map_err(said)?;
    database.close().await.map_err(said)?;
    #[allow(clippy::cast_precision_loss)]
    Ok(recorded.load(Ordering::Relaxed) as f64 / seconds)
}

async fn call(writer: Writer, caller: u64, recorded: Arc<AtomicU64>, started: Instant) -> Result<(), String> {
    for turn in 0_u64.. {
        if started.elapsed() > ROUND {
            break;
        }
        let counter = (caller * 7_919 + turn * 104_729) % STREAMS;
        writer.execute(counter::add(caller, turn, counter)).await.map_err(said)?;
        recorded.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
