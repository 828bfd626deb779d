//! A time stamping authority on this machine, for development and tests. Its certificates say that its stamps prove nothing, and
//! other machines cannot reach it.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::{HeaderName, StatusCode};
use axum::routing::post;
use eseal_kernel::Clock;
use eseal_pki::tsp::{DevelopmentTsa, MAX_REQUEST, QUERY_MEDIA_TYPE, REPLY_MEDIA_TYPE};
use eseal_pki::{Suite, TimeStampRequest};
use tokio::net::TcpListener;

use crate::error::OnlineError;

struct Authorities {
    tsas: Vec<DevelopmentTsa>,
    clock: Clock,
}

impl Authorities {
    /// The one whose suite has the digest that is asked for: SM2 stamps SM3; else the first one.
    fn fit_for(&self, request: &[u8]) -> Option<&DevelopmentTsa> {
        let digest = TimeStampRequest::from_der(request).ok().map(|request| request.digest());
        let of = |tsa: &&DevelopmentTsa| tsa.suite().map(Suite::digest) == digest;
        self.tsas.iter().find(of).or_else(|| self.tsas.first())
    }
}

/// Answers requests for time stamps on `listener`, under any path, until `stop` is ready. Of several authorities the one answers
/// whose suite has the digest that is asked for.
///
/// # Errors
/// [`OnlineError::NotLoopback`], [`OnlineError::Serve`].
pub async fn serve(
    tsas: Vec<DevelopmentTsa>,
    listener: TcpListener,
    clock: Clock,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), OnlineError> {
    let address = listener.local_addr().map_err(OnlineError::Serve)?;
    if !address.ip().is_loopback() {
        return Err(OnlineError::NotLoopback(address));
    }
    let router = Router::new()
        .fallback(post(answer))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(Arc::new(Authorities { tsas, clock }));
    axum::serve(listener, router).with_graceful_shutdown(stop).await.map_err(OnlineError::Serve)
}

type Answer = Result<([(HeaderName, &'static str); 1], Vec<u8>), StatusCode>;

async fn answer(State(authorities): State<Arc<Authorities>>, headers: HeaderMap, request: Bytes) -> Answer {
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != QUERY_MEDIA_TYPE.as_bytes()) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let tsa = authorities.fit_for(&request).ok_or(StatusCode::NOT_FOUND)?;
    let response = tsa.respond(&request, authorities.clock.now());
    let response = response.map_err(|error| {
        tracing::error!(%error, "no time stamp was made");
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    Ok(([(CONTENT_TYPE, REPLY_MEDIA_TYPE)], response.to_der()))
}
