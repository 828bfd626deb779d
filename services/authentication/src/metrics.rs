//! What becomes of uses of seals, counted.

use std::sync::LazyLock;

use eseal_eventstore::Decided;
use eseal_eventstore::metrics::Metric;
use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};

use crate::domain::Seal;
use crate::domain::event::{Fact, Step};
use crate::domain::reason::Reason;

const SEALINGS: Metric = Metric::new(
    "eseal.sealings",
    "{attempt}",
    &["eseal.outcome", "eseal.reason"],
    "Uses of seals: begun, completed, or refused by a gate for a reason; a wrong PIN is pin_refused and ends none",
);

/// The metrics of this service.
pub const METRICS: &[Metric] = &[SEALINGS];

static COUNTER: LazyLock<Counter<u64>> = LazyLock::new(|| SEALINGS.counter(&global::meter("eseal-authentication")));

/// A step was recorded; a repeat is none.
pub(crate) fn recorded(decided: Option<&Decided<Seal>>) {
    for (outcome, reason) in
        decided.into_iter().flat_map(|decided| decided.events.iter().filter_map(|event| of(&event.fact)))
    {
        let reason = reason.map_or("", Reason::code);
        COUNTER.add(1, &[KeyValue::new("eseal.outcome", outcome), KeyValue::new("eseal.reason", reason)]);
    }
}

const fn of(fact: &Fact) -> Option<(&'static str, Option<Reason>)> {
    let Fact::Sealing(_, step) = fact else { return None };
    match step {
        Step::Begun { .. } => Some(("begun", None)),
        Step::Completed { .. } | Step::BatchEnded { .. } => Some(("completed", None)),
        Step::Refused { reason, .. } => Some(("refused", Some(*reason))),
        Step::PinRefused { .. } => Some(("pin_refused", Some(Reason::PinIncorrect))),
        Step::PinTried { .. }
        | Step::PinAccepted { .. }
        | Step::PinLocked // told by the refusal that comes with it
        | Step::Authorized { .. }
        | Step::HostedSigned { .. }
        | Step::ListSigned { .. }
        | Step::BatchAuthorized { .. }
        | Step::HostedSignaturesMade { .. }
        | Step::DocumentsSealed { .. }
        | Step::DocumentsRefused { .. } => None,
    }
}
