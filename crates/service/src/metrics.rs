//! What every process counts and measures, by the global meter. Names are OpenTelemetry's where its conventions have
//! one, else `eseal.<thing>`, with the unit as such; `docs/guides/telemetry.md` lists them all.
//!
//! Attributes are of few values each: methods of our proto, codes, reasons. Never an id, never an organization.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use eseal_eventstore::metrics::Metric;
use eseal_eventstore::{Database, DeadLetters};
use opentelemetry::metrics::{Counter, Gauge, Histogram};
use opentelemetry::{KeyValue, global};
use tokio_util::sync::CancellationToken;

use crate::tasks::Rounds;
use crate::trace::names::{RPC_METHOD, RPC_STATUS, RPC_SYSTEM};

/// How often states are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// The boundaries that the conventions ask for, in seconds.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

const SERVED: Metric = Metric::new(
    "rpc.server.call.duration",
    "s",
    &[RPC_SYSTEM, RPC_METHOD, RPC_STATUS],
    "Requests served, and how long each took until its answer began",
);
const CALLED: Metric = Metric::new(
    "rpc.client.call.duration",
    "s",
    &[RPC_SYSTEM, RPC_METHOD, RPC_STATUS],
    "Calls to other services, each try for itself",
);
const REFUSALS: Metric = Metric::new(
    "eseal.refusals",
    "{refusal}",
    &[RPC_METHOD, "eseal.reason"],
    "Requests refused, by the reasons of docs/error-codes.md",
);
const DEAD_LETTERS: Metric = Metric::new(
    "eseal.dead_letters",
    "{letter}",
    &["eseal.consumer", "eseal.owner"],
    "Events that lie in the dead letters now",
);
const CONNECTIONS: Metric = Metric::new(
    "db.client.connection.count",
    "{connection}",
    &["db.client.connection.pool.name", "db.client.connection.state"],
    "Connections of the database pools: used or idle",
);
const BUS: Metric =
    Metric::new("eseal.bus.connected", "{connection}", &[], "1 while the bus answers, 0 while events wait for it");
const CERTIFICATE: Metric =
    Metric::new("eseal.tls.certificate.remaining", "s", &[], "Until the certificate of this process ends");
const FAILED_EXPORTS: Metric = Metric::new(
    "eseal.telemetry.failed_exports",
    "{export}",
    &["eseal.signal"],
    "Exports that did not reach the collector: what was in them is lost",
);

/// The metrics of every process.
pub const METRICS: &[Metric] = &[SERVED, CALLED, REFUSALS, DEAD_LETTERS, CONNECTIONS, BUS, CERTIFICATE, FAILED_EXPORTS];

struct Instruments {
    served: Histogram<f64>,
    called: Histogram<f64>,
    refusals: Counter<u64>,
    dead_letters: Gauge<f64>,
    connections: Gauge<f64>,
    bus: Gauge<f64>,
    certificate: Gauge<f64>,
    failed_exports: Counter<u64>,
}

/// Made at the first use, which is after `telemetry::init`.
static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("eseal-service");
    Instruments {
        served: SERVED.durations(&meter, &SECONDS),
        called: CALLED.durations(&meter, &SECONDS),
        refusals: REFUSALS.counter(&meter),
        dead_letters: DEAD_LETTERS.gauge(&meter),
        connections: CONNECTIONS.gauge(&meter),
        bus: BUS.gauge(&meter),
        certificate: CERTIFICATE.gauge(&meter),
        failed_exports: FAILED_EXPORTS.counter(&meter),
    }
});

/// A request was answered.
pub(crate) fn served(method: &'static str, code: &'static str, took: Duration) {
    INSTRUMENTS.served.record(took.as_secs_f64(), &call(method, code));
}

/// Another service answered, or did not.
pub(crate) fn called(method: &'static str, code: &'static str, took: Duration) {
    INSTRUMENTS.called.record(took.as_secs_f64(), &call(method, code));
}

/// A request was refused for this reason, which is one of `docs/error-codes.md`.
pub(crate) fn refused(method: &'static str, reason: String) {
    INSTRUMENTS.refusals.add(1, &[KeyValue::new(RPC_METHOD, method), KeyValue::new("eseal.reason", reason)]);
}

/// So many events lie in the dead letters of this consumer.
fn dead_letters(consumer: &str, owner: &str, letters: u64) {
    let whose = [KeyValue::new("eseal.consumer", consumer.to_owned()), KeyValue::new("eseal.owner", owner.to_owned())];
    #[expect(clippy::cast_precision_loss, reason = "nobody has that many")]
    INSTRUMENTS.dead_letters.record(letters as f64, &whose);
}

/// Whether the bus answers.
pub(crate) fn bus_answers(answers: bool) {
    INSTRUMENTS.bus.record(f64::from(u8::from(answers)), &[]);
}

/// The certificate of this process is good for so long.
pub(crate) fn certificate_lasts(seconds: f64) {
    INSTRUMENTS.certificate.record(seconds, &[]);
}

/// Telemetry was lost on its way out.
pub(crate) fn export_failed(signal: &'static str) {
    INSTRUMENTS.failed_exports.add(1, &[KeyValue::new("eseal.signal", signal)]);
}

fn call(method: &'static str, code: &'static str) -> [KeyValue; 3] {
    [KeyValue::new(RPC_SYSTEM, "grpc"), KeyValue::new(RPC_METHOD, method), KeyValue::new(RPC_STATUS, code)]
}

/// Looks every few seconds at what is no event but a state: connections, dead letters. Until `stop`.
///
/// # Errors
/// Never; the type is what tasks have.
pub(crate) async fn watch(
    service: &'static str,
    database: Database,
    stop: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let letters = DeadLetters::new(database.clone());
    // Where the last letter is gone, the database says nothing more, and the gauge must say 0.
    let mut seen = BTreeSet::new();
    let mut rounds = Rounds::every(LOOK, stop);
    while let Some(counts) = rounds.next(letters.counts()).await {
        connections(service, &database);
        if let Ok(counts) = counts {
            let found: BTreeMap<_, _> =
                counts.into_iter().map(|count| ((count.consumer, count.owner), count.letters)).collect();
            seen.extend(found.keys().cloned());
            for (consumer, owner) in &seen {
                let count = found.get(&(consumer.clone(), owner.clone())).copied().unwrap_or_default();
                dead_letters(consumer, owner, count);
            }
        }
    }
    Ok(())
}

fn connections(service: &'static str, database: &Database) {
    for pool in database.pools() {
        let name = format!("{service}-{}", pool.name);
        for (state, count) in [("used", pool.open.saturating_sub(pool.idle)), ("idle", pool.idle)] {
            let which = [
                KeyValue::new("db.client.connection.pool.name", name.clone()),
                KeyValue::new("db.client.connection.state", state),
            ];
            INSTRUMENTS.connections.record(f64::from(count), &which);
        }
    }
}
