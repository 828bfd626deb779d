//! Others' facts -> our commands: fabrication says what became of an approved application, authentication what state
//! its seal is in. A stateless map; one fact, at most one command.

use eseal_bus::{Consumer, Outcome, Received};
use eseal_eventstore::{Actor, Delivery, Order, StoredEvent};
use eseal_kernel::Id;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_service::Context;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::codec::words;
use crate::domain::event::{FabricationRefusal, SealState};
use crate::domain::{Application, Command};

/// Whose facts this service reacts to.
pub const OWNERS: [&str; 2] = ["fabrication", "authentication"];

/// Why a fact can't be understood. It is parked.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Its payload is not what its kind says.
    #[error("its payload can't be read")]
    Payload(#[from] serde_json::Error),
    /// It names something by what is no id.
    #[error("its {0} is no id")]
    Id(&'static str),
    /// It tells of a result that nobody here knows.
    #[error("its result is not known")]
    Result,
}

/// The application that a fact is about, and what is to be noted there; nothing where it is no concern of ours.
///
/// # Errors
/// [`Unreadable`].
pub fn react(fact: &StoredEvent) -> Result<Option<(Id, Command)>, Unreadable> {
    let (application, command) = match fact.kind.as_str() {
        "eseal.fabrication.v1.FabricationRefused" => {
            let refused: fabrication::FabricationRefused = read(fact)?;
            let run = id(&refused.run_id, "runId")?;
            let refusal = FabricationRefusal { run, gate: refused.gate, reason: refused.reason };
            (refused.application_id, Command::NoteFabricationRefusal { refusal })
        }
        "eseal.fabrication.v1.SealFabricated" => {
            let made: fabrication::SealFabricated = read(fact)?;
            let seal = id(&made.seal_id, "sealId")?;
            (made.application_id, Command::NoteSealMade { seal })
        }
        "eseal.fabrication.v1.FabricationStopped" => {
            let stopped: fabrication::FabricationStopped = read(fact)?;
            (stopped.application_id, Command::NoteStopped)
        }
        "eseal.authentication.v1.SealRegistered" => {
            let fact: authentication::SealRegistered = read(fact)?;
            state(fact.application_id, &fact.seal_id, SealState::Registered)?
        }
        "eseal.authentication.v1.SealActivated" => {
            let fact: authentication::SealActivated = read(fact)?;
            state(fact.application_id, &fact.seal_id, SealState::Active)?
        }
        "eseal.authentication.v1.SealSuspended" => {
            let fact: authentication::SealSuspended = read(fact)?;
            state(fact.application_id, &fact.seal_id, SealState::Suspended)?
        }
        "eseal.authentication.v1.SealResumed" => {
            let fact: authentication::SealResumed = read(fact)?;
            state(fact.application_id, &fact.seal_id, SealState::Active)?
        }
        "eseal.authentication.v1.SealRevoked" => {
            let fact: authentication::SealRevoked = read(fact)?;
            state(fact.application_id, &fact.seal_id, SealState::Revoked)?
        }
        "eseal.authentication.v1.SealReplaced" => {
            let fact: authentication::SealReplaced = read(fact)?;
            state(fact.application_id, &fact.seal_id, SealState::Replaced)?
        }
        "eseal.authentication.v1.ApplicationCarriedOut" => {
            let fact: authentication::ApplicationCarriedOut = read(fact)?;
            let result = words::carried_out(&fact.result).ok_or(Unreadable::Result)?;
            (fact.application_id, Command::NoteCarriedOut { existing: id(&fact.seal_id, "sealId")?, result })
        }
        _ => return Ok(None),
    };
    Ok(Some((id(&application, "applicationId")?, command)))
}

/// Reacts to the facts of `owner` until the service stops.
///
/// # Errors
/// [`eseal_bus::BusError`] when the bus can't go on.
pub async fn run(owner: &'static str, app: App, context: Context) -> Result<(), eseal_bus::BusError> {
    let consumer = Consumer { name: context.name(), owner };
    let handler = |received: Received, delivery: Delivery| handle(&app, &context, received, delivery);
    let wanted = |fact: &StoredEvent| !matches!(react(fact), Ok(None));
    context.consume(consumer, wanted, handler).await
}

async fn handle(app: &App, context: &Context, received: Received, delivery: Delivery) -> Outcome {
    let (application, command) = match react(&received.event) {
        Ok(Some(reaction)) => reaction,
        Ok(None) => return Outcome::Done,
        Err(unreadable) => return Outcome::Never(unreadable.to_string()),
    };
    let metadata = received.metadata(context.clock().now(), Actor::new(context.name(), "service"));
    let order: Order<Application> = Order::new(application, command, metadata).delivered(delivery);
    Outcome::of(app.execute(order).await)
}

fn state(application: String, seal: &str, state: SealState) -> Result<(String, Command), Unreadable> {
    Ok((application, Command::NoteSealState { seal: id(seal, "sealId")?, state }))
}

fn read<M: DeserializeOwned>(fact: &StoredEvent) -> Result<M, Unreadable> {
    Ok(serde_json::from_slice(&fact.payload)?)
}

fn id(text: &str, field: &'static str) -> Result<Id, Unreadable> {
    text.parse().map_err(|_| Unreadable::Id(field))
}
