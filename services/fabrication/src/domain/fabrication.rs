//! The making of one seal: waiting, runs through the gates, made.

use std::time::Duration;

use eseal_kernel::{Aggregate, ClaimChange, ClaimKey, Claims, Digest, Id, Timestamp};

use super::claims::{claims, claims_beside};
use super::command::{Command, Step};
use super::event::{Challenge, Event};
use super::gate::{Gate, Refusal, RefusalReason};
use super::maker_card;
use super::order::Order;
use super::rejection::Rejection;
use super::run::{CHALLENGE_LIFETIME, Run, Stage};

/// A run that has not ended so long after it began gives way to another maker's.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(10 * 60);

/// The fabrication for one application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Fabrication {
    /// No approved application of this id.
    #[default]
    Absent,
    /// No run is under way.
    Waiting {
        /// What is ordered.
        order: Order,
        /// The last run and how it ended, if there was one.
        ended: Option<(Run, Refusal)>,
    },
    /// A run is under way.
    Running {
        /// What is ordered.
        order: Order,
        /// The run.
        run: Run,
    },
    /// The seal is made.
    Made {
        /// What was ordered.
        order: Order,
        /// The run that made it.
        run: Run,
        /// The SESeal.
        seal: Digest,
        /// The card that carries it.
        card_serial: String,
        /// The card's certificates.
        certificates: Vec<Digest>,
    },
    /// Nothing is left to make: withdrawn, or the seal has ended.
    Closed {
        /// What was ordered.
        order: Order,
        /// The seal that ended.
        seal_id: Option<Id>,
    },
}

/// What a command of a fabrication leads to.
pub(super) type Decision = Result<Vec<Event>, Rejection>;

impl Fabrication {
    /// The stream of the fabrication for this application.
    pub fn stream(application_id: Id) -> String {
        format!("{}-{application_id}", Self::KIND)
    }

    /// What is ordered, once an application was approved.
    pub const fn order(&self) -> Option<&Order> {
        match self {
            Self::Absent => None,
            Self::Waiting { order, .. }
            | Self::Running { order, .. }
            | Self::Made { order, .. }
            | Self::Closed { order, .. } => Some(order),
        }
    }

    fn queue(&self, order: &Order) -> Decision {
        match self {
            Self::Absent => Ok(vec![Event::Queued(order.clone())]),
            Self::Waiting { .. } | Self::Running { .. } | Self::Made { .. } | Self::Closed { .. } => Ok(vec![]),
        }
    }

    /// Before the seal is made the order to stop wins, and a run under way ends refused; after it, nothing is left to stop.
    fn stop(&self) -> Decision {
        match self {
            Self::Absent | Self::Made { .. } | Self::Closed { .. } => Ok(vec![]),
            Self::Waiting { order, .. } => Ok(vec![Event::Stopped { application_id: order.application_id }]),
            Self::Running { order, run } => {
                let mut events = run.refused(Gate::E, RefusalReason::FabricationFailed);
                events.push(Event::Stopped { application_id: order.application_id });
                Ok(events)
            }
        }
    }

    fn begin(&self, begin: &Begin<'_>, now: Timestamp) -> Decision {
        match self {
            Self::Absent => Err(Rejection::NotFound),
            Self::Made { .. } | Self::Closed { .. } => Err(Rejection::Closed),
            Self::Waiting { .. } => Ok(begin.events()),
            Self::Running { run, .. } if run.run_id == begin.run_id => Ok(vec![]),
            Self::Running { run, .. } if run.maker_id == begin.maker_id || now > run.begun_at.plus(ABANDONED_AFTER) => {
                let mut events = run.refused(Gate::E, RefusalReason::FabricationFailed);
                events.extend(begin.events());
                Ok(events)
            }
            Self::Running { .. } => Err(Rejection::RunUnderWay),
        }
    }

    fn step(&self, run_id: Id, maker_id: &str, now: Timestamp, step: &Step, claims: &Claims) -> Decision {
        let run = match self {
            Self::Absent => return Err(Rejection::NotFound),
            Self::Waiting { .. } => return Err(Rejection::NoSuchRun),
            Self::Closed { .. } => return Err(Rejection::Closed),
            Self::Running { run, .. } | Self::Made { run, .. } => run,
        };
        if run.run_id != run_id {
            return Err(Rejection::NoSuchRun);
        }
        if run.maker_id != maker_id {
            return Err(Rejection::OtherMaker);
        }
        match self {
            Self::Running { order, .. } => run.step(order, now, step, claims),
            Self::Absent | Self::Waiting { .. } | Self::Made { .. } | Self::Closed { .. } => Self::repeated(step),
        }
    }

    /// A last step that comes again after the seal was made: nothing new. Anything else is misuse.
    fn repeated(step: &Step) -> Decision {
        match step {
            Step::ConfirmSeal { .. } => Ok(vec![]),
            Step::PresentMakerCard { .. }
            | Step::PresentSealCard { .. }
            | Step::SignSeal { .. }
            | Step::ReportFailure => Err(Rejection::NoSuchRun),
        }
    }

    fn release(&self, seal_id: Id) -> Decision {
        match self {
            Self::Made { run, card_serial, certificates, .. } if run.seal_id == seal_id => Ok(vec![Event::Released {
                application_id: run.application_id,
                seal_id,
                card_serial: card_serial.clone(),
                certificates: certificates.clone(),
            }]),
            Self::Absent | Self::Waiting { .. } | Self::Running { .. } | Self::Made { .. } | Self::Closed { .. } => {
                Ok(vec![])
            }
        }
    }
}

