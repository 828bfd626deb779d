//! What happens to NATS.

use std::time::Duration;

use super::{GOES_ON, Scenario, Site};
use crate::load::Load;
use crate::platform::SERVICES;

pub(super) const STOPPED: Scenario = Scenario {
    name: "nats-stopped",
    about: "NATS is stopped for a minute and started again",
    may_refuse: false,
    inject: stop,
};

pub(super) const KILLED: Scenario = Scenario {
    name: "nats-killed",
    about: "NATS: kill -9 at random moments, and started again",
    may_refuse: false,
    inject: kill,
};

pub(super) const LOST_TAIL: Scenario = Scenario {
    name: "nats-lost-tail",
    about: "NATS: kill -9, and it comes back without what it had acknowledged last",
    may_refuse: false,
    inject: lose_tail,
};

pub(super) const REDELIVERED: Scenario = Scenario {
    name: "redelivered",
    about: "every durable is thrown away and made anew: every message is delivered a second time",
    may_refuse: false,
    inject: redeliver,
};

fn stop(site: &mut Site, _: &Load) -> Result<(), String> {
    let outage = site.pace.outage(Duration::from_secs(60));
    let platform = site.platform();
    // Commands do not need the bus: people go on to apply and to seal meanwhile.
    platform.without_nats(|_| super::let_pass(outage));
    site.injected += 1;
    Ok(())
}

fn kill(site: &mut Site, load: &Load) -> Result<(), String> {
    for _ in 0..site.pace.rounds(5) {
        let moment = site.moment(Duration::from_millis(1500));
        site.pass(moment);
        site.platform().without_nats(|_| ());
        site.injected += 1;
        load.advances(2, GOES_ON).map_err(|why| format!("after NATS was killed, {why}"))?;
    }
    Ok(())
}

fn lose_tail(site: &mut Site, load: &Load) -> Result<(), String> {
    for _ in 0..site.pace.rounds(3) {
        site.platform().nats.remember();
        load.advances(6, GOES_ON)?;
        site.platform().without_nats_and_its_tail();
        site.injected += 1;
        load.advances(2, GOES_ON).map_err(|why| format!("after NATS lost its tail, {why}"))?;
    }
    Ok(())
}

/// Deletes each durable under its consumer, and makes it anew at the beginning as `migrate` does.
fn redeliver(site: &mut Site, load: &Load) -> Result<(), String> {
    for _ in 0..site.pace.rounds(3) {
        let setup = site.bus_user("setup")?;
        let platform = site.platform();
        for (service, consumer, owner) in crate::audit::consumers() {
            // What a service hears of itself does not come over the bus.
            if service != owner {
                let (stream, durable) =
                    (format!("ESEAL_{}", owner.to_uppercase()), format!("{consumer}__from_{owner}"));
                platform.block_on(setup.forget_durable(&stream, &durable))?;
            }
        }
        for service in SERVICES {
            platform.migrate(service);
        }
        site.injected += 1;
        load.advances(6, GOES_ON).map_err(|why| format!("after everything was delivered again, {why}"))?;
    }
    Ok(())
}
