//! What happens to PostgreSQL.

use std::time::Duration;

use super::{GOES_ON, Scenario, Site};
use crate::load::Load;

pub(super) const RESTARTED: Scenario = Scenario {
    name: "postgres-restarted",
    about: "PostgreSQL is stopped in order for some seconds and started again",
    may_refuse: false,
    inject: |site, load| go_away(site, load, false),
};

pub(super) const KILLED: Scenario = Scenario {
    name: "postgres-killed",
    about: "PostgreSQL: kill -9 in the middle of commits, and it recovers from its log",
    may_refuse: false,
    inject: |site, load| go_away(site, load, true),
};

fn go_away(site: &mut Site, load: &Load, killed: bool) -> Result<(), String> {
    for _ in 0..site.pace.rounds(3) {
        let (moment, outage) = (site.moment(Duration::from_secs(1)), site.pace.outage(Duration::from_secs(8)));
        site.pass(moment);
        let platform = site.platform();
        let done = platform.block_on(async {
            if killed {
                platform.postgres.kill().await?;
            } else {
                platform.postgres.stop().await?;
            }
            tokio::time::sleep(outage).await;
            platform.postgres.restart().await
        });
        done.map_err(|error| format!("PostgreSQL: {error}"))?;
        site.injected += 1;
        load.advances(4, GOES_ON).map_err(|why| format!("after PostgreSQL was away, {why}"))?;
    }
    Ok(())
}
