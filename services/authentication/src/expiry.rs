//! Tells the other services of seals whose validity has ended, and of what ends soon. Of seals that an earlier release registered
//! it first finds out when their certificates end, which their facts do not say. Nothing here depends on it: gate d looks
//! at the clock. Two replicas that look at once tell it once: the seal's own history knows what was told.

use std::convert::Infallible;
use std::time::Duration;

use eseal_eventstore::{Actor, Metadata};
use eseal_service::Context;
use eseal_service::status::chain;
use eseal_service::tasks::Rounds;

use crate::app::App;
use crate::domain::command::Action;
use crate::domain::ids::SealId;

/// Seals in one go; the rest follows in the next.
const AT_A_TIME: u64 = 200;

/// Looks for expired seals every `pause` until the service stops.
///
/// # Errors
/// Never.
pub async fn run(app: App, context: Context, pause: Duration) -> Result<(), Infallible> {
    let mut undated = Undated::Behind(None);
    let look = async |undated| {
        let undated = date(&app, &context, undated).await;
        announce(&app, &context).await;
        warn(&app, &context).await;
        undated
    };
    let mut rounds = Rounds::every(pause, context.stopping());
    while let Some(left) = rounds.next(look(undated)).await {
        undated = left;
    }
    Ok(())
}

/// Which seals are still to be looked at for when their certificates end.
#[derive(Clone, Copy)]
enum Undated {
    /// Those behind this one, from the first one on if there is none.
    Behind(Option<SealId>),
    /// None: they were all looked at since the start.
    None,
}

/// Has the facts of some seals say when their certificates end. Who can't be dated now is tried at the next start.
async fn date(app: &App, context: &Context, undated: Undated) -> Undated {
    let Undated::Behind(after) = undated else { return Undated::None };
    let found = match app.query.undated(after, AT_A_TIME).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error = chain(&error), "seals of earlier releases can't be looked for now");
            return Undated::Behind(after);
        }
    };
    let Some((last, ..)) = found.last() else { return Undated::None };
    let last = *last;
    for (seal, holding, certificates) in found {
        let metadata = Metadata::new(context.clock().now(), Actor::new(context.name(), "service"));
        match app.dated(seal, &holding, &certificates, metadata).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(%seal, "when the certificates of a seal end can't be told: its SESeal is gone"),
            Err(error) => tracing::warn!(error = chain(&error), %seal, "a seal's certificates can't be dated now"),
        }
    }
    Undated::Behind(Some(last))
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
