//! What a batch decided, and how it is written: each table in bulk.

use std::collections::{BTreeMap, HashMap};
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use eseal_kernel::{ClaimChange, ClaimKey, Timestamp};
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{ConnectionTrait as _, DbErr, Value};

use super::inbox::Inbox;
use super::recording::Decision;
use crate::bulk::{insert, is_duplicate, replacing, select_in};
use crate::load::{COLUMNS, to_stored};
use crate::{RequestKey, Row, StoreError, StoredEvent, StreamId, Transaction};

/// The most events that are kept until the next commit for those who follow the log, and the most bytes of their payloads.
const FRESH_MAX: usize = 64;
const FRESH_BYTES_MAX: usize = 256 << 10;

/// Answers to keep, each with its request and time.
type Requests = Vec<(RequestKey, Vec<u8>, Timestamp)>;

/// Everything that one transaction writes.
#[derive(Default)]
pub(crate) struct Draft {
    head: u64,
    pub(crate) events: Vec<StoredEvent>,
    pub(crate) rows: Rows,
    pub(crate) claims: ClaimTable,
    pub(crate) requests: Requests,
    pub(crate) inbox: Inbox,
}

impl Draft {
    /// Nothing yet, after the position `head`.
    pub(crate) fn after(head: u64) -> Self {
        Self { head, ..Self::default() }
    }

    /// The last position, those of the draft included.
    pub(crate) const fn head(&self) -> u64 {
        self.head
    }

    /// The events, if they are few: for those who follow the log in this process.
    pub(crate) fn fresh(&self) -> Arc<[StoredEvent]> {
        let bytes: usize = self.events.iter().map(|event| event.payload.len()).sum();
        let is_few = self.events.len() <= FRESH_MAX && bytes <= FRESH_BYTES_MAX;
        if is_few { self.events.as_slice().into() } else { Arc::default() }
    }

    /// Whether there is nothing to write. Rows and claims follow from events only.
    pub(crate) const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.requests.is_empty() && self.inbox.is_empty()
    }

    /// Takes up what follows from one order.
    pub(crate) fn add(&mut self, stream: &StreamId, decision: Decision) {
        self.head += decision.events.len() as u64;
        self.events.extend(decision.events);
        self.rows.extend(decision.rows);
        self.claims.change(stream, decision.claims);
    }

    /// Takes up the answer to a request.
    pub(crate) fn answer(&mut self, key: RequestKey, answer: Vec<u8>, now: Timestamp) {
        self.requests.push((key, answer, now));
    }

    /// Writes everything.
    pub(crate) async fn write(self, tx: &Transaction) -> Result<(), StoreError> {
        if !self.events.is_empty() {
            write_events(tx, self.events).await?;
            let update = Query::update().table("head").value("position", to_stored(self.head)).take();
            tx.execute(&update).await?;
        }
        self.rows.write(tx).await?;
        self.claims.write(tx).await?;
        write_requests(tx, self.requests).await?;
        self.inbox.write(tx).await
    }
}

async fn write_events(tx: &Transaction, events: Vec<StoredEvent>) -> Result<(), StoreError> {
    let values = events.into_iter().map(columns).collect();
    match insert(tx, "events", &COLUMNS, values, None).await {
        Err(error) if is_duplicate(&error) => Err(StoreError::Concurrent),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

/// The values of an event, in the order of [`COLUMNS`].
pub(crate) fn columns(event: StoredEvent) -> Vec<Value> {
    vec![
        to_stored(event.position).into(),
        event.event_id.to_string().into(),
        event.stream_id.to_string().into(),
        to_stored(event.stream_version).into(),
        event.kind.into(),
        // Checked when the event was made.
        i32::try_from(event.schema_version).unwrap_or(i32::MAX).into(),
        event.occurred_at.micros().into(),
        event.actor.to_string().into(),
        event.subject.into(),
        event.correlation_id.into(),
        event.causation_id.map(|id| id.to_string()).into(),
        event.payload.into(),
        event.prev_hash.map(|hash| hash.bytes().to_vec()).into(),
        event.hash.bytes().to_vec().into(),
        event.traceparent.into(),
    ]
}

async fn write_requests(tx: &Transaction, requests: Requests) -> Result<(), DbErr> {
    insert(tx, "requests", &REQUEST_COLUMNS, request_rows(requests), None).await.map(drop)
}

/// The columns of a kept answer.
pub(crate) const REQUEST_COLUMNS: [&str; 6] = ["caller", "rpc", "request_id", "content", "answer", "recorded_at"];

/// The values of kept answers, in the order of [`REQUEST_COLUMNS`].
pub(crate) fn request_rows(requests: Requests) -> Vec<Vec<Value>> {
    let row = |(key, answer, now): (RequestKey, Vec<u8>, Timestamp)| {
        let content = key.content.bytes().to_vec();
        vec![
            key.caller.into(),
            key.rpc.into(),
            key.request_id.into(),
            content.into(),
            answer.into(),
            now.micros().into(),
        ]
    };
    requests.into_iter().map(row).collect()
}

/// Rows of read tables, in the order in which they came; the last one of a key wins.
#[derive(Default)]
pub(crate) struct Rows(pub(crate) Vec<Group>);

/// Rows of one table that one statement can write.
pub(crate) struct Group {
    pub(crate) table: &'static str,
    pub(crate) key: &'static [&'static str],
    pub(crate) columns: Vec<&'static str>,
    pub(crate) values: Vec<Vec<Value>>,
    /// The kinds of the values, which are columns of arrays on PostgreSQL.
    kinds: Vec<Discriminant<Value>>,
    places: HashMap<String, usize>,
}

impl Rows {
    /// Takes up more rows.
    pub(crate) fn extend(&mut self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            self.push(row);
        }
    }

    fn push(&mut self, row: Row) {
        // The table's last group, and only that: an earlier one is written before rows that came later.
        let last = self.0.iter_mut().rfind(|group| group.table == row.table);
        match last.filter(|group| group.holds(&row)) {
            Some(group) => group.push(row),
            None => {
                let columns = row.values.iter().map(|(column, _)| *column).collect();
                let kinds = row.values.iter().map(|(_, value)| discriminant(value)).collect();
                let (values, places) = (Vec::new(), HashMap::new());
                let mut group = Group { table: row.table, key: row.key, columns, values, kinds, places };
                group.push(row);
                self.0.push(group);
            }
        }
    }

    pub(crate) async fn write(self, tx: &Transaction) -> Result<(), DbErr> {
        for group in self.0 {
            let on_conflict = replacing(group.key, &group.columns);
            insert(tx, group.table, &group.columns, group.values, Some(&on_conflict)).await?;
        }
        Ok(())
    }
}

