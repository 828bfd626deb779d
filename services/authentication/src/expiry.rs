//! Tells the other services of seals whose validity has ended, and of what ends soon. Nothing here depends on it: gate d looks
//! at the clock. Two replicas that look at once tell it once: the seal's own history knows what was told.

use std::convert::Infallible;
use std::time::Duration;

use eseal_eventstore::{Actor, Metadata};
use eseal_service::Context;
use eseal_service::status::chain;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::domain::command::Action;

/// Seals in one go; the rest follows in the next.
const AT_A_TIME: u64 = 200;

/// Looks for expired seals every `pause` until the service stops.
///
/// # Errors
/// Never.
pub async fn run(app: App, context: Context, pause: Duration) -> Result<(), Infallible> {
    let stopping = context.stopping();
    let mut ticks = tokio::time::interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            _ = ticks.tick() => {
                announce(&app, &context).await;
                warn(&app, &context).await;
            }
        }
    }
}

async fn announce(app: &App, context: &Context) {
    let now = context.clock().now();
    let expired = match app.query.expired(now, AT_A_TIME).await {
        Ok(expired) => expired,
        Err(error) => return tracing::warn!(error = chain(&error), "expired seals can't be looked for now"),
    };
    for (seal, holding) in expired {
        let metadata = Metadata::new(now, Actor::new(context.name(), "service"));
        if let Err(error) = app.execute(App::order(seal, Some(&holding), Action::AnnounceExpiry, metadata)).await {
            tracing::warn!(error = chain(&error), %seal, "the end of a seal's validity can't be told now");
        }
    }
}

/// A seal is due by its row (`warn_at`, which has an index), and not due any more by what is told of it.
async fn warn(app: &App, context: &Context) {
    let now = context.clock().now();
    let due = match app.query.ending(now, AT_A_TIME).await {
        Ok(due) => due,
        Err(error) => return tracing::warn!(error = chain(&error), "what ends soon can't be looked for now"),
    };
    for (seal, holding) in due {
        let metadata = Metadata::new(now, Actor::new(context.name(), "service"));
        if let Err(error) = app.execute(App::order(seal, Some(&holding), Action::AnnounceEndings, metadata)).await {
            tracing::warn!(error = chain(&error), %seal, "what of a seal ends soon can't be told now");
        }
    }
}
