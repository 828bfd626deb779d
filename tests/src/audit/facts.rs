//! Whether the facts hang together: positions, chains, what follows from what, and what each consumer has settled.

use std::collections::{BTreeMap, HashMap, HashSet};

use eseal_eventstore::{StoredEvent, verify_log};
use eseal_kernel::Id;

use super::{Books, Case, Finding, Findings};

/// What a fact of one service has to be answered with in another, exactly once.
const REACTIONS: [(&str, &str, &str); 15] = [
    ("application.Approved", "fabrication", "FabricationQueued"),
    ("fabrication.SealFabricated", "authentication", "SealRegistered"),
    ("fabrication.SealFabricated", "application", "SealMadeNoted"),
    ("fabrication.FabricationStopped", "application", "Cancelled"),
    ("fabrication.FabricationRefused", "application", "FabricationRefusalNoted"),
    ("authentication.SealRegistered", "application", "SealStateNoted"),
    ("authentication.SealActivated", "application", "SealStateNoted"),
    ("authentication.SealSuspended", "application", "SealStateNoted"),
    ("authentication.SealResumed", "application", "SealStateNoted"),
    ("authentication.SealRevoked", "application", "SealStateNoted"),
    ("authentication.SealReplaced", "application", "SealStateNoted"),
    ("authentication.SealRevoked", "fabrication", "CardReleased"),
    ("authentication.SealReplaced", "fabrication", "CardReleased"),
    ("authentication.SealExpired", "fabrication", "CardReleased"),
    ("authentication.ApplicationCarriedOut", "application", "CarriedOutNoted"),
];

/// Who consumes whose facts.
pub(super) const CONSUMERS: [(&str, &str, &str); 9] = [
    ("application", "application", "application"),
    ("application", "application", "fabrication"),
    ("application", "application", "authentication"),
    ("fabrication", "fabrication", "application"),
    ("fabrication", "fabrication", "authentication"),
    ("fabrication", "hosted_fabrication", "fabrication"),
    ("authentication", "authentication", "fabrication"),
    ("authentication", "authentication", "application"),
    ("authentication", "succession", "authentication"),
];

/// Positions are dense from 1 on, every event has its hash, and each stream is a chain.
pub(super) fn check_chains(case: &Case<'_>, findings: &mut Findings) {
    for (owner, books) in case.books {
        if let Err(error) = verify_log(&books.events) {
            findings.add(Finding::Broken(format!("{owner}: {error}")));
        }
    }
}

/// Each fact has its effect in the others exactly once.
pub(super) fn check_effects(case: &Case<'_>, findings: &mut Findings) {
    for (owner, books) in case.books {
        for effects in by_cause(books, owner).values().filter(|effects| effects.len() > 1) {
            let places: Vec<_> = effects.iter().map(|event| event.position).collect();
            let (kind, cause) = (&effects[0].kind, effects[0].causation_id);
            let cause = cause.map(|cause| cause.to_string()).unwrap_or_default();
            findings
                .add(Finding::Doubled(format!("{kind} at positions {places:?} of {owner}, all because of {cause}")));
        }
    }
    for (cause, owner, effect) in REACTIONS {
        let (source, kind) = cause.split_once('.').unwrap_or_default();
        let (Some(causes), Some(effects)) = (case.books.get(source), case.books.get(owner)) else { continue };
        let known: HashSet<Id> = of_kind(effects, owner, effect).filter_map(|event| event.causation_id).collect();
        for event in of_kind(causes, source, kind).filter(|event| !known.contains(&event.event_id)) {
            let told = format!("{cause} at position {} has no {effect} in {owner}", event.position);
            findings.add(Finding::Lost(told));
        }
    }
    check_made(case, findings);
}

