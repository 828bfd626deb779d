//! What every process counts and measures, by the global meter. Names are OpenTelemetry's where its conventions have
//! one, else `eseal.<thing>`, with the unit as such; `docs/guides/telemetry.md` lists them all.
//!
//! Attributes are of few values each: methods of our proto, codes, reasons. Never an id, never an organization.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};

use crate::trace::names::{RPC_METHOD, RPC_STATUS, RPC_SYSTEM};

/// The boundaries that the conventions ask for, in seconds.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

struct Instruments {
    served: Histogram<f64>,
    called: Histogram<f64>,
    refusals: Counter<u64>,
    failed_exports: Counter<u64>,
}

/// Made at the first use, which is after `telemetry::init`.
static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("eseal");
    let seconds = |name| meter.f64_histogram(name).with_unit("s").with_boundaries(SECONDS.to_vec());
    Instruments {
        served: seconds("rpc.server.call.duration").with_description("Requests served, and how long each took").build(),
        called: seconds("rpc.client.call.duration").with_description("Calls to other services").build(),
        refusals: meter
            .u64_counter("eseal.refusals")
            .with_unit("{refusal}")
            .with_description("Requests refused, by reason (docs/error-codes.md)")
            .build(),
        failed_exports: meter
            .u64_counter("eseal.telemetry.failed_exports")
            .with_unit("{export}")
            .with_description("Exports that did not reach the collector")
            .build(),
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
    INSTRUMENTS.refusals.add(1, &[KeyValue::new(RPC_METHOD, method), KeyValue::new("reason", reason)]);
}

/// Telemetry was lost on its way out.
pub(crate) fn export_failed(signal: &'static str) {
    INSTRUMENTS.failed_exports.add(1, &[KeyValue::new("signal", signal)]);
}

fn call(method: &'static str, code: &'static str) -> [KeyValue; 3] {
    [KeyValue::new(RPC_SYSTEM, "grpc"), KeyValue::new(RPC_METHOD, method), KeyValue::new(RPC_STATUS, code)]
}
