//! A small certificate authority for development, demonstrations and tests.
//!
//! One authority certifies either holders or makers, never both: a holder's authority that could also certify makers would let
//! any holder sign seals with another organization's picture.

use std::time::Duration;

use eseal_kernel::Timestamp;
use zeroize::Zeroizing;

use crate::asn1::writer;
use crate::certificate::{Certificate, CertificateError};
use crate::chain::Purpose;
use crate::crl::{Crl, CrlError, Revocation, RevocationReason};
use crate::csr::CertificateRequest;
use crate::extensions::{self, KeyUsage};
use crate::ocsp::{CertificateStatus, OcspError, OcspResponder};
use crate::oid::{self, MAKER_EKU};
use crate::pem;
use crate::public_key::{BadSignature, KeyError, PublicKey};
use crate::signing_key::SigningKey;
use crate::subject::{InvalidSubject, Subject};
use crate::suite::{SignError, Suite};
use crate::template::{self, Template};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Validity of the authority's own certificate: 20 years.
const ROOT_VALIDITY: Duration = DAY.saturating_mul(20 * 365 + 5);
/// Until the next list is due.
const CRL_VALIDITY: Duration = DAY.saturating_mul(30);
const KEY_LABEL: &str = "PRIVATE KEY";

/// A root key with its self-signed certificate, and what it has revoked.
#[derive(Debug)]
pub struct DevelopmentCa {
    key: SigningKey,
    certificate: Certificate,
    revocations: Vec<(String, Revocation)>,
}

/// Everything that an authority consists of, as three PEM texts.
pub struct CaFiles {
    /// PKCS #8, not encrypted.
    pub key: Zeroizing<String>,
    /// The self-signed certificate. That it lists [`MAKER_EKU`] makes it a maker authority.
    pub certificate: String,
    /// The revocation list.
    pub crl: String,
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
    /// A new authority named `name`, valid for 20 years from `now`.
    pub fn create(suite: Suite, name: &str, purpose: Purpose, now: Timestamp) -> Result<Self, CaError> {
        let key = SigningKey::generate(suite)?;
        let public_key = key.public_key();
        let name = Subject::named(name).to_der()?;
        let mut extensions = vec![
            template::basic_constraints(Some(Some(0))), // it certifies nobody who certifies others
            template::key_usage(KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN)),
            template::subject_key(&public_key),
        ];
        if purpose == Purpose::Maker {
            extensions.push(template::extended_usage(&MAKER_EKU));
        }
        let template = Template {
            serial: &serial()?,
            issuer: &name,
            subject: &name,
            not_before: now,
            not_after: now.plus(ROOT_VALIDITY),
            key: &public_key,
            extensions,
        };
        let certificate = Certificate::from_der(&template.sign(&key)?)?;
        Ok(Self { key, certificate, revocations: Vec::new() })
    }

    /// The root certificate, to be trusted for [`DevelopmentCa::purpose`].
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
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
        ];
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

    /// The list of everything revoked, due to be replaced in 30 days.
    pub fn crl(&self, now: Timestamp) -> Result<Crl, CaError> {
        self.crl_until(now, now.plus(CRL_VALIDITY))
    }

    /// The same, due to be replaced at `next`.
    pub fn crl_until(&self, now: Timestamp, next: Timestamp) -> Result<Crl, CaError> {
        // Seconds since 1970 grow from list to list, which is all that a CRL number has to do.
        let number = u32::try_from(now.seconds()).unwrap_or_default();
        Ok(Crl::create(&self.certificate, &self.key, &self.revocations, number, (now, next))?)
    }

    /// The authority as texts to be stored: the key in a place that only its owner can read.
    pub fn to_files(&self, now: Timestamp) -> Result<CaFiles, CaError> {
        Ok(CaFiles {
            key: Zeroizing::new(pem::encode(KEY_LABEL, &self.key.to_pkcs8_der())),
            certificate: self.certificate.to_pem(),
            crl: self.crl(now)?.to_pem(),
        })
    }

    /// The authority that was stored as these texts.
    pub fn from_files(files: &CaFiles) -> Result<Self, CaError> {
        let pkcs8 = pem::decode_all(KEY_LABEL, files.key.as_bytes()).next().flatten();
        let key = SigningKey::from_pkcs8_der(&pkcs8.ok_or(KeyError::Malformed("no PEM block PRIVATE KEY"))?)?;
        let certificate = Certificate::from_pem(files.certificate.as_bytes())?;
        if certificate.public_key()? != key.public_key() {
            return Err(CaError::OtherKey);
        }
        let crl = Crl::from_pem(files.crl.as_bytes())?;
        crl.verify(&certificate)?;
        Ok(Self { key, certificate, revocations: crl.revocations().collect() })
    }
}

/// 127 random bits (RFC 5280 §4.1.2.2 asks for at least 64 and for a positive number).
pub(crate) fn serial() -> Result<[u8; 16], KeyError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|_| KeyError::Random)?;
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(serial)
}
