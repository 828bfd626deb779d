//! What the writer tells of its work: a span for each decision and each commit, and what it counts.
//!
//! A decision's span begins when the order came and ends with the decision; the events carry its context, so that what
//! follows from them hangs below it. A commit serves many decisions of many traces: its span stands in a trace of its own
//! and is linked to all of them.

use std::time::{Duration, SystemTime};

use opentelemetry::global::{self, BoxedSpan, BoxedTracer};
use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::trace::{Link, Span as _, SpanContext, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};

use crate::metrics::{BATCH_DURATION, BATCH_SIZE, COMMANDS, EVENTS, SCOPE, SECONDS};
use crate::trace::context_of;

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    /// There are new facts.
    Recorded,
    /// It asked for what was so already.
    Unchanged,
    /// It was settled before.
    Repeated,
    /// The aggregate refused.
    Rejected,
    /// The caller had seen another version, or used a request id twice.
    Conflict,
    /// Ours, or the database's.
    Failed,
}

impl Became {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Unchanged => "unchanged",
            Self::Repeated => "repeated",
            Self::Rejected => "rejected",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}

/// What one order is, in spans and metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) aggregate: &'static str,
    pub(crate) command: &'static str,
    pub(crate) stream: &'a str,
}

/// Spans and instruments of one writer. Made when it starts, by what the process has set up until then.
pub(crate) struct Watch {
    tracer: BoxedTracer,
    owner: &'static str,
    commands: Counter<u64>,
    events: Counter<u64>,
    batch_size: Histogram<u64>,
    batch_duration: Histogram<f64>,
}

impl Watch {
    pub(crate) fn new(owner: &'static str) -> Self {
        let meter = global::meter(SCOPE);
        let sizes = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_000.0];
        Self {
            tracer: global::tracer(SCOPE),
            owner,
            commands: COMMANDS.counter(&meter),
            events: EVENTS.counter(&meter),
            batch_size: BATCH_SIZE.sizes(&meter, &sizes),
            batch_duration: BATCH_DURATION.durations(&meter, &SECONDS),
        }
    }

    /// The span of a decision that `asked` (a `traceparent`) asks for, on a stream that began in the trace of `began`.
    ///
    /// It continues the trace that the stream began in, linked to who asks, unless that is the same trace anyway.
    pub(crate) fn deciding(
        &self,
        named: Named<'_>,
        since: SystemTime,
        asked: Option<&str>,
        began: Option<&str>,
    ) -> BoxedSpan {
        let (asked, began) = (asked.and_then(context_of), began.and_then(context_of));
        let (parent, link) = match (asked, began) {
            (Some(asked), Some(began)) if asked.trace_id() != began.trace_id() => (Some(began), Some(asked)),
            (asked, began) => (asked.or(began), None),
        };
        let parent = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        let builder = self.tracer.span_builder(named.command).with_start_time(since);
        let mut span = self.tracer.build_with_context(builder, &parent);
        if span.is_recording() {
            span.update_name(format!("decide {}", named.command));
            span.set_attribute(KeyValue::new("eseal.owner", self.owner));
            span.set_attribute(KeyValue::new("eseal.aggregate", named.aggregate));
            span.set_attribute(KeyValue::new("eseal.command", named.command));
            span.set_attribute(KeyValue::new("eseal.stream", named.stream.to_owned()));
            if let Some(link) = link {
                span.add_link(link, Vec::new());
            }
        }
        span
    }

    /// The decision was made.
    pub(crate) fn decided(mut span: BoxedSpan, became: Became) {
        span.set_attribute(KeyValue::new("eseal.outcome", became.name()));
        if became == Became::Failed {
            span.set_status(Status::error(""));
        }
        span.end();
    }

    /// The order's caller is told.
    pub(crate) fn answered(&self, aggregate: &'static str, command: &'static str, became: Became) {
        let told = [
            KeyValue::new("eseal.owner", self.owner),
            KeyValue::new("eseal.aggregate", aggregate),
            KeyValue::new("eseal.command", command),
            KeyValue::new("eseal.outcome", became.name()),
        ];
        self.commands.add(1, &told);
    }

    /// A batch with these decisions was committed, or was not.
    pub(crate) fn batch(&self, batch: &Batch, decisions: impl Iterator<Item = SpanContext>) {
        let owner = KeyValue::new("eseal.owner", self.owner);
        let outcome = KeyValue::new("eseal.outcome", if batch.committed { "committed" } else { "failed" });
        self.batch_duration.record(batch.took.as_secs_f64(), &[owner.clone(), outcome]);
        if batch.committed {
            self.batch_size.record(batch.orders as u64, std::slice::from_ref(&owner));
            self.events.add(batch.events as u64, std::slice::from_ref(&owner));
        }
        let links: Vec<Link> = decisions.filter(SpanContext::is_sampled).map(Link::with_context).collect();
        if links.is_empty() {
            return;
        }
        let builder = self.tracer.span_builder("commit").with_start_time(batch.since).with_links(links);
        let builder = builder.with_attributes([
            owner,
            KeyValue::new("eseal.batch.orders", i64::try_from(batch.orders).unwrap_or(i64::MAX)),
            KeyValue::new("eseal.batch.events", i64::try_from(batch.events).unwrap_or(i64::MAX)),
        ]);
        let mut span = self.tracer.build_with_context(builder, &Context::new());
        if !batch.committed {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// One try to commit a batch.
pub(crate) struct Batch {
    pub(crate) since: SystemTime,
    pub(crate) took: Duration,
    pub(crate) orders: usize,
    pub(crate) events: usize,
    pub(crate) committed: bool,
}

/// The machine's time as spans have it: they tell when it was done, and no rule depends on it.
#[allow(clippy::disallowed_methods, reason = "the beginning of a span is the machine's own time")]
pub(crate) fn span_time() -> SystemTime {
    SystemTime::now()
}
