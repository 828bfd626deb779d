//! What our own facts ask for outside of the events: once it is on record that a person is erased, what is known of them
//! goes. Here, and not only where the request is answered, so that it goes even if the process was killed in between.

use eseal_bus::{BusError, Consumer, Outcome, Received};
use eseal_eventstore::{Delivery, StoredEvent};
use eseal_service::Context;

use crate::app::App;
use crate::codec::PERSON_ERASED;
use crate::domain::person::Person;

/// Follows our own facts until the service stops.
///
/// # Errors
/// [`BusError`] when the bus can't go on.
pub async fn run(app: App, context: Context) -> Result<(), BusError> {
    let consumer = Consumer { name: context.name(), owner: context.name() };
    let handler = |received: Received, _: Delivery| handle(&app, received);
    let wanted = |fact: &StoredEvent| fact.kind == PERSON_ERASED;
    context.consume(consumer, wanted, handler).await
}

async fn handle(app: &App, received: Received) -> Outcome {
    match received.event.fact::<Person>() {
        Err(error) => Outcome::Never(error.to_string()),
        Ok(erased) => match app.forget(&erased.person).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Later(error.to_string()),
        },
    }
}
