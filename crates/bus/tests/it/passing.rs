//! What asks a consumer for nothing goes past it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eseal_bus::Outcome;
use eseal_eventstore::{Database, StoredEvent};
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Order, Query};
use tokio::task::yield_now;

use crate::support::{Pair, SOON, on_both_buses};

on_both_buses! {
    what_asks_for_nothing_is_settled_without_the_handler,
    what_asks_for_nothing_is_settled_behind_what_is_parked,
    a_consumer_killed_while_some_wait_passes_them_at_last,
}

/// Nothing is asked for by what is quiet.
fn loud(fact: &StoredEvent) -> bool {
    !fact.payload.starts_with(b"quiet")
}

/// So many texts of three streams; one in ten is loud.
fn mostly_quiet(count: usize) -> impl Iterator<Item = (String, String)> {
    (0..count).map(|i| (format!("s{}", i % 3), format!("{} {i}", if i % 10 == 0 { "loud" } else { "quiet" })))
}

async fn what_asks_for_nothing_is_settled_without_the_handler(mut pair: Pair) {
    pair.wanted = loud;
    pair.speaker.say_all(mostly_quiet(1_500)).await;
    let running = pair.consume();
    pair.until_cursor(1_500).await;
    running.stop().await;
    assert_eq!(pair.copier.calls.load(Ordering::SeqCst), 150);
    let mut said = pair.speaker.texts().await;
    said.values_mut().for_each(|texts| texts.retain(|text| text.starts_with("loud")));
    assert_eq!(pair.copies.texts().await, said);
}

async fn what_asks_for_nothing_is_settled_behind_what_is_parked(mut pair: Pair) {
    pair.wanted = loud;
    pair.copier.feels(|text| (text == "loud poison").then(|| Outcome::Never("it tastes bad".to_owned())));
    let texts = ["loud poison", "quiet 1", "loud 2", "quiet 3"];
    pair.speaker.say_all(texts.map(|text| ("a".to_owned(), text.to_owned()))).await;
    let running = pair.consume();
    pair.until_cursor(4).await;
    running.stop().await;
    let letters = pair.parked().await;
    assert_eq!(letters.iter().map(|letter| letter.position).collect::<Vec<_>>(), [1, 3]);
}

async fn a_consumer_killed_while_some_wait_passes_them_at_last(mut pair: Pair) {
    pair.wanted = loud;
    pair.speaker.say_all(mostly_quiet(900)).await;
    let mut kills = 0;
    while pair.cursor().await < 900 {
        let running = pair.consume();
        // Anywhere: while they wait, while they are settled, and in between. Each time a little later, so that it ends.
        tokio::time::sleep(pair.moment * kills).await;
        running.task.abort();
        let _ = running.task.await;
        kills += 1;
    }
    let copied: usize = pair.copies.texts().await.values().map(Vec::len).sum();
    assert_eq!(copied, 90);
}

/// How many events the consumer of [`those_that_come_one_by_one_share_a_commit`] has taken up.
static TAKEN_UP: AtomicU64 = AtomicU64::new(0);

fn none(_: &StoredEvent) -> bool {
    TAKEN_UP.fetch_add(1, Ordering::SeqCst);
    false
}

#[tokio::test]
async fn those_that_come_one_by_one_share_a_commit() {
    let pair = Pair { wanted: none, ..Pair::local().await };
    let copies = &pair.copies.database;
    cursors_are_noted(copies).await;
    time_stands_still();
    let running = pair.consume();
    // Each is said once the one before it was taken up: none waits for another in the writer's queue.
    let taken_up = async |until: u64| {
        for position in TAKEN_UP.load(Ordering::SeqCst) + 1..=until {
            pair.speaker.say("s", "quiet").await;
            until_so("it is taken up", async || TAKEN_UP.load(Ordering::SeqCst) == position).await;
        }
    };
    taken_up(199).await;
    assert_eq!(noted(copies).await, [0; 0], "there is time for more");
    taken_up(200).await;
    until_so("two hundred are settled", async || pair.cursor().await == 200).await;
    taken_up(203).await;
    tokio::time::advance(Duration::from_millis(99)).await;
    taken_up(205).await;
    assert_eq!(noted(copies).await, [200], "the others wait for a tenth of a second");
    tokio::time::advance(Duration::from_millis(2)).await;
    until_so("the others are settled", async || pair.cursor().await == 205).await;
    assert_eq!(noted(copies).await, [200, 205]);
    running.stop().await;
}

/// From now on time goes on only where the test says so. It would jump ahead whenever all wait for the database, were there not
/// one who never waits.
fn time_stands_still() {
    tokio::spawn(async {
        loop {
            yield_now().await;
        }
    });
    tokio::time::pause();
}

/// Waits without time.
async fn until_so(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < SOON, "waited in vain until {what}");
        yield_now().await;
    }
}

/// Has each commit that moves a cursor leave a note.
async fn cursors_are_noted(database: &Database) {
    let noting = database.begin().await.expect("begun");
    for sql in [
        "CREATE TABLE notes (number INTEGER PRIMARY KEY, position INTEGER NOT NULL)",
        "CREATE TRIGGER set_first AFTER INSERT ON cursors BEGIN INSERT INTO notes (position) VALUES (NEW.position); END",
        "CREATE TRIGGER moved AFTER UPDATE ON cursors BEGIN INSERT INTO notes (position) VALUES (NEW.position); END",
    ] {
        noting.execute_unprepared(sql).await.expect("done");
    }
    noting.commit().await.expect("committed");
}

/// Where the cursor stood after each commit.
async fn noted(database: &Database) -> Vec<i64> {
    let select = Query::select().column("position").from("notes").order_by("number", Order::Asc).take();
    let rows = database.reader().query_all(&select).await.expect("rows");
    rows.iter().map(|row| row.try_get("", "position").expect("a position")).collect()
}
