//! Deadlines: what a caller gives, what goes on to the next call, and the right answer when it is over.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tokio::time::Instant;
use tonic::Code;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::status::{DEADLINE_EXCEEDED, generic};

/// The header by which a caller gives its time (gRPC over HTTP/2).
const GRPC_TIMEOUT: &str = "grpc-timeout";
/// Tonic's own server would answer CANCELLED at the same moment; so much earlier we answer what is due.
const AHEAD: Duration = Duration::from_millis(2);

/// So that no moment is beyond what the machine can count.
pub(crate) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// When the answer must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    /// From now on, for work of our own accord. What is longer than a year is a year.
    pub fn within(time: Duration) -> Self {
        Self(Instant::now() + time.min(YEAR))
    }

    /// The deadline of a request; without the [`DeadlineLayer`] (in a test) half a minute.
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        request.extensions().get().copied().unwrap_or_else(|| Self::within(Duration::from_secs(30)))
    }

    /// The time that is left; zero once it is over.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The time that the next call gets: what is left less a margin for our own part of the answer.
    pub fn onward(self) -> Duration {
        let left = self.remaining();
        let margin = (left / 20).clamp(Duration::from_millis(5), Duration::from_millis(100));
        left.saturating_sub(margin)
    }

    /// The moment itself.
    pub const fn instant(self) -> Instant {
        self.0
    }
}

/// Bounds every handler by the caller's `grpc-timeout`, and by `longest` where the caller gives none or more. Answers
/// `DEADLINE_EXCEEDED`, and drops the handler. A stream of answers is bounded until it begins.
#[derive(Debug, Clone, Copy)]
pub struct DeadlineLayer {
    /// The most time that any handler gets.
    pub longest: Duration,
}

/// See [`DeadlineLayer`].
#[derive(Debug, Clone)]
pub struct Bounded<S> {
    inner: S,
    longest: Duration,
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Bounded<S>;

    fn layer(&self, inner: S) -> Bounded<S> {
        Bounded { inner, longest: self.longest }
    }
}

impl<S> Service<Request<Body>> for Bounded<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let time = given(request.headers()).unwrap_or(self.longest).min(self.longest);
        let deadline = Deadline::within(time.saturating_sub(AHEAD));
        request.extensions_mut().insert(deadline);
        let answer = self.inner.call(request);
        Box::pin(async move {
            match tokio::time::timeout_at(deadline.0, answer).await {
                Ok(answered) => answered,
                Err(_elapsed) => Ok(generic(Code::DeadlineExceeded, &DEADLINE_EXCEEDED).into_http()),
            }
        })
    }
}

/// The time that the caller gives: at most eight digits and a unit.
fn given(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.is_empty() || number.len() > 8 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use tonic::Status;
    use tower::ServiceExt as _;

    fn timeout(text: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, http::HeaderValue::from_static(text));
        given(&headers)
    }

    #[test]
    fn the_six_units_of_grpc_are_read() {
        assert_eq!(timeout("2H"), Some(Duration::from_secs(7_200)));
        assert_eq!(timeout("3M"), Some(Duration::from_secs(180)));
        assert_eq!(timeout("4S"), Some(Duration::from_secs(4)));
        assert_eq!(timeout("5m"), Some(Duration::from_millis(5)));
        assert_eq!(timeout("6u"), Some(Duration::from_micros(6)));
        assert_eq!(timeout("99999999n"), Some(Duration::from_nanos(99_999_999)));
    }

    #[test]
    fn a_malformed_timeout_counts_as_none() {
        for text in ["", "S", "1", "-1S", "1.5S", "123456789S", "1s"] {
            assert_eq!(timeout(text), None, "{text}");
        }
    }

    /// How a handler that never answers is answered, and after how long.
    async fn answered(timeout: Option<&str>) -> (Code, Duration) {
        let never = tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
        let mut request = Request::new(Body::empty());
        if let Some(timeout) = timeout {
            request.headers_mut().insert(GRPC_TIMEOUT, timeout.parse().expect("a value"));
        }
        let begun = Instant::now();
        let response = DeadlineLayer { longest: Duration::from_secs(60) }.layer(never).oneshot(request).await;
        let status = Status::from_header_map(response.expect("infallible").headers()).expect("a refusal");
        (status.code(), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_is_given_up_just_before_its_caller_gives_up() {
        assert_eq!(answered(Some("5S")).await, (Code::DeadlineExceeded, Duration::from_millis(4_998)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_gives_no_time_or_too_much_gets_the_longest() {
        for timeout in [None, Some("1H"), Some("soon")] {
            assert_eq!(answered(timeout).await, (Code::DeadlineExceeded, Duration::from_millis(59_998)), "{timeout:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_call_gets_what_is_left_less_a_margin() {
        let deadline = Deadline::within(Duration::from_secs(10));
        assert_eq!(deadline.onward(), Duration::from_millis(9_900));
        tokio::time::advance(Duration::from_millis(9_960)).await;
        assert_eq!(deadline.onward(), Duration::from_millis(35));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((deadline.remaining(), deadline.onward()), (Duration::ZERO, Duration::ZERO));
    }
}
