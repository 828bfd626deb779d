use proptest::prelude::*;

use super::*;
use crate::testing::Chronicle;

fn names(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{}{}", &event.owner[..2], event.position)).collect()
}

#[test]
fn an_effect_comes_after_its_cause_although_its_clock_was_behind() {
    let mut application = Chronicle::of("application");
    application.add("application-1", "Submitted", "{}", 100);
    let approved = application.add("application-1", "Approved", "{}", 200).event_id.clone();
    let mut fabrication = Chronicle::of("fabrication");
    fabrication.add_caused("fabrication-1", "FabricationQueued", "{}", 50, &approved);
    fabrication.add("fabrication-1", "RunBegun", "{}", 60);
    let events = [fabrication.events, application.events].concat();
    assert_eq!(names(&in_order(events)), ["ap1", "ap2", "fa1", "fa2"]);
}

#[test]
fn without_causes_time_decides_and_then_the_order_of_the_flow() {
    let mut chronicles = ["verification", "authentication", "application", "audit"].map(Chronicle::of);
    for (chronicle, seconds) in chronicles.iter_mut().zip([5, 5, 5, 4]) {
        chronicle.add("x-1", "Done", "{}", seconds);
    }
    let events = chronicles.into_iter().flat_map(|chronicle| chronicle.events).collect();
    let owners: Vec<_> = in_order(events).into_iter().map(|event| event.owner).collect();
    assert_eq!(owners, ["audit", "application", "authentication", "verification"]);
}

#[test]
fn the_order_of_a_service_is_kept_when_its_clock_goes_back() {
    let mut chronicle = Chronicle::of("authentication");
    for seconds in [10, 3, 7] {
        chronicle.add("seal-1", "PinUnlocked", "{}", seconds);
    }
    assert_eq!(names(&in_order(chronicle.events)), ["au1", "au2", "au3"]);
}

#[test]
fn events_that_wait_for_each_other_are_all_told() {
    let mut one = Chronicle::of("application");
    let mut other = Chronicle::of("fabrication");
    let first = one.add("application-1", "Submitted", "{}", 1).event_id.clone();
    let second = other.add_caused("fabrication-1", "FabricationQueued", "{}", 2, &first).event_id.clone();
    one.events[0].causation_id = second;
    let own = other.add("fabrication-1", "RunBegun", "{}", 3);
    own.causation_id = own.event_id.clone();
    assert_eq!(names(&in_order([one.events, other.events].concat())), ["ap1", "fa1", "fa2"]);
}

/// Who, when, and which of the events before is the cause.
fn history() -> impl Strategy<Value = Vec<(usize, i64, Option<prop::sample::Index>)>> {
    prop::collection::vec((0..4_usize, 0..20_i64, prop::option::of(any::<prop::sample::Index>())), 1..40)
}

proptest! {
    #[test]
    fn whatever_the_clocks_say_causes_come_first_positions_are_kept_and_the_order_is_one(
        history in history(), turn in any::<prop::sample::Index>(),
    ) {
        let mut chronicles = OWNERS.map(Chronicle::of);
        let mut recorded: Vec<String> = Vec::new();
        for (owner, seconds, cause) in history {
            let cause = cause.filter(|_| !recorded.is_empty()).map(|cause| cause.get(&recorded).clone());
            let event = chronicles[owner].add_caused("x-1", "Done", "{}", seconds, &cause.unwrap_or_default());
            recorded.push(event.event_id.clone());
        }
        let events: Vec<Event> = chronicles.into_iter().flat_map(|chronicle| chronicle.events).collect();
        let told = in_order(events.clone());
        prop_assert_eq!(told.len(), events.len());
        for (index, event) in told.iter().enumerate() {
            let after = &told[index + 1..];
            prop_assert!(after.iter().all(|later| later.event_id != event.causation_id));
            prop_assert!(after.iter().all(|later| later.owner != event.owner || later.position > event.position));
        }
        let mut turned = events;
        let by = turn.index(turned.len());
        turned.rotate_left(by);
        prop_assert_eq!(in_order(turned), told);
    }
}
