//! The read side: one owner's events in their order.

use std::time::Duration;

use futures::stream::{self, Stream, TryStreamExt as _};
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::Query;

use crate::load::{log_page, number, stream_page};
use crate::{Database, StoreError, StoredEvent, StreamId};

/// How often a tail looks by itself. Commits of this process wake it at once; those of another one do not.
const POLL: Duration = Duration::from_secs(1);
/// The most events of one read.
const READ_MAX: u64 = 1_000;

/// The events of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Log {
    database: Database,
    owner: &'static str,
}

impl Log {
    /// The events in `database`, which belong to the service `owner`, such as `application`.
    pub const fn new(database: Database, owner: &'static str) -> Self {
        Self { database, owner }
    }

    /// The service that the events belong to.
    pub const fn owner(&self) -> &'static str {
        self.owner
    }

    /// The events after position `after` in their order, at most `limit` and never more than 1,000.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails or a row is damaged.
    pub async fn read(&self, after: u64, limit: u64) -> Result<Vec<StoredEvent>, StoreError> {
        log_page(self.database.reader(), after, limit.min(READ_MAX)).await
    }

    /// All events of one stream.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails or a row is damaged.
    pub async fn load(&self, stream: &StreamId) -> Result<Vec<StoredEvent>, StoreError> {
        let mut events: Vec<StoredEvent> = Vec::new();
        loop {
            let version = events.last().map_or(0, |event| event.stream_version);
            let page = stream_page(self.database.reader(), stream, version).await?;
            if page.is_empty() {
                return Ok(events);
            }
            events.extend(page);
        }
    }

    /// The position of the last event; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn head(&self) -> Result<u64, StoreError> {
        let select = Query::select().column("position").from("head").take();
        let row = self.database.reader().query_one(&select).await?;
        row.map_or(Ok(0), |row| number(&row, "position"))
    }

    /// The events after position `after`, and then those to come, without an end. After an error it goes on where it
    /// was when it is polled again.
    pub fn tail(&self, after: u64) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        let tail = Tail { log: self.clone(), wake: self.database.announcements(), after };
        stream::unfold(tail, |mut tail| async move {
            let page = tail.next_page().await;
            Some((page.map(|events| stream::iter(events.into_iter().map(Ok))), tail))
        })
        .try_flatten()
    }
}

struct Tail {
    log: Log,
    wake: tokio::sync::watch::Receiver<u64>,
    after: u64,
}

impl Tail {
    /// Waits until there are events after the last ones.
    async fn next_page(&mut self) -> Result<Vec<StoredEvent>, StoreError> {
        loop {
            // Marked as seen before the read, so that a commit during the read wakes the next wait.
            self.wake.mark_unchanged();
            let events = self.log.read(self.after, READ_MAX).await?;
            if let Some(last) = events.last() {
                self.after = last.position;
                return Ok(events);
            }
            // Either way it is time to look again; the sender lives as long as the log's database.
            let _ = tokio::time::timeout(POLL, self.wake.changed()).await;
        }
    }
}
