//! The order of events across services.
//!
//! Within one service the order is known: positions are given in the order of commits. Between services there are only
//! causes and clocks. So the services' sequences are merged: of the next event of each, those whose cause was not told
//! yet wait, and of the others the earliest is told; at the same time, the service that stands first in the flow. An
//! effect never stands before its cause, whatever the clocks said, and the same events always give the same order.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet, VecDeque};

use eseal_proto::event::v1::Event;

/// The services in the order of the flow; others come after them, by name.
pub const OWNERS: [&str; 4] = ["application", "fabrication", "authentication", "verification"];

/// Where an owner stands in the flow.
pub fn rank(owner: &str) -> (usize, &str) {
    (OWNERS.iter().position(|known| *known == owner).unwrap_or(OWNERS.len()), owner)
}

/// Brings events into order.
pub fn in_order(events: Vec<Event>) -> Vec<Event> {
    let count = events.len();
    let mut untold: HashSet<String> = events.iter().map(|event| event.event_id.clone()).collect();
    let mut owners = BTreeMap::<String, VecDeque<Event>>::new();
    for event in events {
        owners.entry(event.owner.clone()).or_default().push_back(event);
    }
    let mut owners: Vec<_> = owners.into_values().collect();
    for events in &mut owners {
        events.make_contiguous().sort_by_key(|event| event.position);
    }
    let mut told = Vec::with_capacity(count);
    while let Some(next) = next(&owners, &untold) {
        let Some(event) = owners[next].pop_front() else { break };
        untold.remove(&event.event_id);
        told.push(event);
    }
    told
}

/// Which sequence goes on. Events that wait for each other were never recorded so; then the earliest goes on.
fn next(owners: &[VecDeque<Event>], untold: &HashSet<String>) -> Option<usize> {
    let heads = || owners.iter().enumerate().filter_map(|(index, events)| Some((index, events.front()?)));
    // An event that names itself as its cause waits for nobody.
    let waits = |event: &Event| event.causation_id != event.event_id && untold.contains(&event.causation_id);
    let ready = heads().filter(|(_, event)| !waits(event)).min_by(|(_, a), (_, b)| earlier(a, b));
    ready.or_else(|| heads().min_by(|(_, a), (_, b)| earlier(a, b))).map(|(index, _)| index)
}

/// RFC 3339 in UTC with six digits: the order of texts is that of times.
fn earlier(a: &Event, b: &Event) -> Ordering {
    (&a.occurred_at, rank(&a.owner), a.position).cmp(&(&b.occurred_at, rank(&b.owner), b.position))
}

#[cfg(test)]
mod tests;
