//! One server around all routes of a process. Tracing, panics, load, deadlines and access are layers here, so that no
//! service can forget one.

use std::convert::Infallible;
use std::time::Duration;

use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tower::ServiceBuilder;

use crate::access::AccessLayer;
use crate::connections::{self, Answering};
use crate::deadline::{Deadline, DeadlineLayer};
use crate::language::LanguageLayer;
use crate::load::LoadLayer;
use crate::mesh::{Link, Mesh};
use crate::panic::PanicLayer;
use crate::tls::{Clients, Tls};
use crate::trace::TraceLayer;

/// What a server takes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most requests that are handled at a time; one more is answered `RESOURCE_EXHAUSTED`.
    pub requests: usize,
    /// The most requests of one connection at a time; more wait at the client (HTTP/2 flow control).
    pub requests_per_connection: u32,
    /// The longest that a handler may take, where the caller does not say less.
    #[serde(with = "humantime_serde")]
    pub longest: Duration,
    /// The longest that requests under way may take once the process is to stop.
    #[serde(with = "humantime_serde")]
    pub stop_within: Duration,
    /// The most connections at a time; for one more the one goes that has been idle for the longest.
    #[serde(default = "connections")]
    pub connections: usize,
    /// The most connections at a time whose client has not asked anything yet.
    #[serde(default = "handshakes")]
    pub handshakes: usize,
    /// The longest that a client may take until it speaks HTTP/2, TLS included.
    #[serde(default = "handshake", with = "humantime_serde")]
    pub handshake: Duration,
    /// A connection on which nothing was under way for so long is closed.
    #[serde(default = "idle", with = "humantime_serde")]
    pub idle: Duration,
    /// A connection of this age is closed in order: the next one uses the certificates of then.
    #[serde(default = "connection_age", with = "humantime_serde")]
    pub connection_age: Duration,
}

// Settings that came later: a file from before them means these.
const fn connections() -> usize {
    1_024
}

const fn handshakes() -> usize {
    256
}

const fn handshake() -> Duration {
    Duration::from_secs(10)
}

const fn idle() -> Duration {
    Duration::from_secs(600)
}

const fn connection_age() -> Duration {
    Duration::from_secs(3_600)
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 1_024,
            requests_per_connection: 256,
            longest: Duration::from_secs(300),
            stop_within: Duration::from_secs(10),
            connections: connections(),
            handshakes: handshakes(),
            handshake: handshake(),
            idle: idle(),
            connection_age: connection_age(),
        }
    }
}

/// Routes behind their layers. Cheap to clone; copies share the limit on requests.
#[derive(Clone)]
pub struct Server {
    guarded: Answering,
    limits: Limits,
}

/// A server ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport failed.
    #[error("the server failed")]
    Transport(#[from] tonic::transport::Error),
}

impl Server {
    /// The routes behind all layers.
    pub fn new(routes: Routes, access: AccessLayer, limits: Limits) -> Self {
        let guarded = ServiceBuilder::new()
            .layer(TraceLayer::default())
            .layer(LanguageLayer)
            .layer(PanicLayer)
            .layer(LoadLayer::new(limits.requests))
            .layer(DeadlineLayer { longest: limits.longest })
            .layer(access)
            .service(routes.prepare());
        Self { guarded: Answering::new(guarded), limits }
    }

    /// The routes of a door, which passes on to others what they decide about: behind all layers but access.
    pub fn without_access(routes: Routes, limits: Limits) -> Self {
        let passing = ServiceBuilder::new()
            .layer(TraceLayer::default())
            .layer(LanguageLayer)
            .layer(PanicLayer)
            .layer(LoadLayer::new(limits.requests))
            .layer(DeadlineLayer { longest: limits.longest })
            .service(routes.prepare());
        Self { guarded: Answering::new(passing), limits }
    }

    /// Serves the listener until `stop`, and then what is under way, for as long as the limits say. Nothing is encrypted:
    /// for loopback.
    ///
    /// # Errors
    /// Never; the type is what tasks have.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<(), Infallible> {
        connections::serve(listener, None, self.guarded, &self.limits, stop).await;
        Ok(())
    }

    /// The same over TLS. With [`Clients::Certified`] callers are known by their certificates: see
    /// [`AccessLayer::allowing`].
    ///
    /// # Errors
    /// Never; the type is what tasks have.
    pub async fn serve_tls(
        self,
        listener: TcpListener,
        tls: Tls,
        clients: Clients,
        stop: CancellationToken,
    ) -> Result<(), Infallible> {
        connections::serve(listener, Some((tls, clients)), self.guarded, &self.limits, stop).await;
        Ok(())
    }

    /// Serves the links to `name` of the mesh until `stop`.
    ///
    /// # Errors
    /// [`ServeError`] when the transport fails.
    pub fn serve_mesh(
        self,
        mesh: &Mesh,
        name: &'static str,
        stop: CancellationToken,
    ) -> impl Future<Output = Result<(), ServeError>> + Send + use<> {
        let links = mesh.accept(name).map(Ok::<_, std::io::Error>);
        self.serve_links(links, stop)
    }

    async fn serve_links(
        self,
        links: impl Stream<Item = std::io::Result<Link>> + Send,
        stop: CancellationToken,
    ) -> Result<(), ServeError> {
        let server = tonic::transport::Server::builder()
            .max_concurrent_streams(self.limits.requests_per_connection)
            // Documents come as streams of pieces; the default of 64 KiB would make each wait for the other side.
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .http2_max_header_list_size(32 << 10)
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .serve_with_incoming_shutdown(self.guarded, links, stop.clone().cancelled_owned());
        let bound = async {
            stop.cancelled().await;
            tokio::time::sleep_until(Deadline::within(self.limits.stop_within).instant()).await;
        };
        tokio::select! {
            ended = server => Ok(ended?),
            () = bound => {
                tracing::warn!(within = ?self.limits.stop_within, "requests still under way were given up");
                Ok(())
            }
        }
    }
}
