//! What was so at a moment, folded from the events alone.
//!
//! **Which events count.** The state at a moment T is that of a stream before its first event that is later than T: a state
//! that the stream really had, and the one that the registry itself tells for the past (`SealStateAt`). Clocks can go
//! back, so events after that one may name an earlier time. They don't count: by the order of the stream they came later,
//! and to take them without those before them would make up a state that never was. But they are told as
//! [`Standing::doubts`]: a person must know that the clock says two things. The present needs no clock: all events count.
//!
//! A moment without a fraction of a second stands for its whole second, as in the registry.

mod application;
mod rights;
mod seal;

use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_proto::event::v1::Event;
use serde::Serialize;

use crate::fact::Fact;
use crate::life::Life;

pub use application::{ApplicationStanding, FabricationStanding, Making};
pub use rights::{CustodianStanding, UseStanding};
pub use seal::{OpenUse, PastUse, SealStanding};

/// The moment that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After everything that was read, seen from this time.
    Now(Timestamp),
    /// In the past, or as the clocks say.
    At(Timestamp),
}

impl Moment {
    /// The last moment that counts.
    pub fn last(self) -> Timestamp {
        match self {
            Self::Now(now) => now,
            Self::At(at) if at == at.whole_seconds() => at.plus(Duration::from_micros(999_999)),
            Self::At(at) => at,
        }
    }
}

/// What was so at a moment.
#[derive(Debug, Serialize)]
pub struct Standing {
    /// The moment.
    pub at: String,
    /// The asked seal, or those of the asked application; one that was not registered then is not here.
    pub seals: Vec<SealStanding>,
    /// The asked application, or that of the asked seal; one that was not filed then is not here.
    pub applications: Vec<ApplicationStanding>,
    /// Events that came later in their stream but name a time before the moment: the clock went back.
    pub doubts: Vec<Named>,
    /// Events that count, but whose content this release does not understand: the state may be another.
    pub unknown: Vec<Named>,
}

/// An event by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The service.
    pub owner: String,
    /// Its place there.
    pub position: u64,
    /// The event.
    pub event_id: String,
    /// The stable name of its kind.
    pub kind: String,
    /// When, as it says.
    pub at: String,
}

impl Standing {
    pub(crate) fn at(life: &Life, moment: Moment) -> Self {
        let mut cut = Cut { moment, doubts: Vec::new(), unknown: Vec::new() };
        let scope = life.scope();
        let applications = scope.applications.iter().filter_map(|application| {
            let filed = cut.facts(life.stream("application", "application", *application));
            let making = cut.facts(life.stream("fabrication", "fabrication", *application));
            ApplicationStanding::fold(&filed, &making)
        });
        let applications = applications.collect();
        let seals = scope.seals.iter().filter_map(|seal| {
            let facts = cut.facts(life.stream("authentication", "seal", *seal));
            SealStanding::fold(&facts, moment.last())
        });
        let seals = seals.collect();
        Self { at: moment.last().to_string(), seals, applications, doubts: cut.doubts, unknown: cut.unknown }
    }
}

/// Takes the events that count out of streams.
struct Cut {
    moment: Moment,
    doubts: Vec<Named>,
    unknown: Vec<Named>,
}

impl Cut {
    fn facts<'a>(&mut self, stream: Vec<&'a Event>) -> Vec<(&'a Event, Fact)> {
        let is_later = |event: &&Event| match self.moment {
            Moment::Now(_) => false,
            // What names no time is taken to be of the time before it.
            Moment::At(_) => event.occurred_at.parse::<Timestamp>().is_ok_and(|at| at > self.moment.last()),
        };
        let end = stream.iter().position(is_later).unwrap_or(stream.len());
        let back = stream[end..].iter().filter(|event| !is_later(event)).map(|event| Named::of(event));
        self.doubts.extend(back);
        let facts: Vec<_> = stream[..end].iter().map(|event| (*event, Fact::of(event))).collect();
        let unknown = facts.iter().filter(|(_, fact)| matches!(fact, Fact::Unknown | Fact::Unreadable(_)));
        self.unknown.extend(unknown.map(|(event, _)| Named::of(event)));
        facts
    }
}

impl Named {
    fn of(event: &Event) -> Self {
        Self {
            owner: event.owner.clone(),
            position: event.position,
            event_id: event.event_id.clone(),
            kind: event.r#type.clone(),
            at: event.occurred_at.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
