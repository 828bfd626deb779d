//! Who is connected, and who has to go when there is no room for one more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// All connections of a listener. Cheap to clone.
#[derive(Clone)]
pub(super) struct Table(Arc<Shared>);

struct Shared {
    most: usize,
    most_shaking: usize,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    next: u64,
    open: HashMap<u64, Row>,
}

struct Row {
    /// Whether it has not asked anything yet.
    is_new: bool,
    /// Requests under way.
    busy: u32,
    /// Since when nothing has begun or ended.
    since: Instant,
    make_room: CancellationToken,
}

impl Table {
    pub(super) fn new(most: usize, most_shaking: usize) -> Self {
        Self(Arc::new(Shared { most, most_shaking, rows: Mutex::default() }))
    }

    /// Enters a new connection. If it is one too many, the one that has been idle for the longest is told to go.
    pub(super) fn enter(&self) -> Entry {
        let mut rows = self.rows();
        if rows.staying().count() >= self.0.most {
            rows.send_away(|_| true);
        } else if rows.staying().filter(|row| row.is_new).count() >= self.0.most_shaking {
            rows.send_away(|row| row.is_new);
        }
        let (id, make_room) = (rows.next, CancellationToken::new());
        rows.next += 1;
        rows.open.insert(id, Row { is_new: true, busy: 0, since: Instant::now(), make_room: make_room.clone() });
        Entry { table: self.clone(), id, make_room }
    }

    /// The process can't take one more, whatever the bounds say: one goes, if one is idle.
    pub(super) fn squeeze(&self) {
        self.rows().send_away(|_| true);
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Row)) {
        if let Some(row) = self.rows().open.get_mut(&id) {
            change(row);
        }
    }
}

impl Rows {
    /// Those that were not told to go.
    fn staying(&self) -> impl Iterator<Item = &Row> {
        self.open.values().filter(|row| !row.make_room.is_cancelled())
    }

    /// Tells the one to go that has been idle for the longest.
    fn send_away(&self, may_go: impl Fn(&Row) -> bool) {
        let may_go = |row: &Row| !row.make_room.is_cancelled() && row.busy == 0 && may_go(row);
        let idle = self.open.iter().filter(|(_, row)| may_go(row));
        if let Some((_, row)) = idle.min_by_key(|(id, row)| (row.since, **id)) {
            row.make_room.cancel();
        }
    }
}

/// A connection in the table; dropped, it has left.
pub(super) struct Entry {
    table: Table,
    id: u64,
    make_room: CancellationToken,
}

impl Entry {
    /// A request has begun; it has ended when this is dropped.
    pub(super) fn begin(&self) -> Busy {
        self.table.change(self.id, |row| {
            (row.is_new, row.busy, row.since) = (false, row.busy + 1, Instant::now());
        });
        Busy { table: self.table.clone(), id: self.id }
    }

    /// When it must make room for others.
    pub(super) async fn make_room(&self) {
        self.make_room.cancelled().await;
    }

    #[cfg(test)]
    fn is_in_the_way(&self) -> bool {
        self.make_room.is_cancelled()
    }

    /// When nothing has been under way for `time`.
    pub(super) async fn idle_for(&self, time: Duration) {
        loop {
            let idle_since = {
                let rows = self.table.rows();
                rows.open
                    .get(&self.id)
                    .map_or_else(Instant::now, |row| if row.busy > 0 { Instant::now() } else { row.since })
            };
            let then = idle_since + time;
            if then <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(then).await;
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.table.rows().open.remove(&self.id);
    }
}

/// A request under way.
pub(super) struct Busy {
    table: Table,
    id: u64,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.table.change(self.id, |row| (row.busy, row.since) = (row.busy.saturating_sub(1), Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_too_many_sends_the_longest_idle_away_and_never_a_busy_one() {
        let table = Table::new(3, 3);
        let mut entries = Vec::new();
        for _ in 0..3 {
            entries.push(table.enter());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let _request = entries[0].begin();
        let fourth = table.enter();
        let gone: Vec<_> = entries.iter().map(Entry::is_in_the_way).collect();
        assert_eq!((gone, fourth.is_in_the_way()), (vec![false, true, false], false));
        // Those that go are not counted any more, and not told twice.
        let fifth = table.enter();
        let gone: Vec<_> = entries.iter().map(Entry::is_in_the_way).collect();
        assert_eq!((gone, fifth.is_in_the_way()), (vec![false, true, true], false));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_never_ask_anything_push_out_each_other_only() {
        let table = Table::new(100, 2);
        let client = table.enter();
        drop(client.begin());
        tokio::time::advance(Duration::from_secs(1)).await;
        let silent: Vec<_> = (0..5).map(|_| table.enter()).collect();
        assert!(!client.is_in_the_way());
        let gone: Vec<_> = silent.iter().map(Entry::is_in_the_way).collect();
        assert_eq!(gone, [true, true, true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_from_the_end_of_its_last_request() {
        let (table, begun) = (Table::new(1, 1), Instant::now());
        let entry = table.enter();
        let request = entry.begin();
        let ends = async {
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(request);
        };
        tokio::join!(ends, entry.idle_for(Duration::from_secs(7)));
        assert!((107..=114).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    }
}
