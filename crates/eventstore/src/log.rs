//! The read side: one owner's events in their order.

use std::time::Duration;

use futures::stream::{self, Stream, TryStreamExt as _};
use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait as _, DbBackend};
use sqlx::AssertSqlSafe;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::database::Committed;
use crate::database::postgres::database as query_failed;
use crate::load::{COLUMNS, event, log_page, number, stream_page, to_stored};
use crate::{Database, StoreError, StoredEvent, StreamId};

/// How often a tail looks by itself. Commits of this process wake it at once, and those of others where the database tells
/// of them.
const POLL: Duration = Duration::from_secs(1);
/// The most events of one read.
const READ_MAX: u64 = 1_000;

/// How many events a stream hands over at a time, and how many such pieces it reads ahead.
const CHUNK: usize = 256;
const READ_AHEAD: usize = 8;

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

    /// The events of one stream after its version `after` in their order, at most 1,000: for those who fold a stream that may be long.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails or a row is damaged.
    pub async fn read_stream(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, StoreError> {
        stream_page(self.database.reader(), stream, after).await
    }

    /// All events of one stream.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails or a row is damaged.
    pub async fn load(&self, stream: &StreamId) -> Result<Vec<StoredEvent>, StoreError> {
        let mut events: Vec<StoredEvent> = Vec::new();
        loop {
            let version = events.last().map_or(0, |event| event.stream_version);
            let page = self.read_stream(stream, version).await?;
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

    /// All events after position `after` that there are now, in their order, for those who fold many: read ahead by a
    /// task, in constant memory. It ends with the last event, or with an error.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn stream(&self, after: u64) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        let (chunks, read) = mpsc::channel(READ_AHEAD);
        tokio::spawn(read_all(self.database.clone(), after, chunks));
        stream::unfold(read, |mut read| async move { Some((read.recv().await?, read)) })
            .map_ok(|chunk: Vec<StoredEvent>| stream::iter(chunk.into_iter().map(Ok)))
            .try_flatten()
    }

    /// The events after position `after`, and then those to come, without an end. After an error it goes on where it
    /// was when it is polled again.
    pub fn tail(&self, after: u64) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        let tail = Tail { log: self.clone(), wake: self.database.announcements(), after, is_at_end: false };
        stream::unfold(tail, |mut tail| async move {
            let page = tail.next_page().await;
            Some((page.map(|events| stream::iter(events.into_iter().map(Ok))), tail))
        })
        .try_flatten()
    }
}

/// A piece of the log, or why there are no more.
type Chunk = Result<Vec<StoredEvent>, StoreError>;

/// Reads until the end, an error, or until nobody wants more.
async fn read_all(database: Database, mut after: u64, chunks: mpsc::Sender<Chunk>) {
    if let DbBackend::Postgres = database.backend() {
        if let Err(error) = read_rows(&database, after, &chunks).await {
            let _ = chunks.send(Err(error)).await;
        }
        return;
    }
    // A long read on SQLite would keep its log from being emptied, so it goes page by page.
    loop {
        let page = log_page(database.reader(), after, READ_MAX).await;
        let Some(last) = page.as_ref().map_or(Some(after), |page| page.last().map(|event| event.position)) else {
            return;
        };
        after = last;
        let failed = page.is_err();
        if chunks.send(page).await.is_err() || failed {
            return;
        }
    }
}

/// One statement whose rows come as fast as they are taken; each has the bound of a statement.
async fn read_rows(database: &Database, after: u64, chunks: &mpsc::Sender<Chunk>) -> Result<(), StoreError> {
    let (pool, bound) = (database.reader().inner().get_postgres_connection_pool(), database.reader().bound());
    let columns = COLUMNS.map(|column| format!("\"{column}\"")).join(", ");
    let sql = AssertSqlSafe(format!("SELECT {columns} FROM events WHERE position > $1 ORDER BY position"));
    let mut rows = sqlx::query(sql).bind(to_stored(after)).fetch(pool);
    let mut chunk = Vec::with_capacity(CHUNK);
    while let Some(row) = bound.hold("stream", async { rows.try_next().await.map_err(query_failed) }).await? {
        chunk.push(event(&row.into())?);
        if chunk.len() == CHUNK {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            if chunks.send(Ok(full)).await.is_err() {
                return Ok(()); // nobody wants more
            }
        }
    }
    let _ = chunks.send(Ok(chunk)).await;
    Ok(())
}

struct Tail {
    log: Log,
    wake: watch::Receiver<Committed>,
    after: u64,
    /// Whether the last read came to the end of what was there.
    is_at_end: bool,
}

impl Tail {
    /// Waits until there are events after the last ones.
    async fn next_page(&mut self) -> Result<Vec<StoredEvent>, StoreError> {
        loop {
            // Marked as seen before the read, so that a commit during the read wakes the next wait.
            let (announced, fresh) = {
                let committed = self.wake.borrow_and_update();
                (committed.position, committed.after(self.after))
            };
            if !self.is_at_end || announced > self.after {
                // What this process has just written need not be read by everybody who follows.
                let events = match fresh {
                    Some(fresh) => fresh,
                    None => self.log.read(self.after, READ_MAX).await?,
                };
                self.is_at_end = (events.len() as u64) < READ_MAX;
                if let Some(last) = events.last() {
                    self.after = last.position;
                    return Ok(events);
                }
            }
            // Either way it is time to look again; the sender lives as long as the log's database.
            let _ = timeout(POLL, self.wake.changed()).await;
            self.is_at_end = false;
        }
    }
}
