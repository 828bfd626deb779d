//! RPCs that come in.

use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Instant;

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{FutureExt as _, Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use tonic::Code;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::names::{ERROR_TYPE, OTHER, RPC_STATUS, attributes, is_our_error, known, spelled};
use super::{SCOPE, begin, name_in, parent_in};
use crate::metrics;
use crate::status::refusal_of;

/// Opens a span for each RPC and logs its end: name, code, time. Never a message, never a header.
#[derive(Debug, Clone)]
pub struct TraceLayer {
    tracer: Arc<BoxedTracer>,
}

impl Default for TraceLayer {
    fn default() -> Self {
        Self { tracer: Arc::new(global::tracer(SCOPE)) }
    }
}

/// See [`TraceLayer`].
#[derive(Debug, Clone)]
pub struct Traced<S> {
    inner: S,
    tracer: Arc<BoxedTracer>,
}

impl<S> Layer<S> for TraceLayer {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced { inner, tracer: Arc::clone(&self.tracer) }
    }
}

impl<S> Traced<S> {
    /// The request's own span, below that of its caller, which its headers name from then on.
    fn open(&self, method: &'static str, headers: &mut HeaderMap) -> Context {
        let parent = parent_in(headers);
        let span = self.tracer.span_builder(method).with_kind(SpanKind::Server);
        let span = self.tracer.build_with_context(span.with_attributes(attributes(method)), &parent);
        // Without a collector there is no span but that of the caller, or a trace begins that has none.
        let context = match span.span_context().is_valid() {
            true => parent.with_span(span),
            false => begin().map(|begun| parent.with_remote_span_context(begun)).unwrap_or(parent),
        };
        name_in(headers, context.span().span_context());
        context
    }
}

impl<S> Service<Request<Body>> for Traced<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(method) = known(request.uri()) else {
            // Probes and tools, and what nobody knows: neither is a trace worth keeping.
            return Box::pin(timed(OTHER, self.inner.call(request)));
        };
        let context = self.open(method, request.headers_mut());
        let log = tracing::info_span!("rpc", rpc = method);
        let answer = {
            let _entered = context.clone().attach();
            log.in_scope(|| self.inner.call(request))
        };
        Box::pin(timed(method, answer).instrument(log).with_context(context))
    }
}

/// Marks an answer that is another service's, such as a response's extension: what it refuses, it has counted itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedOn;

/// Waits for the answer, and says and counts how it went.
async fn timed<E>(
    method: &'static str,
    answer: impl Future<Output = Result<Response<Body>, E>>,
) -> Result<Response<Body>, E> {
    let begun = Instant::now();
    let response = answer.await?;
    // Refusals are told in the headers; what fails later in a stream is told behind it.
    let refused = tonic::Status::from_header_map(response.headers()).filter(|status| status.code() != Code::Ok);
    let (code, took) = (refused.as_ref().map_or(Code::Ok, tonic::Status::code), begun.elapsed());
    metrics::served(method, spelled(code), took);
    let passed_on = response.extensions().get::<PassedOn>().is_some();
    if let Some(refusal) = refused.as_ref().filter(|_| !passed_on).and_then(refusal_of) {
        metrics::refused(method, refusal.reason);
    }
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    match code {
        Code::Internal | Code::Unknown | Code::DataLoss if !passed_on => tracing::error!(?code, micros, "answered"),
        Code::Ok => tracing::debug!(?code, micros, "answered"),
        _ => tracing::info!(?code, micros, "answered"),
    }
    Context::map_current(|context| {
        let span = context.span();
        span.set_attribute(KeyValue::new(RPC_STATUS, spelled(code)));
        if is_our_error(code) {
            span.set_attribute(KeyValue::new(ERROR_TYPE, spelled(code)));
            span.set_status(Status::error(""));
        }
    });
    Ok(response)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::trace::{TRACEPARENT, is_well_formed};

    fn named_after(headers: &mut HeaderMap) -> String {
        let traced = TraceLayer::default().layer(());
        let _ = traced.open("eseal.application.v1.ApplicationService/GetApplication", headers);
        headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    #[test]
    fn without_a_collector_a_request_keeps_its_well_formed_trace() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(given));
        assert_eq!(named_after(&mut headers), given);
    }

    #[test]
    fn a_malformed_trace_is_replaced_by_a_new_one() {
        for given in ["", "00-0-0-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4BF9-1-1"] {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::from_static(given));
            let begun = named_after(&mut headers);
            assert!(is_well_formed(&begun), "{begun}");
            assert_eq!(headers.get_all(TRACEPARENT).iter().count(), 1);
        }
    }
}
