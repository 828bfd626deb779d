//! Asks issuers about certificates of which no imported list says anything, where the settings want that.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_online::{Addresses, OnlineError, Proof, RevocationClient, Status, Statuses};
use eseal_pki::Certificate;
use eseal_service::Context;
use eseal_service::tasks::Rounds;
use futures::future::join_all;
use tokio::time::Instant;

use crate::config::Config;
use crate::trust::{Fault, Looked};

/// How often what runs out soon is asked for anew.
const PAUSE: Duration = Duration::from_secs(60);
/// How long one address may take. Uses of seals wait for less than that, and what comes later is there for the next one.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that a use waits, whatever is set.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Who is asked, and what follows where nobody answers. Cheap to clone.
#[derive(Clone)]
pub struct Inquiry {
    statuses: Option<Arc<Statuses>>,
    required: bool,
    patience: Duration,
}

impl Inquiry {
    /// As the settings say.
    ///
    /// # Errors
    /// [`OnlineError::Client`].
    pub fn try_new(config: &Config) -> Result<Self, OnlineError> {
        let addresses = if config.private_addresses { Addresses::Any } else { Addresses::Public };
        let patience = config.revocation_timeout.min(LONGEST);
        let client = || RevocationClient::try_new(patience.max(ADDRESS_TIMEOUT), addresses);
        let statuses = config.ask_revocation.then(client).transpose()?.map(Statuses::new).map(Arc::new);
        Ok(Self { statuses, required: config.revocation_required, patience })
    }

    /// Until when who asks now waits for issuers: for all certificates and addresses of one use together.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// What is known, to be kept fresh by [`run`]; none where nobody is asked.
    pub fn statuses(&self) -> Option<Arc<Statuses>> {
        self.statuses.clone()
    }

    /// Whether the chain is inside its validity and not revoked, by the lists and by what is asked where they say nothing; and what
    /// was answered. Waits for the answers of others until `deadline`.
    pub async fn check(&self, looked: &Looked, now: Timestamp, deadline: Instant) -> (Result<(), Fault>, Vec<Proof>) {
        let mut proofs = Vec::new();
        let checked = match looked.check(now) {
            Ok(()) => self.ask(looked, now, deadline, &mut proofs).await,
            Err(fault) => Err(fault),
        };
        (checked, proofs)
    }

    async fn ask(
        &self,
        looked: &Looked,
        now: Timestamp,
        deadline: Instant,
        proofs: &mut Vec<Proof>,
    ) -> Result<(), Fault> {
        let Some(statuses) = &self.statuses else { return self.without(looked.unlisted().is_empty()) };
        // All are asked about at once: the time is one for all of them.
        let of = |(certificate, issuer): &(Certificate, Certificate)| {
            let (statuses, certificate, issuer) = (Arc::clone(statuses), certificate.clone(), issuer.clone());
            async move { (statuses.within(&certificate, &issuer, now, deadline).await, certificate) }
        };
        let mut is_known = true;
        for (status, certificate) in join_all(looked.unlisted().iter().map(of)).await {
            match status {
                Status::Good(proof) => proofs.push(proof),
                Status::Revoked(revocation, proof) => {
                    proofs.push(proof);
                    if revocation.since <= now {
                        return Err(Fault::Revoked);
                    }
                }
                Status::Unknown(tried) => {
                    let fingerprint = certificate.fingerprint().to_string();
                    let tried: Vec<_> = tried.iter().filter_map(without_names).collect();
                    tracing::warn!(fingerprint, ?tried, "nobody says whether a certificate is revoked");
                    is_known = false;
                }
            }
        }
        self.without(is_known)
    }

    /// What follows where of all, or not of all, something is known.
    const fn without(&self, is_known: bool) -> Result<(), Fault> {
        if is_known || !self.required { Ok(()) } else { Err(Fault::StatusUnknown) }
    }
}

/// What went wrong, where that names no person.
fn without_names(error: &OnlineError) -> Option<String> {
    match error {
        OnlineError::NoPlace { .. } | OnlineError::Silent { .. } | OnlineError::Question { .. } => None,
        other => Some(other.to_string()),
    }
}

impl std::fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let asks = self.statuses.is_some();
        f.debug_struct("Inquiry").field("asks", &asks).field("required", &self.required).finish()
    }
}

/// Asks anew in time about the certificates that are in use, until the service stops.
///
/// # Errors
/// Never.
pub async fn run(statuses: Arc<Statuses>, context: Context) -> Result<(), Infallible> {
    let mut rounds = Rounds::every(PAUSE, context.stopping());
    let refreshed = async || statuses.refresh(context.clock().now()).await;
    while let Some((asked, failed)) = rounds.next(Box::pin(refreshed())).await {
        if !failed.is_empty() {
            let failed: Vec<_> = failed.iter().filter_map(without_names).collect();
            tracing::warn!(asked, ?failed, "what is known about certificates could not all be renewed");
        }
    }
    Ok(())
}
