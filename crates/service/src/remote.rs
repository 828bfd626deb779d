//! Links to services in other processes: gRPC over mTLS. The certificate vouches for both sides, as the link itself does in
//! the mesh: the callee must be `<name>.eseal`, wherever its address leads.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, Scheme};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use crate::tls::Tls;

/// The longest that a connection and its handshake may take, over all addresses.
const CONNECT: Duration = Duration::from_secs(5);
/// How often a peer is asked whether it is still there, also while nothing is under way: a connection that was cut without a
/// word is noticed, and made anew, before the next call needs it.
const PING: Duration = Duration::from_secs(10);
/// How long it may take to answer.
const PING_ANSWER: Duration = Duration::from_secs(5);

/// Where other services are.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    tls: Tls,
    addresses: Arc<HashMap<String, Vec<Authority>>>,
}

/// An address that can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("peers.{peer}: {address:?} is no address: expected https://HOST:PORT, or several with commas between")]
pub struct AddressError {
    /// Of which service.
    pub peer: String,
    /// The address.
    pub address: String,
}

impl Remote {
    pub(crate) fn try_new(tls: Tls, addresses: HashMap<String, String>) -> Result<Self, AddressError> {
        let read = |(peer, list): (String, String)| {
            let parsed: Option<Vec<Authority>> = list.split(',').map(|one| authority(one.trim())).collect();
            match parsed {
                Some(addresses) => Ok((peer, addresses)),
                None => Err(AddressError { peer, address: list }),
            }
        };
        let addresses = addresses.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { tls, addresses: Arc::new(addresses) })
    }

    /// Connects when it is used, and again when the connection is gone; each time with the certificate of then.
    pub(crate) fn channel(&self, to: &'static str) -> Channel {
        let remote = self.clone();
        let connect = service_fn(move |_: Uri| {
            let remote = remote.clone();
            async move { remote.connect(to).await.map(TokioIo::new) }
        });
        // What the callee reads as `:authority`; where it leads is in the settings.
        Endpoint::from_static("http://peer.eseal")
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(PING_ANSWER)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .connect_with_connector_lazy(connect)
    }

    async fn connect(&self, to: &'static str) -> io::Result<TlsStream<TcpStream>> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, format!("the settings have no address for {to}"));
        for address in self.addresses.get(to).into_iter().flatten() {
            match self.connect_to(to, address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    tracing::warn!(peer = to, %address, %error, "a peer can't be reached");
                    last = error;
                }
            }
        }
        Err(last)
    }

    async fn connect_to(&self, to: &str, address: &Authority) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect((bare(address.host()), address.port_u16().unwrap_or(443))).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(format!("{to}.eseal")).map_err(io::Error::other)?;
        TlsConnector::from(self.tls.client()).connect(name, stream).await
    }
}

/// `HOST:PORT` of `https://HOST:PORT`. Anything but https would not be what it says.
fn authority(address: &str) -> Option<Authority> {
    let parts = address.parse::<Uri>().ok()?.into_parts();
    let nothing_more = parts.path_and_query.is_none_or(|path| path == "/");
    let authority = parts.authority.filter(|_| parts.scheme == Some(Scheme::HTTPS) && nothing_more)?;
    (!authority.host().is_empty() && !authority.as_str().contains('@')).then_some(authority)
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_with_a_host_and_nothing_more() {
        for (address, expected) in
            [("https://a:7443", "a:7443"), ("https://a.example/", "a.example"), ("https://[::1]:1", "[::1]:1")]
        {
            assert_eq!(authority(address).map(|found| found.to_string()).as_deref(), Some(expected), "{address}");
        }
        for address in ["", "a:7443", "http://a:7443", "https://", "https://a/b", "https://u@a", "https://a?b"] {
            assert_eq!(authority(address), None, "{address}");
        }
    }
}
