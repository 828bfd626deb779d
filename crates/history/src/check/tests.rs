use super::*;
use crate::testing::Chronicle;

/// What somebody does to an event.
type Change = fn(&mut Event);

/// Three streams, mixed: positions 1 to 9.
fn honest() -> Vec<Event> {
    let mut chronicle = Chronicle::of("authentication");
    for number in 0..9 {
        let stream = format!("seal-{}", ["a", "b", "c"][number % 3]);
        chronicle.add(&stream, "PinUnlocked", r#"{"sealId":"a"}"#, number as i64);
    }
    chronicle.events
}

fn check(events: &[Event], head: Option<u64>) -> Check {
    let mut checker = Checker::new(true);
    events.iter().for_each(|event| checker.next(event));
    checker.found(head)
}

/// What the check of these events finds: the position, and what is wrong there.
fn misfit(events: &[Event]) -> (u64, Wrong) {
    let found = check(events, None);
    let misfit = found.misfit.expect("something does not fit");
    assert_eq!(found.events + 1, events.iter().position(|event| event.event_id == misfit.event_id).unwrap() as u64 + 1);
    (misfit.position, misfit.wrong)
}

#[test]
fn an_honest_history_passes_and_is_counted() {
    let found = check(&honest(), Some(9));
    assert!(found.passed());
    assert_eq!((found.events, found.streams, found.last_position), (9, 3, 9));
}

#[test]
fn a_changed_payload_is_named_at_its_event() {
    let mut events = honest();
    events[4].payload = br#"{"sealId":"b"}"#.to_vec();
    let computed = hash_of(&events[4]);
    assert_eq!(misfit(&events), (5, Wrong::Changed { computed }));
}

#[test]
fn each_changed_field_is_named_at_its_event() {
    let change: [(&str, Change); 9] = [
        ("event id", |e| e.event_id = "0192f0c1-6d3f-7b21-9c63-402dab8f6e12".to_owned()),
        ("stream", |e| e.stream_id = "seal-a".to_owned()),
        ("version", |e| e.stream_version = 7),
        ("type", |e| e.r#type.push('x')),
        ("schema version", |e| e.schema_version = 2),
        ("time", |e| e.occurred_at = "2027-01-15T08:00:00.000000Z".to_owned()),
        ("actor", |e| e.actor = "admin:root".to_owned()),
        ("correlation", |e| e.correlation_id = "x".to_owned()),
        ("cause", |e| e.causation_id = "x".to_owned()),
    ];
    for (field, change) in change {
        let mut events = honest();
        change(&mut events[4]);
        let (position, wrong) = misfit(&events);
        assert_eq!((position, wrong.code()), (5, "EVENT_CHANGED"), "{field}");
    }
}

#[test]
fn the_trace_context_is_outside_the_hash() {
    let mut events = honest();
    events[4].traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
    assert!(check(&events, None).passed());
}

#[test]
fn an_event_that_was_hashed_anew_breaks_the_chain_at_the_next_of_its_stream() {
    let mut events = honest();
    events[1].actor = "admin:root".to_owned();
    events[1].hash = hash_of(&events[1]).to_string();
    let before = events[1].hash.parse().ok();
    assert_eq!(misfit(&events), (5, Wrong::Unlinked { before }));
}

#[test]
fn a_deleted_event_is_named_by_its_position() {
    let mut events = honest();
    events.remove(4);
    assert_eq!(misfit(&events), (6, Wrong::PositionMissing { expected: 5 }));
}

#[test]
fn what_comes_after_a_misfit_is_not_counted() {
    let mut events = honest();
    events[1].actor = "admin:root".to_owned();
    let found = check(&events, Some(9));
    assert_eq!((found.events, found.streams, found.last_position), (1, 1, 9));
}

#[test]
fn a_deleted_event_whose_position_was_given_to_the_next_is_named_too() {
    let mut events = honest();
    events.remove(4);
    for event in &mut events[4..] {
        event.position -= 1;
        event.hash = hash_of(event).to_string();
    }
    // Position 5 was 6: it is of another stream, whose chain still holds; 7, now of the stream that lost one, does not.
    assert_eq!(misfit(&events), (7, Wrong::VersionMissing { expected: 2 }));
}

#[test]
fn two_swapped_events_are_named_at_the_first() {
    let mut events = honest();
    events.swap(3, 4);
    assert_eq!(misfit(&events), (5, Wrong::PositionMissing { expected: 4 }));
}

#[test]
fn a_history_that_does_not_begin_at_its_first_event_does_not_pass() {
    assert_eq!(misfit(&honest()[1..]), (2, Wrong::PositionMissing { expected: 1 }));
}

#[test]
fn a_missing_tail_is_found_by_the_position_that_the_service_names() {
    let found = check(&honest()[..7], Some(9));
    let misfit = found.misfit.expect("something does not fit");
    assert_eq!((misfit.position, misfit.wrong), (8, Wrong::TailMissing { expected: 8, head: 9 }));
    let nothing = check(&[], Some(2)).misfit.expect("something does not fit");
    assert_eq!(nothing.wrong, Wrong::TailMissing { expected: 1, head: 2 });
}

#[test]
fn a_line_feed_can_not_move_the_border_between_two_fields() {
    let mut events = honest();
    // The same fourteen lines, cut otherwise: the hash fits.
    events[4].subject = format!("{}\n{}", events[4].subject, events[4].correlation_id);
    events[4].correlation_id = events[4].causation_id.clone();
    assert_eq!(misfit(&events), (5, Wrong::Malformed { field: "subject" }));
}

#[test]
fn a_hash_that_is_none_is_malformed() {
    let mut events = honest();
    events[4].hash = events[4].hash.to_uppercase();
    assert_eq!(misfit(&events), (5, Wrong::Malformed { field: "hash" }));
}

#[test]
fn every_finding_has_words() {
    let computed = Digest::of(b"");
    let all = [
        Wrong::Malformed { field: "hash" },
        Wrong::Changed { computed },
        Wrong::Unlinked { before: None },
        Wrong::VersionMissing { expected: 1 },
        Wrong::PositionMissing { expected: 1 },
        Wrong::TailMissing { expected: 1, head: 1 },
    ];
    let codes: Vec<_> = all.iter().map(Wrong::code).collect();
    assert_eq!(codes, Wrong::CODES.iter().map(|(code, ..)| *code).collect::<Vec<_>>());
}
