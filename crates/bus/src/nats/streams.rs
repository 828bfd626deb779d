//! The streams, one per owner. They are made by whoever migrates, never by a service: a service has no right to.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{AccountError, AccountErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use tokio_util::sync::CancellationToken;

use super::Nats;
use super::names::{is_plain, stream_name, subjects};
use crate::BusError;

/// How long the server remembers ids of messages. The fence of the relay does not need it: it is for others who look.
const DUPLICATES: Duration = Duration::from_secs(5 * 60);
/// How long a server is waited for while streams are set up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the streams of these owners, or brings them to today's configuration: kept on disk by so many servers (1, or 3
/// in a cluster), and nobody may delete or purge in them. Limits that an operator set (`max_bytes`, `max_messages`) stay.
/// Needs the rights of `setup.eseal`.
///
/// # Errors
/// [`BusError`] when no server answers within a minute, it keeps no streams, or it refuses.
pub async fn setup_streams(nats: &Nats, owners: &[&str], replicas: usize) -> Result<(), BusError> {
    nats.reachable(PATIENCE).await?;
    for owner in owners {
        setup_stream(nats, owner, replicas).await?;
    }
    Ok(())
}

async fn setup_stream(nats: &Nats, owner: &str, replicas: usize) -> Result<(), BusError> {
    if !is_plain(owner) {
        return Err(BusError::Config(format!("{owner:?} can't name a stream")));
    }
    let name = stream_name(owner);
    let refused = |error: &dyn std::fmt::Display| BusError::refused("the stream", &name, error);
    let before = match nats.context().get_stream(&name).await {
        Ok(stream) => Some(stream.cached_info().config.clone()),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::STREAM_NOT_FOUND => None,
            _ => return Err(refused(&error)),
        },
    };
    let limits = before.as_ref().map_or((-1, -1), |config| (config.max_bytes, config.max_messages));
    let config = Config {
        name: name.clone(),
        description: Some(format!("What happened in {owner}: its database is the truth, this delivers")),
        subjects: vec![subjects(owner)],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        num_replicas: replicas,
        duplicate_window: DUPLICATES,
        deny_delete: true,
        deny_purge: true,
        allow_rollup: false,
        allow_direct: false,
        max_bytes: limits.0,
        max_messages: limits.1,
        ..Config::default()
    };
    nats.context().create_or_update_stream(config).await.map_err(|error| refused(&error))?;
    tracing::info!(stream = name, replicas, made = before.is_none(), "the stream is set up");
    Ok(())
}

impl Nats {
    /// Waits so long for a server that keeps streams.
    pub(crate) async fn reachable(&self, patience: Duration) -> Result<(), BusError> {
        let never = CancellationToken::new();
        let waited = tokio::time::timeout(patience, self.connected(&never)).await;
        waited.unwrap_or(Err(BusError::Unreachable { waited: patience }))?;
        // The server has JetStream; our account may still not.
        match self.context().query_account().await {
            Ok(_) => Ok(()),
            Err(error) if is_disabled(&error) => Err(BusError::NoJetStream),
            Err(error) => Err(BusError::refused("the account of", self.service(), &error)),
        }
    }
}

fn is_disabled(error: &AccountError) -> bool {
    let none = [ErrorCode::JETSTREAM_NOT_ENABLED, ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT];
    match error.kind() {
        AccountErrorKind::JetStream(answer) => none.contains(&answer.error_code()),
        AccountErrorKind::JetStreamUnavailable => true,
        AccountErrorKind::TimedOut | AccountErrorKind::Other => false,
    }
}
