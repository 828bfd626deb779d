//! When the certificates of seals end that earlier releases registered: their facts do not say so, and their SESeals do.

use eseal_eventstore::Metadata;
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::Certificate;
use eseal_seal::CertificateList;

use super::sealing::SealingError;
use super::{App, AppError};
use crate::domain::command::Action;
use crate::domain::ids::SealId;
use crate::query::Holding;

impl App {
    /// Has the facts of a seal say when its certificates end, if they do not yet. `false` where its SESeal does not tell, or was
    /// erased.
    ///
    /// # Errors
    /// [`SealingError`].
    pub async fn dated(
        &self,
        seal: SealId,
        holding: &Holding,
        certificates: &[Digest],
        metadata: Metadata,
    ) -> Result<bool, SealingError> {
        let der = self.contents.seal(holding.seal_digest).await.map_err(AppError::from)?;
        let Some(ends) = der.and_then(|der| ends(&der, certificates)) else { return Ok(false) };
        let order = Self::order(seal, Some(holding), Action::DateCertificates(ends), metadata);
        let outcome = self.execute(order).await?;
        // The facts of later releases say so already, and of what has ended nobody asks any more: then only the row is behind.
        if outcome.decided.is_none_or(|decided| decided.events.is_empty()) {
            self.query.is_dated(seal).await.map_err(AppError::from)?;
        }
        Ok(true)
    }
}

/// The last moment of each of these certificates, as the SESeal has them.
fn ends(der: &[u8], certificates: &[Digest]) -> Option<Vec<Timestamp>> {
    let structure = eseal_seal::Seal::from_der(der).ok()?;
    let CertificateList::Certificates(list) = &structure.info().certificates else { return None };
    let end = |digest: &Digest| {
        let certificate = list.iter().find(|der| Digest::of(der) == *digest)?;
        Some(Certificate::from_der(certificate).ok()?.not_after())
    };
    certificates.iter().map(end).collect()
}
