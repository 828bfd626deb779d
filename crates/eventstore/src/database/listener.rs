//! Commits of other processes wake the tails of this one: LISTEN and NOTIFY.
//!
//! A wake-up and nothing else. A notification may be lost, and nothing is lost with it, since every tail looks by itself as well;
//! it only saves the wait. It is sent after the commit and not in it: a transaction that notifies holds a lock
//! of the whole server until its sync is done, so that services on one server would wait for each other.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::postgres::silent;
use crate::StoredEvent;

/// What the processes of a service notify each other on. A notification stays in its database.
const CHANNEL: &str = "eseal_events";
/// The pause before a lost listener comes back; polling goes on meanwhile.
const RETRY: Duration = Duration::from_secs(1);
/// How often the connection is tried when nothing comes.
const CHECK: Duration = Duration::from_secs(15);
const ANSWER: Duration = Duration::from_secs(5);

/// What this process knows of commits.
#[derive(Default)]
pub(crate) struct Committed {
    /// The last position that is committed, by whomever.
    pub(crate) position: u64,
    /// The events up to there, if this process wrote the last ones and they are few.
    fresh: Arc<[StoredEvent]>,
}

impl Committed {
    /// All events after position `after`, if they are at hand.
    pub(crate) fn after(&self, after: u64) -> Option<Vec<StoredEvent>> {
        let first = self.fresh.first().filter(|first| after < self.position && first.position <= after + 1)?;
        let known = usize::try_from(after + 1 - first.position).ok()?;
        self.fresh.get(known..).map(<[_]>::to_vec)
    }
}

/// What wakes whom.
pub(super) struct Wakes {
    /// It wakes the tails.
    known: watch::Sender<Committed>,
    /// The last position that this process committed: it wakes the listener, which tells the others.
    ours: watch::Sender<u64>,
}

impl Default for Wakes {
    fn default() -> Self {
        Self { known: watch::Sender::new(Committed::default()), ours: watch::Sender::new(0) }
    }
}

impl Wakes {
    /// This process committed up to `position`, at the end the events `fresh`, if they are few.
    pub(super) fn announce(&self, position: u64, fresh: Arc<[StoredEvent]>) {
        self.hear(Committed { position, fresh });
        self.ours.send_replace(position);
    }

    fn hear(&self, committed: Committed) {
        self.known.send_if_modified(|known| {
            let is_new = committed.position > known.position;
            if is_new {
                *known = committed;
            }
            is_new
        });
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Committed> {
        self.known.subscribe()
    }
}

/// Listens and notifies until it is aborted.
pub(super) async fn run(options: PgConnectOptions, wakes: Arc<Wakes>) {
    let options = options.application_name("eseal-listener");
    loop {
        let Err(error) = listen(&options, &wakes).await;
        tracing::warn!(%error, "not listening to the database; its tails poll");
        sleep(RETRY).await;
    }
}

/// Listens and notifies until the connection fails.
async fn listen(options: &PgConnectOptions, wakes: &Wakes) -> Result<Infallible, sqlx::Error> {
    // The listener takes its connection from a pool only.
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect_lazy_with(options.clone());
    let mut listener = bounded(PgListener::connect_with(&pool)).await?;
    listener.eager_reconnect(false);
    bounded(listener.listen(CHANNEL)).await?;
    // Whatever was notified before this moment was missed.
    wakes.known.send_modify(|_| ());
    let mut ours = wakes.ours.subscribe();
    let mut told = 0;
    loop {
        tokio::select! {
            received = listener.try_recv() => match received? {
                Some(notification) => {
                    match notification.payload().parse() {
                        Ok(position) => wakes.hear(Committed { position, ..Committed::default() }),
                        Err(_) => wakes.known.send_modify(|_| ()),
                    }
                }
                None => return Err(silent("listen")),
            },
            _ = ours.changed() => {
                let position = *ours.borrow_and_update();
                if position > told {
                    told = position;
                    bounded(notify(&mut listener, position)).await?;
                }
            }
            () = sleep(CHECK) => bounded(async { sqlx::query("SELECT 1").execute(&mut listener).await.map(drop) }).await?,
        }
    }
}

async fn notify(listener: &mut PgListener, position: u64) -> Result<(), sqlx::Error> {
    let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(position.to_string());
    notify.execute(listener).await.map(drop)
}

async fn bounded<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(silent("listen")))
}
