//! Processes that end at exact places: between two steps that must not come apart.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use super::{GOES_ON, Scenario, Site};
use crate::load::Load;

/// What `abort` ends a process with.
const SIGABRT: i32 = 6;
/// How long a process may take until it passes a point of the load's way for the last time.
const REACHED: Duration = Duration::from_secs(90);

pub(super) const WRITER: Scenario = Scenario {
    name: "points-writer",
    about: "ends between the decision and the commit, and between the commit and the answer",
    may_refuse: false,
    inject: |site, load| {
        let points = ["writer.uncommitted", "writer.committed"];
        end_at(site, load, &points, &["application", "fabrication", "authentication"])
    },
};

pub(super) const RELAY: Scenario = Scenario {
    name: "points-relay",
    about: "ends between the commit and the publication, between the publication and its ack, and after the ack",
    may_refuse: false,
    inject: |site, load| {
        let points = ["relay.unpublished", "relay.published", "relay.acknowledged"];
        end_at(site, load, &points, &["application", "fabrication", "authentication"])
    },
};

pub(super) const CONSUMER: Scenario = Scenario {
    name: "points-consumer",
    about: "ends before the handler, and between the committed effect and its ack to the bus",
    may_refuse: false,
    inject: |site, load| {
        let points = ["consumer.received", "consumer.committed"];
        end_at(site, load, &points, &["application", "fabrication", "authentication"])
    },
};

fn end_at(site: &mut Site, load: &Load, points: &[&str], services: &[&str]) -> Result<(), String> {
    for point in points {
        // In a short run one service stands for all.
        let chosen = site.rng.usize(..services.len());
        let chosen = match site.pace {
            super::Pace::Full => services.to_vec(),
            super::Pace::Short => vec![services[chosen]],
        };
        for service in chosen {
            let passage = site.rng.u32(1..=8);
            end_one(site, service, point, passage)?;
            load.advances(2, GOES_ON).map_err(|why| format!("after {service} ended at {point}:{passage}, {why}"))?;
        }
    }
    Ok(())
}

/// Starts a service armed, waits until it ended at the point, and starts it again unarmed.
fn end_one(site: &mut Site, service: &str, point: &str, passage: u32) -> Result<(), String> {
    let armed = [(eseal_faultpoint::VARIABLE.to_owned(), format!("{point}:{passage}"))];
    let platform = site.platform();
    if !platform.terminate(service) {
        return Err(format!("{service} did not end well when it was asked to"));
    }
    let ended = platform.runs_until_it_ends(service, &armed, REACHED);
    platform.start_one(service);
    match ended {
        Some(status) if status.signal() == Some(SIGABRT) => {
            site.injected += 1;
            Ok(())
        }
        Some(status) => Err(format!("{service} ended by {status} and not at {point}:{passage}")),
        None => Err(format!("{service} did not pass {point} {passage} times: is it built without fault points?")),
    }
}
