//! What a batch must know before it decides, looked up in bulk.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use eseal_kernel::{ClaimChange, ClaimKey, Claims, Digest};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, Order, Query};

use super::order::AnyOrder;
use super::recording::Folded;
use super::streams::{Kept, Streams};
use super::work::Work;
use crate::bulk::{one_of, select_in};
use crate::load::{PAGE, events, number, select, to_stored};
use crate::{Delivery, RequestKey, StoreError, StoredEvent, StreamId, Transaction};

/// A request's key without its content.
pub(crate) type RequestName = (String, String, String);

/// The present, as the batch changes it: a later order sees what the earlier ones did.
#[derive(Default)]
pub(crate) struct Known {
    /// The streams of the batch; one that can't be read fails its own orders only.
    pub(crate) streams: HashMap<StreamId, Result<Folded, StoreError>>,
    pub(crate) claims: HashMap<ClaimKey, Option<String>>,
    /// The claims before the batch changed any; on PostgreSQL only.
    pub(crate) held: HashMap<ClaimKey, Option<String>>,
    pub(crate) requests: HashMap<RequestName, (Digest, Vec<u8>)>,
    /// For each event and consumer, whether it lies in the dead letters.
    pub(crate) inbox: HashMap<(String, String), bool>,
}

/// What is known of a request.
pub(crate) enum Asked {
    New,
    Repeated(Vec<u8>),
    OtherContent,
}

/// What is known of a delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    New,
    Settled,
    Parked,
}

impl Known {
    /// Looks up everything that these works name. `head` is the last position, and locked.
    pub(crate) async fn look_up(
        tx: &Transaction,
        works: &[Work],
        cache: &mut Streams,
        head: u64,
    ) -> Result<Self, StoreError> {
        let mut known = Self::default();
        known.look_up_inbox(tx, works).await?;
        known.look_up_requests(tx, works).await?;
        known.look_up_claims(tx, works).await?;
        known.load_streams(tx, works, cache, head).await?;
        Ok(known)
    }

