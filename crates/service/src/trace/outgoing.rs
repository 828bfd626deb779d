//! RPCs that go out.

use std::error::Error as _;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Instant;

use futures::future::BoxFuture;
use http::{Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{self, Span as _, SpanKind, Tracer as _};
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status, TimeoutExpired};
use tower::Service;

use super::names::{ERROR_TYPE, OTHER, RPC_STATUS, SERVER_ADDRESS, attributes, known, spelled};
use super::{SCOPE, name_in, parent_in};
use crate::metrics;

/// A channel to another service. Each call through it has a span, below the one that its header `traceparent` names,
/// and tells the other side of it.
#[derive(Debug, Clone)]
pub struct Outgoing {
    channel: Channel,
    to: &'static str,
    tracer: Arc<BoxedTracer>,
}

impl Outgoing {
    /// The channel to the service `to`.
    pub fn new(channel: Channel, to: &'static str) -> Self {
        Self { channel, to, tracer: Arc::new(global::tracer(SCOPE)) }
    }
}

impl Service<Request<Body>> for Outgoing {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, tonic::transport::Error>>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let method = known(request.uri()).unwrap_or(OTHER);
        let parent = parent_in(request.headers());
        let builder = self.tracer.span_builder(method).with_kind(SpanKind::Client);
        let mut span = self.tracer.build_with_context(builder.with_attributes(attributes(method)), &parent);
        span.set_attribute(KeyValue::new(SERVER_ADDRESS, self.to));
        if span.span_context().is_valid() {
            name_in(request.headers_mut(), span.span_context());
        }
        let begun = Instant::now();
        let answer = self.channel.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let code = match &answer {
                Ok(response) => Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code()),
                Err(error) if is_timeout(error) => Code::DeadlineExceeded,
                Err(_) => Code::Unavailable,
            };
            let code = spelled(code);
            metrics::called(method, code, begun.elapsed());
            span.set_attribute(KeyValue::new(RPC_STATUS, code));
            if code != spelled(Code::Ok) {
                span.set_attribute(KeyValue::new(ERROR_TYPE, code));
                span.set_status(trace::Status::error(""));
            }
            answer
        })
    }
}

/// Whether the time was over on our side.
fn is_timeout(error: &tonic::transport::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    false
}