impl Group {
    fn holds(&self, row: &Row) -> bool {
        let columns = row.values.iter().map(|(column, value)| (*column, discriminant(value)));
        self.key == row.key && self.columns.iter().copied().zip(self.kinds.iter().copied()).eq(columns)
    }

    fn push(&mut self, row: Row) {
        let of_key = row.values.iter().filter(|(column, _)| self.key.contains(column));
        let key = format!("{:?}", of_key.map(|(_, value)| value).collect::<Vec<_>>());
        let values = row.values.into_iter().map(|(_, value)| value).collect();
        let place = *self.places.entry(key).or_insert(self.values.len());
        match self.values.get_mut(place) {
            Some(earlier) => *earlier = values,
            None => self.values.push(values),
        }
    }
}

/// What happens to claims.
#[derive(Default)]
pub(crate) struct ClaimTable {
    held: BTreeMap<ClaimKey, StreamId>,
    released: Vec<(ClaimKey, StreamId)>,
}

impl ClaimTable {
    pub(crate) fn change(&mut self, stream: &StreamId, changes: Vec<ClaimChange>) {
        for change in changes {
            match change {
                ClaimChange::Taken(key) => drop(self.held.insert(key, stream.clone())),
                ClaimChange::Released(key) => {
                    if self.held.get(&key) == Some(stream) {
                        self.held.remove(&key);
                    }
                    self.released.push((key, stream.clone()));
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.released.is_empty()
    }

    /// The keys that are changed.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ClaimKey> {
        self.held.keys().chain(self.released.iter().map(|(key, _)| key))
    }

    /// What becomes of each key whose holder changes, where these held them before: the new holder, or nobody.
    pub(crate) fn changes(
        self,
        held: &HashMap<ClaimKey, Option<String>>,
    ) -> Result<BTreeMap<ClaimKey, Option<String>>, StoreError> {
        let before = |key: &ClaimKey| held.get(key).and_then(Option::as_deref);
        let released = self.released.into_iter().filter(|(key, stream)| before(key) == Some(stream.as_str()));
        let mut changes: BTreeMap<_, _> = released.map(|(key, _)| (key, None)).collect();
        for (key, stream) in self.held {
            match before(&key) {
                Some(holder) if holder != stream.as_str() && !changes.contains_key(&key) => {
                    return Err(StoreError::ClaimHeld { key });
                }
                _ => drop(changes.insert(key, Some(stream.to_string()))),
            }
        }
        Ok(changes)
    }

    /// What was released goes first: another stream of the same batch may have taken it since.
    pub(crate) async fn write(self, tx: &Transaction) -> Result<(), StoreError> {
        for released in self.released.chunks(100) {
            let mut these = Condition::any();
            for (key, stream) in released {
                let key = Expr::col("key").eq(key.as_str());
                these = these.add(key.and(Expr::col("stream_id").eq(stream.as_str())));
            }
            tx.execute(Query::delete().from_table("claims").cond_where(these)).await?;
        }
        if self.held.is_empty() {
            return Ok(());
        }
        let of_another = Expr::col(("claims", "stream_id")).eq(Expr::col(("excluded", "stream_id")));
        let on_conflict = OnConflict::column("key").update_column("stream_id").action_and_where(of_another).to_owned();
        let values = self.held.iter().map(|(key, stream)| vec![key.as_str().into(), stream.as_str().into()]).collect();
        let written = insert(tx, "claims", &["key", "stream_id"], values, Some(&on_conflict)).await?;
        if written == self.held.len() as u64 { Ok(()) } else { Err(self.refused(tx).await?) }
    }

    /// Names the claim that another stream holds.
    async fn refused(&self, tx: &Transaction) -> Result<StoreError, StoreError> {
        let keys: Vec<&str> = self.held.keys().map(ClaimKey::as_str).collect();
        let select = Query::select().columns(["key", "stream_id"]).from("claims").take();
        for row in select_in(tx, &select, "key", &keys).await? {
            let key = ClaimKey::from(row.try_get::<String>("", "key")?);
            let holder: String = row.try_get("", "stream_id")?;
            if self.held.get(&key).is_some_and(|stream| stream.as_str() != holder) {
                return Ok(StoreError::ClaimHeld { key });
            }
        }
        Ok(StoreError::Concurrent)
    }
}
