//! Clocks that jump.

use std::time::Duration;

use super::{GOES_ON, Scenario, Site};
use crate::load::Load;

pub(super) const JUMPS: Scenario = Scenario {
    name: "clock",
    about: "the clock of each service jumps forwards and backwards, alone and while the others stand",
    may_refuse: true,
    inject: jump_each,
};

/// How far, in seconds: beyond every lifetime of a challenge and of an attempt, and within that of a token.
const JUMPS_BY: [i64; 4] = [45 * 60, -45 * 60, 15, -15];

/// Beyond this, in seconds, a service refuses the challenges of another: what one calls fresh is over, or not yet begun, for the other.
const CHALLENGE: u64 = 2 * 60;
/// How long such a jump lasts.
const FAR_JUMP: Duration = Duration::from_secs(10);

fn jump_each(site: &mut Site, load: &Load) -> Result<(), String> {
    for service in ["application", "fabrication", "authentication"] {
        let mut jumps = JUMPS_BY;
        site.rng.shuffle(&mut jumps);
        let jumps = &jumps[..site.pace.rounds(4) as usize];
        let file = site.platform().folder.join(format!("{service}.clock"));
        let put = |seconds: i64| std::fs::write(&file, seconds.to_string()).map_err(|why| why.to_string());
        put(0)?;
        let setting = (eseal_service::clock::OFFSET_FILE.to_owned(), file.display().to_string());
        let platform = site.platform();
        platform.kill(service);
        platform.start_with(service, &[setting]);
        let mut jumped = Ok(());
        for seconds in jumps {
            jumped = put(*seconds);
            // Then no seal is made until the clocks agree again, and in the end nothing goes on.
            if service != "application" && seconds.unsigned_abs() > CHALLENGE {
                super::let_pass(FAR_JUMP);
            } else {
                jumped = jumped.and_then(|()| load.advances(3, GOES_ON));
                super::let_pass(Duration::from_secs(1));
            }
            jumped = jumped.and_then(|()| put(0)).and_then(|()| load.advances(3, GOES_ON));
            if let Err(why) = &jumped {
                jumped = Err(format!("after the clock of {service} jumped by {seconds} s, {why}"));
                break;
            }
            site.injected += 2;
        }
        site.platform().kill(service);
        site.platform().start_one(service);
        jumped?;
    }
    Ok(())
}
