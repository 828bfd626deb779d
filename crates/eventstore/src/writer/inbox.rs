//! Deliveries: what was settled, what was parked, and how far each consumer has come.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query};
use sea_orm::{ConnectionTrait as _, DbErr, Value};

use super::work::Parked;
use crate::bulk::{insert, replacing};
use crate::load::{number, to_stored};
use crate::{Delivery, StoreError, Transaction};

/// The columns of a settled delivery.
pub(crate) const INBOX_COLUMNS: [&str; 5] = ["event_id", "consumer", "owner", "position", "parked"];
/// The columns of a dead letter.
pub(crate) const LETTER_COLUMNS: [&str; 9] =
    ["event_id", "consumer", "owner", "position", "stream_id", "reason", "tries", "parked_at", "replay"];
/// The columns of a cursor.
pub(crate) const CURSOR_COLUMNS: [&str; 3] = ["consumer", "owner", "position"];

/// How many settled positions are looked at in one go when a cursor moves.
const STRIDE: u64 = 1_000;
/// The most characters of a reason that are kept.
const REASON_MAX: usize = 2_000;

/// The deliveries of a batch.
#[derive(Default)]
pub(crate) struct Inbox {
    settled: Vec<(Delivery, Option<Parked>)>,
    /// Letters that were replayed with success.
    resolved: Vec<Delivery>,
}

impl Inbox {
    /// The delivery is settled; `was_parked` when it was a dead letter until now.
    pub(crate) fn settle(&mut self, delivery: Delivery, was_parked: bool) {
        if was_parked {
            self.resolved.push(delivery.clone());
        }
        self.settled.push((delivery, None));
    }

    /// The delivery goes to the dead letters.
    pub(crate) fn park(&mut self, delivery: Delivery, why: Parked) {
        self.settled.push((delivery, Some(why)));
    }

    pub(crate) async fn write(self, tx: &Transaction) -> Result<(), StoreError> {
        if self.settled.is_empty() {
            return Ok(());
        }
        let rows = self.settled.iter().map(|(delivery, parked)| inbox_row(delivery, parked.is_some()));
        let key = ["event_id", "consumer"];
        insert(tx, "inbox", &INBOX_COLUMNS, rows.collect(), Some(&replacing(&key, &INBOX_COLUMNS))).await?;
        write_letters(tx, &self.settled).await?;
        for delivery in &self.resolved {
            let delete = Query::delete()
                .from_table("dead_letters")
                .and_where(Expr::col("event_id").eq(delivery.event_id.to_string()))
                .and_where(Expr::col("consumer").eq(delivery.consumer.as_str()))
                .take();
            tx.execute(&delete).await?;
        }
        let consumers: BTreeSet<(&str, &str)> =
            self.settled.iter().map(|(delivery, _)| (delivery.consumer.as_str(), delivery.owner.as_str())).collect();
        for (consumer, owner) in consumers {
            advance(tx, consumer, owner).await?;
        }
        Ok(())
    }
}

/// What a batch leaves of its deliveries, each once.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) inbox: Vec<Vec<Value>>,
    pub(crate) letters: Vec<Vec<Value>>,
    /// The letters that go: event and consumer.
    pub(crate) resolved: Vec<(String, String)>,
    /// What was settled or parked, by consumer and owner.
    settled: BTreeMap<(String, String), BTreeSet<u64>>,
}

impl Inbox {
    pub(crate) const fn is_empty(&self) -> bool {
        self.settled.is_empty()
    }

    /// One row for each delivery; what became of it last counts.
    pub(crate) fn outcome(self) -> Outcome {
        let resolved: HashSet<_> = self.resolved.iter().map(id).collect();
        let mut last = BTreeMap::new();
        let mut outcome = Outcome::default();
        for (delivery, parked) in self.settled {
            let of_owner = (delivery.consumer.clone(), delivery.owner.clone());
            outcome.settled.entry(of_owner).or_default().insert(delivery.position);
            last.insert(id(&delivery), (delivery, parked));
        }
        for (id, (delivery, parked)) in last {
            outcome.inbox.push(inbox_row(&delivery, parked.is_some()));
            match parked {
                Some(parked) => outcome.letters.push(letter_row(&delivery, &parked)),
                None if resolved.contains(&id) => outcome.resolved.push(id),
                None => {}
            }
        }
        outcome
    }
}

