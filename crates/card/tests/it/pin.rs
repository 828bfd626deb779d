//! Who may try a PIN, how often, and what is left of it when a process dies.

use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use eseal_card::{CardError, SoftCard, Tries};

use crate::{Desk, PIN, WRONG, open, pin};

/// Where a helper process finds its card.
const CARD: &str = "ESEAL_TEST_CARD";
/// The PIN it tries.
const TRIED: &str = "ESEAL_TEST_PIN";

#[test]
fn the_right_pin_unlocks_and_a_wrong_one_says_how_many_tries_are_left() {
    let desk = Desk::with_card();
    assert!(matches!(desk.card.unlock(&pin(WRONG)), Err(CardError::PinIncorrect { tries_left: Tries::Exactly(4) })));
    assert_eq!(desk.card.tries_left().expect("readable"), 4);
    assert!(desk.card.unlock(&pin(PIN)).is_ok());
}

#[test]
fn the_right_pin_gives_all_tries_back() {
    let desk = Desk::with_card();
    for _ in 0..3 {
        for left in [4, 3] {
            assert_eq!(wrong(&desk.card), Some(left));
        }
        assert!(desk.card.unlock(&pin(PIN)).is_ok());
        assert_eq!(desk.card.tries_left().expect("readable"), 5);
    }
}

#[test]
fn five_wrong_pins_over_two_handles_lock_both_for_good() {
    let desk = Desk::with_card();
    let other = desk.another_handle();
    let handles = [&desk.card, &other, &desk.card, &other, &desk.card];
    let answers: Vec<Option<u8>> = handles.into_iter().map(wrong).collect();
    assert_eq!(answers, [Some(4), Some(3), Some(2), Some(1), None]);
    for handle in [&desk.card, &other, &desk.another_handle()] {
        assert!(matches!(handle.unlock(&pin(PIN)), Err(CardError::PinLocked)), "even with the right PIN");
        assert_eq!(handle.tries_left().expect("readable"), 0);
    }
}

#[test]
fn five_wrong_pins_of_five_processes_lock_the_card() {
    let desk = Desk::with_card();
    for left in [4, 3, 2, 1, 0] {
        assert!(helper(&desk, "try_one_pin", WRONG).wait().expect("ended").success());
        assert_eq!(desk.card.tries_left().expect("readable"), left);
    }
    assert!(matches!(desk.card.unlock(&pin(PIN)), Err(CardError::PinLocked)));
}

#[test]
fn guesses_at_the_same_moment_get_five_tries_together() {
    let desk = Desk::with_card();
    let guessers = 8;
    let start = Barrier::new(guessers);
    let answers: Vec<Option<u8>> = std::thread::scope(|scope| {
        let guess = || {
            let handle = desk.another_handle();
            start.wait();
            wrong(&handle)
        };
        let threads: Vec<_> = (0..guessers).map(|_| scope.spawn(guess)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let mut left: Vec<u8> = answers.into_iter().flatten().collect();
    left.sort_unstable();
    assert_eq!(left, [1, 2, 3, 4], "each number once, and all other guesses found the card locked");
    assert!(matches!(desk.card.unlock(&pin(PIN)), Err(CardError::PinLocked)));
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_card_that_opens() {
    let desk = Desk::with_card();
    for milliseconds in [1, 30, 60, 90, 130, 170, 220, 280] {
        let mut child = helper(&desk, "use_the_card_for_ever", PIN);
        work_goes_on_for(&desk, Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        child.wait().expect("ended");
        let card = open(&desk.path());
        assert!(card.tries_left().expect("readable") >= 4, "a kill costs one try at most");
        let unlocked = card.unlock(&pin(PIN)).expect("unlocks");
        let seal = unlocked.read_seal().expect("readable");
        assert!(seal.is_none_or(|seal| seal == [7; 1000] || seal == [9; 2000]), "one whole seal or the other");
    }
}

#[test]
fn a_half_written_replacement_that_was_left_behind_does_no_harm() {
    let desk = Desk::with_card();
    let left_behind = desk.directory.path().join("holder.card.new");
    std::fs::write(&left_behind, b"{ \"format\": \"eseal-so").expect("written");
    let unlocked = open(&desk.path()).unlock(&pin(PIN)).expect("unlocks");
    unlocked.store_seal(b"seal").expect("stored");
    assert_eq!(unlocked.read_seal().expect("readable").as_deref(), Some(&b"seal"[..]));
    assert!(!left_behind.exists());
}

#[test]
fn after_a_change_the_old_pin_is_wrong_and_the_new_one_right() {
    let desk = Desk::with_card();
    let unlocked = desk.card.unlock(&pin(PIN)).expect("unlocks");
    unlocked.store_seal(b"seal").expect("stored");
    unlocked.change_pin(&pin("161803")).expect("changed");
    assert_eq!(wrong_with(&desk.card, PIN), Some(4));
    let again = desk.another_handle().unlock(&pin("161803")).expect("unlocks");
    assert_eq!(again.read_seal().expect("readable").as_deref(), Some(&b"seal"[..]));
    assert!(unlocked.store_seal(b"newer").is_ok(), "what was unlocked stays unlocked");
}

/// The answer to a wrong PIN: the tries left, or `None` for a locked card.
fn wrong(card: &SoftCard) -> Option<u8> {
    wrong_with(card, WRONG)
}

fn wrong_with(card: &SoftCard, text: &str) -> Option<u8> {
    match card.unlock(&pin(text)) {
        Err(CardError::PinIncorrect { tries_left }) => tries_left.number(),
        Err(CardError::PinLocked) => None,
        other => panic!("a wrong PIN was answered with {other:?}"),
    }
}

/// This test binary once more, as a process of its own that runs one of the tests below.
fn helper(desk: &Desk, name: &str, tried: &str) -> Child {
    let name = format!("pin::{name}");
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", &name, "--ignored", "--nocapture"])
        .env(CARD, desk.path())
        .env(TRIED, tried)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started")
}

/// Spins until the helper is at work on the card and `longer` has passed since; a bounded wait, since a slow machine must
/// not fail the test.
fn work_goes_on_for(desk: &Desk, longer: Duration) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) && open(&desk.path()).tries_left().expect("readable") == 5 {}
    let at_work = Instant::now();
    while at_work.elapsed() < longer {
        assert!(open(&desk.path()).tries_left().is_ok(), "readable at every moment");
    }
}

#[test]
#[ignore = "run by other tests, as a process of its own"]
fn try_one_pin() {
    let Ok(path) = std::env::var(CARD) else { return };
    let _ = open(path.as_ref()).unlock(&pin(&std::env::var(TRIED).expect("a PIN")));
}

#[test]
#[ignore = "run by other tests, as a process of its own, and killed"]
fn use_the_card_for_ever() {
    let Ok(path) = std::env::var(CARD) else { return };
    loop {
        let unlocked = open(path.as_ref()).unlock(&pin(&std::env::var(TRIED).expect("a PIN"))).expect("unlocks");
        unlocked.store_seal(&[7; 1000]).expect("stored");
        unlocked.store_seal(&[9; 2000]).expect("stored");
    }
}
