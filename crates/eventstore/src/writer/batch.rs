//! One batch, one transaction, one commit.

use std::sync::Arc;
use std::time::Instant;

use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::draft::Draft;
use super::known::{Asked, Known, Received};
use super::order::{AnyOrder, Failure};
use super::postgres::Session;
use super::sqlite;
use super::streams::Streams;
use super::watch::{Batch, Watch};
use super::work::{Receipt, Work};
use crate::bulk::is_rollback;
use crate::load::number;
use crate::{Database, StoreError, StoredEvent, Transaction};

/// Where batches are written.
pub(crate) struct Batches {
    database: Database,
    cache: Streams,
    owner: &'static str,
    watch: Arc<Watch>,
    /// PostgreSQL's own way to write a batch.
    session: Option<Session>,
}

/// Why a batch was not written.
pub(super) enum Failed {
    /// No transaction was begun: each order alone would meet the same.
    Unreachable(StoreError),
    /// The transaction was rolled back.
    RolledBack(StoreError),
    /// The connection broke during the commit.
    InDoubt(StoreError),
}

impl Failed {
    pub(super) fn error(&self) -> &StoreError {
        match self {
            Self::Unreachable(error) | Self::RolledBack(error) | Self::InDoubt(error) => error,
        }
    }

    /// Whether the work goes again, alone.
    fn leaves(&self, work: &Work) -> bool {
        match self {
            Self::Unreachable(_) => false,
            Self::RolledBack(_) => true,
            Self::InDoubt(_) => work.is_repeatable(),
        }
    }
}

impl Batches {
    pub(crate) fn new(database: Database, cache_streams: usize, owner: &'static str, watch: Arc<Watch>) -> Self {
        let session = database.postgres().cloned().map(Session::new);
        Self { database, cache: Streams::new(cache_streams), owner, watch, session }
    }

    /// Writes these works in one transaction, or else each in one of its own, and answers every caller.
    pub(crate) async fn write(&mut self, mut works: Vec<Work>) {
        let failed = self.attempt(&mut works).await.err();
        let alone = works.len() == 1;
        for work in works {
            match &failed {
                None => work.answer(),
                // One of several met the error; the others must not suffer for it.
                Some(failed) if !alone && failed.leaves(&work) => self.write_alone(work).await,
                Some(failed) => fail(work, failed),
            }
        }
    }

    async fn write_alone(&mut self, work: Work) {
        let mut works = [work];
        let attempted = self.attempt(&mut works).await;
        let [work] = works;
        match attempted {
            Ok(()) => work.answer(),
            Err(failed) => fail(work, &failed),
        }
    }

    async fn attempt(&mut self, works: &mut [Work]) -> Result<(), Failed> {
        let (since, started) = (super::watch::span_time(), Instant::now());
        let attempted = self.transact(works).await;
        let (took, orders) = (started.elapsed(), works.len());
        let events = attempted.as_ref().copied().unwrap_or_default();
        let batch = Batch { since, took, orders, events, committed: attempted.is_ok() };
        let decisions = works.iter().filter_map(Work::order).filter_map(AnyOrder::decided_in);
        self.watch.batch(&batch, decisions);
        match attempted {
            Ok(_) => {
                let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                tracing::debug!(owner = self.owner, orders, events, micros, "batch committed");
                Ok(())
            }
            Err(failed) => {
                tracing::warn!(owner = self.owner, orders, error = %failed.error(), "batch not committed");
                Err(failed)
            }
        }
    }

    /// One transaction; gives how many events it wrote.
    async fn transact(&mut self, works: &mut [Work]) -> Result<usize, Failed> {
        let recorded = match &mut self.session {
            Some(session) => session.write(works, &mut self.cache).await?,
            None => match sqlite::at_once(&self.database, works, &mut self.cache).await? {
                Some(recorded) => recorded,
                None => self.by_statements(works).await?,
            },
        };
        eseal_faultpoint::pass("writer.committed");
        let Recorded { known, head, events, fresh } = recorded;
        let streams = known.streams.into_iter().filter_map(|(stream, folded)| Some((stream, folded.ok()?)));
        self.cache.leave(head, streams);
        self.database.announce(head, fresh);
        Ok(events)
    }

    /// On SQLite, where something has to be looked up in the transaction.
    async fn by_statements(&mut self, works: &mut [Work]) -> Result<Recorded, Failed> {
        let tx = self.database.begin().await.map_err(|error| Failed::Unreachable(error.into()))?;
        let recorded = match self.record(&tx, works).await {
            Ok(recorded) => recorded,
            Err(error) => {
                // Never a commit after an error: PostgreSQL would answer Ok and have rolled back. A rollback that
                // fails leaves a dead connection, which the pool replaces.
                if let Err(error) = tx.rollback().await {
                    tracing::warn!(owner = self.owner, %error, "rollback failed");
                }
                return Err(Failed::RolledBack(error));
            }
        };
        eseal_faultpoint::pass("writer.uncommitted");
        tx.commit().await.map_err(|error| match is_rollback(&error) {
            true => Failed::RolledBack(error.into()),
            false => Failed::InDoubt(StoreError::InDoubt(error)),
        })?;
        Ok(recorded)
    }

