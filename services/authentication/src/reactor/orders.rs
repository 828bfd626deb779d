//! What approved applications asked for -> done with the seals that they are about.
//!
//! - an approved application for the end of a seal (a fact of application) revokes it;
//! - a person who was erased (a fact of application): what is kept here of their words goes too;
//! - a registered successor (a fact of our own) takes its predecessor's place. It follows from the registration and not from
//!   the approval: until the successor is there the predecessor stays as it is, so that nobody is without a seal if
//!   the making fails.

use eseal_bus::{BusError, Consumer, Outcome, Received};
use eseal_eventstore::{Actor, Delivery, StoredEvent};
use eseal_proto::application::v1 as application;
use eseal_proto::authentication::v1 as pb;
use eseal_service::Context;

use super::APPLICATION;
use crate::app::App;
use crate::codec::{Unreadable, json, parsed};
use crate::domain::command::{Action, RevocationCause};
use crate::domain::ids::SealId;
use crate::domain::succession::Ordered;

const APPROVED: &str = "eseal.application.v1.Approved";
const PERSON_ERASED: &str = "eseal.application.v1.PersonErased";
const SEAL_REGISTERED: &str = "eseal.authentication.v1.SealRegistered";

/// What is to be done with which seal; nothing where a fact is no concern of ours.
///
/// # Errors
/// [`Unreadable`].
pub fn react(fact: &StoredEvent) -> Result<Option<(SealId, Action)>, Unreadable> {
    match fact.kind.as_str() {
        APPROVED => {
            let approved: application::Approved = json(&fact.payload)?;
            let asked = approved.particulars.ok_or(Unreadable::Field("particulars"))?;
            if asked.kind() != application::ApplicationKind::Revoke {
                return Ok(None);
            }
            let cause = match asked.revocation_reason.as_str() {
                "" => RevocationCause::Other,
                code => RevocationCause::from_code(code).ok_or(Unreadable::Field("revocationReason"))?,
            };
            let application = parsed(&approved.application_id, "applicationId")?;
            let seal = parsed(&asked.existing_seal_id, "existingSealId")?;
            Ok(Some((seal, Action::CarryOut { application, order: Ordered::Revoke(cause) })))
        }
        SEAL_REGISTERED => {
            let registered: pb::SealRegistered = json(&fact.payload)?;
            if registered.predecessor_seal_id.is_empty() {
                return Ok(None);
            }
            let application = parsed(&registered.application_id, "applicationId")?;
            let order = Ordered::Replace(parsed(&registered.seal_id, "sealId")?);
            let predecessor = parsed(&registered.predecessor_seal_id, "predecessorSealId")?;
            Ok(Some((predecessor, Action::CarryOut { application, order })))
        }
        _ => Ok(None),
    }
}

/// Carries out what applications ask for until the service stops.
///
/// # Errors
/// [`BusError`] when the bus can't go on.
pub async fn ends(app: App, context: Context) -> Result<(), BusError> {
    run(app, &context, Consumer { name: context.name(), owner: APPLICATION }).await
}

/// Has successors take their predecessors' places until the service stops.
///
/// # Errors
/// [`BusError`] when the bus can't go on.
pub async fn successions(app: App, context: Context) -> Result<(), BusError> {
    run(app, &context, Consumer { name: "succession", owner: context.name() }).await
}

async fn run(app: App, context: &Context, consumer: Consumer) -> Result<(), BusError> {
    let handler = |received: Received, delivery: Delivery| handle(&app, context, received, delivery);
    let wanted = |fact: &StoredEvent| fact.kind == PERSON_ERASED || !matches!(react(fact), Ok(None));
    context.consume(consumer, wanted, handler).await
}

async fn handle(app: &App, context: &Context, received: Received, delivery: Delivery) -> Outcome {
    if received.event.kind == PERSON_ERASED {
        return forget(app, &received.event).await;
    }
    let (seal, action) = match react(&received.event) {
        Ok(Some(reaction)) => reaction,
        Ok(None) => return Outcome::Done,
        Err(unreadable) => return Outcome::Never(unreadable.to_string()),
    };
    let metadata = received.metadata(context.clock().now(), Actor::new(context.name(), "service"));
    let order = App::order(seal, None, action, metadata);
    Outcome::of(app.execute(order.delivered(delivery)).await)
}

/// No command: no fact of ours says what a person wrote, so none says that it is gone.
async fn forget(app: &App, fact: &StoredEvent) -> Outcome {
    let erased = json::<application::PersonErased>(&fact.payload);
    match erased.and_then(|erased| parsed(&erased.person_id, "personId")) {
        Err(unreadable) => Outcome::Never(unreadable.to_string()),
        Ok(person) => match app.contents.forget(&person).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Later(error.to_string()),
        },
    }
}
