//! Figures of the store, each as a ratio to a peer or limit of the same run, so that it says the same on every machine.
//!
//! `cargo bench -p eseal-eventstore --bench writer -- NAME`; the rows go to `target/bench/ratios.tsv`.
//!
//! | figure | ours | beside |
//! |---|---|---|
//! | `writer_32_callers_sqlite` | 32 callers on SQLite | one event per commit |
//! | `writer_32_callers_postgres_…` | 32 callers on PostgreSQL | what pgbench inserts by plain SQL |
//! | `replay_1m_postgres` | a million events through the fold | `COPY` of the same rows |
//! | `append_latency_10m_postgres` | an append behind ten million events | behind ten thousand |

mod callers;
mod counter;
mod latency;
mod plain;
mod postgres;
mod replay;

use std::process::ExitCode;

use eseal_testkit::ratio;

/// What a figure comes to: complaints.
type Measured = Result<Vec<String>, String>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let measured = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(all()));
    match measured {
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => complain(&complaints.join("; ")),
        Err(error) => complain(&error),
    }
}

#[allow(clippy::print_stderr)]
fn complain(error: &str) -> ExitCode {
    eprintln!("writer: {error}");
    ExitCode::FAILURE
}

async fn all() -> Measured {
    let mut complaints = Vec::new();
    if ratio::is_asked_for("writer_32_callers_sqlite") {
        complaints.extend(callers::on_sqlite().await?);
    }
    if ratio::is_asked_for("writer_32_callers_postgres") {
        complaints.extend(callers::on_postgres().await?);
    }
    if ratio::is_asked_for("replay_1m_postgres") {
        complaints.extend(replay::measure().await?);
    }
    if ratio::is_asked_for("append_latency_10m_postgres") {
        complaints.extend(latency::measure().await?);
    }
    Ok(complaints)
}

/// Tells a figure that must reach at least, or at most, so much.
fn at_least(name: &str, figures: (f64, f64), peer: &str, unit: &str, least: f64) -> Option<String> {
    let ratio = ratio::record(name, figures.0, figures.1, peer, unit);
    (ratio < least).then(|| format!("{name}: {ratio:.2} is less than {least}"))
}

/// An error as the text that ends the run.
fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
