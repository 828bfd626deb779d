//! A mistake in a handler ends its request, not the process.

use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::Code;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::status::{INTERNAL, generic};

/// Answers INTERNAL where a handler panics. The panic itself is logged by the hook of [`crate::telemetry`].
#[derive(Debug, Clone, Copy, Default)]
pub struct PanicLayer;

/// See [`PanicLayer`].
#[derive(Debug, Clone)]
pub struct Unpanicked<S>(S);

impl<S> Layer<S> for PanicLayer {
    type Service = Unpanicked<S>;

    fn layer(&self, inner: S) -> Unpanicked<S> {
        Unpanicked(inner)
    }
}

impl<S> Service<Request<Body>> for Unpanicked<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let rpc = request.uri().path().to_owned();
        // Unwind safety: the future is dropped, and each service is cloned per connection and has no state of its own
        // but what sits behind locks and channels, which report a poisoning themselves.
        let answer = std::panic::catch_unwind(AssertUnwindSafe(|| self.0.call(request)));
        Box::pin(async move {
            let ended = match answer {
                Ok(answer) => AssertUnwindSafe(answer).catch_unwind().await,
                Err(panic) => Err(panic),
            };
            ended.unwrap_or_else(|_| {
                tracing::error!(rpc, "the handler panicked");
                Ok(generic(Code::Internal, &INTERNAL).into_http())
            })
        })
    }
}
