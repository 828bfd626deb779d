//! What an append takes behind few and behind many events.

use std::time::Instant;

use eseal_eventstore::{Database, DatabaseConfig, Writer, WriterSettings, migrate};
use eseal_testkit::ratio;
use tokio_util::sync::CancellationToken;

use crate::postgres::Server;
use crate::{Measured, counter, said};

const FEW: u64 = 10_000;
const MANY: u64 = 10_000_000;
/// How many events each stream of the filling has.
const PER_STREAM: u64 = 10;
const ROUNDS: u64 = 10;
const APPENDS: u64 = 100;
/// The most that many events may cost.
const MOST: f64 = 1.2;

pub async fn measure() -> Measured {
    let server = Server::start().await?;
    let (few, many) = (Beside::filled(&server, FEW).await?, Beside::filled(&server, MANY).await?);
    server.execute("postgres", "CHECKPOINT").await?;
    let (mut behind_few, mut behind_many) = (Vec::new(), Vec::new());
    // Turn by turn, so that a slow moment of the disk meets both; the first round warms up.
    for round in 0..=ROUNDS {
        let (short, long) = (few.appends(round).await?, many.appends(round).await?);
        if round > 0 {
            behind_few.extend(short);
            behind_many.extend(long);
        }
    }
    let (few, many) = (ratio::median(behind_few), ratio::median(behind_many));
    let ratio = ratio::record("append_latency_10m_postgres", many, few, "behind 10 thousand events", "µs");
    Ok((ratio > MOST)
        .then(|| format!("append_latency_10m_postgres: {ratio:.2} is more than {MOST}"))
        .into_iter()
        .collect())
}

/// A writer behind so many events.
struct Beside {
    writer: Writer,
    events: u64,
    _stop: tokio_util::sync::DropGuard,
}

impl Beside {
    async fn filled(server: &Server, events: u64) -> Result<Self, String> {
        let url = server.new_database().await?;
        let database = Database::connect(&DatabaseConfig::new(&url)).await.map_err(said)?;
        migrate(&database, counter::migrations).await.map_err(said)?;
        fill(server, &url, events).await?;
        let stop = CancellationToken::new();
        let (writer, _) = Writer::start(database, WriterSettings::new("bench"), stop.clone());
        Ok(Self { writer, events, _stop: stop.drop_guard() })
    }

    /// The microseconds of appends to streams from all over the table, none of which is in memory.
    async fn appends(&self, round: u64) -> Result<Vec<f64>, String> {
        let streams = self.events / PER_STREAM;
        let mut micros = Vec::new();
        for turn in 0..APPENDS {
            let number = round * APPENDS + turn;
            let counter = number.wrapping_mul(2_654_435_761) % streams;
            let started = Instant::now();
            self.writer.execute(counter::add(1, number, counter)).await.map_err(said)?;
            micros.push(started.elapsed().as_secs_f64() * 1e6);
        }
        Ok(micros)
    }
}

/// Makes events on the server, as the store would have left them but for the hashes, which nobody checks here.
pub async fn fill(server: &Server, url: &str, events: u64) -> Result<(), String> {
    let database = url.rsplit('/').next().and_then(|rest| rest.split('?').next()).ok_or("no database")?;
    let sql = format!(
        "SET synchronous_commit = off;
         INSERT INTO events
         SELECT g, '01890000-0000-7000-8000-' || lpad(to_hex(g), 12, '0'), 'counter-' || (g - 1) / {PER_STREAM},
                (g - 1) % {PER_STREAM} + 1, 'eseal.bench.v1.Added', 1, 1800000000000000 + g, 'custodian:1',
                ((g - 1) / {PER_STREAM})::text, ((g - 1) / {PER_STREAM})::text, NULL,
                convert_to('{{\"amount\":\"1\",\"unit\":\"piece\"}}', 'UTF8'), NULL, sha256(int8send(g)), NULL
         FROM generate_series(1, {events}::bigint) AS g;
         UPDATE head SET position = {events};
         ANALYZE"
    );
    server.execute(database, &sql).await
}
