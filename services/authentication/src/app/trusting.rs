//! Trust anchors and revocation lists: checked before they count.

use eseal_eventstore::{Metadata, Order};
use eseal_kernel::{Digest, Timestamp};
use eseal_online::Proof;
use eseal_pki::{Certificate, CertificateError, Crl, CrlError};
use eseal_proto::authentication::v1 as pb;
use tokio::time::Instant;

use super::{App, AppError};
use crate::codec::{at_to_wire, words};
use crate::contents::{certificate_row, crl_row};
use crate::domain::crl::{self, Import, List};
use crate::domain::trust_anchor::{AnchorAction, AnchorCommand, AnchorId, Purpose, TrustAnchor};
use crate::trust::{Fault, TrustError};

/// Why something is not taken in as trust.
#[derive(Debug, thiserror::Error)]
pub enum NotTrusted {
    /// It is no certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// It certifies nobody.
    #[error("the certificate is not that of a certificate authority")]
    NotCa,
    /// An authority for development issued it, and this system trusts none.
    #[error("the certificate is one of an authority for development")]
    Development,
    /// It is no revocation list that can be used.
    #[error(transparent)]
    List(#[from] CrlError),
    /// No trusted authority signed it.
    #[error("no trusted authority signed the revocation list")]
    Issuer,
    /// A mistake of ours.
    #[error(transparent)]
    App(#[from] AppError),
}

/// How a certificate stands.
#[derive(Debug)]
pub struct Standing {
    /// The first fault, if there is one.
    pub checked: Result<(), Fault>,
    /// SHA-256 of the imported lists that speak about its chain.
    pub lists: Vec<Digest>,
    /// What was asked for besides.
    pub answers: Vec<Proof>,
}

impl App {
    /// The order to trust a CA certificate for a purpose, and what names it.
    ///
    /// # Errors
    /// [`NotTrusted`] unless it is one.
    pub fn add_anchor(
        &self,
        purpose: Purpose,
        der: &[u8],
        metadata: Metadata,
    ) -> Result<(Order<TrustAnchor>, AnchorId), NotTrusted> {
        let certificate = Certificate::from_der(der)?;
        if !certificate.is_ca() {
            return Err(NotTrusted::NotCa);
        }
        let anchor = AnchorId { purpose, fingerprint: certificate.fingerprint() };
        if certificate.is_for_development() {
            if !self.accept_development_roots {
                return Err(NotTrusted::Development);
            }
            tracing::warn!(%anchor, "an authority for development is to be trusted");
        }
        let command = AnchorCommand { anchor, action: AnchorAction::Add };
        Ok((Order::new(anchor, command, metadata).with_rows(vec![certificate_row(der)]), anchor))
    }

    /// The order to trust it no more.
    pub fn remove_anchor(anchor: AnchorId, metadata: Metadata) -> Order<TrustAnchor> {
        Order::new(anchor, AnchorCommand { anchor, action: AnchorAction::Remove }, metadata)
    }

    /// The trusted certificates as they are shown.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn shown_anchors(&self, purpose: Option<Purpose>) -> Result<Vec<pb::TrustAnchor>, AppError> {
        let mut shown = Vec::new();
        for (anchor, since) in self.query.anchors(purpose).await? {
            shown.push(pb::TrustAnchor {
                fingerprint: anchor.fingerprint.to_string(),
                purpose: words::purpose_to_wire(anchor.purpose).into(),
                certificate: self.contents.certificate(anchor.fingerprint).await?.unwrap_or_default(),
                added_at: at_to_wire(since),
            });
        }
        Ok(shown)
    }

    /// Whether a certificate is good for the purpose now: chain, usage, validity and revocation; and what says so. Waits for issuers
    /// until `deadline`.
    ///
    /// # Errors
    /// [`TrustError`]; the first fault is a part of the answer.
    pub async fn standing(
        &self,
        purpose: Purpose,
        leaf: &Certificate,
        pool: &[Certificate],
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Standing, TrustError> {
        match self.trust.current().await?.look(purpose, leaf, pool, now) {
            Ok(looked) => {
                let (checked, answers) = self.inquiry.check(&looked, now, deadline).await;
                Ok(Standing { checked, lists: looked.lists().to_vec(), answers })
            }
            Err(fault) => Ok(Standing { checked: Err(fault), lists: Vec::new(), answers: Vec::new() }),
        }
    }

    /// The order to take in a revocation list that a trusted authority signed, and what names it.
    ///
    /// # Errors
    /// [`NotTrusted`].
    pub async fn import_crl(&self, der: &[u8], metadata: Metadata) -> Result<(Order<crl::Crl>, Digest), NotTrusted> {
        let list = Crl::from_der(der)?;
        let trust = self.trust.current().await.map_err(AppError::from)?;
        let issuer = trust.issuer_of(&list).ok_or(NotTrusted::Issuer)?.fingerprint();
        let digest = Digest::of(der);
        let this_update: Timestamp = list.this_update();
        let command = Import(List { digest, issuer, this_update });
        Ok((Order::new(digest, command, metadata).with_rows(vec![crl_row(&list)]), digest))
    }
}
