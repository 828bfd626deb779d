//! The trace of a request: W3C Trace Context (`traceparent`), and one span per RPC.

use std::task::{Context, Poll};
use std::time::Instant;

use aws_lc_rs::rand;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument as _;

/// The header, and the field of events.
pub const TRACEPARENT: &str = "traceparent";

/// The trace context of a request, if it has a well-formed one. Behind the [`TraceLayer`] every request has.
pub fn of<T>(request: &tonic::Request<T>) -> Option<String> {
    let value = request.metadata().get(TRACEPARENT)?.to_str().ok()?;
    is_well_formed(value).then(|| value.to_owned())
}

/// Whether it is `00-<32 hex>-<16 hex>-<2 hex>`, lower case, ids not all zero (W3C Trace Context §3.2.2).
pub fn is_well_formed(text: &str) -> bool {
    let hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let id = |part: &str, length| hex(part, length) && part.bytes().any(|b| b != b'0');
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts.as_slice(), ["00", trace, span, flags] if id(trace, 32) && id(span, 16) && hex(flags, 2))
}

/// A new trace; none if the machine has no random numbers.
fn begin() -> Option<String> {
    let mut bytes = [0; 24];
    rand::fill(&mut bytes).ok()?;
    let text = format!("00-{}-{}-01", hex::encode(&bytes[..16]), hex::encode(&bytes[16..]));
    is_well_formed(&text).then_some(text)
}

/// The request's trace context; a new one replaces none or a malformed one.
fn ensure(headers: &mut HeaderMap) -> String {
    let given = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).filter(|text| is_well_formed(text));
    if let Some(given) = given {
        return given.to_owned();
    }
    headers.remove(TRACEPARENT);
    let Some(begun) = begin() else { return String::new() };
    if let Ok(value) = HeaderValue::from_str(&begun) {
        headers.insert(TRACEPARENT, value);
    }
    begun
}

/// Opens a span for each RPC and logs its end: name, code, time. Never a message, never a header.
#[derive(Debug, Clone, Copy, Default)]
pub struct TraceLayer;

/// See [`TraceLayer`].
#[derive(Debug, Clone)]
pub struct Traced<S>(S);

impl<S> Layer<S> for TraceLayer {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced(inner)
    }
}

impl<S> Service<Request<Body>> for Traced<S>
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

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let traceparent = ensure(request.headers_mut());
        let span = tracing::info_span!("rpc", rpc = request.uri().path(), traceparent);
        let begun = Instant::now();
        let answer = span.in_scope(|| self.0.call(request));
        let answered = async move {
            let response = answer.await?;
            let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
            let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            match code {
                Code::Internal | Code::Unknown | Code::DataLoss => tracing::error!(?code, micros, "answered"),
                Code::Ok => tracing::debug!(?code, micros, "answered"),
                _ => tracing::info!(?code, micros, "answered"),
            }
            Ok(response)
        };
        Box::pin(answered.instrument(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_well_formed_trace() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(given));
        assert_eq!(ensure(&mut headers), given);
    }

    #[test]
    fn a_malformed_trace_is_replaced_by_a_new_one() {
        for given in ["", "00-0-0-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4BF9-1-1"] {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::from_static(given));
            let begun = ensure(&mut headers);
            assert!(is_well_formed(&begun), "{begun}");
            assert_eq!(headers.get(TRACEPARENT).map(HeaderValue::as_bytes), Some(begun.as_bytes()));
        }
    }
}
