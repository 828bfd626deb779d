//! What can be measured: the instruments of the bus, by OpenTelemetry's global meter.

use std::sync::LazyLock;

use opentelemetry::metrics::{Counter, Gauge, Meter};
use opentelemetry::{KeyValue, global};

/// The instruments. Made at the first use, which is after the process has set its meter up.
static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments::new(&global::meter("eseal.bus")));

struct Instruments {
    relay_lag_positions: Gauge<u64>,
    relay_lag_seconds: Gauge<f64>,
    relay_published: Counter<u64>,
    relay_failures: Counter<u64>,
    consumer_lag_positions: Gauge<u64>,
    deliveries: Counter<u64>,
    dead_letters: Counter<u64>,
    malformed: Counter<u64>,
    filled: Counter<u64>,
}

impl Instruments {
    fn new(meter: &Meter) -> Self {
        let counter = |name: &'static str, what: &'static str| meter.u64_counter(name).with_description(what).build();
        let gauge = |name: &'static str, what: &'static str| meter.u64_gauge(name).with_description(what).build();
        let seconds = meter.f64_gauge("eseal_bus_relay_lag_seconds").with_unit("s");
        Self {
            relay_lag_positions: gauge("eseal_bus_relay_lag_positions", "Events that the stream does not have yet"),
            relay_lag_seconds: seconds.with_description("Age of the first event that the stream does not have").build(),
            relay_published: counter("eseal_bus_relay_published_events", "Events that the stream has taken"),
            relay_failures: counter("eseal_bus_relay_failures", "How often the relay had to look again"),
            consumer_lag_positions: gauge(
                "eseal_bus_consumer_lag_positions",
                "Events that the consumer has not got yet",
            ),
            deliveries: counter("eseal_bus_deliveries", "Deliveries to handlers by outcome"),
            dead_letters: counter("eseal_bus_dead_letters", "Events that were put into the dead letters"),
            malformed: counter("eseal_bus_malformed_messages", "Messages on our subjects that are no events of ours"),
            filled: counter(
                "eseal_bus_filled_events",
                "Events that were got from their owner because the bus lacked them",
            ),
        }
    }
}

fn of(owner: &'static str) -> [KeyValue; 1] {
    [KeyValue::new("owner", owner)]
}

fn between(consumer: &'static str, owner: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("consumer", consumer), KeyValue::new("owner", owner)]
}

/// How far the stream is behind the log.
pub(crate) fn relay_lag(owner: &'static str, positions: u64, micros: i64) {
    INSTRUMENTS.relay_lag_positions.record(positions, &of(owner));
    #[expect(clippy::cast_precision_loss, reason = "seconds for a gauge")]
    let seconds = micros.max(0) as f64 / 1e6;
    INSTRUMENTS.relay_lag_seconds.record(seconds, &of(owner));
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
pub(crate) fn consumer_pending(consumer: &'static str, owner: &'static str, positions: u64) {
    INSTRUMENTS.consumer_lag_positions.record(positions, &between(consumer, owner));
}

/// A handler was called, and said so.
pub(crate) fn delivered(consumer: &'static str, owner: &'static str, outcome: &'static str) {
    let [consumer, owner] = between(consumer, owner);
    INSTRUMENTS.deliveries.add(1, &[consumer, owner, KeyValue::new("outcome", outcome)]);
}

/// An event was put into the dead letters.
pub(crate) fn parked(consumer: &'static str, owner: &'static str) {
    INSTRUMENTS.dead_letters.add(1, &between(consumer, owner));
}

/// A message was no event.
pub(crate) fn malformed(consumer: &'static str, owner: &'static str) {
    INSTRUMENTS.malformed.add(1, &between(consumer, owner));
}

/// So many events were got from their owner.
pub(crate) fn filled(consumer: &'static str, owner: &'static str, events: u64) {
    INSTRUMENTS.filled.add(events, &between(consumer, owner));
}
