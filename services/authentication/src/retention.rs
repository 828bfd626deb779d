//! Forgets what uses of seals were judged by, once it is older than the settings say. Several replicas may do it at once.

use std::convert::Infallible;
use std::time::Duration;

use eseal_service::Context;
use eseal_service::status::chain;
use eseal_service::tasks::Rounds;

use crate::contents::Contents;

/// The shortest time: what is forgotten sooner proves nothing to anybody.
const SHORTEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How often it is looked for what is too old.
const PAUSE: Duration = Duration::from_secs(60 * 60);
/// Pieces, and names of pieces, in one go, and goes one after the other: others write too.
const AT_A_TIME: u64 = 1_000;
const GOES: usize = 100;

/// Whether so long is long enough; zero is for ever.
pub const fn is_allowed(kept_for: Duration) -> bool {
    kept_for.is_zero() || kept_for.as_secs() >= SHORTEST.as_secs()
}

/// Forgets until the service stops.
///
/// # Errors
/// Never.
pub async fn run(contents: Contents, context: Context, kept_for: Duration) -> Result<(), Infallible> {
    let mut rounds = Rounds::every(PAUSE, context.stopping());
    while rounds.next(forget(&contents, &context, kept_for)).await.is_some() {}
    Ok(())
}

async fn forget(contents: &Contents, context: &Context, kept_for: Duration) {
    let now = context.clock().now();
    let mut forgotten = 0;
    for _ in 0..GOES {
        match contents.forget_evidence(now.minus(kept_for), now, AT_A_TIME).await {
            Ok(some) => {
                forgotten += some;
                if some < AT_A_TIME {
                    break;
                }
            }
            Err(error) => {
                return tracing::warn!(error = chain(&error), "what uses were judged by can't be forgotten now");
            }
        }
    }
    if forgotten > 0 {
        tracing::info!(forgotten, "what uses were judged by was forgotten, as the settings say");
    }
}
