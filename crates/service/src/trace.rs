//! The trace of a request: W3C Trace Context (`traceparent`), and one span per RPC that comes in ([`TraceLayer`]) or goes
//! out ([`Outgoing`]).
//!
//! Spans are made by the API of OpenTelemetry itself and not out of those of `tracing`, which are for log lines: a parent
//! may be a stored event or another process, and nothing that a library says becomes part of a trace by accident.
//! Without a collector the API makes no spans, and trace contexts are passed on as they came.

pub(crate) mod names;
mod outgoing;
mod serving;

use aws_lc_rs::rand;
use eseal_eventstore::trace::{context_of, traceparent_of};
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};

pub use outgoing::Outgoing;
pub use serving::{PassedOn, TraceLayer, Traced};

/// The header, and the field of events.
pub const TRACEPARENT: &str = "traceparent";
/// What our spans are made by.
const SCOPE: &str = "eseal";

/// The trace context of a request, if it has a well-formed one. Behind the [`TraceLayer`] every request has: that of the
/// request's own span.
pub fn of<T>(request: &tonic::Request<T>) -> Option<String> {
    let value = request.metadata().get(TRACEPARENT)?.to_str().ok()?;
    is_well_formed(value).then(|| value.to_owned())
}

/// Whether it is `00-<32 hex>-<16 hex>-<2 hex>`, lower case, ids not all zero (W3C Trace Context §3.2.2).
pub fn is_well_formed(text: &str) -> bool {
    context_of(text).is_some()
}

/// A new trace; none if the machine has no random numbers.
fn begin() -> Option<SpanContext> {
    let (mut trace, mut span) = ([0; 16], [0; 8]);
    rand::fill(&mut trace).and_then(|()| rand::fill(&mut span)).ok()?;
    let (trace, span) = (TraceId::from_bytes(trace), SpanId::from_bytes(span));
    Some(SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE))
}

/// The context that the headers name, as a parent.
fn parent_in(headers: &HeaderMap) -> Context {
    let named = headers.get(TRACEPARENT).and_then(|value| context_of(value.to_str().ok()?));
    named.map_or_else(Context::new, |context| Context::new().with_remote_span_context(context))
}

/// Makes the headers name this context, and no other.
fn name_in(headers: &mut HeaderMap, context: &SpanContext) {
    headers.remove(TRACEPARENT);
    if let Some(value) = traceparent_of(context).and_then(|text| text.parse().ok()) {
        headers.insert(TRACEPARENT, value);
    }
}
