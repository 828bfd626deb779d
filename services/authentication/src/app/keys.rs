//! Hosted keys: created, certified, shown, and proved to fabrication.

use eseal_eventstore::{Metadata, Order};
use eseal_kernel::{Digest, Uscc};
use eseal_pki::{Certificate, CertificateRequest};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::seal::v1 as seal_pb;

use super::{App, AppError};
use crate::contents::certificate_row;
use crate::domain::authenticator::AuthenticatorAction;
use crate::domain::hosted_key::{HostedKey, HostedKeyAction, HostedKeyCommand, Owner};
use crate::domain::ids::{By, HostedKeyId, PersonId};
use crate::domain::registration::Organization;
use crate::evidence::Possession;
use crate::hosting::SUITES;
use crate::pins::Pin;
use crate::query::KeyEntry;

/// Why certificates are not taken in. The number is the place of the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Not one for each key.
    #[error("expected one certificate for each key, the SM2 one first")]
    Count,
    /// It can't be read.
    #[error("not a certificate")]
    Malformed(usize),
    /// It is for another key.
    #[error("the certificate is not for the key that was generated")]
    OtherKey(usize),
    /// Its subject is another organization.
    #[error("the subject of the certificate is not the organization of the key")]
    OtherOrganization(usize),
    /// Its key usage does not allow signing.
    #[error("the certificate does not allow signing")]
    NotForSigning(usize),
}

/// Why a hosted key is not proved.
#[derive(Debug, thiserror::Error)]
pub enum NotProved {
    /// It is not certified.
    #[error("the hosted key is not certified")]
    NotCertified,
    /// A term can't stand in a statement.
    #[error("the terms have no statement")]
    Terms,
    /// A mistake of ours.
    #[error(transparent)]
    App(#[from] AppError),
}

impl App {
    /// The order to create a hosted key for an organization, with its fresh keys.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn create_key(
        &self,
        key: HostedKeyId,
        organization: &Organization,
        custodian: PersonId,
        pin: Pin,
        metadata: Metadata,
    ) -> Result<Order<HostedKey>, AppError> {
        let row = self.hosting.generate(key, organization, pin).await?;
        let owner = Owner { uscc: organization.uscc.clone(), custodian };
        let command = HostedKeyCommand { key, action: HostedKeyAction::Create(owner) };
        Ok(Order::new(key, command, metadata).with_rows(vec![row]))
    }

    /// Whether these certificates are for the keys of the hosted key and of its organization.
    ///
    /// # Errors
    /// [`AppError`]; inside, why they do not fit.
    pub async fn check_certificates(
        &self,
        key: HostedKeyId,
        uscc: &Uscc,
        certificates: &[Vec<u8>],
    ) -> Result<Result<(), Misfit>, AppError> {
        let requests = self.contents.requests(key).await?;
        Ok(fit(&requests, uscc, certificates))
    }

    /// The order to take in certificates that were found to fit.
    pub fn certify_key(
        key: HostedKeyId,
        certificates: &[Vec<u8>],
        custodian: Option<By>,
        metadata: Metadata,
    ) -> Order<HostedKey> {
        let digests = certificates.iter().map(|der| Digest::of(der)).collect();
        let action = HostedKeyAction::Certify { certificates: digests, custodian };
        let rows = certificates.iter().map(|der| certificate_row(der)).collect();
        Order::new(key, HostedKeyCommand { key, action }, metadata).with_rows(rows)
    }

    /// The order to do this with the authenticator of a person.
    pub fn authenticator(
        key: HostedKeyId,
        person: PersonId,
        action: AuthenticatorAction,
        metadata: Metadata,
    ) -> Order<HostedKey> {
        let action = HostedKeyAction::Authenticator(person, action);
        Order::new(key, HostedKeyCommand { key, action }, metadata)
    }

    /// A hosted key as people see it.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn shown_key(&self, key: HostedKeyId, entry: &KeyEntry) -> Result<pb::HostedKey, AppError> {
        let mut certificates = Vec::new();
        for digest in &entry.certificates {
            certificates.extend(self.contents.certificate(*digest).await?);
        }
        Ok(pb::HostedKey {
            hosted_key_id: key.to_string(),
            uscc: entry.uscc.to_string(),
            custodian_id: entry.custodian.to_string(),
            certificates,
            certificate_requests: self.contents.requests(key).await?,
            authenticators: self.query.authenticators(key).await?,
        })
    }

    /// The proofs of each key, over a statement that is built here and names no document: it can never be one's
    /// signature.
    ///
    /// # Errors
    /// [`NotProved`].
    pub async fn prove_key(
        &self,
        key: HostedKeyId,
        entry: &KeyEntry,
        possession: Possession,
    ) -> Result<Vec<seal_pb::SignedStatement>, NotProved> {
        let statement = possession.encode().ok_or(NotProved::Terms)?;
        let mut proofs = Vec::new();
        for (suite, digest) in SUITES.into_iter().zip(&entry.certificates) {
            let certificate = self.contents.certificate(*digest).await.map_err(AppError::from)?;
            let certificate = certificate.ok_or(NotProved::NotCertified)?;
            let signature = self.hosting.sign(key, suite, statement.clone()).await.map_err(AppError::from)?;
            proofs.push(seal_pb::SignedStatement { statement: statement.clone(), signature, certificate });
        }
        if proofs.len() == SUITES.len() { Ok(proofs) } else { Err(NotProved::NotCertified) }
    }
}

fn fit(requests: &[Vec<u8>], uscc: &Uscc, certificates: &[Vec<u8>]) -> Result<(), Misfit> {
    if requests.len() != certificates.len() {
        return Err(Misfit::Count);
    }
    for (i, (request, certificate)) in requests.iter().zip(certificates).enumerate() {
        let certificate = Certificate::from_der(certificate).map_err(|_| Misfit::Malformed(i))?;
        let key = certificate.public_key().map_err(|_| Misfit::OtherKey(i))?;
        let request = CertificateRequest::from_der(request).map_err(|_| Misfit::OtherKey(i))?;
        if key != *request.public_key() {
            return Err(Misfit::OtherKey(i));
        }
        if !certificate.is_for_organization(uscc) {
            return Err(Misfit::OtherOrganization(i));
        }
        if !certificate.allows_signing() {
            return Err(Misfit::NotForSigning(i));
        }
    }
    Ok(())
}
