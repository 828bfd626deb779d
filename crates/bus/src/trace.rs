//! The spans of deliveries, by OpenTelemetry's conventions for messaging: a consumer's handling of an event hangs below
//! the decision that the event came from.

use std::sync::LazyLock;

use eseal_eventstore::StoredEvent;
use eseal_eventstore::trace::{context_of, traceparent_of};
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};

use crate::{Consumer, Outcome};

/// Found at the first use, which is after the process has set it up.
static TRACER: LazyLock<BoxedTracer> = LazyLock::new(|| global::tracer("eseal-bus"));

/// One call of a consumer's handler. Without a collector the context is the event's own.
pub(crate) fn processing(consumer: Consumer, system: &'static str, event: &StoredEvent) -> Context {
    let parent = parent_of(event);
    let span = TRACER.span_builder("process").with_kind(SpanKind::Consumer);
    let context = parent.with_span(TRACER.build_with_context(span, &parent));
    let span = context.span();
    if span.is_recording() {
        describe(&context, "process", system, event);
        span.set_attribute(KeyValue::new("messaging.consumer.group.name", consumer.name));
        span.set_attribute(KeyValue::new("eseal.owner", consumer.owner));
    }
    context
}

/// One publication of an event. It stands beside the handling, below the decision: who handles an event need not know
/// how it came.
pub(crate) fn sending(event: &StoredEvent) -> Context {
    let parent = parent_of(event);
    let span = TRACER.span_builder("send").with_kind(SpanKind::Producer);
    let context = parent.with_span(TRACER.build_with_context(span, &parent));
    if context.span().is_recording() {
        describe(&context, "send", "nats", event);
    }
    context
}

/// Whether the stream has taken it.
pub(crate) fn sent(context: &Context, taken: bool) {
    let span = context.span();
    if !taken {
        span.set_status(Status::error(""));
    }
    span.end();
}

/// What the handler said.
pub(crate) fn processed(context: &Context, outcome: &Outcome) {
    let span = context.span();
    let outcome = match outcome {
        Outcome::Done => "done",
        Outcome::Later(_) => "later",
        Outcome::Never(_) => "never",
    };
    span.set_attribute(KeyValue::new("eseal.outcome", outcome));
    if outcome != "done" {
        span.set_status(Status::error(""));
    }
    span.end();
}

/// The `traceparent` for what follows from an event that is handled in this context.
pub(crate) fn onward(context: &Context) -> Option<String> {
    traceparent_of(context.span().span_context())
}

fn parent_of(event: &StoredEvent) -> Context {
    let decided_in = event.traceparent.as_deref().and_then(context_of);
    decided_in.map_or_else(Context::new, |decided_in| Context::new().with_remote_span_context(decided_in))
}

fn describe(context: &Context, operation: &'static str, system: &'static str, event: &StoredEvent) {
    let span = context.span();
    span.update_name(format!("{operation} {}", event.kind));
    for (key, value) in [("messaging.operation.type", operation), ("messaging.operation.name", operation)] {
        span.set_attribute(KeyValue::new(key, value));
    }
    span.set_attribute(KeyValue::new("messaging.system", system));
    span.set_attribute(KeyValue::new("messaging.destination.name", event.kind.clone()));
    span.set_attribute(KeyValue::new("messaging.message.id", event.event_id.to_string()));
    span.set_attribute(KeyValue::new("eseal.stream", event.stream_id.to_string()));
}