    async fn look_up_inbox(&mut self, tx: &Transaction, works: &[Work]) -> Result<(), StoreError> {
        let ids: HashSet<String> = works.iter().filter_map(Work::delivery).map(|d| d.event_id.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let select = Query::select().columns(["event_id", "consumer", "parked"]).from("inbox").take();
        for row in select_in(tx, &select, "event_id", &ids).await? {
            let name = (row.try_get("", "event_id")?, row.try_get("", "consumer")?);
            self.inbox.insert(name, row.try_get::<i32>("", "parked")? != 0);
        }
        Ok(())
    }

    async fn look_up_requests(&mut self, tx: &Transaction, works: &[Work]) -> Result<(), StoreError> {
        let keys: HashSet<&RequestKey> = works.iter().filter_map(Work::order).filter_map(AnyOrder::request).collect();
        let ids: Vec<&str> = keys.iter().map(|key| key.request_id.as_str()).collect();
        let callers: HashSet<&str> = keys.iter().map(|key| key.caller.as_str()).collect();
        // The id alone is nearly unique; the caller keeps others' rows out, and the RPC is told apart by the map.
        let select = Query::select()
            .columns(["caller", "rpc", "request_id", "content", "answer"])
            .from("requests")
            .and_where(Expr::col("caller").is_in(callers))
            .take();
        for row in select_in(tx, &select, "request_id", &ids).await? {
            let name = (row.try_get("", "caller")?, row.try_get("", "rpc")?, row.try_get("", "request_id")?);
            let content: Vec<u8> = row.try_get("", "content")?;
            let damaged = |_| StoreError::Damaged { position: 0, column: "content" };
            let content = Digest::try_from(content.as_slice()).map_err(damaged)?;
            self.requests.insert(name, (content, row.try_get("", "answer")?));
        }
        Ok(())
    }

    async fn look_up_claims(&mut self, tx: &Transaction, works: &[Work]) -> Result<(), StoreError> {
        let keys: HashSet<&ClaimKey> = works.iter().filter_map(Work::order).flat_map(AnyOrder::looks_at).collect();
        let texts: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        let select = Query::select().columns(["key", "stream_id"]).from("claims").take();
        for row in select_in(tx, &select, "key", &texts).await? {
            let key: String = row.try_get("", "key")?;
            self.claims.insert(key.into(), Some(row.try_get("", "stream_id")?));
        }
        for key in keys {
            self.claims.entry(key.clone()).or_default();
        }
        Ok(())
    }

    /// Folds the streams of the orders, or takes them out of memory.
    pub(crate) async fn load_streams(
        &mut self,
        tx: &impl ConnectionTrait,
        works: &[Work],
        cache: &mut Streams,
        head: u64,
    ) -> Result<(), StoreError> {
        let mut orders: HashMap<&StreamId, &dyn AnyOrder> = HashMap::new();
        for order in works.iter().filter_map(Work::order) {
            orders.entry(order.stream()).or_insert(order);
        }
        cache.see(head);
        let mut doubtful = Vec::new();
        for stream in orders.keys().copied() {
            match cache.take(stream) {
                Some(Kept::Sure(folded)) => drop(self.streams.insert(stream.clone(), Ok(folded))),
                Some(Kept::Doubtful(folded)) => doubtful.push((stream, folded)),
                None => {}
            }
        }
        if !doubtful.is_empty() {
            let streams: Vec<&str> = doubtful.iter().map(|(stream, _)| stream.as_str()).collect();
            let versions = versions(tx, &streams).await?;
            let present = |stream: &StreamId| versions.get(stream.as_str()).copied().unwrap_or(0);
            doubtful.retain(|(stream, folded)| present(stream) == folded.version);
            self.streams.extend(doubtful.into_iter().map(|(stream, folded)| (stream.clone(), Ok(folded))));
        }
        orders.retain(|stream, _| !self.streams.contains_key(*stream));
        self.fold_streams(tx, &orders).await
    }

    /// Folds the streams that are not in memory, page by page.
    async fn fold_streams(
        &mut self,
        tx: &impl ConnectionTrait,
        orders: &HashMap<&StreamId, &dyn AnyOrder>,
    ) -> Result<(), StoreError> {
        if orders.is_empty() {
            return Ok(());
        }
        for (stream, order) in orders {
            self.streams.insert((*stream).clone(), Ok(order.empty()));
        }
        let streams: Vec<&str> = orders.keys().map(|stream| stream.as_str()).collect();
        let all = select()
            .and_where(one_of(tx.get_database_backend(), "stream_id", &streams))
            .order_by("stream_id", Order::Asc)
            .order_by("stream_version", Order::Asc)
            .limit(PAGE)
            .take();
        let mut last: Option<StoredEvent> = None;
        loop {
            let mut page = all.clone();
            if let Some(last) = &last {
                let place = Expr::tuple([Expr::col("stream_id"), Expr::col("stream_version")]);
                let after = [last.stream_id.as_str().into(), to_stored(last.stream_version).into()];
                page.and_where(place.gt(Expr::tuple(after)));
            }
            let page = events(tx, &page).await?;
            for event in &page {
                self.fold(orders, event);
            }
            if (page.len() as u64) < PAGE {
                return Ok(());
            }
            last = page.into_iter().last();
        }
    }

    fn fold(&mut self, orders: &HashMap<&StreamId, &dyn AnyOrder>, event: &StoredEvent) {
        let (Some(order), Some(entry)) = (orders.get(&event.stream_id), self.streams.get_mut(&event.stream_id)) else {
            return;
        };
        if let Ok(folded) = entry
            && let Err(error) = order.fold(folded, event)
        {
            *entry = Err(error);
        }
    }

    /// Whether the request was answered before, by an earlier order of the batch or long ago.
    pub(crate) fn asked(&self, key: &RequestKey) -> Asked {
        match self.requests.get(&name(key)) {
            None => Asked::New,
            Some((content, answer)) if *content == key.content => Asked::Repeated(answer.clone()),
            Some(_) => Asked::OtherContent,
        }
    }

    /// From now on the request is answered.
    pub(crate) fn answered(&mut self, key: &RequestKey, answer: Vec<u8>) {
        self.requests.insert(name(key), (key.content, answer));
    }

    /// Whether the delivery was settled before.
    pub(crate) fn received(&self, delivery: &Delivery) -> Received {
        match self.inbox.get(&(delivery.event_id.to_string(), delivery.consumer.clone())) {
            None => Received::New,
            Some(false) => Received::Settled,
            Some(true) => Received::Parked,
        }
    }

    /// From now on the delivery is settled, or parked.
    pub(crate) fn settled(&mut self, delivery: &Delivery, parked: bool) {
        self.inbox.insert((delivery.event_id.to_string(), delivery.consumer.clone()), parked);
    }

    /// Who holds these keys.
    pub(crate) fn holders(&self, keys: &[ClaimKey]) -> Claims {
        let holder = |key: &ClaimKey| self.claims.get(key).cloned().flatten();
        keys.iter().filter_map(|key| Some((key.clone(), holder(key)?))).collect()
    }

    /// The first of these keys that is taken although another stream holds it. Keys that nobody looked at are checked
    /// by the table itself.
    pub(crate) fn held_by_another(&self, changes: &[ClaimChange], stream: &StreamId) -> Option<ClaimKey> {
        changes.iter().find_map(|change| match change {
            ClaimChange::Taken(key) => {
                let holder = self.claims.get(key)?.as_ref()?;
                (holder != stream.as_str()).then(|| key.clone())
            }
            ClaimChange::Released(_) => None,
        })
    }

    /// From now on the claims are as `stream` changed them.
    pub(crate) fn claimed(&mut self, changes: &[ClaimChange], stream: &StreamId) {
        for change in changes {
            match change {
                ClaimChange::Taken(key) => drop(self.claims.insert(key.clone(), Some(stream.to_string()))),
                ClaimChange::Released(key) => {
                    if let Entry::Occupied(mut holder) = self.claims.entry(key.clone())
                        && holder.get().as_deref() == Some(stream.as_str())
                    {
                        holder.insert(None);
                    }
                }
            }
        }
    }
}

fn name(key: &RequestKey) -> RequestName {
    (key.caller.clone(), key.rpc.clone(), key.request_id.clone())
}

/// The present version of each of these streams that has one.
async fn versions(tx: &impl ConnectionTrait, streams: &[&str]) -> Result<HashMap<String, u64>, StoreError> {
    let select = Query::select()
        .column("stream_id")
        .expr_as(Func::max(Expr::col("stream_version")), "version")
        .from("events")
        .and_where(one_of(tx.get_database_backend(), "stream_id", streams))
        .group_by_col("stream_id")
        .take();
    let rows = tx.query_all(&select).await?;
    rows.iter().map(|row| Ok((row.try_get("", "stream_id")?, number(row, "version")?))).collect()
}
