//! A small certificate authority for development, demonstrations and tests.
//!
//! Each of its certificates has a mark that says so: see [`Certificate::is_for_development`]. One authority certifies either holders or makers, never both: a holder's authority that could also certify makers would let
//! any holder sign seals with another organization's picture.

mod addresses;
mod files;

use std::time::Duration;

use eseal_kernel::Timestamp;

use crate::asn1::writer;
use crate::certificate::{Certificate, CertificateError};
use crate::chain::Purpose;
use crate::crl::{Crl, CrlError, DeltaCrl, Revocation, RevocationReason};
use crate::csr::CertificateRequest;
use crate::extensions::{self, KeyUsage};
use crate::ocsp::{CertificateStatus, OcspError, OcspResponder};
use crate::oid::{self, MAKER_EKU};
use crate::public_key::{BadSignature, KeyError, PublicKey};
use crate::signing_key::{RsaBits, SigningKey};
use crate::subject::{InvalidSubject, Subject};
use crate::suite::{SignError, Suite};
use crate::template::{self, Template};

pub use addresses::Addresses;
pub use files::CaFiles;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Validity of the authority's own certificate: 20 years.
const ROOT_VALIDITY: Duration = DAY.saturating_mul(20 * 365 + 5);
/// Until the next list is due.
const CRL_VALIDITY: Duration = DAY.saturating_mul(30);

/// A key with its certificate, and what it has revoked.
#[derive(Debug)]
pub struct DevelopmentCa {
    key: SigningKey,
    certificate: Certificate,
    /// From the one that certified it up to the root; none where it is the root.
    above: Vec<Certificate>,
    addresses: Addresses,
    revocations: Vec<(String, Revocation)>,
    /// What was on hold and is no more, and since when.
    released: Vec<(String, Timestamp)>,
}

