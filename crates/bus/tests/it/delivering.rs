//! Every event arrives, once, and in the order of its stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use eseal_bus::{Outcome, Retry};
use eseal_testkit::wait_until;

use crate::support::{Pair, SOON, on_both_buses};

on_both_buses! {
    each_event_is_copied_once_and_in_the_order_of_its_stream,
    a_reaction_names_its_cause,
    a_fact_that_asks_for_nothing_moves_the_cursor,
    a_restart_continues_at_the_cursor,
    a_consumer_killed_again_and_again_copies_each_text_once,
    two_consumers_of_one_name_copy_each_text_once,
    an_event_is_tried_again_until_it_succeeds,
    a_stream_that_waits_does_not_hold_up_the_others,
    no_more_than_a_thousand_events_are_in_hand,
}

/// The second try is later than any test waits.
const PATIENT: Retry = Retry { first: SOON, longest: SOON, tries: 2 };

/// Texts of `streams` streams in turn, `count` altogether.
fn texts(streams: usize, count: usize) -> impl Iterator<Item = (String, String)> {
    (0..count).map(move |i| (format!("s{}", i % streams), format!("text {i}")))
}

async fn each_event_is_copied_once_and_in_the_order_of_its_stream(pair: Pair) {
    pair.speaker.say_all(texts(10, 150)).await;
    let running = pair.consume();
    pair.speaker.say_all(texts(7, 150)).await;
    pair.until_cursor(300).await;
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
    running.stop().await;
}

async fn a_reaction_names_its_cause(pair: Pair) {
    pair.speaker.say("a", "hello").await;
    let running = pair.consume();
    pair.until_cursor(1).await;
    let (said, copied) = (pair.speaker.events().await.remove(0), pair.copies.events().await.remove(0));
    assert_eq!(copied.causation_id, Some(said.event_id));
    assert_eq!(copied.correlation_id, said.correlation_id);
    running.stop().await;
}

async fn a_fact_that_asks_for_nothing_moves_the_cursor(pair: Pair) {
    pair.copier.feels(|_| Some(Outcome::Done));
    pair.speaker.say_all(texts(3, 20)).await;
    let running = pair.consume();
    pair.until_cursor(20).await;
    assert_eq!(pair.copies.events().await.len(), 0);
    running.stop().await;
}

async fn a_restart_continues_at_the_cursor(pair: Pair) {
    pair.speaker.say_all(texts(5, 40)).await;
    let running = pair.consume();
    pair.until_cursor(40).await;
    running.stop().await;
    pair.speaker.say("s0", "one more").await;
    let running = pair.consume();
    pair.until_cursor(41).await;
    running.stop().await;
    assert_eq!(pair.copier.calls.load(Ordering::SeqCst), 41);
}

async fn a_consumer_killed_again_and_again_copies_each_text_once(pair: Pair) {
    pair.speaker.say_all(texts(9, 400)).await;
    let mut kills = 0;
    while pair.cursor().await < 400 {
        let running = pair.consume();
        // Anywhere: between the read, the handler, the commit and what comes after it.
        tokio::time::sleep(pair.moment * (kills % 40)).await;
        running.task.abort();
        let _ = running.task.await;
        kills += 1;
        assert!(kills < 5_000, "no progress");
    }
    assert!(kills > 1);
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
}

async fn two_consumers_of_one_name_copy_each_text_once(pair: Pair) {
    pair.speaker.say_all(texts(9, 200)).await;
    let (first, second) = (pair.consume(), pair.consume());
    pair.until_cursor(200).await;
    first.stop().await;
    second.stop().await;
    let sorted = |texts: std::collections::BTreeMap<String, Vec<String>>| {
        let mut texts: Vec<String> = texts.into_values().flatten().collect();
        texts.sort();
        texts
    };
    assert_eq!(sorted(pair.copies.texts().await), sorted(pair.speaker.texts().await));
}

async fn an_event_is_tried_again_until_it_succeeds(pair: Pair) {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    pair.copier.feels(move |text| {
        let not_yet = text == "shy" && counted.fetch_add(1, Ordering::SeqCst) < 3;
        not_yet.then(|| Outcome::Later("not yet".to_owned()))
    });
    pair.speaker.say_all([("a", "shy"), ("a", "bold")].map(|(id, text)| (id.to_owned(), text.to_owned()))).await;
    let running = pair.consume();
    pair.until_cursor(2).await;
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
    assert_eq!(tries.load(Ordering::SeqCst), 4);
    running.stop().await;
}

async fn a_stream_that_waits_does_not_hold_up_the_others(pair: Pair) {
    let pair = Pair { bus: pair.bus.clone().retrying(PATIENT), ..pair };
    pair.copier.feels(|text| (text == "slow").then(|| Outcome::Later("in a long while".to_owned())));
    pair.speaker.say("slow", "slow").await;
    pair.speaker.say("slow", "behind").await;
    pair.speaker.say_all(texts(5, 50)).await;
    let running = pair.consume();
    let others = async || (pair.copies.events().await.len() == 50).then_some(());
    wait_until("the other streams are copied", SOON, others).await;
    assert_eq!(pair.cursor().await, 0, "the cursor waits for the first event");
    running.stop().await;
    // What was settled ahead of the cursor is not even looked at after the restart.
    let calls = pair.copier.calls.load(Ordering::SeqCst);
    pair.copier.feels(|_| None);
    let running = pair.consume();
    pair.until_cursor(52).await;
    running.stop().await;
    assert_eq!(pair.copier.calls.load(Ordering::SeqCst), calls + 2);
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
}

async fn no_more_than_a_thousand_events_are_in_hand(pair: Pair) {
    let pair = Pair { bus: pair.bus.clone().retrying(PATIENT), ..pair };
    let stuck = Arc::new(AtomicBool::new(true));
    let still = stuck.clone();
    pair.copier.feels(move |text| {
        (text == "stuck" && still.load(Ordering::SeqCst)).then(|| Outcome::Later("stuck".to_owned()))
    });
    let behind = (0..1_500).map(|i| ("a".to_owned(), if i == 0 { "stuck".to_owned() } else { format!("text {i}") }));
    let mut texts: Vec<_> = behind.collect();
    texts.insert(999, ("b".to_owned(), "the thousandth".to_owned()));
    texts.push(("c".to_owned(), "far behind".to_owned()));
    pair.speaker.say_all(texts).await;
    let running = pair.consume();
    let thousandth = async || (!pair.copies.events().await.is_empty()).then_some(());
    wait_until("the thousandth is copied", SOON, thousandth).await;
    assert_eq!(pair.copies.texts().await.keys().collect::<Vec<_>>(), ["b"], "the log is not read on");
    running.stop().await;
    stuck.store(false, Ordering::SeqCst);
    let running = pair.consume();
    pair.until_all_is_copied().await;
    running.stop().await;
}
