//! What happens to a system, and that nothing is lost whatever it is.
//!
//! A [`Scenario`] is one fault, or several of a kind. It happens to a [`Site`], which is a whole distributed system under a
//! load of lives of seals: real processes, a real PostgreSQL that syncs, a real NATS. Then the load must go on, everything
//! must come to rest, and [`crate::audit`] holds what clients were told, the stores and the bus against each other.
//!
//! Every choice follows from a seed. What the machine makes of it, which instruction a kill meets, does not: so the exact
//! places have names (`eseal-faultpoint`), and the others are met often.

mod bus;
mod certificates;
mod clocks;
mod database;
mod disk;
mod killed;
mod points;
mod poison;
mod replicas;
mod site;
mod versions;
mod wires;

use std::time::Duration;

use crate::load::Load;

pub use site::{Audited, Site};

/// How long a load may take to go on after a fault.
const GOES_ON: Duration = Duration::from_secs(180);
/// How many commands must be acknowledged before a fault.
const BEFORE: u64 = 5;
/// How many lives must come to their end after it.
const AFTER: u64 = 1;

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Outages as long as they are in life.
    Full,
    /// Outages that are long enough to be noticed.
    Short,
}

impl Pace {
    /// This long, or a tenth of it.
    pub fn outage(self, long: Duration) -> Duration {
        match self {
            Self::Full => long,
            Self::Short => long / 10,
        }
    }

    /// So many times, or once.
    pub const fn rounds(self, many: u32) -> u32 {
        match self {
            Self::Full => many,
            Self::Short => 1,
        }
    }
}

/// Something that happens.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens.
    pub about: &'static str,
    /// Whether commands may be refused because of it that otherwise would not be: what runs out runs out early.
    pub may_refuse: bool,
    /// Makes it happen under a load. What has to be undone is undone, also after an error.
    pub inject: fn(&mut Site, &Load) -> Result<(), String>,
}

/// Everything that can happen to the distributed system.
pub const SCENARIOS: [Scenario; 18] = [
    killed::SERVICES,
    points::WRITER,
    points::RELAY,
    points::CONSUMER,
    bus::STOPPED,
    bus::KILLED,
    bus::LOST_TAIL,
    bus::REDELIVERED,
    database::RESTARTED,
    database::KILLED,
    wires::DATABASE,
    wires::BUS,
    wires::PEERS,
    poison::MALFORMED,
    poison::UNREADABLE,
    clocks::JUMPS,
    certificates::ROTATED,
    versions::SIDE_BY_SIDE,
];

/// What needs its replicas.
pub const REPLICAS: Scenario = replicas::TWO;

/// What happens to the standalone, which has a disk of its own for it.
pub use disk::{Disk, full as disk_full};

/// Lets something happen under a load and holds everything against each other afterwards.
///
/// # Errors
/// What did not go as it must.
pub fn play(site: &mut Site, scenario: &Scenario) -> Result<Audited, String> {
    let load = site.load();
    let began = load.advances(BEFORE, GOES_ON).map_err(|why| format!("before anything happened, {why}"));
    let happened = began.and_then(|()| (scenario.inject)(site, &load));
    let went_on = happened.and_then(|()| load.lives_on(AFTER, GOES_ON).map_err(|why| format!("afterwards {why}")));
    let failed_tries = load.failed_tries();
    // Whatever went wrong: what is under way gets its answers.
    site.platform().start_all();
    let told = load.finish();
    let refusals = told.unexpected_refusals();
    site.remember(told);
    went_on?;
    if !scenario.may_refuse && !refusals.is_empty() {
        return Err(format!("commands were refused that nothing speaks against: {refusals:?}"));
    }
    site.come_to_rest(failed_tries)
}

/// Lets that much time pass: an outage lasts, and there is no value to wait for.
#[allow(clippy::disallowed_methods, reason = "the time itself is what is injected")]
fn let_pass(time: Duration) {
    std::thread::sleep(time);
}
