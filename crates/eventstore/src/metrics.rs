//! The metrics of the store. What they are called, in one place; what they mean is in `docs/guides/telemetry.md`.

use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};

/// What spans and metrics are made by.
pub(crate) const SCOPE: &str = "eseal-eventstore";

/// Boundaries of what takes a disk's time, in seconds.
pub(crate) const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// A metric: its name, its unit (UCUM) and what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Such as `eseal.commands`.
    pub name: &'static str,
    /// Such as `s` or `{command}`.
    pub unit: &'static str,
    /// For people.
    pub what: &'static str,
    /// What it is told apart by.
    pub attributes: &'static [&'static str],
}

impl Metric {
    /// A metric of this name.
    pub const fn new(
        name: &'static str,
        unit: &'static str,
        attributes: &'static [&'static str],
        what: &'static str,
    ) -> Self {
        Self { name, unit, what, attributes }
    }

    /// As a counter.
    pub fn counter(&self, meter: &Meter) -> Counter<u64> {
        meter.u64_counter(self.name).with_unit(self.unit).with_description(self.what).build()
    }

    /// As a value of now.
    pub fn gauge(&self, meter: &Meter) -> Gauge<f64> {
        meter.f64_gauge(self.name).with_unit(self.unit).with_description(self.what).build()
    }

    /// As durations in seconds.
    pub fn durations(&self, meter: &Meter, boundaries: &[f64]) -> Histogram<f64> {
        let histogram = meter.f64_histogram(self.name).with_boundaries(boundaries.to_vec());
        histogram.with_unit(self.unit).with_description(self.what).build()
    }

    /// As sizes.
    pub fn sizes(&self, meter: &Meter, boundaries: &[f64]) -> Histogram<u64> {
        let histogram = meter.u64_histogram(self.name).with_boundaries(boundaries.to_vec());
        histogram.with_unit(self.unit).with_description(self.what).build()
    }
}

pub(crate) const COMMANDS: Metric = Metric::new(
    "eseal.commands",
    "{command}",
    &["eseal.owner", "eseal.aggregate", "eseal.command", "eseal.outcome"],
    "Commands answered: recorded, unchanged, repeated, rejected, conflict or failed",
);
pub(crate) const EVENTS: Metric =
    Metric::new("eseal.events", "{event}", &["eseal.owner"], "Events appended to the owner's log");
pub(crate) const BATCH_SIZE: Metric =
    Metric::new("eseal.append.batch.size", "{order}", &["eseal.owner"], "Orders committed by one transaction");
pub(crate) const BATCH_DURATION: Metric = Metric::new(
    "eseal.append.duration",
    "s",
    &["eseal.owner", "eseal.outcome"],
    "From taking up a batch to its commit: committed or failed",
);

/// The metrics of the store.
pub const METRICS: &[Metric] = &[COMMANDS, EVENTS, BATCH_SIZE, BATCH_DURATION];
