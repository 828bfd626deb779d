//! Others' facts -> our commands: an approved application is the order to make its seal; a seal that has ended frees its
//! card. A stateless map; one fact, at most one command.

use eseal_bus::{Consumer, Outcome, Received};
use eseal_eventstore::{Actor, Delivery, Order, StoredEvent};
use eseal_kernel::Id;
use eseal_proto::application::v1 as application;
use eseal_proto::authentication::v1 as authentication;
use eseal_service::Context;

use crate::app::App;
use crate::codec::{Unreadable, id, json, ordered_by};
use crate::domain::command::Command;
use crate::domain::fabrication::Fabrication;

/// Whose facts this service reacts to.
pub const OWNERS: [&str; 2] = ["application", "authentication"];

/// The fabrication that a fact is about, and what is to be done there; nothing where it is no concern of ours.
///
/// # Errors
/// [`Unreadable`].
pub fn react(fact: &StoredEvent) -> Result<Option<(Id, Command)>, Unreadable> {
    match fact.kind.as_str() {
        "eseal.application.v1.Approved" => {
            let order = ordered_by(json(&fact.payload)?)?;
            Ok(order.map(|order| (order.application_id, Command::Queue(order))))
        }
        "eseal.application.v1.Withdrawn" => {
            let withdrawn: application::Withdrawn = json(&fact.payload)?;
            Ok(Some((id(&withdrawn.application_id, "applicationId")?, Command::Stop)))
        }
        // Whichever is recorded first here wins: this, or the seal that is made.
        "eseal.application.v1.CancellationAsked" => {
            let asked: application::CancellationAsked = json(&fact.payload)?;
            Ok(Some((id(&asked.application_id, "applicationId")?, Command::Stop)))
        }
        "eseal.authentication.v1.SealRevoked" => {
            let revoked: authentication::SealRevoked = json(&fact.payload)?;
            release(&revoked.application_id, &revoked.seal_id).map(Some)
        }
        "eseal.authentication.v1.SealReplaced" => {
            let replaced: authentication::SealReplaced = json(&fact.payload)?;
            release(&replaced.application_id, &replaced.seal_id).map(Some)
        }
        "eseal.authentication.v1.SealExpired" => {
            let expired: authentication::SealExpired = json(&fact.payload)?;
            release(&expired.application_id, &expired.seal_id).map(Some)
        }
        _ => Ok(None),
    }
}

fn release(application: &str, seal: &str) -> Result<(Id, Command), Unreadable> {
    Ok((id(application, "applicationId")?, Command::Release { seal_id: id(seal, "sealId")? }))
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
    let metadata = received.metadata(app.now(), Actor::new(context.name(), "service"));
    let order: Order<Fabrication> = Order::new(application, command, metadata).delivered(delivery);
    Outcome::of(app.execute(order).await)
}
