//! Connections from a network: accepted, shaken hands with, bounded, and closed in order.
//!
//! There is a bound on all connections and one on those that are still shaking hands. Where one is reached, the newcomer
//! is let in and the one that has done nothing for the longest is closed: a thousand idle clients can't keep others out,
//! and a client with a request under way is never closed for another one. Every wait has an end: for the handshake, for a
//! peer that does not answer pings, for one that has nothing to ask, and for the age of the connection itself, after
//! which a renewed certificate is in use on both sides.

mod table;
mod under_way;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use crate::deadline::Deadline;
use crate::server::Limits;
use crate::tls::{Clients, Tls};
use table::{Entry, Table};
use under_way::{Counted, Heard};

/// How long a peer may take to answer a ping before it counts as gone.
const PING_ANSWER: Duration = Duration::from_secs(20);
/// How often a peer is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);
/// What a connection with nothing under way gets to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);
/// The pause after a failure to accept: most often there are no file descriptors left, and some will be.
const BREATH: Duration = Duration::from_millis(50);

/// What answers requests, whatever it is.
pub type Answering = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// The certificate that the client has shown and this process has verified: in the extensions of each of its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Its DNS names.
    pub names: Arc<[String]>,
}

/// Serves the listener until `stop`, and then what is under way, for as long as the limits say. Without TLS the peers are
/// those who can reach the address: loopback.
pub async fn serve<S>(
    listener: TcpListener,
    tls: Option<(Tls, Clients)>,
    service: S,
    limits: &Limits,
    stop: CancellationToken,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let house = House {
        tls,
        service: BoxCloneSyncService::new(service),
        limits: *limits,
        table: Table::new(limits.connections, limits.handshakes),
        stop,
        give_up: CancellationToken::new(),
    };
    let (house, open) = (Arc::new(house), TaskTracker::new());
    while let Some((stream, peer)) = house.next(&listener).await {
        let entry = house.table.enter();
        let house = house.clone();
        open.spawn(async move { house.attend(stream, peer, entry).await });
    }
    drop(listener);
    open.close();
    let until = Deadline::within(limits.stop_within).instant();
    if tokio::time::timeout_at(until, open.wait()).await.is_err() {
        tracing::warn!(within = ?limits.stop_within, "requests still under way were given up");
        house.give_up.cancel();
        open.wait().await;
    }
}

struct House {
    tls: Option<(Tls, Clients)>,
    service: Answering,
    limits: Limits,
    table: Table,
    stop: CancellationToken,
    /// Cancelled when the time for requests under way is over.
    give_up: CancellationToken,
}

impl House {
    /// The next connection; none once it is time to stop.
    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return None,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(accepted) => return Some(accepted),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    self.table.squeeze();
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    async fn attend(&self, stream: TcpStream, peer: SocketAddr, entry: Entry) {
        let _ = stream.set_nodelay(true);
        let by = Instant::now() + self.limits.handshake;
        let ended = tokio::select! {
            () = self.give_up.cancelled() => Ok(()),
            ended = self.shake_and_serve(stream, by, &entry) => ended,
        };
        if let Err(error) = ended {
            // Scanners and broken clients are no trouble of ours; who looks for one finds it here.
            tracing::debug!(%peer, %error, "a connection ended badly");
        }
    }

    async fn shake_and_serve(&self, stream: TcpStream, by: Instant, entry: &Entry) -> io::Result<()> {
        let Some((tls, clients)) = &self.tls else { return self.speak(stream, None, by, entry).await };
        let shaking = TlsAcceptor::from(tls.server(*clients)).accept(stream);
        let stream = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            () = entry.make_room() => return Err(io::Error::other("closed for others while shaking hands")),
            shaken = tokio::time::timeout_at(by, shaking) => shaken.map_err(|_| too_slow())??,
        };
        let certificate = names(stream.get_ref().1)?;
        self.speak(stream, certificate, by, entry).await
    }

    /// HTTP/2 on the connection until either side has had enough.
    async fn speak<T>(
        &self,
        stream: T,
        certificate: Option<PeerCertificate>,
        by: Instant,
        entry: &Entry,
    ) -> io::Result<()>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (stream, heard) = Heard::of(stream);
        let service = service_fn(|request: Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().extend(certificate.clone().map(extension).unwrap_or_default());
            let (service, busy) = (self.service.clone(), entry.begin());
            async move { service.oneshot(request).await.map(|response| response.map(|body| Counted::of(body, busy))) }
        });
        let mut connection = pin!(self.http2().serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(io::Error::other),
            () = heard.nothing_until(by) => return Err(too_slow()),
            () = self.time_to_go(entry) => connection.as_mut().graceful_shutdown(),
        }
        // What is under way is finished, and the client may hear of it; a silent one is not waited for.
        let farewell = async {
            tokio::time::sleep(GOODBYE).await;
            entry.idle_for(GOODBYE).await;
        };
        tokio::select! {
            ended = connection => ended.map_err(io::Error::other),
            _ = tokio::time::timeout(self.limits.longest, farewell) => Err(io::Error::other("it did not end when told to")),
        }
    }

    fn http2(&self) -> http2::Builder<TokioExecutor> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.requests_per_connection)
            // Documents come as streams of pieces; the default of 64 KiB would make each wait for the other side.
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .max_header_list_size(32 << 10)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING_ANSWER);
        builder
    }

    /// When this connection is to end: the process stops, another one needs its place, it is of no use to its client, or
    /// it is old.
    async fn time_to_go(&self, entry: &Entry) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = entry.make_room() => {}
            () = entry.idle_for(self.limits.idle) => {}
            () = tokio::time::sleep(self.limits.connection_age) => {}
        }
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client took too long to begin")
}

fn extension(certificate: PeerCertificate) -> http::Extensions {
    let mut extensions = http::Extensions::new();
    extensions.insert(certificate);
    extensions
}

/// The names in the certificate of the peer, if it has shown one.
fn names(connection: &rustls::ServerConnection) -> io::Result<Option<PeerCertificate>> {
    let Some(first) = connection.peer_certificates().and_then(<[_]>::first) else { return Ok(None) };
    let certificate = webpki::EndEntityCert::try_from(first).map_err(io::Error::other)?;
    let names = certificate.valid_dns_names().map(str::to_owned).collect();
    Ok(Some(PeerCertificate { names }))
}
