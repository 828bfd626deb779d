//! A part of `make faults`, short: one system, and what is most likely to be done wrong about it.

use std::os::unix::fs::PermissionsExt as _;

use eseal_e2e::faults::{Pace, REPLICAS, SCENARIOS, Scenario, Site, disk_full, play};
use tempfile::TempDir;

/// The whole list takes an hour; these take the ways through the store, the relay, the consumers and both servers.
const CHOSEN: [&str; 7] =
    ["killed", "points-writer", "points-relay", "points-consumer", "nats-lost-tail", "redelivered", "postgres-killed"];
const SEED: u64 = 20_261_128;

#[test]
fn whatever_dies_when_nothing_is_lost_nothing_doubled_and_two_replicas_are_as_one() {
    let folder = folder();
    let mut site = Site::found(folder.path(), SEED, Pace::Short);
    let chosen = SCENARIOS.iter().filter(|one| CHOSEN.contains(&one.name)).chain([&REPLICAS]);
    let mut acknowledged = 0;
    for scenario in chosen {
        let before = site.injected;
        acknowledged = assert_survived(&mut site, scenario, acknowledged);
        assert!(site.injected > before, "{}: nothing was injected", scenario.name);
    }
}

#[track_caller]
fn assert_survived(site: &mut Site, scenario: &Scenario, before: usize) -> usize {
    let played = play(site, scenario);
    let audited = played.unwrap_or_else(|why| panic!("{}: {why}\n{}", scenario.name, site.last_words()));
    assert!(audited.findings.is_empty(), "{}:\n{}{}", scenario.name, audited.findings, site.last_words());
    assert!(audited.acknowledged > before && audited.messages > 0, "{}: {audited:?}", scenario.name);
    audited.acknowledged
}

#[test]
fn a_full_disk_refuses_commands_and_loses_none() {
    let folder = folder();
    let (acknowledged, findings) = disk_full(folder.path(), SEED).unwrap_or_else(|why| panic!("{why}"));
    assert!(findings.is_empty(), "{findings}");
    assert!(acknowledged >= 60, "{acknowledged}");
}

#[test]
fn every_scenario_has_a_name_of_its_own_and_says_what_it_does() {
    let mut names: Vec<_> = SCENARIOS.iter().chain([&REPLICAS]).map(|one| one.name).collect();
    assert!(CHOSEN.iter().all(|chosen| names.contains(chosen)));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(SCENARIOS.iter().all(|one| one.about.len() > 20));
}

/// A folder that the user whom PostgreSQL runs as can pass through.
fn folder() -> TempDir {
    let folder = TempDir::with_prefix("eseal-faults-").expect("a folder");
    let passable = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(folder.path(), passable).expect("its mode");
    folder
}