/// What a run begins with.
struct Begin<'a> {
    application_id: Id,
    run_id: Id,
    seal_id: Id,
    maker_id: &'a str,
    maker_card_serial: Option<&'a str>,
    challenge: &'a Challenge,
}

impl Begin<'_> {
    /// Without a maker card the run is over as soon as it began, and both are recorded.
    fn events(&self) -> Vec<Event> {
        let mut events = vec![Event::RunBegun {
            application_id: self.application_id,
            run_id: self.run_id,
            seal_id: self.seal_id,
            maker_id: self.maker_id.to_owned(),
            maker_card_serial: self.maker_card_serial.map(str::to_owned),
            challenge: self.challenge.clone(),
        }];
        if self.maker_card_serial.is_none() {
            let refusal = Refusal { gate: Gate::A, reason: RefusalReason::MakerCardAbsent };
            events.push(Event::Refused { application_id: self.application_id, run_id: self.run_id, refusal });
        }
        events
    }
}

impl Aggregate for Fabrication {
    const KIND: &'static str = "fabrication";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn evolve(self, event: &Event) -> Self {
        match (self, event) {
            (Self::Absent, Event::Queued(order)) => Self::Waiting { order: order.clone(), ended: None },
            (
                Self::Waiting { order, .. } | Self::Running { order, .. },
                Event::RunBegun { application_id, run_id, seal_id, maker_id, maker_card_serial, challenge },
            ) => {
                let run = Run {
                    application_id: *application_id,
                    run_id: *run_id,
                    seal_id: *seal_id,
                    maker_id: maker_id.clone(),
                    maker_card_serial: maker_card_serial.clone(),
                    begun_at: challenge.expires_at.minus(CHALLENGE_LIFETIME),
                    stage: Stage::MakerCard(challenge.clone()),
                };
                Self::Running { order, run }
            }
            (Self::Running { order, run }, Event::Refused { refusal, .. }) => {
                Self::Waiting { order, ended: Some((run, *refusal)) }
            }
            (Self::Running { order, run }, Event::Fabricated { seal, card_serial, certificates, .. }) => Self::Made {
                order,
                run,
                seal: *seal,
                card_serial: card_serial.clone(),
                certificates: certificates.clone(),
            },
            (Self::Waiting { order, .. } | Self::Running { order, .. }, Event::Stopped { .. }) => {
                Self::Closed { order, seal_id: None }
            }
            (Self::Made { order, .. }, Event::Released { seal_id, .. }) => {
                Self::Closed { order, seal_id: Some(*seal_id) }
            }
            (Self::Running { order, mut run }, event) => {
                run.stage = run.stage.after(event);
                Self::Running { order, run }
            }
            (state, _) => state,
        }
    }

    fn decide(&self, command: &Command, claims: &Claims) -> Decision {
        match command {
            Command::Queue(order) => self.queue(order),
            Command::Stop => self.stop(),
            Command::BeginRun { application_id, run_id, seal_id, maker_id, maker_card_serial, challenge, now } => {
                let begin = Begin {
                    application_id: *application_id,
                    run_id: *run_id,
                    seal_id: *seal_id,
                    maker_id,
                    maker_card_serial: maker_card_serial.as_deref(),
                    challenge,
                };
                self.begin(&begin, *now)
            }
            Command::Step { run_id, maker_id, now, step } => self.step(*run_id, maker_id, *now, step, claims),
            Command::Release { seal_id } => self.release(*seal_id),
        }
    }

    fn looks_at(command: &Command) -> Vec<ClaimKey> {
        match command {
            Command::Queue(_) | Command::Stop | Command::BeginRun { .. } | Command::Release { .. } => vec![],
            Command::Step { step, .. } => match step {
                Step::PresentMakerCard { shown, .. } => vec![maker_card::in_force(&shown.certificate)],
                Step::PresentSealCard { maker_certificate, card_serial, certificates, .. } => {
                    let certificates: Vec<_> = certificates.iter().map(|shown| shown.certificate).collect();
                    let mut keys = vec![maker_card::in_force(maker_certificate)];
                    keys.extend(claims(card_serial, &certificates));
                    keys.extend(claims_beside(card_serial, &certificates));
                    keys
                }
                Step::SignSeal { maker_certificate, .. } | Step::ConfirmSeal { maker_certificate, .. } => {
                    vec![maker_card::in_force(maker_certificate)]
                }
                Step::ReportFailure => vec![],
            },
        }
    }

    fn claims_of(event: &Event) -> Vec<ClaimChange> {
        match event {
            Event::SealCardAccepted { card_serial, certificates, beside_predecessor, .. } => {
                let place = if *beside_predecessor { claims_beside } else { claims };
                place(card_serial, certificates).into_iter().map(ClaimChange::Taken).collect()
            }
            // Whichever place it had.
            Event::Released { card_serial, certificates, .. } => {
                let both = [claims(card_serial, certificates), claims_beside(card_serial, certificates)];
                both.into_iter().flatten().map(ClaimChange::Released).collect()
            }
            Event::Queued(_)
            | Event::RunBegun { .. }
            | Event::MakerCardProved { .. }
            | Event::SealSigned { .. }
            | Event::Refused { .. }
            | Event::Fabricated { .. }
            | Event::Stopped { .. } => vec![],
        }
    }
}

#[cfg(test)]
mod tests;
