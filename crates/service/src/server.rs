//! One server around all routes of a process. Tracing, panics, load, deadlines and access are layers here, so that no
//! service can forget one.

use std::time::Duration;

use eseal_eventstore::Database;
use http::{Request, Response};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::server::{Connected, TcpIncoming};
use tonic_health::ServingStatus;
use tower::ServiceBuilder;

use crate::access::AccessLayer;
use crate::deadline::{Deadline, DeadlineLayer};
use crate::language::LanguageLayer;
use crate::load::LoadLayer;
use crate::mesh::Mesh;
use crate::panic::PanicLayer;
use crate::status::chain;
use crate::tasks::Tasks;
use crate::trace::TraceLayer;

/// How often the databases are asked whether they answer.
const PROBE: Duration = Duration::from_secs(5);

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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 1_024,
            requests_per_connection: 256,
            longest: Duration::from_secs(300),
            stop_within: Duration::from_secs(10),
        }
    }
}

/// Routes behind their layers. Cheap to clone; copies share the limit on requests.
#[derive(Clone)]
pub struct Server {
    guarded: BoxCloneSyncService,
    limits: Limits,
}

type BoxCloneSyncService = tower::util::BoxCloneSyncService<Request<Body>, Response<Body>, std::convert::Infallible>;

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
            .layer(TraceLayer)
            .layer(LanguageLayer)
            .layer(PanicLayer)
            .layer(LoadLayer::new(limits.requests))
            .layer(DeadlineLayer { longest: limits.longest })
            .layer(access)
            .service(routes.prepare());
        Self { guarded: BoxCloneSyncService::new(guarded), limits }
    }

    /// Serves the listener until `stop`, and then what is under way, for as long as the limits say.
    ///
    /// # Errors
    /// [`ServeError`] when the transport fails.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<(), ServeError> {
        self.serve_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)), stop).await
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
        self.serve_incoming(links, stop)
    }

    async fn serve_incoming<I, T>(self, incoming: I, stop: CancellationToken) -> Result<(), ServeError>
    where
        I: Stream<Item = std::io::Result<T>> + Send,
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let server = tonic::transport::Server::builder()
            .max_concurrent_streams(self.limits.requests_per_connection)
            // Documents come as streams of pieces; the default of 64 KiB would make each wait for the other side.
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .http2_max_header_list_size(32 << 10)
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .serve_with_incoming_shutdown(self.guarded, incoming, stop.clone().cancelled_owned());
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

/// Adds health (`grpc.health.v1`) and reflection. Health is true while all databases answer and the process is not
/// stopping; a task of `tasks` watches them.
///
/// # Errors
/// [`tonic_reflection::server::Error`] for a mistake in the proto.
pub fn with_health_and_reflection(
    routes: Routes,
    databases: Vec<Database>,
    tasks: &Tasks,
) -> Result<Routes, tonic_reflection::server::Error> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let stop = tasks.stopping();
    tasks.spawn("health", async move {
        while !stop.is_cancelled() {
            let status = if all_answer(&databases).await { ServingStatus::Serving } else { ServingStatus::NotServing };
            reporter.set_service_status("", status).await;
            let _ = tokio::time::timeout(PROBE, stop.cancelled()).await;
        }
        reporter.set_service_status("", ServingStatus::NotServing).await;
        Ok::<(), std::convert::Infallible>(())
    });
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(eseal_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    Ok(routes.add_service(health).add_service(reflection))
}

async fn all_answer(databases: &[Database]) -> bool {
    for database in databases {
        match tokio::time::timeout(PROBE, database.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(error = chain(&error), "a database does not answer");
                return false;
            }
            Err(_) => {
                tracing::error!("a database does not answer in time");
                return false;
            }
        }
    }
    true
}
