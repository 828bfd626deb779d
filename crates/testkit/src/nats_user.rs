//! Somebody at a NATS server, for tests that look into it, and for those that misbehave in it.

use async_nats::jetstream::{self, Context};
use async_nats::{ConnectOptions, HeaderMap};

use crate::{NatsTls, TestNats};

/// A connection by a certificate.
#[derive(Debug, Clone)]
pub struct NatsUser {
    context: Context,
}

/// A message as a stream has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamMessage {
    /// Its place.
    pub sequence: u64,
    /// Its subject.
    pub subject: String,
    /// Its headers, in no order.
    pub headers: Vec<(String, String)>,
    /// Its content.
    pub payload: Vec<u8>,
}

impl NatsUser {
    /// Connects to a server as `name`, whose inboxes are `_INBOX.<name>.>`.
    ///
    /// # Errors
    /// Why the server did not let it in.
    pub async fn connect(nats: &TestNats, name: &str, tls: Option<&NatsTls>) -> Result<Self, String> {
        let mut options = ConnectOptions::new().custom_inbox_prefix(format!("_INBOX.{name}"));
        if let Some(NatsTls { ca_file, cert_file, key_file }) = tls {
            options = options.add_root_certificates(ca_file.clone()).require_tls(true);
            options = options.add_client_certificate(cert_file.clone(), key_file.clone());
        }
        let client = options.connect(nats.url()).await.map_err(|error| error.to_string())?;
        Ok(Self { context: jetstream::new(client) })
    }

    /// Everything in a stream, in its order.
    ///
    /// # Errors
    /// Why it can't be read.
    pub async fn messages(&self, stream: &str) -> Result<Vec<StreamMessage>, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{stream}: {error}");
        let found = self.context.get_stream(stream).await.map_err(|error| failed(&error))?;
        let state = found.cached_info().state.clone();
        let mut messages = Vec::new();
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            let raw = match found.get_raw_message(sequence).await {
                Ok(raw) => raw,
                Err(error) if error.kind() == jetstream::stream::LastRawMessageErrorKind::NoMessageFound => continue,
                Err(error) => return Err(failed(&error)),
            };
            let pairs = raw.headers.iter().flat_map(|(name, values)| {
                values.iter().map(move |value| (name.to_string(), value.as_str().to_owned()))
            });
            messages.push(StreamMessage {
                sequence,
                subject: raw.subject.to_string(),
                headers: pairs.collect(),
                payload: raw.payload.to_vec(),
            });
        }
        Ok(messages)
    }

    /// Publishes whatever it is told to; the place in the stream.
    ///
    /// # Errors
    /// Why the server did not take it; a forbidden publish is never answered.
    pub async fn publish(&self, subject: &str, headers: &[(&str, &str)], payload: &[u8]) -> Result<u64, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, *value);
        }
        let sent = self.context.publish_with_headers(subject.to_owned(), map, payload.to_vec().into()).await;
        let stored = sent.map_err(|error| error.to_string())?.await;
        stored.map(|ack| ack.sequence).map_err(|error| error.to_string())
    }

    /// Throws a durable away, and how far it was with it.
    ///
    /// # Errors
    /// Why it could not.
    pub async fn forget_durable(&self, stream: &str, durable: &str) -> Result<(), String> {
        let deleted = self.context.delete_consumer_from_stream(durable, stream).await;
        deleted.map(drop).map_err(|error| format!("{durable}: {error}"))
    }
}
