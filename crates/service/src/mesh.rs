//! Links between the services of one process: gRPC over in-memory streams, so that a service can't tell whether its
//! peer is in the same process. The link itself vouches for the name of the caller, as a client certificate does
//! between processes.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

/// The bytes that a link holds while the other side does not read.
const PIPE: usize = 256 << 10;
/// The links that wait to be accepted.
const WAITING: usize = 64;

/// Where a request comes from, as its transport vouches for. In the extensions of every request from a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// A service of eseal, by name: it acts as itself.
    Service(String),
    /// A door of eseal, such as the gateway, by name: whoever comes through it has a token, or is nobody.
    Door(String),
    /// Anywhere else: whoever it is has a token, or is nobody.
    #[default]
    Outside,
}

/// All services of one process, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Mesh {
    doors: Arc<Mutex<HashMap<&'static str, mpsc::Sender<Link>>>>,
}

impl Mesh {
    /// A mesh without services yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A channel on which `to` knows its caller as the service `from`. It connects when it is used; until `to` is
    /// there, calls are answered `UNAVAILABLE`.
    pub fn channel(&self, from: &'static str, to: &'static str) -> Channel {
        self.link(Origin::Service(from.to_owned()), to)
    }

    /// A channel on which `to` knows nothing of its caller, as from a network: for tests of a service alone.
    pub fn outside(&self, to: &'static str) -> Channel {
        self.link(Origin::Outside, to)
    }

    /// The links to `name` from now on: for [`crate::server::Server::serve_mesh`].
    pub(crate) fn accept(&self, name: &'static str) -> ReceiverStream<Link> {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).insert(name, sender);
        ReceiverStream::new(receiver)
    }

    fn link(&self, origin: Origin, to: &'static str) -> Channel {
        let mesh = self.clone();
        let connect = service_fn(move |_: Uri| {
            let (mesh, origin) = (mesh.clone(), origin.clone());
            async move { mesh.connect(origin, to).await.map(TokioIo::new) }
        });
        // The address is never resolved; it is what the callee reads as `:authority`.
        Endpoint::from_static("http://mesh.eseal")
            .connect_timeout(Duration::from_secs(5))
            .connect_with_connector_lazy(connect)
    }

    async fn connect(&self, origin: Origin, to: &'static str) -> io::Result<DuplexStream> {
        let refused = || io::Error::new(io::ErrorKind::ConnectionRefused, format!("{to} is not in this process (yet)"));
        let door = self.doors.lock().unwrap_or_else(PoisonError::into_inner).get(to).cloned().ok_or_else(refused)?;
        let (ours, theirs) = duplex(PIPE);
        door.send(Link { stream: theirs, origin }).await.map_err(|_| refused())?;
        Ok(ours)
    }
}

/// The callee's end of a link.
#[derive(Debug)]
pub(crate) struct Link {
    stream: DuplexStream,
    origin: Origin,
}

impl Connected for Link {
    type ConnectInfo = Origin;

    fn connect_info(&self) -> Origin {
        self.origin.clone()
    }
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
