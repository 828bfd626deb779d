//! What can't be settled lies in the dead letters, and the others go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eseal_bus::Outcome;
use eseal_testkit::wait_until;

use crate::support::{COPIER, Pair, SOON, on_both_buses};

on_both_buses! {
    a_poisoned_event_parks_its_stream_and_the_others_go_on,
    a_stream_stays_parked_after_a_restart,
    a_replay_copies_the_stream_in_its_order_and_it_goes_on,
    a_replay_that_fails_again_keeps_the_order,
    a_replay_asked_for_while_nothing_runs_is_made_after_the_start,
    an_event_that_is_always_later_is_parked_at_last,
    a_handler_that_panics_is_tried_again_and_parked_at_last,
    a_rejected_reaction_is_parked,
}

fn said(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    texts.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

/// Refuses `poison` as long as the switch is on.
fn sour(pair: &Pair) -> Arc<AtomicBool> {
    let sour = Arc::new(AtomicBool::new(true));
    let still = sour.clone();
    pair.copier.feels(move |text| {
        (text == "poison" && still.load(Ordering::SeqCst)).then(|| Outcome::Never("it tastes bad".to_owned()))
    });
    sour
}

async fn a_poisoned_event_parks_its_stream_and_the_others_go_on(pair: Pair) {
    sour(&pair);
    pair.speaker.say_all(said(&[("a", "1"), ("a", "poison"), ("b", "1"), ("a", "2"), ("b", "2"), ("a", "3")])).await;
    let running = pair.consume();
    pair.until_cursor(6).await;
    let letters = pair.parked().await;
    assert_eq!(
        letters.iter().map(|letter| (letter.position, letter.tries)).collect::<Vec<_>>(),
        [(2, 1), (4, 0), (6, 0)]
    );
    assert_eq!(letters[0].reason, "it tastes bad");
    let copies = pair.copies.texts().await;
    assert_eq!((&copies["a"][..], &copies["b"][..]), (&["1".to_owned()][..], &["1".to_owned(), "2".to_owned()][..]));
    running.stop().await;
}

async fn a_stream_stays_parked_after_a_restart(pair: Pair) {
    let sour = sour(&pair);
    pair.speaker.say("a", "poison").await;
    let running = pair.consume();
    pair.until_parked(1).await;
    running.stop().await;
    sour.store(false, Ordering::SeqCst);
    pair.speaker.say("a", "2").await;
    let running = pair.consume();
    pair.until_parked(2).await;
    assert_eq!(pair.copies.events().await.len(), 0);
    running.stop().await;
}

async fn a_replay_copies_the_stream_in_its_order_and_it_goes_on(pair: Pair) {
    let sour = sour(&pair);
    pair.speaker.say_all(said(&[("a", "poison"), ("a", "2"), ("b", "poison"), ("b", "2")])).await;
    let running = pair.consume();
    pair.until_parked(4).await;
    sour.store(false, Ordering::SeqCst);
    assert_eq!(pair.letters().replay(COPIER.name).await.expect("asked"), 4);
    // These arrive while the replay runs, or before it, or after it.
    for i in 3..40 {
        pair.speaker.say("a", i.to_string()).await;
    }
    pair.until_all_is_copied().await;
    pair.until_parked(0).await;
    pair.speaker.say("b", "3").await;
    pair.until_all_is_copied().await;
    running.stop().await;
}

async fn a_replay_that_fails_again_keeps_the_order(pair: Pair) {
    let sour = sour(&pair);
    pair.speaker.say_all(said(&[("a", "poison"), ("a", "2"), ("a", "poison"), ("a", "4")])).await;
    let running = pair.consume();
    pair.until_parked(4).await;
    pair.letters().replay(COPIER.name).await.expect("asked");
    let given_up = async || {
        let letters = pair.parked().await;
        (letters.len() == 4 && letters.iter().all(|letter| !letter.replay)).then_some(())
    };
    wait_until("the replay has failed", SOON, given_up).await;
    assert_eq!(pair.copies.events().await.len(), 0, "nothing overtakes the first letter");
    sour.store(false, Ordering::SeqCst);
    pair.letters().replay(COPIER.name).await.expect("asked");
    pair.until_all_is_copied().await;
    running.stop().await;
}

async fn a_replay_asked_for_while_nothing_runs_is_made_after_the_start(pair: Pair) {
    let sour = sour(&pair);
    pair.speaker.say_all(said(&[("a", "poison"), ("a", "2")])).await;
    let running = pair.consume();
    pair.until_parked(2).await;
    running.stop().await;
    sour.store(false, Ordering::SeqCst);
    pair.letters().replay(COPIER.name).await.expect("asked");
    let running = pair.consume();
    pair.until_all_is_copied().await;
    running.stop().await;
}

async fn an_event_that_is_always_later_is_parked_at_last(pair: Pair) {
    pair.copier.feels(|text| (text == "never ready").then(|| Outcome::Later("not ready".to_owned())));
    pair.speaker.say_all(said(&[("a", "never ready"), ("b", "1")])).await;
    let running = pair.consume();
    pair.until_cursor(2).await;
    let letters = pair.parked().await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].tries, letters[0].reason.as_str()), (4, "not ready"));
    running.stop().await;
}

async fn a_handler_that_panics_is_tried_again_and_parked_at_last(pair: Pair) {
    pair.copier.feels(|text| if text == "bomb" { panic!("made by a test") } else { None });
    pair.speaker.say_all(said(&[("a", "bomb"), ("b", "1")])).await;
    let running = pair.consume();
    pair.until_cursor(2).await;
    let letters = pair.parked().await;
    assert_eq!((letters[0].tries, letters[0].reason.as_str()), (4, "the handler panicked"));
    assert_eq!(pair.copies.texts().await["b"], ["1"]);
    running.stop().await;
}

async fn a_rejected_reaction_is_parked(pair: Pair) {
    pair.speaker.say("a", "what the copier refuses").await;
    let running = pair.consume();
    pair.until_cursor(1).await;
    let letters = pair.parked().await;
    assert_eq!((letters[0].tries, letters[0].reason.as_str()), (1, "refused"));
    running.stop().await;
}
