//! What a batch must know, in one statement.

use std::collections::{BTreeSet, HashMap, HashSet};

use eseal_kernel::{ClaimKey, Digest};
use sea_orm::{ConnectionTrait as _, DbBackend, QueryResult, Statement, Value};

use super::Head;
use super::connection::Connection;
use crate::bulk::texts;
use crate::load::to_stored;
use crate::writer::draft::Draft;
use crate::writer::known::Known;
use crate::writer::order::AnyOrder;
use crate::writer::work::Work;
use crate::{RequestKey, StoreError};

/// The most settled positions ahead of a cursor that are looked up. One that could go on behind them does so with the
/// next batch.
const AHEAD: u64 = 10_000;

/// What was looked up besides what is known of the orders.
pub(super) struct Seen {
    pub(super) head: Head,
    /// For each consumer and owner of the batch, its cursor and what is settled ahead of it.
    pub(super) progress: HashMap<(String, String), (u64, BTreeSet<u64>)>,
}

impl Seen {
    /// Nothing was looked up.
    pub(super) fn assumed(head: Head) -> Self {
        Self { head, progress: HashMap::new() }
    }
}

pub(super) async fn look_up(connection: &Connection, works: &[Work]) -> Result<(Known, Seen), StoreError> {
    let requests: HashSet<&RequestKey> = works.iter().filter_map(Work::order).filter_map(AnyOrder::request).collect();
    let of_requests = |field: fn(&RequestKey) -> &str| texts(requests.iter().map(|key| field(key).to_owned()));
    let deliveries: Vec<_> = works.iter().filter_map(Work::delivery).collect();
    let events: HashSet<String> = deliveries.iter().map(|delivery| delivery.event_id.to_string()).collect();
    let keys: HashSet<&ClaimKey> = works.iter().filter_map(Work::order).flat_map(AnyOrder::looks_at).collect();
    let consumers: BTreeSet<_> = deliveries.iter().map(|delivery| (&delivery.consumer, &delivery.owner)).collect();
    let values = [
        of_requests(|key| &key.request_id),
        of_requests(|key| &key.caller),
        of_requests(|key| &key.rpc),
        texts(events),
        texts(keys.iter().map(|key| key.as_str().to_owned())),
        texts(consumers.iter().map(|(consumer, _)| (*consumer).clone())),
        texts(consumers.iter().map(|(_, owner)| (*owner).clone())),
        Value::from(to_stored(AHEAD)),
    ];
    let sql = include_str!("look_up.sql");
    let rows = connection.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    let mut known = Known::default();
    known.claims.extend(keys.into_iter().map(|key| (key.clone(), None)));
    let mut seen = Seen::assumed(Head { position: 0, row: String::new() });
    for row in &rows {
        take(row, &mut known, &mut seen)?;
    }
    if seen.head.row.is_empty() {
        return Err(StoreError::Damaged { position: 0, column: "head.position" });
    }
    known.held = known.claims.clone();
    Ok((known, seen))
}

fn take(row: &QueryResult, known: &mut Known, seen: &mut Seen) -> Result<(), StoreError> {
    let text = |column| row.try_get::<String>("", column);
    let number = || row.try_get::<i64>("", "n").map(|number| u64::try_from(number).unwrap_or(0));
    match row.try_get::<i32>("", "what")? {
        0 => seen.head = Head { row: text("a")?, position: number()? },
        1 => {
            let content: Vec<u8> = row.try_get("", "x")?;
            let damaged = |_| StoreError::Damaged { position: 0, column: "content" };
            let content = Digest::try_from(content.as_slice()).map_err(damaged)?;
            known.requests.insert((text("b")?, text("c")?, text("a")?), (content, row.try_get("", "y")?));
        }
        2 => drop(known.inbox.insert((text("a")?, text("b")?), number()? != 0)),
        3 => drop(known.claims.insert(text("a")?.into(), Some(text("b")?))),
        4 => seen.progress.entry((text("a")?, text("b")?)).or_default().0 = number()?,
        _ => drop(seen.progress.entry((text("a")?, text("b")?)).or_default().1.insert(number()?)),
    }
    Ok(())
}

/// Who holds the claims that the batch changes, before it does: those that nobody looked at are looked up now.
pub(super) async fn holders(
    connection: &Connection,
    draft: &Draft,
    known: &Known,
) -> Result<HashMap<ClaimKey, Option<String>>, StoreError> {
    let mut held = known.held.clone();
    let unknown: BTreeSet<&ClaimKey> = draft.claims.keys().filter(|key| !held.contains_key(*key)).collect();
    if unknown.is_empty() {
        return Ok(held);
    }
    let sql = "SELECT key, stream_id FROM claims WHERE key = ANY ($1::text[])";
    let keys = texts(unknown.iter().map(|key| key.as_str().to_owned()));
    let rows = connection.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [keys])).await?;
    let unknown: Vec<ClaimKey> = unknown.into_iter().cloned().collect();
    held.extend(unknown.into_iter().map(|key| (key, None)));
    for row in rows {
        let key: String = row.try_get("", "key")?;
        held.insert(key.into(), Some(row.try_get("", "stream_id")?));
    }
    Ok(held)
}
