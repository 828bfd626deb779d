//! What can be measured of the bus, by OpenTelemetry's global meter.

use std::sync::LazyLock;

use eseal_eventstore::metrics::Metric;
use opentelemetry::metrics::{Counter, Gauge};
use opentelemetry::{KeyValue, global};

const OWNER: &[&str] = &["eseal.owner"];
const BETWEEN: &[&str] = &["eseal.consumer", "eseal.owner"];

const RELAY_LAG: Metric = Metric::new("eseal.relay.lag", "{event}", OWNER, "Events that the stream does not have yet");
const RELAY_LAG_TIME: Metric =
    Metric::new("eseal.relay.lag.time", "s", OWNER, "Age of the first event that the stream does not have");
const RELAY_PUBLISHED: Metric =
    Metric::new("eseal.relay.published", "{event}", OWNER, "Events that the stream has taken");
const RELAY_FAILURES: Metric =
    Metric::new("eseal.relay.failures", "{failure}", OWNER, "How often the relay had to look again");
const CONSUMER_LAG: Metric =
    Metric::new("eseal.consumer.lag", "{event}", BETWEEN, "Events that the consumer has not got yet");
const DELIVERIES: Metric = Metric::new(
    "eseal.deliveries",
    "{delivery}",
    &["eseal.consumer", "eseal.owner", "eseal.outcome"],
    "Deliveries to handlers: done, later or never",
);
const PARKED: Metric = Metric::new("eseal.parked", "{event}", BETWEEN, "Events that were put into the dead letters");
const MALFORMED: Metric =
    Metric::new("eseal.bus.malformed", "{message}", BETWEEN, "Messages on our subjects that are no events of ours");
const FILLED: Metric = Metric::new(
    "eseal.bus.filled",
    "{event}",
    BETWEEN,
    "Events that were got from their owner because the bus lacked them",
);
const FOREIGN: Metric = Metric::new(
    "eseal.bus.foreign",
    "{message}",
    BETWEEN,
    "Messages that look like events of the owner and are not in its log; refused",
);
const DISOWNED: Metric =
    Metric::new("eseal.bus.disowned", "{event}", BETWEEN, "Events that were consumed and are not in their owner's log");

/// The metrics of the bus.
pub const METRICS: &[Metric] = &[
    RELAY_LAG,
    RELAY_LAG_TIME,
    RELAY_PUBLISHED,
    RELAY_FAILURES,
    CONSUMER_LAG,
    DELIVERIES,
    PARKED,
    MALFORMED,
    FILLED,
    FOREIGN,
    DISOWNED,
];

/// The instruments. Made at the first use, which is after the process has set its meter up.
static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(Instruments::new);

struct Instruments {
    relay_lag: Gauge<f64>,
    relay_lag_time: Gauge<f64>,
    relay_published: Counter<u64>,
    relay_failures: Counter<u64>,
    consumer_lag: Gauge<f64>,
    deliveries: Counter<u64>,
    parked: Counter<u64>,
    malformed: Counter<u64>,
    filled: Counter<u64>,
    foreign: Counter<u64>,
    disowned: Counter<u64>,
}

impl Instruments {
    fn new() -> Self {
        let meter = &global::meter("eseal-bus");
        Self {
            relay_lag: RELAY_LAG.gauge(meter),
            relay_lag_time: RELAY_LAG_TIME.gauge(meter),
            relay_published: RELAY_PUBLISHED.counter(meter),
            relay_failures: RELAY_FAILURES.counter(meter),
            consumer_lag: CONSUMER_LAG.gauge(meter),
            deliveries: DELIVERIES.counter(meter),
            parked: PARKED.counter(meter),
            malformed: MALFORMED.counter(meter),
            filled: FILLED.counter(meter),
            foreign: FOREIGN.counter(meter),
            disowned: DISOWNED.counter(meter),
        }
    }
}

fn of(owner: &'static str) -> [KeyValue; 1] {
    [KeyValue::new("eseal.owner", owner)]
}

fn between(consumer: &'static str, owner: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("eseal.consumer", consumer), KeyValue::new("eseal.owner", owner)]
}

/// How far the stream is behind the log.
#[expect(clippy::cast_precision_loss, reason = "a gauge")]
pub(crate) fn relay_lag(owner: &'static str, positions: u64, micros: i64) {
    INSTRUMENTS.relay_lag.record(positions as f64, &of(owner));
    INSTRUMENTS.relay_lag_time.record(micros.max(0) as f64 / 1e6, &of(owner));
}

/// An event was taken by the stream.
pub(crate) fn published(owner: &'static str) {
    INSTRUMENTS.relay_published.add(1, &of(owner));
}

/// The relay had to look again.
pub(crate) fn relay_failed(owner: &'static str) {
    INSTRUMENTS.relay_failures.add(1, &of(owner));
}

/// So many events wait for the consumer.
#[expect(clippy::cast_precision_loss, reason = "a gauge")]
pub(crate) fn consumer_pending(consumer: &'static str, owner: &'static str, positions: u64) {
    INSTRUMENTS.consumer_lag.record(positions as f64, &between(consumer, owner));
}

/// A handler was called, and said so.
pub(crate) fn delivered(consumer: &'static str, owner: &'static str, outcome: &'static str) {
    let [consumer, owner] = between(consumer, owner);
    INSTRUMENTS.deliveries.add(1, &[consumer, owner, KeyValue::new("eseal.outcome", outcome)]);
}

/// An event was put into the dead letters.
pub(crate) fn parked(consumer: &'static str, owner: &'static str) {
    INSTRUMENTS.parked.add(1, &between(consumer, owner));
}

/// A message was no event.
pub(crate) fn malformed(consumer: &'static str, owner: &'static str) {
    INSTRUMENTS.malformed.add(1, &between(consumer, owner));
}

/// So many events were got from their owner.
pub(crate) fn filled(consumer: &'static str, owner: &'static str, events: u64) {
    INSTRUMENTS.filled.add(events, &between(consumer, owner));
}

/// So many messages were not of the owner's log, and so many events had been consumed that are not.
pub(crate) fn not_the_owners(consumer: &'static str, owner: &'static str, messages: u64, events: u64) {
    INSTRUMENTS.foreign.add(messages, &between(consumer, owner));
    INSTRUMENTS.disowned.add(events, &between(consumer, owner));
}
