//! Two replicas of every service side by side.

use super::{GOES_ON, Scenario, Site};
use crate::load::{Door, Load};
use crate::platform::{Platform, SERVICES};

pub(super) const TWO: Scenario = Scenario {
    name: "replicas",
    about: "two replicas of every service with commands on both; the first ones are killed, and then the second ones",
    may_refuse: false,
    inject: run_two,
};

/// The work of a service that one replica does at a time: its relay, and a consumer for each owner that it hears, itself
/// included.
const LEASES: [(&str, usize); 4] = [("application", 4), ("fabrication", 4), ("authentication", 4), ("verification", 1)];

fn run_two(site: &mut Site, load: &Load) -> Result<(), String> {
    for service in SERVICES {
        let settings = peers_of(site.platform(), service);
        site.platform().start_with(&format!("{service}-2"), &settings);
    }
    let settings = peers_of(site.platform(), "gateway");
    site.platform().start_with("gateway-2", &settings);
    let second = Door {
        url: format!("https://localhost:{}", site.platform().port("gateway-2")),
        ca: site.company.eseal.ca.clone(),
    };
    let beside = site.load_at(&second);
    let went = run_both(site, load, &beside);
    site.remember(beside.finish());
    for process in SERVICES.iter().chain(&["gateway"]) {
        site.platform().kill(&format!("{process}-2"));
    }
    site.platform().start_all();
    went
}

fn run_both(site: &mut Site, first: &Load, second: &Load) -> Result<(), String> {
    both_advance(first, second).map_err(|why| format!("with two replicas of each, {why}"))?;
    one_holds_each_lease(site.platform())?;
    // Whoever relays and consumes is gone, in the middle of it: the others take over, and their clients notice nothing.
    for service in SERVICES {
        site.platform().kill(service);
        site.injected += 1;
    }
    second.advances(12, GOES_ON).map_err(|why| format!("after the first replicas were killed, {why}"))?;
    one_holds_each_lease(site.platform())?;
    for service in SERVICES {
        site.platform().start_one(service);
    }
    both_advance(first, second).map_err(|why| format!("after the first replicas came back, {why}"))?;
    for service in SERVICES {
        site.platform().kill(&format!("{service}-2"));
        site.injected += 1;
    }
    first.advances(12, GOES_ON).map_err(|why| format!("after the second replicas were killed, {why}"))?;
    one_holds_each_lease(site.platform())?;
    for service in SERVICES {
        let settings = peers_of(site.platform(), service);
        site.platform().start_with(&format!("{service}-2"), &settings);
    }
    both_advance(first, second).map_err(|why| format!("after the second replicas came back, {why}"))
}

fn both_advance(first: &Load, second: &Load) -> Result<(), String> {
    first.advances(6, GOES_ON).map_err(|why| format!("at the first gateway {why}"))?;
    second.advances(6, GOES_ON).map_err(|why| format!("at the second gateway {why}"))
}

/// The addresses of the others: those of the second replicas before those of the first ones.
fn peers_of(platform: &Platform, service: &str) -> Vec<(String, String)> {
    let others = SERVICES.into_iter().filter(|peer| *peer != service);
    let address = |process: String| format!("https://127.0.0.1:{}", platform.port(&process));
    others
        .map(|peer| {
            let addresses = [address(format!("{peer}-2")), address(peer.to_owned())];
            (format!("ESEAL_PEERS__{}", peer.to_uppercase()), addresses.join(","))
        })
        .collect()
}

/// In each database as many advisory locks are held as there is work to be done alone, by as many sessions.
fn one_holds_each_lease(platform: &Platform) -> Result<(), String> {
    let deadline = std::time::Instant::now() + GOES_ON;
    for (service, expected) in LEASES {
        let asked = format!(
            "SELECT count(*) || ' ' || count(DISTINCT (classid, objid)) FROM pg_locks WHERE locktype = 'advisory' AND \
             granted AND database = (SELECT oid FROM pg_database WHERE datname = 'eseal_{service}')"
        );
        loop {
            let held = platform.sql(service, &asked)?;
            if held.trim() == format!("{expected} {expected}") {
                break;
            }
            if std::time::Instant::now() > deadline {
                return Err(format!("{service} has leases {} where {expected} are held by one each", held.trim()));
            }
            super::let_pass(std::time::Duration::from_millis(200));
        }
    }
    Ok(())
}
