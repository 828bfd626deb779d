//! Asks issuers about certificates of which no imported list says anything, where the settings want that.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_online::{Addresses, OnlineError, Proof, RevocationClient, Status, Statuses};
use eseal_pki::Certificate;
use eseal_service::Context;
use tokio::time::MissedTickBehavior;

use crate::config::Config;
use crate::trust::{Fault, Looked};

/// How often what runs out soon is asked for anew.
const PAUSE: Duration = Duration::from_secs(60);

/// Who is asked, and what follows where nobody answers. Cheap to clone.
#[derive(Clone)]
pub struct Inquiry {
    statuses: Option<Arc<Statuses>>,
    required: bool,
}

impl Inquiry {
    /// As the settings say.
    ///
    /// # Errors
    /// [`OnlineError::Client`].
    pub fn try_new(config: &Config) -> Result<Self, OnlineError> {
        let addresses = if config.private_addresses { Addresses::Any } else { Addresses::Public };
        let client = || RevocationClient::try_new(config.revocation_timeout, addresses);
        let statuses = config.ask_revocation.then(client).transpose()?.map(Statuses::new).map(Arc::new);
        Ok(Self { statuses, required: config.revocation_required })
    }

    /// What is known, to be kept fresh by [`run`]; none where nobody is asked.
    pub fn statuses(&self) -> Option<Arc<Statuses>> {
        self.statuses.clone()
    }

    /// Whether the chain is inside its validity and not revoked, by the lists and by what is asked where they say nothing; and what
    /// was answered. Waits for the answers of others, for the time of the settings each.
    pub async fn check(&self, looked: &Looked, now: Timestamp) -> (Result<(), Fault>, Vec<Proof>) {
        let mut proofs = Vec::new();
        let checked = match looked.check(now) {
            Ok(()) => self.ask(looked, now, &mut proofs).await,
            Err(fault) => Err(fault),
        };
        (checked, proofs)
    }

    async fn ask(&self, looked: &Looked, now: Timestamp, proofs: &mut Vec<Proof>) -> Result<(), Fault> {
        let mut is_known = true;
        for (certificate, issuer) in looked.unlisted() {
            is_known &= self.is_known_to_be_good(certificate, issuer, now, proofs).await?;
        }
        if is_known || !self.required { Ok(()) } else { Err(Fault::StatusUnknown) }
    }

    async fn is_known_to_be_good(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
        proofs: &mut Vec<Proof>,
    ) -> Result<bool, Fault> {
        let Some(statuses) = &self.statuses else { return Ok(false) };
        match statuses.of(certificate, issuer, now).await {
            Status::Good(proof) => {
                proofs.push(proof);
                Ok(true)
            }
            Status::Revoked(revocation, proof) => {
                proofs.push(proof);
                if revocation.since <= now { Err(Fault::Revoked) } else { Ok(true) }
            }
            Status::Unknown(tried) => {
                let fingerprint = certificate.fingerprint().to_string();
                let tried: Vec<_> = tried.iter().filter_map(without_names).collect();
                tracing::warn!(fingerprint, ?tried, "nobody says whether a certificate is revoked");
                Ok(false)
            }
        }
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
    let stopping = context.stopping();
    let mut ticks = tokio::time::interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            (asked, failed) = statuses.refresh(context.clock().now()) => {
                if !failed.is_empty() {
                    let failed: Vec<_> = failed.iter().filter_map(without_names).collect();
                    tracing::warn!(asked, ?failed, "what is known about certificates could not all be renewed");
                }
            }
        }
    }
}
