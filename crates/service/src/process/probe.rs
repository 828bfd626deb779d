//! Probes over plain HTTP, for what has no client certificate: Kubernetes.
//!
//! `GET /healthz` answers 200 while the process lives: its tasks run and it can answer at all. `GET /readyz` answers 200
//! while requests make sense, and 503 with what is missing otherwise. Nothing else is told there.

use std::io;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::Readiness;

/// Answers probes until `stop`.
///
/// # Errors
/// The socket fails.
pub async fn answer(listener: TcpListener, readiness: Readiness, stop: CancellationToken) -> io::Result<()> {
    let routes = Router::new().route("/healthz", get(async || "alive\n")).route("/readyz", get(ready));
    axum::serve(listener, routes.with_state(readiness)).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, String) {
    match readiness.missing() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("{missing}\n")),
    }
}
