//! What asks a consumer for nothing goes past it.

use std::sync::atomic::Ordering;

use eseal_bus::Outcome;
use eseal_eventstore::StoredEvent;

use crate::support::{Pair, on_both_buses};

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
