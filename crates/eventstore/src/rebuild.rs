//! Read tables thrown away and folded again from the events.

use std::collections::HashMap;

use eseal_kernel::ClaimChange;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::Query;

use crate::load::{PAGE, log_page, stream_page};
use crate::writer::draft::{ClaimTable, Rows};
use crate::writer::lock_head;
use crate::writer::recording::State;
use crate::{Database, Recorded, Row, StoreError, Stored, StoredEvent, StreamId, Transaction};

/// The most aggregates in memory at a time; one that was let go is folded again when its next event comes.
const STATES_MAX: usize = 50_000;

/// One kind of aggregate of a service, for [`rebuild`].
#[derive(Debug, Clone, Copy)]
pub struct Projector {
    kind: &'static str,
    tables: &'static [&'static str],
    empty: fn() -> State,
    project: fn(&mut State, &StoredEvent) -> Result<Projected, StoreError>,
}

/// What follows from one event.
struct Projected {
    rows: Vec<Row>,
    claims: Vec<ClaimChange>,
}

impl Projector {
    /// The rows of this aggregate.
    pub fn of<A: Stored>() -> Self {
        Self { kind: A::KIND, tables: A::TABLES, empty: || Box::new(A::default()), project: project::<A> }
    }
}

fn project<A: Stored>(state: &mut State, event: &StoredEvent) -> Result<Projected, StoreError> {
    let shared = || StoreError::KindShared { stream: event.stream_id.to_string() };
    let state: &mut A = state.downcast_mut().ok_or_else(shared)?;
    let fact = event.fact::<A>()?;
    *state = std::mem::take(state).evolve(&fact);
    let rows = A::rows(&Recorded::from(event), &fact, state);
    rows.iter().try_for_each(Row::check)?;
    Ok(Projected { rows, claims: A::claims_of(&fact) })
}

/// Empties the read tables and the claims, and fills them again from the events, in one transaction. How many events
/// were folded. Whoever writes to the database waits meanwhile.
///
/// `projectors` are all kinds of aggregates of the service.
///
/// # Errors
/// [`StoreError`] when an event is of no projector's kind or can't be read, or the database fails; nothing is changed
/// then.
pub async fn rebuild(database: &Database, projectors: &[Projector]) -> Result<u64, StoreError> {
    rebuild_telling(database, projectors, |_, _| ()).await
}

/// The same, where somebody waits for it: `tell` hears how far it has come, the position and the last one.
///
/// # Errors
/// As [`rebuild`].
pub async fn rebuild_telling(
    database: &Database,
    projectors: &[Projector],
    tell: impl FnMut(u64, u64),
) -> Result<u64, StoreError> {
    let tx = database.begin_unbounded().await?;
    match refill(&tx, projectors, tell).await {
        Ok(folded) => {
            tx.commit().await?;
            Ok(folded)
        }
        Err(error) => {
            if let Err(error) = tx.rollback().await {
                tracing::warn!(%error, "rollback failed");
            }
            Err(error)
        }
    }
}

async fn refill(tx: &Transaction, projectors: &[Projector], mut tell: impl FnMut(u64, u64)) -> Result<u64, StoreError> {
    let head = lock_head(tx).await?;
    let mut emptied = vec!["claims"];
    for table in projectors.iter().flat_map(|projector| projector.tables) {
        if !emptied.contains(table) {
            emptied.push(table);
        }
    }
    for table in emptied {
        tx.execute(Query::delete().from_table(table)).await?;
    }
    let mut states = States { projectors, states: HashMap::new() };
    let mut position = 0;
    while position < head {
        let page = log_page(tx, position, PAGE).await?;
        let (mut rows, mut claims) = (Rows::default(), ClaimTable::default());
        for event in &page {
            let projected = states.project(tx, event).await?;
            rows.extend(projected.rows);
            claims.change(&event.stream_id, projected.claims);
        }
        rows.write(tx).await?;
        claims.write(tx).await?;
        let Some(last) = page.last() else {
            return Err(StoreError::Damaged { position: head, column: "head.position" });
        };
        position = last.position;
        tell(position, head);
    }
    Ok(head)
}

/// The aggregates of the streams met so far.
struct States<'a> {
    projectors: &'a [Projector],
    states: HashMap<StreamId, State>,
}

impl States<'_> {
    async fn project(&mut self, tx: &Transaction, event: &StoredEvent) -> Result<Projected, StoreError> {
        let kind = event.stream_id.kind();
        let projector = self.projectors.iter().find(|projector| projector.kind == kind);
        let projector = projector.ok_or_else(|| StoreError::NoProjector { kind: kind.to_owned() })?;
        if !self.states.contains_key(&event.stream_id) {
            if self.states.len() >= STATES_MAX {
                self.states.clear();
            }
            let state = fold(tx, projector, event).await?;
            self.states.insert(event.stream_id.clone(), state);
        }
        let state = self.states.entry(event.stream_id.clone()).or_insert_with(projector.empty);
        (projector.project)(state, event)
    }
}

/// The aggregate before `event`.
async fn fold(tx: &Transaction, projector: &Projector, event: &StoredEvent) -> Result<State, StoreError> {
    let mut state = (projector.empty)();
    let mut version = 0;
    while version + 1 < event.stream_version {
        let page = stream_page(tx, &event.stream_id, version).await?;
        for earlier in page.iter().take_while(|earlier| earlier.stream_version < event.stream_version) {
            (projector.project)(&mut state, earlier)?;
            version = earlier.stream_version;
        }
        if page.is_empty() {
            return Err(StoreError::Damaged { position: event.position, column: "stream_version" });
        }
    }
    Ok(state)
}