/// Why the authority does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaError {
    /// The name cannot stand in a certificate.
    #[error(transparent)]
    Subject(#[from] InvalidSubject),
    /// No key could be made, or the stored one cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The request was not signed with the key that it asks a certificate for.
    #[error("the request does not prove the possession of its key")]
    NoPossession,
    /// The stored or the made certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The stored or the made list cannot be read.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// No answer about a certificate was made.
    #[error(transparent)]
    Ocsp(#[from] OcspError),
    /// The stored key is not the one that the stored certificate certifies.
    #[error("the private key and the certificate of the authority do not belong together")]
    OtherKey,
}

impl From<BadSignature> for CaError {
    fn from(_: BadSignature) -> Self {
        Self::NoPossession
    }
}

impl DevelopmentCa {
    /// A new authority named `name`, valid for 20 years from `now`, which certifies holders or makers and no authorities.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn create(suite: Suite, name: &str, purpose: Purpose, now: Timestamp) -> Result<Self, CaError> {
        Self::create_root(suite, name, purpose, 0, now)
    }

    /// A new authority with at most `below` authorities under it, one under the other: see [`DevelopmentCa::create_under`].
    ///
    /// # Errors
    /// [`CaError`].
    pub fn create_root(
        suite: Suite,
        name: &str,
        purpose: Purpose,
        below: u32,
        now: Timestamp,
    ) -> Result<Self, CaError> {
        let key = new_key(suite)?;
        let name = Subject::named(name).to_der()?;
        let template = Template {
            serial: &serial()?,
            issuer: &name,
            subject: &name,
            not_before: now,
            not_after: now.plus(ROOT_VALIDITY),
            key: &key.public_key(),
            extensions: authority_extensions(&key.public_key(), below, purpose),
        };
        let certificate = Certificate::from_der(&template.sign(&key)?)?;
        let addresses = Addresses::default();
        let (above, revocations, released) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { key, certificate, above, addresses, revocations, released })
    }

    /// A new authority under `root`, for the same purpose and until the same end, which certifies no authorities.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn create_under(root: &Self, suite: Suite, name: &str, now: Timestamp) -> Result<Self, CaError> {
        let key = new_key(suite)?;
        let mut extensions = authority_extensions(&key.public_key(), 0, root.purpose());
        extensions.push(template::authority_key(&root.key.public_key()));
        extensions.extend(root.addresses.extensions());
        let template = Template {
            serial: &serial()?,
            issuer: root.certificate.raw_subject(),
            subject: &Subject::named(name).to_der()?,
            not_before: now,
            not_after: root.certificate.not_after(),
            key: &key.public_key(),
            extensions,
        };
        let certificate = Certificate::from_der(&template.sign(&root.key)?)?;
        let above = std::iter::once(&root.certificate).chain(&root.above).cloned().collect();
        let (addresses, revocations, released) = (Addresses::default(), Vec::new(), Vec::new());
        Ok(Self { key, certificate, above, addresses, revocations, released })
    }

    /// The same, naming in each certificate that it issues where to ask about it.
    #[must_use]
    pub fn at(self, addresses: Addresses) -> Self {
        Self { addresses, ..self }
    }

    /// Its own certificate; that of a root is to be trusted for [`DevelopmentCa::purpose`].
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificates above its own, up to the root.
    pub fn above(&self) -> &[Certificate] {
        &self.above
    }

    /// Whom it certifies.
    pub fn purpose(&self) -> Purpose {
        if self.certificate.has_eku(&MAKER_EKU) { Purpose::Maker } else { Purpose::Holder }
    }

    /// Certifies a key of either suite from `now` on for `validity`, though not beyond the authority's own end.
    ///
    /// The certificate allows signing documents (digitalSignature, nonRepudiation); a maker authority's lists [`MAKER_EKU`] too.
    /// Whether the subject has the private half is the caller's to know: [`DevelopmentCa::issue_for_request`] asks for proof.
    pub fn issue(
        &self,
        key: &PublicKey,
        subject: &Subject,
        validity: Duration,
        now: Timestamp,
    ) -> Result<Certificate, CaError> {
        let mut extensions = Vec::new();
        if self.purpose() == Purpose::Maker {
            extensions.push(template::extended_usage(&MAKER_EKU));
        }
        self.issue_with(key, subject, (now, validity), extensions)
    }

    /// Certifies the key of a time stamping authority (RFC 3161 §2.3).
    pub fn issue_time_stamper(
        &self,
        key: &PublicKey,
        common_name: &str,
        validity: Duration,
        now: Timestamp,
    ) -> Result<Certificate, CaError> {
        let reserved = vec![template::reserved_for(&oid::KP_TIME_STAMPING)];
        self.issue_with(key, &Subject::named(common_name), (now, validity), reserved)
    }

    /// Certifies the key of somebody who answers for this authority what it revoked (RFC 6960 §4.2.2.2). The certificate is
    /// not to be checked for revocation itself, so it should be short-lived.
    pub fn issue_ocsp_responder(
        &self,
        key: &PublicKey,
        common_name: &str,
        validity: Duration,
        now: Timestamp,
    ) -> Result<Certificate, CaError> {
        let no_check = extensions::write(&oid::OCSP_NO_CHECK, false, &writer::null());
        let more = vec![template::extended_usage(&oid::KP_OCSP_SIGNING), no_check];
        self.issue_with(key, &Subject::named(common_name), (now, validity), more)
    }

    /// Answers an OCSP request as received with what was revoked; what was not is good, whoever asks. The answer may be relied
    /// upon for a day.
    ///
    /// # Errors
    /// [`CaError::Ocsp`] where the key does not sign.
    pub fn respond(&self, request: &[u8], now: Timestamp) -> Result<Vec<u8>, CaError> {
        let responder = OcspResponder::try_new(&self.key, &self.certificate, &self.certificate)?;
        Ok(responder.respond(request, |serial| self.status_of(serial), now, DAY)?)
    }

    fn status_of(&self, serial_hex: &str) -> CertificateStatus {
        let found = self.revocations.iter().find(|(serial, _)| serial == serial_hex);
        found.map_or(CertificateStatus::Good, |(_, revocation)| CertificateStatus::Revoked(*revocation))
    }

    /// Certifies a key for signing, from a moment on for a while.
    fn issue_with(
        &self,
        key: &PublicKey,
        subject: &Subject,
        (now, validity): (Timestamp, Duration),
        more: Vec<Vec<u8>>,
    ) -> Result<Certificate, CaError> {
        let mut extensions = vec![
            template::basic_constraints(None),
            template::key_usage(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::NON_REPUDIATION)),
            template::subject_key(key),
            template::authority_key(&self.key.public_key()),
            template::development_mark(),
        ];
        extensions.extend(self.addresses.extensions());
        extensions.extend(more);
        let template = Template {
            serial: &serial()?,
            issuer: self.certificate.raw_subject(),
            subject: &subject.to_der()?,
            not_before: now,
            not_after: now.plus(validity).min(self.certificate.not_after()),
            key,
            extensions,
        };
        Ok(Certificate::from_der(&template.sign(&self.key)?)?)
    }

    /// Certifies the key of a request that proves its possession. The subject is what the authority knows, not what is asked for.
    pub fn issue_for_request(
        &self,
        request: &CertificateRequest,
        subject: &Subject,
        validity: Duration,
        now: Timestamp,
    ) -> Result<Certificate, CaError> {
        request.verify()?;
        self.issue(request.public_key(), subject, validity, now)
    }

    /// Revokes a certificate from `now` on. The first revocation of a serial number stands; a hold can become final.
    pub fn revoke(&mut self, serial_hex: &str, reason: RevocationReason, now: Timestamp) {
        let revocation = Revocation { since: now, reason };
        match self.revocations.iter_mut().find(|(serial, _)| serial == serial_hex) {
            None => self.revocations.push((serial_hex.to_owned(), revocation)),
            Some((_, earlier)) if !earlier.reason.is_final() => earlier.reason = reason,
            Some(_) => {}
        }
    }

    /// Ends a hold at `now`. [`DevelopmentCa::changes`] tell of it, though not those of an authority that was stored meanwhile: its
    /// list just has the certificate no more.
    pub fn release(&mut self, serial_hex: &str, now: Timestamp) {
        let is_held = |(serial, one): &(String, Revocation)| serial == serial_hex && !one.reason.is_final();
        let before = self.revocations.len();
        self.revocations.retain(|one| !is_held(one));
        if self.revocations.len() < before {
            self.released.push((serial_hex.to_owned(), now));
        }
    }

    /// The list of everything revoked, due to be replaced in 30 days. It names where its changes are, if certificates do.
    pub fn crl(&self, now: Timestamp) -> Result<Crl, CaError> {
        self.crl_until(now, now.plus(CRL_VALIDITY))
    }

    /// The same, due to be replaced at `next`.
    pub fn crl_until(&self, now: Timestamp, next: Timestamp) -> Result<Crl, CaError> {
        let (number, changes) = (number_of(now), self.addresses.changes.as_deref());
        Ok(Crl::create(&self.certificate, &self.key, &self.revocations, number, (now, next), changes)?)
    }

    /// What was revoked or released since `since`, for whoever has a list of that moment or a later one; due to be replaced in a day.
    ///
    /// # Errors
    /// [`CaError::Crl`].
    pub fn changes(&self, since: Timestamp, now: Timestamp) -> Result<DeltaCrl, CaError> {
        self.changes_until(since, now, now.plus(DAY))
    }

    /// The same, due to be replaced at `next`.
    ///
    /// # Errors
    /// [`CaError::Crl`].
    pub fn changes_until(&self, since: Timestamp, now: Timestamp, next: Timestamp) -> Result<DeltaCrl, CaError> {
        let new = |(_, revocation): &&(String, Revocation)| revocation.since >= since.whole_seconds();
        let revoked: Vec<_> = self.revocations.iter().filter(new).cloned().collect();
        // What was put on hold again since is among what is revoked.
        let lifted = self.released.iter().filter(|(serial, at)| {
            *at >= since.whole_seconds() && !self.revocations.iter().any(|(revoked, _)| revoked == serial)
        });
        let lifted: Vec<_> = lifted.map(|(serial, _)| serial.clone()).collect();
        let numbers = (number_of(since), number_of(now));
        Ok(DeltaCrl::create(&self.certificate, &self.key, (&revoked, &lifted), numbers, (now, next))?)
    }
}

fn new_key(suite: Suite) -> Result<SigningKey, KeyError> {
    if suite.is_rsa() { SigningKey::generate_rsa(RsaBits::Rsa3072) } else { SigningKey::generate(suite) }
}

/// Seconds since 1970 grow from list to list, which is all that the number of a list has to do.
fn number_of(moment: Timestamp) -> u32 {
    u32::try_from(moment.seconds()).unwrap_or_default()
}

fn authority_extensions(key: &PublicKey, below: u32, purpose: Purpose) -> Vec<Vec<u8>> {
    let mut extensions = vec![
        template::basic_constraints(Some(Some(below))),
        template::key_usage(KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN)),
        template::subject_key(key),
        template::development_mark(),
    ];
    if purpose == Purpose::Maker {
        extensions.push(template::extended_usage(&MAKER_EKU));
    }
    extensions
}

/// 127 random bits (RFC 5280 §4.1.2.2 asks for at least 64 and for a positive number).
pub(crate) fn serial() -> Result<[u8; 16], KeyError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|_| KeyError::Random)?;
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(serial)
}
