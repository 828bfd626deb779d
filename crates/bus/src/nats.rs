//! The connection to NATS: made in the background, and made again for ever.

mod durables;
mod message;
mod names;
mod permissions;
mod pull;
mod relay;
mod streams;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
use tokio_util::sync::CancellationToken;

use crate::BusError;

pub use durables::{InvalidStart, StartAt, setup_consumers, setup_durable};
pub use message::Malformed;
pub use names::{durable_name, stream_name, subject};
pub use permissions::{NatsUser, authorization};
pub(crate) use pull::{Arrival, Pulled, Pulling, Receipt};
pub use relay::relay;
pub use streams::setup_streams;

/// How long an answer of the server is waited for.
const ANSWER: Duration = Duration::from_secs(5);
/// A connection that was cut without a word is noticed after two of these.
const PING: Duration = Duration::from_secs(5);
/// How often it is looked whether there is a connection by now.
const LOOK: Duration = Duration::from_millis(50);
/// The longest pause before another try to connect.
const RECONNECT_LONGEST: Duration = Duration::from_secs(4);
/// The largest event that a store takes, with room for its headers. A server that takes less would stop the relay.
const MESSAGE_MAX: usize = (1 << 20) + (64 << 10);

/// Where NATS is, and who we are to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NatsConfig {
    /// Addresses such as `tls://nats:4222`; any of them will do.
    pub servers: Vec<String>,
    /// The authority that signs the servers' certificates. With it, a connection without TLS is refused.
    pub ca_file: Option<PathBuf>,
    /// Our certificate; its subject is our user. Read anew for each connection.
    pub cert_file: Option<PathBuf>,
    /// The key to it.
    pub key_file: Option<PathBuf>,
}

/// A connection to NATS for one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Nats(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    client: Client,
    context: Context,
    service: &'static str,
}

impl Nats {
    /// Begins to connect as `service`, whose inboxes are `_INBOX.<service>.>`. It returns at once: a server that is not
    /// there yet, or goes away, is tried again for ever.
    ///
    /// # Errors
    /// [`BusError::Config`] when an address is not one, none is given, or there is a certificate without a key.
    pub async fn connect(config: &NatsConfig, service: &'static str) -> Result<Self, BusError> {
        let NatsConfig { servers, ca_file, cert_file, key_file } = config;
        if servers.is_empty() {
            return Err(BusError::Config("no NATS server is named".to_owned()));
        }
        let mut options = ConnectOptions::new()
            .name(format!("eseal {service}"))
            .custom_inbox_prefix(inbox_prefix(service))
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(reconnect_delay)
            .ping_interval(PING)
            .connection_timeout(ANSWER)
            .request_timeout(Some(ANSWER))
            .event_callback(move |event| async move { report(service, &event) });
        if let Some(ca_file) = ca_file {
            options = options.add_root_certificates(ca_file.clone()).require_tls(true);
        }
        options = match (cert_file, key_file) {
            (Some(cert), Some(key)) => options.add_client_certificate(cert.clone(), key.clone()).require_tls(true),
            (None, None) => options,
            _ => {
                return Err(BusError::Config("a certificate for NATS needs a key, and a key a certificate".to_owned()));
            }
        };
        let client = options.connect(servers).await.map_err(|error| BusError::Config(error.to_string()))?;
        let context = jetstream::context::ContextBuilder::new().timeout(ANSWER).build(client.clone());
        Ok(Self(Arc::new(Connection { client, context, service })))
    }

    /// Whether there is a connection now, to a server that keeps streams.
    pub fn answers(&self) -> bool {
        self.0.client.connection_state() == State::Connected
            && self.0.client.try_server_info().is_some_and(|info| info.jetstream)
    }

    /// Who we are.
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn context(&self) -> &Context {
        &self.0.context
    }

    /// Waits for a connection, until `stop`, and says whether the server is one that will do.
    ///
    /// # Errors
    /// [`BusError::NoJetStream`] and [`BusError::SmallMessages`], by what the server says of itself.
    pub(crate) async fn connected(&self, stop: &CancellationToken) -> Result<(), BusError> {
        for pauses in 0_u64.. {
            if let Some(info) = self.0.client.try_server_info().filter(|_| self.is_connected()) {
                if !info.jetstream {
                    return Err(BusError::NoJetStream);
                }
                if info.max_payload < MESSAGE_MAX {
                    return Err(BusError::SmallMessages { needed: MESSAGE_MAX, actual: info.max_payload });
                }
                break;
            }
            if pauses % 600 == 100 {
                tracing::warn!(service = self.0.service, "there is no connection to NATS yet");
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        Ok(())
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.0.client.connection_state() == State::Connected
    }
}

/// What the inboxes of a service begin with.
pub(crate) fn inbox_prefix(service: &str) -> String {
    format!("_INBOX.{service}")
}

fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.min(16)).unwrap_or(16);
    Duration::from_millis(20).saturating_mul(2_u32.saturating_pow(doublings)).min(RECONNECT_LONGEST)
}

/// What happens to the connection. A forbidden publish or subscription is told here only: its call just gets no answer.
fn report(service: &'static str, event: &Event) {
    match event {
        Event::Connected => tracing::info!(service, "connected to NATS"),
        Event::Disconnected => tracing::warn!(service, "disconnected from NATS"),
        Event::ServerError(error) => tracing::error!(service, %error, "NATS refuses"),
        Event::ClientError(error) => tracing::warn!(service, %error, "NATS client"),
        Event::SlowConsumer(subscription) => tracing::warn!(service, subscription, "NATS subscription too slow"),
        Event::LameDuckMode | Event::Draining | Event::Closed => tracing::info!(service, %event, "NATS"),
    }
}