    async fn record(&mut self, tx: &Transaction, works: &mut [Work]) -> Result<Recorded, StoreError> {
        let head = lock_head(tx).await?;
        let mut known = Known::look_up(tx, works, &mut self.cache, head).await?;
        let draft = decide(works, &mut known, head);
        let recorded = Recorded::of(known, &draft);
        draft.write(tx).await?;
        Ok(recorded)
    }
}

/// A batch that was written.
pub(super) struct Recorded {
    known: Known,
    /// The last position.
    head: u64,
    events: usize,
    /// The events themselves, if they are few.
    fresh: Arc<[StoredEvent]>,
}

impl Recorded {
    /// What is recorded once the draft is written.
    pub(super) fn of(known: Known, draft: &Draft) -> Self {
        Self { known, head: draft.head(), events: draft.events.len(), fresh: draft.fresh() }
    }
}

/// Decides each work on what is known, which the later ones find as the earlier ones left it.
pub(super) fn decide(works: &mut [Work], known: &mut Known, head: u64) -> Draft {
    let mut draft = Draft::after(head);
    for work in works {
        match work {
            Work::Order(order) => take_order(order.as_mut(), known, &mut draft),
            Work::Receipt(receipt) => take_receipt(receipt, known, &mut draft),
        }
    }
    draft
}

/// Tells the caller that nothing was recorded.
fn fail(mut work: Work, failed: &Failed) {
    work.fail(Failure::Store(failed.error().clone()));
    work.answer();
}

/// The last position. Whoever else appends to this database waits here until this transaction ends.
pub(crate) async fn lock_head(tx: &Transaction) -> Result<u64, StoreError> {
    let row = match tx.get_database_backend() {
        // A new row, so that a writer that looked at the old one does not go on from it.
        DbBackend::Postgres => {
            let touch = "UPDATE head SET position = position WHERE id = 1 RETURNING position";
            tx.query_one_raw(Statement::from_string(DbBackend::Postgres, touch)).await?
        }
        _ => tx.query_one(&Query::select().column("position").from("head").take()).await?,
    };
    let row = row.ok_or(StoreError::Damaged { position: 0, column: "head.position" })?;
    number(&row, "position")
}

/// Decides one order, unless it was settled before.
fn take_order(order: &mut dyn AnyOrder, known: &mut Known, draft: &mut Draft) {
    let received = order.delivery().map(|delivery| known.received(delivery));
    if received == Some(Received::Settled) {
        return order.repeat(Vec::new());
    }
    match order.request().map(|key| known.asked(key)) {
        Some(Asked::Repeated(answer)) => {
            settle(order, received, known, draft);
            return order.repeat(answer);
        }
        Some(Asked::OtherContent) => return order.fail(Failure::RequestIdReused),
        Some(Asked::New) | None => {}
    }
    let stream = order.stream().clone();
    let folded = match known.streams.get(&stream) {
        Some(Ok(folded)) => folded,
        Some(Err(error)) => return order.fail(Failure::Store(error.clone())),
        None => return order.fail(Failure::Store(StoreError::Concurrent)), // every stream of the batch was looked up
    };
    let claims = known.holders(order.looks_at());
    let Some(mut decision) = order.decide(folded, &claims, draft.head()) else {
        return; // refused, and that is all there is to it
    };
    if let Some(key) = known.held_by_another(&decision.claims, &stream) {
        return order.fail(Failure::Store(StoreError::ClaimHeld { key }));
    }
    known.claimed(&decision.claims, &stream);
    if let Some(after) = decision.after.take() {
        known.streams.insert(stream.clone(), Ok(after));
    }
    if let Some(key) = order.request() {
        known.answered(key, decision.answer.clone());
        draft.answer(key.clone(), std::mem::take(&mut decision.answer), decision.now);
    }
    settle(order, received, known, draft);
    draft.add(&stream, decision);
}

/// Settles the delivery that the order reacts to.
fn settle(order: &dyn AnyOrder, received: Option<Received>, known: &mut Known, draft: &mut Draft) {
    if let Some(delivery) = order.delivery() {
        known.settled(delivery, false);
        draft.inbox.settle(delivery.clone(), received == Some(Received::Parked));
    }
}

/// Settles or parks a delivery, unless it was settled before.
fn take_receipt(receipt: &Receipt, known: &mut Known, draft: &mut Draft) {
    let received = known.received(&receipt.delivery);
    if received == Received::Settled {
        return;
    }
    known.settled(&receipt.delivery, receipt.parked.is_some());
    let delivery = receipt.delivery.clone();
    match &receipt.parked {
        Some(why) => draft.inbox.park(delivery, why.clone()),
        None => draft.inbox.settle(delivery, received == Received::Parked),
    }
}
