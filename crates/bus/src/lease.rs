//! One at a time: of several replicas of a service one relays, and one consumes.

use std::time::Duration;

use eseal_eventstore::{Database, Lease};
use tokio_util::sync::CancellationToken;

/// How often one that waits looks whether its turn has come.
const LOOK: Duration = Duration::from_secs(1);

/// The right to do something alone, as long as this is held.
#[derive(Debug)]
pub(crate) struct Holding(Lease);

impl Holding {
    /// Waits for the lease `name`; nothing after `stop`.
    pub(crate) async fn take(database: &Database, name: &str, stop: &CancellationToken) -> Option<Self> {
        loop {
            let lease = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                lease = database.lease(name) => lease,
            };
            match lease {
                Ok(Some(lease)) => return Some(Self(lease)),
                Ok(None) => {} // another replica works
                Err(error) => tracing::warn!(lease = name, %error, "the lease can't be asked for"),
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Waits until the lease is lost.
    pub(crate) async fn lost(&self) {
        self.0.lost().await;
    }
}