/// Every approved application has one seal.
fn check_made(case: &Case<'_>, findings: &mut Findings) {
    let Some(books) = case.books.get("fabrication") else { return };
    let mut made = BTreeMap::<String, usize>::new();
    for event in of_kind(books, "fabrication", "FabricationQueued") {
        made.entry(event.subject.clone()).or_default();
    }
    for event in of_kind(books, "fabrication", "SealFabricated") {
        *made.entry(super::commands::field(&event.payload, "applicationId")).or_default() += 1;
    }
    for (application, times) in made {
        match times {
            1 => {}
            0 => findings.add(Finding::Lost(format!("the seal of application {application} was never made"))),
            _ => findings.add(Finding::Doubled(format!("{times} seals were made for application {application}"))),
        }
    }
}

fn of_kind<'a>(books: &'a Books, owner: &str, kind: &str) -> impl Iterator<Item = &'a StoredEvent> {
    let kind = format!("eseal.{owner}.v1.{kind}");
    books.events.iter().filter(move |event| event.kind == kind)
}

/// The facts of a service that follow from those of others, by cause and kind.
fn by_cause<'a>(books: &'a Books, owner: &str) -> HashMap<(Id, &'a str), Vec<&'a StoredEvent>> {
    let own: HashSet<Id> = books.events.iter().map(|event| event.event_id).collect();
    let mut caused = HashMap::<_, Vec<_>>::new();
    for event in &books.events {
        // What follows from a fact of the same service may be several steps.
        if let Some(cause) = event.causation_id.filter(|cause| !own.contains(cause) || is_single(&event.kind, owner)) {
            caused.entry((cause, event.kind.as_str())).or_default().push(event);
        }
    }
    caused
}

/// Effects of the service's own facts that still happen once for each cause.
fn is_single(kind: &str, owner: &str) -> bool {
    owner == "fabrication" && (kind.ends_with(".SealFabricated") || kind.ends_with(".SealSigned"))
}

/// Each consumer has settled every fact of its owners, once, and nothing lies in the dead letters but what is expected.
pub(super) fn check_consumers(case: &Case<'_>, findings: &mut Findings) {
    for (service, consumer, owner) in CONSUMERS {
        let (Some(books), Some(facts)) = (case.books.get(service), case.books.get(owner)) else { continue };
        let head = facts.events.last().map_or(0, |event| event.position);
        let cursor = books.cursors.get(&(consumer.to_owned(), owner.to_owned())).copied().unwrap_or_default();
        if cursor != head {
            findings.add(Finding::Behind(format!("{consumer} is at {cursor} of {head} of {owner}")));
        }
        check_inbox(books, facts, (consumer, owner), case.expected.dead_letters > 0, findings);
    }
    let letters: Vec<_> = case.books.values().flat_map(|books| &books.dead_letters).collect();
    if letters.len() != case.expected.dead_letters {
        let told: Vec<_> = letters.iter().map(|letter| letter.as_str()).collect();
        let (expected, actual) = (case.expected.dead_letters, letters.len());
        findings
            .add(Finding::Parked(format!("{actual} dead letters where {expected} are expected: {}", told.join("; "))));
    }
}

fn check_inbox(
    books: &Books,
    facts: &Books,
    (consumer, owner): (&str, &str),
    some_are_parked: bool,
    findings: &mut Findings,
) {
    let mut settled = HashMap::<(String, u64), usize>::new();
    for row in books.inbox.iter().filter(|row| row.consumer == consumer && row.owner == owner) {
        *settled.entry((row.event_id.clone(), row.position)).or_default() += 1;
    }
    for event in &facts.events {
        let position = event.position;
        match settled.remove(&(event.event_id.to_string(), position)).unwrap_or_default() {
            1 => {}
            0 if some_are_parked => {}
            0 => findings.add(Finding::Lost(format!("{consumer} has not settled position {position} of {owner}"))),
            _ => findings.add(Finding::Doubled(format!("{consumer} has settled position {position} of {owner} twice"))),
        }
    }
    if let Some((_, position)) = settled.keys().min_by_key(|(_, position)| *position) {
        let told = format!("{consumer} has settled at position {position} of {owner} what {owner} does not have there");
        findings.add(Finding::Broken(told));
    }
}