impl Outcome {
    /// The cursors that move, where each stood so and these positions were settled ahead of it.
    pub(crate) fn cursors(&self, progress: &HashMap<(String, String), (u64, BTreeSet<u64>)>) -> Vec<Vec<Value>> {
        let none = (0, BTreeSet::new());
        let moved = self.settled.iter().filter_map(|(of_owner, settled)| {
            let (before, ahead) = progress.get(of_owner).unwrap_or(&none);
            let mut cursor = *before;
            while settled.contains(&(cursor + 1)) || ahead.contains(&(cursor + 1)) {
                cursor += 1;
            }
            let (consumer, owner) = of_owner;
            (cursor > *before).then(|| vec![consumer.as_str().into(), owner.as_str().into(), to_stored(cursor).into()])
        });
        moved.collect()
    }
}

fn id(delivery: &Delivery) -> (String, String) {
    (delivery.event_id.to_string(), delivery.consumer.clone())
}

fn inbox_row(delivery: &Delivery, parked: bool) -> Vec<Value> {
    let mut row = name(delivery);
    row.push(i32::from(parked).into());
    row
}

fn letter_row(delivery: &Delivery, parked: &Parked) -> Vec<Value> {
    let reason: String = parked.reason.chars().take(REASON_MAX).collect();
    let mut row = name(delivery);
    row.extend([
        Value::from(parked.stream.as_str()),
        reason.into(),
        i32::try_from(parked.tries).unwrap_or(i32::MAX).into(),
        parked.now.micros().into(),
        0_i32.into(),
    ]);
    row
}

/// The columns `event_id`, `consumer`, `owner`, `position`.
fn name(delivery: &Delivery) -> Vec<Value> {
    vec![
        delivery.event_id.to_string().into(),
        delivery.consumer.as_str().into(),
        delivery.owner.as_str().into(),
        to_stored(delivery.position).into(),
    ]
}

async fn write_letters(tx: &Transaction, settled: &[(Delivery, Option<Parked>)]) -> Result<(), DbErr> {
    let letters = settled.iter().filter_map(|(delivery, parked)| Some(letter_row(delivery, parked.as_ref()?)));
    let on_conflict = replacing(&["event_id", "consumer"], &LETTER_COLUMNS);
    insert(tx, "dead_letters", &LETTER_COLUMNS, letters.collect(), Some(&on_conflict)).await.map(drop)
}

/// Moves the cursor over everything that is settled behind it without a gap. Deliveries of different streams may be
/// settled in any order, so the one just settled may have to wait for those before it.
async fn advance(tx: &Transaction, consumer: &str, owner: &str) -> Result<(), StoreError> {
    let of_owner = || Expr::col("consumer").eq(consumer).and(Expr::col("owner").eq(owner));
    let select = Query::select().column("position").from("cursors").and_where(of_owner()).take();
    let before = tx.query_one(&select).await?.map_or(Ok(0), |row| number(&row, "position"))?;
    let mut cursor = before;
    loop {
        let ahead = Query::select()
            .column("position")
            .from("inbox")
            .and_where(of_owner())
            .and_where(Expr::col("position").gt(to_stored(cursor)))
            .order_by("position", Order::Asc)
            .limit(STRIDE)
            .take();
        let ahead = tx.query_all(&ahead).await?;
        let start = cursor;
        for row in &ahead {
            if number(row, "position")? != cursor + 1 {
                break;
            }
            cursor += 1;
        }
        if cursor - start < STRIDE {
            break;
        }
    }
    if cursor == before {
        return Ok(());
    }
    let row = vec![consumer.into(), owner.into(), to_stored(cursor).into()];
    let on_conflict = replacing(&["consumer", "owner"], &CURSOR_COLUMNS);
    insert(tx, "cursors", &CURSOR_COLUMNS, vec![row], Some(&on_conflict)).await?;
    Ok(())
}
