//! What verifications found, counted.

use std::sync::LazyLock;

use eseal_documents::Verdict;
use eseal_eventstore::metrics::Metric;
use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};

const VERIFICATIONS: Metric = Metric::new(
    "eseal.verifications",
    "{document}",
    &["eseal.verdict"],
    "Documents judged: valid, invalid, indeterminate or unsealed; unreadable if there was nothing to judge",
);

/// The metrics of this service.
pub const METRICS: &[Metric] = &[VERIFICATIONS];

static COUNTER: LazyLock<Counter<u64>> = LazyLock::new(|| VERIFICATIONS.counter(&global::meter("eseal-verification")));

/// A document was judged; none for one that can't be read.
pub(crate) fn judged(verdict: Option<Verdict>) {
    let verdict = match verdict {
        Some(Verdict::Valid) => "valid",
        Some(Verdict::Invalid) => "invalid",
        Some(Verdict::Indeterminate) => "indeterminate",
        Some(Verdict::Unsealed) => "unsealed",
        None => "unreadable",
    };
    COUNTER.add(1, &[KeyValue::new("eseal.verdict", verdict)]);
}
