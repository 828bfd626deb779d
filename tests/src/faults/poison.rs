//! What does not belong on the bus, and what can't be read there.

use std::time::{Duration, Instant};

use super::{GOES_ON, Pace, Scenario, Site};
use crate::load::Load;

/// How long an event may take until it lies in the dead letters, and until it is out again.
const SOON: Duration = Duration::from_secs(90);

pub(super) const MALFORMED: Scenario = Scenario {
    name: "poison",
    about: "a misconfigured producer with a service's own certificate publishes what is no event of it",
    may_refuse: false,
    inject: publish_nonsense,
};

pub(super) const UNREADABLE: Scenario = Scenario {
    name: "unreadable",
    about: "a release that can't read one event of others; the next release can, and what was parked is replayed",
    may_refuse: false,
    inject: park_and_replay,
};

/// The headers and the payload of a message.
type Nonsense<'a> = (&'a [(&'a str, &'a str)], &'a [u8]);

/// An id that no event has.
const STRANGER: &str = "0198c0de-0000-7000-8000-0000000000ff";

fn publish_nonsense(site: &mut Site, load: &Load) -> Result<(), String> {
    for owner in ["application", "fabrication", "authentication"] {
        let user = site.bus_user(owner)?;
        let subject = format!("eseal.{owner}.v1.approved");
        let source = format!("//eseal/{owner}");
        let kind = format!("eseal.{owner}.v1.Approved");
        let nonsense: [Nonsense<'_>; 4] = [
            // No CloudEvent at all.
            (&[], b"not an event"),
            // Of somebody else.
            (&[("ce-specversion", "1.0"), ("ce-source", "//eseal/verification"), ("ce-id", STRANGER)], b"{}"),
            // Half of an envelope.
            (&[("ce-specversion", "1.0"), ("ce-source", &source), ("ce-type", &kind), ("ce-id", STRANGER)], b"{}"),
            // A whole one whose hash is made up, at a place that is taken.
            (
                &[
                    ("ce-specversion", "1.0"),
                    ("ce-source", &source),
                    ("ce-type", &kind),
                    ("ce-id", STRANGER),
                    ("ce-subject", STRANGER),
                    ("ce-time", "2026-01-01T00:00:00.000000Z"),
                    ("ce-sequence", "1"),
                    ("ce-schemaversion", "1"),
                    ("ce-stream", "application-0198c0de-0000-7000-8000-0000000000ff"),
                    ("ce-actor", "reviewer:nobody"),
                    ("ce-correlationid", STRANGER),
                    ("ce-hash", "00000000000000000000000000000000000000000000000000000000000000ff"),
                    ("Eseal-Position", "1"),
                ],
                br#"{"applicationId":"none"}"#,
            ),
        ];
        for (headers, payload) in nonsense {
            site.platform().block_on(user.publish(&subject, headers, payload))?;
            *site.expected.foreign_messages.entry(owner).or_default() += 1;
            site.injected += 1;
            load.advances(1, GOES_ON).map_err(|why| format!("after nonsense of {owner}, {why}"))?;
        }
    }
    Ok(())
}

/// The release that can't read is told by a fault point, and the one that can by its absence: what comes of it is the
/// same as with an unknown field or a wrong type, which no release of ours has yet.
fn park_and_replay(site: &mut Site, load: &Load) -> Result<(), String> {
    let consumers = ["application", "fabrication", "authentication"];
    let chosen = site.rng.usize(..consumers.len());
    let chosen = match site.pace {
        Pace::Full => consumers.to_vec(),
        Pace::Short => vec![consumers[chosen]],
    };
    for service in chosen {
        let passage = site.rng.u32(1..=6);
        let unreadable = (eseal_faultpoint::VARIABLE.to_owned(), format!("consumer.unreadable:{passage}"));
        restart(site, service, &[unreadable])?;
        let listed =
            until(site, service, "an event lies in the dead letters", |listed| !consumers_of(listed).is_empty())?;
        if !listed.contains("a fault point has made it unreadable") {
            return Err(format!("the dead letters of {service} do not say why:\n{listed}"));
        }
        site.injected += 1;
        load.advances(6, GOES_ON).map_err(|why| format!("while an event of {service} is parked, {why}"))?;
        restart(site, service, &[])?;
        let still = dead_letters(site, service)?;
        for letter in listed.lines().filter_map(event_of) {
            if !still.contains(letter) {
                return Err(format!("{letter} is not in the dead letters of {service} after its restart:\n{still}"));
            }
        }
        for consumer in consumers_of(&still) {
            let replayed = site.platform().operate(service, &["dead-letters", "replay", &consumer]);
            replayed.map_err(|(code, why)| format!("replay of {consumer}: exit {code}: {why}"))?;
        }
        until(site, service, "the dead letters are empty", |listed| consumers_of(listed).is_empty())?;
        load.advances(2, GOES_ON).map_err(|why| format!("after the dead letters of {service} were replayed, {why}"))?;
    }
    Ok(())
}

fn restart(site: &mut Site, service: &str, settings: &[(String, String)]) -> Result<(), String> {
    let platform = site.platform();
    if !platform.terminate(service) {
        return Err(format!("{service} did not end well when it was asked to"));
    }
    platform.start_with(service, settings);
    Ok(())
}

/// What `dead-letters list` prints.
fn dead_letters(site: &mut Site, service: &str) -> Result<String, String> {
    let listed = site.platform().operate(service, &["dead-letters", "list"]);
    listed.map_err(|(code, why)| format!("dead letters of {service}: exit {code}: {why}"))
}

fn until(site: &mut Site, service: &str, what: &str, is_so: impl Fn(&str) -> bool) -> Result<String, String> {
    let deadline = Instant::now() + SOON;
    loop {
        let listed = dead_letters(site, service)?;
        if is_so(&listed) {
            return Ok(listed);
        }
        if Instant::now() > deadline {
            return Err(format!("{service}: waited {SOON:?} in vain until {what}:\n{listed}"));
        }
        super::let_pass(Duration::from_millis(200));
    }
}

/// The consumers that have letters: the first of the columns.
fn consumers_of(listed: &str) -> Vec<String> {
    let mut consumers: Vec<_> = listed.lines().filter_map(|line| Some(line.split_once('\t')?.0.to_owned())).collect();
    consumers.dedup();
    consumers
}

/// The event of a letter: the fifth of the columns.
fn event_of(line: &str) -> Option<&str> {
    line.split('\t').nth(4)
}
