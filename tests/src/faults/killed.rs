//! Processes killed at any moment.

use std::time::Duration;

use super::{Scenario, Site};
use crate::load::Load;
use crate::platform::SERVICES as PROCESSES;

pub(super) const SERVICES_AND_DOOR: [&str; 5] = [PROCESSES[0], PROCESSES[1], PROCESSES[2], PROCESSES[3], "gateway"];

pub(super) const SERVICES: Scenario = Scenario {
    name: "killed",
    about: "each service and the gateway: kill -9 at a random moment, and started again",
    may_refuse: false,
    inject: kill_each,
};

fn kill_each(site: &mut Site, load: &Load) -> Result<(), String> {
    for _ in 0..site.pace.rounds(3) {
        let mut processes = SERVICES_AND_DOOR;
        site.rng.shuffle(&mut processes);
        for process in processes {
            let moment = site.moment(Duration::from_millis(700));
            site.pass(moment);
            site.platform().kill(process);
            site.injected += 1;
            site.platform().start_one(process);
            load.advances(2, super::GOES_ON).map_err(|why| format!("after {process} was killed, {why}"))?;
        }
    }
    Ok(())
}
